//! Names to oids and back, and what is visible without a schema.

use crate::base::Oid;
use crate::catalog::RelationName;
use crate::catalog::system::describe::quoted;
use crate::catalog::system::facts::Facts;
use crate::catalog::system::{definitions, pg_am, pg_proc, pg_type};
use crate::types::PgType;

use super::{Body, Entry};

pub(super) const FUNCTIONS: &[Entry] = &[
    ("format_type", PgType::Text, format_type),
    ("to_regtype", PgType::Regtype, to_regtype),
    ("to_regclass", PgType::Regclass, to_regclass),
    ("to_regnamespace", PgType::Regnamespace, to_regnamespace),
    ("to_regproc", PgType::Regproc, to_regproc),
    ("to_regrole", PgType::Regrole, to_regrole),
    ("redkite_regclass_in", PgType::Regclass, |f, a| read_name(f, a, to_regclass)),
    ("redkite_regtype_in", PgType::Regtype, |f, a| read_name(f, a, to_regtype)),
    ("redkite_regnamespace_in", PgType::Regnamespace, |f, a| read_name(f, a, to_regnamespace)),
    ("redkite_regproc_in", PgType::Regproc, |f, a| read_name(f, a, to_regproc)),
    ("redkite_regrole_in", PgType::Regrole, |f, a| read_name(f, a, to_regrole)),
    ("pg_get_userbyid", PgType::Name, user_by_id),
    ("pg_table_is_visible", PgType::Bool, table_is_visible),
    ("pg_type_is_visible", PgType::Bool, type_is_visible),
    ("pg_function_is_visible", PgType::Bool, function_is_visible),
    ("pg_operator_is_visible", PgType::Bool, always),
    ("pg_opclass_is_visible", PgType::Bool, always),
    ("pg_collation_is_visible", PgType::Bool, always),
    ("pg_conversion_is_visible", PgType::Bool, always),
    ("pg_opfamily_is_visible", PgType::Bool, always),
    ("pg_statistics_obj_is_visible", PgType::Bool, always),
    ("pg_ts_config_is_visible", PgType::Bool, always),
    ("pg_ts_dict_is_visible", PgType::Bool, always),
    ("pg_ts_parser_is_visible", PgType::Bool, always),
    ("pg_ts_template_is_visible", PgType::Bool, always),
    ("pg_encoding_to_char", PgType::Name, encoding),
    ("pg_char_to_encoding", PgType::Int4, encoding_number),
    ("getdatabaseencoding", PgType::Name, |_, _| Some("UTF8".to_owned())),
    // Nobody counts.
    ("pg_stat_get_numscans", PgType::Int8, |_, a| oid(a, 0).map(|_| "0".to_owned())),
    ("pg_partition_ancestors", PgType::Regclass, no_relation),
    ("pg_my_temp_schema", PgType::Oid, my_temporary),
    ("pg_is_other_temp_schema", PgType::Bool, is_others_temporary),
    ("pg_indexam_has_property", PgType::Bool, method_has),
    ("pg_relation_is_publishable", PgType::Bool, never),
    ("pg_is_in_recovery", PgType::Bool, never),
];

/// An argument as an oid.
pub(super) fn oid(arguments: &[Option<&str>], position: usize) -> Option<Oid> {
    arguments.get(position).copied().flatten()?.parse().ok().map(Oid)
}

fn text<'a>(arguments: &[Option<&'a str>], position: usize) -> Option<&'a str> {
    arguments.get(position).copied().flatten()
}

fn answer(value: bool) -> Option<String> {
    Some(if value { "t" } else { "f" }.to_owned())
}

fn always(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    oid(arguments, 0)?;
    answer(true)
}

fn function_is_visible(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let Some(own) = facts.catalog().functions.get(&oid) else { return answer(true) };
    let path = facts.session().search_path();
    let found = facts.catalog().functions_named(None, &own.name, path);
    answer(found.iter().any(|function| function.oid == oid))
}

fn never(_: &Facts, _: &[Option<&str>]) -> Option<String> {
    answer(false)
}

