//! What a session has prepared: `pg_prepared_statements`.

use std::sync::Arc;

use crate::catalog::system::PreparedRow;

use super::connection::Session;
use super::prepare::Prepared;

/// A prepared statement under its name.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) prepared: Arc<Prepared>,
    /// PREPARE's text, where that made it.
    sql: Option<String>,
    since_us: i64,
}

impl Named {
    pub(super) fn new(prepared: Arc<Prepared>, sql: Option<&str>, since_us: i64) -> Self {
        Self { prepared, sql: sql.map(str::to_owned), since_us }
    }
}

impl Session {
    /// What the session has prepared by now, in the order of the names.
    pub(super) fn listed_now(&self) -> Vec<PreparedRow> {
        // The unnamed statement is the one that asks.
        let named = self.statements.iter().filter(|(name, _)| !name.is_empty());
        let mut statements: Vec<PreparedRow> = named.map(|(name, of)| of.row(name)).collect();
        statements.sort_by(|a, b| a.name.cmp(&b.name));
        statements
    }
}

impl Named {
    fn row(&self, name: &str) -> PreparedRow {
        let prepared = &self.prepared;
        let results = prepared.columns();
        PreparedRow {
            name: name.to_owned(),
            statement: self.sql.clone().unwrap_or_else(|| prepared.text().to_owned()),
            since_us: self.since_us,
            parameters: prepared.parameters().to_vec(),
            results: results.map(|columns| columns.iter().map(|of| of.ty.clone()).collect()),
            from_sql: self.sql.is_some(),
        }
    }
}
