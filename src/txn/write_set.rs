//! What an open transaction wants to change: rows in memory or in early objects, positions to
//! delete, keys that it added. Nobody sees it, its own connection only with
//! `redkite.read_your_writes`.
//!
//! A table's writes are copied when a savepoint still needs the old ones, so that
//! `ROLLBACK TO` is taking those back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use roaring::RoaringBitmap;

use crate::base::{ColumnId, Oid, Result, Revision, SegmentId, SqlError, SqlState};
use crate::catalog::{KeyDef, Notification, Table, TableDef};
use crate::segment::{
    Draft, InMemory, RowIdMap, Segment, SegmentMeta, TableVersion, split_address,
};
use crate::types::{ColumnEncoder, TextContext};

use super::engine::Engine;
use super::key_code::{KeyCode, KeyCoder, KeyCodes};
use super::notices::Notices;
use super::row_locks::LockedRows;

/// What an open transaction wants to change.
#[derive(Debug, Default)]
pub struct WriteSet {
    tables: BTreeMap<Oid, Arc<TableWrites>>,
    notices: Notices,
    savepoints: Vec<Savepoint>,
}

/// A point to go back to.
#[derive(Debug)]
pub struct Savepoint {
    /// Its name.
    pub name: String,
    tables: BTreeMap<Oid, Arc<TableWrites>>,
    /// How many notifications there were.
    notices: usize,
}

/// What an open transaction wants to change in one table.
#[derive(Clone, Debug)]
pub struct TableWrites {
    /// The table as it was when the transaction first wrote to it.
    pub(super) table: Arc<Table>,
    /// New rows in memory.
    pub(super) rows: Vec<Segment>,
    pub(super) row_bytes: usize,
    /// New rows in objects that nobody can reach.
    pub(super) written: Vec<Arc<SegmentMeta>>,
    /// Who wrote those: they go when nobody can commit them any more.
    pub(super) drafts: Vec<Arc<Draft>>,
    /// Rows of committed segments that go.
    pub(super) deleted: BTreeMap<SegmentId, RoaringBitmap>,
    /// The committed segments that rows go from, or must stay in, as the statements saw them.
    pub(super) sources: BTreeMap<SegmentId, Segment>,
    /// Rows that must still be there, unless the transaction deletes them itself.
    pub(super) locked: LockedRows,
    /// New rows that went again.
    pub(super) own_deleted: BTreeMap<SegmentId, RoaringBitmap>,
    /// New keys, in the order of the definition's keys.
    pub(super) keys: Vec<OwnKeys>,
    /// The oldest state of the table that new keys were checked against.
    pub(super) keys_checked_at: Option<Revision>,
    /// Values of new rows in foreign key columns, in the order of the definition's.
    pub(super) references: Vec<Vec<Vec<ArrayRef>>>,
    /// The same of those that the transaction took back.
    pub(super) taken_back: Vec<Vec<Vec<ArrayRef>>>,
    /// All that was committed before goes.
    pub(super) truncated: bool,
    /// Keeps the objects of `sources`, which the commit reads should they be merged meanwhile.
    pub(super) pin: Option<Arc<super::open_snapshots::Pin>>,
}

/// The keys of one constraint that an open transaction added.
#[derive(Clone, Debug)]
pub(super) struct OwnKeys {
    pub(super) coder: Arc<KeyCoder>,
    pub(super) codes: Arc<KeyCodes>,
    /// Those of them that ON CONFLICT decides about: another one's same key is no duplicate.
    pub(super) arbitrated: Arc<KeyCodes>,
    /// The same as values, batch by batch, with those that the transaction took back.
    pub(super) columns: Vec<Vec<ArrayRef>>,
}

/// One constraint's keys in a batch of new rows.
struct BatchKeys {
    columns: Vec<ArrayRef>,
    /// None where the key has a NULL and equals no other.
    codes: Vec<Option<KeyCode>>,
}

/// Why a row can't be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A committed row has the key.
    Committed {
        /// Its segment.
        segment: SegmentId,
        /// Its position there.
        position: u32,
    },
    /// The transaction itself has added the key before this statement's batch.
    Own,
    /// An earlier row of the same batch has the key.
    Batch(usize),
}

