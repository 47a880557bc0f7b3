//! `information_schema`: tables, columns, schemata and keys by the SQL standard's names.

use crate::catalog::access::Object;
use crate::catalog::{ColumnDef, IdentityDef, SequenceDef, TableDef, TypeDef};
use crate::types::PgType;

use super::INFORMATION_SCHEMA;
use super::cell::{Cell, NULL, row};
use super::definition::{Definition, Row};
use super::describe;
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: 13_001,
        schema: INFORMATION_SCHEMA,
        name: "tables",
        columns: "table_catalog name, table_schema name, table_name name, table_type varchar, \
                  self_referencing_column_name name, reference_generation varchar, \
                  user_defined_type_catalog name, user_defined_type_schema name, \
                  user_defined_type_name name, is_insertable_into varchar, is_typed varchar, \
                  commit_action varchar",
        rows: tables,
    },
    Definition {
        oid: 13_002,
        schema: INFORMATION_SCHEMA,
        name: "columns",
        columns: "table_catalog name, table_schema name, table_name name, column_name name, \
                  ordinal_position int4, column_default varchar, is_nullable varchar, \
                  data_type varchar, character_maximum_length int4, \
                  character_octet_length int4, numeric_precision int4, \
                  numeric_precision_radix int4, numeric_scale int4, datetime_precision int4, \
                  domain_catalog name, domain_schema name, domain_name name, \
                  udt_catalog name, udt_schema name, udt_name name, is_identity varchar, \
                  identity_generation varchar, identity_start varchar, \
                  identity_increment varchar, identity_maximum varchar, identity_minimum varchar, \
                  identity_cycle varchar, is_generated varchar, \
                  generation_expression varchar, is_updatable varchar, collation_name name",
        rows: columns,
    },
    Definition {
        oid: 13_003,
        schema: INFORMATION_SCHEMA,
        name: "schemata",
        columns: "catalog_name name, schema_name name, schema_owner name, \
                  default_character_set_catalog name, default_character_set_schema name, \
                  default_character_set_name name, sql_path varchar",
        rows: schemata,
    },
    Definition {
        oid: 13_004,
        schema: INFORMATION_SCHEMA,
        name: "key_column_usage",
        columns: "constraint_catalog name, constraint_schema name, constraint_name name, \
                  table_catalog name, table_schema name, table_name name, column_name name, \
                  ordinal_position int4, position_in_unique_constraint int4",
        rows: key_column_usage,
    },
    Definition {
        oid: 13_005,
        schema: INFORMATION_SCHEMA,
        name: "table_constraints",
        columns: "constraint_catalog name, constraint_schema name, constraint_name name, \
                  table_catalog name, table_schema name, table_name name, \
                  constraint_type varchar, is_deferrable varchar, \
                  initially_deferred varchar, enforced varchar, nulls_distinct varchar",
        rows: table_constraints,
    },
    Definition {
        oid: 13_006,
        schema: INFORMATION_SCHEMA,
        name: "views",
        columns: "table_catalog name, table_schema name, table_name name, \
                  view_definition varchar, check_option varchar, is_updatable varchar",
        rows: views,
    },
];

fn yes(value: bool) -> &'static str {
    if value { "YES" } else { "NO" }
}

fn tables(facts: &Facts) -> Vec<Row> {
    let row = |schema: &str, name: &str, kind: &str, insertable: bool| {
        row![
            facts.database(),
            schema,
            name,
            kind,
            NULL,
            NULL,
            NULL,
            NULL,
            NULL,
            yes(insertable),
            "NO",
            NULL,
        ]
    };
    let access = facts.access();
    let mut rows = Vec::new();
    let tables = facts.tables().into_iter().filter(|t| t.definition.materialized.is_none());
    for table in tables.filter(|table| access.may_anything(table.oid())) {
        let schema = facts.catalog().schema_name(table.definition.schema);
        let temporary = facts.catalog().schema(schema).is_some_and(|s| s.temporary.is_some());
        let kind = if temporary { "LOCAL TEMPORARY" } else { "BASE TABLE" };
        rows.push(row(schema, &table.definition.name, kind, true));
    }
    for view in facts.views().into_iter().filter(|view| access.may_anything(view.oid)) {
        rows.push(row(facts.catalog().schema_name(view.schema), &view.name, "VIEW", false));
    }
    for system in super::definitions() {
        let kind = if system.schema == INFORMATION_SCHEMA { "VIEW" } else { "BASE TABLE" };
        rows.push(row(system.schema, system.name, kind, false));
    }
    rows
}

