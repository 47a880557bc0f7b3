//! A store that fails on purpose.
//!
//! Compiled always: it is small, and tests outside of the library need it as well. The node never
//! builds one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use parking_lot::Mutex;

use crate::base::{Random, Revision, SeededRandom};

use super::{
    Error, KeyRange, KeyValue, LeaseId, Limits, MetaStore, Outcome, Result, Transaction, WatchEvent,
};

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing special.
    None,
    /// Not applied, and the caller knows: [`Error::Unavailable`].
    Unavailable,
    /// Applied, and the reply is lost: [`Error::Unknown`] for a write, else unavailable.
    LoseReply,
    /// Not applied, and the caller can't know: [`Error::Unknown`] for a write, else unavailable.
    LoseRequest,
    /// A transaction arrives this much after its caller has given up: [`Error::Unknown`]. As
    /// [`Fault::LoseRequest`] for other calls.
    Late(Duration),
    /// Takes this long, then goes on.
    Delay(Duration),
    /// Goes through at once; the reply takes this long.
    DelayReply(Duration),
    /// A watch ends after this many events; other calls are not affected.
    CutWatch(usize),
}

/// How often faults happen by themselves, in thousandths of all calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultRates {
    /// [`Fault::Unavailable`].
    pub unavailable: u64,
    /// [`Fault::LoseReply`].
    pub lose_reply: u64,
    /// [`Fault::LoseRequest`].
    pub lose_request: u64,
    /// [`Fault::Late`], by up to ten times [`FaultRates::delay_max`].
    pub late: u64,
    /// [`Fault::Delay`], up to [`FaultRates::delay_max`].
    pub delay: u64,
    /// The longest delay.
    pub delay_max: Duration,
    /// [`Fault::CutWatch`] after up to eight events; in thousandths of watches.
    pub cut_watch: u64,
}

/// Any store, with faults: planned ones first (each for the next call of its kind), then by
/// chance, from a seed.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn MetaStore>,
    random: SeededRandom,
    plan: Mutex<Plan>,
    reads: AtomicU64,
}

#[derive(Debug, Default)]
struct Plan {
    rates: FaultRates,
    writes: VecDeque<Fault>,
    reads: VecDeque<Fault>,
    watches: VecDeque<Fault>,
    down: bool,
}

impl Faulty {
    /// A store that does not fail until it is told to.
    pub fn new(inner: Arc<dyn MetaStore>, seed: u64) -> Self {
        Self {
            inner,
            random: SeededRandom::new(seed),
            plan: Mutex::default(),
            reads: AtomicU64::new(0),
        }
    }

    /// From now on, faults happen this often.
    pub fn set_rates(&self, rates: FaultRates) {
        self.plan.lock().rates = rates;
    }

    /// From now on, nothing gets through, or everything again.
    pub fn set_down(&self, down: bool) {
        self.plan.lock().down = down;
    }

    /// What happens to the next write that nothing is planned for.
    pub fn plan_write(&self, fault: Fault) {
        self.plan.lock().writes.push_back(fault);
    }

    /// What happens to the next read that nothing is planned for.
    pub fn plan_read(&self, fault: Fault) {
        self.plan.lock().reads.push_back(fault);
    }

    /// What happens to the next watch that nothing is planned for.
    pub fn plan_watch(&self, fault: Fault) {
        self.plan.lock().watches.push_back(fault);
    }

