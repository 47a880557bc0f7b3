//! Fixtures of the segment tests, and tests of versions, codecs and statistics.

mod fuzz;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Float64Array,
    Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::common::pruning::PruningStatistics;
use proptest::prelude::*;
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::*;
use crate::base::{ColumnId, Incarnation, Oid, Random, RowIds, SeededRandom, SegmentId};
use crate::store::object::{Cache, Objects};

pub(super) const TABLE: Oid = Oid(20_000);

/// A node's store, cache and reader for one test.
pub(super) struct World {
    pub(super) objects: Arc<Objects>,
    pub(super) cache: Arc<Cache>,
    pub(super) reader: Arc<Reader>,
    pub(super) random: Arc<dyn Random>,
    pub(super) folder: tempfile::TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(7));
        Self::over(Arc::new(Objects::in_memory(Arc::clone(&random))), random)
    }

    pub(super) fn over(objects: Arc<Objects>, random: Arc<dyn Random>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache"), 1 << 30).unwrap();
        let reader = Arc::new(Reader::new(
            Arc::clone(&objects),
            Arc::clone(&cache),
            ReaderOptions::default(),
        ));
        Self { objects, cache, reader, random, folder }
    }

    /// The same store, seen by a node that has just started.
    pub(super) fn restarted(&self) -> Self {
        Self::over(Arc::clone(&self.objects), Arc::clone(&self.random))
    }

    /// Reads as if everything were large, and the cache small.
    pub(super) fn remote_reader(&self) -> Reader {
        let cache = Cache::open(&self.folder.path().join("small"), 1 << 16).unwrap();
        let options = ReaderOptions { remote_bytes_min: 0, ..ReaderOptions::default() };
        Reader::new(Arc::clone(&self.objects), cache, options)
    }

    pub(super) fn writer(&self, schema: &Arc<TableSchema>, options: WriterOptions) -> Writer {
        let (drafts, _nobody) = Drafts::new(Incarnation(self.random.uuid()));
        self.writer_of(&drafts.begin(), schema, options)
    }

    pub(super) fn writer_of(
        &self,
        draft: &Arc<Draft>,
        schema: &Arc<TableSchema>,
        options: WriterOptions,
    ) -> Writer {
        Writer::new(
            Arc::clone(&self.objects),
            Arc::clone(&self.cache),
            Arc::clone(draft),
            Arc::clone(&self.random),
            (TABLE, Arc::clone(schema)),
            options,
        )
    }

    /// Writes rows with ids from 1,000 on.
    pub(super) async fn write(
        &self,
        schema: &Arc<TableSchema>,
        batches: &[RecordBatch],
    ) -> Vec<SegmentMeta> {
        let mut writer = self.writer(schema, WriterOptions::default());
        for batch in batches {
            writer.write(batch.clone()).await.unwrap();
        }
        writer.finish(row_ids_from(1_000)).await.unwrap()
    }
}

pub(super) fn row_ids_from(mut first: u64) -> impl FnMut(u64) -> crate::base::Result<RowIds> {
    move |count| {
        let ids = RowIds { first, count };
        first += count;
        Ok(ids)
    }
}

pub(super) fn column(id: i32, name: &str, data_type: DataType) -> Column {
    Column::new(ColumnId(id), Arc::new(Field::new(name, data_type, true)))
}

pub(super) fn vector_type(dimensions: i32) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("vector", DataType::Float32, false)), dimensions)
}

/// id int8 primary key, name text, price float8, embedding vector(3), code uuid unique.
pub(super) fn items() -> Arc<TableSchema> {
    Arc::new(TableSchema {
        columns: vec![
            column(1, "id", DataType::Int64),
            column(2, "name", DataType::Utf8),
            column(3, "price", DataType::Float64),
            column(5, "embedding", vector_type(3)),
            column(7, "code", DataType::FixedSizeBinary(16)),
        ],
        sort: vec![ColumnId(1)],
        keys: vec![vec![ColumnId(1)], vec![ColumnId(7)]],
    })
}

/// The unique code of an item.
pub(super) fn code(id: i64) -> [u8; 16] {
    let mixed = id.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Uuid::from_u64_pair(mixed.rotate_left(17), mixed).into_bytes()
}

