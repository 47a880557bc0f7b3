//! INSERT's rows of constants and parameters, built without a plan: the hot path of INSERT.
//!
//! Only what certainly means the same as the planned expression is taken; anything else, wrong
//! values included, goes the long way, which knows PostgreSQL's words for what is wrong.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{FieldRef, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use sqlparser::ast;

use super::executable::QueryPlan;
use super::literal_columns::Executions;
use super::upsert::with_rows;
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::access::Demand;
use crate::catalog::{ColumnDef, TableDef};
use crate::exec::Run;
use crate::plan::parse_expression;
use crate::plan::statement::{Cell, LiteralKind};
use crate::segment::TableSchema;
use crate::types::{ColumnBuilder, PgType, TextContext};

/// Rows of a table, all columns of them.
#[derive(Debug)]
pub(crate) struct LiteralRows {
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) fields: Vec<(PgType, FieldRef)>,
    pub(super) parameters: Vec<PgType>,
    pub(super) text: Arc<TextContext>,
    /// The columns whose default must be evaluated for each row.
    unfinished: Vec<usize>,
}

/// A value that needs no evaluation.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Text(String),
    /// From zero.
    Parameter(usize),
}

impl LiteralRows {
    /// The rows of `VALUES`, where all of them are simple; `targets` are the places of the
    /// columns written.
    pub(super) fn of(
        table: &TableDef,
        targets: &[usize],
        rows: &[Vec<Cell>],
        declared: &[Option<PgType>],
        text: &Arc<TextContext>,
    ) -> Option<Self> {
        let types: Vec<PgType> = table.columns.iter().map(|column| column.ty.pg_type()).collect();
        let mut parameters = declared.to_vec();
        let written = targets.get(..rows.first().map_or(0, Vec::len))?;
        let mut defaults = Vec::with_capacity(types.len());
        for (column, ty) in table.columns.iter().zip(&types) {
            defaults.push(default(column, ty));
        }
        let mut unfinished = Vec::new();
        let mut empty = vec![Value::Null; types.len()];
        for at in (0..types.len()).filter(|at| !written.contains(at)) {
            match &defaults[at] {
                Some(constant) => empty[at] = constant.clone(),
                None => unfinished.push(at),
            }
        }
        let mut made = Vec::with_capacity(rows.len());
        for row in rows {
            let mut values = empty.clone();
            for (&at, cell) in written.iter().zip(row) {
                values[at] = match cell {
                    Cell::Default => defaults[at].clone()?,
                    cell => value(cell, &types[at], &mut parameters)?,
                };
            }
            made.push(values);
        }
        let parameters = parameters.into_iter().collect::<Option<Vec<_>>>()?;
        let named = table.columns.iter().zip(types);
        let fields = named.map(|(column, ty)| {
            let field = Arc::new(ty.field(&column.name, true));
            (ty, field)
        });
        let (fields, text) = (fields.collect(), Arc::clone(text));
        Some(Self { rows: made, fields, parameters, text, unfinished })
    }

    /// The columns whose default must be evaluated for each row.
    pub(super) fn unfinished(&self) -> &[usize] {
        &self.unfinished
    }

    /// The rows, with the values of parameters.
    ///
    /// # Errors
    /// What is wrong with a value for its column.
    fn batch(&self, parameters: &[ScalarValue]) -> Result<RecordBatch> {
        let internal = |error: ArrowError| SqlError::internal(error.to_string());
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.fields.len());
        let mut fields = Vec::with_capacity(self.fields.len());
        for (at, (ty, field)) in self.fields.iter().enumerate() {
            let mut builder = ColumnBuilder::new(ty, self.rows.len());
            for row in &self.rows {
                match &row[at] {
                    Value::Null => builder.append_null(),
                    Value::Text(text) => builder.append_text(text, &self.text)?,
                    Value::Parameter(number) => {
                        let value = parameters.get(*number).ok_or_else(|| {
                            let message = format!("there is no parameter ${}", number + 1);
                            SqlError::new(SqlState::UNDEFINED_PARAMETER, message)
                        })?;
                        builder.append_scalar(value)?;
                    }
                }
            }
            let array = builder.finish();
            fields.push(field_of(field, &array));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(internal)
    }
}

