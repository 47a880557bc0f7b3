//! Rows to a Parquet file: row groups are encoded on threads of their own, some at a time, and their
//! bytes leave in order.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions,
    compute_leaves,
};
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, SchemaDescriptor, Type};
use tokio::task::JoinHandle;

use super::external::External;
use crate::base::limits::{COPY_GROUP_BYTES, COPY_GROUP_ROWS_MAX};
use crate::base::{Result, SqlError, SqlState};
use crate::copy::{CopyOptions, ParquetCompression};
use crate::store::object::OutsideTarget;
use crate::types::{PgType, TextContext};

/// Row groups that are encoded at once.
const GROUPS_IN_FLIGHT: usize = 2;

/// A Parquet file that is being written: visible when it is finished, and never otherwise.
pub struct ParquetTarget {
    target: OutsideTarget,
    parquet: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    columns: Arc<[External]>,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    created: usize,
    in_flight: VecDeque<JoinHandle<Result<Vec<ArrowColumnChunk>>>>,
    bytes: u64,
}

fn failed(error: impl std::fmt::Display) -> SqlError {
    SqlError::internal(format!("writing Parquet: {error}"))
}

impl ParquetTarget {
    /// Begins a file of these columns, whose arrays are of the schema's types.
    ///
    /// # Errors
    /// 42701 where two columns have one name: nobody could read them.
    pub fn new(
        target: OutsideTarget,
        columns: &[(&str, &PgType)],
        schema: &Schema,
        options: &CopyOptions,
        context: &TextContext,
    ) -> Result<Self> {
        let mut names = HashSet::new();
        if let Some((twice, _)) = columns.iter().find(|(name, _)| !names.insert(*name)) {
            let message = format!("column name \"{twice}\" specified more than once");
            return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
        }
        if columns.is_empty() || columns.len() != schema.fields().len() {
            return Err(SqlError::unsupported("a Parquet file must have a column"));
        }
        let of_column = |((_, ty), field): (&(&str, &PgType), &Arc<Field>)| {
            External::new(ty, field.data_type(), context)
        };
        let external: Arc<[External]> =
            columns.iter().zip(schema.fields()).map(of_column).collect();
        let fields: Vec<Field> =
            columns.iter().zip(&*external).map(|((name, _), of)| of.field(name)).collect();
        let schema = Arc::new(Schema::new(fields));
        let writer_options = ArrowWriterOptions::new()
            .with_properties(properties(&schema, &external, options.compression)?)
            .with_parquet_schema(descriptor(&schema, &external)?);
        let writer =
            ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&schema), writer_options);
        let (parquet, factory) =
            writer.and_then(ArrowWriter::into_serialized_writer).map_err(failed)?;
        Ok(Self {
            target,
            parquet,
            factory,
            schema,
            columns: external,
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
            created: 0,
            in_flight: VecDeque::new(),
            bytes: 0,
        })
    }

    /// Takes rows; how many bytes of the file were written so far.
    ///
    /// # Errors
    /// When the file can't be written.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<u64> {
        let bytes = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
        self.waiting_bytes += batch.columns().iter().map(bytes).sum::<usize>();
        self.waiting_rows += batch.num_rows();
        self.waiting.push(batch);
        if self.waiting_bytes >= COPY_GROUP_BYTES || self.waiting_rows >= COPY_GROUP_ROWS_MAX {
            self.begin_group().await?;
        }
        Ok(self.bytes)
    }

    async fn begin_group(&mut self) -> Result<()> {
        let batches = std::mem::take(&mut self.waiting);
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        if batches.is_empty() {
            return Ok(());
        }
        while self.in_flight.len() >= GROUPS_IN_FLIGHT {
            self.end_group().await?;
        }
        let writers = self.factory.create_column_writers(self.created).map_err(failed)?;
        self.created += 1;
        let (schema, columns) = (Arc::clone(&self.schema), Arc::clone(&self.columns));
        self.in_flight.push_back(tokio::task::spawn_blocking(move || {
            encode(writers, &batches, &schema, &columns)
        }));
        Ok(())
    }

    async fn end_group(&mut self) -> Result<()> {
        let Some(next) = self.in_flight.pop_front() else { return Ok(()) };
        let chunks = next.await.map_err(failed)??;
        let mut group = self.parquet.next_row_group().map_err(failed)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group).map_err(failed)?;
        }
        group.close().map_err(failed)?;
        self.parquet.flush().map_err(failed)?;
        self.send().await
    }

    async fn send(&mut self) -> Result<()> {
        let bytes = Bytes::from(std::mem::take(self.parquet.inner_mut()));
        self.bytes += bytes.len() as u64;
        Ok(self.target.write(bytes).await?)
    }

    /// Writes what is left, and makes the file visible; how many bytes it has.
    ///
    /// # Errors
    /// When the file can't be written: then it never was.
    pub async fn finish(mut self) -> Result<u64> {
        self.begin_group().await?;
        while !self.in_flight.is_empty() {
            self.end_group().await?;
        }
        self.parquet.finish().map_err(failed)?;
        self.send().await?;
        self.target.finish().await?;
        Ok(self.bytes)
    }
}

