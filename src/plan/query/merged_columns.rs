//! Joins with USING or NATURAL, whose merged columns DataFusion would take from the wrong side, as it
//! does of RIGHT and FULL joins, show at the wrong place of `*`, or find ambiguous in WHERE.
//!
//! Such a join becomes one with ON. What is named by a merged column's bare name in the SELECT
//! becomes `right.a` or `coalesce(left.a, right.a)`, and `*` the list of the columns.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, JoinConstraint, JoinOperator, OrderByKind, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind as Kind, SetExpr, TableFactor, TableWithJoins,
    Value, VisitMut, VisitorMut,
};

use super::from_columns::{FromColumn, FromColumns, merge, qualifier};
use super::names::{fold, output_name};
use super::order_inputs::order_by_inputs;
use super::own_expressions::{Moment, visit_own};
use super::planner::PlanContext;
use crate::base::{Result, SqlError};

/// Rewrites the joins of a query and of all queries within.
pub(super) fn merge_columns(query: &mut Query, context: &PlanContext) -> Result<()> {
    let mut pass = Pass { columns: FromColumns::new(context) };
    match VisitMut::visit(query, &mut pass) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Pass<'a> {
    columns: FromColumns<'a>,
}

impl VisitorMut for Pass<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        self.columns.enter(query.with.as_ref());
        match self.query(query) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<SqlError> {
        self.columns.leave();
        ControlFlow::Continue(())
    }

    /// A join with a name of its own is a query.
    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlError> {
        let TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } = factor else {
            return ControlFlow::Continue(());
        };
        let mut query = match crate::plan::parse_query("SELECT * FROM (SELECT 1) AS \"1\"") {
            Ok(query) => query.ast,
            Err(error) => return ControlFlow::Break(error),
        };
        if let SetExpr::Select(select) = query.body.as_mut() {
            select.from = vec![table_with_joins.as_ref().clone()];
        }
        let (lateral, alias, sample) = (false, Some(alias.clone()), None);
        *factor = TableFactor::Derived { lateral, subquery: query, alias, sample };
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        match self.select(select) {
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Pass<'_> {
    /// A SELECT together with the ORDER BY behind it, which may name its merged columns too.
    fn query(&self, query: &mut Query) -> Result<()> {
        order_by_inputs(query, &self.columns)?;
        let SetExpr::Select(select) = query.body.as_mut() else { return Ok(()) };
        let merged = self.select(select)?;
        let Some(order_by) = query.order_by.as_mut().filter(|_| !merged.is_empty()) else {
            return Ok(());
        };
        let OrderByKind::Expressions(exprs) = &mut order_by.kind else { return Ok(()) };
        let output: Vec<String> = select.projection.iter().filter_map(item_name).collect();
        for order in exprs {
            // A bare name is that of an output column, if there is one.
            if let Expr::Identifier(name) = &order.expr
                && output.contains(&fold(name))
            {
                continue;
            }
            replace(&mut order.expr, &merged);
        }
        Ok(())
    }

    /// `t.*` beside columns by name becomes `t.a, t.b`: only so it is known whose names are given
    /// twice. So it does for `FROM schema.t`, which DataFusion knows by its whole name.
    fn spread(&self, select: &mut Select) -> Result<()> {
        let plain = |item: &SelectItem| {
            matches!(
                item,
                SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_))
            )
        };
        let beside = select.projection.iter().any(plain);
        let mut items = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            let of = match &item {
                SelectItem::QualifiedWildcard(Kind::ObjectName(name), _) => {
                    name.0.last().and_then(|part| part.as_ident()).map(fold)
                }
                _ => None,
            };
            let named = |factor: &&TableFactor| {
                of.is_some() && qualifier(factor) == of && (beside || has_schema(factor))
            };
            let factors = select.from.iter().flat_map(|from| {
                let joined = from.joins.iter().map(|join| &join.relation);
                std::iter::once(&from.relation).chain(joined)
            });
            let found = factors.into_iter().find(named);
            match found.map(|factor| self.columns.of_factor(factor)).transpose()?.flatten() {
                Some(columns) => {
                    items.extend(columns.into_iter().map(|c| SelectItem::UnnamedExpr(c.expr)));
                }
                None => items.push(item),
            }
        }
        select.projection = items;
        Ok(())
    }

    /// Rewrites the joins of a SELECT, and what names their columns; returns those.
    fn select(&self, select: &mut Select) -> Result<Vec<FromColumn>> {
        self.spread(select)?;
        let other_side = select.from.iter().any(|from| any_join(from, &takes_other_side));
        if !select.from.iter().any(|from| any_join(from, &merges)) {
            return Ok(Vec::new());
        }
        let mut columns = Vec::new();
        for from in &select.from {
            match self.columns.of_joins(from)? {
                Some(more) => columns.extend(more),
                None if other_side => {
                    let message =
                        "JOIN with USING or NATURAL over a table whose columns are not known";
                    return Err(SqlError::unsupported(message));
                }
                None => return Ok(Vec::new()),
            }
        }
        for from in &mut select.from {
            self.joins(from)?;
        }
        let mut items = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            match item {
                SelectItem::Wildcard(_) => items.extend(columns.iter().map(shown)),
                SelectItem::UnnamedExpr(expr) => {
                    let name = output_name(&expr);
                    let mut replaced = expr.clone();
                    replace(&mut replaced, &columns);
                    let alias = Ident::with_quote('"', name);
                    items.push(match replaced == expr {
                        true => SelectItem::UnnamedExpr(expr),
                        false => SelectItem::ExprWithAlias { expr: replaced, alias },
                    });
                }
                mut other => {
                    replace(&mut other, &columns);
                    items.push(other);
                }
            }
        }
        select.projection = items;
        replace(&mut select.selection, &columns);
        replace(&mut select.group_by, &columns);
        replace(&mut select.having, &columns);
        replace(&mut select.distinct, &columns);
        replace(&mut select.named_window, &columns);
        Ok(columns.into_iter().filter(|column| column.merged).collect())
    }

    /// Joins with ON in the place of those with USING and NATURAL.
    fn joins(&self, from: &mut TableWithJoins) -> Result<()> {
        let unknown = || SqlError::internal("a join's columns are not known");
        let mut left = self.columns.of_factor(&from.relation)?.ok_or_else(unknown)?;
        if let TableFactor::NestedJoin { table_with_joins, .. } = &mut from.relation {
            self.joins(table_with_joins)?;
        }
        for join in &mut from.joins {
            let right = self.columns.of_factor(&join.relation)?.ok_or_else(unknown)?;
            if let TableFactor::NestedJoin { table_with_joins, .. } = &mut join.relation {
                self.joins(table_with_joins)?;
            }
            let (columns, pairs) = merge(left, right, join)?;
            left = columns;
            let Some(constraint) = constraint_mut(&mut join.join_operator) else { continue };
            match constraint {
                JoinConstraint::Using(_) | JoinConstraint::Natural => {
                    let equal = pairs.into_iter().map(|(a, b)| binary(a, BinaryOperator::Eq, b));
                    let all = equal.reduce(|a, b| binary(a, BinaryOperator::And, b));
                    let always = Expr::Value(Value::Boolean(true).into());
                    *constraint = JoinConstraint::On(all.unwrap_or(always));
                }
                JoinConstraint::On(condition) => replace(condition, &left),
                JoinConstraint::None => {}
            }
        }
        Ok(())
    }
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// A column of `*`.
fn shown(column: &FromColumn) -> SelectItem {
    let expr = column.expr.clone();
    match column.merged {
        true => {
            SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', column.name.as_str()) }
        }
        false => SelectItem::UnnamedExpr(expr),
    }
}

