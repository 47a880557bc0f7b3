//! `information_schema.routines` and `parameters`: the functions that users defined.

use super::INFORMATION_SCHEMA;
use super::cell::{Cell, IntoCell, NULL};
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::information_schema::data_type;
use super::{pg_type, user_functions};
use crate::base::Oid;
use crate::catalog::access::{Object, Privileges};
use crate::catalog::{ArgumentMode, BodyForm, FunctionDef, Volatility};
use crate::types::PgType;

pub(super) const RELATIONS: &[Definition] = &[PARAMETERS, ROUTINES];

const PARAMETERS: Definition = Definition {
    oid: 13_115,
    schema: INFORMATION_SCHEMA,
    name: "parameters",
    columns: "specific_catalog name, specific_schema name, specific_name name, ordinal_position \
                  int4, parameter_mode varchar, is_result varchar, as_locator varchar, parameter_name \
                  name, data_type varchar, character_maximum_length int4, character_octet_length int4, \
                  character_set_catalog name, character_set_schema name, character_set_name name, \
                  collation_catalog name, collation_schema name, collation_name name, \
                  numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
                  datetime_precision int4, interval_type varchar, interval_precision int4, udt_catalog \
                  name, udt_schema name, udt_name name, scope_catalog name, scope_schema name, \
                  scope_name name, maximum_cardinality int4, dtd_identifier name, parameter_default \
                  varchar",
    rows: parameters,
};

const ROUTINES: Definition = Definition {
    oid: 13_123,
    schema: INFORMATION_SCHEMA,
    name: "routines",
    columns: "specific_catalog name, specific_schema name, specific_name name, routine_catalog \
                  name, routine_schema name, routine_name name, routine_type varchar, module_catalog \
                  name, module_schema name, module_name name, udt_catalog name, udt_schema name, \
                  udt_name name, data_type varchar, character_maximum_length int4, \
                  character_octet_length int4, character_set_catalog name, character_set_schema name, \
                  character_set_name name, collation_catalog name, collation_schema name, \
                  collation_name name, numeric_precision int4, numeric_precision_radix int4, \
                  numeric_scale int4, datetime_precision int4, interval_type varchar, \
                  interval_precision int4, type_udt_catalog name, type_udt_schema name, type_udt_name \
                  name, scope_catalog name, scope_schema name, scope_name name, maximum_cardinality \
                  int4, dtd_identifier name, routine_body varchar, routine_definition varchar, \
                  external_name varchar, external_language varchar, parameter_style varchar, \
                  is_deterministic varchar, sql_data_access varchar, is_null_call varchar, sql_path \
                  varchar, schema_level_routine varchar, max_dynamic_result_sets int4, \
                  is_user_defined_cast varchar, is_implicitly_invocable varchar, security_type \
                  varchar, to_sql_specific_catalog name, to_sql_specific_schema name, \
                  to_sql_specific_name name, as_locator varchar, created timestamptz, last_altered \
                  timestamptz, new_savepoint_level varchar, is_udt_dependent varchar, \
                  result_cast_from_data_type varchar, result_cast_as_locator varchar, \
                  result_cast_char_max_length int4, result_cast_char_octet_length int4, \
                  result_cast_char_set_catalog name, result_cast_char_set_schema name, \
                  result_cast_char_set_name name, result_cast_collation_catalog name, \
                  result_cast_collation_schema name, result_cast_collation_name name, \
                  result_cast_numeric_precision int4, result_cast_numeric_precision_radix int4, \
                  result_cast_numeric_scale int4, result_cast_datetime_precision int4, \
                  result_cast_interval_type varchar, result_cast_interval_precision int4, \
                  result_cast_type_udt_catalog name, result_cast_type_udt_schema name, \
                  result_cast_type_udt_name name, result_cast_scope_catalog name, \
                  result_cast_scope_schema name, result_cast_scope_name name, \
                  result_cast_maximum_cardinality int4, result_cast_dtd_identifier name",
    rows: routines,
};

