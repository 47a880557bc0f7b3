//! The relations of `pg_catalog` and `information_schema`: what drivers, ORMs and psql ask about
//! the database, made from a catalog snapshot when a query asks.
//!
//! One relation per file (those that are always empty share `empty` and its kin): its columns as text, and
//! a function from [`Facts`] to rows. Values are given in PostgreSQL's text form and read by the
//! types' own input functions, so that a relation's file says only what its rows are.
//! [`relation`] finds one by name, [`function`] makes the functions that look into the catalog
//! (`format_type`, `pg_get_indexdef`, `to_regclass`).
//!
//! Rows are as old as the plan that reads them: plans are made again when the catalog changes.

mod cell;
mod definition;
mod describe;
mod domain_views;
mod empty;
mod empty_activity;
mod empty_objects;
mod empty_standard;
mod facts;
mod functions;
mod information_schema;
mod listed;
mod parentheses;
mod pg_aggregate;
mod pg_am;
mod pg_attrdef;
mod pg_attribute;
mod pg_auth_members;
mod pg_authid;
mod pg_cast;
mod pg_class;
mod pg_collation;
mod pg_constraint;
mod pg_cursors;
mod pg_database;
mod pg_default_acl;
mod pg_depend;
mod pg_description;
mod pg_enum;
mod pg_extension;
mod pg_index;
mod pg_indexes;
mod pg_language;
mod pg_locks;
mod pg_namespace;
mod pg_opclass;
mod pg_operator;
mod pg_policies;
mod pg_policy;
mod pg_prepared_statements;
mod pg_proc;
mod pg_rewrite;
mod pg_sequence;
mod pg_settings;
mod pg_stat_activity;
mod pg_stat_progress;
mod pg_stat_statements;
mod pg_stat_tables;
mod pg_tables;
mod pg_tablespace;
mod pg_type;
mod pg_views;
mod privilege_views;
mod provider;
mod routine_views;
mod standard_constraints;
mod table_functions;
mod user_functions;

use std::sync::Arc;

use datafusion::catalog::TableProvider;

use crate::base::Oid;

use definition::Definition;
pub use facts::{Facts, SessionFacts};
pub use functions::{function, name_function, named_oid};
pub use pg_cursors::CursorRow;
pub use pg_opclass::{ClassFound, operator_class};
pub use pg_prepared_statements::PreparedRow;
pub use pg_proc::{Kind, Signature, signatures};
pub use pg_stat_activity::ActivityRow;
pub use pg_stat_progress::{CopyRow, IndexProgress};
pub use pg_stat_statements::StatementRow;
use provider::SystemRelation;

/// The schema of PostgreSQL's own catalogs.
const PG_CATALOG: &str = "pg_catalog";
/// The schema of the SQL standard's views.
const INFORMATION_SCHEMA: &str = "information_schema";

/// `pg_settings`, whose rows are the session's.
pub const PG_SETTINGS: Oid = Oid(12_002);

/// `pg_stat_activity`, whose rows all nodes tell.
const PG_STAT_ACTIVITY: Oid = Oid(12_011);
/// `pg_stat_progress_copy`, whose rows they tell too.
const PG_STAT_PROGRESS_COPY: Oid = Oid(12_117);

/// `pg_prepared_statements`, whose rows are the session's.
const PG_PREPARED_STATEMENTS: Oid = Oid(12_015);

/// All relations that have rows of their own making.
const RELATIONS: &[&[Definition]] = &[
    pg_type::RELATIONS,
    pg_namespace::RELATIONS,
    pg_class::RELATIONS,
    pg_attribute::RELATIONS,
    pg_attrdef::RELATIONS,
    pg_index::RELATIONS,
    pg_constraint::RELATIONS,
    pg_database::RELATIONS,
    pg_authid::RELATIONS,
    pg_auth_members::RELATIONS,
    pg_default_acl::RELATIONS,
    pg_policies::RELATIONS,
    pg_settings::RELATIONS,
    pg_extension::RELATIONS,
    pg_am::RELATIONS,
    pg_description::RELATIONS,
    pg_enum::RELATIONS,
    pg_proc::RELATIONS,
    pg_sequence::RELATIONS,
    pg_prepared_statements::RELATIONS,
    pg_tables::RELATIONS,
    pg_views::RELATIONS,
    pg_indexes::RELATIONS,
    pg_collation::RELATIONS,
    pg_locks::RELATIONS,
    pg_cursors::RELATIONS,
    pg_stat_activity::RELATIONS,
    pg_stat_progress::RELATIONS,
    pg_stat_statements::RELATIONS,
    pg_stat_tables::RELATIONS,
    pg_operator::RELATIONS,
    pg_opclass::RELATIONS,
    pg_cast::RELATIONS,
    pg_aggregate::RELATIONS,
    pg_language::RELATIONS,
    pg_tablespace::RELATIONS,
    pg_policy::RELATIONS,
    pg_rewrite::RELATIONS,
    pg_depend::RELATIONS,
    information_schema::RELATIONS,
    domain_views::RELATIONS,
    privilege_views::RELATIONS,
    routine_views::RELATIONS,
    standard_constraints::RELATIONS,
    empty::RELATIONS,
    empty_activity::RELATIONS,
    empty_objects::RELATIONS,
    empty_standard::RELATIONS,
];