/// The schema of the session's temporary objects: the one that its path has.
fn temporary(facts: &Facts) -> Option<Oid> {
    let mut path = facts.session().search_path().iter();
    path.find_map(|name| {
        let schema = facts.catalog().schema(name)?;
        schema.temporary.map(|_| schema.oid)
    })
}

fn my_temporary(facts: &Facts, _: &[Option<&str>]) -> Option<String> {
    Some(temporary(facts).unwrap_or_default().to_string())
}

fn is_others_temporary(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let schema = facts.catalog().schemas.get(&oid);
    let holds = schema.is_some_and(|schema| schema.temporary.is_some());
    answer(holds && temporary(facts) != Some(oid))
}

/// What indexes of an access method can be.
fn method_has(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let methods: &[&str] = match text(arguments, 1)?.to_lowercase().as_str() {
        "can_order" | "can_unique" => &["btree"],
        "can_multi_col" => &["btree", "gist", "gin", "brin"],
        "can_exclude" => &["btree", "hash", "gist", "spgist", "ivfflat", "hnsw"],
        "can_include" => &["btree", "gist", "spgist"],
        _ => return None,
    };
    answer(methods.contains(&pg_am::name(oid(arguments, 0)?.0)))
}

/// No table is a partition.
fn no_relation(_: &Facts, _: &[Option<&str>]) -> Option<String> {
    None
}

fn format_type(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    if oid.0 == 0 {
        return Some("-".to_owned());
    }
    if let Some(shown) = with_seconds_digits(oid, text(arguments, 1)) {
        return Some(shown);
    }
    let Some(ty) = PgType::from_oid(oid) else {
        return Some(facts.type_shown(oid).unwrap_or_else(|| type_name(oid)));
    };
    // Asked without a modifier, it is SQL's name of the type; `bit` with none is not SQL's BIT.
    let shown = match text(arguments, 1) {
        None => ty.sql_name(),
        Some(modifier) => ty.with_typmod(modifier.parse().unwrap_or(-1)).to_string(),
    };
    Some(match ty.element().unwrap_or(&ty) {
        PgType::Vector(_) | PgType::Halfvec(_) | PgType::Sparsevec(_) => {
            format!("{}{shown}", facts.prefix_of_vector())
        }
        _ => shown,
    })
}

/// A type of times with a number of digits of a second, which columns here do not have.
fn with_seconds_digits(oid: Oid, modifier: Option<&str>) -> Option<String> {
    let digits: i32 = modifier?.parse().ok()?;
    let ty = PgType::from_oid(oid)?;
    let timed = matches!(ty, PgType::Time | PgType::Timestamp | PgType::Timestamptz);
    let name = ty.sql_name();
    let (word, zone) = name.split_once(' ')?;
    (timed && (0..=6).contains(&digits)).then(|| format!("{word}({digits}) {zone}"))
}

/// A type's name, those of functions' polymorphic arguments too.
pub(super) fn type_name(oid: Oid) -> String {
    let pseudo = || pg_type::PSEUDO.iter().find(|(pseudo, _)| *pseudo == oid.0);
    match (PgType::from_oid(oid), pseudo()) {
        (Some(ty), _) => ty.sql_name(),
        (None, Some((_, name))) if matches!(*name, "any" | "char") => format!("\"{name}\""),
        (None, Some((_, name))) => (*name).to_owned(),
        (None, None) => "???".to_owned(),
    }
}

/// The parts of a name that may be qualified and quoted: `public."A b"`.
pub(super) fn name_parts(text: &str) -> (Option<String>, String) {
    let mut parts = vec![String::new()];
    let mut in_quotes = false;
    for character in text.trim().chars() {
        match character {
            '"' => in_quotes = !in_quotes,
            '.' if !in_quotes => {
                // Blanks around the point are no part of the names.
                if let Some(part) = parts.last_mut() {
                    part.truncate(part.trim_end().len());
                }
                parts.push(String::new());
            }
            blank if blank.is_whitespace() && parts.last().is_some_and(String::is_empty) => {}
            other => {
                let lower = other.to_ascii_lowercase();
                if let Some(part) = parts.last_mut() {
                    part.push(if in_quotes { other } else { lower });
                }
            }
        }
    }
    let name = parts.pop().unwrap_or_default();
    (parts.pop(), name)
}

