//! A row of FROM as a value: `row_to_json(t)`, `json_agg(t)`, `to_jsonb(t)`, `(t).a`. There are no
//! composite values here: the row becomes a document of its columns, told by their names.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, JoinOperator, Query, Select, SelectItem, TableFactor, TableWithJoins,
    Value, VisitMut, VisitorMut,
};

use super::from_columns::{FromColumns, qualifier};
use super::names::{fold, output_name};
use super::own_expressions::{Moment, visit_own};
use super::planner::PlanContext;
use super::rewrite::call;
use crate::base::{Result, SqlError};
use crate::plan::parse_expression;

/// Rewrites the whole rows of a query and of all queries within.
pub(super) fn expand_whole_rows(query: &mut Query, context: &PlanContext) -> Result<()> {
    let mut pass = Pass { columns: FromColumns::new(context) };
    match VisitMut::visit(query, &mut pass) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Functions that take a row, and whether they make `jsonb` of it.
const TAKERS: [(&str, bool); 5] = [
    ("row_to_json", false),
    ("to_json", false),
    ("json_agg", false),
    ("to_jsonb", true),
    ("jsonb_agg", true),
];

/// A part of FROM.
struct Part {
    name: String,
    columns: Vec<String>,
    /// Whether an outer join may give no row of it.
    missing: bool,
}

impl Part {
    fn column(&self, name: &str) -> Expr {
        let quoted = |name: &str| Ident::with_quote('"', name);
        Expr::CompoundIdentifier(vec![quoted(&self.name), quoted(name)])
    }
}

struct Pass<'a> {
    columns: FromColumns<'a>,
}

impl VisitorMut for Pass<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        self.columns.enter(query.with.as_ref());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<SqlError> {
        self.columns.leave();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        match self.select(select) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Pass<'_> {
    fn select(&self, select: &mut Select) -> Result<()> {
        let names: Vec<String> = select.from.iter().flat_map(names_of).collect();
        if !(asks(&mut select.projection, &names) || asks(&mut select.selection, &names)) {
            return Ok(());
        }
        let mut parts = Vec::new();
        for from in &select.from {
            self.parts(from, &mut parts)?;
        }
        let rows = Rows { parts: &parts };
        for item in &mut select.projection {
            let before = match item {
                SelectItem::UnnamedExpr(expr) => Some((output_name(expr), expr.clone())),
                _ => None,
            };
            replace(item, &rows)?;
            if let (SelectItem::UnnamedExpr(expr), Some((name, before))) = (&*item, before)
                && *expr != before
            {
                let alias = Ident::with_quote('"', name);
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
        }
        replace(&mut select.selection, &rows)
    }

    fn parts(&self, from: &TableWithJoins, parts: &mut Vec<Part>) -> Result<()> {
        let outer = |join: &JoinOperator| {
            !matches!(
                join,
                JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
            )
        };
        let missing = from.joins.iter().any(|join| outer(&join.join_operator));
        let joined = from.joins.iter().map(|join| &join.relation);
        for factor in std::iter::once(&from.relation).chain(joined) {
            if let TableFactor::NestedJoin { table_with_joins, alias: None } = factor {
                self.parts(table_with_joins, parts)?;
                continue;
            }
            if let (Some(name), Some(columns)) =
                (qualifier(factor), self.columns.of_factor(factor)?)
            {
                let columns = columns.into_iter().map(|column| column.name).collect();
                parts.push(Part { name, columns, missing });
            }
        }
        Ok(())
    }
}

/// The taker that a call is of, with its one argument, if that is a bare name.
fn taken(function: &Function) -> Option<(&'static str, bool, &Ident)> {
    let name = fold(function.name.0.last()?.as_ident()?);
    let (taker, binary) = TAKERS.into_iter().find(|(taker, _)| *taker == name)?;
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(argument)))] => {
            Some((taker, binary, argument))
        }
        _ => None,
    }
}

/// The row and the column of `(t).a`.
fn field(expr: &Expr) -> Option<(&Ident, &Ident)> {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return None };
    let (Expr::Nested(row), [AccessExpr::Dot(Expr::Identifier(column))]) =
        (root.as_ref(), access_chain.as_slice())
    else {
        return None;
    };
    match row.as_ref() {
        Expr::Identifier(row) => Some((row, column)),
        _ => None,
    }
}

