//! The redb file: a table of keys, and a log of what changed since it was written.
//!
//! ```text
//! about   "format" -> 1, "revision" -> the revision of the table of keys
//! keys    key -> created u64, modified u64, lease i64 (0: none), value
//! log     first revision -> one or more commits, revisions counting up:
//!             changes u32, then for each change
//!             kind u8 (0: delete, 1: put), key length u32, key,
//!             and for a put: created u64, lease i64, value length u32, value
//! ```
//!
//! Integers are little-endian. A commit appends **one** row at the log's end: a handful of
//! pages, wherever its keys lie in the tree; the log is folded into the table when it has grown,
//! so that a hot key is written there once for many commits. redb checks its pages by checksum
//! when it recovers. A crash needs redb's repair, a walk over the whole file: it costs about as
//! much as reading all keys, which an open does anyway, while `set_quick_repair` would cost a
//! second fsync in every commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, BufMut, Bytes};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use crate::base::Revision;

use super::super::state::{Commit, State};
use super::super::{Change, Error, KeyValue, LeaseId, Result};
use super::disk::{Disks, Watched};

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const KEYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keys");
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

const FORMAT: u64 = 1;
/// The first revision, as in etcd.
const FIRST_REVISION: u64 = 1;
/// redb's cache holds the trees' inner pages; the keys themselves are in memory already.
const CACHE_BYTES: usize = 16 << 20;

const DELETE: u8 = 0;
const PUT: u8 = 1;

/// What an open file held.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) revision: Revision,
    /// In order.
    pub(super) keys: Vec<KeyValue>,
}

/// What the table of keys does not know yet.
#[derive(Debug)]
pub(super) struct Unfolded {
    revision: Revision,
    keys: Vec<(Bytes, Option<KeyValue>)>,
}

/// An open file.
#[derive(Debug)]
pub(super) struct MetaFile {
    database: Database,
    sync_failed: Arc<AtomicBool>,
    log_bytes: usize,
    /// Keys that the log changed.
    unfolded: BTreeSet<Bytes>,
}

impl MetaFile {
    /// Opens the file, or makes one, and reads everything.
    pub(super) fn open(disks: &dyn Disks) -> Result<(Self, Loaded)> {
        let failed = |error: redb::DatabaseError| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => Error::Locked { path: disks.path() },
            other => opening_failed(other.into()),
        };
        let sync_failed = Arc::new(AtomicBool::new(false));
        let disk = disks.open().map_err(failed)?;
        let watched = Watched::new(disk, Arc::clone(&sync_failed));
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let database = builder.create_with_backend(watched).map_err(failed)?;
        let mut file = Self { database, sync_failed, log_bytes: 0, unfolded: BTreeSet::new() };
        file.prepare().map_err(opening_failed)?;
        let loaded = file.load()?;
        Ok((file, loaded))
    }

    /// Makes the tables of a new file.
    fn prepare(&mut self) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut about = transaction.open_table(ABOUT)?;
            if about.get("format")?.is_none() {
                about.insert("format", FORMAT)?;
                about.insert("revision", FIRST_REVISION)?;
            }
            transaction.open_table(KEYS)?;
            transaction.open_table(LOG)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn load(&mut self) -> Result<Loaded> {
        let read = self.read_rows().map_err(opening_failed)?;
        if read.format != FORMAT {
            let format = read.format;
            return Err(Error::configuration(format!(
                "the file has format {format}, and this program knows format {FORMAT}"
            )));
        }
        let mut keys = BTreeMap::new();
        for (key, row) in read.keys {
            let key_value = decode_key(key.clone(), row).ok_or_else(|| damaged("a key"))?;
            keys.insert(key, key_value);
        }
        let mut revision = read.revision;
        for (first, row) in read.log {
            if first != revision + 1 {
                return Err(damaged("a gap in the log"));
            }
            self.log_bytes += row.len();
            for commit in decode_commits(Revision(first), row).ok_or_else(|| damaged("the log"))? {
                revision = commit.revision.0;
                for change in commit.changes {
                    self.unfolded.insert(change.key().clone());
                    match change {
                        Change::Put(put) => keys.insert(put.key.clone(), put),
                        Change::Delete { key, .. } => keys.remove(&key),
                    };
                }
            }
        }
        Ok(Loaded { revision: Revision(revision), keys: keys.into_values().collect() })
    }

    fn read_rows(&self) -> Result<Rows, redb::Error> {
        let transaction = self.database.begin_read()?;
        let about = transaction.open_table(ABOUT)?;
        let number = |name| Ok::<_, redb::Error>(about.get(name)?.map_or(0, |row| row.value()));
        let mut rows = Rows {
            format: number("format")?,
            revision: number("revision")?,
            keys: Vec::new(),
            log: Vec::new(),
        };
        for row in transaction.open_table(KEYS)?.iter()? {
            let (key, value) = row?;
            let key = Bytes::copy_from_slice(key.value());
            rows.keys.push((key, Bytes::copy_from_slice(value.value())));
        }
        for row in transaction.open_table(LOG)?.iter()? {
            let (first, commits) = row?;
            rows.log.push((first.value(), Bytes::copy_from_slice(commits.value())));
        }
        Ok(rows)
    }

    /// Writes commits down: when it returns, they survive a crash.
    pub(super) fn append(&mut self, commits: &[Commit]) -> Result<(), redb::Error> {
        let Some(first) = commits.first() else { return Ok(()) };
        let row = encode_commits(commits);
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.open_table(LOG)?.insert(first.revision.0, row.as_slice())?;
        transaction.commit()?;
        self.log_bytes += row.len();
        let changes = commits.iter().flat_map(|commit| &commit.changes);
        self.unfolded.extend(changes.map(|change| change.key().clone()));
        Ok(())
    }

    /// Bytes of the log's rows.
    pub(super) fn log_bytes(&self) -> usize {
        self.log_bytes
    }

    /// What the keys that the log changed hold in a state.
    pub(super) fn unfolded(&self, state: &State) -> Unfolded {
        let keys = self.unfolded.iter().map(|key| (key.clone(), state.get(key).cloned()));
        Unfolded { revision: state.revision(), keys: keys.collect() }
    }

    /// Brings the table of keys up to a state, which must hold all that was appended, and empties
    /// the log.
    pub(super) fn fold(&mut self, unfolded: Unfolded) -> Result<(), redb::Error> {
        if unfolded.keys.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut keys = transaction.open_table(KEYS)?;
            let mut row = Vec::new();
            for (key, value) in unfolded.keys {
                if let Some(key_value) = value {
                    row.clear();
                    encode_key(&key_value, &mut row);
                    keys.insert(key.as_ref(), row.as_slice())?;
                } else {
                    keys.remove(key.as_ref())?;
                }
            }
            transaction.open_table(LOG)?.retain(|_, _| false)?;
            transaction.open_table(ABOUT)?.insert("revision", unfolded.revision.0)?;
        }
        transaction.commit()?;
        self.unfolded.clear();
        self.log_bytes = 0;
        Ok(())
    }

    /// Whether a sync has failed: then nothing that the file says about what was being written
    /// proves anything.
    pub(super) fn sync_failed(&self) -> bool {
        self.sync_failed.load(Ordering::SeqCst)
    }
}

