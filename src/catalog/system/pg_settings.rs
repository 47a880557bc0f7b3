//! `pg_settings`: settings with the session's values.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: super::PG_SETTINGS.0,
    schema: super::PG_CATALOG,
    name: "pg_settings",
    columns: "name text, setting text, unit text, category text, short_desc text, \
              extra_desc text, context text, vartype text, source text, min_val text, \
              max_val text, enumvals _text, boot_val text, reset_val text, sourcefile text, \
              sourceline int4, pending_restart bool",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let row = |(name, value): (String, String)| {
        let kind = if matches!(&*value, "on" | "off") { "bool" } else { "string" };
        row![
            name,
            value.clone(),
            NULL,
            "Redkite",
            "",
            NULL,
            "user",
            kind,
            "session",
            NULL,
            NULL,
            NULL,
            NULL,
            value,
            NULL,
            NULL,
            false,
        ]
    };
    facts.session().settings().into_iter().map(row).collect()
}
