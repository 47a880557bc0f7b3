//! The indexes that this node builds now: who waits for one wakes the work up and sees how far it
//! is, or why it failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::base::{Oid, SqlError};

/// What a build does now, in pgvector's words where it has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildPhase {
    /// It looks at what there is.
    Initializing,
    /// It learns from a sample of the table.
    Training,
    /// Rows come in.
    Loading,
    /// It finds out which effort gives which recall.
    Calibrating,
}

impl BuildPhase {
    const ALL: [Self; 4] = [Self::Initializing, Self::Training, Self::Loading, Self::Calibrating];

    /// As `pg_stat_progress_create_index` shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Training => "building index: performing k-means",
            Self::Loading => "building index: loading tuples",
            Self::Calibrating => "building index: calibrating",
        }
    }
}

/// A build of an index over those segments that don't have it yet.
#[derive(Debug)]
pub struct IndexBuild {
    /// The table.
    pub table: Oid,
    /// The index.
    pub index: Oid,
    /// When it began, by the monotonic clock.
    pub since: Duration,
    phase: AtomicU8,
    /// Rows of all segments that it is about.
    pub rows: AtomicU64,
    /// Rows that are indexed.
    pub done: AtomicU64,
    /// Segments that it is about.
    pub segments: AtomicU64,
    /// Segments that are indexed.
    pub segments_done: AtomicU64,
    /// Bytes of what was built.
    pub bytes: AtomicU64,
    /// Set to stop it.
    pub cancelled: AtomicBool,
}

impl IndexBuild {
    /// What it does now.
    pub fn phase(&self) -> BuildPhase {
        let at = usize::from(self.phase.load(Ordering::Relaxed));
        BuildPhase::ALL.get(at).copied().unwrap_or(BuildPhase::Initializing)
    }

    /// It goes on to something else.
    pub fn enter(&self, phase: BuildPhase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }
}

/// The builds of a node.
#[derive(Debug, Default)]
pub struct IndexBuilds {
    wanted: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: BTreeMap<(Oid, Oid), Arc<IndexBuild>>,
    failed: BTreeMap<(Oid, Oid), SqlError>,
}

/// A build that runs as long as this lives; dropped, it is told to stop.
#[derive(Debug)]
pub struct Building {
    builds: Arc<IndexBuilds>,
    build: Arc<IndexBuild>,
}

impl IndexBuilds {
    /// There may be something to build.
    pub fn wake(&self) {
        self.wanted.notify_one();
    }

    /// Waits until there may be something to build.
    pub async fn woken(&self) {
        self.wanted.notified().await;
    }

    /// A build begins; what is known of an earlier failure is forgotten.
    pub fn begin(self: &Arc<Self>, table: Oid, index: Oid, since: Duration) -> Building {
        let build = Arc::new(IndexBuild {
            table,
            index,
            since,
            phase: AtomicU8::new(0),
            rows: AtomicU64::new(0),
            done: AtomicU64::new(0),
            segments: AtomicU64::new(0),
            segments_done: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
        });
        let mut state = self.state.lock();
        state.running.insert((table, index), Arc::clone(&build));
        state.failed.remove(&(table, index));
        Building { builds: Arc::clone(self), build }
    }

    /// What runs now.
    pub fn running(&self) -> Vec<Arc<IndexBuild>> {
        self.state.lock().running.values().cloned().collect()
    }

    /// Why the last build failed, if it did.
    pub fn failure(&self, table: Oid, index: Oid) -> Option<SqlError> {
        self.state.lock().failed.get(&(table, index)).cloned()
    }
}

impl Building {
    /// How far it is.
    pub fn build(&self) -> &Arc<IndexBuild> {
        &self.build
    }

    /// It has failed: who waits for it is told.
    pub fn fail(&self, error: &SqlError) {
        let key = (self.build.table, self.build.index);
        self.builds.state.lock().failed.insert(key, error.clone());
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        self.build.cancelled.store(true, Ordering::Relaxed);
        self.builds.state.lock().running.remove(&(self.build.table, self.build.index));
    }
}
