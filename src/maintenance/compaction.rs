//! Compaction: one merge after the other, each published as one commit.
//!
//! A merge reads a snapshot and is published against the newest state: deletes committed in
//! between are carried over to the outputs, and a user's transaction that deletes from an
//! input finds its rows again by row id. So neither ever fails because of the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::{Oid, Result, SegmentId, SqlState};
use crate::catalog::{Snapshot, Table};
use crate::segment::{Segment, merge};
use crate::store::meta::Mirrored;
use crate::txn::{Engine, MergeCommit};

use super::claim::Claim;
use super::pick::{Policy, pick};

/// The claim's name.
const TASK: &str = "merge";
/// Folds of a table while its claim is held.
const FOLDS_MAX: usize = 256;
/// Merges of a table while its claim is held, before others get their turn.
const MERGES_MAX: usize = 64;

/// Merges the segments of all tables, one merge at a time.
#[derive(Debug)]
pub struct Compactor {
    engine: Arc<Engine>,
    policy: Policy,
    /// When a table was first seen with rows in metadata, by the monotonic clock.
    inline_since: Mutex<HashMap<Oid, Duration>>,
}

/// A snapshot, a table in it, and the segments to merge.
type NextMerge = (Arc<Mirrored<Snapshot>>, Arc<Table>, Vec<Segment>);

impl Compactor {
    /// A compactor of an engine's tables.
    pub fn new(engine: Arc<Engine>, policy: Policy) -> Self {
        Self { engine, policy, inline_since: Mutex::default() }
    }

    /// Does what there is to do now; returns how many merges were published. A table that can't
    /// be merged doesn't keep the others from it.
    pub async fn run_once(&self) -> usize {
        let tables: Vec<Oid> = self.engine.current().state.tables.keys().copied().collect();
        self.inline_since.lock().retain(|oid, _| tables.contains(oid));
        let mut merges = 0;
        for table in tables {
            match self.compact_table(table).await {
                Ok(published) => merges += published,
                Err(error) => tracing::warn!(%table, %error, "merging a table's segments"),
            }
        }
        merges
    }

    /// Merges a table's segments until there is nothing to merge.
    ///
    /// # Errors
    /// When segments can't be read or written, or the metadata store is unavailable.
    pub async fn compact_table(&self, oid: Oid) -> Result<usize> {
        if self.next(oid).is_none() && self.to_fold(oid).is_none() {
            return Ok(0);
        }
        let Some(claim) = Claim::take(&self.engine, oid, TASK).await? else { return Ok(0) };
        let mut merges = 0;
        let mut outcome = Ok(());
        while merges < MERGES_MAX
            && let Some((_open, table, inputs)) = self.next(oid)
        {
            match self.merge(&table, &inputs).await {
                Ok(()) => merges += 1,
                // Truncated, altered, or merged by another: the next look shows what is left.
                Err(error) if error.code() == SqlState::SERIALIZATION_FAILURE => break,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        let folded = match outcome {
            Ok(()) => self.fold(oid).await,
            failed => failed,
        };
        claim.release(&self.engine).await;
        folded.map(|()| merges)
    }

    /// Makes few of the keys that say what is deleted in the table's segments.
    async fn fold(&self, oid: Oid) -> Result<()> {
        for _ in 0..FOLDS_MAX {
            let Some((table, segment)) = self.to_fold(oid) else { break };
            if self.engine.fold_deletes(&table, segment).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// The segment with the most such keys, where they are many.
    fn to_fold(&self, oid: Oid) -> Option<(Arc<Table>, SegmentId)> {
        let snapshot = self.engine.current();
        let table = Arc::clone(snapshot.state.tables.get(&oid)?);
        let (segment, deltas) = table.deltas.iter().max_by_key(|(_, deltas)| **deltas)?;
        let many = *deltas >= self.policy.deltas;
        let segment = *segment;
        many.then_some((table, segment))
    }

    /// What to merge next. The snapshot keeps the inputs' objects until they are merged.
    fn next(&self, oid: Oid) -> Option<NextMerge> {
        let snapshot = self.engine.current();
        let table = Arc::clone(snapshot.state.tables.get(&oid)?);
        let old = self.is_inline_old(&table);
        let operations_max = self.engine.meta().limits().operations_max;
        let inputs = pick(&table, &self.policy, old, operations_max)?;
        Some((snapshot, table, inputs))
    }

    /// Whether the table has had rows in metadata for long.
    fn is_inline_old(&self, table: &Table) -> bool {
        let now = self.engine.clock().monotonic();
        let mut since = self.inline_since.lock();
        if table.inline.is_empty() {
            since.remove(&table.oid());
            return false;
        }
        let first = *since.entry(table.oid()).or_insert(now);
        now.saturating_sub(first) >= self.policy.inline_age
    }

    /// Merges these segments of this version of a table, whose snapshot the caller keeps.
    ///
    /// # Errors
    /// 40001 when the inputs are not there any more; otherwise what reading and writing says.
    pub async fn merge(&self, source: &Arc<Table>, inputs: &[Segment]) -> Result<()> {
        let draft = self.engine.drafts().begin();
        let writer = self.engine.writer(source, &draft);
        let merged = merge(self.engine.reader(), inputs, writer).await?;
        let ids: Vec<SegmentId> = inputs.iter().map(|segment| segment.id).collect();
        let outputs: Vec<_> = merged.segments.into_iter().map(Arc::new).collect();
        tracing::debug!(
            table = %source.oid(), inputs = ids.len(), outputs = outputs.len(), "merged segments"
        );
        let commit = MergeCommit {
            table: source.oid(),
            source: Arc::clone(source),
            inputs: ids,
            outputs,
            draft,
            moved: merged.map,
        };
        self.engine.commit_merge(commit).await?;
        Ok(())
    }
}