impl WriteSet {
    /// Whether there is nothing to flush.
    pub fn is_empty(&self) -> bool {
        self.notices.is_empty() && !self.tables.values().any(|writes| writes.has_changes())
    }

    /// Says something once the transaction is committed; what it says already is said once.
    ///
    /// # Errors
    /// 54000 when it is too much.
    pub fn notify(&mut self, notification: Notification) -> Result<()> {
        self.notices.add(notification)
    }

    /// Whether there is a point to go back to.
    pub fn has_savepoints(&self) -> bool {
        !self.savepoints.is_empty()
    }

    /// Bytes of rows in memory.
    pub fn bytes(&self) -> usize {
        self.tables.values().map(|writes| writes.row_bytes).sum()
    }

    /// The tables written to, and what is to be said.
    pub(super) fn into_parts(self) -> (impl Iterator<Item = Arc<TableWrites>>, Vec<Notification>) {
        (self.tables.into_values(), self.notices.into_vec())
    }

    /// Takes back what was written to some tables.
    pub fn discard(&mut self, unwanted: impl Fn(&TableDef) -> bool) {
        self.tables.retain(|_, writes| !unwanted(&writes.table.definition));
    }

    /// What was written to a table.
    pub fn table(&self, oid: Oid) -> Option<&TableWrites> {
        self.tables.get(&oid).map(Arc::as_ref)
    }

    /// Starts writing to a table, or goes on.
    ///
    /// # Errors
    /// 40001 when the table's definition has changed since the transaction first wrote to it.
    pub fn open(&mut self, table: &Arc<Table>) -> Result<&mut TableWrites> {
        let oid = table.oid();
        if let std::collections::btree_map::Entry::Vacant(entry) = self.tables.entry(oid) {
            entry.insert(Arc::new(TableWrites::new(table)?));
        }
        let writes = self.tables.get_mut(&oid).ok_or_else(|| SqlError::internal("no writes"))?;
        if writes.table.schema_version != table.schema_version {
            return Err(super::publish::altered(&table.definition.name));
        }
        Ok(Arc::make_mut(writes))
    }

    /// SAVEPOINT.
    pub fn savepoint(&mut self, name: String) {
        let (tables, notices) = (self.tables.clone(), self.notices.len());
        self.savepoints.push(Savepoint { name, tables, notices });
    }

    /// ROLLBACK TO SAVEPOINT: the savepoint stays.
    pub fn rollback_to(&mut self, name: &str) -> Result<()> {
        let at = self.find_savepoint(name)?;
        self.savepoints.truncate(at + 1);
        self.tables = self.savepoints[at].tables.clone();
        self.notices.truncate(self.savepoints[at].notices);
        Ok(())
    }

    /// RELEASE SAVEPOINT.
    pub fn release(&mut self, name: &str) -> Result<()> {
        let at = self.find_savepoint(name)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    fn find_savepoint(&self, name: &str) -> Result<usize> {
        self.savepoints.iter().rposition(|savepoint| savepoint.name == name).ok_or_else(|| {
            let message = format!("savepoint \"{name}\" does not exist");
            SqlError::new(SqlState::INVALID_SAVEPOINT_SPECIFICATION, message)
        })
    }

    /// The table's rows as `redkite.read_your_writes` shows them.
    pub fn own_view(&self, table: &Arc<Table>) -> Arc<TableVersion> {
        match self.tables.get(&table.oid()) {
            Some(writes) => Arc::new(writes.with_own_rows(&table.version)),
            None => Arc::clone(&table.version),
        }
    }
}

impl TableWrites {
    fn new(table: &Arc<Table>) -> Result<Self> {
        let definition = &table.definition;
        let keys = definition
            .keys
            .iter()
            .map(|key| {
                let coder = KeyCoder::new(&table.schema, &key.columns, key.nulls_not_distinct)?;
                let (codes, arbitrated) = Default::default();
                Ok(OwnKeys { coder, codes, arbitrated, columns: Vec::new() })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            table: Arc::clone(table),
            rows: Vec::new(),
            row_bytes: 0,
            written: Vec::new(),
            drafts: Vec::new(),
            deleted: BTreeMap::new(),
            sources: BTreeMap::new(),
            locked: LockedRows::default(),
            own_deleted: BTreeMap::new(),
            keys,
            keys_checked_at: None,
            references: vec![Vec::new(); definition.foreign_keys.len()],
            taken_back: vec![Vec::new(); definition.foreign_keys.len()],
            truncated: false,
            pin: None,
        })
    }