/// Precision, radix and scale of a number.
pub(super) fn numeric(ty: &PgType) -> (Option<i32>, Option<i32>, Option<i32>) {
    match ty {
        PgType::Int2 => (Some(16), Some(2), Some(0)),
        PgType::Int4 => (Some(32), Some(2), Some(0)),
        PgType::Int8 => (Some(64), Some(2), Some(0)),
        PgType::Float4 => (Some(24), Some(2), None),
        PgType::Float8 => (Some(53), Some(2), None),
        PgType::Numeric(Some((precision, scale))) => {
            (Some(i32::from(*precision)), Some(10), Some(i32::from(*scale)))
        }
        PgType::Numeric(None) => (None, Some(10), None),
        _ => (None, None, None),
    }
}

/// What `data_type` calls a type.
pub(super) fn data_type(ty: &PgType) -> String {
    match ty {
        PgType::Array(_) => "ARRAY".to_owned(),
        PgType::Vector(_) | PgType::Halfvec(_) | PgType::Sparsevec(_) | PgType::Enum(_) => {
            "USER-DEFINED".to_owned()
        }
        other => other.bare().sql_name(),
    }
}

/// A column's row, after the names.
fn column(
    facts: &Facts,
    (ty, domain): (&PgType, Option<(&str, &str)>),
    (default, generated): (Cell, Cell),
    not_null: bool,
    identity: Option<(&IdentityDef, &SequenceDef)>,
) -> Row {
    let when = identity.map(|(of, _)| if of.always { "ALWAYS" } else { "BY DEFAULT" });
    let of_sequence = |number: fn(&SequenceDef) -> i64| {
        identity.map(|(_, sequence)| number(sequence).to_string())
    };
    let length = match ty {
        PgType::Varchar(length)
        | PgType::Bpchar(length)
        | PgType::Bit(length)
        | PgType::Varbit(length) => *length,
        _ => None,
    };
    let octets = match ty {
        PgType::Text => Some(1_073_741_824),
        PgType::Bit(_) | PgType::Varbit(_) => None,
        _ => length.map(|length| length.saturating_mul(4)),
    };
    let (precision, radix, scale) = numeric(ty);
    let time =
        matches!(ty, PgType::Time | PgType::Timestamp | PgType::Timestamptz | PgType::Interval);
    let datetime = if time { Some(6) } else { (*ty == PgType::Date).then_some(0) };
    let schema = match ty.element().unwrap_or(ty) {
        PgType::Enum(of) => of.facts().schema.as_str(),
        _ if super::pg_type::namespace(ty) == 11 => "pg_catalog",
        _ => "public",
    };
    row![
        default,
        yes(!not_null),
        data_type(ty),
        length,
        octets,
        precision,
        radix,
        scale,
        datetime,
        domain.map(|_| facts.database()),
        domain.map(|(schema, _)| schema),
        domain.map(|(_, name)| name),
        facts.database(),
        schema,
        ty.name(),
        yes(identity.is_some()),
        when,
        of_sequence(|sequence| sequence.start),
        of_sequence(|sequence| sequence.increment),
        of_sequence(|sequence| sequence.max),
        of_sequence(|sequence| sequence.min),
        yes(identity.is_some_and(|(_, sequence)| sequence.cycle)),
        if generated.is_some() { "ALWAYS" } else { "NEVER" },
        generated,
        "YES",
        NULL,
    ]
}

