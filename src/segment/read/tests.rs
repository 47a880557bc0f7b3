//! Tests of the reader, over what the writer wrote.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use roaring::RoaringBitmap;

use crate::base::limits::ROW_GROUP_ROWS;
use crate::base::{ColumnId, OsRandom, Random, RowIds, SegmentId, SqlState};
use crate::index::{
    Elements, IndexKind, IndexSpec, Metric, Model, Points, Query, RemoteLists, SearchOptions,
    Selection, TopK, Work, build, distance,
};
use crate::segment::tests::{TABLE, World, code, column, ids_of, item_rows, items};
use crate::segment::{
    InMemory, IndexPart, KeyMatch, Part, RowIdMap, Scan, Segment, TableVersion, Unit, split_address,
};
use crate::store::object::{Location, Objects};

/// Ids in an order that isn't theirs.
fn shuffled(count: i64) -> Vec<i64> {
    (0..count).map(|id| (id * 7_919) % count).collect()
}

async fn version_of(world: &World, ids: &[i64]) -> TableVersion {
    let half = ids.len() / 2;
    let batches = [item_rows(&ids[..half]), item_rows(&ids[half..])];
    let metas = world.write(&items(), &batches).await;
    TableVersion::of(TABLE, metas.into_iter().map(|meta| Segment::object(Arc::new(meta))))
}

async fn scan_all(world: &World, version: &TableVersion, scan: Scan) -> Vec<RecordBatch> {
    let scan = Arc::new(scan);
    let mut batches = Vec::new();
    for unit in version.units() {
        let stream = world.reader.scan(unit, Arc::clone(&scan));
        batches.extend(stream.try_collect::<Vec<_>>().await.unwrap());
    }
    batches
}

#[tokio::test]
async fn what_is_written_is_read_sorted() {
    let world = World::new();
    let version = version_of(&world, &shuffled(40_000)).await;
    for reader in [&world, &world.restarted()] {
        let mut scan = Scan::of(items().columns.clone().into());
        scan.address = true;
        scan.row_id = true;
        let batches = scan_all(reader, &version, scan).await;
        let expected: Vec<i64> = (0..40_000).collect();
        assert_eq!(ids_of(&batches), expected);
        let all = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
        assert_eq!(all.project(&[0, 1, 2, 3, 4]).unwrap(), item_rows(&expected));
        let addresses = all.column(5).as_primitive::<UInt64Type>();
        assert_eq!(split_address(addresses.value(17_000)), (0, 17_000));
        assert_eq!(all.column(6).as_primitive::<UInt64Type>().value(17_000), 18_000);
    }
}

#[tokio::test]
async fn deleted_rows_and_pruned_groups_are_left_out() {
    let world = World::new();
    let version = version_of(&world, &shuffled(50_000)).await;
    let segment = version.segment(0).unwrap().id;
    let group = u32::try_from(ROW_GROUP_ROWS).unwrap();
    let mut deleted: RoaringBitmap = (group..2 * group).collect();
    deleted.insert(5);
    let version = version.with_deleted(segment, &deleted);
    let mut scan = Scan::of(items().columns[..1].to_vec().into());
    let kept: Vec<i64> =
        (0..50_000).filter(|id| !deleted.contains(u32::try_from(*id).unwrap())).collect();
    assert_eq!(ids_of(&scan_all(&world, &version, scan.clone()).await), kept);
    scan.row_groups = Some(0..1);
    assert_eq!(
        scan_all(&world, &version, scan.clone())
            .await
            .iter()
            .map(RecordBatch::num_rows)
            .sum::<usize>(),
        ROW_GROUP_ROWS - 1
    );
    scan.row_groups = None;
    scan.pruner = Some(Arc::new(|statistics| {
        use datafusion::common::pruning::PruningStatistics;
        let min = statistics.min_values(&"id".into()).unwrap();
        min.as_primitive::<Int64Type>().values().iter().map(|min| *min > 40_000).collect()
    }));
    let found = ids_of(&scan_all(&world, &version, scan.clone()).await);
    assert_eq!(found, (49_152..50_000).collect::<Vec<i64>>());
    scan.pruner = None;
    scan.selection = Some(Arc::new(RoaringBitmap::from([5, 6, 49_999])));
    assert_eq!(ids_of(&scan_all(&world, &version, scan).await), [6, 49_999]);
}