/// Items of these ids; each third has no name, each fifth no embedding.
pub(super) fn item_rows(ids: &[i64]) -> RecordBatch {
    let names = ids.iter().map(|id| (id % 3 != 0).then(|| format!("item {id}")));
    let prices = ids.iter().map(|id| *id as f64 / 2.0);
    let vectors = ids.iter().flat_map(|id| [*id as f32, 1.0, -(*id as f32)]);
    let nulls = ids.iter().map(|id| id % 5 != 0).collect::<Vec<_>>();
    let item = Arc::new(Field::new("vector", DataType::Float32, false));
    let embedding = FixedSizeListArray::new(
        item,
        3,
        Arc::new(Float32Array::from_iter_values(vectors)),
        Some(nulls.into()),
    );
    let codes = FixedSizeBinaryArray::try_from_iter(ids.iter().map(|id| code(*id)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids.to_vec())),
        Arc::new(StringArray::from_iter(names)),
        Arc::new(Float64Array::from_iter_values(prices)),
        Arc::new(embedding),
        Arc::new(codes.unwrap_or_else(|_| FixedSizeBinaryArray::new_null(16, 0))),
    ];
    RecordBatch::try_new(items().arrow(), columns).unwrap()
}

pub(super) fn ids_of(batches: &[RecordBatch]) -> Vec<i64> {
    let ids = |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
    batches.iter().flat_map(ids).collect()
}

fn memory_segment(number: u128, ids: &[i64]) -> Segment {
    let schema = items();
    let row_ids = RowIds { first: 10_000 + number as u64 * 100, count: ids.len() as u64 };
    let rows = InMemory::new(schema.ids(), item_rows(ids), RowIdMap::Contiguous(row_ids)).unwrap();
    Segment::memory(SegmentId(Uuid::from_u128(number)), Arc::new(rows))
}

#[test]
fn thousands_of_one_row_segments_are_few_batches() {
    let mut version = TableVersion::empty(TABLE);
    for number in 0..5_000_i64 {
        version.insert(memory_segment(number as u128, &[number]));
    }
    let runs = version.memory_runs();
    assert!(runs.len() <= 25, "{} batches", runs.len());
    let mut seen = Vec::new();
    for run in &runs {
        let ids = ids_of(std::slice::from_ref(run.batch()));
        for (position, id) in (0..).zip(ids) {
            let (ordinal, row) = split_address(run.address(position));
            assert_eq!(row, 0);
            let segment = version.segment(ordinal).unwrap();
            assert_eq!(segment.id, SegmentId(Uuid::from_u128(id as u128)));
            assert_eq!(run.row_ids().get(position), 10_000 + id as u64 * 100);
            seen.push(id);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..5_000).collect::<Vec<i64>>());
}

#[test]
fn edits_leave_older_versions_as_they_were() {
    let one = TableVersion::of(TABLE, [memory_segment(1, &[1, 2, 3])]);
    let two = one.with_segment(memory_segment(2, &[4]));
    let three = two.with_deleted(SegmentId(Uuid::from_u128(1)), &RoaringBitmap::from([1]));
    let four = three.without_segment(SegmentId(Uuid::from_u128(2)));
    assert_eq!(one.row_count(), 3);
    assert_eq!(two.row_count(), 4);
    assert_eq!(three.row_count(), 3);
    assert_eq!(four.row_count(), 2);
    assert_eq!(four.total_row_count(), 3);
    assert_eq!(two.find(SegmentId(Uuid::from_u128(2))).unwrap().0, 1);
    assert!(four.find(SegmentId(Uuid::from_u128(2))).is_none());
}

