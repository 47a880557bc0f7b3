//! Removing objects that nobody can reach.
//!
//! An object goes in two cases only:
//!
//! * It was listed, and is not any more as of a revision which no snapshot in use, on any live
//!   node, is older than.
//! * No metadata lists it, and the process that wrote it is dead: its lease key is gone, so it
//!   can never publish it. Whether it was listed once is not known then, so the first rule's
//!   wait applies as well, from the revision at which it was found.
//!
//! What a live process wrote and nobody lists may be on its way to a commit, and stays.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use parking_lot::Mutex;

use crate::base::{Incarnation, Oid, Result, Revision, SqlError};
use crate::cluster::{LiveNode, live_nodes, nodes_range};
use crate::store::meta::{Compare, KeyRange, Operation, Transaction};
use crate::store::object::incarnation_of;
use crate::txn::{Consistency, Engine};

use super::claim;
use super::reachable::{Removals, listed_paths};

/// The claim's name.
const TASK: &str = "garbage";
/// Whose the object store is: `<database's id>`, as metadata says it.
const OWNER_PATH: &str = "owner/redkite";

/// Removes an engine's garbage.
#[derive(Debug)]
pub struct Collector {
    engine: Arc<Engine>,
    removals: Mutex<Removals>,
}

impl Collector {
    /// A collector that has seen nothing yet.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, removals: Mutex::default() }
    }

    /// Notes what is not listed any more; to be called often, so that nothing is missed that comes
    /// and goes. (What is missed goes once the process that wrote it is dead.)
    pub fn observe(&self) {
        self.removals.lock().observe(&self.engine.current());
    }

    /// Removes what was listed and is out of all snapshots' reach; returns how many objects.
    ///
    /// # Errors
    /// When the other nodes can't be asked what they read.
    pub async fn remove_unreachable(&self) -> Result<usize> {
        if self.removals.lock().is_empty() {
            return Ok(0);
        }
        let horizon = self.horizon(&self.live_nodes().await?);
        let unreachable = self.removals.lock().take(horizon);
        let reader = self.engine.reader();
        let mut removed = 0;
        for object in unreachable {
            if let Some(meta) = &object.meta {
                reader.forget(meta);
            }
            match reader.objects().delete(&object.path).await {
                Ok(()) => removed += 1,
                Err(error) => {
                    tracing::warn!(path = %object.path, %error, "removing an object");
                    self.removals.lock().add(object.path, horizon);
                }
            }
        }
        Ok(removed)
    }

    /// Looks through all objects for those that dead processes have left, and removes what is
    /// out of reach; returns how many objects were removed.
    ///
    /// # Errors
    /// When a store can't be read.
    pub async fn sweep(&self) -> Result<usize> {
        if !claim::claim(&self.engine, Oid(0), TASK).await? {
            return Ok(0);
        }
        let swept = self.find_orphans().await;
        claim::release(&self.engine, Oid(0), TASK).await;
        swept?;
        self.remove_unreachable().await
    }

    async fn find_orphans(&self) -> Result<()> {
        if !self.owns_objects().await? {
            tracing::warn!("the object store is another database's: nothing is removed from it");
            return Ok(());
        }
        // In this order: who is dead now can't publish any more, so what the snapshot below
        // doesn't list of its objects, nothing ever will.
        let nodes = self.live_nodes().await?;
        let alive: HashSet<Incarnation> = nodes.iter().map(|node| node.incarnation).collect();
        let ours = self.engine.incarnation();
        let mut orphans = Vec::new();
        let mut listing = self.engine.reader().objects().list("data");
        while let Some(object) = listing.try_next().await? {
            match incarnation_of(&object.path) {
                Some((_, writer)) if writer != ours && !alive.contains(&writer) => {
                    orphans.push(object.path);
                }
                _ => {}
            }
        }
        if orphans.is_empty() {
            return Ok(());
        }
        let snapshot = self.engine.snapshot(Consistency::Strong, Revision(0)).await?;
        let listed = listed_paths(&snapshot.state);
        let mut removals = self.removals.lock();
        for path in orphans.into_iter().filter(|path| !listed.contains(path)) {
            removals.add(path, snapshot.revision);
        }
        Ok(())
    }

    /// The nodes that live; none where this one is alone.
    async fn live_nodes(&self) -> Result<Vec<LiveNode>> {
        if self.engine.membership().is_none() {
            return Ok(Vec::new());
        }
        let database = self.engine.keys().database_name();
        let (_, keys) = self.engine.meta().range(nodes_range(database), None).await?;
        Ok(live_nodes(database, &keys)?)
    }

    /// No snapshot in use is older.
    fn horizon(&self, nodes: &[LiveNode]) -> Revision {
        let others = nodes.iter().map(|node| node.oldest_revision);
        others.fold(self.engine.oldest_revision(), Revision::min)
    }

    /// Whether the objects are this database's: a wrong `--objects` must not cost another
    /// database its rows. The first database to look claims them.
    async fn owns_objects(&self) -> Result<bool> {
        let key = self.engine.keys().objects_owner();
        let meta = self.engine.meta();
        let (_, found) = meta.range(KeyRange::key(key.clone()), None).await?;
        let owner = match found.first() {
            Some(found) => found.value.clone(),
            None => {
                let owner = Bytes::from(self.engine.random().uuid().to_string());
                let claim = Transaction::new()
                    .when(Compare::Absent(key.clone()))
                    .then(Operation::put(key.clone(), owner));
                meta.transact(claim).await?;
                let (_, found) = meta.range(KeyRange::key(key), None).await?;
                let missing = || SqlError::internal("the objects' owner is not in the metadata");
                found.first().ok_or_else(missing)?.value.clone()
            }
        };
        let objects = self.engine.reader().objects();
        if let Ok(found) = objects.get_unverified(OWNER_PATH).await {
            return Ok(found == owner);
        }
        // One that another has put meanwhile is not overwritten.
        let _other = objects.put(OWNER_PATH, owner.clone()).await;
        Ok(objects.get_unverified(OWNER_PATH).await? == owner)
    }
}
