//! INSERT, UPDATE and DELETE as queries: what to store, and the addresses of what goes.
//!
//! The source of an INSERT gives all columns of the table, in its order, with assignment casts
//! applied and defaults filled in; that of an UPDATE gives the row's address before them; that of
//! a DELETE gives the address and the old row. `txn` does the rest.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use sqlparser::ast;

use super::demands::{deleted, inserted, over_rows, returned, updated};
use super::errors::sql_error;
use super::executable::OutputColumn;
use super::insert_source::{expression, type_constants, values};
use super::literal::Parameters;
use super::literal_rows::{LiteralRows, RowSource};
use super::locking::without_locks_of;
use super::planner::{Analyzed, PlanContext, Planner, Target};
use super::refused_values::{REFUSED_VALUE, check_identity, refuse_computed, refuse_generated};
use super::returning::other_columns;
use super::row_versions::{Change, names_versions, old_name, without_versions};
use super::upsert::{PAIRS_NAME, with_table};
use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::{Demand, PolicyCommand, RowRule};
use crate::catalog::{ColumnDef, TableDef};
use crate::exec::cast_function;
use crate::plan::statement::{
    Assignment, AssignmentSource, Cell, Delete, Insert, InsertSource, Overriding, Update,
};
use crate::plan::{parse_expression, quote_identifier};
use crate::segment::{ADDRESS, Column as StoredColumn, ROW_ID, TableSchema};
use crate::types::{CastContext, PgType, cast_context};

/// A planned change of a table.
#[derive(Debug)]
pub struct DmlPlan {
    /// The table.
    pub table: Oid,
    /// The rows: for UPDATE and DELETE with the address first.
    pub source: RowSource,
    /// RETURNING's columns where the source gives them after the table's.
    pub returning: Option<Arc<[OutputColumn]>>,
    /// What is asked of the table, beside what the source reads.
    pub demands: Vec<Demand>,
}

/// Where a column's value comes from.
pub(super) enum Value {
    /// A column of the query.
    Query(usize),
    /// The column's default.
    Default,
}

impl Planner {
    /// Plans an INSERT into a table.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report.
    pub fn insert(
        self: &Arc<Self>,
        context: &PlanContext,
        table: &TableDef,
        insert: &Insert,
        parameter_types: &[Option<PgType>],
    ) -> Result<DmlPlan> {
        self.count_step();
        let targets = targets(table, insert.columns.as_deref())?;
        let user = insert.overriding == Some(Overriding::User);
        check_identity(table, &targets, insert)?;
        if let InsertSource::Values(rows) = &insert.source
            && let width = rows.first().map_or(0, Vec::len)
            && !user
            && (insert.columns.is_none() || width == targets.len())
            && let Some(rows) =
                LiteralRows::of(table, &targets, rows, parameter_types, &context.text)
        {
            let source = self.literal_source(context, table, rows)?;
            let demands = inserted(table, targets.get(..width).unwrap_or(&targets));
            return Ok(DmlPlan { table: table.oid, source, returning: None, demands });
        }
        let (mut tree, width) = match &insert.source {
            InsertSource::Query(query) => {
                query.refuse_locking()?;
                let mut tree = query.ast.as_ref().clone();
                type_constants(table, &targets, &mut tree)?;
                (tree, None)
            }
            InsertSource::Values(rows) => {
                (values(table, &targets, rows)?, rows.first().map(Vec::len))
            }
            InsertSource::DefaultValues => (parse_query("SELECT 1")?, Some(0)),
        };
        if insert.with.is_some() {
            tree.with = insert.with.as_deref().cloned();
        }
        let mut plan = self.analyzed(context, tree, parameter_types, None)?;
        let given = width.unwrap_or_else(|| plan.plan.schema().fields().len());
        check_width(given, targets.len(), insert.columns.is_some())?;
        if width.is_none() {
            for at in targets.iter().take(given) {
                refuse_computed(&table.columns[*at], &Cell::Null, REFUSED_VALUE, "")?;
            }
        }
        let place = |at: usize| {
            let place = targets.iter().position(|target| *target == at);
            let generated = user && table.columns[at].identity.is_some();
            let place = place.filter(|place| *place < given && !generated);
            place.map_or(Value::Default, Value::Query)
        };
        let values: Vec<Value> = (0..table.columns.len()).map(place).collect();
        plan.plan = self.assign(context, plan.plan, table, &values, false)?;
        let demands = inserted(table, targets.get(..given).unwrap_or(&targets));
        let source = self.finish(plan)?.into();
        Ok(DmlPlan { table: table.oid, source, returning: None, demands })
    }