proptest! {
    /// Whatever is inserted, removed and deleted: the runs have each live row exactly once.
    #[test]
    fn runs_have_each_row_once(edits in prop::collection::vec((0_u8..10, 1_usize..40, 0_u32..40), 1..120)) {
        let mut version = TableVersion::empty(TABLE);
        let mut model: Vec<(SegmentId, Vec<i64>, RoaringBitmap)> = Vec::new();
        let mut next = 0_i64;
        for (number, (kind, rows, position)) in (0_u128..).zip(edits) {
            match kind {
                0 if !model.is_empty() => {
                    let (id, ..) = model.remove(position as usize % model.len());
                    prop_assert!(version.remove(id).is_some());
                }
                1 | 2 if !model.is_empty() => {
                    let place = position as usize % model.len();
                    let (id, rows, deleted) = &mut model[place];
                    let row = position % u32::try_from(rows.len()).unwrap();
                    deleted.insert(row);
                    prop_assert!(version.delete(*id, &RoaringBitmap::from([row])));
                }
                _ => {
                    let ids: Vec<i64> = (next..next + rows as i64).collect();
                    next += rows as i64;
                    let segment = memory_segment(number, &ids);
                    model.push((segment.id, ids, RoaringBitmap::new()));
                    version.insert(segment);
                }
            }
            if number % 7 == 0 {
                // Coalesces, so that later edits meet nodes that have rows kept.
                version.memory_runs();
            }
        }
        let mut expected = Vec::new();
        for (id, ids, deleted) in &model {
            for (position, row) in (0..).zip(ids) {
                if !deleted.contains(position) {
                    expected.push((*row, *id, position));
                }
            }
        }
        let mut found = Vec::new();
        for run in version.memory_runs() {
            for (position, row) in (0..).zip(ids_of(std::slice::from_ref(run.batch()))) {
                if !run.deleted().contains(position) {
                    let (ordinal, place) = split_address(run.address(position));
                    found.push((row, version.segment(ordinal).unwrap().id, place));
                }
            }
        }
        expected.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(version.row_count(), expected.len() as u64);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn deletion_vectors_come_back(positions in prop::collection::btree_set(any::<u32>(), 0..300)) {
        let positions: RoaringBitmap = positions.into_iter().collect();
        let bytes = encode_deletes(&positions);
        prop_assert_eq!(decode_deletes("d", &bytes).unwrap(), positions);
    }

    #[test]
    fn damaged_deletion_vectors_are_errors(
        positions in prop::collection::btree_set(0_u32..100_000, 1..300),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        cut in any::<bool>(),
    ) {
        let positions: RoaringBitmap = positions.into_iter().collect();
        let mut bytes = encode_deletes(&positions);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at); } else { bytes[at] ^= 1 << bit; }
        let error = decode_deletes("deletes/1", &bytes).unwrap_err();
        prop_assert!(error.to_string().contains("deletes/1"));
    }

    #[test]
    fn inline_rows_come_back_and_damage_is_an_error(
        ids in prop::collection::vec(any::<i64>(), 0..50),
        listed in any::<bool>(),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let ids: Vec<i64> = ids.into_iter().map(|id| id / 2).collect();
        let row_ids = match listed {
            true => RowIdMap::Listed((0..ids.len() as u64).map(|id| id * 7 + 1).collect()),
            false => RowIdMap::Contiguous(RowIds { first: 5, count: ids.len() as u64 }),
        };
        let rows = InMemory::new(items().ids(), item_rows(&ids), row_ids).unwrap();
        let mut bytes = encode_inline(&rows).unwrap();
        let back = decode_inline("inline/1", &bytes).unwrap();
        prop_assert_eq!(back.batch(), rows.batch());
        prop_assert_eq!(back.row_ids(), rows.row_ids());
        prop_assert_eq!(back.columns(), rows.columns());
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let error = decode_inline("inline/1", &bytes).unwrap_err();
        prop_assert!(error.to_string().contains("inline/1"));
        bytes[at] ^= 1 << bit;
        bytes.truncate(at);
        prop_assert!(decode_inline("inline/1", &bytes).is_err());
    }

    /// The bounds hold each value, and survive JSON.
    #[test]
    fn bounds_hold_their_values(
        texts in prop::collection::vec(prop::option::of("\\PC{0,80}"), 1..20),
        floats in prop::collection::vec(any::<f64>(), 1..20),
    ) {
        let array: ArrayRef = Arc::new(StringArray::from(texts.clone()));
        let statistics = ColumnStatistics::of(array.as_ref());
        let json = serde_json::to_string(&statistics).unwrap();
        let statistics: ColumnStatistics = serde_json::from_str(&json).unwrap();
        for text in texts.iter().flatten() {
            if let Some(Bound::Text(min)) = &statistics.min { prop_assert!(min <= text); }
            if let Some(Bound::Text(max)) = &statistics.max { prop_assert!(max >= text); }
        }
        prop_assert_eq!(statistics.nulls, texts.iter().filter(|text| text.is_none()).count() as u64);
        let statistics = ColumnStatistics::of(&Float64Array::from(floats.clone()));
        let back: ColumnStatistics =
            serde_json::from_str(&serde_json::to_string(&statistics).unwrap()).unwrap();
        prop_assert_eq!(&back, &statistics);
        for value in floats {
            if let (Some(Bound::Float(min)), Some(Bound::Float(max))) = (&back.min, &back.max) {
                prop_assert!(*min <= value && value <= *max);
            }
        }
    }
}

