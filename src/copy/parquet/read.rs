//! Parquet files to rows of a table: one thread walks over the files, some decode their row groups, and
//! the rows come as they are ready. Only so many of them wait, and nothing goes on once nobody asks.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::bad_file;
use super::blocks::Blocks;
use super::incoming::Incoming;
use crate::base::limits::{
    BATCH_ROWS, COPY_BATCH_BYTES_MAX, COPY_NODE_THREADS_MAX, COPY_THREADS_MAX,
};
use crate::base::{Result, SqlError, SqlState};
use crate::store::object::{OutsideError, OutsideSource};
use crate::types::PgType;

/// The threads of all COPYs that may decode.
static THREADS: Semaphore = Semaphore::const_new(COPY_NODE_THREADS_MAX);

/// Batches that wait to be taken.
const READY_MAX: usize = 2;

/// The columns that are wanted, and what for.
#[derive(Clone, Debug)]
struct Wanted {
    /// The table's name.
    table: String,
    columns: Vec<(String, PgType)>,
    /// Whether the statement names them, so that a file may have others.
    listed: bool,
    /// Whether there are several files, so that errors name theirs.
    several: bool,
    schema: SchemaRef,
}

/// A file that is being read.
#[derive(Debug)]
struct OpenFile {
    source: OutsideSource,
    metadata: ArrowReaderMetadata,
    /// For each wanted column: its place among those that are read, and how it becomes the table's.
    columns: Vec<(usize, Incoming)>,
    mask: ProjectionMask,
}

/// A row group to decode.
#[derive(Debug)]
struct Group {
    file: Arc<OpenFile>,
    number: usize,
    /// The rows of the file before it.
    before: u64,
}

/// Rows on their way; dropped, nothing is read any longer.
#[derive(Debug)]
pub struct ReadRows {
    ready: mpsc::Receiver<Result<(RecordBatch, u64)>>,
    _workers: JoinSet<()>,
}

impl ReadRows {
    /// The next rows, and how many bytes of the files they took.
    ///
    /// # Errors
    /// What is wrong with a file, naming the column.
    pub async fn next(&mut self) -> Result<Option<(RecordBatch, u64)>> {
        self.ready.recv().await.transpose()
    }
}

/// Reads these columns, found by name, of these files. `listed`: a file may have others.
pub fn read_parquet(
    sources: Vec<OutsideSource>,
    table: &str,
    columns: &[(String, PgType)],
    listed: bool,
) -> ReadRows {
    let fields: Vec<_> = columns.iter().map(|(name, ty)| ty.field(name, true)).collect();
    let wanted = Arc::new(Wanted {
        table: table.to_owned(),
        columns: columns.to_vec(),
        listed,
        several: sources.len() > 1,
        schema: Arc::new(Schema::new(fields)),
    });
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = cores.min(COPY_THREADS_MAX);
    let (give, groups) = mpsc::channel(threads);
    let (ready, rows) = mpsc::channel(READY_MAX);
    let mut workers = JoinSet::new();
    workers.spawn(open_all(sources, Arc::clone(&wanted), give, ready.clone()));
    let groups = Arc::new(Mutex::new(groups));
    for _ in 0..threads {
        workers.spawn(decode_all(Arc::clone(&groups), Arc::clone(&wanted), ready.clone()));
    }
    ReadRows { ready: rows, _workers: workers }
}

async fn open_all(
    sources: Vec<OutsideSource>,
    wanted: Arc<Wanted>,
    give: mpsc::Sender<Group>,
    ready: mpsc::Sender<Result<(RecordBatch, u64)>>,
) {
    for source in sources {
        let (wanted, runtime) = (Arc::clone(&wanted), Handle::current());
        let name = source.name().to_owned();
        let opened = tokio::task::spawn_blocking(move || open(source, &wanted, runtime)).await;
        let file = match opened.unwrap_or_else(|error| Err(bad_file(&name, error))) {
            Ok(file) => Arc::new(file),
            Err(error) => {
                // Whoever asked is gone, or hears of it.
                let _ = ready.send(Err(error)).await;
                return;
            }
        };
        let mut before = 0;
        for (number, group) in file.metadata.metadata().row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            let group = Group { file: Arc::clone(&file), number, before };
            before += rows;
            if give.send(group).await.is_err() {
                return;
            }
        }
    }
}

async fn decode_all(
    groups: Arc<Mutex<mpsc::Receiver<Group>>>,
    wanted: Arc<Wanted>,
    ready: mpsc::Sender<Result<(RecordBatch, u64)>>,
) {
    loop {
        let next = groups.lock().await.recv().await;
        let Some(group) = next else { return };
        // Nobody closes it.
        let Ok(_turn) = THREADS.acquire().await else { return };
        let (wanted, sender, runtime) = (Arc::clone(&wanted), ready.clone(), Handle::current());
        let name = group.file.source.name().to_owned();
        let decoded =
            tokio::task::spawn_blocking(move || group.decode(&wanted, &sender, runtime)).await;
        if let Err(error) = decoded.unwrap_or_else(|error| Err(bad_file(&name, error))) {
            // Whoever asked is gone, or hears of it.
            let _ = ready.send(Err(error)).await;
            return;
        }
    }
}

/// An error of the file's storage as what it is, any other as the file's.
fn failed(name: &str, error: ParquetError) -> SqlError {
    match error {
        ParquetError::External(inner) => match inner.downcast::<OutsideError>() {
            Ok(outside) => (*outside).into(),
            Err(other) => bad_file(name, other),
        },
        other => bad_file(name, other),
    }
}

