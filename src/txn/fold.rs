//! Folding: the keys that say what is deleted in a segment become one.
//!
//! Each commit that deletes adds a key for each segment that it deletes from. Keys only add
//! positions, so one key that has those of several may stand for them; nobody sees a difference.

use bytes::Bytes;
use roaring::RoaringBitmap;

use crate::base::{Incarnation, Result, SegmentId};
use crate::catalog::Table;
use crate::segment::{Rows, decode_deletes, encode_deletes};
use crate::store::meta::{Compare, Operation};

use super::engine::Engine;
use super::publish::{Verdict, Work};

/// Operations of a transaction that the publisher adds itself.
const RESERVED_OPERATIONS: usize = 16;

impl Engine {
    /// Puts one key in the place of those that say what is deleted in a segment, as many of them
    /// as one transaction takes. Returns how many went; none when the segment is gone meanwhile.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub async fn fold_deletes(&self, table: &Table, id: SegmentId) -> Result<usize> {
        let oid = table.oid();
        let Some(there) = self.is_there(table, id) else { return Ok(0) };
        let limits = self.meta().limits();
        let (_, mut deltas) = self.meta().range(self.keys().all_deleted(oid, id), None).await?;
        deltas.truncate(limits.operations_max.saturating_sub(RESERVED_OPERATIONS));
        if deltas.len() < 2 {
            return Ok(0);
        }
        let mut deleted = RoaringBitmap::new();
        for delta in &deltas {
            deleted |= decode_deletes(&id.to_string(), &delta.value)?;
        }
        let folded = Bytes::from(encode_deletes(&deleted));
        if folded.len() > limits.bytes_max / 2 {
            return Ok(0);
        }
        let mut operations: Vec<Operation> =
            deltas.iter().map(|delta| Operation::delete(delta.key.clone())).collect();
        let key = self.keys().deleted(oid, id, self.fresh_commit());
        operations.push(Operation::put(key, folded));
        let generation =
            Compare::Modified { key: self.keys().generation(oid), at: table.generation };
        let compares = vec![there, generation];
        match self.submit(Work::Edit { compares, operations }).await? {
            Verdict::Committed(_) => Ok(deltas.len()),
            Verdict::Stale(..) => Ok(0),
        }
    }

    /// Holds as long as the segment is one of the table's.
    pub(super) fn is_there(&self, table: &Table, id: SegmentId) -> Option<Compare> {
        let (_, segment) = table.version.find(id)?;
        let key = self.keys().segment(table.oid(), id);
        Some(match &segment.rows {
            // Listed by a change-set until a key of its own says otherwise.
            _ if table.listed.contains(&id) => Compare::Absent(key),
            Rows::Object(_) => Compare::Present(key),
            Rows::Memory(_) => Compare::Present(self.keys().inline(table.oid(), id)),
        })
    }

    /// Whose commit a record of `commits/` tells of.
    pub fn recorded_by(record: &[u8]) -> Option<Incarnation> {
        super::resolve::recorded_by(record)
    }
}