#[test]
fn a_number_that_is_none_hides_the_bounds() {
    let values = Float64Array::from(vec![1.0, f64::NAN]);
    assert_eq!(ColumnStatistics::of(&values).max, None);
}

#[test]
fn a_column_of_a_later_version_is_null_in_statistics() {
    let schema = items();
    let columns = [column(1, "id", DataType::Int64), column(9, "later", DataType::Int32)];
    let meta = SegmentMeta {
        id: SegmentId(Uuid::from_u128(1)),
        table: TABLE,
        rows: 10,
        group_rows: 16_384,
        data: ObjectRef { path: "x".to_owned(), length: 100, crc32: 0 },
        footer: Part { offset: 90, length: 10, crc32: 0 },
        row_ids: Some(RowIds { first: 0, count: 10 }),
        sorted_by: schema.sort.clone(),
        columns: schema.ids().to_vec(),
        statistics: [(ColumnId(1), ColumnStatistics::of(&Int64Array::from(vec![3, 9])))].into(),
        key_filters: Vec::new(),
        vector_pages: Vec::new(),
        bytes: 10,
    };
    let back = SegmentMeta::decode(&meta.encode().unwrap()).unwrap();
    assert_eq!(back, meta);
    let statistics = Statistics::of_segments(&columns, [&meta]);
    let nulls = statistics.null_counts(&"later".into()).unwrap();
    assert_eq!(ScalarValue::try_from_array(&nulls, 0).unwrap(), ScalarValue::UInt64(Some(10)));
    let max = statistics.max_values(&"id".into()).unwrap();
    assert_eq!(max.as_primitive::<Int64Type>().value(0), 9);
    assert!(statistics.min_values(&"later".into()).is_none());
    assert!(SegmentMeta::decode(b"{\"version\":99}").is_err());
    assert!(SegmentMeta::decode(b"{").is_err());
}

#[test]
fn hashes_do_not_depend_on_the_width_of_integers() {
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![-5, 7]));
    let wide: ArrayRef = Arc::new(Int64Array::from(vec![-5, 7]));
    let narrow = key_hash::KeyHashes::of(&[narrow]).unwrap().hashes;
    assert_eq!(narrow, key_hash::KeyHashes::of(&[wide]).unwrap().hashes);
    // Part of the format: a change would make filters of old files say no to keys they have.
    assert_eq!(narrow, [KEY_HASH_OF_MINUS_FIVE, KEY_HASH_OF_SEVEN]);
}

const KEY_HASH_OF_MINUS_FIVE: u64 = 6_973_333_425_401_768_166;
const KEY_HASH_OF_SEVEN: u64 = 16_378_500_621_842_325_294;

#[test]
fn key_filters_know_their_keys_and_few_others() {
    let hash = |value: i64| {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![value]));
        key_hash::KeyHashes::of(&[array]).unwrap().hashes[0]
    };
    for count in [0_i64, 1, 2, 3, 10, 1_000, 100_000] {
        let hashes: Vec<u64> = (0..count).map(hash).collect();
        let filter = key_filter::KeyFilter::of_hashes(hashes.clone()).unwrap();
        let filter = key_filter::KeyFilter::decode("f", &filter.encode()).unwrap();
        assert!(hashes.iter().all(|hash| filter.may_contain(*hash)), "{count}");
        let wrong = (count..count + 100_000).filter(|key| filter.may_contain(hash(*key))).count();
        assert!(wrong < 20, "{wrong} of 100,000 wrong for {count} keys");
        if count >= 100_000 {
            assert!(filter.bytes() <= usize::try_from(count).unwrap() * 25 / 10 + 100);
        }
    }
}
