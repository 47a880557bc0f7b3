//! MERGE as a query: what happens to which row.
//!
//! The source is joined with the target. Each row of that gets the number of the first branch that
//! fits, and for each branch the values that it would write; the row's new columns are those of its
//! branch. Rows for which nothing is to be done are left out.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::{Case, Cast};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection, col, lit};
use sqlparser::ast::{self, VisitMut, VisitorMut};

use super::demands::{deleted, inserted, returned, updated};
use super::dml::{
    DmlPlan, Value, assigned, check_width, column, item, parse_query, target_in_from, targets,
};
use super::errors::sql_error;
use super::insert_source::expression;
use super::names::fold;
use super::planner::{PlanContext, Planner, Target};
use super::refused_values::{REFUSED_VALUE, refuse_computed, refuse_generated};
use super::returning::other_columns;
use super::row_versions::{Change, MERGE_ACTION, MERGE_KIND, old_name, without_versions};
use crate::base::{Result, SqlError};
use crate::catalog::TableDef;
use crate::catalog::access::{Demand, PolicyCommand, RowRule};
use crate::plan::parse_expression;
use crate::plan::statement::{Cell, Merge, MergeAction, MergeBranch, MergeWhen, Overriding};
use crate::segment::ADDRESS;
use crate::types::PgType;

/// What a MERGE does with a row: the second column of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeKind {
    /// It is new.
    Insert = 1,
    /// It changes.
    Update = 2,
    /// It goes.
    Delete = 3,
}

impl MergeKind {
    /// The kind of a number.
    pub fn of(number: i32) -> Option<Self> {
        [Self::Insert, Self::Update, Self::Delete].into_iter().find(|kind| *kind as i32 == number)
    }

    /// What `merge_action()` says.
    fn name(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// The name of the table, and of the column, that tell whether a row has a source.
const PRESENT: &str = "merge\u{1}source";
/// The name of the column with the branch's number.
const BRANCH: &str = "merge\u{1}branch";

fn kind_of(action: &MergeAction) -> Option<MergeKind> {
    match action {
        MergeAction::Nothing => None,
        MergeAction::Delete => Some(MergeKind::Delete),
        MergeAction::Update(_) => Some(MergeKind::Update),
        MergeAction::Insert { .. } => Some(MergeKind::Insert),
    }
}

/// The query under a MERGE, with where in it the branches' values are.
struct Rows<'a> {
    table: &'a TableDef,
    name: &'a str,
    merge: &'a Merge,
    items: Vec<ast::SelectItem>,
    /// Branch by branch and column by column.
    values: Vec<Vec<Value>>,
}

impl Planner {
    /// Plans a MERGE: the address of the row, what happens with it, its new columns.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report.
    pub fn merge(
        self: &Arc<Self>,
        context: &PlanContext,
        table: &TableDef,
        merge: &Merge,
        parameter_types: &[Option<PgType>],
    ) -> Result<DmlPlan> {
        let name = merge.target.alias.as_ref().unwrap_or(&table.name);
        let mut rows = Rows {
            table,
            name,
            merge,
            items: vec![item(column(name, ADDRESS))],
            values: Vec::new(),
        };
        rows.items.push(named(rows.branch()?, BRANCH));
        for (number, branch) in (1..).zip(&merge.branches) {
            let values = rows.branch_values(number, branch)?;
            rows.values.push(values);
        }
        let returns = !merge.returning.is_empty();
        let old = rows.items.len();
        if returns {
            for of_table in &table.columns {
                rows.items.push(named(column(name, &of_table.name), &old_name(&of_table.name)));
            }
            rows.items.extend(other_columns(std::slice::from_ref(&*merge.source)));
        }
        let tree = rows.tree(context)?;
        let rule = RowRule::Found { command: PolicyCommand::Update, reads: true };
        let target = Some(Target { oid: table.oid, rule });
        let mut plan = self.analyzed(context, tree, parameter_types, target)?;
        plan.plan = self.merged(context, plan.plan, &rows, old)?;
        let mut demands = rows.demands()?;
        if !returns {
            let source = self.finish(plan)?.into();
            return Ok(DmlPlan { table: table.oid, source, returning: None, demands });
        }
        let items = rows.returning()?;
        let width = table.columns.len() + 2;
        let (returning, asked) =
            self.returning(context, plan.plan, width, &items, &plan.parameters)?;
        plan.plan = returning;
        demands.extend(asked);
        demands.extend(returned(table, &merge.returning));
        let plan = self.finish(plan)?;
        let returning = plan.columns().get(width..).unwrap_or_default().into();
        Ok(DmlPlan { table: table.oid, source: plan.into(), returning: Some(returning), demands })
    }

