//! Which types PostgreSQL's operators take.

use datafusion::common::DataFusionError;
use sqlparser::ast::BinaryOperator as Op;

use super::errors::external;
use super::literal::Operand;
use crate::base::{SqlError, SqlState};
use crate::types::PgType;

pub(super) fn arithmetic(op: &Op) -> bool {
    matches!(op, Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo)
}

/// `~` and its kin.
pub(super) fn matches_pattern(op: &Op) -> bool {
    matches!(op, Op::PGRegexMatch | Op::PGRegexIMatch | Op::PGRegexNotMatch | Op::PGRegexNotIMatch)
}

/// Whether PostgreSQL has an arithmetic operator for the two.
pub(super) fn computable(op: &Op, left: &PgType, right: &PgType) -> bool {
    use PgType as T;
    if *left == T::Unknown || *right == T::Unknown {
        return true;
    }
    let number = |ty: &T| ty.is_number() || ty.is_object();
    if number(left) && number(right) {
        return true;
    }
    let whole = |ty: &T| matches!(ty, T::Int2 | T::Int4);
    match op {
        Op::Plus => {
            matches!(
                (left, right),
                (T::Date | T::Timestamp | T::Timestamptz | T::Time | T::Interval, T::Interval)
                    | (T::Interval, T::Date | T::Timestamp | T::Timestamptz | T::Time)
                    | (T::Date, T::Time)
                    | (T::Time, T::Date)
            ) || matches!((left, right), (T::Date, ty) | (ty, T::Date) if whole(ty))
        }
        Op::Minus => {
            matches!(
                (left, right),
                (T::Date | T::Timestamp | T::Timestamptz | T::Time | T::Interval, T::Interval)
                    | (
                        T::Date | T::Timestamp | T::Timestamptz,
                        T::Date | T::Timestamp | T::Timestamptz
                    )
                    | (T::Time, T::Time)
            ) || *left == T::Date && whole(right)
        }
        Op::Multiply => {
            *left == T::Interval && number(right) || number(left) && *right == T::Interval
        }
        Op::Divide => *left == T::Interval && number(right),
        _ => false,
    }
}

/// Whether an operator of bits may take a type.
pub(super) fn bitwise_of(ty: &PgType) -> bool {
    ty.is_number() && !matches!(ty, PgType::Float4 | PgType::Float8 | PgType::Numeric(_))
        || ty.is_bits()
        || *ty == PgType::Unknown
}

/// Whether an operator takes numbers or bit strings, bit by bit.
pub(super) fn bitwise(op: &Op) -> bool {
    matches!(
        op,
        Op::BitwiseAnd
            | Op::BitwiseOr
            | Op::BitwiseXor
            | Op::PGBitwiseXor
            | Op::PGBitwiseShiftLeft
            | Op::PGBitwiseShiftRight
    )
}

pub(super) fn comparison(op: &Op) -> bool {
    matches!(op, Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq)
}

/// Whether PostgreSQL has a comparison of the two, implicit casts included.
pub(crate) fn comparable(left: &PgType, right: &PgType) -> bool {
    use PgType as T;
    if left.bare() == right.bare() || *left == T::Unknown || *right == T::Unknown {
        return true;
    }
    if let (T::Array(left), T::Array(right)) = (left, right) {
        return comparable(left, right);
    }
    if left.is_user_defined() || right.is_user_defined() {
        return left.oid() == right.oid();
    }
    if left.is_string() && right.is_string() || left.category() == right.category() {
        return !matches!((left, right), (T::Time, other) | (other, T::Time) if *other != T::Time);
    }
    // Names of relations compare with their oids, times with intervals.
    matches!((left, right), (T::Time, T::Interval) | (T::Interval, T::Time))
}

/// Whether PostgreSQL has a `||` for the two.
pub(super) fn concatenable(left: &PgType, right: &PgType) -> bool {
    use PgType as T;
    let text = |ty: &T| ty.is_string() || *ty == T::Unknown;
    match (left, right) {
        (T::Array(l), T::Array(r)) => comparable(l, r),
        (T::Array(of), other) | (other, T::Array(of)) => text(other) || comparable(of, other),
        (T::Jsonb, T::Jsonb) | (T::Bytea, T::Bytea) => true,
        (left, right) => text(left) || text(right) || left.is_bits() && right.is_bits(),
    }
}

/// The operator as it is written.
fn symbol(op: &Op) -> String {
    match op {
        Op::LtDashGt => "<->".into(),
        Op::Spaceship => "<=>".into(),
        Op::Custom(symbol) => symbol.clone(),
        other => other.to_string(),
    }
}

/// `operator is not unique: unknown + unknown`.
pub(super) fn not_unique(op: &Op, left: &Operand, right: &Operand) -> DataFusionError {
    let shown = |operand: &Operand| operand.ty().map_or("unknown".to_owned(), PgType::sql_name);
    let message =
        format!("operator is not unique: {} {} {}", shown(left), symbol(op), shown(right));
    let hint = "Could not choose a best candidate operator. \
                You might need to add explicit type casts.";
    external(SqlError::new(SqlState::AMBIGUOUS_FUNCTION, message).with_hint(hint))
}

pub(super) fn no_operator(op: &Op, left: &PgType, right: &PgType) -> DataFusionError {
    let message =
        format!("operator does not exist: {} {} {}", left.sql_name(), symbol(op), right.sql_name());
    let hint = "No operator matches the given name and argument types. \
                You might need to add explicit type casts.";
    external(SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(hint))
}
