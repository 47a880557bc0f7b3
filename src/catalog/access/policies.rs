//! Row-level security: which rows of a table a role may see and write, as a condition in SQL.
//!
//! By PostgreSQL's rules: rows that one permissive policy lets through, and all restrictive ones;
//! without a permissive policy, none. What is read by a change must be readable as well.

use serde::{Deserialize, Serialize};

use super::acl::PUBLIC;
use super::check::Access;
use crate::base::Oid;
use crate::catalog::TableDef;

/// What a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyCommand {
    /// Everything.
    All,
    /// Reading.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDef {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// One permissive policy is enough; restrictive ones hold all.
    pub permissive: bool,
    /// For which statements.
    pub command: PolicyCommand,
    /// For which roles; 0 is `PUBLIC`.
    pub roles: Vec<Oid>,
    /// Which rows are there, as SQL.
    pub using: Option<String>,
    /// Which rows may be written, as SQL; none: those that would be there.
    pub check: Option<String>,
}

/// What is asked about rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowRule {
    /// Which rows a statement finds; a change that reads them must be allowed to.
    Found {
        /// What it does with them.
        command: PolicyCommand,
        /// Whether it reads them.
        reads: bool,
    },
    /// Which rows a statement may write.
    Written {
        /// How.
        command: PolicyCommand,
        /// Whether it shows them.
        reads: bool,
    },
}

impl Access<'_> {
    /// Whether row-level security stands between the role and a table.
    pub fn is_guarded(&self, table: &TableDef) -> bool {
        table.row_security
            && !self.bypasses_row_security()
            && (table.force_row_security || !self.has_role(table.owner))
    }

    /// The condition that rows of a table must fulfil; none where nothing stands between.
    pub fn row_condition(&self, table: &TableDef, rule: RowRule) -> Option<String> {
        if !self.is_guarded(table) {
            return None;
        }
        let (command, written, reads) = match rule {
            RowRule::Found { command, reads } => (command, false, reads),
            RowRule::Written { command, reads } => (command, true, reads),
        };
        let condition = self.of_command(table, command, written);
        if !reads || command == PolicyCommand::Select {
            return Some(condition);
        }
        let readable = self.of_command(table, PolicyCommand::Select, false);
        Some(format!("({condition}) AND ({readable})"))
    }

    fn of_command(&self, table: &TableDef, command: PolicyCommand, written: bool) -> String {
        let applies = |policy: &&PolicyDef| {
            (policy.command == PolicyCommand::All || policy.command == command)
                && policy.roles.iter().any(|role| *role == PUBLIC || self.has_role(*role))
        };
        // A policy that says nothing of the matter lets nothing through, and holds nothing back.
        let text = |policy: &PolicyDef| {
            let own = if written { policy.check.as_ref() } else { None };
            own.or(policy.using.as_ref()).map(|text| format!("({text})"))
        };
        let of = |permissive: bool| {
            let policies = table.policies.iter().filter(applies);
            policies.filter(move |policy| policy.permissive == permissive).filter_map(text)
        };
        let any: Vec<String> = of(true).collect();
        if any.is_empty() {
            return "false".to_owned();
        }
        let any = format!("({})", any.join(" OR "));
        of(false).fold(any, |all, one| format!("{all} AND {one}"))
    }
}