    /// Whether there is anything to flush.
    fn has_changes(&self) -> bool {
        self.truncated
            || !self.rows.is_empty()
            || !self.written.is_empty()
            || self.deleted.values().any(|positions| !positions.is_empty())
    }

    /// Relies on committed rows: the commit fails if another transaction changes them first, or, where
    /// they are locked exclusively, commits something having locked them so as well.
    ///
    /// # Errors
    /// XX000 for an address that is none.
    pub fn lock(
        &mut self,
        engine: &Engine,
        version: &TableVersion,
        addresses: &[u64],
        exclusive: bool,
        at: Revision,
    ) -> Result<()> {
        for address in addresses {
            let (ordinal, position) = split_address(*address);
            let segment = version.segment(ordinal);
            let segment = segment.ok_or_else(|| SqlError::internal("no such segment"))?;
            if self.is_own(segment.id) {
                continue;
            }
            self.pin.get_or_insert_with(|| engine.pin());
            self.sources.entry(segment.id).or_insert_with(|| segment.clone());
            self.locked.add(segment.id, position, exclusive, at);
        }
        Ok(())
    }

    /// Committed rows that this transaction leaves.
    pub(super) fn remaining(&self, version: &TableVersion) -> TableVersion {
        if self.truncated {
            return TableVersion::empty(version.oid);
        }
        let mut remaining = version.clone();
        for (segment, positions) in &self.deleted {
            remaining.delete(*segment, positions);
        }
        remaining
    }

    /// The same, with the transaction's own rows behind them.
    pub(super) fn with_own_rows(&self, version: &TableVersion) -> TableVersion {
        let mut view = self.remaining(version);
        for segment in &self.written {
            view.insert(Segment::object(Arc::clone(segment)));
        }
        for segment in &self.rows {
            view.insert(segment.clone());
        }
        for (segment, positions) in &self.own_deleted {
            view.delete(*segment, positions);
        }
        view
    }

    /// The conflicts of a batch's rows with one key: own ones first, then committed ones.
    pub async fn conflicts(
        &self,
        engine: &Engine,
        table: &Table,
        key: usize,
        batch: &RecordBatch,
    ) -> Result<Vec<(usize, Conflict)>> {
        let keys = self.batch_keys(key, batch)?;
        self.conflicts_of(engine, table, key, &keys).await
    }

    async fn conflicts_of(
        &self,
        engine: &Engine,
        table: &Table,
        key: usize,
        batch: &BatchKeys,
    ) -> Result<Vec<(usize, Conflict)>> {
        let own = &self.keys[key];
        let BatchKeys { columns, codes } = batch;
        let mut conflicts = Vec::new();
        let mut seen: HashMap<KeyCode, usize, foldhash::fast::RandomState> = HashMap::default();
        seen.reserve(codes.len());
        for (row, code) in codes.iter().enumerate() {
            let Some(code) = code else { continue };
            if own.codes.contains(code) {
                conflicts.push((row, Conflict::Own));
            } else if let Some(first) = seen.get(code) {
                conflicts.push((row, Conflict::Batch(*first)));
            } else {
                seen.insert(*code, row);
            }
        }
        let remaining = self.remaining(&table.version);
        if remaining.total_row_count() > 0 {
            let reader = engine.reader();
            let key = own.coder.columns();
            let found = reader.find_keys(&remaining, key, columns, &|_| false).await?;
            conflicts.extend(found.into_iter().filter(|found| codes[found.key].is_some()).map(
                |found| {
                    let (segment, position) = (found.segment, found.position);
                    (found.key, Conflict::Committed { segment, position })
                },
            ));
        }
        Ok(conflicts)
    }