#[tokio::test]
async fn a_column_added_later_has_its_value_in_old_segments() {
    let world = World::new();
    let version = version_of(&world, &[1, 2]).await;
    let mut later = column(9, "later", DataType::Int32);
    later.missing = ScalarValue::Int32(Some(42));
    let columns = vec![items().columns[0].clone(), later];
    let batches = scan_all(&world, &version, Scan::of(columns.into())).await;
    assert_eq!(
        batches[0].column(1).as_primitive::<arrow::datatypes::Int32Type>().values(),
        &[42, 42]
    );
}

fn in_memory(number: u128, ids: &[i64]) -> Segment {
    let row_ids = RowIdMap::Contiguous(RowIds { first: 1, count: ids.len() as u64 });
    let rows = InMemory::new(items().ids(), item_rows(ids), row_ids).unwrap();
    Segment::memory(SegmentId(uuid::Uuid::from_u128(number)), Arc::new(rows))
}

#[tokio::test]
async fn rows_are_taken_in_the_order_asked_for() {
    let world = World::new();
    let version = version_of(&world, &shuffled(40_000)).await;
    let version = version.with_segment(in_memory(1, &[70_000, 70_001]));
    let memory = crate::segment::address(1, 1);
    let addresses = [39_999, memory, 3, 20_000, 3];
    let taken = world.reader.take(&version, &addresses, &items().columns).await.unwrap();
    assert_eq!(taken, item_rows(&[39_999, 70_001, 3, 20_000, 3]));
    let none = world.reader.take(&version, &[], &items().columns).await.unwrap();
    assert_eq!(none.num_rows(), 0);
    assert!(world.reader.take(&version, &[40_000], &items().columns).await.is_err());
}

fn keys_found(found: &[KeyMatch]) -> Vec<(usize, u64)> {
    found.iter().map(|found| (found.key, found.address)).collect()
}

#[tokio::test]
async fn keys_are_found_where_they_are() {
    let world = World::new();
    let schema = items();
    let version = version_of(&world, &shuffled(40_000)).await;
    let version = version.with_segment(in_memory(1, &[70_000, 70_001]));
    let keys: ArrayRef =
        Arc::new(Int64Array::from(vec![Some(5), Some(-1), Some(70_001), None, Some(39_999)]));
    let key = &schema.columns[..1];
    let nowhere = |_: SegmentId| false;
    let memory = crate::segment::address(1, 1);
    let found = world.reader.find_keys(&version, key, &[Arc::clone(&keys)], &nowhere).await;
    assert_eq!(keys_found(&found.unwrap()), [(0, 5), (2, memory), (4, 39_999)]);
    let first = version.segment(0).unwrap().id;
    let deleted = version.with_deleted(first, &RoaringBitmap::from([5]));
    let found = world.reader.find_keys(&deleted, key, &[Arc::clone(&keys)], &nowhere).await;
    assert_eq!(keys_found(&found.unwrap()), [(2, memory), (4, 39_999)]);
    let except = |segment: SegmentId| segment == first;
    let found = world.reader.find_keys(&version, key, &[keys], &except).await;
    assert_eq!(keys_found(&found.unwrap()), [(2, memory)]);
    let codes = [code(17), code(50_000), code(70_000), code(30_000)];
    let codes = arrow::array::FixedSizeBinaryArray::try_from_iter(codes.iter()).unwrap();
    let codes: ArrayRef = Arc::new(codes);
    let found =
        world.reader.find_keys(&version, &schema.columns[4..], &[codes], &nowhere).await.unwrap();
    assert_eq!(keys_found(&found), [(0, 17), (2, crate::segment::address(1, 0)), (3, 30_000)]);
    // A key of two columns, and one that has no filter.
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![7, 7]));
    let names: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["item 7", "item 8"]));
    let found = world
        .reader
        .find_keys(&version, &schema.columns[..2], &[ids, names], &nowhere)
        .await
        .unwrap();
    assert_eq!(keys_found(&found), [(0, 7)]);
}

#[tokio::test]
async fn absent_keys_cost_no_reads_but_the_filters() {
    let world = World::new();
    let even: Vec<i64> = shuffled(40_000).iter().map(|id| id * 2).collect();
    let version = version_of(&world, &even).await;
    let cold = world.restarted();
    let before = cold.objects.counters().counts().reads;
    for chunk in 0..20 {
        let absent: Vec<i64> = (0..100).map(|id| (chunk * 100 + id) * 2 + 1).collect();
        let keys: ArrayRef = Arc::new(Int64Array::from(absent));
        let found = cold
            .reader
            .find_keys(&version, &items().columns[..1], &[keys], &|_| false)
            .await
            .unwrap();
        assert!(found.is_empty());
    }
    assert!(cold.objects.counters().counts().reads - before <= 3);
}

