//! Elements by number, of what counts from 0: `indkey[0]`, `typname[0]`.

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, lit};

use super::functions::Functions;
use super::literal::{Literals, Operand};
use crate::types::PgType;

/// The first element of an `int2vector` or `oidvector` has the number 0. Arrays count from 1.
pub(super) fn from_zero(arguments: &mut [Expr], literals: &Literals, schema: &DFSchema) {
    let [vector, place] = arguments else { return };
    let ty = literals.operand(vector, schema);
    if let Some(PgType::Int2vector | PgType::Oidvector) = ty.as_ref().and_then(Operand::ty) {
        *place = place.clone() + lit(1_i64);
    }
}

/// The letter of a `name` at a place, the first one's being 0; none of anything else.
pub(super) fn letter(
    of: &Expr,
    place: &Expr,
    (literals, functions): (&Literals, &Functions),
    schema: &DFSchema,
) -> Option<Expr> {
    let ty = literals.operand(of, schema)?;
    if ty.ty() != Some(&PgType::Name) {
        return None;
    }
    let letter = functions.scalar("substr")?;
    Some(letter.call(vec![of.clone(), place.clone() + lit(1_i64), lit(1_i64)]))
}
