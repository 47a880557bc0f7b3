//! The functions that look into the catalog: made for one planning, with its snapshot inside.
//!
//! Arguments come, and results go, as text: these functions are called for a few rows of the
//! catalog, so that plainness is worth more than speed.

mod lookup;
mod privilege;
mod routine;
mod signature;
mod text_function;
mod tree;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use crate::base::Oid;
use crate::types::PgType;

use super::facts::Facts;
use text_function::TextFunction;

/// A function's body: its arguments, NULLs too, to its result.
type Body = fn(&Facts, &[Option<&str>]) -> Option<String>;

/// A function: its name, its result's type, its body.
type Entry = (&'static str, PgType, Body);

/// The function of this name.
pub fn function(name: &str, facts: &Arc<Facts>) -> Option<Arc<ScalarUDF>> {
    if name == "acldefault" {
        // An array's type is no constant, so that this is in no table.
        let result = PgType::Aclitem.array();
        return Some(TextFunction::udf("acldefault", result, privilege::default_grants, facts));
    }
    let find = |entries: &'static [Entry]| entries.iter().find(|entry| entry.0 == name);
    let (name, result, body) = find(lookup::FUNCTIONS)
        .or_else(|| find(signature::FUNCTIONS))
        .or_else(|| find(tree::FUNCTIONS))
        .or_else(|| find(routine::FUNCTIONS))
        .or_else(|| find(privilege::FUNCTIONS))?;
    Some(TextFunction::udf(name, result.clone(), *body, facts))
}

/// The function that turns oids of a type such as `regclass` into names, where there is one.
pub fn name_function(ty: &PgType, facts: &Arc<Facts>) -> Option<Arc<ScalarUDF>> {
    let (name, body): (&'static str, Body) = match ty {
        PgType::Regclass => ("regclass_name", lookup::regclass_name),
        PgType::Regtype => ("regtype_name", lookup::regtype_name),
        PgType::Regproc => ("regproc_name", lookup::regproc_name),
        PgType::Regprocedure => ("regprocedure_name", signature::regprocedure_name),
        PgType::Regoper => ("regoper_name", signature::regoper_name),
        PgType::Regoperator => ("regoperator_name", signature::regoperator_name),
        PgType::Regnamespace => ("regnamespace_name", lookup::regnamespace_name),
        PgType::Regrole => ("regrole_name", lookup::regrole_name),
        _ => return None,
    };
    Some(TextFunction::udf(name, PgType::Text, body, facts))
}

/// The oid behind a name as a type such as `regclass` reads it.
pub fn named_oid(text: &str, ty: &PgType, facts: &Facts) -> Option<Oid> {
    let body: Body = match ty {
        PgType::Regclass => lookup::to_regclass,
        PgType::Regtype => lookup::to_regtype,
        PgType::Regproc => lookup::to_regproc,
        PgType::Regprocedure => signature::to_regprocedure,
        PgType::Regoper => signature::to_regoper,
        PgType::Regoperator => signature::to_regoperator,
        PgType::Regnamespace => lookup::to_regnamespace,
        PgType::Regrole => lookup::to_regrole,
        _ => return None,
    };
    body(facts, &[Some(text)])?.parse().ok().map(Oid)
}
