//! Functions and operators with the types that they take: `regprocedure`, `regoper`, `regoperator`.

use crate::base::Oid;
use crate::catalog::system::facts::Facts;
use crate::catalog::system::{pg_operator, pg_proc};
use crate::types::PgType;

use super::Entry;
use super::lookup::{name_parts, oid, read_name, regtype_name, to_regtype};

pub(super) const FUNCTIONS: &[Entry] = &[
    ("to_regprocedure", PgType::Regprocedure, to_regprocedure),
    ("to_regoper", PgType::Regoper, to_regoper),
    ("to_regoperator", PgType::Regoperator, to_regoperator),
    ("redkite_regprocedure_in", PgType::Regprocedure, |f, a| read_name(f, a, to_regprocedure)),
    ("redkite_regoper_in", PgType::Regoper, |f, a| read_name(f, a, to_regoper)),
    ("redkite_regoperator_in", PgType::Regoperator, |f, a| read_name(f, a, to_regoperator)),
];

/// How an operator without a left operand is written.
const NONE: &str = "NONE";

fn shown(facts: &Facts, ty: u32) -> String {
    let number = ty.to_string();
    regtype_name(facts, &[Some(number.as_str())]).unwrap_or(number)
}

/// A name and the types in the brackets after it; `NONE` is 0.
fn parts(facts: &Facts, text: &str) -> Option<(String, Vec<u32>)> {
    let (name, types) = text.trim().strip_suffix(')')?.split_once('(')?;
    let (_, name) = name_parts(name.trim_end());
    let read = |ty: &str| match ty.trim() {
        none if none.eq_ignore_ascii_case(NONE) => Some(0),
        ty => to_regtype(facts, &[Some(ty)])?.parse().ok(),
    };
    let types = match types.trim().is_empty() {
        true => Some(Vec::new()),
        false => types.split(',').map(read).collect(),
    };
    Some((name, types?))
}

/// `regprocedure` as text: `name(type,type)`.
pub(super) fn regprocedure_name(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    Some(match pg_proc::by_oid(oid.0) {
        None if oid.0 == 0 => "-".to_owned(),
        None => oid.to_string(),
        Some(function) => {
            let types: Vec<String> =
                function.arguments.iter().map(|ty| shown(facts, *ty)).collect();
            format!("{}({})", function.name, types.join(","))
        }
    })
}

pub(super) fn to_regprocedure(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (name, types) = parts(facts, arguments.first().copied().flatten()?)?;
    pg_proc::by_types(&name, &types).map(|oid| oid.to_string())
}

/// `regoper` as text: the name, with its schema where it is not the only one's.
pub(super) fn regoper_name(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    Some(match pg_operator::by_oid(oid.0) {
        None => none_or_number(oid),
        Some(operator) if pg_operator::named(operator.name).nth(1).is_some() => {
            format!("pg_catalog.{}", operator.name)
        }
        Some(operator) => operator.name.to_owned(),
    })
}

pub(super) fn to_regoper(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let text = arguments.first().copied().flatten()?.trim();
    let name = text.strip_prefix("pg_catalog.").unwrap_or(text);
    let mut found = pg_operator::named(name);
    let only = found.next().filter(|_| found.next().is_none())?;
    Some(only.oid.to_string())
}

/// `regoperator` as text: `name(type,type)`.
pub(super) fn regoperator_name(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    Some(match pg_operator::by_oid(oid.0) {
        None => none_or_number(oid),
        Some(operator) => {
            let side = |ty: u32| if ty == 0 { NONE.to_owned() } else { shown(facts, ty) };
            format!("{}({},{})", operator.name, side(operator.left), side(operator.right))
        }
    })
}

pub(super) fn to_regoperator(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let text = arguments.first().copied().flatten()?.trim();
    let (name, types) = parts(facts, text.strip_prefix("pg_catalog.").unwrap_or(text))?;
    let [left, right] = types.as_slice() else { return None };
    let mut all = pg_operator::named(&name);
    let found = all.find(|one| one.left == *left && one.right == *right)?;
    Some(found.oid.to_string())
}

/// What no operator has.
fn none_or_number(oid: Oid) -> String {
    if oid.0 == 0 { "0".to_owned() } else { oid.to_string() }
}
