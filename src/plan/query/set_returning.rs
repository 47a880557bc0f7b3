//! Functions that return sets, in FROM and in the select list.
//!
//! Such a function returns an array here, which `unnest` spreads. `FROM f(x) AS t(a)` becomes
//! `FROM (SELECT unnest(f(x)) AS a) AS t`, LATERAL where it may name columns of the tables before
//! it, as functions in FROM always may. A series of constants stays DataFusion's table
//! function, which makes its rows as they are asked for.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    Select, SelectItem, SetExpr, TableAlias, TableFactor, TableFunctionArgs, Value, ValueWithSpan,
    VisitMut, VisitorMut,
};

use super::expanded_arrays;
use super::json_records;
use super::names::fold;
use super::own_expressions::{Moment, visit_own};
use super::rewrite::call;
use super::user_notation::marked;
use crate::base::{Result, SqlError};
use crate::catalog::system::table_function;

/// DataFusion's table function under a name that statements don't use.
pub(super) const SERIES: &str = "redkite_series";

/// Functions that return a set of one column.
const ONE_COLUMN: &[&str] = &[
    "generate_series",
    "generate_subscripts",
    "json_array_elements",
    "json_array_elements_text",
    "json_object_keys",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_object_keys",
    "jsonb_path_query",
    "pg_listening_channels",
    "redkite_each_json",
    "redkite_each_key",
    "redkite_each_text",
    "redkite_each_value",
    "redkite_ordinals",
    "regexp_matches",
    "regexp_split_to_table",
    "string_to_table",
];

/// Whether a function of this name returns a set.
pub(super) fn returns_set(name: &str) -> bool {
    name == "unnest" || ONE_COLUMN.contains(&name)
}

/// The name of a call's function, if it is no aggregate or window call.
fn function_name(expr: &Expr) -> Option<String> {
    let Expr::Function(function) = expr else { return None };
    if function.over.is_some() || function.filter.is_some() {
        return None;
    }
    Some(fold(function.name.0.last()?.as_ident()?))
}

/// Wraps the set-returning functions of a select list in `unnest`. Names are given before.
pub(super) fn spread_select_list(select: &mut Select) {
    // How many functions are open that take the array itself.
    let mut arrays = 0_usize;
    let mut subqueries = 0_usize;
    for item in &mut select.projection {
        let _ = visit_own(item, |expr, moment| {
            let takes = usize::from(takes_array(expr));
            match moment {
                Moment::Before => {
                    arrays += takes;
                    if takes > 0 {
                        name_subquery(expr, &mut subqueries);
                    }
                }
                Moment::After => {
                    arrays -= takes;
                    if arrays == 0 {
                        spread(expr);
                    }
                }
            }
            ControlFlow::<()>::Continue(())
        });
    }
}

/// Names the argument that is a subquery: DataFusion takes arrays of one name for the same.
fn name_subquery(call_of_array: &mut Expr, count: &mut usize) {
    let Expr::Function(function) = call_of_array else { return };
    let FunctionArguments::List(list) = &mut function.args else { return };
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(array))) = list.args.first_mut() else {
        return;
    };
    if has_subquery(array) {
        *count += 1;
        let name = Expr::Value(Value::SingleQuotedString(count.to_string()).into());
        *array = call("redkite_named", vec![array.clone(), name]);
    }
}

