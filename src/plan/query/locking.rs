//! `SELECT ... FOR UPDATE`: whose rows a query locks, and where those are.
//!
//! The query gives, after its own columns, the address of each locked table's row. Who runs it takes
//! those columns away and remembers the addresses: the commit of the transaction compares them, as it
//! compares those of rows that it deletes.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use sqlparser::ast;

use super::dml::column;
use super::errors::sql_error;
use super::executable::QueryPlan;
use super::names::fold;
use super::own_expressions::visit_own;
use super::planner::{PlanContext, Planner, named_objects};
use super::relations::Relation;
use super::set_returning::returns_set;
use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::{Demand, Privileges};
use crate::plan::statement::{LockClause, LockStrength, Query};
use crate::segment::{ADDRESS, ROW_ID};
use crate::types::PgType;

/// A table whose rows a query locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockedTable {
    /// The table.
    pub oid: Oid,
    /// For UPDATE rather than for SHARE.
    pub exclusive: bool,
}

/// A table of FROM that is locked, by the name that the query has for it.
struct Found {
    name: String,
    table: LockedTable,
}

impl Planner {
    /// Plans a query that locks rows.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report; 0A000 where rows can't be told apart any more.
    pub(super) fn locking_query(
        self: &Arc<Self>,
        context: &PlanContext,
        query: &Query,
        parameter_types: &[Option<PgType>],
    ) -> Result<QueryPlan> {
        let mut tree = query.ast.as_ref().clone();
        let mut found = Vec::new();
        for clause in &query.locking {
            self.check(&tree, clause)?;
            let lookup = Lookup { clause, context, tree: &tree };
            for locked in lookup.tables()? {
                match found.iter_mut().find(|known: &&mut Found| known.name == locked.name) {
                    Some(known) => known.table.exclusive |= locked.table.exclusive,
                    None => found.push(locked),
                }
            }
        }
        if let ast::SetExpr::Select(select) = tree.body.as_mut() {
            for (at, locked) in found.iter().enumerate() {
                let alias = ast::Ident::with_quote('"', hidden_name(at));
                let expr = column(&locked.name, ADDRESS);
                select.projection.push(ast::SelectItem::ExprWithAlias { expr, alias });
            }
        }
        let locked: Vec<LockedTable> = found.iter().map(|found| found.table).collect();
        let oids = locked.iter().map(|table| table.oid).collect();
        let context = PlanContext { locked: oids, ..context.clone() };
        let mut analyzed = self.analyzed(&context, tree, parameter_types, None)?;
        let plan = without_hidden(analyzed.plan, locked.len()).map_err(sql_error)?;
        analyzed.plan = named_objects(plan, self.functions(), &context).map_err(sql_error)?;
        let update = |table: &LockedTable| {
            Demand::columns(table.oid, Privileges::UPDATE, std::collections::BTreeSet::new())
        };
        analyzed.demands.extend(locked.iter().map(update));
        Ok(self.finish(analyzed)?.locking(locked))
    }

    /// 0A000 where a row of the result is no row of a table.
    fn check(&self, tree: &ast::Query, clause: &LockClause) -> Result<()> {
        let strength = clause.strength;
        let refuse = |with: &str| {
            Err(SqlError::unsupported(format!("{strength} is not allowed with {with}")))
        };
        let select = match tree.body.as_ref() {
            ast::SetExpr::Select(select) => select,
            ast::SetExpr::Values(_) => {
                let message = format!("{strength} cannot be applied to VALUES");
                return Err(SqlError::unsupported(message));
            }
            ast::SetExpr::SetOperation { .. } => return refuse("UNION/INTERSECT/EXCEPT"),
            _ => return Err(SqlError::unsupported(format!("{strength} of this form of query"))),
        };
        if select.distinct.is_some() {
            return refuse("DISTINCT clause");
        }
        let grouped = match &select.group_by {
            ast::GroupByExpr::All(_) => true,
            ast::GroupByExpr::Expressions(exprs, modifiers) => {
                !exprs.is_empty() || !modifiers.is_empty()
            }
        };
        if grouped {
            return refuse("GROUP BY clause");
        }
        if select.having.is_some() {
            return refuse("HAVING clause");
        }
        let mut items = select.projection.clone();
        match visit_own(&mut items, |expr, _| self.mixes_rows(expr)) {
            ControlFlow::Break(with) => refuse(with),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}

impl Planner {
    /// What an expression is that makes a row of several rows, or several of one.
    fn mixes_rows(&self, expr: &ast::Expr) -> ControlFlow<&'static str> {
        let ast::Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = function.name.0.last().and_then(|part| part.as_ident()).map(fold);
        let name = name.unwrap_or_default();
        if function.over.is_some() {
            return ControlFlow::Break("window functions");
        }
        if self.functions().aggregate(&name).is_some() {
            return ControlFlow::Break("aggregate functions");
        }
        if returns_set(&name) {
            return ControlFlow::Break("set-returning functions in the target list");
        }
        ControlFlow::Continue(())
    }
}

/// Looks for the tables of FROM that a clause locks.
struct Lookup<'a> {
    clause: &'a LockClause,
    context: &'a PlanContext,
    tree: &'a ast::Query,
}

