//! Our types and etcd's.

use std::time::Duration;

use bytes::Bytes;
use etcd_client::{
    Compare as EtcdCompare, CompareOp, DeleteOptions, GetOptions, PutOptions, ResponseHeader, Txn,
    TxnOp, TxnOpResponse, TxnResponse,
};

use super::super::{
    Compare, Error, KeyRange, KeyValue, LeaseId, Operation, Outcome, Result, Transaction,
};
use crate::base::Revision;

/// etcd's name for the end of all keys, and the first key that it knows.
const ZERO: [u8; 1] = [0];

/// A revision in etcd's type.
pub(super) fn signed(revision: Revision) -> Result<i64> {
    i64::try_from(revision.0).map_err(Error::corrupt)
}

/// A revision of etcd in ours.
pub(super) fn revision(revision: i64) -> Result<Revision> {
    u64::try_from(revision).map(Revision).map_err(Error::corrupt)
}

/// The store's revision when it answered.
pub(super) fn header_revision(header: Option<&ResponseHeader>) -> Result<Revision> {
    let header = header.ok_or_else(|| Error::corrupt("an answer of etcd has no header"))?;
    revision(header.revision())
}

/// etcd's errors don't say which revision they are about.
pub(super) fn name_revision(error: Error, at: Revision) -> Error {
    match error {
        Error::Compacted { .. } => Error::Compacted { at },
        Error::Future { .. } => Error::Future { at },
        other => other,
    }
}

/// etcd has no empty key, so the range of all keys starts after it.
pub(super) fn start(range: &KeyRange) -> Vec<u8> {
    if range.start().is_empty() { ZERO.to_vec() } else { range.start().to_vec() }
}

/// A range's end in etcd's words; `None`: just its start.
pub(super) fn end(range: &KeyRange) -> Option<Vec<u8>> {
    if range.is_key(range.start()) && !range.start().is_empty() {
        return None;
    }
    Some(range.end().map_or_else(|| ZERO.to_vec(), |end| end.to_vec()))
}

/// A read of a range.
pub(super) fn get_range(range: &KeyRange, at: Option<Revision>) -> Result<GetOptions> {
    let mut options = GetOptions::new();
    if let Some(end) = end(range) {
        options = options.with_range(end);
    }
    if let Some(at) = at {
        options = options.with_revision(signed(at)?);
    }
    Ok(options)
}

/// Takes etcd's key and value without copying them.
pub(super) fn key_value(kv: etcd_client::KeyValue) -> Result<KeyValue> {
    let created = revision(kv.create_revision())?;
    let modified = revision(kv.mod_revision())?;
    let lease = (kv.lease() != 0).then_some(LeaseId(kv.lease()));
    let (key, value) = kv.into_key_value();
    Ok(KeyValue { key: Bytes::from(key), value: Bytes::from(value), created, modified, lease })
}

/// etcd counts leases in whole seconds.
pub(super) fn lease_seconds(ttl: Duration) -> i64 {
    let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
    i64::try_from(seconds.max(1)).unwrap_or(i64::MAX)
}

/// A transaction whose other branch tells since when its comparisons fail.
pub(super) fn transaction(transaction: &Transaction) -> Result<Txn> {
    let compares: Result<Vec<_>> = transaction.compares.iter().map(compare).collect();
    let operations: Vec<_> = transaction.operations.iter().filter_map(operation).collect();
    let why = transaction.compares.iter().map(|compare| {
        TxnOp::get(compare.key().to_vec(), Some(GetOptions::new().with_keys_only()))
    });
    Ok(Txn::new().when(compares?).and_then(operations).or_else(why.collect::<Vec<_>>()))
}

fn compare(compare: &Compare) -> Result<EtcdCompare> {
    let key = compare.key().to_vec();
    Ok(match compare {
        Compare::Absent(_) => EtcdCompare::create_revision(key, CompareOp::Equal, 0),
        Compare::Present(_) => EtcdCompare::create_revision(key, CompareOp::Greater, 0),
        Compare::Modified { at, .. } => {
            EtcdCompare::mod_revision(key, CompareOp::Equal, signed(*at)?)
        }
    })
}

fn operation(operation: &Operation) -> Option<TxnOp> {
    match operation {
        Operation::Put { key, value, lease } => {
            let options = lease.map(|LeaseId(id)| PutOptions::new().with_lease(id));
            Some(TxnOp::put(key.to_vec(), value.to_vec(), options))
        }
        Operation::Delete(range) if range.is_empty() => None,
        Operation::Delete(range) => {
            let options = end(range).map(|end| DeleteOptions::new().with_range(end));
            Some(TxnOp::delete(start(range), options))
        }
    }
}

/// How a transaction ended.
///
/// The revision of a refusal is the newest of the keys whose comparisons failed: a mirror
/// of those keys is going to hear of it, while etcd's own revision may belong to keys
/// that nobody here watches. Only a key that is gone does not tell since when.
pub(super) fn outcome(transaction: &Transaction, response: &TxnResponse) -> Result<Outcome> {
    let header = header_revision(response.header())?;
    if response.succeeded() {
        return Ok(Outcome::Committed(header));
    }
    let mut since = Revision::default();
    for (compare, found) in transaction.compares.iter().zip(response.op_responses()) {
        let TxnOpResponse::Get(found) = found else { return Ok(Outcome::Refused(header)) };
        let modified = found.kvs().first().map(|kv| revision(kv.mod_revision())).transpose()?;
        if !compare.holds(modified) {
            since = since.max(modified.unwrap_or(header));
        }
    }
    Ok(Outcome::Refused(if since == Revision::default() { header } else { since }))
}
