//! What a change of rows asks of its table, beside what its queries read.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{self, Visit, Visitor};

use super::executable::QueryPlan;
use super::upsert::PAIRS;
use crate::base::{ColumnId, Oid};
use crate::catalog::TableDef;
use crate::catalog::access::{Columns, Demand, Object, Privileges};
use crate::plan::statement::{Assignment, AssignmentSource, Cell, Expression};

/// INSERT into these places of the definition's list of columns.
pub(super) fn inserted(table: &TableDef, places: &[usize]) -> Vec<Demand> {
    let columns = places.iter().filter_map(|at| table.columns.get(*at)).map(|column| column.id);
    vec![
        Demand::usage(table.schema),
        Demand::columns(table.oid, Privileges::INSERT, columns.collect()),
    ]
}

/// UPDATE of the columns that are assigned to.
pub(super) fn updated(table: &TableDef, assignments: &[Assignment]) -> Vec<Demand> {
    let names = assignments.iter().flat_map(|assignment| &assignment.columns);
    let columns = names.filter_map(|name| table.column(name)).map(|column| column.id);
    vec![Demand::columns(table.oid, Privileges::UPDATE, columns.collect())]
}

/// DELETE.
pub(super) fn deleted(table: &TableDef) -> Vec<Demand> {
    vec![Demand::whole(table.oid, Privileges::DELETE)]
}

/// SELECT on the target's columns that the expressions of DO UPDATE name, those of `excluded` apart.
pub(super) fn mentioned(
    table: &TableDef,
    assignments: &[Assignment],
    filter: Option<&Expression>,
) -> Option<Demand> {
    let mut names = Names { table, found: BTreeSet::new() };
    for assignment in assignments {
        match &assignment.source {
            AssignmentSource::Values(cells) => {
                for cell in cells {
                    if let Cell::Expression(expression) = cell {
                        let _ = expression.ast.visit(&mut names);
                    }
                }
            }
            AssignmentSource::Query(query) => {
                let _ = query.visit(&mut names);
            }
        }
    }
    if let Some(filter) = filter {
        let _ = filter.ast.visit(&mut names);
    }
    names.demand()
}

/// SELECT on the target's columns that RETURNING shows.
pub(super) fn returned(table: &TableDef, items: &[ast::SelectItem]) -> Option<Demand> {
    let mut names = Names { table, found: BTreeSet::new() };
    for item in items {
        match item {
            ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => {
                let _ = expr.visit(&mut names);
            }
            _ => names.found.extend(table.columns.iter().map(|column| column.id)),
        }
    }
    names.demand()
}

/// Finds names that may be columns of the table: one of another table only asks for more.
struct Names<'a> {
    table: &'a TableDef,
    found: BTreeSet<ColumnId>,
}

impl Names<'_> {
    fn demand(self) -> Option<Demand> {
        let demand = Demand::columns(self.table.oid, Privileges::SELECT, self.found);
        (demand.columns != Columns::Any).then_some(demand)
    }

    fn name(&mut self, name: &str) {
        let same = |known: &str| known.eq_ignore_ascii_case(name);
        let columns = self.table.columns.iter().filter(|column| same(&column.name));
        self.found.extend(columns.map(|column| column.id));
    }
}

impl Visitor for Names<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        match expr {
            ast::Expr::Identifier(name) => self.name(&name.value),
            ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [owner, _] if owner.value.eq_ignore_ascii_case("excluded") => {}
                parts => {
                    if let Some(name) = parts.last() {
                        self.name(&name.value);
                    }
                }
            },
            ast::Expr::Wildcard(_) | ast::Expr::QualifiedWildcard(..) => {
                self.found.extend(self.table.columns.iter().map(|column| column.id));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// A plan over rows that its statement brings along: reading them asks for nothing, or, where they
/// are shown, for SELECT on the table that they are of.
pub(super) fn over_rows(plan: QueryPlan, shown: Option<Oid>) -> QueryPlan {
    let pairs = Object::Relation(PAIRS);
    let demands = plan.demands().iter().cloned().filter_map(|demand| match shown {
        _ if demand.object != pairs => Some(demand),
        // A constant shows nothing.
        Some(table) if demand.columns != Columns::Any => {
            Some(Demand { object: Object::Relation(table), ..demand })
        }
        _ => None,
    });
    let demands = demands.collect();
    plan.with_demands(demands)
}