/// What stands in FROM.
struct Factor<'a> {
    name: String,
    factor: &'a ast::TableFactor,
    /// The nullable side of an outer join.
    nullable: bool,
}

impl<'a> Lookup<'a> {
    fn tables(&self) -> Result<Vec<Found>> {
        let mut factors = Vec::new();
        if let ast::SetExpr::Select(select) = self.tree.body.as_ref() {
            select.from.iter().for_each(|from| gather(from, &mut factors));
        }
        let of = self.clause.of.as_ref();
        if let Some(name) = of.filter(|of| !factors.iter().any(|factor| factor.name == **of)) {
            let strength = self.clause.strength;
            let message =
                format!("relation \"{name}\" in {strength} clause not found in FROM clause");
            return Err(SqlError::new(SqlState::UNDEFINED_TABLE, message));
        }
        let wanted = factors.iter().filter(|factor| of.is_none_or(|of| factor.name == *of));
        let tables = wanted.map(|factor| self.table(factor)).collect::<Result<Vec<_>>>()?;
        Ok(tables.into_iter().flatten().collect())
    }

    /// The table that is locked; none for what is no table, unless it was named.
    fn table(&self, factor: &Factor<'a>) -> Result<Option<Found>> {
        let strength = self.clause.strength;
        let cannot = |what: &str| {
            let message = format!("{strength} cannot be applied to {what}");
            Err(SqlError::unsupported(message))
        };
        let name = match factor.factor {
            ast::TableFactor::Table { name, args: None, .. } => name,
            ast::TableFactor::Derived { .. } => {
                let message = format!("{strength} of a subquery in FROM is not supported");
                return Err(SqlError::unsupported(message));
            }
            _ if self.clause.of.is_none() => return Ok(None),
            _ => return cannot("a function"),
        };
        let parts: Vec<String> =
            name.0.iter().filter_map(|part| part.as_ident()).map(fold).collect();
        let (schema, table) = match parts.as_slice() {
            [table] => (None, table),
            [.., schema, table] => (Some(schema.as_str()), table),
            [] => return Ok(None),
        };
        if schema.is_none() && self.is_with_query(table) {
            return match self.clause.of {
                Some(_) => cannot("a WITH query"),
                None => Ok(None),
            };
        }
        let path = &self.context.search_path;
        match self.context.relations.relation(schema, table, path) {
            Some(Relation::Table { .. }) if factor.nullable => {
                cannot("the nullable side of an outer join")
            }
            Some(Relation::Table { oid, .. }) => {
                let exclusive = strength == LockStrength::Update;
                let table = LockedTable { oid, exclusive };
                Ok(Some(Found { name: factor.name.clone(), table }))
            }
            Some(Relation::View { .. }) => {
                let message = format!("{strength} of a view is not supported");
                Err(SqlError::unsupported(message).with_hint("Lock the rows of its tables."))
            }
            Some(_) => {
                let message = format!("cannot lock rows in relation \"{table}\"");
                Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
            None => Err(super::provider::undefined_table(schema, table)),
        }
    }

    fn is_with_query(&self, name: &str) -> bool {
        let with = self.tree.with.as_ref();
        with.is_some_and(|with| with.cte_tables.iter().any(|cte| fold(&cte.alias.name) == name))
    }
}

/// What stands in FROM, with its names.
fn gather<'a>(from: &'a ast::TableWithJoins, factors: &mut Vec<Factor<'a>>) {
    use ast::JoinOperator as Join;
    let first = factors.len();
    add(&from.relation, factors);
    for join in &from.joins {
        let before = factors.len();
        add(&join.relation, factors);
        let (left, right) = match &join.join_operator {
            Join::Left(_) | Join::LeftOuter(_) => (false, true),
            Join::Right(_) | Join::RightOuter(_) => (true, false),
            Join::FullOuter(_) => (true, true),
            _ => (false, false),
        };
        for (at, factor) in factors.iter_mut().enumerate().skip(first) {
            factor.nullable |= if at < before { left } else { right };
        }
    }
}

