//! The bytes of keys and of commits.
//!
//! ```text
//! a key      created u64, modified u64, lease i64 (0: none), value
//! commits    one after another, their revisions counting up; each:
//!                changes u32, then for each change
//!                kind u8 (0: delete, 1: put), key length u32, key,
//!                and for a put: created u64, lease i64, value length u32, value
//! ```
//!
//! Integers are little-endian.

use bytes::{Buf, BufMut, Bytes};

use crate::base::Revision;

use super::super::state::Commit;
use super::super::{Change, KeyValue, LeaseId};

const DELETE: u8 = 0;
const PUT: u8 = 1;

/// What the table of keys holds of a key, appended.
pub(super) fn encode_key(key_value: &KeyValue, row: &mut Vec<u8>) {
    row.put_u64_le(key_value.created.0);
    row.put_u64_le(key_value.modified.0);
    row.put_i64_le(encode_lease(key_value.lease));
    row.put_slice(&key_value.value);
}

/// `None` when it can't be read.
pub(super) fn decode_key(key: Bytes, mut row: Bytes) -> Option<KeyValue> {
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

/// Commits whose revisions follow each other, appended.
pub(super) fn encode_commits(commits: &[Commit], row: &mut Vec<u8>) {
    for commit in commits {
        put_length(row, commit.changes.len());
        for change in &commit.changes {
            row.put_u8(if change.after().is_some() { PUT } else { DELETE });
            put_bytes(row, change.key());
            if let Some(put) = change.after() {
                row.put_u64_le(put.created.0);
                row.put_i64_le(encode_lease(put.lease));
                put_bytes(row, &put.value);
            }
        }
    }
}

/// The commits from a revision on; `None` when they can't be read.
pub(super) fn decode_commits(first: Revision, mut row: Bytes) -> Option<Vec<Commit>> {
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
    // Slices would keep the whole row in memory for as long as one of its keys lives.
    let key = Bytes::copy_from_slice(&get_bytes(row)?);
    match kind {
        DELETE => Some(Change::Delete { key, modified }),
        PUT => {
            let created = Revision(row.try_get_u64_le().ok()?);
            let lease = decode_lease(row.try_get_i64_le().ok()?);
            let value = Bytes::copy_from_slice(&get_bytes(row)?);
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
