//! `pg_authid`, `pg_shadow`, `pg_roles`, `pg_user`, `pg_group`: roles. Passwords' verifiers are shown to
//! superusers only, in the first two.

use crate::base::Oid;
use crate::catalog::RoleDef;

use super::cell::{Cell, array, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::pg_stat_activity::moment;

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: AUTHID,
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
    Definition {
        oid: SHADOW,
        schema: super::PG_CATALOG,
        name: "pg_shadow",
        columns: "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, \
                  usebypassrls bool, passwd text, valuntil timestamptz, useconfig _text",
        rows: shadow,
    },
    Definition {
        oid: 12_051,
        schema: super::PG_CATALOG,
        name: "pg_group",
        columns: "groname name, grosysid oid, grolist _oid",
        rows: groups,
    },
];

const AUTHID: u32 = 1260;
const SHADOW: u32 = 12_050;

/// What shows passwords.
pub(super) const SECRET: [Oid; 2] = [Oid(AUTHID), Oid(SHADOW)];

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
            !role.no_inherit,
            role.create_role,
            role.create_database,
            role.login,
            false,
            role.bypass_row_security,
            role.connection_limit,
            role.verifier.clone(),
            role.valid_until_us.and_then(moment),
        ]
    };
    facts.roles().into_iter().map(row).collect()
}

fn roles(facts: &Facts) -> Vec<Row> {
    let row = |role: &RoleDef| {
        row![
            &role.name,
            role.superuser,
            !role.no_inherit,
            role.create_role,
            role.create_database,
            role.login,
            false,
            role.connection_limit,
            HIDDEN,
            role.valid_until_us.and_then(moment),
            role.bypass_row_security,
            settings(role),
            role.oid,
        ]
    };
    facts.roles().into_iter().map(row).collect()
}

fn users(facts: &Facts) -> Vec<Row> {
    user_rows(facts, |_| Some(HIDDEN.to_owned()))
}

fn shadow(facts: &Facts) -> Vec<Row> {
    user_rows(facts, |role| role.verifier.clone())
}

fn user_rows(facts: &Facts, password: impl Fn(&RoleDef) -> Cell) -> Vec<Row> {
    let row = |role: &RoleDef| {
        row![
            &role.name,
            role.oid,
            role.create_database,
            role.superuser,
            false,
            role.bypass_row_security,
            password(role),
            role.valid_until_us.and_then(moment),
            settings(role),
        ]
    };
    facts.roles().into_iter().filter(|role| role.login).map(row).collect()
}

fn groups(facts: &Facts) -> Vec<Row> {
    let members = |group: &RoleDef| {
        let member_of = |role: &&RoleDef| role.member_of.iter().any(|of| of.role == group.oid);
        array(facts.roles().into_iter().filter(member_of).map(|role| role.oid))
    };
    let groups = facts.roles().into_iter().filter(|role| !role.login);
    groups.map(|role| row![&role.name, role.oid, members(role)]).collect()
}
