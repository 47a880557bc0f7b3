//! Searches through an index that is far away, against the same index here and against all rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use datafusion::arrow::array::{FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use tempfile::TempDir;

use super::{Searched, nearest_distances};
use crate::base::{ColumnId, Incarnation, Oid, Random, RowIds, SeededRandom};
use crate::exec::SearchSettings;
use crate::index::{
    Elements, IndexKind, IndexSpec, Metric, Model, Points, Query, RemoteLists, Work, build,
};
use crate::segment::{
    Column, Drafts, IndexPart, Part, Reader, ReaderOptions, Segment, TableSchema, TableVersion,
    Unit, Writer, WriterOptions,
};
use crate::store::object::{Cache, ObjectRef, Objects};

const TABLE: Oid = Oid(20_000);
const DIMENSIONS: usize = 8;
const ROWS: usize = 30_000;

/// A table of random vectors with an index over its one segment, in a store.
struct World {
    objects: Arc<Objects>,
    random: Arc<dyn Random>,
    folder: TempDir,
    schema: Arc<TableSchema>,
    part: IndexPart,
    segment: Segment,
}

fn number(random: &dyn Random) -> f32 {
    (random.u64() % 1_000) as f32 / 10.0
}

impl World {
    async fn new(metric: Metric) -> Self {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(3));
        let objects = Objects::in_memory(Arc::clone(&random));
        Self::over(objects, random, metric).await
    }

    async fn over(objects: Objects, random: Arc<dyn Random>, metric: Metric) -> Self {
        let objects = Arc::new(objects);
        let folder = TempDir::new().unwrap();
        let item = Arc::new(Field::new("vector", DataType::Float32, false));
        let vector = DataType::FixedSizeList(Arc::clone(&item), DIMENSIONS as i32);
        let column = |id, name: &str, data_type| {
            Column::new(ColumnId(id), Arc::new(Field::new(name, data_type, true)))
        };
        let schema = Arc::new(TableSchema {
            columns: vec![column(1, "id", DataType::Int64), column(2, "embedding", vector)],
            sort: vec![ColumnId(1)],
            keys: vec![vec![ColumnId(1)]],
        });
        let numbers: Vec<f32> = (0..ROWS * DIMENSIONS).map(|_| number(&*random)).collect();
        let fields: Vec<_> =
            schema.columns.iter().map(|column| Arc::clone(&column.field)).collect();
        let ids = Int64Array::from_iter_values(0..ROWS as i64);
        let values = Arc::new(Float32Array::from(numbers.clone()));
        let vectors = FixedSizeListArray::new(item, DIMENSIONS as i32, values, None);
        let rows = vec![Arc::new(ids) as _, Arc::new(vectors) as _];
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), rows).unwrap();
        let cache = Cache::open(&folder.path().join("writer"), 1 << 30).unwrap();
        let (drafts, _nobody) = Drafts::new(Incarnation(random.uuid()));
        let mut writer = Writer::new(
            Arc::clone(&objects),
            cache,
            drafts.begin(),
            Arc::clone(&random),
            (TABLE, Arc::clone(&schema)),
            WriterOptions::default(),
        );
        writer.write(batch).await.unwrap();
        let row_ids = |count| Ok(RowIds { first: 0, count });
        let meta = Arc::new(writer.finish(row_ids).await.unwrap().remove(0));
        let spec = IndexSpec {
            kind: IndexKind::Redkite { lists: Some(100) },
            metric,
            dimensions: DIMENSIONS,
            elements: Elements::Numbers,
        };
        let (cancelled, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let work = Work { threads: 1, memory: u64::MAX, cancelled: &cancelled, done: &done };
        let model = Model::train(&spec, &numbers, ROWS as u64, &work).unwrap();
        let points = Points::new(numbers.into(), DIMENSIONS, None).unwrap();
        let bytes = build(&spec, Some(&model), &points, &work).unwrap();
        let front = RemoteLists::front_bytes(&model, &bytes).unwrap();
        let put = async |name: &str, bytes: bytes::Bytes| objects.put(name, bytes).await.unwrap();
        let part = IndexPart {
            index: TABLE,
            segment: meta.id,
            column: ColumnId(2),
            spec,
            front: front.map(|length| Part::front(&bytes, length)),
            object: put("data/1/a/part.index", bytes.into()).await,
            model: Some(put("data/1/a/model.index", model.encode()).await),
            rows: meta.rows,
            calibration: None,
            spread: None,
        };
        let deleted = (0..ROWS as u32).filter(|row| row % 7 == 3).collect();
        let segment = Segment { deleted: Arc::new(deleted), ..Segment::object(meta) };
        Self { objects, random, folder, schema, part, segment }
    }

    fn version(&self) -> Arc<TableVersion> {
        let indexes = Arc::from([Arc::new(self.part.clone())]);
        let segment = Segment { indexes, ..self.segment.clone() };
        Arc::new(TableVersion::of(TABLE, [segment]))
    }

    /// A node that has just started. One that searches from afar has no room for what it reads.
    fn reader(&self, name: &str, remote: bool) -> Arc<Reader> {
        let (cache_bytes, remote_bytes_min) =
            if remote { (1 << 16, 0) } else { (1 << 30, u64::MAX) };
        let cache = Cache::open(&self.folder.path().join(name), cache_bytes).unwrap();
        let options = ReaderOptions { remote_bytes_min, ..ReaderOptions::default() };
        Arc::new(Reader::new(Arc::clone(&self.objects), cache, options))
    }

    async fn search(&self, reader: &Arc<Reader>, query: &[f32], probes: u32) -> Vec<f64> {
        let searched =
            Searched { column: &self.schema.columns[1], cast: None, metric: self.part.spec.metric };
        let settings =
            SearchSettings { probes, use_indexes: probes > 0, ..SearchSettings::default() };
        let query = Query::Numbers(query.to_vec());
        nearest_distances(reader, &self.version(), searched, query, 20, settings).await.unwrap()
    }

    fn query(&self) -> Vec<f32> {
        (0..DIMENSIONS).map(|_| number(&*self.random)).collect()
    }
}

