//! Functions and operators as text: arguments, results, what an object is called.

use crate::base::Oid;
use crate::catalog::system::facts::Facts;
use crate::catalog::system::{listed, pg_am, pg_proc, user_functions};
use crate::catalog::{BodyForm, FunctionDef};
use crate::types::PgType;

use super::Entry;
use super::lookup::{oid, type_name};

pub(super) const FUNCTIONS: &[Entry] = &[
    ("pg_get_functiondef", PgType::Text, definition),
    ("pg_get_function_arguments", PgType::Text, arguments),
    ("pg_get_function_identity_arguments", PgType::Text, identity_arguments),
    ("pg_get_function_result", PgType::Text, result),
    ("pg_get_function_arg_default", PgType::Text, argument_default),
    ("pg_get_function_sqlbody", PgType::Text, sql_body),
    ("pg_describe_object", PgType::Text, describe_object),
];

/// A function's arguments: modes, names and types.
fn listed_arguments(function: &pg_proc::Listed, with_results: bool) -> String {
    let types = if function.all.is_empty() { &function.arguments } else { &function.all };
    let argument = |(position, ty): (usize, &u32)| {
        let mode = function.modes.get(position).copied().unwrap_or("i");
        let (word, output) = match mode {
            "o" => ("OUT ", true),
            "b" => ("INOUT ", false),
            "v" => ("VARIADIC ", false),
            "t" => ("", true),
            _ => ("", false),
        };
        // A result of `TABLE (..)` is part of the result's type.
        if mode == "t" || output && !with_results {
            return None;
        }
        let name = function.names.get(position).filter(|name| !name.is_empty());
        let name = name.map(|name| format!("{name} ")).unwrap_or_default();
        Some(format!("{word}{name}{}", type_name(Oid(*ty))))
    };
    types.iter().enumerate().filter_map(argument).collect::<Vec<_>>().join(", ")
}

/// The user's function of an oid.
fn user<'f>(facts: &'f Facts, given: &[Option<&str>]) -> Option<&'f FunctionDef> {
    facts.catalog().functions.get(&oid(given, 0)?).map(|function| &**function)
}

fn definition(facts: &Facts, given: &[Option<&str>]) -> Option<String> {
    Some(user_functions::definition(facts, user(facts, given)?))
}

fn argument_default(facts: &Facts, given: &[Option<&str>]) -> Option<String> {
    let number: usize = given.get(1).copied().flatten()?.parse().ok()?;
    user(facts, given)?.arguments.get(number.checked_sub(1)?)?.default.clone()
}

fn sql_body(facts: &Facts, given: &[Option<&str>]) -> Option<String> {
    let function = user(facts, given)?;
    (function.form != BodyForm::Text).then(|| user_functions::body(function))
}

fn arguments(facts: &Facts, given: &[Option<&str>]) -> Option<String> {
    if let Some(function) = user(facts, given) {
        return Some(user_functions::arguments(facts, function, true));
    }
    Some(listed_arguments(pg_proc::by_oid(oid(given, 0)?.0)?, true))
}

fn identity_arguments(facts: &Facts, given: &[Option<&str>]) -> Option<String> {
    if let Some(function) = user(facts, given) {
        return Some(user_functions::arguments(facts, function, false));
    }
    Some(listed_arguments(pg_proc::by_oid(oid(given, 0)?.0)?, false))
}

fn result(facts: &Facts, given: &[Option<&str>]) -> Option<String> {
    if let Some(function) = user(facts, given) {
        return Some(user_functions::result(facts, function));
    }
    let function = pg_proc::by_oid(oid(given, 0)?.0)?;
    let set = if function.set { "SETOF " } else { "" };
    Some(format!("{set}{}", type_name(Oid(function.result))))
}

/// `l2_distance(vector,vector)`.
pub(super) fn signature(function: &pg_proc::Listed) -> String {
    let types: Vec<String> = function.arguments.iter().map(|ty| type_name(Oid(*ty))).collect();
    format!("{}({})", function.name, types.join(","))
}

/// `<->(vector,vector)`, of an operator's oid.
pub(super) fn operator(oid: Oid) -> Option<String> {
    let row = find(include_str!("../data/pg_operator.tsv"), oid)?;
    let side = |position: usize| match row[position].as_deref() {
        Some("0") => "NONE".to_owned(),
        ty => type_name(Oid(ty.and_then(|oid| oid.parse().ok()).unwrap_or_default())),
    };
    Some(format!("{}({},{})", row[1].as_deref()?, side(7), side(8)))
}

fn find(file: &str, oid: Oid) -> Option<Vec<Option<String>>> {
    let wanted = oid.to_string();
    listed::rows(file).into_iter().find(|row| row[0].as_deref() == Some(wanted.as_str()))
}

/// What an object is, in words.
fn describe_object(facts: &Facts, given: &[Option<&str>]) -> Option<String> {
    let (class, object) = (oid(given, 0)?, oid(given, 1)?);
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    let method = |text: &Option<String>| pg_am::name(number(text).unwrap_or_default());
    Some(match class.0 {
        1247 => format!("type {}", type_name(object)),
        1255 => match user(facts, &[given[1]]) {
            Some(function) => format!("function {}", user_functions::signature(facts, function)),
            None => format!("function {}", signature(pg_proc::by_oid(object.0)?)),
        },
        1259 => {
            let kind = match facts.catalog() {
                catalog if catalog.views.contains_key(&object) => "view",
                catalog if catalog.sequences.contains_key(&object) => "sequence",
                catalog if catalog.tables.contains_key(&object) => "table",
                _ => "index",
            };
            format!("{kind} {}", super::lookup::regclass_name(facts, &[given[1]])?)
        }
        2601 => format!("access method {}", pg_am::name(object.0)),
        2605 => {
            let row = find(include_str!("../data/pg_cast.tsv"), object)?;
            let ty = |text: &Option<String>| type_name(Oid(number(text).unwrap_or_default()));
            format!("cast from {} to {}", ty(&row[1]), ty(&row[2]))
        }
        2616 => {
            let row = find(include_str!("../data/pg_opclass.tsv"), object)?;
            let name = row[2].as_deref()?;
            format!("operator class {name} for access method {}", method(&row[1]))
        }
        2617 => format!("operator {}", operator(object)?),
        2753 => {
            let row = find(include_str!("../data/pg_opfamily.tsv"), object)?;
            let name = row[2].as_deref()?;
            format!("operator family {name} for access method {}", method(&row[1]))
        }
        _ => return None,
    })
}
