//! ON CONFLICT DO UPDATE: new rows from pairs of an existing row and the one proposed.
//!
//! The pairs are a table of their own: the target's columns under their own names, the proposed
//! row's under names that nobody writes. An unqualified column is then the target's, as in
//! PostgreSQL, and `excluded.n` is renamed wherever it stands. The plan is made once; each
//! execution is given its pairs in memory.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::execution::SendableRecordBatchStream;
use sqlparser::ast::{self, VisitMut, VisitorMut};

use super::demands::{mentioned, over_rows, updated};
use super::dml::{Value, assigned, column, item, parse_query};
use super::executable::QueryPlan;
use super::planner::{PlanContext, Planner};
use super::relations::{Relation, Relations};
use crate::base::{ColumnId, Oid, Result, RowIds, SegmentId, SqlError};
use crate::catalog::TableDef;
use crate::exec::{Run, Tables};
use crate::plan::quote_identifier;
use crate::plan::statement::{Assignment, Expression};
use crate::segment::{Column, InMemory, Reader, RowIdMap, Segment, TableSchema, TableVersion};
use crate::types::PgType;

/// The table of pairs: no table has this oid.
pub(super) const PAIRS: Oid = Oid(u32::MAX);
pub(super) const PAIRS_NAME: &str = "redkite pairs";
/// The pair's number.
const PAIR: &str = "redkite pair";

/// A planned DO UPDATE.
#[derive(Debug)]
pub struct ConflictUpdate {
    /// Gives the pair's number and the new row in the table's order of columns, for the pairs
    /// that WHERE leaves.
    pub source: QueryPlan,
    pairs: Arc<TableSchema>,
}

impl ConflictUpdate {
    /// Makes the new rows for pairs of existing and proposed rows.
    ///
    /// # Errors
    /// What evaluating the expressions finds.
    pub fn execute(
        &self,
        existing: &RecordBatch,
        proposed: &RecordBatch,
        parameters: &[ScalarValue],
        run: &Run,
    ) -> Result<SendableRecordBatchStream> {
        let count = existing.num_rows() as u64;
        let numbers: ArrayRef = Arc::new((0..count).collect::<UInt64Array>());
        let mut arrays = vec![numbers];
        arrays.extend(existing.columns().iter().chain(proposed.columns()).cloned());
        let fields: Vec<_> = self.pairs.columns.iter().map(|c| Arc::clone(&c.field)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| SqlError::internal(error.to_string()))?;
        self.source.execute(parameters, &with_rows(&self.pairs, batch, run)?)
    }
}

impl Planner {
    /// Plans the new rows of ON CONFLICT DO UPDATE.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report.
    pub fn conflict_update(
        self: &Arc<Self>,
        context: &PlanContext,
        (table, schema): (&TableDef, &TableSchema),
        alias: &str,
        (assignments, filter): (&[Assignment], Option<&Expression>),
        parameter_types: &[Option<PgType>],
    ) -> Result<ConflictUpdate> {
        let mut excluded = Excluded { table, alias };
        let mut rename = |expr: &mut ast::Expr| {
            let _ = expr.visit(&mut excluded);
        };
        let mut items = vec![item(column(alias, PAIR))];
        for (at, set) in assigned(table, assignments)?.into_iter().enumerate() {
            let mut expr = set.unwrap_or_else(|| column(alias, &table.columns[at].name));
            rename(&mut expr);
            let alias = ast::Ident::with_quote('"', format!("new {at}"));
            items.push(ast::SelectItem::ExprWithAlias { expr, alias });
        }
        let selection = filter.map(|filter| {
            let mut expr = filter.ast.as_ref().clone();
            rename(&mut expr);
            expr
        });
        let from = quote_identifier(PAIRS_NAME);
        let mut tree =
            parse_query(&format!("SELECT 1 FROM {from} AS {}", quote_identifier(alias)))?;
        if let ast::SetExpr::Select(select) = tree.body.as_mut() {
            select.projection = items;
            select.selection = selection;
        }
        let pairs = Arc::new(pairs_of(schema));
        let context = with_table(&pairs, context);
        let mut plan = self.analyzed(&context, tree, parameter_types, None)?;
        let values: Vec<Value> = (1..=table.columns.len()).map(Value::Query).collect();
        plan.plan = self.assign(&context, plan.plan, table, &values, true)?;
        plan.demands.extend(updated(table, assignments));
        plan.demands.extend(mentioned(table, assignments, filter));
        Ok(ConflictUpdate { source: over_rows(self.finish(plan)?, None), pairs })
    }
}

