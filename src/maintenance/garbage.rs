//! Removing objects that nobody can reach.
//!
//! An object goes in three cases only:
//!
//! * It was listed, and is not any more as of a revision which no snapshot in use, on any live
//!   node, is older than.
//! * No metadata lists it, and the process that wrote it is dead: its lease key is gone, so it
//!   can never publish it. Whether it was listed once is not known then, so the first rule's
//!   wait applies as well, from the revision at which it was found.
//! * No metadata lists it, this process has written it, and nothing in this process may still
//!   publish it; the same wait applies.
//!
//! What another live process wrote and nobody lists may be on its way to a commit, and stays.
//! Each object is removed by one node (see [`Living::removes_here`]).

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use parking_lot::Mutex;

use crate::base::{Incarnation, Oid, Result, Revision, SqlError};
use crate::plan::ddl::drop_temporary;
use crate::store::meta::{Compare, KeyRange, Operation, Transaction};
use crate::store::object::{incarnation_of, process_folder};
use crate::txn::{Consistency, Engine};

use super::claim::Claim;
use super::living::Living;
use super::metadata::Tidier;
use super::reachable::{Listed, Removals, listed_paths};

/// The claim's name.
const TASK: &str = "garbage";
/// The same, of metadata that was truncated.
const TASK_TIDY: &str = "truncated";
/// Whose the object store is: `<database's id>`, as metadata says it.
const OWNER_PATH: &str = "owner/redkite";

/// Removes an engine's garbage.
#[derive(Debug)]
pub struct Collector {
    engine: Arc<Engine>,
    removals: Mutex<Removals>,
    tidier: Tidier,
    /// Who lived when it was last asked whether somebody has died.
    living: Mutex<Option<Living>>,
}

impl Collector {
    /// A collector that has seen nothing yet.
    pub fn new(engine: Arc<Engine>) -> Self {
        let tidier = Tidier::new(Arc::clone(&engine));
        Self { engine, removals: Mutex::default(), tidier, living: Mutex::default() }
    }

