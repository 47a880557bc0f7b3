//! Who may do what: privileges, what objects grant, and the one place that decides.
//!
//! A statement's plan says what it asks ([`Demand`]: of which relation, which privilege, on which
//! columns, as whom); [`Access`] answers for a role over a snapshot. Both are plain values: no
//! I/O, no state. Grants are metadata beside the definitions ([`GrantsDef`](crate::catalog::GrantsDef)), so that granting
//! changes no definition, and they are looked at anew for every execution, so that a REVOKE holds
//! for plans that exist.

mod acl;
mod check;
mod demand;
mod membership;
mod policies;
mod predefined;
mod privileges;

pub use acl::{Acl, AclItem, Dependents, PUBLIC, merged};
pub use check::{Access, Object, SUPERUSER, Securable};
pub use demand::{Columns, Demand};
pub use membership::{is_member, members_closure};
pub use policies::{PolicyCommand, PolicyDef, RowRule};
pub use predefined::{
    DATABASE_OWNER, EXECUTE_SERVER_PROGRAM, MAINTAIN, MONITOR, PREDEFINED, READ_ALL_DATA,
    READ_ALL_SETTINGS, READ_ALL_STATS, READ_SERVER_FILES, SIGNAL_BACKEND, WRITE_ALL_DATA,
    WRITE_SERVER_FILES, is_predefined, predefined_roles,
};
pub use privileges::{Grantable, Privileges};

#[cfg(test)]
mod tests;
