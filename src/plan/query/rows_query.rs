//! Queries over rows that each execution brings along: RETURNING, CHECK, COPY's WHERE, and the
//! other columns' values for rows that have only some. Planned once, with their statement.
//!
//! The rows are a table of a name that nobody writes, under the name or alias of the table that
//! they are of. They come out in the order in which they went in.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use sqlparser::ast;

use super::demands;
use super::dml::parse_query;
use super::errors::sql_error;
use super::executable::OutputColumn;
use super::literal_rows::RowSource;
use super::planner::{PlanContext, Planner};
use super::upsert::{PAIRS, PAIRS_NAME, with_rows, with_table};
use crate::base::{Result, SqlError};
use crate::catalog::TableDef;
use crate::catalog::access::{Demand, RowRule};
use crate::exec::Run;
use crate::plan::ddl::{VALUE, replace_column};
use crate::plan::statement::{Expression, Insert, InsertSource, Query, Returning};
use crate::plan::{Name, quote_identifier};
use crate::segment::TableSchema;
use crate::types::PgType;

/// A planned query over rows that are not stored.
#[derive(Debug)]
pub struct RowsQuery {
    source: Box<RowSource>,
    columns: Arc<[OutputColumn]>,
    /// Of the rows that go in.
    rows: Arc<TableSchema>,
}

impl RowsQuery {
    /// The columns of the result.
    pub fn columns(&self) -> &Arc<[OutputColumn]> {
        &self.columns
    }

    /// The types of the parameters.
    pub fn parameters(&self) -> &[PgType] {
        self.source.parameters()
    }

    /// What who runs it must be allowed to do.
    pub fn demands(&self) -> Vec<Demand> {
        self.source.demands().to_vec()
    }

    /// Runs the query over rows, whose columns are those of the table.
    ///
    /// # Errors
    /// What evaluating it finds.
    pub async fn execute(
        &self,
        rows: RecordBatch,
        parameters: &[ScalarValue],
        run: &Run,
    ) -> Result<RecordBatch> {
        let run = with_rows(&self.rows, rows, run)?;
        let stream = self.source.execute(parameters, &run)?;
        let schema = stream.schema();
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(sql_error)?;
        concat_batches(&schema, &batches).map_err(|error| SqlError::internal(error.to_string()))
    }
}

impl Planner {
    /// Plans RETURNING over changed rows of a table.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report.
    pub fn returning_rows(
        self: &Arc<Self>,
        context: &PlanContext,
        (table, schema): (&TableDef, &TableSchema),
        alias: &str,
        items: &Returning,
        parameter_types: &[Option<PgType>],
    ) -> Result<RowsQuery> {
        let mut tree = over_rows(alias)?;
        if let ast::SetExpr::Select(select) = tree.body.as_mut() {
            select.projection.clone_from(items);
        }
        let rows = Arc::new(plain(schema));
        let context = with_table(&rows, context);
        let plan = self.tree(&context, tree, parameter_types, None)?;
        let of_table = |column: &OutputColumn| {
            let table = column.table.map(|(oid, id)| match oid {
                PAIRS => (table.oid, id),
                other => (other, id),
            });
            OutputColumn { table, ..column.clone() }
        };
        let columns = plan.columns().iter().map(of_table).collect();
        let plan = demands::over_rows(plan, Some(table.oid));
        Ok(RowsQuery { source: Box::new(plan.into()), columns, rows })
    }

    /// Plans the CHECK constraints of a table over new rows, and after them those of its columns'
    /// domains: a column for each, false where the row violates it. None where there are no constraints.
    ///
    /// # Errors
    /// When a constraint can't be planned.
    pub fn checks(
        self: &Arc<Self>,
        context: &PlanContext,
        (table, schema): (&TableDef, &TableSchema),
    ) -> Result<Option<RowsQuery>> {
        let own = table.checks.iter().map(|check| check.expression.clone());
        let of_domains = table.domains().flat_map(|(column, domain)| {
            let name = quote_identifier(&column.name);
            let checks = domain.checks.iter();
            checks.map(move |check| replace_column(&check.expression, VALUE, &name))
        });
        let holds: Vec<String> =
            own.chain(of_domains).map(|check| format!("coalesce(({check}), true)")).collect();
        if holds.is_empty() {
            return Ok(None);
        }
        let name = quote_identifier(PAIRS_NAME);
        let alias = quote_identifier(&table.name);
        let tree = parse_query(&format!("SELECT {} FROM {name} AS {alias}", holds.join(", ")))?;
        let rows = Arc::new(plain(schema));
        let plan = self.tree(&with_table(&rows, context), tree, &[], None)?;
        let columns = Arc::clone(plan.columns());
        let plan = demands::over_rows(plan, None);
        Ok(Some(RowsQuery { source: Box::new(plan.into()), columns, rows }))
    }