/// A context in which [`PAIRS_NAME`] is a table of these columns.
pub(super) fn with_table(pairs: &Arc<TableSchema>, context: &PlanContext) -> PlanContext {
    with_named_table((PAIRS, PAIRS_NAME), pairs, context)
}

/// A context in which a name without a schema is a table of these columns, whose rows each
/// execution brings along ([`with_named_rows`]).
pub fn with_named_table(
    (oid, name): (Oid, &str),
    schema: &Arc<TableSchema>,
    context: &PlanContext,
) -> PlanContext {
    let (others, name) = (Arc::clone(&context.relations), name.to_owned());
    let relations = Arc::new(MoreRelations { others, oid, name, schema: Arc::clone(schema) });
    PlanContext { relations, ..context.clone() }
}

/// A run in which that table has these rows.
pub(super) fn with_rows(pairs: &TableSchema, batch: RecordBatch, run: &Run) -> Result<Run> {
    with_named_rows(PAIRS, pairs, batch, run)
}

/// A run in which a table of [`with_named_table`] has these rows.
///
/// # Errors
/// When the rows are not of the table's columns.
pub fn with_named_rows(
    oid: Oid,
    schema: &TableSchema,
    batch: RecordBatch,
    run: &Run,
) -> Result<Run> {
    let count = batch.num_rows() as u64;
    let ids: Arc<[ColumnId]> = schema.columns.iter().map(|column| column.id).collect();
    let rows = InMemory::new(ids, batch, RowIdMap::Contiguous(RowIds { first: 0, count }))?;
    let segment = Segment::memory(SegmentId(uuid::Uuid::nil()), Arc::new(rows));
    let version = Arc::new(TableVersion::of(oid, [segment]));
    let tables = MoreTables { others: Arc::clone(&run.tables), oid, version };
    Ok(Run { tables: Arc::new(tables), ..run.clone() })
}

/// The proposed row's column: no client writes such a name.
fn excluded_name(name: &str) -> String {
    format!("excluded\u{1}{name}")
}

fn pairs_of(schema: &TableSchema) -> TableSchema {
    let number = Arc::new(Field::new(PAIR, DataType::UInt64, false));
    let mut columns = vec![Column::new(ColumnId(1), number)];
    let mut id = 1;
    let mut add = |name: String, of: &Column| {
        id += 1;
        let field = of.field.as_ref().clone().with_name(name).with_nullable(true);
        columns.push(Column::new(ColumnId(id), Arc::new(field)));
    };
    schema.columns.iter().for_each(|column| add(column.field.name().clone(), column));
    schema.columns.iter().for_each(|column| add(excluded_name(column.field.name()), column));
    TableSchema { columns, sort: Vec::new(), keys: Vec::new() }
}

/// Renames `excluded.n` to the pair's column.
struct Excluded<'a> {
    table: &'a TableDef,
    alias: &'a str,
}

impl VisitorMut for Excluded<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        if let ast::Expr::CompoundIdentifier(parts) = expr
            && let [owner, name] = parts.as_mut_slice()
            && owner.value == "excluded"
            && self.table.column(&name.value).is_some()
        {
            *expr = column(self.alias, &excluded_name(&name.value));
        }
        ControlFlow::Continue(())
    }
}

/// The catalog with one more table.
#[derive(Debug)]
struct MoreRelations {
    others: Arc<dyn Relations>,
    oid: Oid,
    name: String,
    schema: Arc<TableSchema>,
}

impl Relations for MoreRelations {
    fn relation(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<Relation> {
        if schema.is_none() && name == self.name {
            return Some(Relation::Table { oid: self.oid, schema: Arc::clone(&self.schema) });
        }
        self.others.relation(schema, name, path)
    }

    fn beneath(&self) -> Option<&dyn Relations> {
        Some(self.others.as_ref())
    }

    fn stored(&self) -> Option<Arc<dyn Relations>> {
        self.others.stored().or_else(|| Some(Arc::clone(&self.others)))
    }
}

/// A snapshot with one more table, for one execution.
#[derive(Debug)]
struct MoreTables {
    others: Arc<dyn Tables>,
    oid: Oid,
    version: Arc<TableVersion>,
}

impl Tables for MoreTables {
    fn version(&self, table: Oid) -> Option<Arc<TableVersion>> {
        match table == self.oid {
            true => Some(Arc::clone(&self.version)),
            false => self.others.version(table),
        }
    }

    fn reader(&self) -> &Arc<Reader> {
        self.others.reader()
    }
}