    /// The address, the kind, the new row, and after them what RETURNING may name.
    fn merged(
        &self,
        context: &PlanContext,
        plan: LogicalPlan,
        rows: &Rows<'_>,
        old: usize,
    ) -> Result<LogicalPlan> {
        let table = rows.table;
        let schema = Arc::clone(plan.schema());
        let at = |at: usize| Expr::Column(Column::from(schema.qualified_field(at)));
        let shown = !rows.merge.returning.is_empty();
        let kinds: Vec<_> = rows.merge.branches.iter().map(|b| kind_of(&b.action)).collect();
        let by_branch = |value: &dyn Fn(usize, MergeKind) -> Option<Expr>| {
            let some = kinds.iter().enumerate().filter_map(|(place, kind)| {
                let value = value(place, (*kind)?)?;
                Some((Box::new(lit(number(place))), Box::new(value)))
            });
            let when_then_expr: Vec<_> = some.collect();
            match when_then_expr.is_empty() {
                true => None,
                false => {
                    let expr = Some(Box::new(at(1)));
                    Some(Expr::Case(Case { expr, when_then_expr, else_expr: None }))
                }
            }
        };
        let nothing = || Expr::Literal(ScalarValue::Int32(None), None);
        let kind = by_branch(&|_, kind| Some(lit(kind as i32))).unwrap_or_else(nothing);
        let action = by_branch(&|_, kind| Some(lit(kind.name())));
        let mut written = Vec::with_capacity(rows.values.len());
        for values in &rows.values {
            written.push(match values.is_empty() {
                true => Vec::new(),
                false => self.assigned_exprs(context, &plan, table, values, false)?,
            });
        }
        let mut exprs = vec![at(0).alias(ADDRESS), kind.alias(MERGE_KIND)];
        for (place, of_table) in table.columns.iter().enumerate() {
            let value = |branch: usize, kind| match kind {
                // RETURNING shows it; nobody else looks at a row that goes.
                MergeKind::Delete => shown.then(|| at(old + place)),
                _ => written[branch].get(place).cloned().map(Expr::unalias),
            };
            let field = Arc::new(of_table.ty.pg_type().field(&of_table.name, true));
            let value = by_branch(&value).unwrap_or_else(nothing);
            let typed = Expr::Cast(Cast::new_from_field(Box::new(value), field));
            exprs.push(typed.alias_qualified(Some(rows.name), of_table.name.clone()));
        }
        if !rows.merge.returning.is_empty() {
            let action = action.unwrap_or_else(|| lit(""));
            exprs.push(action.alias(MERGE_ACTION));
            let hidden = [ADDRESS, crate::segment::ROW_ID];
            let shown = |at: &usize| !hidden.contains(&schema.field(*at).name().as_str());
            exprs.extend((old..schema.fields().len()).filter(shown).map(at));
        }
        let plan = Projection::try_new(exprs, Arc::new(plan)).map_err(sql_error)?;
        let plan = self.generated(context, LogicalPlan::Projection(plan), table, 2)?;
        let kind = col(Column::new_unqualified(MERGE_KIND));
        Filter::try_new(kind.is_not_null(), Arc::new(plan))
            .map(LogicalPlan::Filter)
            .map_err(sql_error)
    }
}

/// A branch's number, from one.
fn number(place: usize) -> i32 {
    i32::try_from(place).unwrap_or(i32::MAX - 1) + 1
}

fn named(expr: ast::Expr, name: &str) -> ast::SelectItem {
    ast::SelectItem::ExprWithAlias { expr, alias: ast::Ident::with_quote('"', name) }
}

fn all_of(conditions: Vec<ast::Expr>) -> Option<ast::Expr> {
    let op = ast::BinaryOperator::And;
    conditions.into_iter().reduce(|a, b| ast::Expr::BinaryOp {
        left: Box::new(ast::Expr::Nested(Box::new(a))),
        op: op.clone(),
        right: Box::new(ast::Expr::Nested(Box::new(b))),
    })
}

/// `CASE WHEN condition THEN result .. END`.
fn cases(pairs: Vec<(ast::Expr, ast::Expr)>) -> Result<ast::Expr> {
    let mut case = *parse_expression("CASE WHEN true THEN 1 END")?.ast;
    if let ast::Expr::Case { conditions, .. } = &mut case {
        let pairs = pairs.into_iter();
        *conditions =
            pairs.map(|(condition, result)| ast::CaseWhen { condition, result }).collect();
    }
    Ok(case)
}

impl Rows<'_> {
    /// What is asked of the target for what the branches do, beside what the query reads.
    fn demands(&self) -> Result<Vec<Demand>> {
        let mut demands = Vec::new();
        for branch in &self.merge.branches {
            demands.extend(match &branch.action {
                MergeAction::Nothing => Vec::new(),
                MergeAction::Delete => deleted(self.table),
                MergeAction::Update(assignments) => updated(self.table, assignments),
                MergeAction::Insert { columns, .. } => {
                    inserted(self.table, &targets(self.table, columns.as_deref())?)
                }
            });
        }
        Ok(demands)
    }

