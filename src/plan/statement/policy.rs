//! Row-level security: `CREATE`, `ALTER` and `DROP POLICY`, and what ALTER TABLE says of it.

use super::Expression;
use crate::catalog::access::PolicyCommand;
use crate::plan::Name;

/// `CREATE`, `ALTER`, `DROP POLICY`.
#[derive(Clone, Debug, PartialEq)]
pub enum Policy {
    /// `CREATE POLICY`.
    Create(CreatePolicy),
    /// `ALTER POLICY`.
    Alter(AlterPolicy),
    /// `DROP POLICY`.
    Drop {
        /// Its name.
        name: String,
        /// Its table.
        table: Name,
        /// `IF EXISTS`.
        if_exists: bool,
    },
}

/// `CREATE POLICY`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePolicy {
    /// Its name.
    pub name: String,
    /// Its table.
    pub table: Name,
    /// `AS PERMISSIVE` rather than `AS RESTRICTIVE`.
    pub permissive: bool,
    /// `FOR`.
    pub command: PolicyCommand,
    /// `TO`; none: `PUBLIC`.
    pub roles: Vec<String>,
    /// `USING`.
    pub using: Option<Expression>,
    /// `WITH CHECK`.
    pub check: Option<Expression>,
}

/// `ALTER POLICY`.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPolicy {
    /// Its name.
    pub name: String,
    /// Its table.
    pub table: Name,
    /// `RENAME TO`.
    pub rename: Option<String>,
    /// `TO`.
    pub roles: Vec<String>,
    /// `USING`.
    pub using: Option<Expression>,
    /// `WITH CHECK`.
    pub check: Option<Expression>,
}

/// What ALTER TABLE says of row-level security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSecurity {
    /// `ENABLE`, `DISABLE`.
    Enabled(bool),
    /// `FORCE`, `NO FORCE`.
    Forced(bool),
}
