//! SQL's own functions of JSON, written with PostgreSQL's: `JSON_OBJECT('a' : 1)`, `JSON_ARRAY(1, 2)`,
//! `JSON_OBJECTAGG(k : v)`, `JSON_VALUE(document, path)`; and rows as documents, `to_json(ROW(1, 2))`.

use sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Ident, JsonNullClause, ObjectName, Value,
};

use super::function_calls::other_function;
use super::names::fold;
use super::rewrite::call;
use super::row_values::columns;

/// A function of this family with others.
pub(super) fn json_function(function: &Function) -> Option<Expr> {
    let name = fold(function.name.0.last()?.as_ident()?);
    let FunctionArguments::List(list) = &function.args else { return None };
    let null_clause = list.clauses.iter().find_map(|clause| match clause {
        FunctionArgumentClause::JsonNullClause(null) => Some(null),
        _ => None,
    });
    let returning = list.clauses.iter().find_map(|clause| match clause {
        FunctionArgumentClause::JsonReturningClause(returning) => Some(&returning.data_type),
        _ => None,
    });
    let absent = |by_default: bool| match null_clause {
        Some(JsonNullClause::AbsentOnNull) => true,
        Some(JsonNullClause::NullOnNull) => false,
        None => by_default,
    };
    let made = match name.as_str() {
        "json_object" => match pairs(list) {
            Some(pairs) if absent(false) => call("redkite_json_object_absent", pairs),
            Some(pairs) => call("json_build_object", pairs),
            None => object_of_arrays("redkite_json_object", plain(list)?)?,
        },
        "jsonb_object" => object_of_arrays("redkite_jsonb_object", plain(list)?)?,
        "json_array" if absent(true) => call("redkite_json_array_absent", plain(list)?),
        "json_array" => call("json_build_array", plain(list)?),
        "json_objectagg" => aggregate(function, "json_object_agg", pairs(list)?)?,
        "json_arrayagg" => {
            let mut function = function.clone();
            let values = plain(list)?;
            if absent(true) && function.filter.is_none() {
                let there = Expr::IsNotNull(Box::new(values.first()?.clone()));
                function.filter = Some(Box::new(there));
            }
            aggregate(&function, "json_agg", values)?
        }
        "json_value" => path_function("redkite_json_value", plain(list)?)?,
        "json_query" => path_function("jsonb_path_query_first", plain(list)?)?,
        "json_exists" => path_function("jsonb_path_exists", plain(list)?)?,
        "json_scalar" => call("to_json", plain(list)?),
        "json_serialize" => cast(plain(list)?.pop()?, DataType::Text),
        "json" => cast(plain(list)?.pop()?, DataType::JSON),
        "row_to_json" | "to_json" | "to_jsonb" => row_document(&name, &plain(list)?)?,
        _ => return None,
    };
    Some(match returning {
        Some(data_type) => cast(made, data_type.clone()),
        None => made,
    })
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    super::cast_call::cast_call(&expr, &data_type).unwrap_or_else(|| Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    })
}

/// Arguments without names.
fn plain(list: &FunctionArgumentList) -> Option<Vec<Expr>> {
    let value = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value.clone()),
        _ => None,
    };
    list.args.iter().map(value).collect()
}

/// The keys and values of `'a' : 1, 'b' VALUE 2`.
fn pairs(list: &FunctionArgumentList) -> Option<Vec<Expr>> {
    let mut pairs = Vec::with_capacity(list.args.len() * 2);
    for argument in &list.args {
        match argument {
            FunctionArg::ExprNamed { name, arg: FunctionArgExpr::Expr(value), .. } => {
                pairs.extend([name.clone(), value.clone()]);
            }
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                pairs.extend([Expr::Identifier(name.clone()), value.clone()]);
            }
            _ => return None,
        }
    }
    Some(pairs)
}

/// `json_object('{a,1}')`, `json_object(keys, values)`.
fn object_of_arrays(name: &str, arrays: Vec<Expr>) -> Option<Expr> {
    if !matches!(arrays.len(), 1 | 2) {
        return None;
    }
    let texts = crate::plan::parse_expression("NULL::text[]").ok()?;
    let Expr::Cast { data_type, .. } = *texts.ast else { return None };
    let arrays = arrays.into_iter().map(|array| cast(array, data_type.clone()));
    Some(call(name, arrays.collect()))
}

/// The same call as another aggregate of other arguments.
fn aggregate(function: &Function, name: &str, arguments: Vec<Expr>) -> Option<Expr> {
    let mut function = function.clone();
    function.name = ObjectName::from(vec![Ident::with_quote('"', name)]);
    if let FunctionArguments::List(list) = &mut function.args {
        let unnamed = |argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument));
        list.args = arguments.into_iter().map(unnamed).collect();
        let is_json = |clause: &FunctionArgumentClause| {
            matches!(
                clause,
                FunctionArgumentClause::JsonNullClause(_)
                    | FunctionArgumentClause::JsonReturningClause(_)
            )
        };
        list.clauses.retain(|clause| !is_json(clause));
    }
    other_function(&function)
}

/// What a path finds in a document, without an error.
fn path_function(name: &str, mut arguments: Vec<Expr>) -> Option<Expr> {
    let path = arguments.pop()?;
    let document = cast(arguments.pop()?, DataType::JSONB);
    let value = |value: Value| Expr::Value(value.into());
    let variables = value(Value::SingleQuotedString("{}".into()));
    let silent = value(Value::Boolean(true));
    let all = vec![document, path, variables, silent];
    arguments.is_empty().then(|| call(name, all))
}

/// A row's columns have no names but `f1`, `f2` ..
fn row_document(name: &str, arguments: &[Expr]) -> Option<Expr> {
    let [row] = arguments else { return None };
    let pair = |(at, value): (usize, Expr)| {
        let key = Value::SingleQuotedString(format!("f{}", at + 1));
        [Expr::Value(key.into()), value]
    };
    let pairs = columns(row)?.into_iter().enumerate().flat_map(pair).collect();
    Some(call(if name == "to_jsonb" { "jsonb_build_object" } else { "redkite_row_json" }, pairs))
}