    /// Rows of constants, with a plan for the defaults that must be evaluated.
    fn literal_source(
        self: &Arc<Self>,
        context: &PlanContext,
        table: &TableDef,
        rows: LiteralRows,
    ) -> Result<RowSource> {
        if rows.unfinished().is_empty() {
            return Ok(rows.into());
        }
        let stored = |column: &ColumnDef| {
            let field = Arc::new(column.ty.pg_type().field(&column.name, true));
            StoredColumn::new(column.id, field)
        };
        let columns = table.columns.iter().map(stored).collect();
        let schema = Arc::new(TableSchema { columns, sort: Vec::new(), keys: Vec::new() });
        let context = with_table(&schema, context);
        let name = quote_identifier(PAIRS_NAME);
        let tree = parse_query(&format!("SELECT * FROM {name}"))?;
        let mut plan = self.analyzed(&context, tree, &[], None)?;
        let value = |at: usize| match rows.unfinished().contains(&at) {
            true => Value::Default,
            false => Value::Query(at),
        };
        let values: Vec<Value> = (0..table.columns.len()).map(value).collect();
        plan.plan = self.assign(&context, plan.plan, table, &values, false)?;
        let plan = over_rows(self.finish(plan)?, None);
        Ok(RowSource::finished(rows, plan, schema))
    }

    /// Plans an UPDATE of a table.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report.
    pub fn update(
        self: &Arc<Self>,
        context: &PlanContext,
        table: &TableDef,
        update: &Update,
        parameter_types: &[Option<PgType>],
    ) -> Result<DmlPlan> {
        let name = update.target.alias.clone().unwrap_or_else(|| table.name.clone());
        let mut items = vec![item(column(&name, ADDRESS))];
        let sets = assigned(table, &update.assignments)?;
        for (at, set) in sets.into_iter().enumerate() {
            let value = set.unwrap_or_else(|| column(&name, &table.columns[at].name));
            items.push(ast::SelectItem::ExprWithAlias {
                expr: value,
                alias: ast::Ident::with_quote('"', format!("new {at}")),
            });
        }
        let versions = names_versions(&update.returning, &name);
        let returns = versions || !update.from.is_empty() && !update.returning.is_empty();
        if versions {
            items.extend(table.columns.iter().map(|old| ast::SelectItem::ExprWithAlias {
                expr: column(&name, &old.name),
                alias: ast::Ident::with_quote('"', old_name(&old.name)),
            }));
        }
        if returns {
            items.extend(other_columns(&update.from));
        }
        let filter = update.filter.as_ref().map(|filter| filter.ast.as_ref().clone());
        let mut tree = select(context, table, &update.target.alias, &update.from, items, filter)?;
        tree.with = update.with.as_deref().cloned();
        without_locks_of(table.oid, &mut tree, context);
        let reads = update.filter.is_some()
            || !update.from.is_empty()
            || !update.returning.is_empty()
            || !update.assignments.iter().all(is_constant);
        let rule = RowRule::Found { command: PolicyCommand::Update, reads };
        let target = Some(Target { oid: table.oid, rule });
        let mut plan = self.analyzed(context, tree, parameter_types, target)?;
        let values: Vec<Value> = (0..table.columns.len()).map(|at| Value::Query(at + 1)).collect();
        let demands = updated(table, &update.assignments);
        if returns {
            let exprs = self.assigned_exprs(context, &plan.plan, table, &values, true)?;
            let items = without_versions(&update.returning, table, &name, Change::Update)?;
            let demands = demands.into_iter().chain(returned(table, &update.returning)).collect();
            return self.with_returning(context, (table, demands), (&name, exprs), &items, plan);
        }
        plan.plan = self.assign(context, plan.plan, table, &values, true)?;
        let source = self.finish(plan)?.into();
        Ok(DmlPlan { table: table.oid, source, returning: None, demands })
    }

