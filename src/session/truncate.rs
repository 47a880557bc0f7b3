//! TRUNCATE.

use std::sync::Arc;

use crate::base::{Oid, Result, SqlError};
use crate::catalog::access::{Demand, Privileges};
use crate::catalog::{RelationName, SequenceDef, Snapshot, Table};
use crate::plan::statement::Truncate;
use crate::store::meta::Mirrored;

use super::connection::Session;
use super::outcome::Outcome;
use super::temporary::own_schema;

impl Session {
    /// TRUNCATE.
    pub(super) async fn truncate(
        &mut self,
        truncate: &Truncate,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        let path = self.visible_path(&snapshot.state);
        let mut tables = Vec::new();
        for name in &truncate.tables {
            let schema = own_schema(name.schema.as_deref(), self.settings.temporary())?;
            let relation = RelationName { schema, name: &name.name };
            tables
                .push(Arc::clone(snapshot.state.require_changeable(relation, &path, "truncate")?));
        }
        let mut added = true;
        while std::mem::take(&mut added) {
            for child in snapshot.state.tables.values() {
                if tables.iter().any(|table| table.oid() == child.oid()) {
                    continue;
                }
                let refers = |table: &Arc<Table>| {
                    child.definition.foreign_keys.iter().any(|foreign| foreign.table == table.oid())
                };
                let Some(parent) = tables.iter().find(|table| refers(table)) else { continue };
                if !truncate.cascade {
                    return Err(referenced(parent, child));
                }
                tables.push(Arc::clone(child));
                added = true;
                break;
            }
        }
        let demand = |table: &Arc<Table>| {
            let usage = Demand::usage(table.definition.schema);
            [usage, Demand::whole(table.oid(), Privileges::TRUNCATE)]
        };
        let demands: Vec<Demand> = tables.iter().flat_map(demand).collect();
        self.permit(&demands, snapshot)?;
        let transaction = self
            .transaction()
            .ok_or_else(|| SqlError::internal("TRUNCATE outside of a transaction"))?;
        for table in &tables {
            transaction.writes.open(table)?.truncate()?;
        }
        if truncate.restart_identity {
            // As `nextval` does, this takes effect at once.
            for sequence in owned_sequences(snapshot, &tables) {
                self.server.engine().setval(sequence, sequence.start, false).await?;
            }
        }
        Ok(Outcome::command("TRUNCATE TABLE"))
    }
}

/// The sequences behind the serial and identity columns of tables.
fn owned_sequences<'a>(
    snapshot: &'a Mirrored<Snapshot>,
    tables: &[Arc<Table>],
) -> Vec<&'a SequenceDef> {
    let owned = |owner: Oid| tables.iter().any(|table| table.oid() == owner);
    let sequences = snapshot.state.sequences.values();
    sequences
        .filter(|sequence| sequence.owned_by.is_some_and(|(table, _)| owned(table)))
        .map(|sequence| &**sequence)
        .collect()
}

fn referenced(parent: &Table, child: &Table) -> SqlError {
    SqlError::unsupported("cannot truncate a table referenced in a foreign key constraint")
        .with_detail(format!(
            "Table \"{}\" references \"{}\".",
            child.definition.name, parent.definition.name
        ))
        .with_hint(format!(
            "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
            child.definition.name
        ))
}