fn add<'a>(factor: &'a ast::TableFactor, factors: &mut Vec<Factor<'a>>) {
    let (alias, own) = match factor {
        ast::TableFactor::NestedJoin { table_with_joins, alias: None } => {
            return gather(table_with_joins, factors);
        }
        ast::TableFactor::Table { name, alias, .. } => {
            (alias.as_ref(), name.0.last().and_then(|part| part.as_ident()))
        }
        ast::TableFactor::Derived { alias, .. }
        | ast::TableFactor::Function { alias, .. }
        | ast::TableFactor::UNNEST { alias, .. }
        | ast::TableFactor::NestedJoin { alias, .. } => (alias.as_ref(), None),
        _ => (None, None),
    };
    let name = alias.map(|alias| fold(&alias.name)).or_else(|| own.map(fold));
    factors.push(Factor { name: name.unwrap_or_default(), factor, nullable: false });
}

/// The name of a locked row's address in the result; no other column has it.
fn hidden_name(at: usize) -> String {
    format!("{ADDRESS} {at}")
}

/// The query's own columns and the addresses that were asked for, without those that `*` has given.
fn without_hidden(plan: LogicalPlan, locked: usize) -> datafusion::common::Result<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    let fields = schema.iter().enumerate();
    let addresses = schema.fields().len() - locked;
    let kept = fields.filter(|(at, (_, field))| {
        *at >= addresses || !matches!(field.name().as_str(), ADDRESS | ROW_ID)
    });
    let exprs: Vec<Expr> = kept
        .map(|(_, (qualifier, field))| {
            Expr::Column(Column::new(qualifier.cloned(), field.name().clone()))
        })
        .collect();
    Projection::try_new(exprs, Arc::new(plan)).map(LogicalPlan::Projection)
}

/// Takes FOR UPDATE out of subqueries that find the rows which an UPDATE or DELETE of their table then
/// changes: its commit compares those as it is.
pub(super) fn without_locks_of(table: Oid, tree: &mut ast::Query, context: &PlanContext) {
    let mut pass = OwnLocks { table, context };
    let ControlFlow::Continue(()) = ast::VisitMut::visit(tree, &mut pass);
}

struct OwnLocks<'a> {
    table: Oid,
    context: &'a PlanContext,
}

impl ast::VisitorMut for OwnLocks<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<Self::Break> {
        let ast::SetExpr::Select(select) = query.body.as_ref() else {
            return ControlFlow::Continue(());
        };
        if let [from] = select.from.as_slice()
            && from.joins.is_empty()
            && let ast::TableFactor::Table { name, args: None, .. } = &from.relation
            && let Some(table) = name.0.last().and_then(|part| part.as_ident()).map(fold)
        {
            let schema = name.0.len().checked_sub(2).and_then(|at| name.0[at].as_ident()).map(fold);
            let path = &self.context.search_path;
            let found = self.context.relations.relation(schema.as_deref(), &table, path);
            if matches!(found, Some(Relation::Table { oid, .. }) if oid == self.table) {
                query.locks.clear();
            }
        }
        ControlFlow::Continue(())
    }
}
