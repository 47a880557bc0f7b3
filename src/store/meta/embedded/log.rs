//! The write-ahead log: one write and one sync for each batch of transactions.
//!
//! ```text
//! block 0   0  "RKMLOG01"
//!           8  store          u64: drawn when the store was made, redb's file has it too
//!          16  CRC-32 of the 16 bytes above   u32
//! block 1   records, each from the start of a block on, the rest of its last block zero:
//!           0  CRC-32 of bytes 4 to 40        u32
//!           4  CRC-32 of the payload          u32
//!           8  store          u64
//!          16  epoch          u64
//!          24  first revision u64
//!          32  length of the payload, not 0   u64
//!          40  payload: commits (`rows.rs`)
//! ```
//!
//! A block has 4,096 bytes, integers are little-endian. The file grows by zeros that are written
//! and synced before anything else, so that the sync of a record has no metadata of the file
//! system to write; it never shrinks.
//!
//! **Epochs.** Each fold (and so each opening) begins a new epoch, in the redb transaction that
//! takes the log's contents over: at that point all records of the epochs before are void, and
//! the next one is written over them, at block 1. Nothing is ever erased or cut off.
//!
//! **Within an epoch** records follow each other without a gap in blocks or revisions, each block
//! is written once, and a record is synced before the next one is written. A crash can therefore
//! tear the last record of the current epoch only, one that was never acknowledged, and no sector
//! of an acknowledged record is ever under a write. After a write that failed, the store is opened
//! again, in a new epoch: what a failed write has left behind is void, whatever comes of it later.
//!
//! **The end, or damage.** The log ends at the first block without a whole record of the epoch.
//! If any later block has a head of this epoch or a later one, records that were acknowledged have been
//! lost in between, and that is [`Error::Corrupt`]; so are a gap, a record that the file is too
//! short for (it grows first), an epoch that redb's file does not know yet (it was taken
//! from an older copy), and a head that belongs to another store. What can't be told from a crash is
//! damage to the very last record; nor is a log noticed that is an older copy than redb's file.

use std::io;

use bytes::{Buf, BufMut, Bytes};
use redb::StorageBackend;

use crate::base::Revision;

use super::super::state::Commit;
use super::super::{Error, Result};
use super::disk::Watched;
use super::rows::{decode_commits, encode_commits};

const MAGIC: &[u8; 8] = b"RKMLOG01";
/// The page of every file system and the sector of every disk: a record never shares one.
const BLOCK: u64 = 4_096;
const BLOCK_BYTES: usize = 4_096;
/// Of the file's first block.
const LABEL_BYTES: usize = 20;
/// Of a record.
const HEAD_BYTES: usize = 40;
/// How many zeros are written at once.
const ZEROS_BYTES: usize = 1 << 20;
/// What is kept of the buffer after a large record.
const BUFFER_BYTES: usize = 1 << 20;

/// An open log.
#[derive(Debug)]
pub(super) struct Log {
    disk: Watched,
    store: u64,
    epoch: u64,
    /// Where the next record goes.
    end: u64,
    /// The file's length.
    length: u64,
    grow_by: u64,
    /// The record under way; kept for the next one.
    record: Vec<u8>,
}

/// The start of a record.
#[derive(Debug)]
struct Head {
    payload_crc32: u32,
    epoch: u64,
    first: Revision,
    length: u64,
}

impl Log {
    /// Makes the log of a new store. What a crash has left of an earlier attempt is no obstacle.
    pub(super) fn make(disk: &Watched, store: u64) -> Result<()> {
        if disk.len().map_err(Error::unavailable)? > BLOCK {
            let text = "there is a log with content, but the store's other file is new";
            return Err(Error::corrupt(text));
        }
        let mut label = Vec::with_capacity(BLOCK_BYTES);
        label.put_slice(MAGIC);
        label.put_u64_le(store);
        label.put_u32_le(crc32fast::hash(&label));
        label.resize(BLOCK_BYTES, 0);
        let written = disk.set_len(BLOCK).and_then(|()| disk.write(0, &label));
        written.and_then(|()| disk.sync_data()).map_err(Error::unavailable)
    }

    /// Opens a store's log. It must be replayed, then [restarted](Self::restart).
    pub(super) fn open(disk: Watched, store: u64, grow_by: u64) -> Result<Self> {
        let length = disk.len().map_err(Error::unavailable)?;
        let mut label = [0; LABEL_BYTES];
        if length < BLOCK {
            return Err(damaged("it has no beginning"));
        }
        disk.read(0, &mut label).map_err(Error::unavailable)?;
        let mut rest = &label[MAGIC.len()..];
        let found = rest.get_u64_le();
        if !label.starts_with(MAGIC) || rest.get_u32_le() != crc32fast::hash(&label[..16]) {
            return Err(damaged("its beginning is not that of a log"));
        }
        if found != store {
            return Err(damaged("it belongs to another store"));
        }
        Ok(Self { disk, store, epoch: 0, end: BLOCK, length, grow_by, record: Vec::new() })
    }

