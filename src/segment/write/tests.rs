//! Tests of the writer and of merging.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, IntervalMonthDayNanoArray,
    ListArray, RecordBatch, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Field, Int32Type, IntervalMonthDayNano, IntervalUnit, TimeUnit, UInt64Type,
};
use futures::TryStreamExt;
use roaring::RoaringBitmap;
use uuid::Uuid;

use crate::base::{ColumnId, Incarnation, RowIds, SegmentId};
use crate::segment::tests::{TABLE, World, column, ids_of, item_rows, items, row_ids_from};
use crate::segment::{
    Drafts, InMemory, RowIdMap, Scan, Segment, TableSchema, TableVersion, WriterOptions, merge,
};
use crate::store::object::incarnation_of;

#[tokio::test]
async fn large_transactions_write_early() {
    let world = World::new();
    let options = WriterOptions { buffer_bytes: 1 << 30, buffer_rows: 1_000, seed_vectors: true };
    let mut writer = world.writer(&items(), options);
    let ids: Vec<i64> = (0..2_500).rev().collect();
    writer.write(item_rows(&ids)).await.unwrap();
    assert_eq!(writer.total_rows(), 2_500);
    assert!(writer.buffered_bytes() < 500 * 200);
    let metas = writer.finish(row_ids_from(50)).await.unwrap();
    let rows: Vec<u32> = metas.iter().map(|meta| meta.rows).collect();
    assert_eq!(rows, [1_000, 1_000, 500]);
    assert_eq!(metas[1].row_ids, Some(RowIds { first: 1_050, count: 1_000 }));
    for meta in &metas {
        let (table, _) = incarnation_of(&meta.data.path).unwrap();
        assert_eq!(table, TABLE);
        world.objects.get(&meta.data).await.unwrap();
    }
}

/// What nobody can publish any more is told, once nobody writes it any more; what was published,
/// or may have been, is not.
#[tokio::test]
async fn objects_that_are_given_up_are_told() {
    let world = World::new();
    let (drafts, mut given_up) = Drafts::new(Incarnation(world.random.uuid()));
    let options = WriterOptions { buffer_bytes: 1 << 30, buffer_rows: 100, seed_vectors: true };
    for (fate, told) in [("dropped", 3), ("refused", 3), ("submitted", 0), ("published", 0)] {
        let draft = drafts.begin();
        let mut writer = world.writer_of(&draft, &items(), options);
        writer.write(item_rows(&(0..250).collect::<Vec<_>>())).await.unwrap();
        let metas = writer.finish(row_ids_from(0)).await.unwrap();
        assert!(metas.iter().all(|meta| drafts.is_open(&meta.data.path)));
        if fate != "dropped" {
            draft.submitted();
        }
        match fate {
            "refused" => draft.refused(),
            "published" => draft.published(),
            _ => {}
        }
        drop(draft);
        let paths: Vec<String> = std::iter::from_fn(|| given_up.try_recv().ok()).collect();
        assert_eq!(paths.len(), told, "{fate}");
        let open = metas.iter().filter(|meta| drafts.is_open(&meta.data.path)).count();
        assert_eq!(open, if fate == "submitted" { 3 } else { 0 }, "{fate}");
    }
    // A writer that is dropped in the middle gives up what it has begun: the first object is
    // finished when the second one is begun.
    let mut writer = world.writer_of(&drafts.begin(), &items(), options);
    writer.write(item_rows(&(0..250).collect::<Vec<_>>())).await.unwrap();
    drop(writer);
    let limit = std::time::Duration::from_secs(10);
    tokio::time::timeout(limit, given_up.recv()).await.unwrap().unwrap();
}

/// One column of each type that Parquet needs help with, or that pruning looks at.
#[tokio::test]
async fn all_types_come_back() {
    let world = World::new();
    let interval = DataType::Interval(IntervalUnit::MonthDayNano);
    let item = Arc::new(Field::new("item", interval.clone(), true));
    let floats = Arc::new(Field::new("vector", DataType::Float32, false));
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let types = [
        interval.clone(),
        DataType::List(Arc::clone(&item)),
        DataType::Boolean,
        DataType::Date32,
        DataType::Decimal128(20, 3),
        utc.clone(),
        DataType::List(Arc::clone(&floats)),
    ];
    let columns = (1..).zip(types).map(|(id, ty)| column(id, &format!("c{id}"), ty)).collect();
    let schema = Arc::new(TableSchema { columns, ..TableSchema::default() });
    let value = |n: i32| IntervalMonthDayNano::new(n, -n, i64::from(n) * 1_000_000_007);
    let intervals = IntervalMonthDayNanoArray::from(vec![Some(value(1)), None, Some(value(-3))]);
    let lists = ListArray::new(
        item,
        arrow::buffer::OffsetBuffer::from_lengths([1, 0, 2]),
        Arc::new(intervals.clone()),
        Some(vec![true, false, true].into()),
    );
    let vectors = ListArray::new(
        floats,
        arrow::buffer::OffsetBuffer::from_lengths([2, 0, 3]),
        Arc::new(arrow::array::Float32Array::from(vec![1.0, 2.0, 3.0, 4.0, 5.0])),
        None,
    );
    let decimals = Decimal128Array::from(vec![Some(-1), Some(10_i128.pow(19)), None]);
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(intervals),
        Arc::new(lists),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        Arc::new(Date32Array::from(vec![None, Some(-5), Some(7)])),
        Arc::new(decimals.with_precision_and_scale(20, 3).unwrap()),
        Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3]).with_timezone("UTC")),
        Arc::new(vectors),
    ];
    let batch = RecordBatch::try_new(schema.arrow(), arrays).unwrap();
    let metas = world.write(&schema, std::slice::from_ref(&batch)).await;
    let version = TableVersion::of(TABLE, [Segment::object(Arc::new(metas[0].clone()))]);
    let scan = Arc::new(Scan::of(schema.columns.clone().into()));
    let unit = version.units().remove(0);
    let read: Vec<_> = world.reader.scan(unit.clone(), scan).try_collect().await.unwrap();
    assert_eq!(read, [batch]);
    // Vectors of several lengths are not flat.
    let mixed = world.reader.vectors(&unit, &schema.columns[6]).await.unwrap();
    assert!(mixed.is_none());
}

