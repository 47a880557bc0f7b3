//! `pg_policies`: which rows of tables roles may see and write.

use super::cell::{array, row};
use super::definition::{Definition, Row};
use super::describe::quoted;
use super::facts::Facts;
use super::parentheses::enclosed;
use crate::base::Oid;
use crate::catalog::access::{PUBLIC, PolicyCommand};

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 12_052,
    schema: super::PG_CATALOG,
    name: "pg_policies",
    columns: "schemaname name, tablename name, policyname name, permissive text, roles _name, \
                  cmd text, qual text, with_check text",
    rows,
}];

fn command(command: PolicyCommand) -> &'static str {
    match command {
        PolicyCommand::All => "ALL",
        PolicyCommand::Select => "SELECT",
        PolicyCommand::Insert => "INSERT",
        PolicyCommand::Update => "UPDATE",
        PolicyCommand::Delete => "DELETE",
    }
}

fn rows(facts: &Facts) -> Vec<Row> {
    let name = |role: &Oid| match *role {
        PUBLIC => "public".to_owned(),
        role => quoted(&facts.role_name(role)),
    };
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        for policy in &definition.policies {
            rows.push(row![
                facts.catalog().schema_name(definition.schema),
                &definition.name,
                &policy.name,
                if policy.permissive { "PERMISSIVE" } else { "RESTRICTIVE" },
                array(policy.roles.iter().map(name)),
                command(policy.command),
                policy.using.as_deref().map(enclosed),
                policy.check.as_deref().map(enclosed),
            ]);
        }
    }
    rows
}