fn has_subquery(expr: &Expr) -> bool {
    let found = sqlparser::ast::visit_expressions(expr, |expr| match expr {
        Expr::Subquery(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Whether a function takes a set as the array that it is here.
fn takes_array(expr: &Expr) -> bool {
    function_name(expr).is_some_and(|name| matches!(name.as_str(), "unnest" | "redkite_ordinals"))
}

/// Spreads a set-returning function's array; elements get the type that Arrow does not tell.
fn spread(expr: &mut Expr) {
    let Some(name) = function_name(expr).filter(|name| ONE_COLUMN.contains(&name.as_str())) else {
        return;
    };
    let rows = call("unnest", vec![expr.clone()]);
    let data_type = match name.as_str() {
        "jsonb_array_elements" | "jsonb_path_query" | "redkite_each_value" => Some(DataType::JSONB),
        "json_array_elements" | "redkite_each_json" => Some(DataType::JSON),
        _ => None,
    };
    *expr = match data_type {
        None => rows,
        Some(data_type) => Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(rows),
            data_type,
            array: false,
            format: None,
        },
    };
}

/// Replaces the functions in FROM by subqueries.
pub(super) fn functions_in_from(select: &mut Select) -> Result<()> {
    let mut first = true;
    let mut values = Vec::new();
    for from in &mut select.from {
        let joined = from.joins.iter_mut().map(|join| &mut join.relation);
        for factor in std::iter::once(&mut from.relation).chain(joined) {
            values.extend(function_to_subquery(factor, first)?);
            first = false;
        }
    }
    if !values.is_empty() {
        whole_rows(select, &values);
    }
    Ok(())
}

/// The parts of a function in FROM.
struct Call {
    name: String,
    arguments: Vec<Expr>,
    alias: Option<TableAlias>,
    ordinality: bool,
    lateral: bool,
}

fn parts(factor: &TableFactor) -> Option<Call> {
    let expression = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    let last = |name: &ObjectName| Some(fold(name.0.last()?.as_ident()?));
    match factor {
        TableFactor::Table { name, args: Some(args), alias, with_ordinality, .. } => Some(Call {
            name: last(name)?,
            arguments: args.args.iter().map(expression).collect::<Option<_>>()?,
            alias: alias.clone(),
            ordinality: *with_ordinality,
            lateral: false,
        }),
        // Those of users are planned as they stand.
        TableFactor::Function { name, .. } if marked(name).is_some() => None,
        TableFactor::Function { lateral, name, args, with_ordinality, alias } => Some(Call {
            name: last(name)?,
            arguments: args.iter().map(expression).collect::<Option<_>>()?,
            alias: alias.clone(),
            ordinality: *with_ordinality,
            lateral: *lateral,
        }),
        TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => Some(Call {
            name: "unnest".into(),
            arguments: array_exprs.clone(),
            alias: alias.clone(),
            ordinality: *with_ordinality,
            lateral: false,
        }),
        _ => None,
    }
}

/// Returns the alias of a function whose one column has a name of its own: there the alias
/// names the column as well.
fn function_to_subquery(factor: &mut TableFactor, first: bool) -> Result<Option<String>> {
    let Some(found) = parts(factor).filter(|call| !is_own(&call.name)) else { return Ok(None) };
    if let Some(relation) = table_function(&found.name).filter(|_| found.arguments.is_empty()) {
        let text = format!("SELECT * FROM pg_catalog.\"{relation}\"");
        let subquery = crate::plan::parse_query(&text)?.ast;
        let name = Ident::with_quote('"', found.name);
        let named = TableAlias { name, columns: Vec::new(), explicit: true, at: None };
        let alias = Some(found.alias.unwrap_or(named));
        *factor = TableFactor::Derived { lateral: false, subquery, alias, sample: None };
        return Ok(None);
    }
    let Call { name, arguments, alias, ordinality, lateral } = found;
    let mut alias = alias;
    let (mut columns, own_name) = match json_records::makes_records(&name) {
        Some(many) => (json_records::columns(many, &arguments, alias.as_mut())?, true),
        None => columns_of(&name, &arguments),
    };
    let set = name == "unnest" || ONE_COLUMN.contains(&name.as_str()) || columns.len() > 1;
    if ordinality && !set {
        return Err(SqlError::unsupported("WITH ORDINALITY is not supported for this function"));
    }
    let whole = alias.as_ref().filter(|_| own_name && columns.len() == 1);
    let whole = whole.filter(|alias| alias.columns.is_empty()).map(|alias| fold(&alias.name));
    if ordinality {
        let ordinals = call("redkite_ordinals", vec![columns[0].1.clone()]);
        columns.push(("ordinality".into(), ordinals));
    }
    let mut alias = alias.unwrap_or_else(|| TableAlias {
        name: Ident::with_quote('"', name.clone()),
        columns: Vec::new(),
        explicit: true,
        at: None,
    });
    let given = std::mem::take(&mut alias.columns);
    // The column of a function that returns plain values has the table's name.
    if !own_name && columns.len() - usize::from(ordinality) == 1 {
        columns[0].0 = fold(&alias.name);
    }
    for (column, name) in columns.iter_mut().zip(&given) {
        column.0 = fold(&name.name);
    }
    let lateral = lateral || !first && arguments.iter().any(names_columns);
    let mut subquery = crate::plan::parse_query("SELECT 1")?.ast;
    let SetExpr::Select(select) = subquery.body.as_mut() else {
        return Err(SqlError::internal("a SELECT that is none"));
    };
    if name == "generate_series" && !ordinality && constants(&arguments) {
        series(select, &mut columns[0].1, arguments);
    } else if name == "unnest" {
        for (_, expr) in &mut columns {
            *expr = call("unnest", vec![expr.clone()]);
        }
    }
    let items = columns.into_iter().map(|(name, expr)| SelectItem::ExprWithAlias {
        expr,
        alias: Ident::with_quote('"', name),
    });
    select.projection = items.collect();
    *factor = TableFactor::Derived {
        lateral: lateral && !first,
        subquery,
        alias: Some(alias),
        sample: None,
    };
    Ok(whole)
}

fn is_own(name: &str) -> bool {
    matches!(name, "vector_search" | SERIES)
}

/// The columns of a function, and whether it names them itself.
fn columns_of(name: &str, arguments: &[Expr]) -> (Vec<(String, Expr)>, bool) {
    let itself = |name: &str| call(name, arguments.to_vec());
    match name {
        "json_each" | "jsonb_each" | "json_each_text" | "jsonb_each_text" => {
            let values = match name {
                "json_each" => "redkite_each_json",
                "jsonb_each" => "redkite_each_value",
                _ => "redkite_each_text",
            };
            let columns =
                vec![("key".into(), itself("redkite_each_key")), ("value".into(), itself(values))];
            (columns, true)
        }
        expanded_arrays::NAME => match arguments {
            [array] => (expanded_arrays::columns(array), true),
            _ => (vec![(name.to_owned(), itself(name))], false),
        },
        "unnest" => {
            let columns = arguments.iter().map(|array| (name.to_owned(), array.clone()));
            (columns.collect(), false)
        }
        _ if name.contains("_array_elements") => (vec![("value".into(), itself(name))], true),
        _ => (vec![(name.to_owned(), itself(name))], false),
    }
}

/// Whether all arguments are integer literals.
fn constants(arguments: &[Expr]) -> bool {
    arguments.iter().all(|argument| integer(argument).is_some())
}

fn integer(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => text.parse().ok(),
        Expr::UnaryOp { op: sqlparser::ast::UnaryOperator::Minus, expr } => {
            integer(expr).map(|number| -number)
        }
        _ => None,
    }
}

/// `SELECT value FROM redkite_series(..)`: the series' type is that of its bounds.
fn series(select: &mut Select, column: &mut Expr, arguments: Vec<Expr>) {
    let narrow = arguments.iter().all(|a| integer(a).is_some_and(|n| i32::try_from(n).is_ok()));
    let value = Expr::Identifier(Ident::new("value"));
    *column = match narrow {
        true => Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(value),
            data_type: DataType::Int4(None),
            array: false,
            format: None,
        },
        false => value,
    };
    let args = arguments
        .into_iter()
        .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
        .collect();
    let relation = TableFactor::Table {
        name: ObjectName::from(vec![Ident::new(SERIES)]),
        alias: None,
        args: Some(TableFunctionArgs { args, settings: None }),
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    };
    select.from = vec![sqlparser::ast::TableWithJoins { relation, joins: Vec::new() }];
}

/// Whether an expression may name columns.
pub(super) fn names_columns(expr: &Expr) -> bool {
    let found = sqlparser::ast::visit_expressions(expr, |expr| match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// `SELECT e FROM jsonb_array_elements(..) e`: `e` is `e.value`.
fn whole_rows(select: &mut Select, aliases: &[String]) {
    let mut pass = WholeRows { aliases };
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(Expr::Identifier(name)) = item
            && aliases.contains(&fold(name))
        {
            let (expr, alias) = (Expr::Identifier(name.clone()), name.clone());
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        let _ = item.visit(&mut pass);
    }
    let _ = select.selection.visit(&mut pass);
    let _ = select.group_by.visit(&mut pass);
    let _ = select.having.visit(&mut pass);
    for from in &mut select.from {
        let _ = from.visit(&mut pass);
    }
}

struct WholeRows<'a> {
    aliases: &'a [String],
}

impl VisitorMut for WholeRows<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(name) = expr
            && self.aliases.contains(&fold(name))
        {
            *expr = Expr::CompoundIdentifier(vec![name.clone(), Ident::new("value")]);
        }
        ControlFlow::Continue(())
    }
}