fn in_memory(number: u128, ids: &[i64], first: u64) -> Segment {
    let row_ids = RowIdMap::Contiguous(RowIds { first, count: ids.len() as u64 });
    let rows = InMemory::new(items().ids(), item_rows(ids), row_ids).unwrap();
    Segment::memory(SegmentId(Uuid::from_u128(number)), Arc::new(rows))
}

async fn merged_rows(schema: &Arc<TableSchema>) {
    let world = World::new();
    let evens: Vec<i64> = (0..20_000).map(|id| (id * 7_919 % 20_000) * 2).collect();
    let odds: Vec<i64> = (0..20_000).map(|id| id * 2 + 1).collect();
    let mut inputs = Vec::new();
    for (first, ids) in [(0, &evens), (100_000, &odds)] {
        let mut writer = world.writer(schema, WriterOptions::default());
        writer.write(item_rows(ids)).await.unwrap();
        let metas = writer.finish(row_ids_from(first)).await.unwrap();
        inputs.push(Segment::object(Arc::new(metas[0].clone())));
    }
    inputs.push(in_memory(1, &[50_001, 50_000, -7], 900_000));
    for number in 2..40 {
        inputs.push(in_memory(number, &[60_000 - number as i64], 910_000 + number as u64));
    }
    let deleted: RoaringBitmap = (100..300).collect();
    inputs[0].deleted = Arc::new(deleted.clone());
    inputs[2].deleted = Arc::new(RoaringBitmap::from([1]));
    let version = TableVersion::of(TABLE, inputs.clone());
    let writer = world.writer(schema, WriterOptions::default());
    let merged = merge(&world.reader, &inputs, writer).await.unwrap();
    let metas = merged.segments.iter().cloned().map(Arc::new);
    let after = TableVersion::of(TABLE, metas.map(Segment::object));
    assert_eq!(after.row_count(), version.row_count());
    assert_eq!(after.total_row_count(), version.row_count());
    let mut scan = Scan::of(schema.columns.clone().into());
    scan.row_id = true;
    let scan = Arc::new(scan);
    let mut all = Vec::new();
    for unit in after.units() {
        let stream = world.reader.scan(unit, Arc::clone(&scan));
        all.extend(stream.try_collect::<Vec<_>>().await.unwrap());
    }
    let found = ids_of(&all);
    if !schema.sort.is_empty() {
        assert!(found.is_sorted());
    }
    let all = arrow::compute::concat_batches(&all[0].schema(), &all).unwrap();
    assert_eq!(all.project(&[0, 1, 2, 3, 4]).unwrap(), item_rows(&found));
    // Every live row went where the map says, with its id; no deleted one did.
    let new_ids = all.column(5).as_primitive::<UInt64Type>();
    for (_, segment) in version.segments() {
        for position in (0..segment.total_rows()).step_by(3) {
            let moved = merged.map.find(segment.id, position);
            assert_eq!(moved.is_none(), segment.deleted.contains(position));
            if let Some(moved) = moved {
                let (ordinal, _) = after.find(moved.segment).unwrap();
                assert_eq!(ordinal, 0);
                assert_eq!(new_ids.value(moved.position as usize), moved.row_id);
            }
        }
    }
    assert!(merged.map.find(SegmentId(Uuid::from_u128(77)), 0).is_none());
}

#[tokio::test]
async fn merging_keeps_rows_and_their_ids() {
    merged_rows(&items()).await;
}

#[tokio::test]
async fn merging_without_a_primary_key_keeps_them_too() {
    let unsorted = TableSchema { sort: Vec::new(), ..items().as_ref().clone() };
    merged_rows(&Arc::new(unsorted)).await;
}

#[tokio::test]
async fn merging_deleted_rows_leaves_no_segment() {
    let world = World::new();
    let mut input = in_memory(1, &[1, 2], 1);
    input.deleted = Arc::new(RoaringBitmap::from([0, 1]));
    let writer = world.writer(&items(), WriterOptions::default());
    let merged = merge(&world.reader, &[input], writer).await.unwrap();
    assert!(merged.segments.is_empty());
    assert_eq!(column(1, "x", DataType::Int32).id, ColumnId(1));
    assert_eq!(DataType::Int32, <Int32Type as arrow::datatypes::ArrowPrimitiveType>::DATA_TYPE);
}

/// What `tests/format/duckdb_reads.py` reads.
#[tokio::test]
#[ignore = "writes an example into the folder $REDKITE_FORMAT_EXAMPLE for other readers"]
async fn example() {
    use crate::store::object::{Location, Objects};
    let folder = std::env::var("REDKITE_FORMAT_EXAMPLE").unwrap();
    let random: Arc<dyn crate::base::Random> = Arc::new(crate::base::OsRandom);
    let location = Location::File(folder.into());
    let objects = Arc::new(Objects::open(&location, Arc::clone(&random)).unwrap());
    let world = World::over(objects, random);
    let ids: Vec<i64> = (0..40_000).collect();
    let first = world.write(&items(), &[item_rows(&ids)]).await;
    let inputs = [Segment::object(Arc::new(first[0].clone())), in_memory(1, &[50_000], 7)];
    merge(&world.reader, &inputs, world.writer(&items(), WriterOptions::default())).await.unwrap();
}
