//! Objects that this process has written, or is about to, and that no metadata lists yet.
//!
//! A [`Draft`] names the objects of one piece of work (a flush, a merge) and remembers them for
//! as long as somebody may still publish them. When the last holder drops it unpublished, they
//! are given up: [`Drafts::new`]'s receiver hears of each, and nobody will ever list it. So a
//! rollback, a cancelled statement and a failed commit leave nothing behind, without having to
//! wait for the end of their process.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::base::{Incarnation, Oid, SegmentId};
use crate::store::object::{data_path, index_path};

/// It may yet be published, by its holders only.
const OPEN: u8 = 0;
/// Metadata may list it: it is not this process's to remove.
const UNDECIDED: u8 = 1;
/// Metadata list it.
const PUBLISHED: u8 = 2;

/// The drafts of a process.
#[derive(Debug)]
pub struct Drafts {
    incarnation: Incarnation,
    open: Mutex<HashSet<String>>,
    given_up: mpsc::UnboundedSender<String>,
}

/// The objects of one piece of work.
#[derive(Debug)]
pub struct Draft {
    drafts: Arc<Drafts>,
    paths: Mutex<Vec<String>>,
    fate: AtomicU8,
}

impl Drafts {
    /// No drafts of this start of a process yet; the receiver hears of objects that are given up.
    pub fn new(incarnation: Incarnation) -> (Arc<Self>, mpsc::UnboundedReceiver<String>) {
        let (given_up, receiver) = mpsc::unbounded_channel();
        (Arc::new(Self { incarnation, open: Mutex::default(), given_up }), receiver)
    }

    /// Begins a piece of work.
    pub fn begin(self: &Arc<Self>) -> Arc<Draft> {
        let fate = AtomicU8::new(OPEN);
        Arc::new(Draft { drafts: Arc::clone(self), paths: Mutex::default(), fate })
    }

    /// Whether this object may yet be published, or may just have been. Once it says no, the
    /// object is listed from now on or never.
    pub fn is_open(&self, path: &str) -> bool {
        self.open.lock().contains(path)
    }
}

impl Draft {
    /// Names a segment's object, before anything of it is written.
    pub(super) fn name(&self, table: Oid, segment: SegmentId) -> String {
        self.hold(data_path(table, self.drafts.incarnation, segment))
    }

    /// Names an object of an index, before anything of it is written.
    pub fn name_index(&self, table: Oid, id: Uuid) -> String {
        self.hold(index_path(table, self.drafts.incarnation, id))
    }

    fn hold(&self, path: String) -> String {
        self.drafts.open.lock().insert(path.clone());
        self.paths.lock().push(path.clone());
        path
    }

    /// From now on, metadata may list the objects: they are not given up, whatever happens, until
    /// it is known whether they do.
    pub fn submitted(&self) {
        self.fate.store(UNDECIDED, Ordering::SeqCst);
    }

    /// Metadata list them.
    pub fn published(&self) {
        self.fate.store(PUBLISHED, Ordering::SeqCst);
    }

    /// It is proven that metadata don't list them.
    pub fn refused(&self) {
        self.fate.store(OPEN, Ordering::SeqCst);
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let fate = self.fate.load(Ordering::SeqCst);
        if fate == UNDECIDED {
            // They stay open: only the end of this incarnation decides.
            return;
        }
        let paths = std::mem::take(&mut *self.paths.lock());
        let mut open = self.drafts.open.lock();
        for path in paths {
            open.remove(&path);
            if fate == OPEN {
                // Nobody listens any more when the process ends: others collect them then.
                let _ended = self.drafts.given_up.send(path);
            }
        }
    }
}