    /// The plan of a change whose RETURNING may show other tables' columns.
    fn with_returning(
        self: &Arc<Self>,
        context: &PlanContext,
        (table, mut demands): (&TableDef, Vec<Demand>),
        (name, exprs): (&str, Vec<Expr>),
        items: &[ast::SelectItem],
        mut analyzed: Analyzed,
    ) -> Result<DmlPlan> {
        let width = exprs.len();
        let under_name = |(at, expr): (usize, Expr)| match expr {
            Expr::Alias(alias) if at > 0 => alias.expr.alias_qualified(Some(name), alias.name),
            other => other,
        };
        let schema = Arc::clone(analyzed.plan.schema());
        let others = (width..schema.fields().len())
            // Another row of the same table has an address, too.
            .filter(|at| !matches!(schema.field(*at).name().as_str(), ADDRESS | ROW_ID))
            .map(|at| Expr::Column(Column::from(schema.qualified_field(at))));
        let exprs = exprs.into_iter().enumerate().map(under_name).chain(others).collect();
        let joined = Projection::try_new(exprs, Arc::new(analyzed.plan)).map_err(sql_error)?;
        let joined = self.generated(context, LogicalPlan::Projection(joined), table, 1)?;
        let (plan, asked) = self.returning(context, joined, width, items, &analyzed.parameters)?;
        analyzed.plan = plan;
        demands.extend(asked);
        let plan = self.finish(analyzed)?;
        let returning = plan.columns().get(width..).unwrap_or_default().into();
        demands.extend(returned(table, items));
        Ok(DmlPlan { table: table.oid, source: plan.into(), returning: Some(returning), demands })
    }

    /// Plans a DELETE from a table.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report.
    pub fn delete(
        self: &Arc<Self>,
        context: &PlanContext,
        table: &TableDef,
        delete: &Delete,
        parameter_types: &[Option<PgType>],
    ) -> Result<DmlPlan> {
        let name = delete.target.alias.clone().unwrap_or_else(|| table.name.clone());
        let mut items = vec![item(column(&name, ADDRESS))];
        items.extend(table.columns.iter().map(|old| item(column(&name, &old.name))));
        let returns = !delete.using.is_empty() && !delete.returning.is_empty();
        if returns {
            items.extend(other_columns(&delete.using));
        }
        let filter = delete.filter.as_ref().map(|filter| filter.ast.as_ref().clone());
        let mut tree = select(context, table, &delete.target.alias, &delete.using, items, filter)?;
        tree.with = delete.with.as_deref().cloned();
        without_locks_of(table.oid, &mut tree, context);
        let reads =
            delete.filter.is_some() || !delete.using.is_empty() || !delete.returning.is_empty();
        let rule = RowRule::Found { command: PolicyCommand::Delete, reads };
        let target = Some(Target { oid: table.oid, rule });
        let plan = self.analyzed(context, tree, parameter_types, target)?;
        let demands = deleted(table);
        if returns {
            let schema = Arc::clone(plan.plan.schema());
            let old = |at: usize| {
                let column = Expr::Column(Column::from(schema.qualified_field(at)));
                let name = if at == 0 { ADDRESS } else { &table.columns[at - 1].name };
                column.alias(name)
            };
            let exprs = (0..=table.columns.len()).map(old).collect();
            let items = without_versions(&delete.returning, table, &name, Change::Delete)?;
            let demands = demands.into_iter().chain(returned(table, &delete.returning)).collect();
            return self.with_returning(context, (table, demands), (&name, exprs), &items, plan);
        }
        let source = self.finish(plan)?.into();
        Ok(DmlPlan { table: table.oid, source, returning: None, demands })
    }

    /// Puts the assignment casts and defaults on top of a query.
    pub(super) fn assign(
        &self,
        context: &PlanContext,
        plan: LogicalPlan,
        table: &TableDef,
        values: &[Value],
        address: bool,
    ) -> Result<LogicalPlan> {
        let exprs = self.assigned_exprs(context, &plan, table, values, address)?;
        let plan = Projection::try_new(exprs, Arc::new(plan)).map_err(sql_error)?;
        self.generated(context, LogicalPlan::Projection(plan), table, usize::from(address))
    }