#[tokio::test]
async fn keys_beyond_a_segments_bounds_cost_no_reads() {
    let world = World::new();
    let version = version_of(&world, &shuffled(1_000)).await;
    let cold = world.restarted();
    let before = cold.objects.counters().counts().reads;
    let find = |ids: Vec<i64>| {
        let keys: ArrayRef = Arc::new(Int64Array::from(ids));
        let (reader, version) = (&cold.reader, &version);
        async move {
            let columns = &items().columns[..1];
            reader.find_keys(version, columns, &[keys], &|_| false).await.unwrap().len()
        }
    };
    assert_eq!(find(vec![1_000, 5_000]).await + find(vec![-7, -1]).await, 0);
    assert_eq!(cold.objects.counters().counts().reads, before);
    assert_eq!(find(vec![-1, 999, 1_000]).await, 1);
    assert_eq!(find(vec![0]).await, 1);
}

#[tokio::test]
async fn vectors_are_flat_and_survive_a_lost_cache() {
    let world = World::new();
    let version = version_of(&world, &shuffled(40_000)).await;
    let embedding = items().columns[3].clone();
    let unit = version.units().remove(0);
    let check = |vectors: &crate::segment::Vectors| {
        assert_eq!((vectors.rows(), vectors.dimensions()), (40_000, 3));
        assert_eq!(vectors.vector(39_999), Some(&[39_999.0, 1.0, -39_999.0][..]));
        assert_eq!(vectors.vector(5), None);
        assert_eq!(vectors.nulls().unwrap().null_count(), 8_000);
    };
    let reads = world.objects.counters().counts().reads;
    check(&world.reader.vectors(&unit, &embedding).await.unwrap().unwrap());
    assert_eq!(world.objects.counters().counts().reads, reads, "the writer seeds the cache");
    let cold = world.restarted();
    check(&cold.reader.vectors(&unit, &embedding).await.unwrap().unwrap());
    std::fs::remove_dir_all(cold.folder.path().join("cache")).unwrap();
    check(&cold.reader.vectors(&unit, &embedding).await.unwrap().unwrap());
    let memory = TableVersion::of(TABLE, [in_memory(1, &[3, 4, 5])]).units().remove(0);
    let vectors = world.reader.vectors(&memory, &embedding).await.unwrap().unwrap();
    assert_eq!(vectors.vector(1), Some(&[4.0, 1.0, -4.0][..]));
    assert_eq!(vectors.vector(2), None);
    assert_eq!(vectors.vector(3), None);
}

/// Each byte matters: damage is an error that names the object, or (in a part that nobody
/// reads) harmless; never a panic, never other rows.
#[tokio::test]
async fn damage_is_an_error_that_names_the_object() {
    let folder = tempfile::tempdir().unwrap();
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let location = Location::File(folder.path().to_owned());
    let objects = Arc::new(Objects::open(&location, Arc::clone(&random)).unwrap());
    let world = World::over(objects, random);
    let ids: Vec<i64> = (0..300).collect();
    let version = version_of(&world, &ids).await;
    let Unit::Object(unit) = version.units().remove(0) else { panic!("an object") };
    let file = folder.path().join(&unit.meta.data.path);
    let whole = std::fs::read(&file).unwrap();
    assert_eq!(whole.len() as u64, unit.meta.data.length);
    let (mut errors, mut harmless) = (0, 0);
    for at in (0..whole.len()).step_by(37).chain([whole.len() - 1]) {
        for cut in [false, true] {
            let mut damaged = whole.clone();
            if cut {
                damaged.truncate(at);
            } else {
                damaged[at] ^= 0x10;
            }
            std::fs::write(&file, &damaged).unwrap();
            let cold = world.restarted();
            let keys: ArrayRef = Arc::new(Int64Array::from(vec![7]));
            let key = &items().columns[..1];
            let found = cold.reader.find_keys(&version, key, &[keys], &|_| false).await;
            let scan = Arc::new(Scan::of(items().columns.clone().into()));
            let unit = Unit::Object(unit.clone());
            let rows = cold.reader.scan(unit, scan).try_collect::<Vec<_>>().await;
            for error in [found.as_ref().err(), rows.as_ref().err()].into_iter().flatten() {
                assert!(
                    error.to_string().contains(&version.objects().next().unwrap().1.id.to_string()),
                    "{error}"
                );
                assert!(
                    [SqlState::DATA_CORRUPTED, SqlState::CANNOT_CONNECT_NOW]
                        .contains(&error.code()),
                    "{error:?}"
                );
            }
            match (found, rows) {
                (Ok(found), Ok(rows)) => {
                    harmless += 1;
                    assert_eq!(keys_found(&found), [(0, 7)]);
                    assert_eq!(ids_of(&rows), ids);
                }
                _ => errors += 1,
            }
        }
    }
    assert!(errors > harmless * 10, "{errors} errors, {harmless} harmless");
}