fn type_is_visible(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let types = facts.user_types();
    let own = types.into_iter().find(|ty| ty.oid == oid || ty.array == oid);
    answer(own.is_none_or(|own| facts.is_visible_type(own)))
}

pub(super) fn to_regtype(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let text = text(arguments, 0)?.trim();
    if text == "\"char\"" {
        return Some(PgType::Char.oid().to_string());
    }
    let (schema, name) = name_parts(text);
    let path = facts.session().search_path();
    let (plain, array) = match name.strip_suffix("[]") {
        Some(plain) => (plain.trim_end(), true),
        None => (name.as_str(), false),
    };
    let own = facts.catalog().user_type_named(schema.as_deref(), plain, path);
    if let Some(own) = own.filter(|_| schema.is_some() || PgType::from_name(plain).is_none()) {
        return Some(if array { own.array } else { own.oid }.to_string());
    }
    if !schema.as_deref().is_none_or(|schema| matches!(schema, "pg_catalog" | "public")) {
        return None;
    }
    let base = name.split('(').next().unwrap_or_default().trim();
    let array = name.ends_with("[]");
    let Some(ty) = PgType::from_name(base.trim_end_matches("[]").trim()) else {
        let pseudo = pg_type::PSEUDO.iter().find(|(_, pseudo)| *pseudo == name);
        return pseudo.map(|(oid, _)| oid.to_string());
    };
    let ty = if array { ty.array() } else { ty };
    Some(ty.oid().to_string())
}

pub(super) fn to_regclass(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let text = text(arguments, 0)?;
    let (schema, name) = name_parts(text);
    let system = definitions().find(|system| {
        let place = schema.as_deref().unwrap_or(crate::catalog::system::PG_CATALOG);
        system.name == name && system.schema == place
    });
    if let Some(system) = system {
        return Some(system.oid.to_string());
    }
    let named = RelationName { schema: schema.as_deref(), name: &name };
    let found = facts.catalog().relation(named, facts.session().search_path())?;
    Some(found.oid().to_string())
}

pub(super) fn to_regnamespace(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (_, name) = name_parts(text(arguments, 0)?);
    facts.catalog().schema(&name).map(|schema| schema.oid.to_string())
}

pub(super) fn to_regrole(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (_, name) = name_parts(text(arguments, 0)?);
    facts.catalog().role(&name).map(|role| role.oid.to_string())
}

pub(super) fn to_regproc(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let (schema, name) = name_parts(text(arguments, 0)?);
    let path = facts.session().search_path();
    let own = facts.catalog().functions_named(schema.as_deref(), &name, path);
    match own.as_slice() {
        [one] if schema.is_some() || pg_proc::by_name(&name).is_none() => {
            return Some(one.oid.to_string());
        }
        [_, _, ..] if schema.is_some() || pg_proc::by_name(&name).is_none() => return None,
        _ => {}
    }
    if schema.is_none() && pg_proc::is_overloaded(&name) {
        return None;
    }
    pg_proc::by_name(&name).map(|oid| oid.to_string())
}

/// A name or a number as a type such as `regclass` reads it; the type's own input refuses what is
/// neither.
pub(super) fn read_name(facts: &Facts, arguments: &[Option<&str>], find: Body) -> Option<String> {
    let given = text(arguments, 0)?;
    let number = given == "-" || given.bytes().all(|byte| byte.is_ascii_digit());
    match number {
        true => Some(given.replace('-', "0")),
        false => find(facts, arguments).or_else(|| Some(given.to_owned())),
    }
}

fn user_by_id(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    Some(facts.role_name(oid(arguments, 0)?))
}

