//! Disks in memory that write down what is done to them, and what a crash leaves of it.

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

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Redb,
    Log,
}

/// What happened to the disk, in order, and when the store said what.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write {
        file: Which,
        offset: usize,
        data: Vec<u8>,
    },
    Length(Which, usize),
    Sync(Which),
    /// Something that the test wants to find at its place in the order.
    Mark(u64),
}

/// Both files' bytes; the log may not be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) redb: Vec<u8>,
    pub(crate) log: Option<Vec<u8>>,
}

impl Disk {
    pub(crate) fn file(&mut self, file: Which) -> &mut Vec<u8> {
        match file {
            Which::Redb => &mut self.redb,
            Which::Log => self.log.get_or_insert_default(),
        }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Write { file, offset, data } => self.write(*file, *offset, data),
            Step::Length(file, len) => self.file(*file).resize(*len, 0),
            Step::Sync(_) | Step::Mark(_) => {}
        }
    }

    fn write(&mut self, file: Which, offset: usize, data: &[u8]) {
        self.file(file)[offset..offset + data.len()].copy_from_slice(data);
    }
}

/// What survives of writes that were not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// Each sector with a chance of so many in eight.
    Sectors(u64),
    /// All writes, the last one only up to some byte.
    Prefix,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) disk: Disk,
    pub(crate) steps: Vec<Step>,
    /// Writes and syncs fail once these have run out.
    pub(crate) writes_left: Option<usize>,
    pub(crate) syncs_left: Option<usize>,
    /// A write that fails leaves this many of its bytes.
    pub(crate) torn_write_keeps: usize,
}

/// Disks in memory that write down what is done to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct JournalDisks(pub(crate) Arc<Mutex<Journal>>);

impl JournalDisks {
    /// What `Disks::open` promises of a new store: a database without tables, and no log.
    pub(crate) fn new() -> Self {
        let disks = Self::default();
        let file = disks.backend(Which::Redb);
        redb::Database::builder().create_with_backend(file).unwrap().close().unwrap();
        disks.0.lock().steps.clear();
        disks
    }

    /// Disks that hold this.
    pub(crate) fn holding(disk: Disk) -> Self {
        Self(Arc::new(Mutex::new(Journal { disk, ..Journal::default() })))
    }

    fn backend(&self, file: Which) -> JournalFile {
        JournalFile { disks: self.clone(), file }
    }

    /// Something happens now.
    pub(crate) fn mark(&self, mark: u64) {
        self.0.lock().steps.push(Step::Mark(mark));
    }

    /// All that has happened.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.0.lock().steps.clone()
    }

    /// What is there now.
    pub(crate) fn disk(&self) -> Disk {
        self.0.lock().disk.clone()
    }

    /// The store on these disks, with a small log, so that it is folded and grows often.
    pub(crate) fn store(&self) -> Result<Embedded, Error> {
        Embedded::open_on(Box::new(self.clone()), Arc::new(SystemClock::new()), 24 << 10)
    }
}

impl Disks for JournalDisks {
    fn open(&self) -> Result<Box<dyn StorageBackend>, redb::DatabaseError> {
        Ok(Box::new(self.backend(Which::Redb)))
    }

    fn open_log(&self, make: bool) -> io::Result<Box<dyn StorageBackend>> {
        let mut journal = self.0.lock();
        if journal.disk.log.is_none() {
            if !make {
                return Err(io::ErrorKind::NotFound.into());
            }
            journal.disk.file(Which::Log);
        }
        Ok(Box::new(self.backend(Which::Log)))
    }

    fn log_grows_by(&self) -> u64 {
        12 << 10
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("a disk in memory")
    }
}

#[derive(Debug)]
struct JournalFile {
    disks: JournalDisks,
    file: Which,
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

impl StorageBackend for JournalFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disks.0.lock().disk.file(self.file).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut journal = self.disks.0.lock();
        let start = usize::try_from(offset).unwrap();
        let bytes = journal.disk.file(self.file).get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut journal = self.disks.0.lock();
        let step = Step::Length(self.file, usize::try_from(len).unwrap());
        journal.disk.apply(&step);
        journal.steps.push(step);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut journal = self.disks.0.lock();
        count_down(&mut journal.syncs_left)?;
        journal.steps.push(Step::Sync(self.file));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut journal = self.disks.0.lock();
        let counted = count_down(&mut journal.writes_left);
        let kept = if counted.is_ok() { data.len() } else { journal.torn_write_keeps };
        let data = data[..kept.min(data.len())].to_vec();
        let step = Step::Write { file: self.file, offset: usize::try_from(offset).unwrap(), data };
        journal.disk.apply(&step);
        journal.steps.push(step);
        counted
    }
}

/// Walks through a history and knows what is certainly on the disk.
#[derive(Debug)]
pub(crate) struct Replay {
    synced: Disk,
    /// Since each file's last sync.
    unsynced: Vec<Step>,
    /// The highest mark.
    pub(crate) marked: u64,
}

impl Replay {
    /// From this disk on.
    pub(crate) fn new(synced: Disk) -> Self {
        Self { synced, unsynced: Vec::new(), marked: 0 }
    }

    /// The next step.
    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Mark(mark) => self.marked = self.marked.max(*mark),
            Step::Sync(synced) => {
                let of_file = |step: &Step| match step {
                    Step::Write { file, .. } | Step::Length(file, _) => file == synced,
                    Step::Sync(_) | Step::Mark(_) => false,
                };
                let (done, rest) = self.unsynced.drain(..).partition(of_file);
                self.unsynced = rest;
                let done: Vec<Step> = done;
                done.iter().for_each(|step| self.synced.apply(step));
            }
            Step::Write { .. } | Step::Length(..) => self.unsynced.push(step.clone()),
        }
    }

    /// What a crash now may leave.
    pub(crate) fn crash(&self, random: &SeededRandom, keep: Keep) -> Disk {
        let mut disk = self.synced.clone();
        for (i, step) in self.unsynced.iter().enumerate() {
            let Step::Write { file, offset, data } = step else {
                disk.apply(step);
                continue;
            };
            match keep {
                Keep::Sectors(of_eight) => {
                    for (i, sector) in data.chunks(SECTOR).enumerate() {
                        if random.u64() % 8 < of_eight {
                            disk.write(*file, offset + i * SECTOR, sector);
                        }
                    }
                }
                Keep::Prefix if i + 1 == self.unsynced.len() => {
                    let kept = random.u64() % (data.len() as u64 + 1);
                    disk.write(*file, *offset, &data[..usize::try_from(kept).unwrap()]);
                }
                Keep::Prefix => disk.apply(step),
            }
        }
        disk
    }
}
