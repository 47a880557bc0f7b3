//! `has_*_privilege` and `pg_has_role`. Objects and roles are given by name or oid; an unknown one
//! gives NULL.

use crate::base::{ColumnId, Oid};
use crate::catalog::access::{Access, Grantable, Object, PUBLIC, Privileges, Securable, is_member};
use crate::catalog::system::facts::Facts;
use crate::types::PgType;

use super::{Entry, lookup};

pub(super) const FUNCTIONS: &[Entry] = &[
    ("has_table_privilege", PgType::Bool, of_relation),
    ("has_sequence_privilege", PgType::Bool, of_relation),
    ("has_schema_privilege", PgType::Bool, of_schema),
    ("has_database_privilege", PgType::Bool, of_database),
    ("has_column_privilege", PgType::Bool, of_column),
    ("has_any_column_privilege", PgType::Bool, of_any_column),
    ("has_function_privilege", PgType::Bool, of_function),
    // Whose privileges are not kept: everyone may.
    ("has_type_privilege", PgType::Bool, granted),
    ("has_language_privilege", PgType::Bool, granted),
    ("has_tablespace_privilege", PgType::Bool, granted),
    ("has_foreign_data_wrapper_privilege", PgType::Bool, granted),
    ("has_server_privilege", PgType::Bool, granted),
    ("pg_has_role", PgType::Bool, has_role),
    ("row_security_active", PgType::Bool, row_security_active),
];

fn answer(value: bool) -> Option<String> {
    Some(if value { "t" } else { "f" }.to_owned())
}

fn granted(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let any_null = arguments.iter().any(Option::is_none);
    (!any_null).then(|| "t".to_owned())
}

/// What an object of a kind grants when nobody said anything: `acldefault('r', owner)`.
pub(super) fn default_grants(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let owner = facts.role_name(lookup::oid(arguments, 1)?);
    let (everyone, owners) = match arguments.first().copied().flatten()? {
        "c" => return Some("{}".to_owned()),
        "r" => ("", "arwdDxtm"),
        "s" => ("", "rwU"),
        "d" => ("Tc", "CTc"),
        "f" => ("X", "X"),
        "l" | "T" => ("U", "U"),
        "L" => ("", "rw"),
        "n" => ("", "UC"),
        "p" => ("", "sA"),
        "t" => ("", "C"),
        "F" | "S" => ("", "U"),
        _ => return None,
    };
    let public = match everyone {
        "" => String::new(),
        granted => format!("={granted}/{owner},"),
    };
    Some(format!("{{{public}{owner}={owners}/{owner}}}"))
}

fn row_security_active(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let relation = relation(facts, arguments.first().copied().flatten()?)?;
    let table = facts.catalog().tables.get(&relation);
    answer(table.is_some_and(|table| facts.access().is_guarded(&table.definition)))
}

/// The role of a name or oid.
fn role(facts: &Facts, text: &str) -> Option<Oid> {
    if text == "public" {
        return Some(PUBLIC);
    }
    let by_name = facts.catalog().role(text).map(|role| role.oid);
    by_name.or_else(|| text.parse().ok().map(Oid))
}

