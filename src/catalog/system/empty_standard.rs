//! The views of `information_schema` about kinds of objects that there are not: triggers,
//! foreign tables; and about what is not told: which columns and types are domains'.

use super::INFORMATION_SCHEMA;
use super::definition::{Definition, none};

const fn empty(oid: u32, name: &'static str, columns: &'static str) -> Definition {
    Definition { oid, schema: INFORMATION_SCHEMA, name, columns, rows: none }
}

pub(super) const RELATIONS: &[Definition] = &[
    empty(
        13_100,
        "attributes",
        "udt_catalog name, udt_schema name, udt_name name, attribute_name name, \
         ordinal_position int4, attribute_default varchar, is_nullable varchar, data_type \
         varchar, character_maximum_length int4, character_octet_length int4, \
         character_set_catalog name, character_set_schema name, character_set_name name, \
         collation_catalog name, collation_schema name, collation_name name, \
         numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
         datetime_precision int4, interval_type varchar, interval_precision int4, \
         attribute_udt_catalog name, attribute_udt_schema name, attribute_udt_name name, \
         scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, \
         dtd_identifier name, is_derived_reference_attribute varchar",
    ),
    empty(
        13_101,
        "check_constraint_routine_usage",
        "constraint_catalog name, constraint_schema name, constraint_name name, \
         specific_catalog name, specific_schema name, specific_name name",
    ),
    empty(
        13_102,
        "column_column_usage",
        "table_catalog name, table_schema name, table_name name, column_name name, \
         dependent_column name",
    ),
    empty(
        13_103,
        "column_domain_usage",
        "domain_catalog name, domain_schema name, domain_name name, table_catalog name, \
         table_schema name, table_name name, column_name name",
    ),
    empty(
        13_104,
        "column_options",
        "table_catalog name, table_schema name, table_name name, column_name name, \
         option_name name, option_value varchar",
    ),
    empty(
        13_105,
        "column_udt_usage",
        "udt_catalog name, udt_schema name, udt_name name, table_catalog name, table_schema \
         name, table_name name, column_name name",
    ),
    empty(
        13_107,
        "domain_udt_usage",
        "udt_catalog name, udt_schema name, udt_name name, domain_catalog name, domain_schema \
         name, domain_name name",
    ),
    empty(
        13_109,
        "foreign_data_wrapper_options",
        "foreign_data_wrapper_catalog name, foreign_data_wrapper_name name, option_name name, \
         option_value varchar",
    ),
    empty(
        13_110,
        "foreign_data_wrappers",
        "foreign_data_wrapper_catalog name, foreign_data_wrapper_name name, \
         authorization_identifier name, library_name varchar, foreign_data_wrapper_language \
         varchar",
    ),
    empty(
        13_111,
        "foreign_server_options",
        "foreign_server_catalog name, foreign_server_name name, option_name name, \
         option_value varchar",
    ),
    empty(
        13_112,
        "foreign_servers",
        "foreign_server_catalog name, foreign_server_name name, foreign_data_wrapper_catalog \
         name, foreign_data_wrapper_name name, foreign_server_type varchar, \
         foreign_server_version varchar, authorization_identifier name",
    ),
    empty(
        13_113,
        "foreign_table_options",
        "foreign_table_catalog name, foreign_table_schema name, foreign_table_name name, \
         option_name name, option_value varchar",
    ),
    empty(
        13_114,
        "foreign_tables",
        "foreign_table_catalog name, foreign_table_schema name, foreign_table_name name, \
         foreign_server_catalog name, foreign_server_name name",
    ),
    empty(
        13_116,
        "role_routine_grants",
        "grantor name, grantee name, specific_catalog name, specific_schema name, \
         specific_name name, routine_catalog name, routine_schema name, routine_name name, \
         privilege_type varchar, is_grantable varchar",
    ),
    empty(
        13_117,
        "role_udt_grants",
        "grantor name, grantee name, udt_catalog name, udt_schema name, udt_name name, \
         privilege_type varchar, is_grantable varchar",
    ),
    empty(
        13_118,
        "routine_column_usage",
        "specific_catalog name, specific_schema name, specific_name name, routine_catalog \
         name, routine_schema name, routine_name name, table_catalog name, table_schema name, \
         table_name name, column_name name",
    ),
    empty(
        13_119,
        "routine_privileges",
        "grantor name, grantee name, specific_catalog name, specific_schema name, \
         specific_name name, routine_catalog name, routine_schema name, routine_name name, \
         privilege_type varchar, is_grantable varchar",
    ),
    empty(
        13_120,
        "routine_routine_usage",
        "specific_catalog name, specific_schema name, specific_name name, routine_catalog \
         name, routine_schema name, routine_name name",
    ),
    empty(
        13_121,
        "routine_sequence_usage",
        "specific_catalog name, specific_schema name, specific_name name, routine_catalog \
         name, routine_schema name, routine_name name, sequence_catalog name, sequence_schema \
         name, sequence_name name",
    ),
    empty(
        13_122,
        "routine_table_usage",
        "specific_catalog name, specific_schema name, specific_name name, routine_catalog \
         name, routine_schema name, routine_name name, table_catalog name, table_schema name, \
         table_name name",
    ),
    empty(
        13_124,
        "transforms",
        "udt_catalog name, udt_schema name, udt_name name, specific_catalog name, \
         specific_schema name, specific_name name, group_name name, transform_type varchar",
    ),
    empty(
        13_125,
        "triggered_update_columns",
        "trigger_catalog name, trigger_schema name, trigger_name name, event_object_catalog \
         name, event_object_schema name, event_object_table name, event_object_column name",
    ),
    empty(
        13_126,
        "triggers",
        "trigger_catalog name, trigger_schema name, trigger_name name, event_manipulation \
         varchar, event_object_catalog name, event_object_schema name, event_object_table \
         name, action_order int4, action_condition varchar, action_statement varchar, \
         action_orientation varchar, action_timing varchar, action_reference_old_table name, \
         action_reference_new_table name, action_reference_old_row name, \
         action_reference_new_row name, created timestamptz",
    ),
    empty(
        13_127,
        "udt_privileges",
        "grantor name, grantee name, udt_catalog name, udt_schema name, udt_name name, \
         privilege_type varchar, is_grantable varchar",
    ),
    empty(
        13_128,
        "user_defined_types",
        "user_defined_type_catalog name, user_defined_type_schema name, \
         user_defined_type_name name, user_defined_type_category varchar, is_instantiable \
         varchar, is_final varchar, ordering_form varchar, ordering_category varchar, \
         ordering_routine_catalog name, ordering_routine_schema name, ordering_routine_name \
         name, reference_type varchar, data_type varchar, character_maximum_length int4, \
         character_octet_length int4, character_set_catalog name, character_set_schema name, \
         character_set_name name, collation_catalog name, collation_schema name, \
         collation_name name, numeric_precision int4, numeric_precision_radix int4, \
         numeric_scale int4, datetime_precision int4, interval_type varchar, \
         interval_precision int4, source_dtd_identifier name, ref_dtd_identifier name",
    ),
    empty(
        13_129,
        "user_mapping_options",
        "authorization_identifier name, foreign_server_catalog name, foreign_server_name \
         name, option_name name, option_value varchar",
    ),
    empty(
        13_130,
        "user_mappings",
        "authorization_identifier name, foreign_server_catalog name, foreign_server_name name",
    ),
    empty(
        13_131,
        "view_routine_usage",
        "table_catalog name, table_schema name, table_name name, specific_catalog name, \
         specific_schema name, specific_name name",
    ),
];
