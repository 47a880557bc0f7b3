//! The store's two files as one: a table of keys in redb, and the log of what changed since.
//!
//! ```text
//! about   "format" -> 2, "store" -> what the log is labelled with,
//!         "revision" -> the revision of the table of keys, "epoch" -> which of the log's
//!         records follow it
//! keys    key -> a key's row (`rows.rs`)
//! ```
//!
//! A commit appends to the log (`log.rs`): one write of a few blocks at its end and one sync,
//! wherever its keys lie in the tree. When the log has grown it is **folded**: one redb transaction
//! brings the table up to the newest revision and begins the log's next epoch, so that
//! before it the old records count, after it none of them; a hot key is written there once for many
//! commits. Opening folds as well, whatever it finds: everything that readers will see is then in
//! redb, synced by this process, even if a former one died between a write and its sync, and
//! whatever a torn or failed write left in the log is void for good.
//!
//! redb checks its pages by checksum when it recovers. A crash needs redb's repair, a walk over
//! the whole file: it costs about as much as reading all keys, which an open does anyway, while
//! `set_quick_repair` would cost a second fsync in every fold.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use redb::{Database, Durability, ReadableDatabase, TableDefinition, TableError};

use crate::base::{OsRandom, Random, Revision};

use super::super::state::{Commit, State};
use super::super::{Change, Error, KeyValue, Result};
use super::disk::{Disks, Watched};
use super::log::Log;
use super::rows::{decode_key, encode_key};

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const KEYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keys");

const FORMAT: u64 = 2;
/// The first revision, as in etcd.
const FIRST_REVISION: u64 = 1;
/// redb's cache holds the trees' inner pages; the keys themselves are in memory already.
const CACHE_BYTES: usize = 16 << 20;

/// What open files held.
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

/// Open files. After an error they must be opened again.
#[derive(Debug)]
pub(super) struct MetaFile {
    database: Database,
    log: Log,
    epoch: u64,
    /// Keys that the log changed.
    unfolded: BTreeSet<Bytes>,
}

/// The table of that name.
#[derive(Debug)]
struct About {
    format: u64,
    store: u64,
    revision: u64,
    epoch: u64,
}

