//! A change of definitions: compares and operations that DDL made from a snapshot.

use bytes::Bytes;
use serde::Serialize;

use crate::base::{Oid, Result, Revision, SqlError};
use crate::store::meta::{Compare, KeyRange, Operation};

use super::snapshot::Snapshot;

/// What DDL wants to change. It is refused, and made again from a newer snapshot, when
/// something that it looked at has changed meanwhile.
#[derive(Debug)]
pub struct Edit {
    /// What must still hold.
    pub compares: Vec<Compare>,
    /// What changes.
    pub operations: Vec<Operation>,
    next_oid: u32,
    taken_oids: bool,
    oid_revision: Revision,
}

impl Edit {
    /// No change yet.
    pub fn new(snapshot: &Snapshot) -> Self {
        let (next_oid, oid_revision) = snapshot.next_oid;
        Self {
            compares: Vec::new(),
            operations: Vec::new(),
            next_oid,
            taken_oids: false,
            oid_revision,
        }
    }

    /// A fresh oid.
    pub fn oid(&mut self) -> Oid {
        self.taken_oids = true;
        let oid = Oid(self.next_oid);
        self.next_oid += 1;
        oid
    }

    /// Claims a name that nobody has.
    pub fn claim(&mut self, name: Bytes, oid: Oid) {
        self.compares.push(Compare::Absent(name.clone()));
        self.operations.push(Operation::put(name, oid.to_string()));
    }

    /// Writes a definition as JSON.
    pub fn put<T: Serialize>(&mut self, key: Bytes, value: &T) -> Result<()> {
        let json = serde_json::to_vec(value)
            .map_err(|error| SqlError::internal(format!("definition: {error}")))?;
        self.operations.push(Operation::put(key, json));
        Ok(())
    }

    /// Writes a value that nobody reads: a version key.
    pub fn touch(&mut self, key: Bytes) {
        self.operations.push(Operation::put(key, Bytes::new()));
    }

    /// Removes a key.
    pub fn remove(&mut self, key: Bytes) {
        self.operations.push(Operation::delete(key));
    }

    /// Removes a range of keys.
    pub fn remove_all(&mut self, range: KeyRange) {
        self.operations.push(Operation::Delete(range));
    }

    /// Holds only while a key is as the snapshot saw it.
    pub fn unchanged(&mut self, key: Bytes, at: Revision) {
        self.compares.push(Compare::Modified { key, at });
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The transaction's compares and operations, with the counter of oids where some were taken.
    pub fn finish(mut self, next_oid_key: Bytes) -> (Vec<Compare>, Vec<Operation>) {
        if self.taken_oids {
            let at = self.oid_revision;
            self.compares.push(Compare::Modified { key: next_oid_key.clone(), at });
            self.operations.push(Operation::put(next_oid_key, self.next_oid.to_string()));
        }
        (self.compares, self.operations)
    }
}