    /// Reads the commits of an epoch, which follow a revision; answers the last one's.
    pub(super) fn replay(
        &self,
        epoch: u64,
        after: Revision,
        mut apply: impl FnMut(Commit),
    ) -> Result<Revision> {
        let mut last = after;
        let mut at = BLOCK;
        while let Some(head) = self.head(at)?.filter(|head| head.epoch >= epoch) {
            if head.epoch > epoch {
                return Err(damaged("it is ahead of the store's other file"));
            }
            if head.first.0 != last.0 + 1 {
                return Err(damaged("it has a gap"));
            }
            let next = record_end(at, head.length).filter(|next| *next <= self.length);
            let next = next.ok_or_else(|| damaged("it has been cut off"))?;
            let Some(payload) = self.payload(at, &head)? else { break };
            let commits = decode_commits(head.first, payload);
            for commit in commits.ok_or_else(|| damaged("a record has no meaning"))? {
                last = commit.revision;
                apply(commit);
            }
            at = next;
        }
        self.prove_end(at, epoch)?;
        Ok(last)
    }

    /// That nothing which was acknowledged lies behind the end.
    fn prove_end(&self, end: u64, epoch: u64) -> Result<()> {
        let mut at = end + BLOCK;
        while at < self.length {
            if let Some(head) = self.head(at)?.filter(|head| head.epoch >= epoch) {
                let first = head.first;
                return Err(damaged(&format!("what stands before revision {first} is lost")));
            }
            at += BLOCK;
        }
        Ok(())
    }

    /// The head of a record, if there is one in this block.
    fn head(&self, at: u64) -> Result<Option<Head>> {
        if at + BLOCK > self.length {
            return Ok(None);
        }
        let mut bytes = [0; HEAD_BYTES];
        self.disk.read(at, &mut bytes).map_err(Error::unavailable)?;
        let mut rest = &bytes[..];
        let crc32 = rest.get_u32_le();
        let payload_crc32 = rest.get_u32_le();
        let store = rest.get_u64_le();
        let (epoch, first) = (rest.get_u64_le(), Revision(rest.get_u64_le()));
        let length = rest.get_u64_le();
        let whole = length > 0 && store == self.store && crc32 == crc32fast::hash(&bytes[4..]);
        Ok(whole.then_some(Head { payload_crc32, epoch, first, length }))
    }

    /// The payload of a record that lies within the file, if it is whole.
    fn payload(&self, at: u64, head: &Head) -> Result<Option<Bytes>> {
        let length = usize::try_from(head.length).map_err(Error::corrupt)?;
        let mut payload = vec![0; length];
        self.disk.read(at + HEAD_BYTES as u64, &mut payload).map_err(Error::unavailable)?;
        let whole = crc32fast::hash(&payload) == head.payload_crc32;
        Ok(whole.then(|| Bytes::from(payload)))
    }

    /// Begins an epoch, once redb's file has it: the log is empty.
    pub(super) fn restart(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.end = BLOCK;
    }

    /// Bytes of this epoch's records.
    pub(super) fn bytes(&self) -> u64 {
        self.end - BLOCK
    }

    /// Writes commits down: when it returns, they survive a crash. After an error the log must be
    /// opened again.
    pub(super) fn append(&mut self, commits: &[Commit]) -> io::Result<()> {
        let Some(first) = commits.first() else { return Ok(()) };
        self.encode(first.revision, commits);
        let end = self.end + self.record.len() as u64;
        self.grow(end)?;
        self.disk.write(self.end, &self.record)?;
        self.disk.sync_data()?;
        self.end = end;
        self.record.clear();
        self.record.shrink_to(BUFFER_BYTES);
        Ok(())
    }

    fn encode(&mut self, first: Revision, commits: &[Commit]) {
        let record = &mut self.record;
        record.clear();
        record.resize(HEAD_BYTES, 0);
        encode_commits(commits, record);
        let payload = &record[HEAD_BYTES..];
        let (length, payload_crc32) = (payload.len() as u64, crc32fast::hash(payload));
        let mut head = &mut record[4..HEAD_BYTES];
        head.put_u32_le(payload_crc32);
        head.put_u64_le(self.store);
        head.put_u64_le(self.epoch);
        head.put_u64_le(first.0);
        head.put_u64_le(length);
        let crc32 = crc32fast::hash(&record[4..HEAD_BYTES]);
        (&mut record[..4]).put_u32_le(crc32);
        record.resize(record.len().next_multiple_of(BLOCK_BYTES), 0);
    }

    /// Makes room up to here.
    fn grow(&mut self, end: u64) -> io::Result<()> {
        if end <= self.length {
            return Ok(());
        }
        let length = end.next_multiple_of(self.grow_by);
        self.disk.set_len(length)?;
        let zeros = vec![0; ZEROS_BYTES.min(usize::try_from(length).unwrap_or(ZEROS_BYTES))];
        let mut at = self.length;
        while at < length {
            let rest = usize::try_from(length - at).unwrap_or(ZEROS_BYTES);
            let part = &zeros[..rest.min(zeros.len())];
            self.disk.write(at, part)?;
            at += part.len() as u64;
        }
        self.disk.sync_data()?;
        self.length = length;
        Ok(())
    }
}

/// Where a record ends that begins here.
fn record_end(at: u64, length: u64) -> Option<u64> {
    let bytes = length.checked_add(HEAD_BYTES as u64)?;
    at.checked_add(bytes.checked_next_multiple_of(BLOCK)?)
}

fn damaged(how: &str) -> Error {
    Error::corrupt(format!("the embedded store's log can't be read: {how}"))
}
