//! Building indexes over the segments that don't have them yet.
//!
//! A build is claimed under the node's lease, and resumes by itself: each segment is published once
//! it is done, so that a node that dies loses one segment's work. Results never change: a segment
//! without its index is searched exactly.
//!
//! What the parts of an index share is learnt again when the table has outgrown it. Then the parts are
//! built again, one by one; each names the model it was made with, and serves until its successor does.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::{FailPoint, Oid, Result};
use crate::catalog::{IndexDef, Snapshot, Table};
use crate::segment::{IndexModel, IndexPart, ObjectUnit, Unit};
use crate::store::meta::Mirrored;
use crate::txn::{Building, Engine};

use super::claim::Claim;
use super::compaction::Compactor;
use super::index_build::IndexBuilder;

/// After a build that has failed, the same one is not tried again for so long.
const FAILURE_PAUSE: Duration = Duration::from_secs(30);

/// Builds an engine's indexes.
#[derive(Debug)]
pub struct Indexer {
    engine: Arc<Engine>,
    compactor: Arc<Compactor>,
    /// When builds last failed, by the monotonic clock.
    failed: Mutex<HashMap<(Oid, Oid), Duration>>,
}

/// An index and the segments over which it is to be built. The snapshot keeps their objects.
struct Missing {
    _open: Arc<Mirrored<Snapshot>>,
    table: Arc<Table>,
    index: IndexDef,
    units: Vec<ObjectUnit>,
    /// What the index has learnt is to be learnt again.
    outgrown: bool,
}

impl Indexer {
    /// An indexer of an engine's tables.
    pub fn new(engine: Arc<Engine>, compactor: Arc<Compactor>) -> Self {
        Self { engine, compactor, failed: Mutex::default() }
    }

    /// Builds what there is to build now; returns over how many segments. An index that can't be
    /// built doesn't keep the others from it.
    pub async fn run_once(&self) -> usize {
        let mut built = 0;
        for (table, index) in self.indexes() {
            match self.build(table, index).await {
                Ok(segments) => built += segments,
                Err(error) => {
                    tracing::warn!(%table, %index, %error, "building an index");
                    let now = self.engine.clock().monotonic();
                    self.failed.lock().insert((table, index), now);
                }
            }
        }
        built
    }

    fn indexes(&self) -> Vec<(Oid, Oid)> {
        let now = self.engine.clock().monotonic();
        self.failed.lock().retain(|_, since| now.saturating_sub(*since) < FAILURE_PAUSE);
        let failed: Vec<_> = self.failed.lock().keys().copied().collect();
        let snapshot = self.engine.current();
        let mut indexes = Vec::new();
        for table in snapshot.state.tables.values() {
            let all = table.definition.vector_indexes().map(|index| (table.oid(), index.oid));
            indexes.extend(all.filter(|index| !failed.contains(index)));
        }
        indexes
    }

    /// Builds an index over all segments that don't have it; returns over how many.
    ///
    /// # Errors
    /// When segments can't be read, objects can't be written, or the metadata store is unavailable.
    pub async fn build(&self, table: Oid, index: Oid) -> Result<usize> {
        if self.missing(table, index).is_none() {
            return Ok(0);
        }
        let task = format!("index-{index}");
        let Some(claim) = Claim::take(&self.engine, table, &task).await? else { return Ok(0) };
        let since = self.engine.clock().monotonic();
        let building = self.engine.index_builds().begin(table, index, since);
        let mut built = 0;
        // What isn't merged now is searched through more indexes, that is all.
        let mut outcome = match self.missing(table, index) {
            Some(missing) if missing.is_worth_settling() => self.compactor.settle(table).await,
            _ => Ok(()),
        };
        while outcome.is_ok()
            && let Some(missing) = self.missing(table, index)
        {
            match self.build_next(&building, &missing).await {
                Ok(published) => built += usize::from(published),
                Err(error) => {
                    building.fail(&error);
                    outcome = Err(error);
                    break;
                }
            }
        }
        claim.release(&self.engine).await;
        outcome.map(|()| built)
    }