struct Rows {
    format: u64,
    revision: u64,
    keys: Vec<(Bytes, Bytes)>,
    log: Vec<(u64, Bytes)>,
}

fn opening_failed(error: redb::Error) -> Error {
    match error {
        redb::Error::Corrupted(_) | redb::Error::UpgradeRequired(_) => Error::corrupt(error),
        other => Error::unavailable(other),
    }
}

fn damaged(what: &str) -> Error {
    Error::corrupt(format!("{what} in the embedded store's file can't be read"))
}

fn encode_key(key_value: &KeyValue, row: &mut Vec<u8>) {
    row.put_u64_le(key_value.created.0);
    row.put_u64_le(key_value.modified.0);
    row.put_i64_le(encode_lease(key_value.lease));
    row.put_slice(&key_value.value);
}

fn decode_key(key: Bytes, mut row: Bytes) -> Option<KeyValue> {
    let created = Revision(row.try_get_u64_le().ok()?);
    let modified = Revision(row.try_get_u64_le().ok()?);
    let lease = decode_lease(row.try_get_i64_le().ok()?);
    Some(KeyValue { key, value: row, created, modified, lease })
}

fn encode_lease(lease: Option<LeaseId>) -> i64 {
    lease.map_or(0, |LeaseId(id)| id)
}

fn decode_lease(id: i64) -> Option<LeaseId> {
    (id != 0).then_some(LeaseId(id))
}

fn encode_commits(commits: &[Commit]) -> Vec<u8> {
    let mut row = Vec::new();
    for commit in commits {
        put_length(&mut row, commit.changes.len());
        for change in &commit.changes {
            row.put_u8(if change.after().is_some() { PUT } else { DELETE });
            put_bytes(&mut row, change.key());
            if let Some(put) = change.after() {
                row.put_u64_le(put.created.0);
                row.put_i64_le(encode_lease(put.lease));
                put_bytes(&mut row, &put.value);
            }
        }
    }
    row
}

fn decode_commits(first: Revision, mut row: Bytes) -> Option<Vec<Commit>> {
    let mut commits = Vec::new();
    let mut revision = first;
    while row.has_remaining() {
        let changes = row.try_get_u32_le().ok()?;
        let changes: Option<_> = (0..changes).map(|_| decode_change(revision, &mut row)).collect();
        commits.push(Commit { revision, changes: changes? });
        revision.0 += 1;
    }
    Some(commits)
}

fn decode_change(modified: Revision, row: &mut Bytes) -> Option<Change> {
    let kind = row.try_get_u8().ok()?;
    let key = get_bytes(row)?;
    match kind {
        DELETE => Some(Change::Delete { key, modified }),
        PUT => {
            let created = Revision(row.try_get_u64_le().ok()?);
            let lease = decode_lease(row.try_get_i64_le().ok()?);
            // A slice would keep the whole row in memory for as long as one of its keys lives.
            let value = Bytes::copy_from_slice(&get_bytes(row)?);
            let key = Bytes::copy_from_slice(&key);
            Some(Change::Put(KeyValue { key, value, created, modified, lease }))
        }
        _ => None,
    }
}

/// A transaction's limits keep every length far below 32 bits.
fn put_length(row: &mut Vec<u8>, length: usize) {
    row.put_u32_le(u32::try_from(length).unwrap_or(u32::MAX));
}

fn put_bytes(row: &mut Vec<u8>, bytes: &[u8]) {
    put_length(row, bytes.len());
    row.put_slice(bytes);
}

fn get_bytes(row: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(row.try_get_u32_le().ok()?).ok()?;
    (length <= row.remaining()).then(|| row.split_to(length))
}