fn columns(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    let names = |schema: &str, table: &str, name: &str, position: i32| {
        row![facts.database(), schema, table, name, position]
    };
    let access = facts.access();
    for table in facts.tables().into_iter().filter(|t| t.definition.materialized.is_none()) {
        let definition = &table.definition;
        let schema = facts.catalog().schema_name(definition.schema);
        let Some(object) = Object::Relation(definition.oid).find(facts.catalog()) else { continue };
        let shown = |column: &&ColumnDef| {
            access.has_role(object.owner)
                || !access.column_privileges(&object, column.id).is_empty()
        };
        for defined in definition.columns.iter().filter(shown) {
            let mut row = names(schema, &definition.name, &defined.name, defined.id.0);
            let identity = defined.identity.as_ref();
            let default = if identity.is_some() { None } else { describe::default(defined) };
            let identity = identity.and_then(|of| {
                let sequence = facts.catalog().sequences.get(&of.sequence)?;
                Some((of, sequence.as_ref()))
            });
            let ty = defined.ty.pg_type();
            let values = match defined.generated {
                true => (None, default),
                false => (default, None),
            };
            let domain = defined.ty.domain().map(|domain| (&*domain.schema, &*domain.name));
            row.extend(column(facts, (&ty, domain), values, defined.not_null, identity));
            rows.push(row);
        }
    }
    let mut plain = |schema: &str, relation: &str, columns: Vec<(&str, PgType)>| {
        for (position, (name, ty)) in (1..).zip(columns) {
            let mut row = names(schema, relation, name, position);
            row.extend(column(facts, (&ty, None), (None, None), false, None));
            rows.push(row);
        }
    };
    for view in facts.views().into_iter().filter(|view| access.may_anything(view.oid)) {
        let typed = |(name, ty): &'_ (String, TypeDef)| (name.clone(), ty.pg_type());
        let columns: Vec<(String, PgType)> = view.columns.iter().map(typed).collect();
        let columns = columns.iter().map(|(name, ty)| (name.as_str(), ty.clone())).collect();
        plain(facts.catalog().schema_name(view.schema), &view.name, columns);
    }
    for system in super::definitions() {
        plain(system.schema, system.name, system.columns());
    }
    rows
}

fn schemata(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let schemas = facts.catalog().schemas.values();
    let mut schemas: Vec<_> = schemas.filter(|schema| access.has_role(schema.owner)).collect();
    schemas.sort_by_key(|schema| schema.oid);
    let row = |schema: &std::sync::Arc<crate::catalog::SchemaDef>| {
        let owner = facts.role_name(schema.owner);
        row![facts.database(), &schema.name, owner, NULL, NULL, NULL, NULL]
    };
    schemas.into_iter().map(row).collect()
}

fn key_column_usage(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let mut rows = Vec::new();
    for table in facts.tables().into_iter().filter(|table| access.may_anything(table.oid())) {
        let definition: &TableDef = &table.definition;
        let schema = facts.catalog().schema_name(definition.schema);
        let keys = definition.keys.iter().filter(|key| !key.index_only);
        let keys = keys.map(|key| (&key.name, &key.columns, false));
        let foreign = definition.foreign_keys.iter().map(|key| (&key.name, &key.columns, true));
        for (name, columns, foreign) in keys.chain(foreign) {
            for (position, id) in (1..).zip(columns) {
                let Some(column) = definition.column_by_id(*id) else { continue };
                let database = facts.database();
                let matched: Option<i32> = foreign.then_some(position);
                rows.push(row![
                    database,
                    schema,
                    name,
                    database,
                    schema,
                    &definition.name,
                    &column.name,
                    position,
                    matched,
                ]);
            }
        }
    }
    rows
}

fn table_constraints(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let mut rows = Vec::new();
    for table in facts.tables().into_iter().filter(|table| access.may_anything(table.oid())) {
        let definition = &table.definition;
        let schema = facts.catalog().schema_name(definition.schema);
        let database = facts.database();
        let mut add = |name: &str, kind: &str, distinct: Option<&str>| {
            let table = &definition.name;
            rows.push(row![
                database, schema, name, database, schema, table, kind, "NO", "NO", "YES", distinct
            ]);
        };
        for key in definition.keys.iter().filter(|key| !key.index_only) {
            let distinct = (!key.primary).then(|| yes(!key.nulls_not_distinct));
            add(&key.name, if key.primary { "PRIMARY KEY" } else { "UNIQUE" }, distinct);
        }
        definition.foreign_keys.iter().for_each(|key| add(&key.name, "FOREIGN KEY", None));
        definition.checks.iter().for_each(|check| add(&check.name, "CHECK", None));
    }
    rows
}

fn views(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let row = |view: &crate::catalog::ViewDef| {
        let schema = facts.catalog().schema_name(view.schema);
        // The definition is for the owner.
        let query = access.has_role(view.owner).then_some(&view.query);
        row![facts.database(), schema, &view.name, query, "NONE", "NO"]
    };
    let views = facts.views().into_iter().filter(|view| access.may_anything(view.oid));
    views.map(row).collect()
}