fn open(source: OutsideSource, wanted: &Wanted, runtime: Handle) -> Result<OpenFile> {
    let blocks = Blocks::new(source.clone(), 1, runtime);
    // What Parquet says itself is enough: the Arrow schema of who wrote it may be anything.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = ArrowReaderMetadata::load(&blocks, options)
        .map_err(|error| failed(source.name(), error))?;
    let schema = metadata.schema();
    let unknown = schema.fields().iter().find(|field| {
        !wanted.listed && !wanted.columns.iter().any(|(name, _)| name == field.name())
    });
    if let Some(unknown) = unknown {
        let message = format!("extra data for column \"{}\"", unknown.name());
        return Err(SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message)
            .with_detail(format!(
                "Table \"{}\" does not have this column of \"{}\".",
                wanted.table,
                source.name()
            ))
            .with_hint("Name the columns to copy in a column list."));
    }
    let mut places = Vec::with_capacity(wanted.columns.len());
    for (name, ty) in &wanted.columns {
        let mut found =
            schema.fields().iter().enumerate().filter(|(_, field)| field.name() == name);
        let Some((place, field)) = found.next() else {
            let message = format!("missing data for column \"{name}\"");
            return Err(SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message)
                .with_detail(format!("\"{}\" does not have this column.", source.name()))
                .with_hint("Name the columns to copy in a column list."));
        };
        if found.next().is_some() {
            return Err(bad_file(source.name(), format!("two columns are called \"{name}\"")));
        }
        let incoming = Incoming::new(name, field.data_type(), ty);
        places.push((place, incoming.map_err(|error| error.with_context(wanted.label(&source)))?));
    }
    let mut read: Vec<usize> = places.iter().map(|(place, _)| *place).collect();
    read.sort_unstable();
    read.dedup();
    let mask = ProjectionMask::roots(metadata.parquet_schema(), read.iter().copied());
    let columns = places.into_iter().map(|(place, incoming)| {
        (read.iter().position(|of| *of == place).unwrap_or_default(), incoming)
    });
    let columns = columns.collect();
    Ok(OpenFile { source, metadata, columns, mask })
}

impl Wanted {
    /// Where an error is.
    fn label(&self, source: &OutsideSource) -> String {
        match self.several {
            true => format!("COPY {}, file \"{}\"", self.table, source.name()),
            false => format!("COPY {}", self.table),
        }
    }
}

impl Group {
    fn decode(
        &self,
        wanted: &Wanted,
        ready: &mpsc::Sender<Result<(RecordBatch, u64)>>,
        runtime: Handle,
    ) -> Result<()> {
        let file = &*self.file;
        let name = file.source.name();
        let group = file.metadata.metadata().row_group(self.number);
        let rows = u64::try_from(group.num_rows()).unwrap_or(0).max(1);
        let width = u64::try_from(group.total_byte_size()).unwrap_or(0) / rows + 1;
        let batch_rows = usize::try_from(COPY_BATCH_BYTES_MAX as u64 / width).unwrap_or(1);
        let blocks = Blocks::new(file.source.clone(), file.columns.len(), runtime);
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(blocks, file.metadata.clone())
                .with_projection(file.mask.clone())
                .with_row_groups(vec![self.number])
                .with_batch_size(batch_rows.clamp(1, BATCH_ROWS))
                .build()
                .map_err(|error| failed(name, error))?;
        let bytes = u64::try_from(group.compressed_size()).unwrap_or(0);
        let (mut done, mut told) = (0, 0);
        for batch in reader {
            let batch = batch.map_err(|error| self.unreadable(wanted, error))?;
            let converted = self.convert(&batch, wanted, done)?;
            done += batch.num_rows() as u64;
            let now = u64::try_from(u128::from(bytes) * u128::from(done) / u128::from(rows));
            let now = now.unwrap_or(told);
            if ready.blocking_send(Ok((converted, now.saturating_sub(told)))).is_err() {
                return Ok(());
            }
            told = now;
        }
        Ok(())
    }

    fn unreadable(&self, wanted: &Wanted, error: arrow::error::ArrowError) -> SqlError {
        let name = self.file.source.name();
        let error = match error {
            arrow::error::ArrowError::ExternalError(inner) => {
                match inner.downcast::<ParquetError>() {
                    Ok(parquet) => failed(name, *parquet),
                    Err(other) => bad_file(name, other),
                }
            }
            other => bad_file(name, other),
        };
        error.with_context(wanted.label(&self.file.source))
    }

    fn convert(&self, batch: &RecordBatch, wanted: &Wanted, done: u64) -> Result<RecordBatch> {
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.file.columns.len());
        for ((place, incoming), (column, _)) in self.file.columns.iter().zip(&wanted.columns) {
            let Some(array) = batch.columns().get(*place) else {
                return Err(bad_file(self.file.source.name(), "a column is missing"));
            };
            arrays.push(incoming.convert(array).map_err(|error| {
                // The first row that does not go alone is the one.
                let fails = |row: &usize| incoming.convert(&array.slice(*row, 1)).is_err();
                let row = (0..array.len()).find(fails).unwrap_or_default() as u64;
                let row = self.before + done + row + 1;
                let label = wanted.label(&self.file.source);
                error.with_context(format!("{label}, row {row}, column {column}"))
            })?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&wanted.schema), arrays, &options)
            .map_err(|error| SqlError::internal(format!("COPY made an invalid batch: {error}")))
    }
}
