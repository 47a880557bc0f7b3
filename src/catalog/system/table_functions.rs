//! Functions without arguments that return rows about the system. In FROM they are relations that
//! no statement can name: the name ends in `()`.

use super::PG_CATALOG;
use super::definition::Definition;
use super::{listed, pg_extension};

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition {
        oid: 1686,
        schema: PG_CATALOG,
        name: "pg_get_keywords()",
        columns: "word text, catcode \"char\", barelabel bool, catdesc text, baredesc text",
        rows: |_| listed::rows(include_str!("data/keywords.tsv")),
    },
    Definition {
        oid: 3082,
        schema: PG_CATALOG,
        name: "pg_available_extensions()",
        columns: "name name, default_version text, comment text",
        rows: |facts| {
            let without_installed = |mut row: Vec<_>| {
                row.remove(2);
                row
            };
            pg_extension::available(facts).into_iter().map(without_installed).collect()
        },
    },
];
