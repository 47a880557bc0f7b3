//! Whether who runs a statement may: what its plan demands, against what is granted now.
//!
//! It is asked before every execution, over the newest state that the node knows, so that a REVOKE
//! holds at once: for prepared statements, for plans that other connections made, and in a
//! transaction that reads an older snapshot.

use std::sync::Arc;

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::{
    Access, Demand, EXECUTE_SERVER_PROGRAM, Object, Privileges, READ_SERVER_FILES,
    WRITE_SERVER_FILES,
};
use crate::catalog::{Snapshot, TableDef, system};
use crate::plan::statement::{CopyDirection, CopyEndpoint};
use crate::store::meta::Mirrored;

use super::connection::Session;

impl Session {
    /// 42501 unless all demands are fulfilled.
    ///
    /// # Errors
    /// 42501.
    pub(super) fn permit(
        &self,
        demands: &[Demand],
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<()> {
        if demands.is_empty() {
            return Ok(());
        }
        let newest = self.newest(snapshot);
        require(demands, self.role(), &newest.state, &snapshot.state)
    }

    /// 42501 unless who runs a COPY may go to its other end on the server's side.
    ///
    /// # Errors
    /// 42501.
    pub(super) fn permit_endpoint(
        &self,
        endpoint: &CopyEndpoint,
        direction: CopyDirection,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<()> {
        let (role, name, what) = match (endpoint, direction) {
            (CopyEndpoint::Client, _) => return Ok(()),
            (CopyEndpoint::File(_), CopyDirection::From) => {
                (READ_SERVER_FILES, "pg_read_server_files", "COPY from a file")
            }
            (CopyEndpoint::File(_), CopyDirection::To) => {
                (WRITE_SERVER_FILES, "pg_write_server_files", "COPY to a file")
            }
            (CopyEndpoint::Program(_), _) => (
                EXECUTE_SERVER_PROGRAM,
                "pg_execute_server_program",
                "COPY to or from an external program",
            ),
        };
        let newest = self.newest(snapshot);
        if Access::new(&newest.state, self.role()).has_role(role) {
            return Ok(());
        }
        let message = format!("permission denied to {what}");
        Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .with_detail(format!("Only roles with privileges of the \"{name}\" role may {what}."))
            .with_hint(
                "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for \
                 anyone.",
            ))
    }

    /// What the node knows now, or the snapshot where that is newer.
    fn newest(&self, snapshot: &Arc<Mirrored<Snapshot>>) -> Arc<Mirrored<Snapshot>> {
        let newest = self.server.engine().current();
        if newest.revision < snapshot.revision { Arc::clone(snapshot) } else { newest }
    }

    /// The search path without the schemas that may not be looked into.
    pub(super) fn visible_path(&self, state: &Snapshot) -> Vec<String> {
        let mut path = self.search_path();
        let access = Access::new(state, self.role());
        path.retain(|name| {
            system::is_system_schema(name)
                || state
                    .schema(name)
                    .is_none_or(|schema| access.may(Object::Schema(schema.oid), Privileges::USAGE))
        });
        path
    }

    /// Whether one may read all of a table.
    pub(super) fn may_read(&self, table: &TableDef) -> bool {
        let newest = self.server.engine().current();
        let access = Access::new(&newest.state, self.role());
        access.may(Object::Relation(table.oid), Privileges::SELECT)
    }

    /// An error without the values of rows that one may not read.
    pub(super) fn conceal(&self, error: SqlError) -> SqlError {
        let tells =
            matches!(error.code(), SqlState::UNIQUE_VIOLATION | SqlState::FOREIGN_KEY_VIOLATION);
        let fields = error.fields();
        let (true, Some(_), Some(constraint)) = (tells, &fields.detail, &fields.constraint) else {
            return error;
        };
        let newest = self.server.engine().current();
        let of_constraint = |table: &TableDef| {
            table.keys.iter().any(|key| key.name == *constraint)
                || table.foreign_keys.iter().any(|key| key.name == *constraint)
        };
        let tables = newest.state.tables.values();
        let mut tables =
            tables.map(|table| &*table.definition).filter(|table| of_constraint(table));
        match tables.all(|table| self.may_read(table)) {
            true => error,
            false => error.without_detail(),
        }
    }
}

/// 42501 unless all demands are fulfilled: over the newest state, or, of an object that is gone
/// from there, over the snapshot that still has it.
fn require(demands: &[Demand], role: Oid, newest: &Snapshot, snapshot: &Snapshot) -> Result<()> {
    let own = Access::new(newest, role);
    for demand in demands {
        let gone = || demand.object.find(newest).is_none();
        match demand.role {
            None if own.is_superuser() => {}
            None if !gone() => own.require(demand)?,
            None => Access::new(snapshot, role).require(demand)?,
            Some(owner) => {
                let state = if gone() { snapshot } else { newest };
                Access::new(state, owner).require(demand)?;
            }
        }
    }
    Ok(())
}
