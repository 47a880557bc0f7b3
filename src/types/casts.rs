//! PostgreSQL's `pg_cast` for the types we have: which casts exist, and where they happen by
//! themselves.

use super::PgType;

/// Where a cast may happen (`pg_cast.castcontext`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    /// Anywhere, without being asked for
    Implicit,
    /// When a value is stored into a column
    Assignment,
    /// Only by `CAST` or `::`
    Explicit,
}

/// The widest context in which a value of `source` becomes one of `target`; `None` when there is
/// no such cast. Modifiers don't matter.
pub fn cast_context(source: &PgType, target: &PgType) -> Option<CastContext> {
    use CastContext::{Assignment, Explicit, Implicit};
    let (source, target) = (source.bare(), target.bare());
    if source.oid() == target.oid() || source == PgType::Unknown {
        return Some(Implicit);
    }
    if let (PgType::Array(from), PgType::Array(to)) = (&source, &target) {
        return cast_context(from, to);
    }
    if let Some(context) = numbers(&source, &target).or_else(|| times(&source, &target)) {
        return Some(context);
    }
    if let Some(context) = vectors(&source, &target) {
        return Some(context);
    }
    match (&source, &target) {
        (PgType::Bit(_) | PgType::Varbit(_), PgType::Bit(_) | PgType::Varbit(_)) => Some(Implicit),
        (PgType::Bit(_), PgType::Int4 | PgType::Int8)
        | (PgType::Int4 | PgType::Int8, PgType::Bit(_)) => Some(Explicit),
        (PgType::Bool, PgType::Int4) | (PgType::Int4, PgType::Bool) => Some(Explicit),
        (PgType::Json, PgType::Jsonb) | (PgType::Jsonb, PgType::Json) => Some(Assignment),
        (PgType::Jsonb, to) if to.is_number() || *to == PgType::Bool => Some(Explicit),
        (PgType::Int8 | PgType::Int2 | PgType::Int4, to) if is_oid_like(to) => Some(Implicit),
        (from, PgType::Int4 | PgType::Int8) if is_oid_like(from) => Some(Assignment),
        (from, PgType::Oid) if is_oid_like(from) => Some(Implicit),
        (PgType::Oid, to) if is_oid_like(to) => Some(Implicit),
        (PgType::Text | PgType::Varchar(_), PgType::Regclass) => Some(Implicit),
        (from, to) => strings(from, to),
    }
}

/// pgvector's types turn into those that lose digits by themselves, into those that don't when
/// stored; so do arrays of numbers.
fn vectors(source: &PgType, target: &PgType) -> Option<CastContext> {
    use CastContext::{Assignment, Implicit};
    match (source, target) {
        (PgType::Vector(_), PgType::Halfvec(_))
        | (PgType::Vector(_) | PgType::Halfvec(_), PgType::Sparsevec(_)) => Some(Implicit),
        (PgType::Halfvec(_), PgType::Vector(_))
        | (PgType::Sparsevec(_), PgType::Vector(_) | PgType::Halfvec(_)) => Some(Assignment),
        (PgType::Vector(_), PgType::Array(to)) if **to == PgType::Float4 => Some(Implicit),
        (PgType::Halfvec(_), PgType::Array(to)) if **to == PgType::Float4 => Some(Assignment),
        (PgType::Array(from), PgType::Vector(_) | PgType::Halfvec(_) | PgType::Sparsevec(_)) => {
            let number = matches!(
                **from,
                PgType::Int4 | PgType::Float4 | PgType::Float8 | PgType::Numeric(_)
            );
            number.then_some(Assignment)
        }
        _ => None,
    }
}

fn is_oid_like(ty: &PgType) -> bool {
    matches!(
        ty,
        PgType::Oid
            | PgType::Regclass
            | PgType::Regtype
            | PgType::Regproc
            | PgType::Regprocedure
            | PgType::Regoper
            | PgType::Regoperator
            | PgType::Regnamespace
            | PgType::Regrole
    )
}

/// Numbers turn into wider ones by themselves, into narrower ones when stored.
fn numbers(source: &PgType, target: &PgType) -> Option<CastContext> {
    let rank = |ty: &PgType| match ty {
        PgType::Int2 => Some(0),
        PgType::Int4 => Some(1),
        PgType::Int8 => Some(2),
        PgType::Numeric(_) => Some(3),
        PgType::Float4 => Some(4),
        PgType::Float8 => Some(5),
        _ => None,
    };
    let wider = rank(target)? > rank(source)?;
    Some(if wider { CastContext::Implicit } else { CastContext::Assignment })
}

fn times(source: &PgType, target: &PgType) -> Option<CastContext> {
    use CastContext::{Assignment, Implicit};
    match (source, target) {
        (PgType::Date, PgType::Timestamp | PgType::Timestamptz)
        | (PgType::Timestamp, PgType::Timestamptz)
        | (PgType::Time, PgType::Interval) => Some(Implicit),
        (PgType::Timestamp | PgType::Timestamptz, PgType::Date | PgType::Time)
        | (PgType::Timestamptz, PgType::Timestamp)
        | (PgType::Interval, PgType::Time) => Some(Assignment),
        _ => None,
    }
}

/// Strings turn into each other by themselves; anything turns into a string when stored, and a
/// string into anything when asked for.
fn strings(source: &PgType, target: &PgType) -> Option<CastContext> {
    use CastContext::{Assignment, Explicit, Implicit};
    match (source, target) {
        (
            PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) | PgType::Name,
            PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_),
        ) => {
            let assigned = *source == PgType::Name && *target != PgType::Text;
            Some(if assigned { Assignment } else { Implicit })
        }
        (PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_), PgType::Name) => Some(Implicit),
        (PgType::Char, PgType::Text) => Some(Implicit),
        (PgType::Void | PgType::Record, _) | (_, PgType::Void | PgType::Record) => None,
        (_, PgType::Unknown) => None,
        (_, to) if to.is_string() => Some(Assignment),
        (from, _) if from.is_string() => Some(Explicit),
        _ => None,
    }
}