    /// Whether rows of the target that no row of the source fits are of interest.
    fn without_source(&self) -> bool {
        self.merge.branches.iter().any(|branch| branch.when == MergeWhen::NotMatchedBySource)
    }

    /// The number of the branch that acts on a row.
    fn branch(&self) -> Result<ast::Expr> {
        let there = || ast::Expr::IsNotNull(Box::new(column(self.name, ADDRESS)));
        let not_there = || ast::Expr::IsNull(Box::new(column(self.name, ADDRESS)));
        let present = || column(PRESENT, PRESENT);
        let mut pairs = Vec::new();
        for (place, branch) in self.merge.branches.iter().enumerate() {
            let mut conditions = match branch.when {
                MergeWhen::Matched if self.without_source() => {
                    vec![there(), ast::Expr::IsNotNull(Box::new(present()))]
                }
                MergeWhen::Matched => vec![there()],
                MergeWhen::NotMatchedByTarget => vec![not_there()],
                MergeWhen::NotMatchedBySource => {
                    vec![there(), ast::Expr::IsNull(Box::new(present()))]
                }
            };
            let condition = branch.condition.iter().map(|condition| *condition.ast.clone());
            conditions.extend(condition.map(|condition| self.of_its_side(branch.when, condition)));
            let condition = all_of(conditions);
            let condition = condition.ok_or_else(|| SqlError::internal("a WHEN without one"))?;
            pairs.push((condition, int(number(place))));
        }
        cases(pairs)
    }

    /// What a branch writes, column by column; nothing where it writes no row.
    fn branch_values(&mut self, branch: i32, of: &MergeBranch) -> Result<Vec<Value>> {
        let table = self.table;
        match &of.action {
            MergeAction::Nothing | MergeAction::Delete => Ok(Vec::new()),
            MergeAction::Update(assignments) => {
                let sets = assigned(table, assignments)?;
                let mut values = Vec::with_capacity(sets.len());
                for (set, of_table) in sets.into_iter().zip(&table.columns) {
                    let value = match set {
                        Some(set) => self.of_branch(branch, self.of_its_side(of.when, set))?,
                        None => column(self.name, &of_table.name),
                    };
                    values.push(self.value(value));
                }
                Ok(values)
            }
            MergeAction::Insert { columns, overriding, values } => {
                let targets = targets(table, columns.as_deref())?;
                let cells: &[Cell] = values.as_deref().unwrap_or_default();
                if values.is_some() {
                    check_width(cells.len(), targets.len(), columns.is_some())?;
                }
                let mut row: Vec<Value> = table.columns.iter().map(|_| Value::Default).collect();
                for (target, cell) in targets.iter().zip(cells) {
                    let of_table = &table.columns[*target];
                    refuse_computed(of_table, cell, REFUSED_VALUE, "")?;
                    if overriding.is_none() {
                        refuse_generated(of_table, cell, REFUSED_VALUE, "").map_err(|error| {
                            error.with_hint("Use OVERRIDING SYSTEM VALUE to override.")
                        })?;
                    }
                    let replaced =
                        *overriding == Some(Overriding::User) && of_table.identity.is_some();
                    if matches!(cell, Cell::Default) || replaced {
                        continue;
                    }
                    let value = expression(of_table, cell)?;
                    let value = match cell {
                        Cell::Expression(_) => {
                            self.of_branch(branch, self.of_its_side(of.when, value))?
                        }
                        _ => value,
                    };
                    row[*target] = self.value(value);
                }
                Ok(row)
            }
        }
    }

    /// An expression that is computed for the rows of a branch only.
    fn of_branch(&self, branch: i32, expr: ast::Expr) -> Result<ast::Expr> {
        let condition = ast::Expr::BinaryOp {
            left: Box::new(self.branch()?),
            op: ast::BinaryOperator::Eq,
            right: Box::new(int(branch)),
        };
        match expr {
            // Constants keep their types.
            ast::Expr::Value(_) | ast::Expr::Cast { .. } => Ok(expr),
            expr => cases(vec![(condition, expr)]),
        }
    }

