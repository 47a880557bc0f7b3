//! One data object, row group by row group: Parquet, our filters between its row groups and
//! its footer, and the cache's flat vectors beside it.
//!
//! Encoding runs on blocking threads, some row groups at a time; bytes leave for the store in
//! order as they are made, so memory is bounded by the row groups in flight.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions,
    compute_leaves,
};
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, KeyValue};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use tokio::task::JoinHandle;

use super::writer::Target;
use crate::base::limits::ROW_GROUP_ROWS;
use crate::base::{Result, RowIds, SegmentId, SqlError};
use crate::segment::bounds::{self, ColumnStatistics};
use crate::segment::corrupt::broken;
use crate::segment::key_filter::KeyFilter;
use crate::segment::key_hash::KeyHashes;
use crate::segment::read::{
    FOOTER_KEY, FOOTER_TAIL_BYTES, FOOTER_VERSION, FooterEntry, GroupEntry, VectorsFile,
};
use crate::segment::schema::{ROW_ID_COLUMN, is_vector, row_id_field, vector_dimensions};
use crate::segment::vector_pages::{self, Page, Pages};
use crate::segment::{KeyFilterRef, Part, SegmentMeta, TableSchema, VectorPagesRef, adapt};
use crate::store::object::Upload;

/// Row groups that are encoded at once.
const GROUPS_IN_FLIGHT: usize = 3;
/// A page of other columns than vectors.
const PAGE_BYTES: usize = 1 << 20;
/// A page of vectors: what is read from far away to compare one of them.
const VECTOR_PAGE_BYTES: usize = 64 << 10;
/// Columns whose statistics ride in metadata; a table of more is rarely pruned by the rest.
const STATISTICS_COLUMNS_MAX: usize = 64;

/// An object that is being written.
pub(super) struct Encoder {
    target: Arc<Target>,
    id: SegmentId,
    upload: Upload,
    parquet: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
    schema: Arc<Schema>,
    listed_row_ids: bool,
    in_flight: VecDeque<JoinHandle<Result<EncodedGroup>>>,
    created: usize,
    rows: u64,
    bytes: u64,
    entry: FooterEntry,
    totals: Vec<ColumnStatistics>,
    /// For each key the hashes of all rows; `None` once a type had none.
    hashes: Vec<Option<Vec<u64>>>,
    vectors: Vec<(usize, VectorsFile)>,
    /// The pages of each column of vectors, row group by row group.
    pages: Vec<(usize, Pages)>,
}

struct EncodedGroup {
    chunks: Vec<ArrowColumnChunk>,
    /// Rows and bytes of the pages of each column of vectors.
    pages: Vec<Vec<(u32, u32)>>,
    statistics: Vec<ColumnStatistics>,
    hashes: Vec<Option<Vec<u64>>>,
    /// The columns that the cache wants as flat vectors.
    vectors: Vec<(usize, ArrayRef)>,
    rows: u64,
    bytes: u64,
}

