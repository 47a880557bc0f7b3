//! Subqueries and LATERAL parts that refer to the query around them in a way which DataFusion can't
//! make a join of: they run for each row, by [`Apply`].
//!
//! What DataFusion can undo stays its own, as that is faster: a plan is tried with its optimiser
//! first, and only nodes with something left over are taken apart here. That goes from the outside to
//! the inside, so that a plan at hand refers to nothing outside of it: what an inner plan reads of a
//! row around it is a placeholder once that row's query has been dealt with.

use std::cell::Cell;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{
    Column, DFSchema, DFSchemaRef, DataFusionError, JoinType, Result, ScalarValue,
};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, merge_schema, split_conjunction_owned};
use datafusion::logical_expr::{
    EmptyRelation, Expr, ExprSchemable, Extension, Filter, Join, LogicalPlan, LogicalPlanBuilder,
    Operator, Projection, SubqueryAlias, Union, Values, binary_expr, lit, when,
};

use super::planner::Planner;
use crate::exec::{Apply, Gives};

/// Takes the correlated subqueries of a plan apart that DataFusion can't make joins of.
pub(super) fn without_correlation(plan: LogicalPlan, planner: &Planner) -> Result<LogicalPlan> {
    if !is_correlated(&plan)? || planner.decorrelates(&plan) {
        return Ok(plan);
    }
    Correlated { planner, next: Cell::new(1) }.resolve(plan)
}

/// Whether any part of a plan refers to rows around it.
fn is_correlated(plan: &LogicalPlan) -> Result<bool> {
    mentions(plan, &|expr| matches!(expr, Expr::OuterReferenceColumn(..)))
}

/// Whether something is left of a plan that no operator does.
pub(super) fn is_left_over(plan: &LogicalPlan) -> Result<bool> {
    let mut wrapped = false;
    plan.apply(|node| {
        wrapped |= matches!(node, LogicalPlan::Subquery(_)) || names_what_is_not_there(node)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    let left = |expr: &Expr| match expr {
        Expr::ScalarSubquery(subquery) => !subquery.outer_ref_columns.is_empty(),
        Expr::OuterReferenceColumn(..)
        | Expr::Exists(_)
        | Expr::InSubquery(_)
        | Expr::SetComparison(_) => true,
        _ => false,
    };
    Ok(wrapped || mentions(plan, &left)?)
}

/// Whether a node reads columns that its inputs don't give: DataFusion takes some subqueries apart
/// into such.
fn names_what_is_not_there(node: &LogicalPlan) -> Result<bool> {
    let inputs = node.inputs();
    if inputs.is_empty() {
        return Ok(false);
    }
    let schema = merge_schema(&inputs);
    let mut missing = false;
    node.apply_expressions(|expr| {
        missing |= expr.column_refs().iter().any(|column| !schema.has_column(column));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(missing)
}

/// Whether an expression of a plan, its subqueries included, is of a kind.
fn mentions(plan: &LogicalPlan, kind: &dyn Fn(&Expr) -> bool) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found |= expr.exists(|expr| Ok(kind(expr)))?;
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    })?;
    Ok(found)
}

/// Whether an expression is a value read from a row around the plan.
fn is_outer_value(expr: &Expr) -> bool {
    matches!(expr, Expr::Placeholder(placeholder) if Apply::argument_of(placeholder).is_some())
}

/// The plan of an expression that is a subquery.
pub(super) fn subquery_of(expr: &Expr) -> Option<&Arc<LogicalPlan>> {
    match expr {
        Expr::ScalarSubquery(subquery)
        | Expr::Exists(Exists { subquery, .. })
        | Expr::InSubquery(InSubquery { subquery, .. })
        | Expr::SetComparison(SetComparison { subquery, .. }) => Some(&subquery.subquery),
        _ => None,
    }
}

/// The same subquery with another plan, which refers to nothing but what is told.
pub(super) fn with_plan(expr: Expr, plan: LogicalPlan) -> Expr {
    let changed = |mut subquery: datafusion::logical_expr::Subquery| {
        subquery.outer_ref_columns = plan.all_out_ref_exprs();
        subquery.subquery = Arc::new(plan);
        subquery
    };
    match expr {
        Expr::ScalarSubquery(subquery) => Expr::ScalarSubquery(changed(subquery)),
        Expr::Exists(Exists { subquery, negated }) => {
            Expr::Exists(Exists { subquery: changed(subquery), negated })
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            Expr::InSubquery(InSubquery { expr, subquery: changed(subquery), negated })
        }
        Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
            let subquery = changed(subquery);
            Expr::SetComparison(SetComparison { expr, subquery, op, quantifier })
        }
        other => other,
    }
}

