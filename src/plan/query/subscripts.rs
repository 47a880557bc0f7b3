//! Elements by number, of what counts from 0: `indkey[0]`, `typname[0]`.

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, lit};

use super::functions::Functions;
use super::literal::{Literals, Operand};
use crate::types::PgType;

/// The first element of an `int2vector` or `oidvector` has the number 0, and so has the first
/// letter of a `name`, which is returned. Arrays count from 1.
pub(super) fn from_zero(
    arguments: &mut [Expr],
    literals: &Literals,
    functions: &Functions,
    schema: &DFSchema,
) -> Option<Expr> {
    let [vector, place] = arguments else { return None };
    let operand = literals.operand(vector, schema)?;
    let next = place.clone() + lit(1_i64);
    match Operand::ty(&operand)? {
        PgType::Int2vector | PgType::Oidvector => {
            *place = next;
            None
        }
        PgType::Name => {
            let letter = functions.scalar("substr")?;
            Some(letter.call(vec![vector.clone(), next, lit(1_i64)]))
        }
        _ => None,
    }
}