    /// Adds rows, in the table's order of columns, whose keys are known to be free.
    pub fn append(&mut self, engine: &Engine, table: &Table, batch: RecordBatch) -> Result<()> {
        let keys = (0..self.keys.len()).map(|key| self.batch_keys(key, &batch));
        let keys = keys.collect::<Result<_>>()?;
        self.append_with_keys(engine, table, batch, keys)
    }

    /// The values and codes of one constraint's keys in a batch.
    fn batch_keys(&self, key: usize, batch: &RecordBatch) -> Result<BatchKeys> {
        let coder = &self.keys[key].coder;
        let columns = self.columns(batch, coder.ids())?;
        let codes = coder.codes(&columns)?;
        Ok(BatchKeys { columns, codes })
    }

    fn append_with_keys(
        &mut self,
        engine: &Engine,
        table: &Table,
        batch: RecordBatch,
        keys: Vec<BatchKeys>,
    ) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let checked = self.keys_checked_at.unwrap_or(table.appends).min(table.appends);
        self.keys_checked_at = Some(checked);
        for (own, BatchKeys { columns, codes }) in self.keys.iter_mut().zip(keys) {
            Arc::make_mut(&mut own.codes).extend(codes.into_iter().flatten());
            own.columns.push(columns);
        }
        for (place, foreign) in self.table.definition.foreign_keys.iter().enumerate() {
            let columns = self.columns(&batch, &foreign.columns)?;
            self.references[place].push(columns);
        }
        let row_ids = RowIdMap::Contiguous(engine.provisional_row_ids(batch.num_rows()));
        let rows = Arc::new(InMemory::new(self.table.schema.ids(), batch, row_ids)?);
        self.row_bytes += rows.bytes();
        self.rows.push(Segment::memory(engine.fresh_segment(), rows));
        Ok(())
    }

    /// Adds rows after checking all their keys.
    ///
    /// # Errors
    /// 23505.
    pub async fn insert(
        &mut self,
        engine: &Engine,
        table: &Table,
        batch: RecordBatch,
    ) -> Result<()> {
        let mut keys = Vec::with_capacity(self.keys.len());
        for key in 0..self.keys.len() {
            let of_batch = self.batch_keys(key, &batch)?;
            let conflicts = self.conflicts_of(engine, table, key, &of_batch).await?;
            if let Some((row, _)) = conflicts.iter().min_by_key(|(row, _)| *row) {
                let key = &self.table.definition.keys[key];
                return Err(self.duplicate(key, &batch, *row));
            }
            keys.push(of_batch);
        }
        self.append_with_keys(engine, table, batch, keys)
    }

    /// Says that ON CONFLICT decides about the keys of these rows, which have been inserted: when
    /// another transaction commits one of them first, that is a lost race and no duplicate.
    pub fn arbitrate(&mut self, key: usize, batch: &RecordBatch) -> Result<()> {
        let columns = self.columns(batch, self.keys[key].coder.ids())?;
        let codes = self.keys[key].coder.codes(&columns)?;
        Arc::make_mut(&mut self.keys[key].arbitrated).extend(codes.into_iter().flatten());
        Ok(())
    }

    /// Deletes rows by their addresses in `version`, which a statement has read: the snapshot's,
    /// or [`WriteSet::own_view`] of it. Returns how many it deleted.
    ///
    /// # Errors
    /// 27000 when `update` and the transaction has changed one of them already.
    pub async fn delete(
        &mut self,
        engine: &Engine,
        version: &TableVersion,
        addresses: impl IntoIterator<Item = u64>,
        update: bool,
    ) -> Result<usize> {
        let mut own = Vec::new();
        let mut deleted = 0;
        for address in addresses {
            let (ordinal, position) = split_address(address);
            let segment = version.segment(ordinal);
            let segment = segment.ok_or_else(|| SqlError::internal("no such segment"))?;
            if self.is_own(segment.id) {
                let positions = self.own_deleted.entry(segment.id).or_default();
                if positions.insert(position) {
                    own.push(address);
                    deleted += 1;
                }
                continue;
            }
            let positions = self.deleted.entry(segment.id).or_default();
            if positions.is_empty() {
                self.pin.get_or_insert_with(|| engine.pin());
                self.sources.insert(segment.id, segment.clone());
            }
            if positions.insert(position) {
                deleted += 1;
            } else if update {
                return Err(changed_twice());
            }
        }
        self.free_keys(engine, version, &own).await?;
        Ok(deleted)
    }

