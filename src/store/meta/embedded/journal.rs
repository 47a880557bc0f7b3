//! A disk in memory that writes down what is done to it, so that tests can make of it what a
//! power failure leaves at any point.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use redb::StorageBackend;

use super::super::Error;
use super::Embedded;
use super::disk::Disks;
use crate::base::{Random, SeededRandom, SystemClock};

const SECTOR: usize = 512;

/// What happened to the disk, in order, and when the store said what.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write {
        offset: usize,
        data: Vec<u8>,
    },
    Length(usize),
    Sync,
    /// Something that the test wants to find at its place in the order.
    Mark(u64),
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) bytes: Vec<u8>,
    pub(super) steps: Vec<Step>,
    /// Writes and syncs fail once these have run out.
    pub(super) writes_left: Option<usize>,
    pub(super) syncs_left: Option<usize>,
}

/// A disk in memory that writes down what is done to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct JournalDisk(pub(super) Arc<Mutex<Journal>>);

impl JournalDisk {
    /// A disk with these bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Journal { bytes, ..Journal::default() })))
    }

    /// Something happens now.
    pub(crate) fn mark(&self, mark: u64) {
        self.0.lock().steps.push(Step::Mark(mark));
    }

    /// All that has happened.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.0.lock().steps.clone()
    }
}

fn count_down(left: &mut Option<usize>) -> io::Result<()> {
    match left {
        Some(0) => Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full")),
        Some(more) => {
            *more -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

impl StorageBackend for JournalDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let journal = self.0.lock();
        let start = usize::try_from(offset).unwrap();
        let bytes = journal.bytes.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut journal = self.0.lock();
        let len = usize::try_from(len).unwrap();
        journal.bytes.resize(len, 0);
        journal.steps.push(Step::Length(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut journal = self.0.lock();
        count_down(&mut journal.syncs_left)?;
        journal.steps.push(Step::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut journal = self.0.lock();
        count_down(&mut journal.writes_left)?;
        let offset = usize::try_from(offset).unwrap();
        journal.bytes[offset..offset + data.len()].copy_from_slice(data);
        journal.steps.push(Step::Write { offset, data: data.to_vec() });
        Ok(())
    }
}

impl Disks for JournalDisk {
    fn open(&self) -> Result<Box<dyn StorageBackend>, redb::DatabaseError> {
        Ok(Box::new(self.clone()))
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("a disk in memory")
    }
}

/// The store on this disk.
pub(crate) fn open(disk: &JournalDisk) -> Result<Embedded, Error> {
    // A small log, so that it is folded often.
    Embedded::open_on(Box::new(disk.clone()), Arc::new(SystemClock::new()), 4 << 10)
}

/// Does to the bytes what was done to the disk.
pub(crate) fn apply(bytes: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write { offset, data } => {
            let end = offset + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(data);
        }
        Step::Length(len) => bytes.resize(*len, 0),
        Step::Sync | Step::Mark(_) => {}
    }
}

/// What a crash after these steps may leave: all that was synced, and of the rest some writes,
/// in part, sector by sector.
pub(crate) fn wreck(
    synced: &[u8],
    rest: &[Step],
    random: &SeededRandom,
    keep_of_eight: u64,
) -> Vec<u8> {
    let mut bytes = synced.to_vec();
    for step in rest {
        match step {
            Step::Write { offset, data } => {
                for (i, sector) in data.chunks(SECTOR).enumerate() {
                    if random.u64() % 8 < keep_of_eight {
                        let part =
                            Step::Write { offset: offset + i * SECTOR, data: sector.to_vec() };
                        apply(&mut bytes, &part);
                    }
                }
            }
            other => apply(&mut bytes, other),
        }
    }
    bytes
}
