//! The names of the columns of what stands in FROM, before anything is planned: joins with USING and
//! NATURAL are told by names.

use std::collections::HashMap;

use sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, TableWithJoins, With,
};

use super::names::{fold, output_name};
use super::planner::PlanContext;
use super::relations::Relation;
use super::rewrite::call;
use super::user_notation::marked;
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{ArgumentDef, FunctionDef, ReturnsDef};

/// Views may use views, and CTEs others.
const DEPTH_MAX: usize = 32;

/// A column as an unqualified name or `*` shows it.
#[derive(Clone, Debug)]
pub(super) struct FromColumn {
    pub(super) name: String,
    /// What it is: `t.a`, or `coalesce(t.a, u.a)`.
    pub(super) expr: Expr,
    /// Whether a join has made one of two.
    pub(super) merged: bool,
}

/// Knows the names that a statement's parts have.
pub(super) struct FromColumns<'a> {
    context: &'a PlanContext,
    /// What WITH gives, the innermost last; none where the columns are not known.
    scopes: Vec<HashMap<String, Option<Vec<String>>>>,
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// The last part of a name.
fn last(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(fold)
}

impl<'a> FromColumns<'a> {
    pub(super) fn new(context: &'a PlanContext) -> Self {
        Self { context, scopes: Vec::new() }
    }

    /// Enters a query: its WITH gives names.
    pub(super) fn enter(&mut self, with: Option<&With>) {
        // A recursive query's own name is that of no relation.
        let recursive = with.filter(|with| with.recursive);
        let own = recursive.into_iter().flat_map(|with| &with.cte_tables);
        self.scopes.push(own.map(|cte| (fold(&cte.alias.name), None)).collect());
        for cte in with.iter().flat_map(|with| &with.cte_tables) {
            let columns = self.of_query(&cte.query).map(|names| renamed(names, Some(&cte.alias)));
            if let Some(scope) = self.scopes.last_mut() {
                scope.insert(fold(&cte.alias.name), columns);
            }
        }
    }

    /// Leaves a query.
    pub(super) fn leave(&mut self) {
        self.scopes.pop();
    }

    /// The names of the columns of a query; none if they are not all known.
    fn of_query(&self, query: &Query) -> Option<Vec<String>> {
        if self.scopes.len() > DEPTH_MAX {
            return None;
        }
        let mut inner = FromColumns { context: self.context, scopes: self.scopes.clone() };
        inner.enter(query.with.as_ref());
        inner.of_body(&query.body)
    }

    fn of_body(&self, body: &SetExpr) -> Option<Vec<String>> {
        match body {
            SetExpr::Select(select) => self.of_select(select),
            SetExpr::Query(query) => self.of_query(query),
            SetExpr::SetOperation { left, .. } => self.of_body(left),
            SetExpr::Values(values) => {
                let width = values.rows.first()?.content.len();
                Some((1..=width).map(|at| format!("column{at}")).collect())
            }
            _ => None,
        }
    }