#[tokio::test]
async fn a_missing_object_is_an_error_never_fewer_rows() {
    let world = World::new();
    let version = version_of(&world, &[1, 2, 3]).await;
    let Unit::Object(unit) = version.units().remove(0) else { panic!("an object") };
    world.objects.delete(&unit.meta.data.path).await.unwrap();
    let scan = Arc::new(Scan::of(items().columns.clone().into()));
    let read = world.reader.scan(Unit::Object(unit), scan).try_collect::<Vec<_>>().await;
    assert_eq!(read.unwrap_err().code(), SqlState::DATA_CORRUPTED);
    assert_eq!(ColumnId(1), items().columns[0].id);
}

/// An index over a segment's vectors of three numbers, stored.
async fn indexed(world: &World, unit: &Unit, segment: SegmentId) -> IndexPart {
    let embedding = &items().columns[3];
    let vectors = world.reader.vectors(unit, embedding).await.unwrap().unwrap();
    let spec = IndexSpec {
        kind: IndexKind::Redkite { lists: Some(64) },
        metric: Metric::L2,
        dimensions: vectors.dimensions(),
        elements: Elements::Numbers,
    };
    let (cancelled, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let work = Work { threads: 1, memory: u64::MAX, cancelled: &cancelled, done: &done };
    let model = Model::train(&spec, vectors.values(), vectors.rows() as u64, &work).unwrap();
    let rows = 0..vectors.rows() as u32;
    let rows = rows.filter(|row| vectors.vector(*row as usize).is_some()).collect();
    let points = Points::new(vectors.shared(), spec.dimensions, Some(rows)).unwrap();
    let bytes = build(&spec, Some(&model), &points, &work).unwrap();
    let put = async |name: &str, bytes: bytes::Bytes| world.objects.put(name, bytes).await.unwrap();
    IndexPart {
        index: TABLE,
        segment,
        column: embedding.id,
        spec,
        front: RemoteLists::front_bytes(&model, &bytes)
            .unwrap()
            .map(|length| Part::front(&bytes, length)),
        object: put("data/1/a/part.index", bytes.into()).await,
        model: Some(put("data/1/a/model.index", model.encode()).await),
        rows: unit.total_rows(),
        calibration: None,
        spread: None,
    }
}

/// A cold search waits three times for a store that is far away: for what tells where things are, for
/// vectors, and for the winners' columns.
#[tokio::test]
async fn a_cold_search_waits_three_times_for_the_store() {
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let objects = Objects::far_away(Duration::from_millis(20), Arc::clone(&random));
    let world = World::over(Arc::new(objects), random);
    let version = version_of(&world, &shuffled(60_000)).await;
    let unit = version.units().remove(0);
    let Unit::Object(object) = &unit else { panic!("rows in memory") };
    let part = Arc::new(indexed(&world, &unit, object.meta.id).await);
    let reader = Arc::new(world.restarted().reader.counted());
    let open = reader.index(object, &part, &items().columns[3]).await.unwrap().unwrap();
    let cancelled = AtomicBool::new(false);
    let options = SearchOptions {
        k: 5,
        effort: 64,
        refine: 8,
        first_row: 0,
        selection: Selection::All,
        cancelled: &cancelled,
    };
    let mut nearest = TopK::new(5);
    open.search(&Query::Numbers(vec![1.0, 2.0, 3.0]), &options, &mut nearest).unwrap();
    let addresses: Vec<u64> = nearest.into_sorted().iter().map(|found| found.row).collect();
    reader.take(&version, &addresses, &items().columns[..3]).await.unwrap();
    let cold = reader.objects().counters().counts();
    assert!(cold.reads >= 8, "{} reads", cold.reads);
    assert_eq!(cold.rounds, 3);
    reader.take(&version, &addresses, &items().columns[..3]).await.unwrap();
    assert_eq!(reader.objects().counters().counts(), cold, "warm");
}

/// What is far away and large is searched where it is: the same rows as here, after two waits, and of all
/// bytes only a few.
#[tokio::test]
async fn a_remote_index_is_searched_list_by_list() {
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let objects = Objects::far_away(Duration::from_millis(20), Arc::clone(&random));
    let world = World::over(Arc::new(objects), random);
    let version = version_of(&world, &shuffled(60_000)).await;
    let unit = version.units().remove(0);
    let Unit::Object(object) = &unit else { panic!("rows in memory") };
    let (part, column) = (indexed(&world, &unit, object.meta.id).await, &items().columns[3]);
    let part = Arc::new(part);
    let numbers = vec![30_000.0, 1.0, -30_000.0];
    let cancelled = AtomicBool::new(false);
    let deleted: RoaringBitmap = [29_999, 30_001].into();
    let options = SearchOptions {
        k: 5,
        effort: 3,
        refine: 8,
        first_row: 0,
        selection: Selection::Except(&deleted),
        cancelled: &cancelled,
    };
    let here = world.restarted().reader.index(object, &part, column).await.unwrap().unwrap();
    let mut expected = TopK::new(5);
    here.search(&Query::Numbers(numbers.clone()), &options, &mut expected).unwrap();

    let node = world.restarted();
    let small = node.reader.remote_index(object, &part, column).await.unwrap();
    assert!(small.is_none(), "what is small is brought at once");
    let reader = node.remote_reader().counted();
    let remote = reader.remote_index(object, &part, column).await.unwrap().unwrap();
    let lists = remote.lists.probes(&numbers, options.effort).unwrap();
    let lists = reader.read_lists(object, &remote, lists).await.unwrap().unwrap();
    let (rows, _) = remote.lists.candidates(&numbers, &options, &lists).unwrap();
    let vectors = reader.vectors_at(&object.meta, column, &rows).await.unwrap().unwrap();
    let mut found = TopK::new(5);
    for (row, vector) in rows.iter().zip(vectors.chunks_exact(3)) {
        found.push(distance(Metric::L2, &numbers, vector), u64::from(*row));
    }
    assert_eq!(found.into_sorted(), expected.into_sorted());
    let counts = reader.objects().counters().counts();
    assert_eq!(counts.rounds, 3);
    let all = part.object.length + 60_000 * 12;
    assert!(counts.read_bytes < all / 2, "{} of {all} bytes", counts.read_bytes);

    let mut bytes = world.objects.get(&part.object).await.unwrap().to_vec();
    bytes[usize::try_from(lists[0].0.offset).unwrap()] ^= 1;
    world.objects.delete(&part.object.path).await.unwrap();
    world.objects.put(&part.object.path, bytes.into()).await.unwrap();
    let reader = world.restarted().remote_reader();
    let remote = reader.remote_index(object, &part, column).await.unwrap().unwrap();
    let lists = remote.lists.probes(&numbers, options.effort).unwrap();
    assert!(reader.read_lists(object, &remote, lists).await.unwrap().is_none(), "damaged");
    assert!(reader.remote_index(object, &part, column).await.unwrap().is_none());
}

#[tokio::test]
async fn vectors_are_read_page_by_page() {
    let world = World::new();
    let version = version_of(&world, &shuffled(40_000)).await;
    let unit = version.units().remove(0);
    let Unit::Object(object) = &unit else { panic!("rows in memory") };
    let column = &items().columns[3];
    let all = world.reader.vectors(&unit, column).await.unwrap().unwrap();
    let reader = world.restarted().reader.counted();
    for rows in [vec![1], vec![1, 2, 7_001, 16_382, 16_384, 39_999], vec![]] {
        let expected: Vec<f32> =
            rows.iter().flat_map(|row| all.vector(*row as usize).unwrap()).copied().collect();
        let read = reader.vectors_at(&object.meta, column, &rows).await.unwrap();
        assert_eq!(read, Some(expected));
    }
    assert!(reader.objects().counters().counts().read_bytes < object.meta.data.length / 2);
    let nothing = reader.vectors_at(&object.meta, column, &[0]).await.unwrap_err();
    assert_eq!(nothing.code(), SqlState::DATA_CORRUPTED);
    let other = reader.vectors_at(&object.meta, &items().columns[2], &[1]).await.unwrap();
    assert_eq!(other, None);
}
