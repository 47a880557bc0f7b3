//! The roles that PostgreSQL brings along. They are in no metadata: every snapshot has them.

use std::sync::Arc;

use crate::base::Oid;
use crate::catalog::definition::{Membership, RoleDef};

/// `pg_database_owner`: the database's owner is its member.
pub const DATABASE_OWNER: Oid = Oid(6171);
/// `pg_read_all_data`.
pub const READ_ALL_DATA: Oid = Oid(6181);
/// `pg_write_all_data`.
pub const WRITE_ALL_DATA: Oid = Oid(6182);
/// `pg_monitor`.
pub const MONITOR: Oid = Oid(3373);
/// `pg_read_all_settings`.
pub const READ_ALL_SETTINGS: Oid = Oid(3374);
/// `pg_read_all_stats`.
pub const READ_ALL_STATS: Oid = Oid(3375);
/// `pg_read_server_files`.
pub const READ_SERVER_FILES: Oid = Oid(4569);
/// `pg_write_server_files`.
pub const WRITE_SERVER_FILES: Oid = Oid(4570);
/// `pg_execute_server_program`.
pub const EXECUTE_SERVER_PROGRAM: Oid = Oid(4571);
/// `pg_signal_backend`.
pub const SIGNAL_BACKEND: Oid = Oid(4200);
/// `pg_maintain`.
pub const MAINTAIN: Oid = Oid(6337);

/// Names and oids, as in PostgreSQL.
pub const PREDEFINED: [(Oid, &str); 14] = [
    (DATABASE_OWNER, "pg_database_owner"),
    (READ_ALL_DATA, "pg_read_all_data"),
    (WRITE_ALL_DATA, "pg_write_all_data"),
    (MONITOR, "pg_monitor"),
    (READ_ALL_SETTINGS, "pg_read_all_settings"),
    (READ_ALL_STATS, "pg_read_all_stats"),
    (Oid(3377), "pg_stat_scan_tables"),
    (READ_SERVER_FILES, "pg_read_server_files"),
    (WRITE_SERVER_FILES, "pg_write_server_files"),
    (EXECUTE_SERVER_PROGRAM, "pg_execute_server_program"),
    (SIGNAL_BACKEND, "pg_signal_backend"),
    (Oid(4544), "pg_checkpoint"),
    (MAINTAIN, "pg_maintain"),
    (Oid(4550), "pg_use_reserved_connections"),
];

/// The superuser, who granted what is granted from the start.
const SUPERUSER: Oid = Oid(10);

/// Whether a role is one of these.
pub fn is_predefined(role: Oid) -> bool {
    PREDEFINED.iter().any(|(oid, _)| *oid == role)
}

/// The roles' definitions.
pub fn predefined_roles() -> impl Iterator<Item = (Oid, Arc<RoleDef>)> {
    PREDEFINED.iter().map(|(oid, name)| {
        let within =
            |role| Membership { role, grantor: SUPERUSER, admin: false, inherit: true, set: true };
        let member_of = match *oid {
            MONITOR => [READ_ALL_SETTINGS, READ_ALL_STATS, Oid(3377)].map(within).to_vec(),
            _ => Vec::new(),
        };
        let role = RoleDef {
            oid: *oid,
            name: (*name).to_owned(),
            connection_limit: -1,
            member_of,
            ..RoleDef::default()
        };
        (*oid, Arc::new(role))
    })
}
