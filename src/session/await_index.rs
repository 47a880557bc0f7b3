//! CREATE INDEX returns when the index serves all rows that there were when it was made.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Oid, Result, Revision, SegmentId};
use crate::catalog::Table;
use crate::segment::{Rows, SegmentMeta};

use super::connection::Session;

/// Between two looks at how far the build is.
const PAUSE: Duration = Duration::from_millis(5);

impl Session {
    /// Waits until an index is built over all segments that its table had at the revision, or until
    /// table or index are gone.
    ///
    /// # Errors
    /// Why the build has failed; the index is there nevertheless, and is tried again.
    pub(super) async fn await_index(&self, table: Oid, index: Oid, since: Revision) -> Result<()> {
        let engine = self.server.engine();
        let mut wanted: BTreeSet<SegmentId> =
            match engine.at_least(since).await?.state.tables.get(&table) {
                Some(table) => unindexed(table, index).map(|meta| meta.id).collect(),
                None => return Ok(()),
            };
        loop {
            let snapshot = engine.current();
            let Some(now) = snapshot.state.tables.get(&table) else { return Ok(()) };
            let lacking: Vec<Arc<SegmentMeta>> = unindexed(now, index).collect();
            let there: BTreeSet<SegmentId> =
                now.version.objects().map(|(_, segment)| segment.id).collect();
            if wanted.iter().any(|segment| !there.contains(segment)) {
                // Merged before it was indexed: its rows are in one of those that list their row
                // ids. Later merges of other rows are nothing to wait for.
                let merged = lacking.iter().filter(|meta| meta.row_ids.is_none());
                wanted.extend(merged.map(|meta| meta.id));
            }
            wanted.retain(|segment| lacking.iter().any(|meta| meta.id == *segment));
            let defined = now.definition.vector_indexes().any(|known| known.oid == index);
            if !defined || wanted.is_empty() {
                return Ok(());
            }
            if let Some(error) = engine.index_builds().failure(table, index) {
                return Err(error);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The segments over which an index is yet to be built.
fn unindexed(table: &Table, index: Oid) -> impl Iterator<Item = Arc<SegmentMeta>> {
    table.version.objects().filter_map(move |(_, segment)| {
        let Rows::Object(meta) = &segment.rows else { return None };
        meta.lacks_index(&segment.indexes, index).then(|| Arc::clone(meta))
    })
}
