//! Building an index over one segment: its vectors in, an object and what metadata keeps of it out.
//! Who publishes it is another matter: with its segment when a merge has made that, by itself
//! otherwise.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::index_points::{IndexedRows, MEASURED, failed};
use crate::base::{Oid, Result, SqlError};
use crate::catalog::{IndexDef, Table, VectorIndexDef};
use crate::index::{self, IndexError, Model, Points, RemoteLists, Work};
use crate::segment::{Column, Draft, IndexModel, IndexPart, ObjectUnit, Part};
use crate::txn::{BuildPhase, Engine, IndexBuild};

/// Vectors that a model is measured by and not trained from lie halfway, in thousandths, between those
/// that it is trained from, or as good as.
const BETWEEN: usize = 500;

/// An index that is being built over segments of a table.
pub(super) struct IndexBuilder<'a> {
    engine: &'a Engine,
    table: &'a Arc<Table>,
    index: Oid,
    vector: &'a VectorIndexDef,
    column: Column,
    build: &'a Arc<IndexBuild>,
}

impl<'a> IndexBuilder<'a> {
    /// None where the index builds nothing, or its column is gone.
    pub(super) fn of(
        engine: &'a Engine,
        table: &'a Arc<Table>,
        index: &'a IndexDef,
        build: &'a Arc<IndexBuild>,
    ) -> Option<Self> {
        let vector = index.vector.as_ref()?;
        let column = table.schema.columns.iter().find(|column| column.id == vector.column)?;
        Some(Self { engine, table, index: index.oid, vector, column: column.clone(), build })
    }

    /// Builds over one segment. `model` is what parts of the kind share.
    ///
    /// # Errors
    /// When vectors can't be read or the object can't be written; 57014 when the build is stopped.
    pub(super) async fn part(
        &self,
        unit: &ObjectUnit,
        model: Option<&IndexModel>,
        draft: &Draft,
    ) -> Result<IndexPart> {
        let spec = self.vector.spec.clone();
        let reader = self.engine.reader();
        let indexed = IndexedRows::of(reader, unit, &self.column, &spec).await?;
        let trained = match model {
            Some(model) => Some(reader.model(model).await?),
            None => None,
        };
        let rows = u32::try_from(indexed.len()).unwrap_or(u32::MAX);
        self.build.enter(BuildPhase::Loading);
        let seed = self.engine.random().u64();
        let (bytes, front, calibration, spread) = self
            .run(move |work, build| {
                let spread = match &trained {
                    Some(model) => indexed.spread(&spec, model, work)?,
                    None => None,
                };
                let bytes = indexed.build(&spec, trained.as_deref(), work)?;
                let front = match &trained {
                    Some(model) => RemoteLists::front_bytes(model, &bytes)?,
                    None => None,
                };
                build.enter(BuildPhase::Calibrating);
                let calibration = indexed.calibrate(&spec, trained, &bytes, seed, work)?;
                Ok((bytes, front, calibration, spread))
            })
            .await?;
        self.build.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let front = front.map(|length| Part::front(&bytes, length));
        let object = self.engine.write_index(self.table.oid(), draft, bytes).await?;
        Ok(IndexPart {
            index: self.index,
            segment: unit.meta.id,
            column: self.vector.column,
            spec: self.vector.spec.clone(),
            object,
            front,
            model: model.map(|model| model.object.clone()),
            rows,
            calibration: Some(calibration),
            spread,
        })
    }

    /// What parts of the index share, trained on a sample of these segments and not yet listed.
    ///
    /// # Errors
    /// As [`IndexBuilder::part`].
    pub(super) async fn model(&self, units: &[ObjectUnit], draft: &Draft) -> Result<IndexModel> {
        self.build.enter(BuildPhase::Training);
        let dimensions = self.vector.spec.dimensions;
        let rows: u64 = units.iter().map(|unit| u64::from(unit.meta.rows)).sum();
        let wanted = Model::sample_rows(&self.vector.spec, rows, self.vector.memory);
        let (mut sample, mut held_out) = (Vec::new(), Vec::new());
        for unit in units {
            let (reader, spec) = (self.engine.reader(), &self.vector.spec);
            let indexed = IndexedRows::of(reader, unit, &self.column, spec).await?;
            let share = u128::from(unit.meta.rows) * wanted as u128 / u128::from(rows.max(1));
            let share = usize::try_from(share).unwrap_or(usize::MAX).max(1);
            sample.reserve(share.min(indexed.len()) * dimensions);
            indexed.sample(share, 0, &mut sample).map_err(failed)?;
            indexed.sample(share.min(MEASURED), BETWEEN, &mut held_out).map_err(failed)?;
        }
        let spec = self.vector.spec.clone();
        let train = move |work: &Work<'_>, _: &IndexBuild| {
            let model = Model::train(&spec, &sample, rows, work)?;
            let held_out = Points::new(held_out.into(), dimensions, None)?;
            Ok((model.encode(), model.spread(&spec, &held_out, work)?))
        };
        let (bytes, spread) = self.run(train).await?;
        let object = self.engine.write_index(self.table.oid(), draft, bytes).await?;
        Ok(IndexModel { index: self.index, spec: self.vector.spec.clone(), object, rows, spread })
    }

    /// Runs work on a thread of its own, which stands back where queries want the processors.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Work<'_>, &IndexBuild) -> std::result::Result<T, IndexError> + Send + 'static,
    ) -> Result<T> {
        let build = Arc::clone(self.build);
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let memory = self.vector.memory;
        let (done, outcome) = tokio::sync::oneshot::channel();
        let run = move || {
            index::stand_back();
            let ties = Work { threads, memory, cancelled: &build.cancelled, done: &build.done };
            let _nobody_waits = done.send(work(&ties, &build));
        };
        std::thread::Builder::new()
            .name("index-build".to_owned())
            .spawn(run)
            .map_err(|error| SqlError::internal(format!("starting an index build: {error}")))?;
        let ended = || SqlError::internal("an index build ended without a result");
        outcome.await.map_err(|_| ended())?.map_err(failed)
    }
}
