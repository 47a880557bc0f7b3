//! The name that PostgreSQL gives to a column of a result (`FigureColname` in its
//! `parse_target.c`), and names that occur twice.
//!
//! DataFusion wants the columns of a projection to have distinct names. A repeated name gets a
//! suffix that no identifier can contain before planning, and loses it in the row description.

use std::collections::HashSet;

use sqlparser::ast::{
    AccessExpr, DataType, Expr, Function, Ident, Query, Select, SelectItem, SetExpr,
    TrimWhereField, Value,
};

/// Starts the suffix that makes a repeated name unique. Not valid in text, so in no name.
const SUFFIX: char = '\u{0}';

/// The name as the client sees it.
pub(crate) fn visible(name: &str) -> &str {
    name.split(SUFFIX).next().unwrap_or(name)
}

/// A name that no other column has, shown as the name.
pub(crate) fn unique(name: &str, position: usize) -> String {
    format!("{}{SUFFIX}{position}", visible(name))
}

/// Gives every expression of the select list the name that PostgreSQL would give it, and makes
/// repeated names unique.
pub(crate) fn name_select_list(select: &mut Select) {
    let mut seen = HashSet::new();
    let wildcard = select
        .projection
        .iter()
        .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
    for (position, item) in select.projection.iter_mut().enumerate() {
        let (expr, name, unnamed) = match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = output_name(expr);
                (expr, name, true)
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let name = fold(alias);
                (expr, name, false)
            }
            SelectItem::ExprWithAliases { .. }
            | SelectItem::Wildcard(_)
            | SelectItem::QualifiedWildcard(..) => continue,
        };
        let plain = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        let repeated = !seen.insert(name.clone());
        if plain && !repeated && !wildcard && unnamed {
            continue;
        }
        let unique = match repeated || (wildcard && plain && unnamed) {
            true => unique(&name, position),
            false => name,
        };
        let expr = std::mem::replace(expr, Expr::Value(Value::Null.into()));
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', unique) };
    }
}

/// An identifier as PostgreSQL folds it: lower case unless quoted.
pub(crate) fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// The column name of an expression without alias.
pub(crate) fn output_name(expr: &Expr) -> String {
    match figure(expr) {
        Some((name, _)) => name,
        None => "?column?".into(),
    }
}

/// How much a name says: a cast replaces a weak name by its type's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    Weak,
    Strong,
}

fn figure(expr: &Expr) -> Option<(String, Strength)> {
    let strong = |name: &str| Some((name.to_owned(), Strength::Strong));
    match expr {
        Expr::Identifier(ident) => Some((fold(ident), Strength::Strong)),
        Expr::CompoundIdentifier(parts) => {
            parts.last().map(|ident| (fold(ident), Strength::Strong))
        }
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure(inner),
        Expr::CompoundFieldAccess { root, access_chain } => match access_chain.last() {
            Some(AccessExpr::Dot(field)) => figure(field),
            _ => figure(root),
        },
        Expr::Function(function) => strong(&function_name(function)),
        Expr::Cast { expr, data_type, .. } => match figure(expr) {
            Some((name, Strength::Strong)) => Some((name, Strength::Strong)),
            Some(_) | None => Some((type_name(data_type), Strength::Weak)),
        },
        Expr::TypedString(typed) => Some((type_name(&typed.data_type), Strength::Weak)),
        Expr::Interval(_) => Some(("interval".into(), Strength::Weak)),
        Expr::Case { else_result, .. } => {
            match else_result.as_ref().and_then(|result| figure(result)) {
                Some((name, Strength::Strong)) => Some((name, Strength::Strong)),
                Some(_) | None => Some(("case".into(), Strength::Weak)),
            }
        }
        Expr::Subquery(query) => subquery_name(query).map(|name| (name, Strength::Strong)),
        Expr::Exists { negated: false, .. } => strong("exists"),
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::Extract { .. } => strong("extract"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { shorthand: true, .. } => strong("substr"),
        Expr::Substring { .. } => strong("substring"),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Trim { trim_where, .. } => strong(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            Some(TrimWhereField::Both) | None => "btrim",
        }),
        _ => None,
    }
}

fn function_name(function: &Function) -> String {
    let last = function.name.0.last().and_then(|part| part.as_ident());
    last.map_or_else(|| "?column?".into(), fold)
}

fn subquery_name(query: &Query) -> Option<String> {
    match query.body.as_ref() {
        SetExpr::Select(select) => match select.projection.first()? {
            SelectItem::UnnamedExpr(expr) => Some(output_name(expr)),
            SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
            _ => None,
        },
        SetExpr::Query(query) => subquery_name(query),
        _ => None,
    }
}

/// `pg_type.typname` of a type as it is written in a cast.
pub(crate) fn type_name(data_type: &DataType) -> String {
    use DataType as D;
    let name = match data_type {
        D::Boolean | D::Bool => "bool",
        D::SmallInt(_) | D::Int2(_) => "int2",
        D::Int(_) | D::Integer(_) | D::Int4(_) => "int4",
        D::BigInt(_) | D::Int8(_) => "int8",
        D::Real | D::Float4 => "float4",
        D::DoublePrecision | D::Float8 | D::Double(_) | D::Float(_) => "float8",
        D::Numeric(_) | D::Decimal(_) | D::Dec(_) => "numeric",
        D::Text => "text",
        D::Varchar(_) | D::CharacterVarying(_) | D::CharVarying(_) => "varchar",
        D::Char(_) | D::Character(_) => "bpchar",
        D::Bytea => "bytea",
        D::Date => "date",
        D::Time(..) => "time",
        D::Timestamp(_, zone) => match zone {
            sqlparser::ast::TimezoneInfo::WithTimeZone | sqlparser::ast::TimezoneInfo::Tz => {
                "timestamptz"
            }
            _ => "timestamp",
        },
        D::Interval { .. } => "interval",
        D::Uuid => "uuid",
        D::JSON => "json",
        D::JSONB => "jsonb",
        D::Regclass => "regclass",
        D::Custom(name, _) => {
            let last = name.0.last().and_then(|part| part.as_ident());
            return last.map_or_else(|| data_type.to_string(), fold);
        }
        D::Array(element) => {
            use sqlparser::ast::ArrayElemTypeDef as E;
            return match element {
                E::SquareBracket(inner, _) | E::AngleBracket(inner) | E::Parenthesis(inner) => {
                    type_name(inner)
                }
                E::None => "array".into(),
            };
        }
        _ => return data_type.to_string().to_lowercase(),
    };
    name.into()
}
