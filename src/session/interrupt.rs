//! What stops a running statement: a CancelRequest, the end of its client, `statement_timeout`.
//!
//! A connection has one [`Interrupts`] and each execution an [`Interrupt`] of its own, so that a
//! cancel which comes late hits nothing. Rows are read under the interrupt that is current when
//! they are read: a portal that goes on after a pause does so under a new one, and the time that
//! it waited for its client counts for nobody.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use futures::Stream;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::base::{SqlError, SqlState};

/// Stops one execution.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    token: CancellationToken,
    timed_out: Arc<AtomicBool>,
    number: u64,
}

impl Interrupt {
    /// Waits until the execution is to stop: the error to stop it with.
    pub async fn raised(&self) -> SqlError {
        self.token.cancelled().await;
        self.error()
    }

    /// Whether somebody has asked for the execution to stop: its time was not up.
    pub(super) fn is_requested(&self) -> bool {
        self.token.is_cancelled() && !self.timed_out.load(Ordering::Relaxed)
    }

    /// 57014, in the words for what has stopped the statement.
    fn error(&self) -> SqlError {
        let message = if self.timed_out.load(Ordering::Relaxed) {
            "canceling statement due to statement timeout"
        } else {
            "canceling statement due to user request"
        };
        SqlError::new(SqlState::QUERY_CANCELED, message)
    }
}

/// A connection's interrupts.
#[derive(Debug, Default)]
pub(super) struct Interrupts {
    current: Mutex<Current>,
}

#[derive(Debug, Default)]
struct Current {
    interrupt: Interrupt,
    timer: Option<AbortHandle>,
}

impl Interrupts {
    /// An execution begins, or goes on.
    pub(super) fn begin(&self, timeout: Option<Duration>) -> Interrupt {
        let mut current = self.current.lock();
        current.stop_timer();
        let number = current.interrupt.number + 1;
        let interrupt = Interrupt { number, ..Interrupt::default() };
        current.timer = timeout.map(|timeout| {
            let interrupt = interrupt.clone();
            let timer = tokio::spawn(async move {
                tokio::time::sleep(timeout).await;
                interrupt.timed_out.store(true, Ordering::Relaxed);
                interrupt.token.cancel();
            });
            timer.abort_handle()
        });
        current.interrupt = interrupt.clone();
        interrupt
    }

    /// The execution has ended or pauses: its time is not counted any longer.
    pub(super) fn end(&self) {
        self.current.lock().stop_timer();
    }

    /// Stops what runs.
    pub(super) fn raise(&self) {
        self.current.lock().interrupt.token.cancel();
    }

    /// What stops the running statement.
    pub(super) fn current(&self) -> Interrupt {
        self.current.lock().interrupt.clone()
    }

    /// The same rows; an interrupt ends them with its error.
    pub(super) fn watch(
        self: &Arc<Self>,
        rows: SendableRecordBatchStream,
    ) -> SendableRecordBatchStream {
        let schema = rows.schema();
        let interrupts = Arc::clone(self);
        Box::pin(Watched { rows: Some(rows), schema, interrupts, watching: None })
    }
}

impl Current {
    fn stop_timer(&mut self) {
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        self.stop_timer();
    }
}

/// Rows that can be stopped.
struct Watched {
    /// None once they have been stopped.
    rows: Option<SendableRecordBatchStream>,
    schema: SchemaRef,
    interrupts: Arc<Interrupts>,
    /// The interrupt of the execution at hand, by its number.
    watching: Option<(u64, BoxFuture<'static, SqlError>)>,
}

impl Watched {
    fn poll_interrupt(&mut self, context: &mut Context<'_>) -> Poll<SqlError> {
        let current = self.interrupts.current.lock();
        let number = current.interrupt.number;
        let watching = self.watching.take().filter(|(watched, _)| *watched == number);
        let (_, raised) = self.watching.insert(watching.unwrap_or_else(|| {
            let interrupt = current.interrupt.clone();
            (number, Box::pin(async move { interrupt.raised().await }))
        }));
        raised.as_mut().poll(context)
    }
}

impl Stream for Watched {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.rows.is_none() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(error) = self.poll_interrupt(context) {
            self.rows = None;
            return Poll::Ready(Some(Err(DataFusionError::External(Box::new(error)))));
        }
        match &mut self.rows {
            Some(rows) => rows.as_mut().poll_next(context),
            None => Poll::Ready(None),
        }
    }
}

impl RecordBatchStream for Watched {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

#[cfg(test)]
mod tests;