    fn of_select(&self, select: &Select) -> Option<Vec<String>> {
        let mut names = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => names.push(output_name(expr)),
                SelectItem::ExprWithAlias { alias, .. } => names.push(fold(alias)),
                SelectItem::Wildcard(_) => {
                    for from in &select.from {
                        let columns = self.of_joins(from).ok()??;
                        names.extend(columns.into_iter().map(|column| column.name));
                    }
                }
                SelectItem::QualifiedWildcard(kind, _) => {
                    let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
                        return None;
                    };
                    names.extend(self.of_named(select, &last(name)?)?);
                }
                SelectItem::ExprWithAliases { .. } => return None,
            }
        }
        Some(names)
    }

    /// The columns of the part of FROM that has this name.
    fn of_named(&self, select: &Select, name: &str) -> Option<Vec<String>> {
        let joined = |from: &'_ TableWithJoins| {
            let joins = from.joins.iter().map(|join| join.relation.clone());
            std::iter::once(from.relation.clone()).chain(joins).collect::<Vec<_>>()
        };
        let factors = select.from.iter().flat_map(joined);
        let factor = factors.into_iter().find(|factor| qualifier(factor).as_deref() == Some(name));
        let columns = self.of_factor(&factor?).ok()??;
        Some(columns.into_iter().map(|column| column.name).collect())
    }

    /// The columns of a part of FROM with its joins; none if they are not all known.
    ///
    /// # Errors
    /// 42703 and 42702 for USING.
    pub(super) fn of_joins(&self, from: &TableWithJoins) -> Result<Option<Vec<FromColumn>>> {
        let Some(mut columns) = self.of_factor(&from.relation)? else { return Ok(None) };
        for join in &from.joins {
            let Some(right) = self.of_factor(&join.relation)? else { return Ok(None) };
            columns = merge(columns, right, join)?.0;
        }
        Ok(Some(columns))
    }

    /// The columns of one part of FROM; none if they are not all known.
    pub(super) fn of_factor(&self, factor: &TableFactor) -> Result<Option<Vec<FromColumn>>> {
        let names = match factor {
            TableFactor::Table { name, args: None, .. } => self.of_relation(name),
            TableFactor::Derived { subquery, .. } => self.of_query(subquery),
            TableFactor::Function { name, alias: Some(alias), .. } => self.of_function(name, alias),
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.of_joins(table_with_joins);
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                let columns = self.of_joins(table_with_joins)?;
                columns.map(|columns| columns.into_iter().map(|column| column.name).collect())
            }
            TableFactor::UNNEST { array_exprs, with_ordinality, alias: Some(alias), .. }
                if alias.columns.len() == array_exprs.len() + usize::from(*with_ordinality) =>
            {
                Some(alias.columns.iter().map(|column| fold(&column.name)).collect())
            }
            _ => None,
        };
        let (Some(names), Some(qualifier)) = (names, qualifier(factor)) else { return Ok(None) };
        let alias = match factor {
            TableFactor::Table { alias, .. }
            | TableFactor::Derived { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::NestedJoin { alias, .. } => alias.as_ref(),
            _ => None,
        };
        let column = |name: String| FromColumn {
            expr: Expr::CompoundIdentifier(vec![quoted(&qualifier), quoted(&name)]),
            name,
            merged: false,
        };
        Ok(Some(renamed(names, alias).into_iter().map(column).collect()))
    }

    /// The columns of a user's function, where all of its name have the same.
    fn of_function(&self, name: &ObjectName, alias: &TableAlias) -> Option<Vec<String>> {
        let parts = marked(name)?;
        let (name, schema) = parts.split_last()?;
        let (relations, path) = (&self.context.relations, &self.context.search_path);
        let schema = schema.last().map(String::as_str);
        let functions = relations.user_functions(schema, name, path);
        let columns = |function: &FunctionDef| match &function.returns {
            ReturnsDef::RowOf(relation) => {
                let columns = relations.columns_of(*relation)?;
                Some(columns.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
            }
            ReturnsDef::Row => {
                let named = function.outputs().enumerate();
                let name = |(at, output): (usize, &ArgumentDef)| {
                    output.name.clone().unwrap_or_else(|| format!("column{}", at + 1))
                };
                Some(named.map(name).collect())
            }
            ReturnsDef::Value(_) | ReturnsDef::Void => {
                let named = function.outputs().find_map(|output| output.name.clone());
                Some(vec![named.unwrap_or_else(|| fold(&alias.name))])
            }
        };
        let mut all = functions.iter().map(|function| columns(function));
        let first = all.next()??;
        all.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }

    fn of_relation(&self, name: &ObjectName) -> Option<Vec<String>> {
        let parts: Option<Vec<String>> = name.0.iter().map(|p| p.as_ident().map(fold)).collect();
        let parts = parts?;
        let (schema, table) = match parts.as_slice() {
            [table] => (None, table),
            [schema, table] => (Some(schema.as_str()), table),
            _ => return None,
        };
        if schema.is_none()
            && let Some(columns) = self.scopes.iter().rev().find_map(|scope| scope.get(table))
        {
            return columns.clone();
        }
        match self.context.relations.relation(schema, table, &self.context.search_path)? {
            Relation::Table { schema, .. } | Relation::Unguarded { schema, .. } => {
                let names = schema.columns.iter().map(|column| column.field.name().clone());
                Some(names.collect())
            }
            Relation::View { query, search_path, .. } => {
                if self.scopes.len() > DEPTH_MAX {
                    return None;
                }
                let context = PlanContext { search_path, ..self.context.stored() };
                // As deep as this one, so that views of views come to an end.
                let scopes = vec![HashMap::new(); self.scopes.len() + 1];
                let inner = FromColumns { context: &context, scopes };
                inner.of_query(&crate::plan::parse_query(&query).ok()?.ast)
            }
            Relation::Provider { provider, .. } => {
                let schema = provider.schema();
                Some(schema.fields().iter().map(|field| field.name().clone()).collect())
            }
        }
    }
}

