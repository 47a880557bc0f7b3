//! A session's temporary objects, which go with it.

use std::sync::Arc;

use crate::base::{Result, Revision, SqlError, SqlState};
use crate::catalog::{Edit, Snapshot};
use crate::plan::ddl::{PG_TEMP, drop_tables, drop_temporary};
use crate::txn::{Engine, WriteSet};

use super::connection::Session;
use super::transaction::State;

/// Times that a schema is dropped again while others change definitions.
const ATTEMPTS_MAX: u32 = 100;

impl Session {
    /// DISCARD TEMP.
    pub(super) async fn discard_temporary(&mut self) -> Result<()> {
        let Some(schema) = self.settings.temporary().map(str::to_owned) else { return Ok(()) };
        drop_schema(self.server.engine(), &schema).await?;
        self.settings.set_temporary(None);
        Ok(())
    }

    /// Drops the tables that go with a transaction, once there is none. Where that fails they stay
    /// until the session's end.
    pub(super) async fn drop_passing(&mut self) {
        if self.passing.is_empty() || !matches!(self.state, State::Idle) {
            return;
        }
        let tables = std::mem::take(&mut self.passing);
        let engine = Arc::clone(self.server.engine());
        let dropped = publish(&engine, |snapshot| {
            drop_tables(snapshot, engine.keys(), engine.random(), &tables)
        });
        match dropped.await {
            Ok(revision) => self.seen = self.seen.max(revision),
            Err(error) => tracing::warn!(%error, "dropping tables that end with a transaction"),
        }
    }

    /// At the session's end nobody waits for it. Where this does not come to its end, the node that
    /// finds the process gone does it.
    pub(super) fn leave_temporary(&mut self) {
        let Some(schema) = self.settings.temporary().map(str::to_owned) else { return };
        let engine = Arc::clone(self.server.engine());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = drop_schema(&engine, &schema).await {
                    tracing::warn!(%schema, %error, "dropping temporary tables");
                }
            });
        }
    }
}

/// Drops a schema of temporary objects with all that is in it.
async fn drop_schema(engine: &Engine, schema: &str) -> Result<()> {
    let edit = |state: &Snapshot| drop_temporary(state, engine.keys(), engine.random(), schema);
    publish(engine, edit).await.map(|_| ())
}

/// Publishes a change of definitions, made again while others change them.
async fn publish(
    engine: &Engine,
    make: impl Fn(&Snapshot) -> Result<Option<Edit>>,
) -> Result<Revision> {
    let mut snapshot = engine.current();
    for _ in 0..ATTEMPTS_MAX {
        let Some(edit) = make(&snapshot.state)? else { return Ok(snapshot.revision) };
        match engine.try_edit(edit).await? {
            Ok(revision) => return Ok(revision),
            Err(newer) => snapshot = engine.at_least(newer).await?,
        }
    }
    Err(SqlError::new(SqlState::SERIALIZATION_FAILURE, "definitions keep changing"))
}

/// Rows of tables that are `ON COMMIT DELETE ROWS` end with their transaction: nobody has seen them.
pub(super) fn without_passing_rows(mut writes: WriteSet) -> WriteSet {
    writes.discard(|table| table.deletes_on_commit);
    writes
}

/// The schema that a statement's name means, where `own` holds the session's temporary objects.
///
/// # Errors
/// 0A000 for those of another session.
pub(super) fn own_schema<'n>(
    schema: Option<&'n str>,
    own: Option<&'n str>,
) -> Result<Option<&'n str>> {
    match schema {
        Some(PG_TEMP) => Ok(own.or(schema)),
        Some(other) if is_others(other, own) => {
            Err(SqlError::unsupported("cannot access temporary tables of other sessions"))
        }
        schema => Ok(schema),
    }
}

/// Whether a schema holds temporary objects of another session.
pub(super) fn is_others(schema: &str, own: Option<&str>) -> bool {
    schema.starts_with("pg_temp_") && own != Some(schema)
}
