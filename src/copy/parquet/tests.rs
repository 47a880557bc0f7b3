use std::sync::Arc;

use arrow::array::{
    Array, AsArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

use super::{ParquetTarget, read_parquet};
use crate::base::{OsRandom, Result, SqlError};
use crate::copy::CopyOptions;
use crate::store::object::{Location, Outside};
use crate::types::{PgType, TextContext};

struct World {
    folder: TempDir,
    outside: Outside,
}

fn world() -> World {
    let folder = TempDir::new().unwrap();
    let own = folder.path().join("own");
    let random = Arc::new(OsRandom);
    let outside = Outside::new(&Location::File(own.clone()), None, &own, random);
    World { folder, outside }
}

impl World {
    fn path(&self) -> String {
        self.folder.path().join("rows.parquet").to_string_lossy().into_owned()
    }

    /// Rows of others, so many in a row group.
    fn foreign(&self, columns: Vec<(&str, Arc<dyn Array>)>, group: usize) {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let properties =
            WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
        let file = std::fs::File::create(self.path()).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    async fn read(&self, columns: &[(&str, PgType)], listed: bool) -> Result<Vec<RecordBatch>> {
        let columns: Vec<_> =
            columns.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
        let sources = self.outside.open(&self.path()).await?;
        let length: u64 = sources.iter().map(crate::store::object::OutsideSource::length).sum();
        let mut reading = read_parquet(sources, "t", &columns, listed);
        let (mut batches, mut read) = (Vec::new(), 0);
        while let Some((batch, bytes)) = reading.next().await? {
            batches.push(batch);
            read += bytes;
        }
        assert!(read <= length, "no more is told than there is");
        Ok(batches)
    }

    async fn error(&self, columns: &[(&str, PgType)]) -> (String, String) {
        let error: SqlError = self.read(columns, true).await.unwrap_err();
        (format!("{} {error}", error.code()), error.fields().context.clone().unwrap_or_default())
    }
}

fn vectors(rows: impl Iterator<Item = Option<Vec<Option<f32>>>>) -> Arc<dyn Array> {
    Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(rows))
}

#[tokio::test]
async fn row_groups_come_from_several_threads_and_every_row_once() {
    let world = world();
    let ids = Int64Array::from_iter_values(0..10_000);
    let lists = vectors((0_u16..10_000).map(|row| Some(vec![Some(f32::from(row)), Some(1.0)])));
    world.foreign(vec![("e", lists), ("id", Arc::new(ids))], 700);
    let wanted = [("id", PgType::Int8), ("e", PgType::Vector(Some(2)))];
    let batches = world.read(&wanted, false).await.unwrap();
    let mut seen = vec![false; 10_000];
    for batch in &batches {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let vectors = batch.column(1).as_fixed_size_list();
        for row in 0..batch.num_rows() {
            let id = usize::try_from(ids.value(row)).unwrap();
            assert!(!std::mem::replace(&mut seen[id], true), "row {id} came twice");
            let vector = vectors.value(row);
            let first = vector.as_primitive::<Float32Type>().value(0);
            assert_eq!(first, f32::from(u16::try_from(id).unwrap()));
        }
    }
    assert!(seen.into_iter().all(|seen| seen));
}

#[tokio::test]
async fn an_error_names_the_row_and_the_column() {
    let world = world();
    let ids =
        Int64Array::from_iter_values((0..3_000).map(|id| if id == 1_234 { 1 << 40 } else { id }));
    let texts = StringArray::from_iter_values((0..3_000).map(|_| "x"));
    world.foreign(vec![("id", Arc::new(ids)), ("t", Arc::new(texts))], 500);
    let (said, context) = world.error(&[("id", PgType::Int4), ("t", PgType::Text)]).await;
    assert_eq!(said, "22003 integer out of range");
    assert_eq!(context, "COPY t, row 1235, column id");
    let (said, context) = world.error(&[("t", PgType::Int4)]).await;
    assert_eq!(said, "22P02 invalid input syntax for type integer: \"x\"");
    assert!(context.ends_with(", column t"), "{context}");
    let (said, _) = world.error(&[("nothing", PgType::Int4)]).await;
    assert_eq!(said, "22P04 missing data for column \"nothing\"");
    let (said, _) = world.error(&[("id", PgType::Timestamp)]).await;
    assert_eq!(
        said,
        "42804 column \"id\" is of type timestamp without time zone but the file's column is of \
         type bigint"
    );
}

#[tokio::test]
async fn values_that_postgresql_does_not_have_are_refused() {
    let world = world();
    let zero = StringArray::from(vec!["a\0b"]);
    let early = TimestampMicrosecondArray::from(vec![-300_000_000_000_000_000]);
    let large = UInt64Array::from(vec![u64::MAX]);
    let unsigned = UInt32Array::from(vec![u32::MAX]);
    let field = Arc::new(Field::new("x", DataType::UInt64, true));
    let part = StructArray::from(vec![(field, Arc::new(large.clone()) as Arc<dyn Array>)]);
    let holes = vectors([Some(vec![Some(1.0), None])].into_iter());
    world.foreign(
        vec![
            ("zero", Arc::new(zero)),
            ("early", Arc::new(early)),
            ("large", Arc::new(large)),
            ("unsigned", Arc::new(unsigned)),
            ("part", Arc::new(part)),
            ("holes", holes),
        ],
        10,
    );
    for (column, ty, code) in [
        ("zero", PgType::Text, "22021"),
        ("early", PgType::Timestamp, "22008"),
        ("large", PgType::Int8, "22003"),
        ("unsigned", PgType::Int4, "22003"),
        ("part", PgType::Jsonb, "42804"),
        ("holes", PgType::Vector(None), "22004"),
        ("holes", PgType::Int4, "42804"),
    ] {
        let (said, _) = world.error(&[(column, ty)]).await;
        assert!(said.starts_with(code), "{column}: {said}");
    }
    let batches = world.read(&[("unsigned", PgType::Int8)], true).await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), i64::from(u32::MAX));
}