/// What the columns of a part of FROM are qualified by.
pub(super) fn qualifier(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { name, alias, .. } => {
            alias.as_ref().map(|alias| fold(&alias.name)).or_else(|| last(name))
        }
        TableFactor::Derived { alias, .. }
        | TableFactor::NestedJoin { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. } => alias.as_ref().map(|alias| fold(&alias.name)),
        _ => None,
    }
}

/// Names with those in front that an alias gives.
fn renamed(mut names: Vec<String>, alias: Option<&TableAlias>) -> Vec<String> {
    let given = alias.iter().flat_map(|alias| &alias.columns);
    for (name, given) in names.iter_mut().zip(given) {
        *name = fold(&given.name);
    }
    names
}

/// Which side a merged column is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    /// The one that is not NULL.
    Both,
}

/// The side that a join's merged columns are of, and its condition.
fn side(join: &JoinOperator) -> Option<(Side, &JoinConstraint)> {
    Some(match join {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint) => (Side::Left, constraint),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
            (Side::Right, constraint)
        }
        JoinOperator::FullOuter(constraint) => (Side::Both, constraint),
        _ => return None,
    })
}

/// The columns of a join, and the pairs that are equal in it.
type Merged = (Vec<FromColumn>, Vec<(Expr, Expr)>);

/// What a join makes of its sides' columns.
pub(super) fn merge(left: Vec<FromColumn>, right: Vec<FromColumn>, join: &Join) -> Result<Merged> {
    let names: Vec<String> = match side(&join.join_operator) {
        Some((_, JoinConstraint::Using(names))) => names.iter().filter_map(last).collect(),
        Some((_, JoinConstraint::Natural)) => {
            let both = |column: &&FromColumn| right.iter().any(|other| other.name == column.name);
            left.iter().filter(both).map(|column| column.name.clone()).collect()
        }
        _ => Vec::new(),
    };
    let side = side(&join.join_operator).map_or(Side::Left, |(side, _)| side);
    let (mut merged, mut pairs) = (Vec::new(), Vec::new());
    for name in &names {
        let (a, b) = (one(&left, name, "left")?, one(&right, name, "right")?);
        let expr = match side {
            Side::Left => a.clone(),
            Side::Right => b.clone(),
            Side::Both => call("coalesce", vec![a.clone(), b.clone()]),
        };
        merged.push(FromColumn { name: name.clone(), expr, merged: true });
        pairs.push((a, b));
    }
    let rest = left.into_iter().chain(right).filter(|column| !names.contains(&column.name));
    merged.extend(rest);
    Ok((merged, pairs))
}

/// The column of a name that USING tells.
fn one(columns: &[FromColumn], name: &str, side: &str) -> Result<Expr> {
    let mut found = columns.iter().filter(|column| column.name == name);
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column.expr.clone()),
        (Some(_), Some(_)) => {
            let message =
                format!("common column name \"{name}\" appears more than once in {side} table");
            Err(SqlError::new(SqlState::AMBIGUOUS_COLUMN, message))
        }
        (None, _) => {
            let message = format!(
                "column \"{name}\" specified in USING clause does not exist in {side} table"
            );
            Err(SqlError::new(SqlState::UNDEFINED_COLUMN, message))
        }
    }
}
