//! COMMIT: flush, publish, and look again after a race.

use std::sync::Arc;

use crate::base::{FailPoint, Result, Revision, SqlError, SqlState};

use super::engine::Engine;
use super::prepared::{MergeCommit, Prepared};
use super::publish::{Verdict, Work, serialization_failure};
use super::write_set::WriteSet;

/// Times that a commit is looked at again before it counts as lost.
const LOOKS_MAX: u32 = 1000;

impl Engine {
    /// Flushes a transaction. Once this has returned, its changes are visible to all. Returns the
    /// revision, none where there was nothing to flush.
    ///
    /// A caller that goes away does not stop it: the flush runs in a task of its own.
    ///
    /// # Errors
    /// 40001 or 23505 for a lost race, 23503 for a foreign key, 57P03 when it is proven that
    /// nothing was committed, 08007 when the outcome can't be known.
    pub async fn commit(self: &Arc<Self>, writes: WriteSet) -> Result<Option<Revision>> {
        if writes.is_empty() {
            return Ok(None);
        }
        let engine = Arc::clone(self);
        let task = tokio::spawn(async move {
            FailPoint::FlushBegins.reach();
            let prepared = engine.flush(writes).await?;
            if prepared.is_empty() {
                return Ok(None);
            }
            FailPoint::BeforeSubmit.reach();
            let segments = prepared.segments();
            let revision = engine.publish(prepared).await?;
            for (segments, schema) in segments {
                engine.warmer.add(&segments, &schema);
            }
            Ok(Some(revision))
        });
        task.await.map_err(|error| SqlError::internal(format!("commit: {error}")))?
    }

    /// Publishes segments that replace others with the same rows.
    ///
    /// # Errors
    /// As [`Engine::commit`]; a lost race means that the merge's inputs are not there any more.
    pub async fn commit_merge(self: &Arc<Self>, merge: MergeCommit) -> Result<Revision> {
        let checked = self.current();
        let prepared = Prepared {
            id: self.fresh_commit(),
            checked,
            tables: Vec::new(),
            notifications: Vec::new(),
            drafts: vec![Arc::clone(&merge.draft)],
            merge: Some(merge),
        };
        self.publish(prepared).await
    }

    async fn publish(&self, prepared: Prepared) -> Result<Revision> {
        let drafts = prepared.drafts.clone();
        drafts.iter().for_each(|draft| draft.submitted());
        let published = self.publish_until_settled(prepared).await;
        match &published {
            Ok(_) => drafts.iter().for_each(|draft| draft.published()),
            Err(error) if error.code() == SqlState::TRANSACTION_RESOLUTION_UNKNOWN => {}
            // It is proven that nobody can reach the objects.
            Err(_) => drafts.iter().for_each(|draft| draft.refused()),
        }
        published
    }

    async fn publish_until_settled(&self, prepared: Prepared) -> Result<Revision> {
        let mut prepared = Box::new(prepared);
        for _ in 0..LOOKS_MAX {
            match self.submit(Work::Commit(prepared)).await? {
                Verdict::Committed(revision) => return Ok(revision),
                Verdict::Stale(Some(stale), revision) => {
                    prepared = stale;
                    let snapshot = self.at_least(revision).await?;
                    self.revalidate(&mut prepared, snapshot).await?;
                }
                Verdict::Stale(None, _) => break,
            }
        }
        Err(serialization_failure("Others keep changing the same table."))
    }
}