/// The row of `t::text`.
fn shown_row(expr: &Expr) -> Option<&Ident> {
    let Expr::Cast { expr, data_type: DataType::Text | DataType::Varchar(None), .. } = expr else {
        return None;
    };
    match expr.as_ref() {
        Expr::Identifier(row) => Some(row),
        _ => None,
    }
}

/// The names of what FROM joins.
fn names_of(from: &TableWithJoins) -> Vec<String> {
    let joined = from.joins.iter().map(|join| &join.relation);
    std::iter::once(&from.relation).chain(joined).filter_map(qualifier).collect()
}

/// Whether there is anything to do, where FROM joins what has these names.
fn asks(node: &mut impl VisitMut, names: &[String]) -> bool {
    let found = visit_own(node, |expr, _| {
        let takes = matches!(expr, Expr::Function(function) if taken(function).is_some());
        let shown = shown_row(expr).is_some_and(|row| names.contains(&fold(row)));
        if takes || shown || field(expr).is_some() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    found.is_break()
}

struct Rows<'a> {
    parts: &'a [Part],
}

impl Rows<'_> {
    /// The part that a name stands for; a column of that name comes first.
    fn part(&self, name: &Ident) -> Option<&Part> {
        let name = fold(name);
        if self.parts.iter().any(|part| part.columns.contains(&name)) {
            return None;
        }
        self.parts.iter().find(|part| part.name == name)
    }

    fn replaced(&self, expr: &Expr) -> Result<Option<Expr>> {
        if let Some((row, column)) = field(expr)
            && self.part(row).is_some()
        {
            return Ok(Some(Expr::CompoundIdentifier(vec![row.clone(), column.clone()])));
        }
        if let Some(part) = shown_row(expr).and_then(|row| self.part(row)) {
            let mut shown = expr.clone();
            if let Expr::Cast { expr, .. } = &mut shown {
                **expr = call("row", part.columns.iter().map(|name| part.column(name)).collect());
            }
            return Ok(Some(shown));
        }
        let Expr::Function(function) = expr else { return Ok(None) };
        let Some((taker, binary, argument)) = taken(function) else { return Ok(None) };
        let Some(part) = self.part(argument) else { return Ok(None) };
        let row = document(part, binary)?;
        if taker == "row_to_json" {
            return Ok(Some(row));
        }
        let mut function = function.clone();
        if let FunctionArguments::List(list) = &mut function.args {
            list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(row))];
        }
        Ok(Some(Expr::Function(function)))
    }
}

/// Replaces the rows in a part of a query.
fn replace(node: &mut impl VisitMut, rows: &Rows<'_>) -> Result<()> {
    let replaced = visit_own(node, |expr, moment| {
        if moment == Moment::Before {
            return ControlFlow::Continue(());
        }
        match rows.replaced(expr) {
            Ok(Some(replaced)) => {
                *expr = replaced;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    });
    replaced.break_value().map_or(Ok(()), Err)
}

/// A row as a document; NULL where an outer join has none.
fn document(part: &Part, binary: bool) -> Result<Expr> {
    let column = |name: &String| part.column(name);
    let pair =
        |name: &String| [Expr::Value(Value::SingleQuotedString(name.clone()).into()), column(name)];
    let arguments = part.columns.iter().flat_map(pair).collect();
    let function = if binary { "jsonb_build_object" } else { "redkite_row_json" };
    let document = call(function, arguments);
    if !part.missing {
        return Ok(document);
    }
    let mut there = part.columns.iter().map(|name| Expr::IsNotNull(Box::new(column(name))));
    let Some(first) = there.next() else { return Ok(document) };
    let condition = there.fold(first, |a, b| Expr::BinaryOp {
        left: Box::new(a),
        op: sqlparser::ast::BinaryOperator::Or,
        right: Box::new(b),
    });
    let mut case = *parse_expression("CASE WHEN true THEN 1 END")?.ast;
    if let Expr::Case { conditions, .. } = &mut case {
        *conditions = vec![CaseWhen { condition, result: document }];
    }
    // A CASE forgets which kind of text its results are.
    let data_type = if binary { DataType::JSONB } else { DataType::JSON };
    let (kind, expr) = (CastKind::DoubleColon, Box::new(case));
    Ok(Expr::Cast { kind, expr, data_type, array: false, format: None })
}
