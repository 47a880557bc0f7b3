//! What is SQL in a block: expressions and statements, with variables as parameters.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use super::Procedure;
use super::variables::{Field, null};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::plpgsql::Into;
use crate::plan::{OutputColumn, Parsed, Statement, bind_variables};
use crate::session::outcome::{Mode, Outcome};
use crate::types::{PgType, TextContext, object_numbers, parse_text, to_text};

/// The rows of a statement, one by one.
pub(super) struct Rows {
    pub(super) columns: Vec<(String, PgType)>,
    stream: SendableRecordBatchStream,
    batch: Option<RecordBatch>,
    at: usize,
    context: Arc<TextContext>,
}

impl Rows {
    fn new(
        columns: &[OutputColumn],
        stream: SendableRecordBatchStream,
        context: Arc<TextContext>,
    ) -> Self {
        let columns = columns.iter().map(|column| (column.name.clone(), column.ty.clone()));
        Self { columns: columns.collect(), stream, batch: None, at: 0, context }
    }

    /// The next row.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Field>>> {
        loop {
            if let Some(batch) = &self.batch
                && self.at < batch.num_rows()
            {
                let columns = self.columns.iter().zip(batch.columns());
                let fields = columns.map(|((name, ty), array)| {
                    let value = value_at(ty, array, self.at, &self.context)?;
                    Ok(Field { name: name.clone(), ty: ty.clone(), value })
                });
                let row = fields.collect::<Result<_>>()?;
                self.at += 1;
                return Ok(Some(row));
            }
            self.batch = self.stream.try_next().await.map_err(crate::plan::sql_error)?;
            self.at = 0;
            if self.batch.is_none() {
                return Ok(None);
            }
        }
    }

    /// Reads all that is left: how many rows there were.
    pub(super) async fn drain(&mut self) -> Result<i64> {
        let mut count = 0;
        while let Some(batch) = self.stream.try_next().await.map_err(crate::plan::sql_error)? {
            count += i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        }
        Ok(count)
    }
}

/// A value as a parameter of its type has it.
fn value_at(
    ty: &PgType,
    array: &ArrayRef,
    row: usize,
    context: &TextContext,
) -> Result<ScalarValue> {
    let numbers = object_numbers(array);
    let array = numbers.as_ref().unwrap_or(array);
    let value = ScalarValue::try_from_array(array, row).map_err(crate::plan::sql_error)?;
    if value.is_null() {
        return Ok(null(ty));
    }
    if value.data_type() == ty.arrow() {
        return Ok(value);
    }
    match to_text(ty, &value, context)? {
        Some(text) => parse_text(&ty.bare(), &text, context),
        None => Ok(null(ty)),
    }
}