fn encode(
    writers: Vec<ArrowColumnWriter>,
    batches: &[RecordBatch],
    schema: &Schema,
    columns: &[External],
) -> Result<Vec<ArrowColumnChunk>> {
    if writers.len() != columns.len() {
        return Err(failed("a column with several leaves"));
    }
    let mut chunks = Vec::with_capacity(writers.len());
    let each = writers.into_iter().zip(columns).zip(schema.fields()).enumerate();
    for (index, ((mut writer, column), field)) in each {
        for batch in batches {
            let array = batch.columns().get(index).ok_or_else(|| failed("a column is missing"))?;
            let array = column.convert(array)?;
            for leaf in compute_leaves(field, &array).map_err(failed)? {
                writer.write(&leaf).map_err(failed)?;
            }
        }
        chunks.push(writer.close().map_err(failed)?);
    }
    Ok(chunks)
}

fn properties(
    schema: &Schema,
    columns: &[External],
    compression: ParquetCompression,
) -> Result<WriterProperties> {
    let compression = match compression {
        ParquetCompression::None => Compression::UNCOMPRESSED,
        ParquetCompression::Snappy => Compression::SNAPPY,
        ParquetCompression::Zstd => Compression::ZSTD(ZstdLevel::default()),
        ParquetCompression::Lz4 => Compression::LZ4_RAW,
    };
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("redkite ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(compression)
        .set_max_row_group_row_count(Some(COPY_GROUP_ROWS_MAX.saturating_mul(2)));
    for (field, column) in schema.fields().iter().zip(columns) {
        if column.is_vector() {
            let parts = vec![field.name().clone(), "list".to_owned(), "element".to_owned()];
            let path = ColumnPath::new(parts);
            builder = builder
                .set_column_compression(path.clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(path, false);
        }
    }
    Ok(builder.build())
}

/// The Parquet schema, with what Arrow alone does not say of UUIDs and JSON.
fn descriptor(schema: &Schema, columns: &[External]) -> Result<SchemaDescriptor> {
    let plain = ArrowSchemaConverter::new().convert(schema).map_err(failed)?;
    let mut fields = Vec::with_capacity(columns.len());
    for (field, column) in plain.root_schema().get_fields().iter().zip(columns) {
        fields.push(match column.logical() {
            Some(logical) if field.is_primitive() => {
                let length = match column.field("").data_type() {
                    DataType::FixedSizeBinary(length) => *length,
                    _ => -1,
                };
                let built = Type::primitive_type_builder(field.name(), field.get_physical_type())
                    .with_repetition(field.get_basic_info().repetition())
                    .with_length(length)
                    .with_logical_type(Some(logical))
                    .build();
                Arc::new(built.map_err(failed)?)
            }
            _ => Arc::clone(field),
        });
    }
    let root = Type::group_type_builder("schema").with_fields(fields).build().map_err(failed)?;
    Ok(SchemaDescriptor::new(Arc::new(root)))
}