    /// Plans what policies say of rows of a table: a row for each that is let through. None where
    /// nothing stands between.
    ///
    /// # Errors
    /// When a policy can't be planned; 42501 with `row_security` off.
    pub fn let_through(
        self: &Arc<Self>,
        context: &PlanContext,
        (table, schema): (&TableDef, &TableSchema),
        rule: RowRule,
    ) -> Result<Option<RowsQuery>> {
        let condition = context.relations.row_condition(table.oid, context.rights, rule)?;
        let Some(condition) = condition else { return Ok(None) };
        let name = quote_identifier(PAIRS_NAME);
        let alias = quote_identifier(&table.name);
        let sql = format!("SELECT 1 FROM {name} AS {alias} WHERE {condition}");
        let tree = parse_query(&sql)?;
        let rows = Arc::new(plain(schema));
        let mut context = with_table(&rows, &context.stored());
        context.guarding = Arc::from([table.oid]);
        let plan = self.tree(&context, tree, &[], None)?;
        let columns = Arc::clone(plan.columns());
        let plan = demands::over_rows(plan, None);
        Ok(Some(RowsQuery { source: Box::new(plan.into()), columns, rows }))
    }

    /// Plans a condition on rows of a table: those are left that fulfil it.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report.
    pub fn filter(
        self: &Arc<Self>,
        context: &PlanContext,
        (table, schema): (&TableDef, &TableSchema),
        condition: &Expression,
    ) -> Result<RowsQuery> {
        let name = quote_identifier(PAIRS_NAME);
        let alias = quote_identifier(&table.name);
        let mut tree = parse_query(&format!("SELECT * FROM {name} AS {alias}"))?;
        if let ast::SetExpr::Select(select) = tree.body.as_mut() {
            select.selection = Some(*condition.ast.clone());
        }
        let rows = Arc::new(plain(schema));
        let plan = self.tree(&with_table(&rows, context), tree, &[], None)?;
        let columns = Arc::clone(plan.columns());
        let plan = demands::over_rows(plan, None);
        Ok(RowsQuery { source: Box::new(plan.into()), columns, rows })
    }

    /// Plans whole rows of a table from rows that have only some of its columns.
    ///
    /// # Errors
    /// When a default can't be planned.
    pub fn completed(
        self: &Arc<Self>,
        context: &PlanContext,
        (table, schema): (&TableDef, &TableSchema),
        columns: &[String],
    ) -> Result<RowsQuery> {
        let stored = columns.iter().filter_map(|name| {
            schema.columns.iter().find(|column| column.field.name() == name).cloned()
        });
        let rows = TableSchema { columns: stored.collect(), sort: Vec::new(), keys: Vec::new() };
        let rows = Arc::new(rows);
        let text = format!("SELECT * FROM {}", quote_identifier(PAIRS_NAME));
        let query = Query { ast: Box::new(parse_query(&text)?), text, locking: Vec::new() };
        let source = self.whole_rows(&with_table(&rows, context), table, columns, query)?;
        Ok(RowsQuery { source: Box::new(source), columns: Arc::from([]), rows })
    }

    /// Plans whole rows of a table from a query that gives some of its columns.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report of an INSERT.
    pub fn whole_rows(
        self: &Arc<Self>,
        context: &PlanContext,
        table: &TableDef,
        columns: &[String],
        query: Query,
    ) -> Result<RowSource> {
        let insert = Insert {
            with: None,
            table: Name { schema: None, name: table.name.clone() },
            alias: None,
            columns: Some(columns.to_vec()),
            // COPY writes identity columns as OVERRIDING SYSTEM VALUE does.
            overriding: Some(crate::plan::statement::Overriding::System),
            source: InsertSource::Query(query),
            places: Vec::new(),
            on_conflict: None,
            returning: Vec::new(),
        };
        Ok(self.insert(context, table, &insert, &[])?.source)
    }
}

/// `SELECT 1 FROM rows AS alias`.
fn over_rows(alias: &str) -> Result<ast::Query> {
    let name = quote_identifier(PAIRS_NAME);
    parse_query(&format!("SELECT 1 FROM {name} AS {}", quote_identifier(alias)))
}

/// The columns alone: rows that are not stored are in no order and looked up by no key.
fn plain(schema: &TableSchema) -> TableSchema {
    TableSchema { columns: schema.columns.clone(), sort: Vec::new(), keys: Vec::new() }
}
