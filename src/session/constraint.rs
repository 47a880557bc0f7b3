//! What every new row must keep: NOT NULL and CHECK.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{Table, TableDef};
use crate::exec::Run;
use crate::plan::RowsQuery;
use crate::types::{ColumnEncoder, TextContext};

use super::connection::Session;

/// A value in an error's detail is cut after so many bytes, as in PostgreSQL.
const VALUE_BYTES_MAX: usize = 64;

/// What a policy's error is about.
pub(super) const NEW_ROW: &str = "";
/// A row that ON CONFLICT DO UPDATE found.
pub(super) const EXISTING_ROW: &str = " (USING expression)";

impl Session {
    /// Row-level security, which a planned condition tells.
    ///
    /// # Errors
    /// 42501.
    pub(super) async fn check_policy(
        &self,
        table: &Table,
        policy: Option<&RowsQuery>,
        what: &str,
        rows: &RecordBatch,
        run: &Run,
    ) -> Result<()> {
        let Some(policy) = policy.filter(|_| rows.num_rows() > 0) else { return Ok(()) };
        let through = policy.execute(rows.clone(), &[], run).await?;
        if through.num_rows() == rows.num_rows() {
            return Ok(());
        }
        let message = format!(
            "new row violates row-level security policy{what} for table \"{}\"",
            table.definition.name
        );
        Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// NOT NULL and CHECK, of columns and their domains, which the table's planned `checks` tell.
    ///
    /// # Errors
    /// 23502, 23514.
    pub(super) async fn check_rows_of(
        &self,
        table: &Arc<Table>,
        checks: Option<&RowsQuery>,
        rows: &RecordBatch,
        run: &Run,
    ) -> Result<()> {
        let definition = &table.definition;
        let snapshot = self.server.engine().current();
        let schema = snapshot.state.schema_name(definition.schema);
        for (column, array) in definition.columns.iter().zip(rows.columns()) {
            if column.not_null && array.null_count() > 0 {
                let row = (0..array.len()).find(|row| array.is_null(*row)).unwrap_or_default();
                let message = format!(
                    "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                    column.name, definition.name
                );
                let error = SqlError::new(SqlState::NOT_NULL_VIOLATION, message);
                return Err(self
                    .telling_row(error, definition, rows, row)
                    .with_table(schema, &definition.name)
                    .with_column(&column.name));
            }
        }
        for (column, domain) in definition.domains() {
            let place = definition.column_index(column.id);
            let array = place.and_then(|place| rows.columns().get(place));
            if domain.not_null && array.is_some_and(|array| array.null_count() > 0) {
                return Err(domain.refuses_null());
            }
        }
        let Some(checks) = checks.filter(|_| rows.num_rows() > 0) else { return Ok(()) };
        let holds = checks.execute(rows.clone(), &[], run).await?;
        for (check, holds) in definition.checks.iter().zip(holds.columns()) {
            let holds = holds.as_boolean();
            if let Some(row) = (0..holds.len()).find(|row| !holds.value(*row)) {
                let message = format!(
                    "new row for relation \"{}\" violates check constraint \"{}\"",
                    definition.name, check.name
                );
                let error = SqlError::new(SqlState::CHECK_VIOLATION, message);
                return Err(self
                    .telling_row(error, definition, rows, row)
                    .with_table(schema, &definition.name)
                    .with_constraint(&check.name));
            }
        }
        let of_domains = definition
            .domains()
            .flat_map(|(_, domain)| domain.checks.iter().map(move |check| (domain, check)));
        for ((domain, check), holds) in
            of_domains.zip(holds.columns().iter().skip(definition.checks.len()))
        {
            let holds = holds.as_boolean();
            if (0..holds.len()).any(|row| !holds.value(row)) {
                return Err(domain.violated(check));
            }
        }
        Ok(())
    }

    /// The error with the row that fails, where its values may be read.
    fn telling_row(
        &self,
        error: SqlError,
        table: &TableDef,
        rows: &RecordBatch,
        row: usize,
    ) -> SqlError {
        match self.may_read(table) {
            true => error.with_detail(failing_row(table, rows, row, &self.text_context())),
            false => error,
        }
    }
}

/// `Failing row contains (1, null, x).`
fn failing_row(table: &TableDef, rows: &RecordBatch, row: usize, context: &TextContext) -> String {
    let mut values = Vec::with_capacity(rows.num_columns());
    for (column, array) in table.columns.iter().zip(rows.columns()) {
        if array.is_null(row) {
            values.push("null".to_owned());
            continue;
        }
        let Ok(encoder) = ColumnEncoder::new(array, &column.ty.pg_type()) else { continue };
        let mut text = bytes::BytesMut::new();
        encoder.write_text(row, &mut text, context);
        let mut text = String::from_utf8_lossy(&text).into_owned();
        if text.len() > VALUE_BYTES_MAX {
            text.truncate(text.floor_char_boundary(VALUE_BYTES_MAX));
            text.push_str("...");
        }
        values.push(text);
    }
    format!("Failing row contains ({}).", values.join(", "))
}
