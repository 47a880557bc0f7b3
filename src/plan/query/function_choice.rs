//! Which of several functions of a name a call means, and the types that its `unknown` arguments take:
//! PostgreSQL's rules (`func_select_candidate` in its `parse_func.c`) over its own list of functions.
//!
//! Types here are not always PostgreSQL's to the last (a count may be wider), so a call is refused only
//! where no function takes types of its arguments' categories.

use crate::base::{Oid, SqlError, SqlState};
use crate::catalog::system::{Kind, Signature, signatures};
use crate::types::{CastContext, PgType, cast_context};

/// What is known of a call.
pub(super) enum Choice {
    /// The types that its arguments take; none for those that stay as they are.
    Types(Vec<Option<PgType>>),
    /// Nothing: the list has not the name, or several fit.
    Open,
    /// There is no such function.
    Missing,
    /// Several fit alike.
    Ambiguous,
}

const ANY: u32 = 2276;
const ANY_ARRAY: u32 = 2277;
const ANY_ELEMENT: u32 = 2283;
const ANY_NON_ARRAY: u32 = 2776;
const ANY_ENUM: u32 = 3500;
const ANY_COMPATIBLE: u32 = 5077;
const ANY_COMPATIBLE_ARRAY: u32 = 5078;
const ANY_COMPATIBLE_NON_ARRAY: u32 = 5079;

/// Functions that are here what operators call, with operands of more types.
const OPERATORS: &[&str] = &[
    "jsonb_concat",
    "jsonb_contained",
    "jsonb_contains",
    "jsonb_delete",
    "jsonb_delete_path",
    "jsonb_exists",
    "jsonb_exists_all",
    "jsonb_exists_any",
];

/// A function with as many arguments as a call has.
struct Candidate {
    arguments: Vec<Oid>,
    /// Whether it takes others, too.
    any_number: bool,
}

/// Chooses among the functions of a name and a kind. Arguments without a type are `unknown`.
pub(super) fn choose(name: &str, kind: Kind, given: &[Option<PgType>]) -> Choice {
    // Our operators are functions of these types under names that mean other types there.
    let ours = |ty: &PgType| {
        matches!(ty, PgType::Vector(_) | PgType::Halfvec(_) | PgType::Sparsevec(_) | PgType::Bytea)
            || ty.is_bits()
    };
    if given.iter().flatten().any(ours) {
        return Choice::Open;
    }
    if OPERATORS.contains(&name) {
        return Choice::Open;
    }
    let of_kind = signatures(name).iter().filter(|one| one.kind == kind);
    let mut all: Vec<Candidate> =
        of_kind.clone().filter_map(|one| fitted(one, given.len())).collect();
    // One that takes any number of arguments gives way to one that takes as many.
    all.sort_by_key(|candidate| candidate.any_number);
    let mut seen = Vec::new();
    all.retain(|candidate| {
        let new = !seen.contains(&candidate.arguments);
        seen.push(candidate.arguments.clone());
        new
    });
    if of_kind.count() == 0 {
        return Choice::Open;
    }
    if !all.iter().any(|candidate| fits(candidate, given, alike)) {
        return Choice::Missing;
    }
    if given.iter().all(Option::is_some) {
        return Choice::Open;
    }
    let left = all.iter().filter(|candidate| fits(candidate, given, implicitly)).collect();
    match narrowed(left, given).as_slice() {
        [one] => Choice::Types(types(one, given)),
        [] => Choice::Open,
        _ => Choice::Ambiguous,
    }
}

/// Which of several functions a call means.
pub(super) enum Fit {
    /// The one at this place.
    One(usize),
    /// None of them.
    Missing,
    /// Several fit alike.
    Ambiguous,
}

/// Chooses among functions that take as many arguments as a call has, of these types: those that
/// users define, whose types are as they say.
pub(super) fn best_fit(functions: &[Vec<Oid>], given: &[Option<PgType>]) -> Fit {
    let candidates: Vec<Candidate> = functions
        .iter()
        .map(|types| Candidate { arguments: types.clone(), any_number: false })
        .collect();
    let mut left: Vec<&Candidate> =
        candidates.iter().filter(|candidate| fits(candidate, given, implicitly)).collect();
    if left.is_empty() {
        return Fit::Missing;
    }
    if given.iter().all(Option::is_some) && left.iter().any(|one| fits(one, given, exact)) {
        left.retain(|one| fits(one, given, exact));
    }
    match narrowed(left, given).as_slice() {
        [one] => match candidates.iter().position(|candidate| std::ptr::eq(candidate, *one)) {
            Some(at) => Fit::One(at),
            None => Fit::Missing,
        },
        _ => Fit::Ambiguous,
    }
}