fn item_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some(output_name(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        _ => None,
    }
}

/// Puts what merged columns are in the place of their names, but not within subqueries, whose own
/// columns come first.
fn replace(node: &mut impl VisitMut, columns: &[FromColumn]) {
    let _ = visit_own(node, |expr, moment| {
        if let Expr::Identifier(name) = expr
            && moment == Moment::Before
        {
            let name = fold(name);
            if let Some(column) = columns.iter().find(|c| c.merged && c.name == name) {
                *expr = column.expr.clone();
            }
        }
        ControlFlow::<()>::Continue(())
    });
}

fn constraint_mut(join: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match join {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

/// Whether there is a join of a kind among these.
fn any_join(from: &TableWithJoins, kind: &dyn Fn(&JoinOperator) -> bool) -> bool {
    let nested = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin { table_with_joins, alias: None } => {
            any_join(table_with_joins, kind)
        }
        _ => false,
    };
    nested(&from.relation)
        || from.joins.iter().any(|join| kind(&join.join_operator) || nested(&join.relation))
}

/// Whether a join makes one column of two.
fn merges(join: &JoinOperator) -> bool {
    let constraint = match join {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => constraint,
        _ => return false,
    };
    matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural)
}

/// Whether a join's merged columns are not the left side's: DataFusion takes those.
fn takes_other_side(join: &JoinOperator) -> bool {
    let right = matches!(
        join,
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
    );
    right && merges(join)
}

/// Whether a table is named with its schema, and has no other name.
fn has_schema(factor: &TableFactor) -> bool {
    matches!(factor, TableFactor::Table { name, alias: None, .. } if name.0.len() > 1)
}
