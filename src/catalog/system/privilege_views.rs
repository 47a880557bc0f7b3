//! `information_schema`'s views of what is granted: to and by the roles that the session has.

use super::INFORMATION_SCHEMA;
use super::cell::row;
use super::definition::{Definition, Row};
use super::facts::Facts;
use crate::base::{ColumnId, Oid};
use crate::catalog::access::{
    Access, Acl, AclItem, Grantable, Object, PUBLIC, Privileges, Securable,
};

const TABLE_COLUMNS: &str = "grantor name, grantee name, table_catalog name, table_schema name, \
                             table_name name, privilege_type varchar, is_grantable varchar, \
                             with_hierarchy varchar";
const COLUMN_COLUMNS: &str = "grantor name, grantee name, table_catalog name, table_schema name, \
                              table_name name, column_name name, privilege_type varchar, \
                              is_grantable varchar";

const fn view(
    oid: u32,
    name: &'static str,
    columns: &'static str,
    rows: fn(&Facts) -> Vec<Row>,
) -> Definition {
    Definition { oid, schema: INFORMATION_SCHEMA, name, columns, rows }
}

pub(super) const RELATIONS: &[Definition] = &[
    view(13_040, "table_privileges", TABLE_COLUMNS, table_privileges),
    view(13_041, "role_table_grants", TABLE_COLUMNS, role_table_grants),
    view(13_042, "column_privileges", COLUMN_COLUMNS, column_privileges),
    view(13_043, "role_column_grants", COLUMN_COLUMNS, role_column_grants),
    view(
        13_044,
        "usage_privileges",
        "grantor name, grantee name, object_catalog name, object_schema name, object_name name, \
         object_type varchar, privilege_type varchar, is_grantable varchar",
        usage_privileges,
    ),
    view(
        13_045,
        "applicable_roles",
        "grantee name, role_name name, is_grantable varchar",
        applicable_roles,
    ),
    view(
        13_046,
        "administrable_role_authorizations",
        "grantee name, role_name name, is_grantable varchar",
        administrable_roles,
    ),
    view(13_047, "enabled_roles", "role_name name", enabled_roles),
];

/// What the SQL standard knows of tables.
const OF_TABLES: Privileges = Grantable::Table.all().without(Privileges::MAINTAIN);

fn yes(value: bool) -> &'static str {
    if value { "YES" } else { "NO" }
}

/// A relation with what access to it needs.
struct Relation<'a> {
    schema: &'a str,
    object: Securable<'a>,
    columns: Vec<(ColumnId, &'a str)>,
}

fn relations(facts: &Facts) -> Vec<Relation<'_>> {
    let state = facts.catalog();
    let mut found = Vec::new();
    let mut add = |oid, schema, columns| {
        if let Some(object) = Object::Relation(oid).find(state) {
            found.push(Relation { schema: state.schema_name(schema), object, columns });
        }
    };
    for table in facts.tables() {
        let columns = table.definition.columns.iter();
        let columns = columns.map(|column| (column.id, column.name.as_str())).collect();
        add(table.oid(), table.definition.schema, columns);
    }
    for view in facts.views() {
        let columns = (1..).map(ColumnId).zip(view.columns.iter().map(|(name, _)| name.as_str()));
        add(view.oid, view.schema, columns.collect());
    }
    found
}

fn name(facts: &Facts, role: Oid) -> String {
    if role == PUBLIC { "PUBLIC".to_owned() } else { facts.role_name(role) }
}

/// Whether the session's roles gave or have it; what everyone has counts where asked for.
fn concerns(access: &Access<'_>, item: &AclItem, public: bool) -> bool {
    match item.grantee {
        PUBLIC => public,
        grantee => access.has_role(grantee) || access.has_role(item.grantor),
    }
}

/// Whether a grantee may grant it on: owners always.
fn grantable(facts: &Facts, item: &AclItem, owner: Oid, privilege: Privileges) -> &'static str {
    let owns = item.grantee != PUBLIC && Access::new(facts.catalog(), item.grantee).has_role(owner);
    yes(owns || item.grantable.has(privilege))
}

fn of_tables(facts: &Facts, public: bool) -> Vec<Row> {
    let access = facts.access();
    let mut rows = Vec::new();
    for relation in relations(facts) {
        let items = relation.object.acl.items().iter();
        for item in items.filter(|item| concerns(&access, item, public)) {
            for (privilege, word) in item.privileges.common(OF_TABLES).iter() {
                rows.push(row![
                    name(facts, item.grantor),
                    name(facts, item.grantee),
                    facts.database(),
                    relation.schema,
                    relation.object.name,
                    word,
                    grantable(facts, item, relation.object.owner, privilege),
                    yes(privilege == Privileges::SELECT),
                ]);
            }
        }
    }
    rows
}

fn table_privileges(facts: &Facts) -> Vec<Row> {
    of_tables(facts, true)
}

fn role_table_grants(facts: &Facts) -> Vec<Row> {
    of_tables(facts, false)
}

fn of_columns(facts: &Facts, public: bool) -> Vec<Row> {
    let access = facts.access();
    let none = Acl::default();
    let mut rows = Vec::new();
    for relation in relations(facts) {
        for (id, column) in &relation.columns {
            let mut acl = relation.object.acl.clone().into_owned();
            for item in relation.object.column(*id).unwrap_or(&none).items() {
                acl.add(item.grantee, item.grantor, item.privileges, item.grantable);
            }
            for item in acl.items().iter().filter(|item| concerns(&access, item, public)) {
                for (privilege, word) in item.privileges.common(Grantable::Column.all()).iter() {
                    rows.push(row![
                        name(facts, item.grantor),
                        name(facts, item.grantee),
                        facts.database(),
                        relation.schema,
                        relation.object.name,
                        *column,
                        word,
                        grantable(facts, item, relation.object.owner, privilege),
                    ]);
                }
            }
        }
    }
    rows
}

fn column_privileges(facts: &Facts) -> Vec<Row> {
    of_columns(facts, true)
}

fn role_column_grants(facts: &Facts) -> Vec<Row> {
    of_columns(facts, false)
}

/// USAGE on sequences.
fn usage_privileges(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let mut rows = Vec::new();
    for sequence in facts.sequences() {
        let Some(object) = Object::Relation(sequence.oid).find(facts.catalog()) else { continue };
        let items = object.acl.items().iter().filter(|item| concerns(&access, item, true));
        for item in items.filter(|item| item.privileges.has(Privileges::USAGE)) {
            rows.push(row![
                name(facts, item.grantor),
                name(facts, item.grantee),
                facts.database(),
                facts.catalog().schema_name(sequence.schema),
                &sequence.name,
                "SEQUENCE",
                "USAGE",
                grantable(facts, item, sequence.owner, Privileges::USAGE),
            ]);
        }
    }
    rows
}

fn memberships(facts: &Facts, only_admin: bool) -> Vec<Row> {
    let access = facts.access();
    let mut rows = Vec::new();
    for member in facts.roles().into_iter().filter(|member| access.has_role(member.oid)) {
        for of in member.member_of.iter().filter(|of| of.admin || !only_admin) {
            rows.push(row![&member.name, name(facts, of.role), yes(of.admin)]);
        }
    }
    rows
}

fn applicable_roles(facts: &Facts) -> Vec<Row> {
    memberships(facts, false)
}

fn administrable_roles(facts: &Facts) -> Vec<Row> {
    memberships(facts, true)
}

fn enabled_roles(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let roles = facts.roles().into_iter().filter(|role| access.has_role(role.oid));
    roles.map(|role| row![&role.name]).collect()
}
