//! Which revision is fresh: one question to the store for all who ask meanwhile.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::AbortHandle;

use super::super::{Error, MetaStore, Result};
use crate::base::Revision;

/// Questions on their way at once: with two, who arrives while one is under way need not wait
/// for its answer before the next one starts.
const QUESTIONS_MAX: usize = 2;

/// Asks the store for the revision of `head`, for batches of callers.
#[derive(Debug)]
pub(super) struct Freshness {
    store: Arc<dyn MetaStore>,
    head: Bytes,
    waiting: Arc<Waiting>,
    task: AbortHandle,
}

/// Callers whose question has not been sent yet.
#[derive(Debug, Default)]
struct Waiting {
    callers: Mutex<Vec<oneshot::Sender<Result<Revision>>>>,
    arrived: Notify,
}

impl Freshness {
    /// Starts the task that asks.
    pub(super) fn start(store: Arc<dyn MetaStore>, head: Bytes) -> Self {
        let waiting = Arc::new(Waiting::default());
        let task = tokio::spawn(ask(Arc::clone(&store), head.clone(), Arc::clone(&waiting)));
        Self { store, head, waiting, task: task.abort_handle() }
    }

    /// The revision of `head`, read by a question that is sent after this call.
    pub(super) async fn revision(&self) -> Result<Revision> {
        if self.store.is_local() {
            return self.store.revision(self.head.clone()).await;
        }
        let (caller, answer) = oneshot::channel();
        self.waiting.callers.lock().push(caller);
        self.waiting.arrived.notify_one();
        answer.await.unwrap_or_else(|_| Err(Error::unavailable("the mirror has stopped")))
    }
}

impl Drop for Freshness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ask(store: Arc<dyn MetaStore>, head: Bytes, waiting: Arc<Waiting>) {
    let questions = Arc::new(Semaphore::new(QUESTIONS_MAX));
    loop {
        waiting.arrived.notified().await;
        // Never closed, so this can't fail.
        let Ok(question) = Arc::clone(&questions).acquire_owned().await else { return };
        // Everyone who is here now arrived before the question is sent.
        let callers = std::mem::take(&mut *waiting.callers.lock());
        if callers.is_empty() {
            continue;
        }
        let (store, head) = (Arc::clone(&store), head.clone());
        tokio::spawn(async move {
            let answer = store.revision(head).await;
            for caller in callers {
                // A caller that has gone needs no answer.
                let _gone = caller.send(answer.clone());
            }
            drop(question);
        });
    }
}
