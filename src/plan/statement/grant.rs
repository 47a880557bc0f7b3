//! `GRANT` and `REVOKE`.

use super::FunctionName;
use crate::catalog::access::Grantable;
use crate::plan::Name;

/// `GRANT` and `REVOKE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Privileges on objects.
    Privileges(Box<GrantPrivileges>),
    /// Membership in roles.
    Roles(GrantRoles),
    /// `ALTER DEFAULT PRIVILEGES`.
    Defaults(Box<DefaultPrivileges>),
}

/// Privileges on objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantPrivileges {
    /// Which.
    pub privileges: Vec<NamedPrivilege>,
    /// On what.
    pub objects: GrantObjects,
    /// Who gets or loses them.
    pub roles: Vec<String>,
    /// `WITH GRANT OPTION`, `GRANT OPTION FOR`.
    pub grant_option: bool,
    /// `GRANTED BY`.
    pub granted_by: Option<String>,
    /// `CASCADE`.
    pub cascade: bool,
}

/// A privilege as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPrivilege {
    /// In capitals; none: `ALL`.
    pub name: Option<String>,
    /// On these columns only.
    pub columns: Vec<String>,
}

/// What privileges are granted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantObjects {
    /// Tables, views, and sequences that are named as tables.
    Tables(Vec<Name>),
    /// Sequences.
    Sequences(Vec<Name>),
    /// Schemas.
    Schemas(Vec<String>),
    /// Databases.
    Databases(Vec<String>),
    /// Functions.
    Functions(Vec<FunctionName>),
    /// `ALL TABLES IN SCHEMA`, `ALL SEQUENCES IN SCHEMA`, `ALL FUNCTIONS IN SCHEMA`.
    AllIn(Grantable, Vec<String>),
    /// Objects of a kind whose privileges are not kept, by its name in capitals.
    NotKept(&'static str),
}

/// Membership in roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRoles {
    /// Member of these.
    pub roles: Vec<String>,
    /// Who becomes a member or ceases to be one.
    pub members: Vec<String>,
    /// The options that were written; of REVOKE those that alone are taken back.
    pub options: MembershipOptions,
    /// `GRANTED BY`.
    pub granted_by: Option<String>,
    /// `CASCADE`.
    pub cascade: bool,
}

/// A membership's options: only those that were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MembershipOptions {
    /// `ADMIN`.
    pub admin: Option<bool>,
    /// `INHERIT`.
    pub inherit: Option<bool>,
    /// `SET`.
    pub set: Option<bool>,
}

/// `ALTER DEFAULT PRIVILEGES`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultPrivileges {
    /// `FOR ROLE`: what these make; none: what who says it makes.
    pub creators: Vec<String>,
    /// `IN SCHEMA`.
    pub schemas: Vec<String>,
    /// `REVOKE`.
    pub revoke: bool,
    /// Which privileges.
    pub privileges: Vec<NamedPrivilege>,
    /// On which objects.
    pub kind: Grantable,
    /// Who gets or loses them.
    pub roles: Vec<String>,
    /// `WITH GRANT OPTION`, `GRANT OPTION FOR`.
    pub grant_option: bool,
    /// `CASCADE`.
    pub cascade: bool,
}

/// `REASSIGN OWNED` and `DROP OWNED`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Whose.
    pub roles: Vec<String>,
    /// The new owner; none: dropped.
    pub to: Option<String>,
    /// `CASCADE`.
    pub cascade: bool,
}
