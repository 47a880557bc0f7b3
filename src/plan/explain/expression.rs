//! Expressions of a physical plan as SQL, with PostgreSQL's parentheses and type names.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr,
    Literal, NegativeExpr, NotExpr,
};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr, ScalarFunctionExpr};
use datafusion::physical_expr_common::physical_expr::fmt_sql;

use crate::index::Metric;
use crate::plan::quote_identifier;
use crate::types::{ColumnEncoder, PgType, TextContext};

type Expr = Arc<dyn PhysicalExpr>;

/// An expression as SQL, without parentheses around all of it where it needs none.
pub(super) fn sql(expr: &Expr) -> String {
    if let Some(column) = expr.downcast_ref::<Column>() {
        return column_name(column.name());
    }
    if let Some(literal) = expr.downcast_ref::<Literal>() {
        return constant(literal.value());
    }
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        return infix(binary.left(), operator(*binary.op()), binary.right());
    }
    if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        let ty = PgType::of_field(cast.target_field());
        return format!("({})::{ty}", sql(cast.expr()));
    }
    if let Some(not) = expr.downcast_ref::<NotExpr>() {
        return format!("(NOT {})", sql(not.arg()));
    }
    if let Some(null) = expr.downcast_ref::<IsNullExpr>() {
        return format!("({} IS NULL)", sql(null.arg()));
    }
    if let Some(null) = expr.downcast_ref::<IsNotNullExpr>() {
        return format!("({} IS NOT NULL)", sql(null.arg()));
    }
    if let Some(negative) = expr.downcast_ref::<NegativeExpr>() {
        return format!("(- {})", sql(negative.arg()));
    }
    if let Some(list) = expr.downcast_ref::<InListExpr>() {
        let values = all(list.list());
        let operator = if list.negated() { "<> ALL" } else { "= ANY" };
        return format!("({} {operator} (ARRAY[{values}]))", sql(list.expr()));
    }
    if let Some(like) = expr.downcast_ref::<LikeExpr>() {
        let operator = match (like.negated(), like.case_insensitive()) {
            (false, false) => "~~",
            (true, false) => "!~~",
            (false, true) => "~~*",
            (true, true) => "!~~*",
        };
        return infix(like.expr(), operator, like.pattern());
    }
    if let Some(case) = expr.downcast_ref::<CaseExpr>() {
        return cases(case);
    }
    if let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>() {
        return call(function);
    }
    fmt_sql(expr.as_ref()).to_string()
}

/// A column's name. Those of computed columns are their expressions, in DataFusion's words.
pub(super) fn column_name(name: &str) -> String {
    let name = crate::plan::query::visible(name);
    if name.contains('(') { name.replace("(Int64(1))", "(*)") } else { quote_identifier(name) }
}

/// An expression that stands alone: PostgreSQL puts conditions in parentheses.
pub(super) fn condition(expr: &Expr) -> String {
    let text = sql(expr);
    if text.starts_with('(') && expr.downcast_ref::<CastExpr>().is_none() {
        text
    } else {
        format!("({text})")
    }
}

/// `name DESC NULLS LAST`, as after ORDER BY.
pub(super) fn sort_key(key: &PhysicalSortExpr) -> String {
    let mut text = sql(&key.expr);
    if key.options.descending {
        text.push_str(" DESC");
    }
    if key.options.nulls_first != key.options.descending {
        text.push_str(if key.options.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
    }
    text
}

fn all(exprs: &[Expr]) -> String {
    exprs.iter().map(sql).collect::<Vec<_>>().join(", ")
}

fn infix(left: &Expr, operator: &str, right: &Expr) -> String {
    format!("({} {operator} {})", sql(left), sql(right))
}

fn operator(operator: Operator) -> &'static str {
    match operator {
        Operator::Eq => "=",
        Operator::NotEq => "<>",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        Operator::Plus => "+",
        Operator::Minus => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::Modulo => "%",
        Operator::And => "AND",
        Operator::Or => "OR",
        Operator::IsDistinctFrom => "IS DISTINCT FROM",
        Operator::IsNotDistinctFrom => "IS NOT DISTINCT FROM",
        Operator::RegexMatch => "~",
        Operator::RegexIMatch => "~*",
        Operator::RegexNotMatch => "!~",
        Operator::RegexNotIMatch => "!~*",
        Operator::LikeMatch => "~~",
        Operator::ILikeMatch => "~~*",
        Operator::NotLikeMatch => "!~~",
        Operator::NotILikeMatch => "!~~*",
        Operator::BitwiseAnd => "&",
        Operator::BitwiseOr => "|",
        Operator::BitwiseXor => "#",
        Operator::BitwiseShiftRight => ">>",
        Operator::BitwiseShiftLeft => "<<",
        Operator::StringConcat => "||",
        _ => "?",
    }
}

fn call(function: &ScalarFunctionExpr) -> String {
    let name = function.name();
    let infix_operator = match name {
        "checked_add" => Some("+"),
        "checked_sub" => Some("-"),
        "checked_mul" => Some("*"),
        "checked_div" => Some("/"),
        "checked_mod" => Some("%"),
        "bitand" => Some("&"),
        "bitor" => Some("|"),
        "bitxor" => Some("#"),
        "bitshiftleft" => Some("<<"),
        "bitshiftright" => Some(">>"),
        "bitcat" => Some("||"),
        name => {
            let metric = Metric::ALL.into_iter().find(|metric| metric.function() == name);
            metric.map(Metric::operator)
        }
    };
    match (infix_operator, function.args()) {
        (Some(operator), [left, right]) => infix(left, operator, right),
        (_, []) if name.starts_with('$') => name.to_owned(),
        (_, args) => format!("{name}({})", all(args)),
    }
}

fn cases(case: &CaseExpr) -> String {
    let mut text = String::from("CASE");
    if let Some(expr) = case.expr() {
        text.push_str(&format!(" {}", sql(expr)));
    }
    for (when, then) in case.when_then_expr() {
        text.push_str(&format!(" WHEN {} THEN {}", sql(when), sql(then)));
    }
    if let Some(otherwise) = case.else_expr() {
        text.push_str(&format!(" ELSE {}", sql(otherwise)));
    }
    text.push_str(" END");
    text
}

/// A constant: numbers and booleans as they are, everything else quoted, with its type.
fn constant(value: &ScalarValue) -> String {
    let ty = PgType::of(&value.data_type());
    if value.is_null() {
        return if ty == PgType::Unknown { "NULL".to_owned() } else { format!("NULL::{ty}") };
    }
    if matches!(value.data_type(), DataType::Null) {
        return "NULL".to_owned();
    }
    let mut text = BytesMut::new();
    let array = value.to_array().ok();
    let encoder = array.and_then(|array| ColumnEncoder::new(&array, &ty).ok());
    match encoder {
        Some(encoder) => encoder.write_text(0, &mut text, &TextContext::default()),
        None => return value.to_string(),
    }
    let text = String::from_utf8_lossy(&text);
    match ty {
        PgType::Bool if text == "t" => "true".to_owned(),
        PgType::Bool => "false".to_owned(),
        ty if ty.is_number() && !text.starts_with('-') => text.into_owned(),
        ty => format!("'{}'::{ty}", text.replace('\'', "''")),
    }
}