    fn missing(&self, table: Oid, index: Oid) -> Option<Missing> {
        let snapshot = self.engine.current();
        let table = Arc::clone(snapshot.state.tables.get(&table)?);
        let index = table.definition.vector_indexes().find(|known| known.oid == index)?.clone();
        let model = table.models.get(&index.oid);
        let units = || {
            table.version.units().into_iter().filter_map(|unit| match unit {
                Unit::Object(unit) if unit.meta.lacks_index(&[], index.oid) => Some(unit),
                Unit::Object(_) | Unit::Memory(_) => None,
            })
        };
        let outgrown = model.is_some_and(|model| {
            let all: Vec<ObjectUnit> = units().collect();
            let rows = all.iter().map(|unit| u64::from(unit.meta.rows)).sum();
            let parts = all.iter().flat_map(|unit| unit.indexes.iter().map(|part| &**part));
            model.is_outgrown(rows, parts.filter(|part| part.index == index.oid))
        });
        let is_missing = |unit: &ObjectUnit| {
            let part = unit.indexes.iter().find(|part| part.index == index.oid);
            let is_old = |part: &Arc<_>| model.is_some_and(|model| !IndexPart::is_of(part, model));
            outgrown || part.is_none_or(is_old)
        };
        let units: Vec<ObjectUnit> = units().filter(is_missing).collect();
        (!units.is_empty()).then_some(Missing { _open: snapshot, table, index, units, outgrown })
    }

    /// Builds over the first segment; false when it or the index is gone meanwhile.
    async fn build_next(&self, building: &Building, missing: &Missing) -> Result<bool> {
        let build = building.build();
        let Some(unit) = missing.units.first() else { return Ok(false) };
        let done = build.segments_done.load(Ordering::Relaxed);
        build.segments.store(done + missing.units.len() as u64, Ordering::Relaxed);
        let rows: u64 = missing.units.iter().map(|unit| u64::from(unit.meta.rows)).sum();
        build.rows.store(build.done.load(Ordering::Relaxed) + rows, Ordering::Relaxed);
        let engine = &*self.engine;
        let Some(builder) = IndexBuilder::of(engine, &missing.table, &missing.index, build) else {
            return Ok(false);
        };
        let model = match missing.index.vector.as_ref() {
            Some(vector) if vector.spec.kind.needs_model() => {
                Some(self.model(&builder, missing).await?)
            }
            _ => None,
        };
        let draft = self.engine.drafts().begin();
        let part = builder.part(unit, model.as_deref(), &draft).await?;
        FailPoint::PartWritten.reach();
        let published = self.engine.publish_index_part(&missing.table, &part, &draft).await?;
        FailPoint::PartPublished.reach();
        build.segments_done.fetch_add(1, Ordering::Relaxed);
        Ok(published)
    }

    /// What the index has learnt, or learns now from the segments that there are.
    async fn model(
        &self,
        builder: &IndexBuilder<'_>,
        missing: &Missing,
    ) -> Result<Arc<IndexModel>> {
        let known = missing.table.models.get(&missing.index.oid);
        if let Some(model) = known.filter(|_| !missing.outgrown) {
            return Ok(Arc::clone(model));
        }
        let draft = self.engine.drafts().begin();
        let model = builder.model(&missing.units, &draft).await?;
        FailPoint::ModelWritten.reach();
        self.engine.publish_index_model(&missing.table, &model, &draft).await?;
        Ok(Arc::new(model))
    }
}

impl Missing {
    /// Whether nothing of the table is indexed yet, and one index over all is much better than
    /// several: the kinds that don't share what they have learnt.
    fn is_worth_settling(&self) -> bool {
        let vector = self.index.vector.as_ref();
        let alone = vector.is_some_and(|vector| !vector.spec.kind.needs_model());
        alone && self.units.len() > 1 && self.units.iter().all(|unit| unit.indexes.is_empty())
    }
}