/// The values that one inner plan reads of a row around it.
struct Arguments {
    number: usize,
    exprs: Vec<Expr>,
}

impl Arguments {
    /// What stands in an expression's place, which is over the row around the plan.
    fn placeholder(&mut self, expr: Expr, schema: &DFSchema) -> Result<Expr> {
        let (_, field) = expr.to_field(schema)?;
        let known = self.exprs.iter().position(|known| *known == expr);
        let place = known.unwrap_or(self.exprs.len());
        if known.is_none() {
            self.exprs.push(expr);
        }
        Ok(Apply::placeholder(self.number, place, &field))
    }
}

struct Correlated<'a> {
    planner: &'a Planner,
    next: Cell<usize>,
}

impl Correlated<'_> {
    /// A plan that refers to nothing outside, without what can't be undone.
    fn resolve(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if let LogicalPlan::Join(join) = &plan
            && has_reference(&join.right)?
        {
            return self.lateral(join.clone());
        }
        let plan = plan.map_children(|child| self.resolve(child).map(Transformed::yes))?.data;
        let (mut references, mut values) = (false, false);
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Some(subquery) = subquery_of(expr) {
                    references |= has_reference(subquery)?;
                    values |= mentions(subquery, &is_outer_value)?;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        match (references, values) {
            (false, false) => self.inside(plan),
            (true, false) if self.planner.decorrelates(&plan) => Ok(plan),
            _ => self.taken_apart(plan),
        }
    }

    /// A node whose subqueries refer to nothing outside of them.
    fn inside(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let changed = plan.map_expressions(|expr| {
            expr.transform_up(|expr| match subquery_of(&expr) {
                Some(subquery) => {
                    let resolved = self.resolve(subquery.as_ref().clone())?;
                    Ok(Transformed::yes(with_plan(expr, resolved)))
                }
                None => Ok(Transformed::no(expr)),
            })
        })?;
        Ok(changed.data)
    }

    /// `left, LATERAL right`.
    fn lateral(&self, join: Join) -> Result<LogicalPlan> {
        let plan = LogicalPlan::Join(join.clone());
        let inner = matches!(join.join_type, JoinType::Inner);
        if !inner && join.join_type != JoinType::Left
            || !mentions(&plan, &is_outer_value)? && self.planner.decorrelates(&plan)
        {
            return Ok(plan);
        }
        let left = self.resolve(Arc::unwrap_or_clone(join.left))?;
        let outside = Arc::clone(left.schema());
        let mut arguments = self.arguments();
        let mut right = closed(unwrapped(&join.right)?, &outside, &mut arguments, &[])?;
        let on = join.on.into_iter().map(|(a, b)| binary_expr(a, Operator::Eq, b));
        let condition = conjunction(on.chain(join.filter));
        let always = Expr::Literal(ScalarValue::Boolean(Some(true)), None);
        let mut condition = condition.filter(|condition| *condition != always);
        if !inner && let Some(filter) = condition.take() {
            let inside = Arc::clone(right.schema());
            let filter = filter.transform_up(|expr| match &expr {
                Expr::Column(column) if !inside.has_column(column) => {
                    Ok(Transformed::yes(arguments.placeholder(expr, &outside)?))
                }
                _ => Ok(Transformed::no(expr)),
            })?;
            right = LogicalPlan::Filter(Filter::try_new(filter.data, Arc::new(right))?);
        }
        let right = self.resolve(right)?;
        let applied = self.apply(left, right, arguments, Gives::Rows { outer: !inner })?;
        match condition {
            None => Ok(applied),
            Some(condition) => {
                let filter = Filter::try_new(condition, Arc::new(applied))?;
                self.resolve(LogicalPlan::Filter(filter))
            }
        }
    }

    fn arguments(&self) -> Arguments {
        let number = self.next.replace(self.next.get() + 1);
        Arguments { number, exprs: Vec::new() }
    }

    fn apply(
        &self,
        input: LogicalPlan,
        inner: LogicalPlan,
        arguments: Arguments,
        gives: Gives,
    ) -> Result<LogicalPlan> {
        let repeatable = !mentions(&inner, &Expr::is_volatile_node)?;
        let Arguments { number, exprs } = arguments;
        let node = Apply::new((input, inner), number, exprs, gives, repeatable)?;
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }

    /// A node whose subqueries run for each row of its input.
    fn taken_apart(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let schema = Arc::clone(plan.schema());
        match plan {
            LogicalPlan::Filter(filter) => {
                let parts = split_conjunction_owned(filter.predicate);
                let (apart, plain): (Vec<_>, Vec<_>) =
                    parts.into_iter().partition(|part| part.exists(is_subquery).unwrap_or(true));
                let mut input = Arc::unwrap_or_clone(filter.input);
                if let Some(plain) = conjunction(plain) {
                    input = LogicalPlan::Filter(Filter::try_new(plain, Arc::new(input))?);
                }
                let mut replaced = Vec::with_capacity(apart.len());
                for part in apart {
                    replaced.push(self.replaced(part, &mut input)?);
                }
                let predicate = conjunction(replaced).unwrap_or_else(|| lit(true));
                let filter = Filter::try_new(predicate, Arc::new(input))?;
                only(LogicalPlan::Filter(filter), &schema)
            }
            LogicalPlan::Join(mut join) if join.join_type == JoinType::Inner => {
                let condition = join.filter.take().unwrap_or_else(|| lit(true));
                let join = LogicalPlan::Join(join);
                self.taken_apart(LogicalPlan::Filter(Filter::try_new(condition, Arc::new(join))?))
            }
            LogicalPlan::Join(join) => self.outer_join(join),
            LogicalPlan::Projection(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Window(_) => {
                let Some(input) = plan.inputs().first().map(|input| (*input).clone()) else {
                    return Ok(plan);
                };
                let mut input = match plan {
                    LogicalPlan::Sort(_) => with_outside(input, &plan)?,
                    _ => input,
                };
                let names = NamePreserver::new(&plan);
                let mut exprs = Vec::new();
                for expr in plan.expressions() {
                    let saved = names.save(&expr);
                    exprs.push(saved.restore(self.replaced(expr, &mut input)?));
                }
                let passes = matches!(plan, LogicalPlan::Sort(_) | LogicalPlan::Window(_));
                let made = plan.with_new_exprs(exprs, vec![input])?;
                if passes { only(made, &schema) } else { Ok(made) }
            }
            other => Ok(other),
        }
    }

    /// An outer join: a subquery of its condition that reads one of the sides becomes a column of
    /// that side.
    fn outer_join(&self, join: Join) -> Result<LogicalPlan> {
        let schema = Arc::clone(&join.schema);
        let parts = join.filter.clone().map(split_conjunction_owned).unwrap_or_default();
        let (mut left, mut right) = (join.left.as_ref().clone(), join.right.as_ref().clone());
        let mut replaced = Vec::with_capacity(parts.len());
        for part in parts {
            let needed = columns_for_subqueries(&part)?;
            let all =
                |side: &LogicalPlan| needed.iter().all(|column| side.schema().has_column(column));
            replaced.push(match (all(&left), all(&right)) {
                _ if !is_subquery_within(&part)? => part,
                (true, _) => self.replaced(part, &mut left)?,
                (_, true) => self.replaced(part, &mut right)?,
                // What reads both sides at once is not taken apart.
                (false, false) => return Ok(LogicalPlan::Join(join)),
            });
        }
        let made = Join::try_new(
            Arc::new(left),
            Arc::new(right),
            join.on,
            conjunction(replaced),
            join.join_type,
            join.join_constraint,
            join.null_equality,
            join.null_aware,
        )?;
        only(LogicalPlan::Join(made), &schema)
    }

    /// An expression with columns in the place of its subqueries, which `input` gives from then on.
    fn replaced(&self, expr: Expr, input: &mut LogicalPlan) -> Result<Expr> {
        let replaced = expr.transform_up(|expr| {
            let Some(subquery) = subquery_of(&expr).map(|plan| plan.as_ref().clone()) else {
                return Ok(Transformed::no(expr));
            };
            if !has_reference(&subquery)? && !mentions(&subquery, &is_outer_value)? {
                let resolved = self.resolve(subquery)?;
                return Ok(Transformed::yes(with_plan(expr, resolved)));
            }
            let outside = Arc::clone(input.schema());
            let mut arguments = self.arguments();
            let number = arguments.number;
            let inner = closed(subquery, &outside, &mut arguments, &[])?;
            let column = Expr::Column(Column::new_unqualified(Apply::value_name(number)));
            let (inner, gives, negated) = match expr {
                Expr::Exists(Exists { negated, .. }) => (inner, Gives::Exists, negated),
                Expr::InSubquery(InSubquery { expr, negated, .. }) => {
                    let value = arguments.placeholder(*expr, &outside)?;
                    (compared(inner, value, Operator::Eq, false)?, Gives::Value, negated)
                }
                Expr::SetComparison(SetComparison { expr, op, quantifier, .. }) => {
                    let value = arguments.placeholder(*expr, &outside)?;
                    let all = quantifier == SetQuantifier::All;
                    (compared(inner, value, op, all)?, Gives::Value, false)
                }
                _ => (inner, Gives::Value, false),
            };
            let inner = self.resolve(inner)?;
            let below = std::mem::replace(input, nothing());
            *input = self.apply(below, inner, arguments, gives)?;
            Ok(Transformed::yes(if negated { Expr::Not(Box::new(column)) } else { column }))
        })?;
        Ok(replaced.data)
    }
}

fn is_subquery(expr: &Expr) -> Result<bool> {
    Ok(subquery_of(expr).is_some())
}

fn is_subquery_within(expr: &Expr) -> Result<bool> {
    expr.exists(is_subquery)
}

/// The columns that the subqueries of an expression are computed from.
fn columns_for_subqueries(expr: &Expr) -> Result<Vec<Column>> {
    let mut columns = Vec::new();
    expr.apply(|expr| {
        if let Expr::InSubquery(InSubquery { expr, .. })
        | Expr::SetComparison(SetComparison { expr, .. }) = expr
        {
            columns.extend(expr.column_refs().into_iter().cloned());
        }
        for outer in subquery_of(expr).map(|plan| plan.all_out_ref_exprs()).unwrap_or_default() {
            if let Expr::OuterReferenceColumn(_, column) = outer {
                columns.push(column);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(columns)
}

/// Whether a plan refers to rows around it, be it through a subquery of its own.
fn has_reference(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    find_reference(plan, &mut Vec::new(), &mut found)?;
    Ok(found)
}

fn find_reference(
    plan: &LogicalPlan,
    inside: &mut Vec<DFSchemaRef>,
    found: &mut bool,
) -> Result<()> {
    if let LogicalPlan::Join(join) = plan
        && is_wrapped(&join.right)
    {
        find_reference(&join.left, inside, found)?;
        inside.push(Arc::clone(join.left.schema()));
        find_reference(&join.right, inside, found)?;
        inside.pop();
    } else {
        for input in plan.inputs() {
            find_reference(input, inside, found)?;
        }
    }
    let around = Arc::new(merge_schema(&plan.inputs()));
    plan.apply_expressions(|expr| {
        expr.apply(|expr| {
            if let Expr::OuterReferenceColumn(_, column) = expr {
                *found |= !inside.iter().any(|schema| schema.has_column(column));
            }
            if let Some(subquery) = subquery_of(expr) {
                inside.push(Arc::clone(&around));
                find_reference(subquery, inside, found)?;
                inside.pop();
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(())
}

/// Whether a side of a join is LATERAL.
fn is_wrapped(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Subquery(_) => true,
        LogicalPlan::SubqueryAlias(alias) => is_wrapped(&alias.input),
        _ => false,
    }
}

/// A LATERAL side as a plan like any other.
fn unwrapped(plan: &LogicalPlan) -> Result<LogicalPlan> {
    Ok(match plan {
        LogicalPlan::Subquery(subquery) => subquery.subquery.as_ref().clone(),
        LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias, .. }) => {
            let input = Arc::new(unwrapped(input)?);
            LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(input, alias.clone())?)
        }
        other => other.clone(),
    })
}

/// A plan with placeholders where it refers to columns of `outside`, unless those are hidden by
/// columns of the same names of a query within it.
fn closed(
    plan: LogicalPlan,
    outside: &DFSchema,
    arguments: &mut Arguments,
    hidden: &[DFSchemaRef],
) -> Result<LogicalPlan> {
    let plan = match plan {
        LogicalPlan::Join(join) if is_wrapped(&join.right) => {
            let inner = [hidden, &[Arc::clone(join.left.schema())]].concat();
            let Join { left, right, .. } = join.clone();
            let left = closed(Arc::unwrap_or_clone(left), outside, arguments, hidden)?;
            let right = closed(Arc::unwrap_or_clone(right), outside, arguments, &inner)?;
            LogicalPlan::Join(Join { left: Arc::new(left), right: Arc::new(right), ..join })
        }
        LogicalPlan::Subquery(mut subquery) => {
            let inner = subquery.subquery.as_ref().clone();
            let inner = closed(inner, outside, arguments, hidden)?;
            subquery.outer_ref_columns = inner.all_out_ref_exprs();
            subquery.subquery = Arc::new(inner);
            return Ok(LogicalPlan::Subquery(subquery));
        }
        other => {
            let mut close = |child| closed(child, outside, arguments, hidden);
            other.map_children(|child| close(child).map(Transformed::yes))?.data
        }
    };
    if let LogicalPlan::Limit(limit) = &plan {
        let mut counts = limit.skip.iter().chain(&limit.fetch);
        if counts.any(|count| count.exists(|expr| Ok(is_outer(expr))).unwrap_or(true)) {
            let message = "LIMIT and OFFSET that refer to the query around them";
            return Err(DataFusionError::NotImplemented(message.into()));
        }
    }
    let around = Arc::new(merge_schema(&plan.inputs()));
    let names = NamePreserver::new(&plan);
    let closed = plan.map_expressions(|expr| {
        let saved = names.save(&expr);
        let replaced = expr.transform_up(|expr| match expr {
            Expr::OuterReferenceColumn(_, column)
                if outside.has_column(&column)
                    && !hidden.iter().any(|schema| schema.has_column(&column)) =>
            {
                Ok(Transformed::yes(arguments.placeholder(Expr::Column(column), outside)?))
            }
            expr => match subquery_of(&expr).map(|plan| plan.as_ref().clone()) {
                Some(subquery) => {
                    let inner = [hidden, &[Arc::clone(&around)]].concat();
                    let subquery = closed(subquery, outside, arguments, &inner)?;
                    Ok(Transformed::yes(with_plan(expr, subquery)))
                }
                None => Ok(Transformed::no(expr)),
            },
        })?;
        Ok(replaced.update_data(|expr| saved.restore(expr)))
    })?;
    match closed.data {
        LogicalPlan::Values(values) => rows(values),
        other => other.recompute_schema(),
    }
}

fn is_outer(expr: &Expr) -> bool {
    matches!(expr, Expr::OuterReferenceColumn(..)) || is_outer_value(expr)
}

/// VALUES with values from outside: DataFusion computes those of VALUES while it plans.
fn rows(values: Values) -> Result<LogicalPlan> {
    let outer = |expr: &Expr| expr.exists(|expr| Ok(is_outer_value(expr))).unwrap_or(true);
    if !values.values.iter().flatten().any(outer) {
        return Ok(LogicalPlan::Values(values));
    }
    let mut inputs = Vec::with_capacity(values.values.len());
    for row in values.values {
        let fields = values.schema.fields().iter();
        let named = row.into_iter().zip(fields).map(|(expr, field)| expr.alias(field.name()));
        let row = Projection::try_new(named.collect(), Arc::new(nothing()))?;
        inputs.push(Arc::new(LogicalPlan::Projection(row)));
    }
    match <[Arc<LogicalPlan>; 1]>::try_from(inputs) {
        Ok([one]) => Ok(Arc::unwrap_or_clone(one)),
        Err(inputs) => Union::try_new_with_loose_types(inputs).map(LogicalPlan::Union),
    }
}

/// One row without columns.
fn nothing() -> LogicalPlan {
    let schema = Arc::new(DFSchema::empty());
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: true, schema })
}

/// ORDER BY may name columns that the select list has not: those that its subqueries refer to.
fn with_outside(input: LogicalPlan, sort: &LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Projection(projection) = &input else { return Ok(input) };
    let mut more = Vec::new();
    sort.apply_expressions(|expr| {
        expr.apply(|expr| {
            let outer = subquery_of(expr).map(|plan| plan.all_out_ref_exprs()).unwrap_or_default();
            for expr in outer {
                if let Expr::OuterReferenceColumn(_, column) = expr
                    && !input.schema().has_column(&column)
                    && projection.input.schema().has_column(&column)
                    && !more.contains(&Expr::Column(column.clone()))
                {
                    more.push(Expr::Column(column));
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    let exprs = [projection.expr.clone(), more].concat();
    Projection::try_new(exprs, Arc::clone(&projection.input)).map(LogicalPlan::Projection)
}

/// The first columns of a plan, those that it had before it got more.
fn only(plan: LogicalPlan, schema: &DFSchemaRef) -> Result<LogicalPlan> {
    let column = |at| Expr::Column(Column::from(schema.qualified_field(at)));
    let columns = (0..schema.fields().len()).map(column).collect();
    Projection::try_new(columns, Arc::new(plan)).map(LogicalPlan::Projection)
}

/// `value op ANY (rows)`, or ALL, as one row with SQL's three answers.
fn compared(rows: LogicalPlan, value: Expr, op: Operator, all: bool) -> Result<LogicalPlan> {
    let column = Expr::Column(Column::from(rows.schema().qualified_field(0)));
    let comparison = binary_expr(value, op, column);
    let decided = if all { Expr::Not(Box::new(comparison.clone())) } else { comparison.clone() };
    let number = |condition: Expr, name: &str| {
        Ok::<_, DataFusionError>(count(when(condition, lit(1_i64)).end()?).alias(name))
    };
    let counts = vec![number(decided, "decided")?, number(comparison.is_null(), "unknown")?];
    let counted = LogicalPlanBuilder::from(rows).aggregate(Vec::<Expr>::new(), counts)?.build()?;
    let some =
        |at: usize| Expr::Column(Column::from(counted.schema().qualified_field(at))).gt(lit(0_i64));
    let answer = when(some(0), lit(!all))
        .when(some(1), lit(ScalarValue::Boolean(None)))
        .otherwise(lit(all))?
        .alias("compared");
    Projection::try_new(vec![answer], Arc::new(counted)).map(LogicalPlan::Projection)
}