/// Whether each type that is known passes a test against what a candidate takes there.
fn fits(candidate: &Candidate, given: &[Option<PgType>], test: fn(&PgType, Oid) -> bool) -> bool {
    let mut pairs = candidate.arguments.iter().zip(given);
    pairs.all(|(wanted, given)| given.as_ref().is_none_or(|given| test(given, *wanted)))
}

/// Those of several candidates that fit best, by one rule after the other until one is left (chapter
/// 10.3, steps 4.b to 4.f). More than one: the call is ambiguous.
fn narrowed<'a>(mut left: Vec<&'a Candidate>, given: &[Option<PgType>]) -> Vec<&'a Candidate> {
    if left.len() > 1 {
        left = best(left, |candidate| count(candidate, given, exact));
    }
    if left.len() > 1 {
        left = best(left, |candidate| count(candidate, given, preferred));
    }
    if left.len() > 1 {
        left = match by_category(left.clone(), given) {
            Some(fewer) => fewer,
            None => return left,
        };
    }
    if left.len() > 1 {
        left = by_known_type(left, given);
    }
    left
}

/// A function's arguments for a call of so many, if it takes so many.
fn fitted(signature: &Signature, count: usize) -> Option<Candidate> {
    let mut arguments = signature.arguments.clone();
    if let Some(more) = signature.more {
        let fixed = arguments.len().saturating_sub(1);
        if count < fixed {
            return None;
        }
        arguments.truncate(fixed);
        arguments.resize(count.max(fixed), more);
    }
    let least = arguments.len().saturating_sub(signature.optional);
    if count < least || count > arguments.len() {
        return None;
    }
    arguments.truncate(count);
    Some(Candidate { arguments, any_number: signature.more.is_some() })
}

fn is_polymorphic(oid: Oid) -> bool {
    matches!(
        oid.0,
        ANY | ANY_ARRAY
            | ANY_ELEMENT
            | ANY_NON_ARRAY
            | ANY_ENUM
            | ANY_COMPATIBLE
            | ANY_COMPATIBLE_ARRAY
            | ANY_COMPATIBLE_NON_ARRAY
    )
}

/// Whether a type may stand for a polymorphic one.
fn stands_for(given: &PgType, wanted: Oid) -> bool {
    match wanted.0 {
        ANY_ARRAY | ANY_COMPATIBLE_ARRAY => {
            given.element().is_some()
                || matches!(
                    given,
                    PgType::Vector(_) | PgType::Halfvec(_) | PgType::Int2vector | PgType::Oidvector
                )
        }
        ANY_ENUM => matches!(given, PgType::Enum(_)),
        _ => is_polymorphic(wanted),
    }
}

/// Whether a type becomes another by itself.
fn implicitly(given: &PgType, wanted: Oid) -> bool {
    stands_for(given, wanted)
        || given.oid() == wanted
        || PgType::from_oid(wanted)
            .is_some_and(|wanted| cast_context(given, &wanted) == Some(CastContext::Implicit))
}

/// Whether a type is of the kind of another.
fn alike(given: &PgType, wanted: Oid) -> bool {
    let same = |wanted: PgType| {
        let category = wanted.category();
        given.category() == category && !matches!(category, 'A' | 'U' | 'E' | 'P')
            // Some operators forget which kind of text it is.
            || given.arrow() == wanted.arrow()
    };
    *given == PgType::Unknown
        || implicitly(given, wanted)
        || PgType::from_oid(wanted).is_some_and(same)
        // A row, or what the list has no types for.
        || matches!(given, PgType::Record | PgType::Void)
}

fn exact(given: &PgType, wanted: Oid) -> bool {
    given.oid() == wanted
}

fn preferred(given: &PgType, wanted: Oid) -> bool {
    let of = PgType::from_oid(wanted);
    exact(given, wanted)
        || of.is_some_and(|of| of.is_preferred() && of.category() == given.category())
}

/// In how many places of known type a candidate passes.
fn count(candidate: &Candidate, given: &[Option<PgType>], test: fn(&PgType, Oid) -> bool) -> usize {
    let pairs = candidate.arguments.iter().zip(given);
    pairs.filter(|(wanted, given)| given.as_ref().is_some_and(|ty| test(ty, **wanted))).count()
}

