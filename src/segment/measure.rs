//! Measurements, run by hand (dependencies may be built with less optimisation than a release):
//! `CARGO_PROFILE_DEV_OPT_LEVEL=3 cargo test --lib segment::measure -- --ignored --nocapture`.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array,
    RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field};
use futures::TryStreamExt;
use uuid::Uuid;

use super::tests::{TABLE, World, column, row_ids_from, vector_type};
use super::*;
use crate::base::{Clock, ColumnId, OsRandom, Random, RowIds, SegmentId, SystemClock};
use crate::store::object::{Location, Objects};

fn report(what: &str, value: f64, unit: &str) {
    let _ = writeln!(std::io::stderr(), "{what:<48} {value:>12.2} {unit}");
}

fn local() -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let location = Location::File(folder.path().to_owned());
    let objects = Arc::new(Objects::open(&location, Arc::clone(&random)).unwrap());
    (World::over(objects, random), folder)
}

/// id, name, price, vector(128), code uuid; key (id) or (code).
fn wide(key: i32) -> Arc<TableSchema> {
    Arc::new(TableSchema {
        columns: vec![
            column(1, "id", DataType::Int64),
            column(2, "name", DataType::Utf8),
            column(3, "price", DataType::Float64),
            column(4, "embedding", vector_type(128)),
            column(5, "code", DataType::FixedSizeBinary(16)),
        ],
        sort: vec![ColumnId(key)],
        keys: vec![vec![ColumnId(key)]],
    })
}

