//! Trying again, with growing pauses, for a bounded time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::Counters;
use super::error::{Error, Result};
use crate::base::Random;

/// How long an operation on the object store may take, and how it is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// One attempt.
    pub attempt: Duration,
    /// Attempts in all.
    pub attempts_max: u32,
    /// The first pause; each further one is twice as long, with jitter.
    pub pause: Duration,
    /// The longest pause.
    pub pause_max: Duration,
}

impl Default for Patience {
    /// Rides out an outage of ten seconds, gives up after about half a minute of refusals.
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(30),
            attempts_max: 10,
            pause: Duration::from_millis(50),
            pause_max: Duration::from_secs(5),
        }
    }
}

impl Patience {
    /// Runs the operation until it succeeds, fails for good, or patience is at its end.
    pub(super) async fn run<T, F: Future<Output = Result<T>>>(
        &self,
        counters: &Counters,
        random: &Arc<dyn Random>,
        (what, path): (&'static str, &str),
        mut operation: impl FnMut() -> F,
    ) -> Result<T> {
        let mut pause = self.pause;
        for attempt in 1.. {
            let outcome = match tokio::time::timeout(self.attempt, operation()).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Error::Unavailable {
                    what,
                    path: path.to_owned(),
                    cause: format!("no answer within {} s", self.attempt.as_secs()),
                }),
            };
            match outcome {
                Err(error) if error.is_transient() && attempt < self.attempts_max => {
                    tracing::debug!(%error, attempt, "object storage: trying again");
                    counters.retried();
                    let jitter = random.u64() % 1000;
                    let factor = 0.5 + f64::from(u32::try_from(jitter).unwrap_or(0)) / 1000.0;
                    tokio::time::sleep(pause.mul_f64(factor)).await;
                    pause = (pause * 2).min(self.pause_max);
                }
                outcome => return outcome,
            }
        }
        unreachable!("the loop ends by returning")
    }
}