    /// The table's columns with the assignment casts and defaults.
    pub(super) fn assigned_exprs(
        &self,
        context: &PlanContext,
        plan: &LogicalPlan,
        table: &TableDef,
        values: &[Value],
        address: bool,
    ) -> Result<Vec<Expr>> {
        let mut exprs = Vec::with_capacity(values.len() + 1);
        let query = |at: usize| Expr::Column(Column::from(plan.schema().qualified_field(at)));
        if address {
            exprs.push(query(0).alias(ADDRESS));
        }
        for (target, value) in table.columns.iter().zip(values) {
            let ty = target.ty.pg_type();
            let (value, source) = match value {
                Value::Query(at) => (query(*at), PgType::of_field(plan.schema().field(*at))),
                Value::Default => match target.default_text() {
                    // It is computed from the others, once they are there.
                    Some(text) if !target.generated => {
                        let parsed = *parse_expression(text)?.ast;
                        let parameters = Arc::new(Parameters::default());
                        let schema = DFSchema::empty();
                        let (value, _) = self.expression(context, parsed, &schema, &parameters)?;
                        refuse_subquery(&value)?;
                        let source = super::literal::type_of(&value, &schema);
                        (value, source)
                    }
                    _ => (
                        Expr::Literal(datafusion::common::ScalarValue::Null, None),
                        PgType::Unknown,
                    ),
                },
            };
            let cast = assignment(value, &source, &ty, &target.name)?;
            exprs.push(cast.alias(target.name.clone()));
        }
        Ok(exprs)
    }
}

/// Whether an assignment reads nothing.
fn is_constant(assignment: &Assignment) -> bool {
    match &assignment.source {
        AssignmentSource::Values(cells) => {
            cells.iter().all(|cell| !matches!(cell, Cell::Expression(_)))
        }
        AssignmentSource::Query(_) => false,
    }
}

/// Who made the table would otherwise read with the rights of who inserts.
pub(super) fn refuse_subquery(default: &Expr) -> Result<()> {
    let is_subquery = |expr: &Expr| {
        Ok(matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
        ))
    };
    match default.exists(is_subquery).map_err(sql_error)? {
        true => Err(SqlError::unsupported("cannot use subquery in DEFAULT expression")),
        false => Ok(()),
    }
}

/// The expressions that SET gives to the columns, in the table's order.
pub(super) fn assigned(
    table: &TableDef,
    assignments: &[Assignment],
) -> Result<Vec<Option<ast::Expr>>> {
    let mut sets: Vec<Option<ast::Expr>> = vec![None; table.columns.len()];
    for Assignment { columns, source, .. } in assignments {
        let width = match source {
            AssignmentSource::Values(cells) => cells.len(),
            AssignmentSource::Query(query) => select_list(query)?.len(),
        };
        if width != columns.len() {
            let message = "number of columns does not match number of values";
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        }
        for (place, column) in columns.iter().enumerate() {
            let at = position(table, column)?;
            if sets[at].is_some() {
                let message = format!("multiple assignments to same column \"{column}\"");
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
            let target = &table.columns[at];
            let value = match source {
                AssignmentSource::Values(cells) => {
                    refuse_generated(target, &cells[place], "column", "can only be updated to")?;
                    refuse_computed(target, &cells[place], "column", "can only be updated to")?;
                    expression(target, &cells[place])?
                }
                AssignmentSource::Query(query) => {
                    refuse_computed(target, &Cell::Null, "column", "can only be updated to")?;
                    one_column(query, place)?
                }
            };
            sets[at] = Some(value);
        }
    }
    Ok(sets)
}

/// The select list of `SET (..) = (SELECT ..)`.
fn select_list(query: &ast::Query) -> Result<&[ast::SelectItem]> {
    let unsupported = || {
        let message = "UPDATE ... SET (..) = (SELECT ..) is only supported for a plain SELECT list";
        SqlError::unsupported(message)
    };
    let ast::SetExpr::Select(select) = query.body.as_ref() else { return Err(unsupported()) };
    let plain = |item: &ast::SelectItem| {
        matches!(item, ast::SelectItem::UnnamedExpr(_) | ast::SelectItem::ExprWithAlias { .. })
    };
    if select.distinct.is_some() || !select.projection.iter().all(plain) {
        return Err(unsupported());
    }
    Ok(&select.projection)
}

/// A subquery with one column of its select list.
fn one_column(query: &ast::Query, place: usize) -> Result<ast::Expr> {
    let wanted = select_list(query)?.get(place).cloned();
    let mut query = query.clone();
    if let ast::SetExpr::Select(select) = query.body.as_mut() {
        select.projection = wanted.into_iter().collect();
    }
    Ok(ast::Expr::Subquery(Box::new(query)))
}

/// A value in the type of the column that it goes into.
pub(super) fn assignment(
    value: Expr,
    source: &PgType,
    target: &PgType,
    name: &str,
) -> Result<Expr> {
    if *source != PgType::Unknown {
        let allowed = cast_context(source, target);
        if !matches!(allowed, Some(CastContext::Implicit | CastContext::Assignment)) {
            let message = format!(
                "column \"{name}\" is of type {} but expression is of type {}",
                target.sql_name(),
                source.sql_name()
            );
            let hint = "You will need to rewrite or cast the expression.";
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message).with_hint(hint));
        }
        if let Some(function) = cast_function(source, target, CastContext::Assignment) {
            return Ok(function.call(vec![value]));
        }
    }
    let field = Arc::new(target.field(name, true));
    Ok(Expr::Cast(Cast::new_from_field(Box::new(value), field)))
}