fn wide_rows(from: i64, count: i64, dimensions: i32, random: &dyn Random) -> RecordBatch {
    let ids = from..from + count;
    let item = Arc::new(Field::new("vector", DataType::Float32, false));
    let values = (0..count * i64::from(dimensions)).map(|n| (n % 1_013) as f32);
    let vectors = Arc::new(Float32Array::from_iter_values(values));
    let codes: Vec<Uuid> = ids.clone().map(|_| random.uuid()).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(ids.clone())),
        Arc::new(StringArray::from_iter_values(ids.clone().map(|id| format!("item {id}")))),
        Arc::new(Float64Array::from_iter_values(ids.map(|id| id as f64))),
        Arc::new(FixedSizeListArray::new(item, dimensions, vectors, None)),
        Arc::new(FixedSizeBinaryArray::try_from_iter(codes.iter()).unwrap()),
    ];
    let fields: Vec<_> = wide(1).columns.iter().map(|c| Arc::clone(&c.field)).collect();
    let schema = match dimensions {
        128 => wide(1).arrow(),
        _ => Arc::new(arrow::datatypes::Schema::new(
            fields
                .iter()
                .map(|f| match f.name().as_str() {
                    "embedding" => Arc::new(Field::new("embedding", vector_type(dimensions), true)),
                    _ => Arc::clone(f),
                })
                .collect::<Vec<_>>(),
        )),
    };
    RecordBatch::try_new(schema, columns).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn writing_scanning_and_point_look_ups() {
    let clock = SystemClock::new();
    let (world, _folder) = local();
    let batches: Vec<_> =
        (0..20).map(|n| wide_rows(n * 8_192, 8_192, 128, world.random.as_ref())).collect();
    let mut metas = Vec::new();
    let begin = clock.monotonic();
    for _ in 0..6 {
        let mut writer = world.writer(&wide(1), WriterOptions::default());
        for batch in &batches {
            writer.write(batch.clone()).await.unwrap();
        }
        metas.extend(writer.finish(row_ids_from(0)).await.unwrap());
    }
    let seconds = (clock.monotonic() - begin).as_secs_f64();
    let rows = 6.0 * 20.0 * 8_192.0;
    report("write, 128-dim + 4 scalars, fsynced", rows * 512.0 / 1e6 / seconds, "MB/s of vectors");
    report("write", rows / seconds, "rows/s");

    let segment = Segment::object(Arc::new(metas[0].clone()));
    let version = TableVersion::of(TABLE, [segment]);
    let schema = wide(1);
    let scalars: Vec<Column> = schema.columns.iter().filter(|c| c.id.0 < 4).cloned().collect();
    for name in ["scan 3 scalars, cold", "scan 3 scalars, warm"] {
        let begin = clock.monotonic();
        let unit = version.units().remove(0);
        let scan = Arc::new(Scan::of(scalars.clone().into()));
        let read: Vec<_> = world.reader.scan(unit, scan).try_collect().await.unwrap();
        let rows: usize = read.iter().map(RecordBatch::num_rows).sum();
        let seconds = (clock.monotonic() - begin).as_secs_f64();
        report(name, rows as f64 / seconds / 1e6, "M rows/s");
    }
    let cold = world.restarted();
    let begin = clock.monotonic();
    let unit = version.units().remove(0);
    cold.reader.vectors(&unit, &schema.columns[3]).await.unwrap().unwrap();
    let seconds = (clock.monotonic() - begin).as_secs_f64();
    let bytes = f64::from(metas[0].rows) * 512.0;
    report("make flat vectors from Parquet", bytes / 1e6 / seconds, "MB/s");

    let count = 20_000_i64;
    let key = &schema.columns[..1];
    for round in ["point look-up, warming", "point look-up, warm"] {
        let begin = clock.monotonic();
        for n in 0..count {
            let id = n * 7_919 % (20 * 8_192);
            let keys: [ArrayRef; 1] = [Arc::new(Int64Array::from(vec![id]))];
            let found = world.reader.find_keys(&version, key, &keys, &|_| false).await.unwrap();
            let taken =
                world.reader.take(&version, &[found[0].address], &schema.columns).await.unwrap();
            assert_eq!(taken.num_rows(), 1);
        }
        let seconds = (clock.monotonic() - begin).as_secs_f64();
        report(round, seconds * 1e6 / count as f64, "us");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn uniqueness_checks_against_random_keys() {
    let clock = SystemClock::new();
    let (world, _folder) = local();
    let schema = Arc::new(TableSchema {
        columns: wide(5).columns.iter().filter(|c| c.id.0 != 4).cloned().collect(),
        ..wide(5).as_ref().clone()
    });
    let mut segments = Vec::new();
    for _ in 0..10 {
        let mut writer = world.writer(&schema, WriterOptions::default());
        for n in 0..25_i64 {
            let rows = wide_rows(n * 8_000, 8_000, 1, world.random.as_ref());
            writer.write(rows.project(&[0, 1, 2, 4]).unwrap()).await.unwrap();
        }
        let metas = writer.finish(row_ids_from(0)).await.unwrap();
        segments.extend(metas.into_iter().map(|meta| Segment::object(Arc::new(meta))));
    }
    let version = TableVersion::of(TABLE, segments);
    let key = &schema.columns[3..];
    for (name, rows, times) in [("check 1 key", 1, 5_000), ("check 8,000 keys", 8_000, 20)] {
        let cold = world.restarted();
        let before = cold.objects.counters().counts().reads;
        let mut spent = std::time::Duration::ZERO;
        for _ in 0..times {
            let codes: Vec<Uuid> = (0..rows).map(|_| world.random.uuid()).collect();
            let keys: [ArrayRef; 1] =
                [Arc::new(FixedSizeBinaryArray::try_from_iter(codes.iter()).unwrap())];
            let begin = clock.monotonic();
            let found = cold.reader.find_keys(&version, key, &keys, &|_| false).await.unwrap();
            spent += clock.monotonic() - begin;
            assert!(found.is_empty());
        }
        let count = f64::from(rows * times);
        let reads = cold.objects.counters().counts().reads - before;
        report(name, spent.as_secs_f64() * 1e9 / count, "ns a key, 10 segments");
        report("  object reads, cold", reads as f64 / count, "a key");
    }
}

#[test]
#[ignore = "measures"]
fn one_row_commits() {
    let clock = SystemClock::new();
    let random = OsRandom;
    let schema = wide(1);
    let rows: Vec<_> = (0..20_000_i64)
        .map(|n| {
            let ids = RowIdMap::Contiguous(RowIds { first: 1, count: 1 });
            let batch = wide_rows(n, 1, 128, &random);
            let rows = Arc::new(InMemory::new(schema.ids(), batch, ids).unwrap());
            Segment::memory(SegmentId(random.uuid()), rows)
        })
        .collect();
    let count = rows.len() as f64;
    let mut version = TableVersion::empty(TABLE);
    let mut kept = Vec::new();
    let begin = clock.monotonic();
    for segment in &rows {
        version = version.with_segment(segment.clone());
        kept.push(version.clone());
    }
    report("commit of a row", (clock.monotonic() - begin).as_secs_f64() * 1e6 / count, "us");
    for name in ["coalesce 20,000 segments, first time", "coalesce again"] {
        let begin = clock.monotonic();
        let runs = version.memory_runs().len();
        report(name, (clock.monotonic() - begin).as_secs_f64() * 1e6, "us");
        report("  batches", runs as f64, "");
    }
    let begin = clock.monotonic();
    for segment in &rows {
        version.remove(segment.id);
    }
    report("removal of a segment", (clock.monotonic() - begin).as_secs_f64() * 1e6 / count, "us");
}
