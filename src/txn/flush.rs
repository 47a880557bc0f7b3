//! The flush: a write set becomes durable objects, or bytes small enough to ride in metadata,
//! that nobody can reach yet. A crash from here to the commit point leaves garbage only.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use futures::future::try_join_all;

use crate::base::limits::{INLINE_COMMIT_BYTES_MAX, INLINE_TABLE_BYTES_MAX};
use crate::base::{FailPoint, Result, RowIds, SqlError};
use crate::catalog::Table;
use crate::segment::{
    self, Draft, InMemory, RowIdMap, Rows, SegmentMeta, TableSchema, Writer, WriterOptions,
};

use super::engine::Engine;
use super::prepared::{Inline, NewKeys, Prepared, PreparedTable};
use super::write_behind::WriteBehind;
use super::write_set::{TableWrites, WriteSet};

impl Engine {
    /// Makes a write set durable.
    pub(super) async fn flush(&self, writes: WriteSet) -> Result<Prepared> {
        let (tables, notifications) = writes.into_parts();
        let tables: Vec<Arc<TableWrites>> = tables.collect();
        let checked = self.current();
        let flushes = tables.iter().map(|writes| self.flush_table(writes));
        let mut flushed = try_join_all(flushes).await?;
        let matters =
            |table: &PreparedTable| table.appends() || table.deletes() || !table.locked.is_empty();
        flushed.retain(matters);
        let mut prepared = Prepared {
            id: self.fresh_commit(),
            checked: Arc::clone(&checked),
            drafts: flushed.iter().flat_map(|table| table.drafts.iter().cloned()).collect(),
            tables: flushed,
            notifications,
            merge: None,
        };
        // Statements looked at older snapshots than this one.
        self.revalidate(&mut prepared, checked).await?;
        Ok(prepared)
    }

    async fn flush_table(&self, writes: &TableWrites) -> Result<PreparedTable> {
        let table = &writes.table;
        let mut prepared = PreparedTable {
            oid: table.oid(),
            name: table.definition.name.clone(),
            schema_version: table.schema_version,
            segments: writes.written.clone(),
            drafts: writes.drafts.clone(),
            deleted: if writes.truncated { Default::default() } else { writes.deleted.clone() },
            sources: writes.sources.clone(),
            truncate: writes.truncated,
            keys_checked_at: writes.keys_checked_at,
            references: writes.references.clone(),
            taken_back: writes.taken_back.clone(),
            ..PreparedTable::default()
        };
        prepared.deleted.retain(|_, positions| !positions.is_empty());
        self.flush_locks(writes, &mut prepared).await?;
        for segment in &writes.written {
            if let Some(positions) = writes.own_deleted.get(&segment.id) {
                prepared.own_deleted.insert(segment.id, positions.clone());
            }
        }
        for (key, own) in table.definition.keys.iter().zip(&writes.keys) {
            prepared.keys.push(NewKeys {
                constraint: key.name.clone(),
                coder: Arc::clone(&own.coder),
                codes: Arc::clone(&own.codes),
                arbitrated: Arc::clone(&own.arbitrated),
                columns: own.columns.clone(),
            });
        }
        let rows = live_rows(writes)?;
        if rows.is_empty() {
            return Ok(prepared);
        }
        let bytes: usize = rows.iter().map(RecordBatch::get_array_memory_size).sum();
        let outstanding =
            self.current().state.tables.get(&table.oid()).map_or(0, |table| table.inline_bytes());
        if bytes <= INLINE_COMMIT_BYTES_MAX * 2
            && outstanding < INLINE_TABLE_BYTES_MAX
            && let Some(inline) = self.inline(table, &rows).await?
        {
            prepared.inline = Some(inline);
        } else {
            FailPoint::BeforeObjects.reach();
            let (segments, draft) = self.write_objects(table, rows).await?;
            prepared.segments.extend(segments);
            prepared.drafts.push(draft);
            FailPoint::AfterObjects.reach();
        }
        Ok(prepared)
    }