fn definitions() -> impl Iterator<Item = &'static Definition> {
    RELATIONS.iter().flat_map(|relations| relations.iter())
}

/// The system's relation of this name; without a schema it is looked for in `pg_catalog`, and in
/// `information_schema` where the path has it.
pub fn relation(
    schema: Option<&str>,
    name: &str,
    path: &[String],
    facts: &Arc<Facts>,
) -> Option<(Oid, Arc<dyn TableProvider>)> {
    let searched = |place: &str| match schema {
        Some(schema) => schema == place,
        None => place == PG_CATALOG || path.iter().any(|schema| schema == place),
    };
    let functions = table_functions::FUNCTIONS.iter();
    let definition = definitions()
        .chain(functions)
        .find(|definition| definition.name == name && searched(definition.schema))?;
    let provider = SystemRelation::new(definition, Arc::clone(facts));
    Some((Oid(definition.oid), Arc::new(provider)))
}

/// The relation that stands for a function without arguments in FROM.
pub fn table_function(name: &str) -> Option<&'static str> {
    let named = |function: &&Definition| function.name.strip_suffix("()") == Some(name);
    table_functions::FUNCTIONS.iter().find(named).map(|function| function.name)
}

/// Whether a name is that of a relation of the system, which nobody may drop.
pub fn is_system_relation(schema: Option<&str>, name: &str) -> bool {
    let place = schema.unwrap_or(PG_CATALOG);
    definitions().any(|definition| definition.name == name && definition.schema == place)
}

/// Whether relations of the system live in a schema of this name.
pub fn is_system_schema(name: &str) -> bool {
    matches!(name, PG_CATALOG | INFORMATION_SCHEMA)
}

/// The name of the system's relation of this oid.
pub fn relation_name(oid: Oid) -> Option<&'static str> {
    shown_name(oid).map(|(_, name)| name)
}

/// The name of the system's relation of this oid, after the schema where it can't be left out.
pub fn shown_name(oid: Oid) -> Option<(Option<&'static str>, &'static str)> {
    let definition = definitions().find(|definition| definition.oid == oid.0)?;
    Some(((definition.schema != PG_CATALOG).then_some(definition.schema), definition.name))
}

/// Whether rows of the system's relation of this oid change without anything else that changes: what
/// sessions do now.
pub fn is_fleeting(oid: Oid) -> bool {
    let fleeting = pg_locks::RELATIONS.iter().chain(pg_stat_activity::RELATIONS);
    let fleeting = fleeting.chain(pg_stat_progress::RELATIONS).chain(pg_cursors::RELATIONS);
    let fleeting = fleeting.chain(pg_prepared_statements::RELATIONS);
    let fleeting = fleeting.chain(pg_stat_statements::RELATIONS);
    fleeting.map(|definition| definition.oid).any(|fleeting| fleeting == oid.0)
}

/// Whether other nodes are asked for rows of the system's relation of this oid.
pub fn is_told_by_all(oid: Oid) -> bool {
    matches!(oid, PG_STAT_ACTIVITY | PG_STAT_PROGRESS_COPY)
}

/// Whether rows of the system's relation of this oid are what the session has.
pub fn is_of_session(oid: Oid) -> bool {
    oid == PG_PREPARED_STATEMENTS
}

/// Whether the system's relation of this oid is for superusers only: it shows passwords.
pub fn is_secret(oid: Oid) -> bool {
    pg_authid::SECRET.contains(&oid)
}

/// Whether the system's relation of this name never has rows.
pub fn is_always_empty(name: &str) -> bool {
    let empty = [
        empty::RELATIONS,
        empty_activity::RELATIONS,
        empty_objects::RELATIONS,
        empty_standard::RELATIONS,
    ];
    empty.into_iter().flatten().any(|definition| definition.name == name)
}

#[cfg(test)]
mod tests;