    /// How many reads were asked for.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    fn draw(&self, planned: impl FnOnce(&mut Plan) -> &mut VecDeque<Fault>, watch: bool) -> Fault {
        let mut plan = self.plan.lock();
        if let Some(fault) = planned(&mut plan).pop_front() {
            return fault;
        }
        if plan.down {
            return Fault::Unavailable;
        }
        let rates = plan.rates;
        let delay = Duration::from_micros(
            self.random.u64() % u64::try_from(rates.delay_max.as_micros()).unwrap_or(1).max(1),
        );
        let events = usize::try_from(self.random.u64() % 8).unwrap_or(0);
        let mut faults = vec![
            (rates.unavailable, Fault::Unavailable),
            (rates.lose_reply, Fault::LoseReply),
            (rates.lose_request, Fault::LoseRequest),
            (rates.late, Fault::Late(delay * 10)),
            (rates.delay, Fault::Delay(delay)),
        ];
        if watch {
            faults.push((rates.cut_watch, Fault::CutWatch(events)));
        }
        let mut roll = self.random.u64() % 1_000;
        for (rate, fault) in faults {
            if roll < rate {
                return fault;
            }
            roll -= rate;
        }
        Fault::None
    }

    async fn read<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        match self.draw(|plan| &mut plan.reads, false) {
            Fault::None | Fault::CutWatch(_) => call.await,
            Fault::Delay(delay) => {
                tokio::time::sleep(delay).await;
                call.await
            }
            Fault::DelayReply(delay) => {
                let reply = call.await;
                tokio::time::sleep(delay).await;
                reply
            }
            Fault::Unavailable | Fault::LoseRequest | Fault::Late(_) => {
                Err(Error::unavailable("a planned fault"))
            }
            Fault::LoseReply => {
                // The answer is lost, whatever it was.
                let _lost = call.await;
                Err(Error::unavailable("a planned fault"))
            }
        }
    }

    async fn write<T>(
        &self,
        fault: Fault,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match fault {
            Fault::None | Fault::CutWatch(_) => call.await,
            Fault::Delay(delay) => {
                tokio::time::sleep(delay).await;
                call.await
            }
            Fault::DelayReply(delay) => {
                let reply = call.await;
                tokio::time::sleep(delay).await;
                reply
            }
            Fault::Unavailable => Err(Error::unavailable("a planned fault")),
            Fault::LoseRequest | Fault::Late(_) => Err(Error::unknown("a planned fault")),
            Fault::LoseReply => {
                // The answer is lost, whatever it was.
                let _lost = call.await;
                Err(Error::unknown("a planned fault"))
            }
        }
    }
}

#[async_trait]
impl MetaStore for Faulty {
    async fn range(
        &self,
        range: KeyRange,
        at: Option<Revision>,
    ) -> Result<(Revision, Vec<KeyValue>)> {
        self.read(self.inner.range(range, at)).await
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome> {
        let fault = self.draw(|plan| &mut plan.writes, false);
        if let Fault::Late(by) = fault {
            let (inner, late) = (Arc::clone(&self.inner), transaction.clone());
            tokio::spawn(async move {
                tokio::time::sleep(by).await;
                // Nobody waits for the outcome any more.
                let _outcome = inner.transact(late).await;
            });
        }
        self.write(fault, self.inner.transact(transaction)).await
    }

    async fn revision(&self, key: Bytes) -> Result<Revision> {
        self.read(self.inner.revision(key)).await
    }

    async fn watch(
        &self,
        range: KeyRange,
        from: Revision,
    ) -> Result<BoxStream<'static, Result<WatchEvent>>> {
        let fault = self.draw(|plan| &mut plan.watches, true);
        match fault {
            Fault::Unavailable | Fault::LoseReply | Fault::LoseRequest | Fault::Late(_) => {
                return Err(Error::unavailable("a planned fault"));
            }
            Fault::Delay(delay) | Fault::DelayReply(delay) => tokio::time::sleep(delay).await,
            Fault::None | Fault::CutWatch(_) => {}
        }
        let events = self.inner.watch(range, from).await?;
        Ok(match fault {
            Fault::CutWatch(after) => {
                let cut = futures::stream::once(async { Err(Error::unavailable("cut on plan")) });
                events.take(after).chain(cut).boxed()
            }
            _ => events,
        })
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId> {
        self.read(self.inner.grant_lease(ttl)).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration> {
        self.read(self.inner.keep_alive(lease)).await
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<()> {
        let fault = self.draw(|plan| &mut plan.writes, false);
        self.write(fault, self.inner.revoke_lease(lease)).await
    }

    async fn compact(&self, at: Revision) -> Result<()> {
        self.read(self.inner.compact(at)).await
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }
}