#[tokio::test]
async fn what_is_far_away_is_found_as_what_is_here() {
    for metric in [Metric::L2, Metric::InnerProduct, Metric::Cosine] {
        let world = World::new(metric).await;
        let (here, remote) = (world.reader("here", false), world.reader("remote", true));
        for probes in [1, 3, 30, 100] {
            let query = world.query();
            let found = world.search(&remote, &query, probes).await;
            assert_eq!(found, world.search(&here, &query, probes).await, "{metric} {probes}");
            let exact = world.search(&here, &query, 0).await;
            let alike = found.iter().filter(|distance| exact.contains(distance)).count();
            assert!(probes < 30 || alike >= 18, "{metric} {probes}: {alike} of 20");
        }
    }
}

#[tokio::test]
async fn only_what_is_looked_into_is_read() {
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(3));
    let objects = Objects::far_away(Duration::from_millis(20), Arc::clone(&random));
    let world = World::over(objects, random, Metric::L2).await;
    let reader = Arc::new(world.reader("remote", true).counted());
    world.search(&reader, &world.query(), 3).await;
    let cold = reader.objects().counters().counts();
    assert_eq!(cold.rounds, 3);
    world.search(&reader, &world.query(), 3).await;
    assert_eq!(reader.objects().counters().counts().rounds, 5, "lists, then pages");
}

#[tokio::test]
async fn what_is_far_away_comes_here_meanwhile() {
    let world = World::new(Metric::L2).await;
    let cache = Cache::open(&world.folder.path().join("roomy"), 1 << 30).unwrap();
    let options = ReaderOptions { remote_bytes_min: 0, ..ReaderOptions::default() };
    let reader = Arc::new(Reader::new(Arc::clone(&world.objects), cache, options).counted());
    world.search(&reader, &world.query(), 3).await;
    while reader.open_index(&world.part).is_none() {
        tokio::task::yield_now().await;
    }
    let before = reader.objects().counters().counts();
    world.search(&reader, &world.query(), 3).await;
    assert_eq!(reader.objects().counters().counts(), before, "all is here");
}

#[tokio::test]
async fn a_damaged_list_costs_time_and_no_rows() {
    let world = World::new(Metric::L2).await;
    let ObjectRef { path, length, .. } = &world.part.object;
    let mut bytes = world.objects.get(&world.part.object).await.unwrap().to_vec();
    let front = usize::try_from(world.part.front.unwrap().length).unwrap();
    // A byte in each list.
    for at in (front.next_multiple_of(64)..usize::try_from(*length).unwrap()).step_by(64) {
        bytes[at] ^= 1;
    }
    world.objects.delete(path).await.unwrap();
    world.objects.put(path, bytes.into()).await.unwrap();
    let (remote, here) = (world.reader("remote", true), world.reader("here", false));
    let query = world.query();
    assert_eq!(world.search(&remote, &query, 3).await, world.search(&here, &query, 0).await);
    let Unit::Object(unit) = world.version().units().remove(0) else { panic!("an object") };
    let column = &world.schema.columns[1];
    let part = Arc::new(world.part.clone());
    assert!(remote.remote_index(&unit, &part, column).await.unwrap().is_none());
}
