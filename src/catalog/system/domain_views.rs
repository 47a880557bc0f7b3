//! `information_schema.domains` and `domain_constraints`.

use super::INFORMATION_SCHEMA;
use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::information_schema::{data_type, numeric};
use crate::types::PgType;

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: 13_020,
        schema: INFORMATION_SCHEMA,
        name: "domains",
        columns: "domain_catalog name, domain_schema name, domain_name name, data_type varchar, \
                  character_maximum_length int4, collation_name name, domain_default varchar, \
                  numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
                  udt_catalog name, udt_schema name, udt_name name",
        rows: domains,
    },
    Definition {
        oid: 13_021,
        schema: INFORMATION_SCHEMA,
        name: "domain_constraints",
        columns: "constraint_catalog name, constraint_schema name, constraint_name name, \
                  domain_catalog name, domain_schema name, domain_name name, \
                  is_deferrable varchar, initially_deferred varchar",
        rows: constraints,
    },
];

fn domains(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for own in facts.user_types() {
        let Some(domain) = own.domain() else { continue };
        let Some(ty) = facts.catalog().type_of(own.oid) else { continue };
        let length = match ty {
            PgType::Varchar(length) | PgType::Bpchar(length) => length,
            _ => None,
        };
        let (precision, radix, scale) = numeric(&ty);
        let (database, schema) = (facts.database(), facts.catalog().schema_name(own.schema));
        let place = match &ty {
            PgType::Enum(of) => of.facts().schema.as_str(),
            _ if super::pg_type::namespace(&ty) == 11 => "pg_catalog",
            _ => "public",
        };
        rows.push(row![
            database,
            schema,
            &own.name,
            data_type(&ty),
            length,
            NULL,
            domain.default.clone(),
            precision,
            radix,
            scale,
            database,
            place,
            ty.name(),
        ]);
    }
    rows
}

fn constraints(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for own in facts.user_types() {
        let checks = own.domain().into_iter().flat_map(|domain| &domain.checks);
        for check in checks {
            let (database, schema) = (facts.database(), facts.catalog().schema_name(own.schema));
            rows.push(row![database, schema, &check.name, database, schema, &own.name, "NO", "NO"]);
        }
    }
    rows
}