/// Whose privileges are asked for, and the other arguments: the role may be left out.
fn split<'a, const N: usize>(
    facts: &Facts,
    arguments: &[Option<&'a str>],
) -> Option<(Oid, [&'a str; N])> {
    let given: Vec<&str> = arguments.iter().copied().collect::<Option<_>>()?;
    let (role, rest) = match given.len() == N + 1 {
        true => (role(facts, given[0])?, &given[1..]),
        false => (facts.session().role(), given.as_slice()),
    };
    Some((role, rest.try_into().ok()?))
}

/// `SELECT, INSERT WITH GRANT OPTION`: each privilege, and whether it must be one that may be
/// granted on.
fn asked(text: &str) -> Vec<(Privileges, bool)> {
    let one = |part: &str| {
        let name = part.trim().to_uppercase();
        let (name, option) = match name.strip_suffix(" WITH GRANT OPTION") {
            Some(name) => (name.trim().to_owned(), true),
            None => (name, false),
        };
        Privileges::named(&name).map(|privilege| (privilege, option))
    };
    text.split(',').filter_map(one).collect()
}

fn any_of(text: &str, held: Privileges, grantable: Privileges) -> Option<String> {
    let asked = asked(text);
    if asked.is_empty() {
        return None;
    }
    answer(asked.into_iter().any(|(one, option)| if option { grantable } else { held }.has(one)))
}

fn on_object(facts: &Facts, role: Oid, object: Object, privileges: &str) -> Option<String> {
    let access = Access::new(facts.catalog(), role);
    let object = object.find(facts.catalog())?;
    any_of(privileges, access.privileges(&object), access.grantable(&object))
}

fn relation(facts: &Facts, text: &str) -> Option<Oid> {
    let by_oid = text.parse().ok().map(Oid);
    by_oid.or_else(|| lookup::to_regclass(facts, &[Some(text)])?.parse().ok().map(Oid))
}

fn of_relation(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (role, [name, privileges]) = split(facts, arguments)?;
    on_object(facts, role, Object::Relation(relation(facts, name)?), privileges)
}

fn of_schema(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (role, [name, privileges]) = split(facts, arguments)?;
    let by_name = facts.catalog().schema(name).map(|schema| schema.oid);
    let schema = by_name.or_else(|| name.parse().ok().map(Oid))?;
    on_object(facts, role, Object::Schema(schema), privileges)
}

/// Everyone may call the system's functions.
fn of_function(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (role, [name, privileges]) = split(facts, arguments)?;
    let named = name.split('(').next().unwrap_or_default();
    let oid = name.parse().ok().map(Oid);
    let oid = oid.or_else(|| lookup::to_regproc(facts, &[Some(named)])?.parse().ok().map(Oid));
    let own = oid.filter(|oid| facts.catalog().functions.contains_key(oid));
    match own {
        Some(oid) => on_object(facts, role, Object::Function(oid), privileges),
        None => granted(facts, arguments),
    }
}

fn of_database(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (role, [name, privileges]) = split(facts, arguments)?;
    let database = facts.catalog().database.as_ref()?;
    let known = name == database.name || name.parse() == Ok(database.oid.0);
    known.then_some(())?;
    on_object(facts, role, Object::Database, privileges)
}

/// The column of a name or number.
fn column(facts: &Facts, relation: Oid, text: &str) -> Option<ColumnId> {
    let number = text.parse().ok().map(ColumnId);
    if let Some(table) = facts.catalog().tables.get(&relation) {
        let by_name = table.definition.column(text).map(|column| column.id);
        return by_name.or(number);
    }
    let view = facts.catalog().views.get(&relation)?;
    let at = view.columns.iter().position(|(name, _)| name == text);
    at.and_then(|at| i32::try_from(at + 1).ok()).map(ColumnId).or(number)
}

fn of_column(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (role, [name, column_name, privileges]) = split(facts, arguments)?;
    let relation = relation(facts, name)?;
    let access = Access::new(facts.catalog(), role);
    let object = Object::Relation(relation).find(facts.catalog())?;
    // The system's own columns grant what their relations grant.
    let Some(column) = column(facts, relation, column_name) else {
        return any_of(privileges, access.privileges(&object), access.grantable(&object));
    };
    let held = access.column_privileges(&object, column);
    any_of(privileges, held, access.grantable(&object))
}

fn of_any_column(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (role, [name, privileges]) = split(facts, arguments)?;
    let access = Access::new(facts.catalog(), role);
    let object = Object::Relation(relation(facts, name)?).find(facts.catalog())?;
    let held = any_column(&access, &object);
    any_of(privileges, held, access.grantable(&object))
}

fn any_column(access: &Access<'_>, object: &Securable<'_>) -> Privileges {
    let columns = object.columns().iter();
    let whole = access.privileges(object).common(Grantable::Column.all());
    columns.fold(whole, |all, (id, _)| all.and(access.column_privileges(object, *id)))
}

fn has_role(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (member, [group, privileges]) = split(facts, arguments)?;
    let group = role(facts, group)?;
    let state = facts.catalog();
    let access = Access::new(state, member);
    let one = |part: &str| {
        let part = part.trim().to_uppercase();
        let admin = part.ends_with(" WITH ADMIN OPTION") || part.ends_with(" WITH GRANT OPTION");
        if admin {
            return access.administers(group);
        }
        match part.as_str() {
            "USAGE" => access.has_role(group),
            "SET" => access.may_become(group),
            _ => access.is_superuser() || is_member(state, member, group),
        }
    };
    answer(privileges.split(',').any(one))
}
