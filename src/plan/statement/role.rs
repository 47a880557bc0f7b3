//! Statements about roles and databases.

use super::{Set, StorageOption};

/// `CREATE ROLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRole {
    /// Its name.
    pub name: String,
    /// `CREATE USER`: can log in unless told otherwise.
    pub user: bool,
    /// Its options.
    pub options: RoleOptions,
}

/// A role's options: only those that were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleOptions {
    /// `SUPERUSER`.
    pub superuser: Option<bool>,
    /// `CREATEDB`.
    pub create_database: Option<bool>,
    /// `CREATEROLE`.
    pub create_role: Option<bool>,
    /// `INHERIT`.
    pub inherit: Option<bool>,
    /// `LOGIN`.
    pub login: Option<bool>,
    /// `REPLICATION`.
    pub replication: Option<bool>,
    /// `BYPASSRLS`.
    pub bypass_row_security: Option<bool>,
    /// `CONNECTION LIMIT`.
    pub connection_limit: Option<i32>,
    /// `PASSWORD 'x'`; inner none: `PASSWORD NULL`.
    pub password: Option<Option<String>>,
    /// `VALID UNTIL`.
    pub valid_until: Option<String>,
    /// `IN ROLE`: member of these.
    pub in_roles: Vec<String>,
    /// `ROLE`: these become members.
    pub members: Vec<String>,
    /// `ADMIN`: these become members with the right to add others.
    pub admins: Vec<String>,
}

/// `ALTER ROLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterRole {
    /// Its options.
    Options {
        /// The role.
        role: String,
        /// What changes.
        options: RoleOptions,
    },
    /// `RENAME TO`.
    Rename {
        /// Its name now.
        role: String,
        /// Its name then.
        to: String,
    },
    /// `[IN DATABASE d] SET | RESET`.
    Setting {
        /// The role; none: `ALL`.
        role: Option<String>,
        /// In this database only.
        database: Option<String>,
        /// What changes.
        setting: AlterSetting,
    },
}

/// A default of a setting for a role or database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterSetting {
    /// `SET name = value`.
    Set(Set),
    /// `RESET name`; none: `ALL`.
    Reset(Option<String>),
}

/// `DROP ROLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropRole {
    /// The roles.
    pub names: Vec<String>,
    /// `IF EXISTS`.
    pub if_exists: bool,
}

/// `CREATE DATABASE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDatabase {
    /// Its name.
    pub name: String,
    /// `OWNER`, `ENCODING`, `TEMPLATE`, ... with folded names.
    pub options: Vec<StorageOption>,
}

/// `ALTER DATABASE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterDatabase {
    /// Its name.
    pub name: String,
    /// What changes.
    pub action: DatabaseAction,
}

/// What ALTER DATABASE changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseAction {
    /// `SET`, `RESET`.
    Setting(AlterSetting),
    /// `RENAME TO`.
    RenameTo(String),
    /// `OWNER TO`.
    OwnerTo(String),
    /// `CONNECTION LIMIT` and the like.
    Options(Vec<StorageOption>),
}

/// `DROP DATABASE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropDatabase {
    /// Its name.
    pub name: String,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `WITH (FORCE)`.
    pub force: bool,
}