/// A row of those columns that have something to say.
fn named(definition: &Definition, cells: Vec<(&str, Cell)>) -> Row {
    let columns = definition.columns().into_iter();
    columns
        .map(|(column, _)| {
            let known = cells.iter().find(|(name, _)| *name == column);
            known.map_or(NULL, |(_, cell)| cell.clone())
        })
        .collect()
}

/// The functions that the session's role may call.
fn visible(facts: &Facts) -> Vec<&FunctionDef> {
    let access = facts.access();
    let mut functions = facts.functions();
    functions.retain(|function| access.may(Object::Function(function.oid), Privileges::EXECUTE));
    functions
}

fn specific(facts: &Facts, function: &FunctionDef) -> Vec<(&'static str, Cell)> {
    vec![
        ("specific_catalog", facts.database().cell()),
        ("specific_schema", facts.catalog().schema_name(function.schema).cell()),
        ("specific_name", format!("{}_{}", function.name, function.oid).cell()),
    ]
}

/// What is told of a type.
fn typed(facts: &Facts, oid: Oid) -> Vec<(&'static str, Cell)> {
    let Some(ty) = facts.catalog().type_of(oid) else {
        return vec![("data_type", "USER-DEFINED".cell())];
    };
    let (schema, name) = match &ty {
        PgType::Enum(of) => (of.facts().schema.clone(), of.facts().name.clone()),
        _ if pg_type::namespace(&ty) == 11 => ("pg_catalog".to_owned(), ty.name().to_owned()),
        _ => ("public".to_owned(), ty.name().to_owned()),
    };
    vec![
        ("data_type", data_type(&ty).cell()),
        ("udt_catalog", facts.database().cell()),
        ("udt_schema", schema.cell()),
        ("udt_name", name.cell()),
    ]
}

fn yes(value: bool) -> Cell {
    Some(if value { "YES" } else { "NO" }.to_owned())
}

fn parameters(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for function in visible(facts) {
        for (number, argument) in (1_usize..).zip(&function.arguments) {
            let mode = match argument.mode {
                ArgumentMode::In => "IN",
                ArgumentMode::Out | ArgumentMode::Table => "OUT",
                ArgumentMode::InOut => "INOUT",
            };
            let mut cells = specific(facts, function);
            cells.extend(typed(facts, argument.ty.oid));
            cells.extend([
                ("ordinal_position", number.cell()),
                ("parameter_mode", mode.cell()),
                ("is_result", "NO".cell()),
                ("as_locator", "NO".cell()),
                ("parameter_name", argument.name.clone().cell()),
                ("dtd_identifier", number.cell()),
                ("parameter_default", argument.default.clone().cell()),
            ]);
            rows.push(named(&PARAMETERS, cells));
        }
    }
    rows
}

fn routines(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let row = |function: &FunctionDef| {
        let body = match function.form {
            BodyForm::Text => function.body.clone(),
            BodyForm::Return | BodyForm::Atomic => user_functions::body(function),
        };
        let own = access.has_role(function.owner);
        let mut cells = specific(facts, function);
        cells.extend(typed(facts, user_functions::result_type(function)));
        let security = if function.security_definer { "DEFINER" } else { "INVOKER" };
        cells.extend([
            ("routine_catalog", facts.database().cell()),
            ("routine_schema", facts.catalog().schema_name(function.schema).cell()),
            ("routine_name", (&function.name).cell()),
            ("routine_type", "FUNCTION".cell()),
            ("dtd_identifier", "0".cell()),
            ("routine_body", "SQL".cell()),
            ("routine_definition", own.then_some(body).cell()),
            ("external_language", "SQL".cell()),
            ("parameter_style", "GENERAL".cell()),
            ("is_deterministic", yes(function.volatility == Volatility::Immutable)),
            ("sql_data_access", "MODIFIES".cell()),
            ("is_null_call", yes(function.strict)),
            ("schema_level_routine", "YES".cell()),
            ("max_dynamic_result_sets", "0".cell()),
            ("security_type", security.cell()),
            ("as_locator", "NO".cell()),
            ("is_udt_dependent", "NO".cell()),
        ]);
        named(&ROUTINES, cells)
    };
    visible(facts).into_iter().map(row).collect()
}