fn position(table: &TableDef, name: &str) -> Result<usize> {
    table.columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let message = format!("column \"{name}\" of relation \"{}\" does not exist", table.name);
        SqlError::new(SqlState::UNDEFINED_COLUMN, message)
    })
}

pub(super) fn targets(table: &TableDef, columns: Option<&[String]>) -> Result<Vec<usize>> {
    let Some(columns) = columns else { return Ok((0..table.columns.len()).collect()) };
    let mut targets = Vec::with_capacity(columns.len());
    for name in columns {
        let at = position(table, name)?;
        if targets.contains(&at) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
        }
        targets.push(at);
    }
    Ok(targets)
}

pub(super) fn check_width(given: usize, targets: usize, listed: bool) -> Result<()> {
    if given > targets {
        let message = "INSERT has more expressions than target columns";
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    if given < targets && listed && given > 0 {
        let message = "INSERT has more target columns than expressions";
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    Ok(())
}

pub(super) fn column(table: &str, name: &str) -> ast::Expr {
    let quoted = |name: &str| ast::Ident::with_quote('"', name);
    ast::Expr::CompoundIdentifier(vec![quoted(table), quoted(name)])
}

pub(super) fn item(expr: ast::Expr) -> ast::SelectItem {
    ast::SelectItem::UnnamedExpr(expr)
}

pub(super) fn parse_query(sql: &str) -> Result<ast::Query> {
    Ok(*crate::plan::parse_query(sql)?.ast)
}

/// `SELECT items FROM target AS alias, others WHERE filter`.
fn select(
    context: &PlanContext,
    table: &TableDef,
    alias: &Option<String>,
    others: &[ast::TableWithJoins],
    items: Vec<ast::SelectItem>,
    filter: Option<ast::Expr>,
) -> Result<ast::Query> {
    let mut shape = from_target(context, table, alias)?;
    if let ast::SetExpr::Select(select) = shape.body.as_mut() {
        select.projection = items;
        select.from.extend(others.iter().cloned());
        select.selection = filter;
    }
    Ok(shape)
}

/// `SELECT 1 FROM target AS alias`.
fn from_target(
    context: &PlanContext,
    table: &TableDef,
    alias: &Option<String>,
) -> Result<ast::Query> {
    let quoted = |name: &str| ast::Ident::with_quote('"', name).to_string();
    let schema = context.relations.schema_of(table.oid);
    let path = schema.map(|schema| format!("{}.", quoted(&schema))).unwrap_or_default();
    let known = alias.as_ref().unwrap_or(&table.name);
    parse_query(&format!("SELECT 1 FROM {path}{} AS {}", quoted(&table.name), quoted(known)))
}

/// A query without FROM, and what the target is there.
pub(super) fn target_in_from(
    context: &PlanContext,
    table: &TableDef,
    alias: &Option<String>,
) -> Result<(ast::Query, ast::TableFactor)> {
    let mut shape = from_target(context, table, alias)?;
    let from = match shape.body.as_mut() {
        ast::SetExpr::Select(select) => select.from.pop(),
        _ => None,
    };
    let from = from.ok_or_else(|| SqlError::internal("a target without FROM"))?;
    Ok((shape, from.relation))
}
