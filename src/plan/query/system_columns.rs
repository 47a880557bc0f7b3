//! `tableoid` and `ctid`: which relation a row is from, and which row of it.
//!
//! A relation in FROM is always the same one, so that `t.tableoid` is a constant: `('t'::regclass)::oid`. A row's
//! `ctid` is its row id, which a table shows under a name that asks for it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, ExcludeSelectItem, Expr, Ident, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableAlias, TableFactor, TableWithJoins, Value, VisitMut,
    VisitorMut, visit_expressions_mut,
};

use super::names::fold;
use crate::segment::ROW_ID;

/// What the name of a table ends with that shows its rows' ids. Not valid in text, so in no name.
pub(super) const WITH_ROW_ID: &str = "\u{0}ctid";

const TABLE_OID: &str = "tableoid";
const CTID: &str = "ctid";

/// A relation of FROM: what it is called there, and its name.
type Named = (String, ObjectName);

/// Rewrites the expressions of a query whose subqueries are rewritten already: a name that is left
/// in them is this query's. Names of WITH are no tables.
pub(super) fn rewrite_select(select: &mut Select, with: &[String]) {
    let mut factors = Vec::new();
    select.from.iter().for_each(|from| flatten(from, &mut factors));
    let all: Vec<Option<Named>> = factors.into_iter().map(named).collect();
    let alone = all.len() == 1;
    let relations: Vec<Named> = all.into_iter().flatten().collect();
    if relations.is_empty() {
        return;
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) = item {
            let name = [TABLE_OID, CTID]
                .into_iter()
                .find(|name| relation(expr, name, &relations, alone).is_some());
            if let Some(name) = name {
                let (expr, alias) = (expr.clone(), Ident::new(name));
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
        }
    }
    let _ = visit_expressions_mut(select, |expr| {
        if let Some((_, name)) = relation(expr, TABLE_OID, &relations, alone) {
            *expr = oid_of(name);
        }
        ControlFlow::<()>::Continue(())
    });
    rewrite_row_ids(select, &relations, alone, with);
}

/// What is joined, in brackets too.
fn flatten<'a>(from: &'a TableWithJoins, factors: &mut Vec<&'a TableFactor>) {
    let joined = from.joins.iter().map(|join| &join.relation);
    for factor in std::iter::once(&from.relation).chain(joined) {
        match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                flatten(table_with_joins, factors);
            }
            other => factors.push(other),
        }
    }
}

fn named(factor: &TableFactor) -> Option<Named> {
    let TableFactor::Table { name, alias, args: None, .. } = factor else { return None };
    let called = match alias {
        Some(alias) => fold(&alias.name),
        None => fold(name.0.last()?.as_ident()?),
    };
    Some((called, name.clone()))
}

/// The relation whose column of this name an expression is.
fn relation<'a>(
    expr: &Expr,
    column: &str,
    relations: &'a [Named],
    alone: bool,
) -> Option<&'a Named> {
    match expr {
        Expr::Identifier(name) if alone && fold(name) == column => relations.first(),
        Expr::CompoundIdentifier(parts) => {
            let [.., of, name] = parts.as_slice() else { return None };
            let found = relations.iter().find(|(called, _)| *called == fold(of));
            found.filter(|_| fold(name) == column)
        }
        _ => None,
    }
}

/// `('name'::regclass)::oid`.
fn oid_of(name: &ObjectName) -> Expr {
    let quoted = |part: &Ident| format!("\"{}\"", fold(part).replace('"', "\"\""));
    let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident()).map(quoted).collect();
    let text = Expr::Value(Value::SingleQuotedString(parts.join(".")).into());
    let cast = |expr: Expr, data_type: DataType| Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    };
    let oid = DataType::Custom(ObjectName::from(vec![Ident::new("oid")]), Vec::new());
    cast(cast(text, DataType::Regclass), oid)
}

/// `t.ctid` becomes `t._rowid`, of a table that shows it, and `*` does not.
fn rewrite_row_ids(select: &mut Select, relations: &[Named], alone: bool, with: &[String]) {
    let of_with = |(_, name): &&Named| {
        let [part] = name.0.as_slice() else { return false };
        part.as_ident().is_some_and(|name| with.contains(&fold(name)))
    };
    let tables: Vec<Named> = relations.iter().filter(|named| !of_with(named)).cloned().collect();
    let mut pass = RowIds { tables: &tables, alone, subqueries: 0, asked: Vec::new() };
    let ControlFlow::Continue(()) = select.visit(&mut pass);
    let asked = pass.asked;
    if asked.is_empty() {
        return;
    }
    select.from.iter_mut().for_each(|from| show_in(from, &asked));
    for item in &mut select.projection {
        let options = match item {
            SelectItem::Wildcard(options) => options,
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) if name
                .0
                .last()
                .and_then(|part| part.as_ident())
                .is_some_and(|name| asked.contains(&fold(name))) =>
            {
                options
            }
            _ => continue,
        };
        let hidden = ObjectName::from(vec![Ident::with_quote('"', ROW_ID)]);
        options.opt_exclude.get_or_insert(ExcludeSelectItem::Single(hidden));
    }
}

fn show_in(from: &mut TableWithJoins, asked: &[String]) {
    let joined = from.joins.iter_mut().map(|join| &mut join.relation);
    for factor in std::iter::once(&mut from.relation).chain(joined) {
        match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                show_in(table_with_joins, asked);
            }
            other => show(other, asked),
        }
    }
}

/// Names a table so that it shows its rows' ids.
fn show(factor: &mut TableFactor, asked: &[String]) {
    let Some((called, _)) = named(factor).filter(|(called, _)| asked.contains(called)) else {
        return;
    };
    let TableFactor::Table { name, alias, .. } = factor else { return };
    let mut parts: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident()).cloned().collect();
    if let Some(last) = parts.last_mut() {
        *last = Ident::with_quote('"', format!("{}{WITH_ROW_ID}", fold(last)));
    }
    *name = ObjectName::from(parts);
    alias.get_or_insert_with(|| TableAlias {
        name: Ident::with_quote('"', called),
        columns: Vec::new(),
        explicit: true,
        at: None,
    });
}

/// Finds the row ids that a query names. In its subqueries a name without a table is another's.
struct RowIds<'a> {
    tables: &'a [Named],
    alone: bool,
    subqueries: usize,
    /// What the tables are called whose row ids are named.
    asked: Vec<String>,
}

impl VisitorMut for RowIds<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.subqueries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.subqueries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let alone = self.alone && self.subqueries == 0;
        if let Some((called, _)) = relation(expr, CTID, self.tables, alone) {
            let owner = Ident::with_quote('"', called);
            if !self.asked.contains(called) {
                self.asked.push(called.clone());
            }
            *expr = Expr::CompoundIdentifier(vec![owner, Ident::with_quote('"', ROW_ID)]);
        }
        ControlFlow::Continue(())
    }
}