    /// A branch for rows that are on one side only sees that side's columns: a name that both have means it.
    fn of_its_side(&self, when: MergeWhen, mut expr: ast::Expr) -> ast::Expr {
        let side = match when {
            MergeWhen::Matched => None,
            MergeWhen::NotMatchedByTarget => source_name(&self.merge.source),
            MergeWhen::NotMatchedBySource => Some(ast::Ident::with_quote('"', self.name)),
        };
        if let Some(name) = side {
            let _ = expr.visit(&mut Side { table: self.table, name, subqueries: 0 });
        }
        expr
    }

    fn value(&mut self, expr: ast::Expr) -> Value {
        let at = self.items.len();
        self.items.push(named(expr, &format!("merge\u{1}{at}")));
        Value::Query(at)
    }

    /// The source joined with the target.
    fn tree(&self, context: &PlanContext) -> Result<ast::Query> {
        let merge = self.merge;
        let (mut tree, target) = target_in_from(context, self.table, &merge.target.alias)?;
        let mut source = (*merge.source).clone();
        let on = ast::JoinConstraint::On(*merge.condition.ast.clone());
        let by_target = |branch: &MergeBranch| branch.when == MergeWhen::NotMatchedByTarget;
        let operator = if self.without_source() {
            let name = ast::Ident::with_quote('"', PRESENT);
            let marked = parse_query(&format!("SELECT 1 FROM (SELECT true AS {name}) AS {name}"))?;
            if let ast::SetExpr::Select(mut select) = *marked.body
                && let Some(from) = select.from.pop()
            {
                let join_operator = ast::JoinOperator::CrossJoin(ast::JoinConstraint::None);
                let relation = from.relation;
                source.joins.push(ast::Join { relation, global: false, join_operator });
            }
            ast::JoinOperator::FullOuter(on)
        } else if merge.branches.iter().any(by_target) {
            ast::JoinOperator::LeftOuter(on)
        } else {
            ast::JoinOperator::Inner(on)
        };
        let relation = match source.joins.is_empty() {
            true => source.relation,
            false => {
                ast::TableFactor::NestedJoin { table_with_joins: Box::new(source), alias: None }
            }
        };
        let join = ast::Join { relation: target, global: false, join_operator: operator };
        if let ast::SetExpr::Select(select) = tree.body.as_mut() {
            select.projection.clone_from(&self.items);
            select.from = vec![ast::TableWithJoins { relation, joins: vec![join] }];
        }
        tree.with = merge.with.as_deref().cloned();
        Ok(tree)
    }

    /// RETURNING, with `*` as the source's columns before the target's.
    fn returning(&self) -> Result<Vec<ast::SelectItem>> {
        let mut items = Vec::new();
        for item in &self.merge.returning {
            if let ast::SelectItem::Wildcard(options) = item {
                items.extend(other_columns(std::slice::from_ref(&*self.merge.source)));
                let name = ast::ObjectName::from(vec![ast::Ident::with_quote('"', self.name)]);
                let kind = ast::SelectItemQualifiedWildcardKind::ObjectName(name);
                items.push(ast::SelectItem::QualifiedWildcard(kind, options.clone()));
            } else {
                items.push(item.clone());
            }
        }
        without_versions(&items, self.table, self.name, Change::Merge)
    }
}

/// What the source is called, if it is one relation.
fn source_name(source: &ast::TableWithJoins) -> Option<ast::Ident> {
    match &source.relation {
        _ if !source.joins.is_empty() => None,
        ast::TableFactor::Table { alias: Some(alias), .. }
        | ast::TableFactor::Derived { alias: Some(alias), .. } => Some(alias.name.clone()),
        ast::TableFactor::Table { name, .. } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

/// Names the side of columns that are named like one of the target's, but not in subqueries.
struct Side<'a> {
    table: &'a TableDef,
    name: ast::Ident,
    subqueries: usize,
}

impl VisitorMut for Side<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<()> {
        self.subqueries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<()> {
        self.subqueries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        if self.subqueries == 0
            && let ast::Expr::Identifier(column) = expr
            && self.table.column(&fold(column)).is_some()
        {
            *expr = ast::Expr::CompoundIdentifier(vec![self.name.clone(), column.clone()]);
        }
        ControlFlow::Continue(())
    }
}

fn int(number: i32) -> ast::Expr {
    ast::Expr::Value(ast::Value::Number(number.to_string(), false).into())
}