/// What was read stops being read when nobody asks.
#[tokio::test]
async fn rows_that_nobody_takes_are_not_waited_for() {
    let world = world();
    let ids = Int64Array::from_iter_values(0..100_000);
    world.foreign(vec![("id", Arc::new(ids))], 1_000);
    let sources = world.outside.open(&world.path()).await.unwrap();
    let mut reading = read_parquet(sources, "t", &[("id".to_owned(), PgType::Int8)], true);
    assert!(reading.next().await.unwrap().is_some());
    drop(reading);
}

/// A file of ours.
async fn written(world: &World) -> Vec<u8> {
    let ids = Int64Array::from_iter_values(0..50);
    let names = StringArray::from_iter_values((0..50).map(|id| format!("name {id}")));
    let lists = vectors((0_u8..50).map(|id| Some(vec![Some(f32::from(id)), Some(0.5)])));
    let vector = PgType::Vector(None);
    let lists = arrow::compute::cast(&lists, &vector.arrow()).unwrap();
    let columns: Vec<(&str, Arc<dyn Array>)> =
        vec![("id", Arc::new(ids)), ("name", Arc::new(names)), ("e", lists)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let schema: Arc<Schema> = batch.schema();
    let types = [("id", &PgType::Int8), ("name", &PgType::Text), ("e", &vector)];
    let target = world.outside.create(&world.path()).await.unwrap();
    let (options, context) = (CopyOptions::default(), TextContext::default());
    let mut target = ParquetTarget::new(target, &types, &schema, &options, &context).unwrap();
    target.write(batch).await.unwrap();
    let length = target.finish().await.unwrap();
    let bytes = std::fs::read(world.path()).unwrap();
    assert_eq!(bytes.len() as u64, length);
    bytes
}

#[tokio::test]
async fn what_goes_out_comes_in_again() {
    let world = world();
    written(&world).await;
    let wanted = [
        ("id", PgType::Numeric(Some((20, 0)))),
        ("name", PgType::Varchar(Some(20))),
        ("e", PgType::Vector(Some(2))),
    ];
    let batches = world.read(&wanted, false).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 50);
    let vector = batches[0].column(2).as_fixed_size_list().value(7);
    assert_eq!(vector.as_primitive::<Float32Type>(), &Float32Array::from(vec![7.0, 0.5]));
}
