//! What a statement reads: every column of a table or view that an expression names, wherever in
//! the statement it stands.
//!
//! It is looked for in the plan as the statement says it, before anything is optimised away, and
//! with views as leaves: what a view reads is its owner's business. A column that can't be traced
//! counts for all columns below.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, Result};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};

use super::{source, view_source};
use crate::base::{ColumnId, Oid};
use crate::catalog::access::{Demand, Privileges};

/// SELECT on what a plan reads. The target of an UPDATE or DELETE is found by its other columns'
/// places in the select list, where they are not read but kept.
pub(crate) fn reads(plan: &LogicalPlan, target: Option<Oid>) -> Result<Vec<Demand>> {
    let mut reads = Reads { target, within: false, relations: BTreeMap::new() };
    reads.node(plan, None, true)?;
    Ok(reads.demands())
}

/// SELECT on what an expression's subqueries read; its own columns are somebody else's business.
pub(crate) fn reads_of_subqueries(expr: &Expr) -> Result<Vec<Demand>> {
    let mut reads = Reads { target: None, within: true, relations: BTreeMap::new() };
    reads.expr(expr, &Scope { inputs: &[], outer: None })?;
    Ok(reads.demands())
}

/// SELECT on what a function's body reads; its arguments are somebody else's business.
pub(crate) fn reads_of_body(plan: &LogicalPlan) -> Result<Vec<Demand>> {
    let mut reads = Reads { target: None, within: true, relations: BTreeMap::new() };
    reads.node(plan, None, true)?;
    Ok(reads.demands())
}

struct Reads {
    target: Option<Oid>,
    /// What is around the expression is not known.
    within: bool,
    relations: BTreeMap<Oid, BTreeSet<ColumnId>>,
}

/// The inputs of a node, and those of the nodes around it: where columns from outside are found.
struct Scope<'p, 's> {
    inputs: &'s [&'p LogicalPlan],
    outer: Option<&'s Scope<'p, 's>>,
}

/// A column of a table or view.
struct Leaf {
    relation: Oid,
    place: usize,
    /// None for hidden columns.
    id: Option<ColumnId>,
}

impl Reads {
    fn demands(self) -> Vec<Demand> {
        let found = self.relations.into_iter();
        let found = found.filter(|(oid, columns)| self.target != Some(*oid) || !columns.is_empty());
        found.map(|(oid, columns)| Demand::columns(oid, Privileges::SELECT, columns)).collect()
    }

