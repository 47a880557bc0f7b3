//! `vector_search(table, column, query, k [, filter [, metric]])` in FROM: the subquery that it
//! abbreviates, so that both spellings plan to the same operator by construction.
//!
//! The result has the table's columns and `distance`. The filter is SQL over the table's columns;
//! the metric is one of `l2` (the default), `ip`, `cosine`, `l1`, `hamming`, `jaccard`.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, Ident, TableAlias, TableFactor, Value,
    ValueWithSpan, visit_expressions,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::names::fold;
use crate::base::{Result, SqlError, SqlState};

/// What the arguments are called when they are named.
const NAMES: [&str; 6] = ["table", "column", "query", "k", "filter", "metric"];

/// Replaces a call of `vector_search` by its query.
pub(crate) fn expand(factor: &mut TableFactor) -> Result<()> {
    let (arguments, alias) = match factor {
        TableFactor::Table { args: Some(args), alias, .. } => (args.args.clone(), alias.clone()),
        TableFactor::Function { args, alias, .. } => (args.clone(), alias.clone()),
        _ => return Ok(()),
    };
    let [table, column, query, k, filter, metric] = by_position(arguments)?;
    let (Some(table), Some(column), Some(query), Some(k)) = (table, column, query, k) else {
        let message = "function vector_search needs a table, a column, a query and k";
        let hint = "vector_search('items', 'embedding', '[1,2,3]', 10)";
        return Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(hint));
    };
    let table = text(&table, "table")?;
    let column = text(&column, "column")?;
    let operator = match metric {
        None => "<->",
        Some(metric) => match text(&metric, "metric")?.as_str() {
            "l2" | "euclidean" => "<->",
            "ip" | "inner_product" => "<#>",
            "cosine" => "<=>",
            "l1" | "taxicab" => "<+>",
            "hamming" => "<~>",
            "jaccard" => "<%>",
            other => {
                let message = format!("unknown metric \"{other}\"");
                let error = SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message);
                return Err(error.with_hint("One of l2, ip, cosine, l1, hamming, jaccard."));
            }
        },
    };
    let lateral = names_columns(&query);
    // The shape comes from text, the client's expressions are put into it as trees.
    let sql = format!(
        "SELECT *, 0 AS distance FROM {table} WHERE TRUE ORDER BY distance LIMIT 1",
        table = quoted_name(&table),
    );
    let mut shape = parse_query(&sql)?;
    let distance = Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(Expr::Identifier(Ident::with_quote('"', column))),
        op: BinaryOperator::Custom(operator.into()),
        right: Box::new(Expr::Nested(Box::new(query))),
    }));
    if let sqlparser::ast::SetExpr::Select(select) = shape.body.as_mut() {
        if let Some(sqlparser::ast::SelectItem::ExprWithAlias { expr, .. }) =
            select.projection.last_mut()
        {
            *expr = distance.clone();
        }
        select.selection = match filter {
            Some(filter) => Some(parse_filter(&text(&filter, "filter")?)?),
            None => None,
        };
    }
    if let Some(order) = &mut shape.order_by
        && let sqlparser::ast::OrderByKind::Expressions(exprs) = &mut order.kind
        && let Some(first) = exprs.first_mut()
    {
        first.expr = distance;
    }
    if let Some(sqlparser::ast::LimitClause::LimitOffset { limit, .. }) = &mut shape.limit_clause {
        *limit = Some(k);
    }
    let alias = alias.unwrap_or_else(|| TableAlias {
        name: Ident::new("vector_search"),
        columns: Vec::new(),
        explicit: true,
        at: None,
    });
    *factor = TableFactor::Derived {
        lateral,
        subquery: Box::new(shape),
        alias: Some(alias),
        sample: None,
    };
    Ok(())
}

/// Whether an expression names columns: those of what stands before the call in FROM.
fn names_columns(expr: &Expr) -> bool {
    let named = visit_expressions(expr, |expr| match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    named.is_break()
}

fn by_position(arguments: Vec<FunctionArg>) -> Result<[Option<Expr>; 6]> {
    let mut slots: [Option<Expr>; 6] = Default::default();
    for (position, argument) in arguments.into_iter().enumerate() {
        let (slot, value) = match argument {
            FunctionArg::Unnamed(value) => (Some(position), value),
            FunctionArg::Named { name, arg, .. } => {
                (NAMES.iter().position(|known| *known == fold(&name)), arg)
            }
            FunctionArg::ExprNamed { name: Expr::Identifier(name), arg, .. } => {
                (NAMES.iter().position(|known| *known == fold(&name)), arg)
            }
            FunctionArg::ExprNamed { .. } => (None, FunctionArgExpr::Wildcard),
        };
        match (slot.and_then(|slot| slots.get_mut(slot)), value) {
            (Some(slot), FunctionArgExpr::Expr(value)) if slot.is_none() => *slot = Some(value),
            _ => {
                let message = "function vector_search does not take these arguments";
                let hint = "vector_search(table, column, query, k [, filter [, metric]])";
                return Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(hint));
            }
        }
    }
    Ok(slots)
}

fn text(expr: &Expr, argument: &str) -> Result<String> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => {
            Ok(text.clone())
        }
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => text(inner, argument),
        _ => {
            let message = format!("the argument {argument} of vector_search must be a string");
            Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}

/// A table's name as `regclass` reads it: `public.items`, `"Odd Name"`.
fn quoted_name(text: &str) -> String {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c if quoted => part.push(c),
            c => part.extend(c.to_lowercase()),
        }
    }
    parts.push(part);
    let quoted: Vec<_> =
        parts.iter().map(|part| Ident::with_quote('"', part.trim()).to_string()).collect();
    quoted.join(".")
}

fn parse_query(sql: &str) -> Result<sqlparser::ast::Query> {
    let parsed = Parser::new(&PostgreSqlDialect {})
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_query());
    parsed.map(|query| *query).map_err(|error| syntax_error(&error))
}

fn parse_filter(sql: &str) -> Result<Expr> {
    let parsed = Parser::new(&PostgreSqlDialect {}).try_with_sql(sql).and_then(|mut parser| {
        let expr = parser.parse_expr()?;
        parser.expect_token(&sqlparser::tokenizer::Token::EOF)?;
        Ok(expr)
    });
    parsed.map_err(|error| syntax_error(&error))
}

fn syntax_error(error: &sqlparser::parser::ParserError) -> SqlError {
    let message = format!("invalid filter of vector_search: {error}");
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}