impl Procedure<'_> {
    /// Runs a statement of the block.
    pub(super) async fn sql(&mut self, text: &str) -> Result<Outcome> {
        let bound = bind_variables(text, &|path| self.is_variable(path))
            .map_err(SqlError::without_position)?;
        let mut values = Vec::with_capacity(bound.variables.len());
        for variable in &bound.variables {
            let value = self.find(variable);
            values.push(value.unwrap_or_else(|| Err(super::variables::unknown(variable)))?);
        }
        if bound.takes_parameters {
            return self.statement(&bound.text(), values).await;
        }
        let context = self.text_context();
        let mut literals = Vec::with_capacity(values.len());
        for (ty, value) in &values {
            let text = match to_text(ty, value, &context)? {
                Some(text) => format!("'{}'", text.replace('\'', "''")),
                None => "NULL".to_owned(),
            };
            literals.push(format!("CAST({text} AS {})", self.type_text(ty)));
        }
        let text = bound.with(|at| literals.get(at).cloned().unwrap_or_default());
        self.statement(&text, Vec::new()).await
    }

    /// Runs a statement with values for its parameters.
    async fn statement(
        &mut self,
        text: &str,
        values: Vec<(PgType, ScalarValue)>,
    ) -> Result<Outcome> {
        let parsed = self.session.parse(text).map_err(SqlError::without_position)?.pop();
        let parsed = parsed.ok_or_else(|| SqlError::internal("a statement that is gone"))?;
        self.parsed(parsed, values).await.map_err(SqlError::without_position)
    }

    async fn parsed(
        &mut self,
        parsed: Parsed,
        values: Vec<(PgType, ScalarValue)>,
    ) -> Result<Outcome> {
        refuse_control(&parsed.statement)?;
        self.session.take_over_settings()?;
        self.session.take_over_effects()?;
        let (types, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        let types = types.into_iter().map(Some).collect();
        let prepared = Box::pin(self.session.prepare_typed(parsed, types)).await?;
        let interrupt = self.interrupt.clone();
        let run = self.session.run_statement(&prepared, &values, Mode::Implicit, &interrupt);
        Box::pin(run).await
    }

    fn rows(&self, outcome: Outcome) -> Result<Option<Rows>> {
        match outcome {
            Outcome::Rows { columns, stream, .. } => {
                Ok(Some(Rows::new(&columns, stream, self.text_context())))
            }
            Outcome::Empty | Outcome::Command { .. } => Ok(None),
            Outcome::CopyIn(_) | Outcome::CopyOut { .. } => {
                Err(SqlError::unsupported("cannot COPY to/from client in PL/pgSQL"))
            }
        }
    }

    /// The rows of a query.
    pub(super) async fn query(&mut self, text: &str) -> Result<Rows> {
        let outcome = self.sql(text).await?;
        self.rows(outcome)?.ok_or_else(|| {
            let message = "cannot open a statement that is no query as rows";
            SqlError::new(SqlState::WRONG_OBJECT_TYPE, message)
        })
    }

    /// The one value of a query, with these parameters.
    pub(super) async fn one_value(
        &mut self,
        text: &str,
        values: Vec<(PgType, ScalarValue)>,
    ) -> Result<(PgType, ScalarValue)> {
        let outcome = self.statement(text, values).await?;
        let rows = self.rows(outcome)?;
        only_value(rows).await
    }

    /// The value of an expression.
    pub(super) async fn value(&mut self, expression: &str) -> Result<(PgType, ScalarValue)> {
        let outcome = self.sql(&format!("SELECT {expression}")).await?;
        let rows = self.rows(outcome)?;
        only_value(rows).await
    }

    /// The value of an expression in a type.
    pub(super) async fn computed(&mut self, expression: &str, ty: &PgType) -> Result<ScalarValue> {
        let value = self.value(expression).await?;
        self.converted(value, ty).await
    }

    /// The value of an expression as text; none for NULL.
    pub(super) async fn text(&mut self, expression: &str) -> Result<Option<String>> {
        let (ty, value) = self.value(expression).await?;
        if ty.is_object() && !value.is_null() {
            let sql = "SELECT CAST($1 AS text)";
            let (_, value) = self.one_value(sql, vec![(ty, value)]).await?;
            return to_text(&PgType::Text, &value, &self.text_context());
        }
        to_text(&ty, &value, &self.text_context())
    }

    /// Whether a condition holds.
    pub(super) async fn holds(&mut self, condition: &str) -> Result<bool> {
        let value = self.computed(condition, &PgType::Bool).await?;
        Ok(matches!(value, ScalarValue::Boolean(Some(true))))
    }

    /// A statement whose rows nobody wants: PERFORM.
    pub(super) async fn perform(&mut self, query: &str) -> Result<()> {
        let mut rows = self.query(query).await?;
        self.row_count = rows.drain().await?;
        self.set_found(self.row_count > 0);
        Ok(())
    }

    /// A statement of SQL.
    pub(super) async fn sql_step(&mut self, text: &str, into: Option<&Into>) -> Result<()> {
        let outcome = self.sql(text).await?;
        let changed = changed_rows(&outcome);
        match (self.rows(outcome)?, into) {
            (Some(rows), Some(into)) => self.into(rows, into).await,
            (Some(_), None) => {
                let message = "query has no destination for result data";
                Err(SqlError::new(SqlState::SYNTAX_ERROR, message).with_hint(
                    "If you want to discard the results of a SELECT, use PERFORM instead.",
                ))
            }
            (None, Some(_)) => {
                let message = "INTO used with a command that cannot return data";
                Err(SqlError::new(SqlState::SYNTAX_ERROR, message))
            }
            (None, None) => {
                self.row_count = changed.unwrap_or(0);
                if changed.is_some() {
                    self.set_found(self.row_count > 0);
                }
                Ok(())
            }
        }
    }

    /// EXECUTE.
    pub(super) async fn execute(
        &mut self,
        text: &str,
        using: &[String],
        into: Option<&Into>,
    ) -> Result<()> {
        let outcome = self.dynamic(text, using).await?;
        let Some(outcome) = outcome else { return Ok(()) };
        self.row_count = changed_rows(&outcome).unwrap_or(0);
        let found = self.find(&["found".to_owned()]);
        match (self.rows(outcome)?, into) {
            (Some(rows), Some(into)) => self.into(rows, into).await?,
            (Some(mut rows), None) => self.row_count = rows.drain().await?,
            (None, Some(_)) => {
                let message = "INTO used with a command that cannot return data";
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
            (None, None) => {}
        }
        // EXECUTE leaves FOUND as it was.
        if let Some(Ok((_, ScalarValue::Boolean(Some(found))))) = found {
            self.set_found(found);
        }
        Ok(())
    }

    /// The rows of a statement whose text is computed.
    pub(super) async fn dynamic_rows(&mut self, text: &str, using: &[String]) -> Result<Rows> {
        let outcome = self.dynamic(text, using).await?.unwrap_or(Outcome::Empty);
        self.rows(outcome)?.ok_or_else(|| {
            let message = "cannot open a statement that is no query as rows";
            SqlError::new(SqlState::WRONG_OBJECT_TYPE, message)
        })
    }

    /// Runs the statements whose text is computed: what the last one comes to.
    async fn dynamic(&mut self, text: &str, using: &[String]) -> Result<Option<Outcome>> {
        let text = self.text(text).await?.ok_or_else(|| {
            let message = "query string argument of EXECUTE is null";
            SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)
        })?;
        let mut values = Vec::with_capacity(using.len());
        for expression in using {
            values.push(self.value(expression).await?);
        }
        let statements = self.session.parse(&text).map_err(SqlError::without_position)?;
        let mut last = None;
        for parsed in statements {
            if let Some(outcome) = last.take()
                && let Some(mut rows) = self.rows(outcome)?
            {
                rows.drain().await?;
            }
            let outcome = self.parsed(parsed, values.clone()).await;
            last = Some(outcome.map_err(SqlError::without_position)?);
        }
        Ok(last)
    }

    /// INTO.
    async fn into(&mut self, mut rows: Rows, into: &Into) -> Result<()> {
        let row = rows.next().await?;
        if into.strict {
            if row.is_none() {
                let message = "query returned no rows";
                return Err(SqlError::new(SqlState::NO_DATA_FOUND, message));
            }
            if rows.next().await?.is_some() {
                let message = "query returned more than one row";
                return Err(SqlError::new(SqlState::TOO_MANY_ROWS, message)
                    .with_hint("Make sure the query returns a single row, or use LIMIT 1."));
            }
        }
        let found = row.is_some();
        self.assign_row(&into.targets, row, &rows.columns).await?;
        self.row_count = i64::from(found);
        self.set_found(found);
        Ok(())
    }
}