    /// The rows as bytes for metadata, if they are few enough.
    async fn inline(&self, table: &Table, rows: &[RecordBatch]) -> Result<Option<Inline>> {
        let schema = table.schema.arrow();
        let batch = concat_batches(&schema, rows).map_err(arrow_error)?;
        let row_ids = self.allocate_row_ids(batch.num_rows() as u64).await?;
        let rows = InMemory::new(table.schema.ids(), batch, RowIdMap::Contiguous(row_ids))?;
        let encoded = segment::encode_inline(&rows)?;
        if encoded.len() > INLINE_COMMIT_BYTES_MAX {
            return Ok(None);
        }
        Ok(Some(Inline { id: self.fresh_segment(), encoded: encoded.into() }))
    }

    /// Writes rows to objects that nobody can reach, and that go when the draft is dropped.
    pub(super) async fn write_objects(
        &self,
        table: &Table,
        rows: Vec<RecordBatch>,
    ) -> Result<(Vec<Arc<SegmentMeta>>, Arc<Draft>)> {
        let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
        let mut row_ids = self.allocate_row_ids(count as u64).await?;
        let draft = self.drafts().begin();
        // A second copy of all vectors would keep the commit waiting: see `warm.rs`.
        let options = WriterOptions { seed_vectors: false, ..WriterOptions::default() };
        let mut writer = self.writer_with(table, &draft, options);
        for batch in rows {
            writer.write(batch).await?;
        }
        let written = writer
            .finish(|count| {
                let taken = RowIds { first: row_ids.first, count };
                row_ids.first += count;
                Ok(taken)
            })
            .await?;
        Ok((written.into_iter().map(Arc::new).collect(), draft))
    }

    /// Makes new segments of a table.
    pub fn writer(&self, table: &Table, draft: &Arc<Draft>) -> Writer {
        self.writer_with(table, draft, WriterOptions::default())
    }

    fn writer_with(&self, table: &Table, draft: &Arc<Draft>, options: WriterOptions) -> Writer {
        let reader = self.reader();
        Writer::new(
            Arc::clone(reader.objects()),
            Arc::clone(reader.cache()),
            Arc::clone(draft),
            Arc::clone(self.random()),
            (table.oid(), Arc::clone(&table.schema)),
            options,
        )
    }

    /// Writes a table's buffered rows early when they take too much memory.
    pub async fn relieve(self: &Arc<Self>, writes: &mut TableWrites) -> Result<()> {
        let mut behind = WriteBehind::default();
        behind.relieve(self, writes).await?;
        behind.finish(writes).await
    }
}

/// The buffered rows that the transaction has not deleted again.
pub(super) fn live_rows(writes: &TableWrites) -> Result<Vec<RecordBatch>> {
    let mut live = Vec::with_capacity(writes.rows.len());
    for segment in &writes.rows {
        let Rows::Memory(rows) = &segment.rows else { continue };
        let batch = match writes.own_deleted.get(&segment.id) {
            None => rows.batch().clone(),
            Some(deleted) => {
                let keep: BooleanArray =
                    (0..rows.rows()).map(|row| Some(!deleted.contains(row))).collect();
                filter_record_batch(rows.batch(), &keep).map_err(arrow_error)?
            }
        };
        if batch.num_rows() > 0 {
            live.push(batch);
        }
    }
    Ok(live)
}

fn arrow_error(error: arrow::error::ArrowError) -> SqlError {
    SqlError::internal(format!("flush: {error}"))
}

impl Prepared {
    /// The segments that it adds, with their tables' columns.
    pub(super) fn segments(&self) -> Vec<(Vec<Arc<SegmentMeta>>, Arc<TableSchema>)> {
        let state = &self.checked.state;
        let with_segments = self.tables.iter().filter(|table| !table.segments.is_empty());
        with_segments
            .filter_map(|table| {
                let schema = Arc::clone(&state.tables.get(&table.oid)?.schema);
                Some((table.segments.clone(), schema))
            })
            .collect()
    }
}