    fn is_own(&self, id: SegmentId) -> bool {
        self.rows.iter().any(|segment| segment.id == id)
            || self.written.iter().any(|segment| segment.id == id)
    }

    /// The keys of own rows that go are free again, and their references are none any more.
    async fn free_keys(
        &mut self,
        engine: &Engine,
        version: &TableVersion,
        own: &[u64],
    ) -> Result<()> {
        if own.is_empty() {
            return Ok(());
        }
        for key in &mut self.keys {
            let batch = engine.reader().take(version, own, key.coder.columns()).await?;
            let codes = Arc::make_mut(&mut key.codes);
            for code in key.coder.codes(batch.columns())?.into_iter().flatten() {
                codes.remove(&code);
            }
        }
        for (foreign, taken_back) in
            self.table.definition.foreign_keys.iter().zip(&mut self.taken_back)
        {
            let columns = KeyCoder::new(&self.table.schema, &foreign.columns, false)?;
            let batch = engine.reader().take(version, own, columns.columns()).await?;
            taken_back.push(batch.columns().to_vec());
        }
        Ok(())
    }

    /// TRUNCATE: all that was committed goes, and so do the transaction's own rows so far.
    pub fn truncate(&mut self) -> Result<()> {
        *self = Self { truncated: true, ..Self::new(&self.table)? };
        Ok(())
    }

    /// The columns of a batch in the table's order that have these numbers.
    fn columns(&self, batch: &RecordBatch, ids: &[ColumnId]) -> Result<Vec<ArrayRef>> {
        ids.iter()
            .map(|id| {
                let position = self.table.schema.position(*id);
                let column = position.and_then(|position| batch.columns().get(position));
                column.cloned().ok_or_else(|| SqlError::internal("a key's column is missing"))
            })
            .collect()
    }

    /// 23505 as PostgreSQL words it.
    pub fn duplicate(&self, key: &KeyDef, batch: &RecordBatch, row: usize) -> SqlError {
        let definition = &self.table.definition;
        let mut error = duplicate_key(&key.name).with_constraint(&key.name);
        if let Some(values) = self.describe_key(&key.columns, batch, row) {
            error = error.with_detail(format!("Key {values} already exists."));
        }
        error.with_table("", &definition.name)
    }

    /// `(a, b)=(1, 2)`.
    pub(super) fn describe_key(
        &self,
        columns: &[ColumnId],
        batch: &RecordBatch,
        row: usize,
    ) -> Option<String> {
        let arrays = self.columns(batch, columns).ok()?;
        describe_key(&self.table, columns, &arrays, row)
    }
}

/// `(a, b)=(1, 2)`.
pub(super) fn describe_key(
    table: &Table,
    columns: &[ColumnId],
    arrays: &[ArrayRef],
    row: usize,
) -> Option<String> {
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (id, array) in columns.iter().zip(arrays) {
        let column = table.definition.column_by_id(*id)?;
        names.push(column.name.clone());
        if array.is_null(row) {
            values.push("null".to_owned());
            continue;
        }
        let encoder = ColumnEncoder::new(array, &column.ty.pg_type()).ok()?;
        let mut text = bytes::BytesMut::new();
        encoder.write_text(row, &mut text, &TextContext::default());
        values.push(String::from_utf8_lossy(&text).into_owned());
    }
    Some(format!("({})=({})", names.join(", "), values.join(", ")))
}

pub(super) fn duplicate_key(constraint: &str) -> SqlError {
    let message = format!("duplicate key value violates unique constraint \"{constraint}\"");
    SqlError::new(SqlState::UNIQUE_VIOLATION, message).with_constraint(constraint)
}

fn changed_twice() -> SqlError {
    SqlError::new(
        SqlState::TRIGGERED_DATA_CHANGE_VIOLATION,
        "tuple to be updated was already modified by this transaction",
    )
    .with_detail("A transaction's own changes are invisible to it until they are flushed.")
    .with_hint("SET redkite.read_your_writes = on lets a transaction change a row again.")
}
