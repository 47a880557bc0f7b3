//! `pg_extension` and `pg_available_extensions`: `vector` is built in, and `plpgsql` isn't there.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: 3079,
        schema: super::PG_CATALOG,
        name: "pg_extension",
        columns: "oid oid, extname name, extowner oid, extnamespace oid, extrelocatable bool, \
                  extversion text, extconfig _oid, extcondition _text",
        rows: created,
    },
    Definition {
        oid: 12_003,
        schema: super::PG_CATALOG,
        name: "pg_available_extensions",
        columns: "name name, default_version text, installed_version text, comment text",
        rows: available,
    },
];

/// The version of pgvector whose behaviour is followed.
const VECTOR_VERSION: &str = "0.8.0";

fn created(facts: &Facts) -> Vec<Row> {
    let Some(database) = &facts.catalog().database else { return Vec::new() };
    let row = |extension: &crate::catalog::ExtensionDef| {
        row![
            extension.oid,
            &extension.name,
            database.owner,
            extension.schema,
            false,
            &extension.version,
            NULL,
            NULL,
        ]
    };
    database.extensions.iter().map(row).collect()
}

pub(super) fn available(facts: &Facts) -> Vec<Row> {
    let database = facts.catalog().database.as_ref();
    let installed = |name: &str| {
        let extensions = database.iter().flat_map(|database| &database.extensions);
        let found = extensions.into_iter().find(|extension| extension.name == name);
        found.map(|extension| extension.version.as_str())
    };
    let vector = "vector data type and ivfflat and hnsw access methods";
    let statements = "track planning and execution statistics of all SQL statements executed";
    vec![
        row!["vector", VECTOR_VERSION, installed("vector"), vector],
        row!["pg_stat_statements", "1.11", installed("pg_stat_statements"), statements],
    ]
}