/// Those that pass in most places.
fn best(all: Vec<&Candidate>, places: impl Fn(&Candidate) -> usize) -> Vec<&Candidate> {
    let most = all.iter().map(|candidate| places(candidate)).max().unwrap_or(0);
    all.into_iter().filter(|candidate| places(candidate) == most).collect()
}

fn category(oid: Oid) -> char {
    PgType::from_oid(oid).map_or('P', |ty| ty.category())
}

/// Those that take, in each unknown place, strings if any does, or else the one category that all take;
/// none if they take several.
fn by_category<'c>(
    all: Vec<&'c Candidate>,
    given: &[Option<PgType>],
) -> Option<Vec<&'c Candidate>> {
    let mut left = all.clone();
    for at in (0..given.len()).filter(|at| given[*at].is_none()) {
        let wanted = |candidate: &&Candidate| candidate.arguments[at];
        let mut categories = all.iter().map(|candidate| category(wanted(candidate)));
        let first = categories.clone().next()?;
        let chosen = match categories.clone().any(|one| one == 'S') {
            true => 'S',
            false if categories.all(|one| one == first) => first,
            false => return None,
        };
        let is_preferred = |candidate: &&Candidate| {
            PgType::from_oid(wanted(candidate)).is_some_and(|ty| ty.is_preferred())
        };
        let any_preferred = all
            .iter()
            .any(|candidate| category(wanted(candidate)) == chosen && is_preferred(candidate));
        left.retain(|candidate| {
            category(wanted(candidate)) == chosen && (!any_preferred || is_preferred(candidate))
        });
    }
    Some(if left.is_empty() { all } else { left })
}

/// Those that take the one known type in the unknown places, too.
fn by_known_type<'c>(all: Vec<&'c Candidate>, given: &[Option<PgType>]) -> Vec<&'c Candidate> {
    let mut known = given.iter().flatten();
    let Some(first) = known.next() else { return all };
    if !known.all(|other| other == first) {
        return all;
    }
    let takes = |candidate: &&&Candidate| {
        candidate.arguments.iter().all(|wanted| implicitly(first, *wanted))
    };
    let left: Vec<&Candidate> = all.iter().filter(takes).copied().collect();
    if left.len() == 1 { left } else { all }
}

/// The types of the chosen one's arguments where they were unknown.
fn types(candidate: &Candidate, given: &[Option<PgType>]) -> Vec<Option<PgType>> {
    let wanted = &candidate.arguments;
    let element = wanted.iter().zip(given).find_map(|(wanted, given)| {
        let given = given.as_ref()?;
        match wanted.0 {
            ANY_ARRAY | ANY_COMPATIBLE_ARRAY => given.element().cloned(),
            ANY_ELEMENT | ANY_COMPATIBLE => Some(given.clone()),
            _ => None,
        }
    });
    let told = |(wanted, given): (&Oid, &Option<PgType>)| {
        if given.is_some() {
            return None;
        }
        match wanted.0 {
            ANY_ARRAY | ANY_COMPATIBLE_ARRAY => element.as_ref().map(|of| of.bare().array()),
            ANY_ELEMENT | ANY_COMPATIBLE => element.as_ref().map(PgType::bare),
            _ if is_polymorphic(*wanted) => None,
            _ => PgType::from_oid(*wanted),
        }
    };
    wanted.iter().zip(given).map(told).collect()
}

/// `f(integer, unknown)`.
fn shown(name: &str, given: &[Option<PgType>]) -> String {
    let types: Vec<String> = given
        .iter()
        .map(|ty| ty.as_ref().map_or_else(|| "unknown".to_owned(), PgType::sql_name))
        .collect();
    format!("{name}({})", types.join(", "))
}

/// `function f(integer) does not exist`.
pub(super) fn missing(name: &str, given: &[Option<PgType>]) -> SqlError {
    let message = format!("function {} does not exist", shown(name, given));
    SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(
        "No function matches the given name and argument types. You might need to add explicit \
         type casts.",
    )
}

/// `function f(unknown) is not unique`.
pub(super) fn ambiguous(name: &str, given: &[Option<PgType>]) -> SqlError {
    let message = format!("function {} is not unique", shown(name, given));
    SqlError::new(SqlState::AMBIGUOUS_FUNCTION, message).with_hint(
        "Could not choose a best candidate function. You might need to add explicit type casts.",
    )
}