async fn only_value(rows: Option<Rows>) -> Result<(PgType, ScalarValue)> {
    let Some(mut rows) = rows else {
        return Err(SqlError::internal("an expression without a value"));
    };
    let first = rows.next().await?;
    if first.is_some() && rows.next().await?.is_some() {
        let message = "query returned more than one row";
        return Err(SqlError::new(SqlState::CARDINALITY_VIOLATION, message));
    }
    let width = rows.columns.len();
    if width != 1 {
        let message = format!("query returned {width} columns");
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    let field = first.and_then(|row| row.into_iter().next());
    let value = field.map(|field| (field.ty, field.value));
    Ok(value.unwrap_or((PgType::Text, ScalarValue::Utf8(None))))
}

/// How many rows a statement has changed; none for one that changes none.
fn changed_rows(outcome: &Outcome) -> Option<i64> {
    let Outcome::Command { tag } = outcome else { return None };
    let (word, number) = tag.rsplit_once(' ')?;
    let changes = ["INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "COPY"];
    let changes = changes.iter().any(|known| word.starts_with(known));
    changes.then(|| number.parse().ok())?
}

/// 0A000 for what begins or ends a transaction.
fn refuse_control(statement: &Statement) -> Result<()> {
    if !statement.controls_transaction() {
        return Ok(());
    }
    let hint = "The whole block is one transaction; a block with EXCEPTION is a savepoint.";
    Err(SqlError::unsupported("unsupported transaction command in PL/pgSQL").with_hint(hint))
}