/// How each column is written: readable by any Parquet reader, cheap to encode and decode.
fn properties(table: &TableSchema, schema: &Schema) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(concat!("redkite ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::LZ4_RAW)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        // Our own directories are made of it; it isn't written.
        .set_offset_index_disabled(false)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(ROW_GROUP_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_write_batch_size(ROW_GROUP_ROWS);
    for (index, field) in schema.fields().iter().enumerate() {
        let path = leaf_path(field);
        match field.data_type() {
            data_type if is_vector(data_type) => {
                builder = builder
                    .set_column_compression(path.clone(), Compression::UNCOMPRESSED)
                    .set_column_data_page_size_limit(path.clone(), VECTOR_PAGE_BYTES)
                    .set_column_statistics_enabled(path, EnabledStatistics::None);
            }
            DataType::FixedSizeBinary(_) => {
                builder = builder.set_column_compression(path, Compression::UNCOMPRESSED);
            }
            DataType::Utf8 => {
                let id = table.columns.get(index).map(|column| column.id);
                let is_key =
                    table.keys.iter().any(|key| key.len() == 1 && key.first().copied() == id);
                builder = builder.set_column_dictionary_enabled(path, !is_key);
            }
            _ => {}
        }
    }
    builder.build()
}

/// The path of the one leaf of a field.
fn leaf_path(field: &Field) -> ColumnPath {
    let mut parts = vec![field.name().clone()];
    let mut data_type = field.data_type();
    while let DataType::List(item) | DataType::FixedSizeList(item, _) = data_type {
        parts.push("list".to_owned());
        parts.push(item.name().clone());
        data_type = item.data_type();
    }
    ColumnPath::new(parts)
}

impl Encoder {
    /// Begins an object. With `listed_row_ids`, each group brings the hidden ids of its rows;
    /// `rows` is a guess.
    pub(super) async fn begin(
        target: &Arc<Target>,
        listed_row_ids: bool,
        rows: usize,
    ) -> Result<Self> {
        let table = &target.schema;
        let mut fields: Vec<Field> = table.columns.iter().map(adapt::parquet_field).collect();
        if listed_row_ids {
            let field = row_id_field().as_ref().clone();
            let id = ROW_ID_COLUMN.0.to_string();
            fields.push(field.with_metadata([("PARQUET:field_id".to_owned(), id)].into()));
        }
        let schema = Arc::new(Schema::new(fields));
        let options = ArrowWriterOptions::new().with_properties(properties(table, &schema));
        let failed = |error| broken("beginning a Parquet file", error);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&schema), options)
            .map_err(failed)?;
        let (parquet, factory) = writer.into_serialized_writer().map_err(failed)?;
        let id = SegmentId(target.random.uuid());
        let path = target.draft.name(target.table, id);
        let seeded = table.columns.iter().enumerate().filter(|_| target.seed_vectors);
        let vectors = seeded.filter_map(|(index, column)| {
            let dimensions = vector_dimensions(column.data_type())?;
            let name = (id, column.id);
            Some((index, VectorsFile::create(&target.cache, name, dimensions, rows)?))
        });
        let fields = (0..).zip(schema.fields());
        let of_vectors = fields.filter(|(_, field)| is_vector(field.data_type()));
        let pages = of_vectors.map(|(index, _)| (index, Pages::new())).collect();
        Ok(Self {
            id,
            pages,
            upload: target.objects.create(&path).await?,
            parquet,
            factory,
            listed_row_ids,
            in_flight: VecDeque::new(),
            created: 0,
            rows: 0,
            bytes: 0,
            entry: FooterEntry { version: FOOTER_VERSION, groups: Vec::new() },
            totals: Vec::new(),
            hashes: vec![Some(Vec::new()); table.keys.len()],
            vectors: vectors.collect(),
            schema,
            target: Arc::clone(target),
        })
    }

    /// The segment that the object will be.
    pub(super) fn id(&self) -> SegmentId {
        self.id
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row group: [`ROW_GROUP_ROWS`] rows, fewer only in the last one.
    pub(super) async fn group(
        mut self,
        batch: RecordBatch,
        row_ids: Option<ArrayRef>,
    ) -> Result<Self> {
        if row_ids.is_some() != self.listed_row_ids {
            return Err(SqlError::internal("a segment's rows with and without row ids"));
        }
        self.rows += batch.num_rows() as u64;
        while self.in_flight.len() >= GROUPS_IN_FLIGHT {
            self = self.append_next().await?;
        }
        let writers = self
            .factory
            .create_column_writers(self.created)
            .map_err(|error| broken("beginning a row group", error))?;
        self.created += 1;
        let (target, schema) = (Arc::clone(&self.target), Arc::clone(&self.schema));
        let cached: Vec<usize> = self.vectors.iter().map(|(index, _)| *index).collect();
        self.in_flight.push_back(tokio::task::spawn_blocking(move || {
            encode_group(&target.schema, &schema, writers, &batch, row_ids, &cached)
        }));
        Ok(self)
    }

    async fn append_next(mut self) -> Result<Self> {
        let Some(next) = self.in_flight.pop_front() else { return Ok(self) };
        let group = next.await.map_err(|error| broken("encoding a row group", error))??;
        let failed = |error| broken("writing a row group", error);
        let base = self.upload.length();
        let mut row_group = self.parquet.next_row_group().map_err(failed)?;
        for chunk in group.chunks {
            chunk.append_to_row_group(&mut row_group).map_err(failed)?;
        }
        let metadata = row_group.close().map_err(failed)?;
        let bytes = self.drain()?;
        let chunk = |column: &ColumnChunkMetaData| {
            let (offset, length) = column.byte_range();
            slice(&bytes, base, offset, length)
                .ok_or_else(|| broken("writing a row group", "a column is not in its bytes"))
        };
        let chunks = metadata.columns().iter().map(chunk).collect::<Result<Vec<&[u8]>>>()?;
        let mut of_pages = vec![None; chunks.len()];
        for ((index, pages), known) in self.pages.iter_mut().zip(group.pages) {
            let chunk = chunks.get(*index).and_then(|chunk| pages_of(chunk, &known));
            let outside = || broken("writing a row group", "a page is not in its column");
            let chunk: Vec<Page> = chunk.ok_or_else(outside)?;
            of_pages[*index] = Some(checksum(&chunk));
            pages.push(chunk);
        }
        let known = chunks.iter().zip(of_pages);
        let crc32 = known.map(|(chunk, known)| known.unwrap_or_else(|| crc32fast::hash(chunk)));
        let crc32 = crc32.collect();
        let rows_before = self.rows_of_groups();
        self.totals = match self.totals.is_empty() {
            true => group.statistics.clone(),
            false => self
                .totals
                .into_iter()
                .zip(&group.statistics)
                .map(|(total, other)| total.merged(rows_before, other.clone(), group.rows))
                .collect(),
        };
        self.entry.groups.push(GroupEntry { crc32, statistics: group.statistics });
        self.bytes += group.bytes;
        for (all, more) in self.hashes.iter_mut().zip(group.hashes) {
            match (all.as_mut(), more) {
                (Some(all), Some(more)) => all.extend(more),
                _ => *all = None,
            }
        }
        self.seed_vectors(&group.vectors);
        self.upload = self.upload.write(bytes).await?;
        Ok(self)
    }

    /// Rows of the groups whose bytes are written.
    fn rows_of_groups(&self) -> u64 {
        (self.entry.groups.len() * ROW_GROUP_ROWS) as u64
    }

    fn seed_vectors(&mut self, arrays: &[(usize, ArrayRef)]) {
        let array = |index: usize| arrays.iter().find(|(column, _)| *column == index);
        self.vectors
            .retain_mut(|(index, file)| array(*index).is_some_and(|(_, array)| file.append(array)));
    }

    /// The bytes that Parquet's writer has made since the last call.
    fn drain(&mut self) -> Result<Bytes> {
        self.parquet.flush().map_err(|error| broken("writing Parquet", error))?;
        Ok(Bytes::from(std::mem::take(self.parquet.inner_mut())))
    }

    /// Completes the object. The metadata has no row ids yet, unless they are listed.
    pub(super) async fn finish(mut self) -> Result<SegmentMeta> {
        while !self.in_flight.is_empty() {
            self = self.append_next().await?;
        }
        let (key_filters, this) = self.write_filters().await?;
        let (vector_pages, mut this) = this.write_pages().await?;
        let entry = serde_json::to_string(&this.entry)
            .map_err(|error| broken("writing a footer", error))?;
        this.parquet.append_key_value_metadata(KeyValue::new(FOOTER_KEY.to_owned(), entry));
        this.parquet.finish().map_err(|error| broken("writing a footer", error))?;
        let rest = Bytes::from(std::mem::take(this.parquet.inner_mut()));
        let footer = footer_part(&rest, this.upload.length())
            .ok_or_else(|| broken("writing a footer", "it has no length"))?;
        let upload = this.upload.write(rest).await?;
        let data = upload.finish().await?;
        for (_, file) in this.vectors {
            // The cache may not have taken it: then it is made again from Parquet.
            let _ = file.finish();
        }
        let schema = &this.target.schema;
        let ids = schema.columns.iter().map(|column| column.id);
        let statistics: BTreeMap<_, _> =
            ids.clone().zip(this.totals).take(STATISTICS_COLUMNS_MAX).collect();
        Ok(SegmentMeta {
            id: this.id,
            table: this.target.table,
            rows: u32::try_from(this.rows).map_err(|error| broken("a segment", error))?,
            group_rows: u32::try_from(ROW_GROUP_ROWS).unwrap_or(u32::MAX),
            data,
            footer,
            row_ids: (!this.listed_row_ids).then_some(RowIds { first: 0, count: this.rows }),
            sorted_by: schema.sort.clone(),
            columns: ids.collect(),
            statistics,
            key_filters,
            vector_pages,
            bytes: this.bytes,
        })
    }

    async fn write_filters(mut self) -> Result<(Vec<KeyFilterRef>, Self)> {
        let mut filters = Vec::new();
        let target = Arc::clone(&self.target);
        for (columns, hashes) in target.schema.keys.iter().zip(std::mem::take(&mut self.hashes)) {
            let Some(hashes) = hashes else { continue };
            let make = move || KeyFilter::of_hashes(hashes).map(|filter| filter.encode());
            let made = tokio::task::spawn_blocking(make)
                .await
                .map_err(|error| broken("making a key filter", error))?;
            let Some(bytes) = made else { continue };
            let part;
            (part, self) = self.write_part(&bytes).await?;
            filters.push(KeyFilterRef { columns: columns.clone(), part });
        }
        Ok((filters, self))
    }

    async fn write_pages(mut self) -> Result<(Vec<VectorPagesRef>, Self)> {
        let mut directories = Vec::new();
        for (index, pages) in std::mem::take(&mut self.pages) {
            let column = self.target.schema.columns[index].id;
            let part;
            (part, self) = self.write_part(&vector_pages::encode(&pages)).await?;
            directories.push(VectorPagesRef { column, part });
        }
        Ok((directories, self))
    }

    /// Writes bytes between the row groups and the footer.
    async fn write_part(mut self, bytes: &[u8]) -> Result<(Part, Self)> {
        let failed = |error| broken("writing beside row groups", error);
        self.parquet.write_all(bytes).map_err(failed)?;
        let offset = self.upload.length();
        let bytes = self.drain()?;
        let part = Part { offset, length: bytes.len() as u64, crc32: crc32fast::hash(&bytes) };
        self.upload = self.upload.write(bytes).await?;
        Ok((part, self))
    }
}

fn slice(bytes: &Bytes, base: u64, offset: u64, length: u64) -> Option<&[u8]> {
    let from = usize::try_from(offset.checked_sub(base)?).ok()?;
    let to = from.checked_add(usize::try_from(length).ok()?)?;
    bytes.get(from..to)
}

/// How many rows and bytes each page of a chunk of so many rows has.
fn sizes(pages: &[PageLocation], rows: usize) -> Option<Vec<(u32, u32)>> {
    let next = pages.iter().skip(1).map(|page| page.first_row_index);
    let ends = next.chain(i64::try_from(rows).ok());
    let size = |(page, end): (&PageLocation, i64)| {
        let rows = u32::try_from(end - page.first_row_index).ok()?;
        Some((rows, u32::try_from(page.compressed_page_size).ok()?))
    };
    pages.iter().zip(ends).map(size).collect()
}

/// The pages of a chunk's bytes.
fn pages_of(chunk: &[u8], sizes: &[(u32, u32)]) -> Option<Vec<Page>> {
    let mut rest = chunk;
    let mut page = |&(rows, length): &(u32, u32)| {
        let own = rest.split_off(..usize::try_from(length).ok()?)?;
        Some(Page { rows, length, crc32: crc32fast::hash(own) })
    };
    let pages = sizes.iter().map(&mut page).collect::<Option<_>>()?;
    rest.is_empty().then_some(pages)
}

/// The checksum of a chunk that has these pages.
fn checksum(pages: &[Page]) -> u32 {
    let mut all = crc32fast::Hasher::new();
    for page in pages {
        let page = crc32fast::Hasher::new_with_initial_len(page.crc32, page.length.into());
        all.combine(&page);
    }
    all.finalize()
}

/// The footer is the last of these bytes, which begin at `base` of the object.
fn footer_part(rest: &Bytes, base: u64) -> Option<Part> {
    let tail = rest.len().checked_sub(FOOTER_TAIL_BYTES)?;
    let thrift = u32::from_le_bytes(rest.get(tail..tail + 4)?.try_into().ok()?);
    let from = tail.checked_sub(usize::try_from(thrift).ok()?)?;
    let footer = rest.get(from..)?;
    Some(Part {
        offset: base + from as u64,
        length: footer.len() as u64,
        crc32: crc32fast::hash(footer),
    })
}

fn encode_group(
    table: &TableSchema,
    schema: &Schema,
    writers: Vec<ArrowColumnWriter>,
    batch: &RecordBatch,
    row_ids: Option<ArrayRef>,
    cached: &[usize],
) -> Result<EncodedGroup> {
    let failed = |error| broken("encoding a column", error);
    let mut statistics = bounds::of_batch(batch);
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(writers.len());
    for column in batch.columns() {
        arrays.push(adapt::to_stored(column)?);
    }
    if let Some(ids) = row_ids {
        if ids.as_primitive_opt::<UInt64Type>().is_none() {
            return Err(SqlError::internal("row ids of another type"));
        }
        statistics.push(ColumnStatistics::of(ids.as_ref()));
        arrays.push(ids);
    }
    if writers.len() != arrays.len() {
        return Err(SqlError::internal("a column with several leaves"));
    }
    let mut chunks = Vec::with_capacity(writers.len());
    let mut pages = Vec::new();
    for ((mut writer, array), field) in writers.into_iter().zip(&arrays).zip(schema.fields()) {
        for leaf in compute_leaves(field, array).map_err(failed)? {
            writer.write(&leaf).map_err(failed)?;
        }
        let mut chunk = writer.close().map_err(failed)?;
        let located = chunk.close_mut().offset_index.take();
        if is_vector(field.data_type()) {
            let rows = batch.num_rows();
            let located = located.as_ref().and_then(|index| sizes(index.page_locations(), rows));
            pages.push(located.ok_or_else(|| broken("encoding a column", "pages without places"))?);
        }
        chunks.push(chunk);
    }
    let hashes = table.keys.iter().map(|key| key_hashes(table, key, batch)).collect();
    let vectors = cached.iter().map(|&index| (index, Arc::clone(batch.column(index)))).collect();
    let bytes: usize = batch
        .columns()
        .iter()
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0))
        .sum();
    let rows = batch.num_rows() as u64;
    Ok(EncodedGroup { chunks, pages, statistics, hashes, vectors, rows, bytes: bytes as u64 })
}

/// The hashes of the keys without NULL; `None` when a type has no hash.
fn key_hashes(
    table: &TableSchema,
    key: &[crate::base::ColumnId],
    batch: &RecordBatch,
) -> Option<Vec<u64>> {
    let columns: Option<Vec<ArrayRef>> =
        key.iter().map(|id| Some(Arc::clone(batch.columns().get(table.position(*id)?)?))).collect();
    let keys = KeyHashes::of(&columns?)?;
    let complete = (0..keys.hashes.len()).filter(|row| !keys.is_null(*row));
    Some(complete.map(|row| keys.hashes[row]).collect())
}