/// The field with the type that its array really has.
pub(super) fn field_of(field: &FieldRef, array: &ArrayRef) -> FieldRef {
    if array.data_type() == field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(field.as_ref().clone().with_data_type(array.data_type().clone()))
}

/// A column's default, if that needs no evaluation.
fn default(column: &ColumnDef, ty: &PgType) -> Option<Value> {
    let Some(text) = column.default_text() else { return Some(Value::Null) };
    if column.generated {
        return None;
    }
    let expr = *parse_expression(text).ok()?.ast;
    let ast::Expr::Value(constant) = expr else { return None };
    match constant.value {
        ast::Value::Null => Some(Value::Null),
        ast::Value::SingleQuotedString(text) => Some(Value::Text(text)),
        ast::Value::Number(text, _) => number(&text, ty),
        ast::Value::Boolean(value) => (*ty == PgType::Bool).then(|| Value::Text(value.to_string())),
        _ => None,
    }
}

/// A cell's value in a column of a type, if that needs no evaluation.
fn value(cell: &Cell, ty: &PgType, parameters: &mut Vec<Option<PgType>>) -> Option<Value> {
    match cell {
        Cell::Null | Cell::Literal { kind: LiteralKind::Null, .. } => Some(Value::Null),
        Cell::Literal { text, kind: LiteralKind::String } => Some(Value::Text(text.clone())),
        Cell::Literal { text, kind: LiteralKind::Boolean } => {
            (*ty == PgType::Bool).then(|| Value::Text(text.clone()))
        }
        Cell::Literal { text, kind: LiteralKind::Number } => number(text, ty),
        Cell::Cast { text, kind: LiteralKind::String | LiteralKind::Null, ty: cast } => {
            // A modifier of the cast's own would act before the column's.
            let same = *cast == ty.bare();
            same.then(|| text.clone().map_or(Value::Null, Value::Text))
        }
        Cell::Parameter(number) => {
            let at = usize::from(*number).checked_sub(1)?;
            if parameters.len() <= at {
                parameters.resize(at + 1, None);
            }
            let known = parameters[at].get_or_insert_with(|| ty.bare());
            (*known == ty.bare() || widens(known, ty)).then_some(Value::Parameter(at))
        }
        Cell::Expression(expression) => {
            let (at, cast) = typed_parameter(&expression.ast)?;
            if parameters.len() <= at {
                parameters.resize(at + 1, None);
            }
            let known = parameters[at].get_or_insert_with(|| cast.clone());
            (*known == cast && cast == ty.bare()).then_some(Value::Parameter(at))
        }
        Cell::Default | Cell::Cast { .. } => None,
    }
}

/// Whether each integer of a type is one of a wider type as well. Drivers declare the narrowest
/// that holds the first value.
fn widens(from: &PgType, to: &PgType) -> bool {
    matches!((from, to), (PgType::Int2, PgType::Int4 | PgType::Int8) | (PgType::Int4, PgType::Int8))
}

/// `$n::type` as the parameter's place, from zero, and its type.
fn typed_parameter(expression: &ast::Expr) -> Option<(usize, PgType)> {
    let ast::Expr::Cast { expr, data_type, .. } = expression else { return None };
    let ast::Expr::Value(value) = expr.as_ref() else { return None };
    let ast::Value::Placeholder(name) = &value.value else { return None };
    let number: usize = name.strip_prefix('$')?.parse().ok()?;
    Some((number.checked_sub(1)?, crate::plan::data_type_of(data_type).ok()?))
}

/// A number that fits its column as it is.
fn number(text: &str, ty: &PgType) -> Option<Value> {
    crate::plan::parse::number_fits(text, ty).then(|| Value::Text(text.to_owned()))
}