    fn node<'p>(
        &mut self,
        plan: &'p LogicalPlan,
        outer: Option<&Scope<'p, '_>>,
        top: bool,
    ) -> Result<()> {
        if let LogicalPlan::TableScan(_) = plan
            && let Some(leaf) = leaf(plan, 0)
        {
            self.relations.entry(leaf.relation).or_default();
        }
        let inputs = plan.inputs();
        match plan {
            // The right side may be LATERAL.
            LogicalPlan::Join(join) => {
                self.node(&join.left, outer, false)?;
                let left = [join.left.as_ref()];
                self.node(&join.right, Some(&Scope { inputs: &left, outer }), false)?;
            }
            _ => inputs.iter().try_for_each(|input| self.node(input, outer, false))?,
        }
        let scope = Scope { inputs: &inputs, outer };
        let mut place = 0;
        plan.apply_expressions(|expr| {
            let kept = top && matches!(plan, LogicalPlan::Projection(_));
            if !(kept && self.is_kept(expr, place, &inputs)) {
                self.expr(expr, &scope)?;
            }
            place += 1;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }

    /// Whether an item of a change's select list is the row's address or a column that stays.
    fn is_kept(&self, expr: &Expr, place: usize, inputs: &[&LogicalPlan]) -> bool {
        let Some(target) = self.target else { return false };
        let mut expr = expr;
        while let Expr::Alias(alias) = expr {
            expr = &alias.expr;
        }
        let Expr::Column(column) = expr else { return false };
        let found = inputs.iter().find_map(|input| {
            input.schema().maybe_index_of_column(column).and_then(|at| leaf(input, at))
        });
        found.is_some_and(|leaf| {
            leaf.relation == target
                && match place.checked_sub(1) {
                    None => leaf.id.is_none(),
                    Some(place) => leaf.place == place && leaf.id.is_some(),
                }
        })
    }

    fn expr<'p>(&mut self, expr: &'p Expr, scope: &Scope<'p, '_>) -> Result<()> {
        expr.apply(|expr| {
            match expr {
                Expr::Column(column) => self.column(column, scope.inputs),
                Expr::OuterReferenceColumn(_, column) => {
                    let mut around = scope.outer;
                    while let Some(outer) = around {
                        if outer.inputs.iter().any(|input| holds(input, column)) {
                            self.column(column, outer.inputs);
                            break;
                        }
                        around = outer.outer;
                    }
                    if around.is_none() && !self.within {
                        self.everything(scope);
                    }
                }
                Expr::ScalarSubquery(subquery) => {
                    self.node(&subquery.subquery, Some(scope), false)?;
                }
                Expr::InSubquery(within) => {
                    self.node(&within.subquery.subquery, Some(scope), false)?;
                }
                Expr::Exists(exists) => self.node(&exists.subquery.subquery, Some(scope), false)?,
                Expr::SetComparison(compared) => {
                    self.node(&compared.subquery.subquery, Some(scope), false)?;
                }
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }

    fn column(&mut self, column: &Column, inputs: &[&LogicalPlan]) {
        let found = inputs
            .iter()
            .find_map(|input| input.schema().maybe_index_of_column(column).map(|at| (*input, at)));
        match found {
            Some((input, at)) => {
                if let Some(Leaf { relation, id: Some(id), .. }) = leaf(input, at) {
                    self.relations.entry(relation).or_default().insert(id);
                }
            }
            None => inputs.iter().for_each(|input| self.all_below(input)),
        }
    }

    /// A column from outside that nothing around has: all of it counts.
    fn everything(&mut self, scope: &Scope<'_, '_>) {
        let mut around = Some(scope);
        while let Some(scope) = around {
            scope.inputs.iter().for_each(|input| self.all_below(input));
            around = scope.outer;
        }
    }

    fn all_below(&mut self, plan: &LogicalPlan) {
        if let LogicalPlan::TableScan(scan) = plan {
            for at in 0..scan.projected_schema.fields().len() {
                if let Some(Leaf { relation, id: Some(id), .. }) = leaf(plan, at) {
                    self.relations.entry(relation).or_default().insert(id);
                }
            }
        }
        plan.inputs().into_iter().for_each(|input| self.all_below(input));
    }
}

fn holds(plan: &LogicalPlan, column: &Column) -> bool {
    plan.schema().maybe_index_of_column(column).is_some()
}

/// The table's or view's column that a plan's column shows unchanged. What expressions compute
/// is no such column: they name what they read themselves.
fn leaf(plan: &LogicalPlan, at: usize) -> Option<Leaf> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let place = match &scan.projection {
                Some(places) => *places.get(at)?,
                None => at,
            };
            if let Some(source) = view_source::of_scan(scan) {
                let id = source.column_id(place);
                return Some(Leaf { relation: source.oid()?, place, id });
            }
            let source = source::of_scan(scan)?;
            Some(Leaf { relation: source.oid(), place, id: source.column_id(place) })
        }
        LogicalPlan::SubqueryAlias(alias) => leaf(&alias.input, at),
        LogicalPlan::Filter(filter) => leaf(&filter.input, at),
        LogicalPlan::Sort(sort) => leaf(&sort.input, at),
        LogicalPlan::Limit(limit) => leaf(&limit.input, at),
        LogicalPlan::Subquery(subquery) => leaf(&subquery.subquery, at),
        LogicalPlan::Repartition(repartition) => leaf(&repartition.input, at),
        LogicalPlan::Distinct(Distinct::All(input)) => leaf(input, at),
        LogicalPlan::Window(window) => {
            let within = at < window.input.schema().fields().len();
            if within { leaf(&window.input, at) } else { None }
        }
        LogicalPlan::Unnest(unnest) => leaf(&unnest.input, *unnest.dependency_indices.get(at)?),
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    leaf(&join.right, at)
                }
                _ if at < left => leaf(&join.left, at),
                JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => None,
                _ => leaf(&join.right, at - left),
            }
        }
        _ => None,
    }
}