fn encoding(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    Some(if text(arguments, 0)? == "6" { "UTF8" } else { "" }.to_owned())
}

fn encoding_number(_: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let name = text(arguments, 0)?.to_lowercase().replace('-', "");
    Some(if name == "utf8" || name == "unicode" { "6" } else { "-1" }.to_owned())
}

/// The schema and name behind an oid of `pg_class`.
fn relation_name(facts: &Facts, oid: Oid) -> Option<(String, String)> {
    let catalog = facts.catalog();
    let named =
        |schema: Oid, name: &str| Some((catalog.schema_name(schema).to_owned(), name.to_owned()));
    if let Some(table) = catalog.tables.get(&oid) {
        return named(table.definition.schema, &table.definition.name);
    }
    if let Some(view) = catalog.views.get(&oid) {
        return named(view.schema, &view.name);
    }
    if let Some(sequence) = catalog.sequences.get(&oid) {
        return named(sequence.schema, &sequence.name);
    }
    if let Some(system) = definitions().find(|system| system.oid == oid.0) {
        return Some((system.schema.to_owned(), system.name.to_owned()));
    }
    catalog
        .tables
        .values()
        .find_map(|table| named(table.definition.schema, table.definition.index_name(oid)?))
}

/// Whether the name alone means this relation.
fn is_visible(facts: &Facts, oid: Oid, schema: &str, name: &str) -> bool {
    if crate::catalog::system::is_system_schema(schema) {
        return facts.session().search_path().iter().any(|searched| searched == schema);
    }
    let found = facts
        .catalog()
        .relation(RelationName { schema: None, name }, facts.session().search_path());
    found.is_some_and(|found| found.oid() == oid)
}

fn table_is_visible(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let (schema, name) = relation_name(facts, oid)?;
    answer(is_visible(facts, oid, &schema, &name))
}

/// `regclass` as text: the name, with its schema where the name alone means something else.
pub(super) fn regclass_name(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    Some(match relation_name(facts, oid) {
        None if oid.0 == 0 => "-".to_owned(),
        None => oid.to_string(),
        Some((schema, name)) if is_visible(facts, oid, &schema, &name) => quoted(&name),
        Some((schema, name)) => format!("{}.{}", quoted(&schema), quoted(&name)),
    })
}

/// `regtype` as text.
pub(super) fn regtype_name(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    Some(match facts.type_shown(oid) {
        None if oid.0 == 0 => "-".to_owned(),
        None => match type_name(oid).as_str() {
            "???" => facts.row_type_shown(oid).unwrap_or_else(|| oid.to_string()),
            name => name.to_owned(),
        },
        Some(shown) => shown,
    })
}

/// `regproc` as text.
pub(super) fn regproc_name(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    if let Some(own) = facts.catalog().functions.get(&oid) {
        let path = facts.session().search_path();
        let found = facts.catalog().functions_named(None, &own.name, path);
        let alone = found.len() == 1 && found[0].oid == oid;
        let schema = quoted(facts.catalog().schema_name(own.schema));
        let name = quoted(&own.name);
        return Some(if alone { name } else { format!("{schema}.{name}") });
    }
    Some(match pg_proc::by_oid(oid.0) {
        None if oid.0 == 0 => "-".to_owned(),
        None => oid.to_string(),
        // A name that is not the only one's is told with its schema.
        Some(function) if pg_proc::is_overloaded(function.name) => {
            format!("pg_catalog.{}", function.name)
        }
        Some(function) => function.name.to_owned(),
    })
}

/// `regnamespace` as text.
pub(super) fn regnamespace_name(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let schema = facts.catalog().schemas.get(&oid);
    Some(schema.map_or_else(|| oid.to_string(), |schema| quoted(&schema.name)))
}

/// `regrole` as text.
pub(super) fn regrole_name(facts: &Facts, arguments: &[Option<&str>]) -> Option<String> {
    let oid = oid(arguments, 0)?;
    let role = facts.catalog().roles.get(&oid);
    Some(role.map_or_else(|| oid.to_string(), |role| quoted(&role.name)))
}