impl MetaFile {
    /// Opens the files, or makes them, and reads everything. `sync_failed` becomes true with the
    /// first sync that fails, now or later.
    pub(super) fn open(disks: &dyn Disks, sync_failed: &Arc<AtomicBool>) -> Result<(Self, Loaded)> {
        let failed = |error: redb::DatabaseError| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => Error::Locked { path: disks.path() },
            other => opening_failed(other.into()),
        };
        let disk = disks.open().map_err(failed)?;
        let watched = Watched::new(disk, Arc::clone(sync_failed));
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let database = builder.create_with_backend(watched).map_err(failed)?;
        // From here on redb's lock is ours, and guards the log too.
        let about = match read_about(&database).map_err(opening_failed)? {
            Some(about) if about.format != FORMAT => {
                let format = about.format;
                return Err(Error::configuration(format!(
                    "{} has format {format}, and this program knows format {FORMAT}",
                    disks.path().display()
                )));
            }
            Some(about) => about,
            None => make(disks, &database, sync_failed)?,
        };
        let disk = disks.open_log(false).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::corrupt("the embedded store's log is missing"),
            _ => Error::unavailable(error),
        })?;
        let watched = Watched::new(disk, Arc::clone(sync_failed));
        let log = Log::open(watched, about.store, disks.log_grows_by())?;
        let unfolded = BTreeSet::new();
        let mut file = Self { database, log, epoch: about.epoch, unfolded };
        let loaded = file.load(&about)?;
        Ok((file, loaded))
    }

    /// Reads the table of keys and the log, and folds it.
    fn load(&mut self, about: &About) -> Result<Loaded> {
        let mut keys = BTreeMap::new();
        for (key, row) in read_keys(&self.database).map_err(opening_failed)? {
            let unreadable = || Error::corrupt("a key in the embedded store can't be read");
            keys.insert(key.clone(), decode_key(key, row).ok_or_else(unreadable)?);
        }
        let mut changed = BTreeSet::new();
        let revision = self.log.replay(about.epoch, Revision(about.revision), |commit| {
            for change in commit.changes {
                changed.insert(change.key().clone());
                match change {
                    Change::Put(put) => keys.insert(put.key.clone(), put),
                    Change::Delete { key, .. } => keys.remove(&key),
                };
            }
        })?;
        let current = |key: Bytes| {
            let value = keys.get(&key).cloned();
            (key, value)
        };
        let unfolded = Unfolded { revision, keys: changed.into_iter().map(current).collect() };
        self.fold(unfolded).map_err(opening_failed)?;
        Ok(Loaded { revision, keys: keys.into_values().collect() })
    }

    /// Writes commits down: when it returns, they survive a crash.
    pub(super) fn append(&mut self, commits: &[Commit]) -> Result<(), redb::Error> {
        self.log.append(commits)?;
        let changes = commits.iter().flat_map(|commit| &commit.changes);
        self.unfolded.extend(changes.map(|change| change.key().clone()));
        Ok(())
    }

    /// Bytes of the log's records that count.
    pub(super) fn log_bytes(&self) -> u64 {
        self.log.bytes()
    }

    /// What the keys that the log changed hold in a state.
    pub(super) fn unfolded(&self, state: &State) -> Unfolded {
        let keys = self.unfolded.iter().map(|key| (key.clone(), state.get(key).cloned()));
        Unfolded { revision: state.revision(), keys: keys.collect() }
    }

    /// Brings the table of keys up to a state, which must hold all that was appended, and begins
    /// the log anew.
    pub(super) fn fold(&mut self, unfolded: Unfolded) -> Result<(), redb::Error> {
        let epoch = self.epoch + 1;
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
            let mut about = transaction.open_table(ABOUT)?;
            about.insert("revision", unfolded.revision.0)?;
            about.insert("epoch", epoch)?;
        }
        transaction.commit()?;
        self.unfolded.clear();
        self.epoch = epoch;
        self.log.restart(epoch);
        Ok(())
    }
}

/// Makes the log, then the tables: a file with tables has a log.
fn make(disks: &dyn Disks, database: &Database, sync_failed: &Arc<AtomicBool>) -> Result<About> {
    let disk = disks.open_log(true).map_err(Error::unavailable)?;
    let store = OsRandom.u64();
    Log::make(&Watched::new(disk, Arc::clone(sync_failed)), store)?;
    let about = About { format: FORMAT, store, revision: FIRST_REVISION, epoch: 0 };
    write_about(database, &about).map_err(opening_failed)?;
    Ok(about)
}

fn write_about(database: &Database, about: &About) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut table = transaction.open_table(ABOUT)?;
        table.insert("format", about.format)?;
        table.insert("store", about.store)?;
        table.insert("revision", about.revision)?;
        table.insert("epoch", about.epoch)?;
        transaction.open_table(KEYS)?;
    }
    transaction.commit()?;
    Ok(())
}

/// `None` in a file without tables.
fn read_about(database: &Database) -> Result<Option<About>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(ABOUT) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        opened => opened?,
    };
    let number = |name| Ok::<_, redb::Error>(table.get(name)?.map_or(0, |row| row.value()));
    let (format, store) = (number("format")?, number("store")?);
    let (revision, epoch) = (number("revision")?, number("epoch")?);
    Ok(Some(About { format, store, revision, epoch }))
}

fn read_keys(database: &Database) -> Result<Vec<(Bytes, Bytes)>, redb::Error> {
    let mut keys = Vec::new();
    for row in database.begin_read()?.open_table(KEYS)?.range::<&[u8]>(..)? {
        let (key, value) = row?;
        let key = Bytes::copy_from_slice(key.value());
        keys.push((key, Bytes::copy_from_slice(value.value())));
    }
    Ok(keys)
}

fn opening_failed(error: redb::Error) -> Error {
    match error {
        redb::Error::Corrupted(_) | redb::Error::UpgradeRequired(_) => Error::corrupt(error),
        other => Error::unavailable(other),
    }
}
