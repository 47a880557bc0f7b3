//! `pg_policy`: which rows of tables roles may see and write, by oids.

use super::cell::{array, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::parentheses::enclosed;
use crate::catalog::access::PolicyCommand;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 3256,
    schema: super::PG_CATALOG,
    name: "pg_policy",
    columns: "oid oid, polname name, polrelid oid, polcmd \"char\", polpermissive bool, \
              polroles _oid, polqual pg_node_tree, polwithcheck pg_node_tree",
    rows,
}];

fn command(command: PolicyCommand) -> char {
    match command {
        PolicyCommand::All => '*',
        PolicyCommand::Select => 'r',
        PolicyCommand::Insert => 'a',
        PolicyCommand::Update => 'w',
        PolicyCommand::Delete => 'd',
    }
}

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in facts.tables() {
        let definition = &table.definition;
        for policy in &definition.policies {
            rows.push(row![
                policy.oid,
                &policy.name,
                definition.oid,
                command(policy.command),
                policy.permissive,
                array(policy.roles.iter()),
                policy.using.as_deref().map(enclosed),
                policy.check.as_deref().map(enclosed),
            ]);
        }
    }
    rows
}
