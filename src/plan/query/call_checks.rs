//! What PostgreSQL refuses about how a function is called: OVER after what is no window function, and the
//! like. DataFusion would not look.

use sqlparser::ast::{Function, FunctionArguments};

use super::names::fold;
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::system::{Kind, signatures};

/// Looks at a call as it is written.
///
/// # Errors
/// 42809.
pub(super) fn check(function: &Function) -> Result<()> {
    let [part] = function.name.0.as_slice() else { return Ok(()) };
    let Some(name) = part.as_ident().map(fold) else { return Ok(()) };
    let refused = |message: String| Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    if name == "count" && list.args.is_empty() && list.duplicate_treatment.is_none() {
        let message = "count(*) must be used to call a parameterless aggregate function";
        return refused(message.to_owned());
    }
    let known = signatures(&name);
    let has = |kind: Kind| known.iter().any(|signature| signature.kind == kind);
    let plain = !known.is_empty() && !has(Kind::Aggregate) && !has(Kind::Window);
    if plain && function.over.is_some() {
        return refused(format!(
            "OVER specified, but {name} is not a window function nor an aggregate function"
        ));
    }
    if plain && function.filter.is_some() {
        return refused(format!("FILTER specified, but {name} is not an aggregate function"));
    }
    if has(Kind::Window) && function.over.is_none() && function.within_group.is_empty() {
        return refused(format!("window function {name} requires an OVER clause"));
    }
    Ok(())
}