/// Where the rows of a change come from.
#[derive(Debug)]
pub struct RowSource(Kind);

#[derive(Debug)]
enum Kind {
    /// A planned query.
    Plan(QueryPlan),
    /// Constants and parameters.
    Literals(LiteralRows),
    /// The same, and a plan that evaluates defaults over a table of these columns.
    Finished(LiteralRows, QueryPlan, Arc<TableSchema>),
}

impl From<QueryPlan> for RowSource {
    fn from(plan: QueryPlan) -> Self {
        Self(Kind::Plan(plan))
    }
}

impl From<LiteralRows> for RowSource {
    fn from(rows: LiteralRows) -> Self {
        Self(Kind::Literals(rows))
    }
}

impl RowSource {
    /// Rows whose defaults a plan evaluates, over a table of these columns.
    pub(super) fn finished(rows: LiteralRows, plan: QueryPlan, schema: Arc<TableSchema>) -> Self {
        Self(Kind::Finished(rows, plan, schema))
    }

    /// The types of the parameters.
    pub fn parameters(&self) -> &[PgType] {
        match &self.0 {
            Kind::Plan(plan) => plan.parameters(),
            Kind::Literals(rows) | Kind::Finished(rows, ..) => &rows.parameters,
        }
    }

    /// What who runs it must be allowed to do.
    pub fn demands(&self) -> &[Demand] {
        match &self.0 {
            Kind::Plan(plan) | Kind::Finished(_, plan, _) => plan.demands(),
            Kind::Literals(_) => &[],
        }
    }

    /// The plan that reads the rows; none where they are constants.
    ///
    /// # Errors
    /// What planning found out late.
    pub fn physical(&self, parameters: &[ScalarValue]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        match &self.0 {
            Kind::Plan(plan) => plan.physical(parameters).map(Some),
            Kind::Literals(_) | Kind::Finished(..) => Ok(None),
        }
    }

    /// How many rows of constants there are.
    pub fn constant_rows(&self) -> usize {
        match &self.0 {
            Kind::Plan(_) => 0,
            Kind::Literals(rows) | Kind::Finished(rows, ..) => rows.rows.len(),
        }
    }

    /// The types in which the client's parameters, the first so many, are read for
    /// [`Self::execute_columns`]; none where an execution can't be a row among others.
    pub fn column_types(&self, client: usize) -> Option<Vec<PgType>> {
        match &self.0 {
            Kind::Plan(_) => None,
            Kind::Literals(rows) | Kind::Finished(rows, ..) => rows.column_types(client),
        }
    }

    /// Makes the rows of many executions, in their order.
    ///
    /// # Errors
    /// What evaluating them finds.
    pub fn execute_columns(
        &self,
        executions: &Executions<'_>,
        run: &Run,
    ) -> Result<SendableRecordBatchStream> {
        match &self.0 {
            Kind::Plan(_) => Err(SqlError::internal("a plan that has no columns of parameters")),
            Kind::Finished(rows, plan, schema) => {
                plan.execute(&[], &with_rows(schema, rows.columns(executions)?, run)?)
            }
            Kind::Literals(rows) => Ok(one_batch(rows.columns(executions)?)),
        }
    }

    /// Makes the rows.
    ///
    /// # Errors
    /// What evaluating them finds.
    pub fn execute(
        &self,
        parameters: &[ScalarValue],
        run: &Run,
    ) -> Result<SendableRecordBatchStream> {
        match &self.0 {
            Kind::Plan(plan) => plan.execute(parameters, run),
            Kind::Finished(rows, plan, schema) => {
                plan.execute(&[], &with_rows(schema, rows.batch(parameters)?, run)?)
            }
            Kind::Literals(rows) => Ok(one_batch(rows.batch(parameters)?)),
        }
    }
}

fn one_batch(batch: RecordBatch) -> SendableRecordBatchStream {
    let schema = batch.schema();
    let rows = futures::stream::once(futures::future::ready(Ok(batch)));
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}
