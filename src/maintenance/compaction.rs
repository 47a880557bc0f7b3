//! Compaction: one merge after the other, each published as one commit.
//!
//! A merge reads a snapshot and is published against the newest state: deletes committed in
//! between are carried over to the outputs, and a user's transaction that deletes from an
//! input finds its rows again by row id. So neither ever fails because of the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::{FailPoint, Oid, Result, Revision, SegmentId, SqlState};
use crate::catalog::{Snapshot, Table};
use crate::segment::{Draft, IndexPart, ObjectUnit, Segment, SegmentMeta, merge};
use crate::store::meta::Mirrored;
use crate::txn::{Engine, MergeCommit};

use super::claim::Claim;
use super::index_build::IndexBuilder;
use super::pick::{Policy, Rest, pick, pick_settled};

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
    /// The last change of a table, and when it was first seen.
    changed: Mutex<HashMap<Oid, (Revision, Duration)>>,
    /// Held while segments are merged: on one node, one merge at a time.
    merging: tokio::sync::Mutex<()>,
}

/// A snapshot, a table in it, and the segments to merge.
type NextMerge = (Arc<Mirrored<Snapshot>>, Arc<Table>, Vec<Segment>);

impl Compactor {
    /// A compactor of an engine's tables.
    pub fn new(engine: Arc<Engine>, policy: Policy) -> Self {
        Self {
            engine,
            policy,
            inline_since: Mutex::default(),
            changed: Mutex::default(),
            merging: tokio::sync::Mutex::default(),
        }
    }

    /// Does what there is to do now; returns how many merges were published. A table that can't
    /// be merged doesn't keep the others from it.
    pub async fn run_once(&self) -> usize {
        let tables: Vec<Oid> = self.engine.current().state.tables.keys().copied().collect();
        self.inline_since.lock().retain(|oid, _| tables.contains(oid));
        self.changed.lock().retain(|oid, _| tables.contains(oid));
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
        let alone = self.merging.lock().await;
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
        drop(alone);
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
        let rest = Rest { old: self.is_inline_old(&table), quiet: self.is_quiet(&table) };
        let operations_max = self.engine.meta().limits().operations_max;
        let inputs = pick(&table, &self.policy, rest, operations_max)?;
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

    /// Whether nobody has changed the table for long.
    fn is_quiet(&self, table: &Table) -> bool {
        let now = self.engine.clock().monotonic();
        let last = table.appends.max(table.deletes);
        let mut changed = self.changed.lock();
        let seen = changed.entry(table.oid()).or_insert((last, now));
        if seen.0 != last {
            *seen = (last, now);
        }
        now.saturating_sub(seen.1) >= self.policy.quiet_age
    }

    /// Makes few segments of a table's many, for an index that is about to be built over them.
    ///
    /// # Errors
    /// As [`Compactor::merge`].
    pub async fn settle(&self, oid: Oid) -> Result<()> {
        let Some(claim) = Claim::take(&self.engine, oid, TASK).await? else { return Ok(()) };
        let alone = self.merging.lock().await;
        let snapshot = self.engine.current();
        let each = self.engine.meta().limits().operations_max / 8;
        let merged = match snapshot.state.tables.get(&oid) {
            Some(table) => match pick_settled(table, &self.policy, each.max(2)) {
                Some(inputs) => self.merge(table, &inputs).await,
                None => Ok(()),
            },
            None => Ok(()),
        };
        drop(alone);
        claim.release(&self.engine).await;
        match merged {
            Err(error) if error.code() == SqlState::SERIALIZATION_FAILURE => Ok(()),
            merged => merged,
        }
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
        let indexes = self.index_outputs(source, inputs, &outputs, &draft).await?;
        let commit = MergeCommit {
            table: source.oid(),
            source: Arc::clone(source),
            inputs: ids,
            outputs,
            indexes,
            draft,
            moved: merged.map,
        };
        FailPoint::MergeWritten.reach();
        self.engine.commit_merge(commit).await?;
        FailPoint::MergePublished.reach();
        Ok(())
    }

    /// Builds the indexes that the inputs had over what was made of them.
    async fn index_outputs(
        &self,
        source: &Arc<Table>,
        inputs: &[Segment],
        outputs: &[Arc<SegmentMeta>],
        draft: &Arc<Draft>,
    ) -> Result<Vec<IndexPart>> {
        let mut parts = Vec::new();
        for index in source.definition.vector_indexes() {
            let had = |input: &Segment| input.indexes.iter().any(|part| part.index == index.oid);
            if !inputs.iter().any(had) {
                continue;
            }
            let model = source.models.get(&index.oid);
            let since = self.engine.clock().monotonic();
            let building = self.engine.index_builds().begin(source.oid(), index.oid, since);
            let builder = IndexBuilder::of(&self.engine, source, index, building.build());
            for (ordinal, meta) in (0..).zip(outputs) {
                let unit = ObjectUnit {
                    ordinal,
                    meta: Arc::clone(meta),
                    deleted: Arc::default(),
                    indexes: Arc::default(),
                };
                if meta.lacks_index(&[], index.oid)
                    && let Some(builder) = &builder
                {
                    parts.push(builder.part(&unit, model.map(|model| &**model), draft).await?);
                }
            }
        }
        Ok(parts)
    }
}