    /// Notes what is not listed any more; to be called often, so that little is missed that comes
    /// and goes. What is missed is found by a sweep of the process that wrote it.
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
        let living = Living::now(&self.engine).await?;
        let unreachable = self.removals.lock().take(living.horizon);
        let reader = self.engine.reader();
        let mut removed = 0;
        for object in unreachable {
            match &object.listed {
                Some(Listed::Segment(meta)) => reader.forget(meta),
                Some(Listed::Index(object)) => reader.forget_index(object),
                None => {}
            }
            if !living.removes_here(&object.path) {
                continue;
            }
            match reader.objects().delete(&object.path).await {
                Ok(()) => removed += 1,
                Err(error) => {
                    tracing::warn!(path = %object.path, %error, "removing an object");
                    self.removals.lock().add(object.path, living.horizon);
                }
            }
        }
        Ok(removed)
    }

    /// Whether a process has died since this was last asked: what it has left is to be swept.
    ///
    /// # Errors
    /// When the store can't be asked who lives.
    pub async fn has_someone_died(&self) -> Result<bool> {
        if self.engine.membership().is_none() {
            return Ok(false);
        }
        let now = Living::now(&self.engine).await?;
        let mut living = self.living.lock();
        let died = living.as_ref().is_some_and(|before| now.has_lost_any_of(before));
        *living = Some(now);
        Ok(died)
    }

    /// Removes what was said by NOTIFY and all nodes have heard, and marks of locked rows that nobody
    /// can have read before. Returns how many commits had put them.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub async fn remove_heard(&self) -> Result<usize> {
        let now = self.engine.current();
        let locked = now.state.tables.values().any(|table| table.has_row_locks());
        if now.state.notifications.bytes() == 0 && !locked {
            return Ok(0);
        }
        drop(now);
        let living = Living::now(&self.engine).await?;
        let row_locks = self.engine.remove_row_locks(living.horizon).await?;
        Ok(self.engine.remove_heard(living.horizon).await? + row_locks)
    }

    /// Looks for objects that dead processes, or this one, have left, and for metadata that says
    /// nothing any more, and removes what is out of reach; returns how many objects were removed.
    ///
    /// # Errors
    /// When a store can't be read.
    pub async fn sweep(&self) -> Result<usize> {
        self.find_own().await?;
        if let Some(claim) = Claim::take(&self.engine, Oid(0), TASK).await? {
            let swept = self.sweep_all().await;
            claim.release(&self.engine).await;
            swept?;
        }
        self.remove_unreachable().await
    }

    async fn sweep_all(&self) -> Result<()> {
        let keys = self.tidier.remove_spent().await?;
        if keys > 0 {
            tracing::debug!(keys, "removed metadata that says nothing any more");
        }
        self.find_orphans().await
    }

    /// Drops temporary objects whose session was in a process that is gone; returns how many
    /// schemas of them.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub async fn drop_temporary(&self) -> Result<usize> {
        let engine = &self.engine;
        let snapshot = engine.current();
        let schemas = snapshot.state.schemas.values();
        let others = |owner: &Incarnation| *owner != engine.incarnation();
        let of_others = schemas.filter(|schema| schema.temporary.as_ref().is_some_and(others));
        let of_others: Vec<_> = of_others.cloned().collect();
        if of_others.is_empty() {
            return Ok(0);
        }
        let living = Living::now(engine).await?;
        let mut dropped = 0;
        for schema in of_others {
            if schema.temporary.is_some_and(|owner| living.contains(owner)) {
                continue;
            }
            let (keys, random) = (engine.keys(), engine.random());
            let edit = drop_temporary(&engine.current().state, keys, random, &schema.name)?;
            // Who loses a race finds it gone, or tries again in a moment.
            if let Some(edit) = edit
                && engine.try_edit(edit).await?.is_ok()
            {
                dropped += 1;
            }
        }
        Ok(dropped)
    }

    /// Removes metadata of rows that were truncated, where there is some.
    ///
    /// # Errors
    /// When the metadata store is unavailable.
    pub async fn tidy(&self) -> Result<usize> {
        if !self.tidier.has_work(&self.engine.current().state) {
            return Ok(0);
        }
        let Some(claim) = Claim::take(&self.engine, Oid(0), TASK_TIDY).await? else {
            return Ok(0);
        };
        let removed = self.tidier.remove_truncated().await;
        claim.release(&self.engine).await;
        removed
    }

    /// Finds what this process has written and will not publish: what [`Collector::observe`] has
    /// missed, and what could not be removed when it was given up.
    async fn find_own(&self) -> Result<()> {
        let objects = self.engine.reader().objects();
        let ours = self.engine.incarnation();
        let tables: Vec<Oid> = self.engine.current().state.tables.keys().copied().collect();
        let mut own = Vec::new();
        for table in tables {
            let mut listing = objects.list(&process_folder(table, ours));
            while let Some(object) = listing.try_next().await? {
                own.push(object.path);
            }
        }
        // In this order: what nothing may publish now is listed by the snapshot below, or never.
        let drafts = self.engine.drafts();
        own.retain(|path| !drafts.is_open(path));
        self.note_unlisted(own).await
    }

    /// Finds what dead processes have left.
    async fn find_orphans(&self) -> Result<()> {
        if !self.owns_objects().await? {
            tracing::warn!("the object store is another database's: nothing is removed from it");
            return Ok(());
        }
        let mut written = Vec::new();
        let mut listing = self.engine.reader().objects().list("data");
        while let Some(object) = listing.try_next().await? {
            written.extend(incarnation_of(&object.path).map(|(_, writer)| (writer, object.path)));
        }
        // In this order: who wrote any of these and is dead now can't publish any more, so what
        // the snapshot below doesn't list of its objects, nothing ever will.
        let living = Living::now(&self.engine).await?;
        written.retain(|(writer, _)| !living.contains(*writer));
        self.note_unlisted(written.into_iter().map(|(_, path)| path).collect()).await
    }

    /// Notes objects that nobody will ever list if nobody does now.
    async fn note_unlisted(&self, paths: Vec<String>) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        let snapshot = self.engine.snapshot(Consistency::Strong, Revision(0)).await?;
        let listed = listed_paths(&snapshot.state);
        let mut removals = self.removals.lock();
        for path in paths.into_iter().filter(|path| !listed.contains(path)) {
            removals.add(path, snapshot.revision);
        }
        Ok(())
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
