//! `pg_authid`, `pg_roles`, `pg_user`: roles. Verifiers are shown nowhere.

use crate::catalog::RoleDef;

use super::cell::{Cell, NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: 1260,
        schema: super::PG_CATALOG,
        name: "pg_authid",
        columns: "oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, \
                  rolcreatedb bool, rolcanlogin bool, rolreplication bool, rolbypassrls bool, \
                  rolconnlimit int4, rolpassword text, rolvaliduntil timestamptz",
        rows: authid,
    },
    Definition {
        oid: 12_000,
        schema: super::PG_CATALOG,
        name: "pg_roles",
        columns: "rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, \
                  rolcreatedb bool, rolcanlogin bool, rolreplication bool, rolconnlimit int4, \
                  rolpassword text, rolvaliduntil timestamptz, rolbypassrls bool, \
                  rolconfig _text, oid oid",
        rows: roles,
    },
    Definition {
        oid: 12_001,
        schema: super::PG_CATALOG,
        name: "pg_user",
        columns: "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, \
                  usebypassrls bool, passwd text, valuntil timestamptz, useconfig _text",
        rows: users,
    },
];

/// What stands for a password, as in PostgreSQL's views.
const HIDDEN: &str = "********";

fn settings(role: &RoleDef) -> Cell {
    let settings: Vec<String> = role
        .settings
        .iter()
        .map(|(name, value)| {
            let text = format!("{name}={value}").replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{text}\"")
        })
        .collect();
    (!settings.is_empty()).then(|| format!("{{{}}}", settings.join(",")))
}

fn authid(facts: &Facts) -> Vec<Row> {
    let row = |role: &RoleDef| {
        row![
            role.oid,
            &role.name,
            role.superuser,
            true,
            role.create_role,
            role.create_database,
            role.login,
            false,
            role.superuser,
            role.connection_limit,
            role.verifier.as_ref().map(|_| HIDDEN),
            NULL,
        ]
    };
    facts.roles().into_iter().map(row).collect()
}

fn roles(facts: &Facts) -> Vec<Row> {
    let row = |role: &RoleDef| {
        row![
            &role.name,
            role.superuser,
            true,
            role.create_role,
            role.create_database,
            role.login,
            false,
            role.connection_limit,
            HIDDEN,
            NULL,
            role.superuser,
            settings(role),
            role.oid,
        ]
    };
    facts.roles().into_iter().map(row).collect()
}

fn users(facts: &Facts) -> Vec<Row> {
    let row = |role: &RoleDef| {
        row![
            &role.name,
            role.oid,
            role.create_database,
            role.superuser,
            false,
            role.superuser,
            HIDDEN,
            NULL,
            settings(role),
        ]
    };
    facts.roles().into_iter().filter(|role| role.login).map(row).collect()
}
