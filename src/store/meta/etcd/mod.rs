//! A real etcd (3.4 or later): one truth for many processes.
//!
//! What is proven not to have been applied is tried again here, until
//! [`EtcdConfig::retry_for`] is over; what may have been applied never is.
//!
//! * `config.rs`: addresses, user, TLS, times;
//! * `failure.rs`: which of etcd's errors proves what;
//! * `convert.rs`: our types and etcd's;
//! * `watching.rs`: a watch as a stream of whole revisions.

mod config;
mod convert;
mod failure;
mod watching;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use etcd_client::{Client, GetOptions, KvClient};
use futures::stream::BoxStream;

use crate::base::Revision;
use crate::base::limits::{
    ETCD_RESPONSE_BYTES_MAX, METADATA_TRANSACTION_BYTES_MAX, METADATA_TRANSACTION_OPERATIONS_MAX,
};

use super::{
    Error, KeyRange, KeyValue, LeaseId, Limits, MetaStore, Outcome, Result, Transaction, WatchEvent,
};
pub use config::{EtcdConfig, EtcdTls, EtcdUser};
use failure::Failure;

const LIMITS: Limits = Limits {
    operations_max: METADATA_TRANSACTION_OPERATIONS_MAX,
    bytes_max: METADATA_TRANSACTION_BYTES_MAX,
};

/// Keys of one page of a large read.
const PAGE_KEYS: i64 = 1_000;
/// The first pause before another attempt; it doubles up to thirty-two times as long.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
const RETRY_DOUBLINGS_MAX: u32 = 5;

/// An etcd cluster, by one client that balances over its members.
pub struct Etcd {
    client: Client,
    kv: KvClient,
    config: EtcdConfig,
    /// Whether what a requested progress notification says can be trusted.
    progress_is_proof: bool,
}

impl fmt::Debug for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Etcd").field("endpoints", &self.config.endpoints).finish_non_exhaustive()
    }
}

impl Etcd {
    /// Connects, and fails when no member answers within the request's time.
    pub async fn connect(config: EtcdConfig) -> Result<Self> {
        let connect = async {
            let client = Client::connect(&config.endpoint_urls(), Some(config.options()?))
                .await
                .map_err(|error| Failure::of_read(error).error)?;
            let status = client.maintenance_client().status().await;
            let status = status.map_err(|error| Failure::of_read(error).error)?;
            Ok((client, progress_is_proof(status.version())))
        };
        let (client, progress_is_proof) =
            tokio::time::timeout(config.request_timeout, connect).await.unwrap_or_else(|_| {
                let endpoints = config.endpoints.join(", ");
                Err(Error::unavailable(format!("no answer from etcd at {endpoints}")))
            })?;
        let kv = client.kv_client().max_decoding_message_size(ETCD_RESPONSE_BYTES_MAX);
        Ok(Self { client, kv, config, progress_is_proof })
    }

    /// Runs a request until it succeeds, fails for good, or the time is over.
    async fn attempt<T, F>(
        &self,
        classify: fn(etcd_client::Error) -> Failure,
        late: fn(&'static str) -> Failure,
        mut request: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, etcd_client::Error>> + Send,
    {
        let give_up = tokio::time::sleep(self.config.retry_for);
        tokio::pin!(give_up);
        let mut failures = 0_u32;
        loop {
            let answer = tokio::time::timeout(self.config.request_timeout, request()).await;
            let failure = match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => classify(error),
                Err(_) => late("no answer in time"),
            };
            if !failure.try_again {
                return Err(failure.error);
            }
            let pause = RETRY_PAUSE * 2_u32.pow(failures.min(RETRY_DOUBLINGS_MAX));
            failures += 1;
            tokio::select! {
                () = &mut give_up => return Err(failure.error),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn read<T, F>(&self, request: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, etcd_client::Error>> + Send,
    {
        self.attempt(Failure::of_read, Failure::late_read, request).await
    }

    async fn write<T, F>(&self, request: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, etcd_client::Error>> + Send,
    {
        self.attempt(Failure::of_write, Failure::late_write, request).await
    }

    /// One page: its revision, its keys, and whether there are more.
    async fn page(
        &self,
        range: &KeyRange,
        at: Option<Revision>,
    ) -> Result<(Revision, Vec<KeyValue>, bool)> {
        let options = convert::get_range(range, at)?.with_limit(PAGE_KEYS);
        let start = convert::start(range);
        let mut response = self
            .read(|| {
                let (mut kv, start, options) = (self.kv.clone(), start.clone(), options.clone());
                async move { kv.get(start, Some(options)).await }
            })
            .await
            .map_err(|error| convert::name_revision(error, at.unwrap_or_default()))?;
        let revision = convert::header_revision(response.header())?;
        let more = response.more();
        let keys: Result<Vec<_>> =
            response.take_kvs().into_iter().map(convert::key_value).collect();
        Ok((revision, keys?, more))
    }
}

/// Before 3.4.25 and 3.5.8, etcd answered a request for progress with its own revision, ahead of
/// events that were still on their way (etcd-io/etcd#15220), and until 3.4.31 and 3.5.13 it
/// could do without an answer.
fn progress_is_proof(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(|number| number.parse().unwrap_or(0_u32));
    let mut next = || numbers.next().unwrap_or(0);
    let version = (next(), next(), next());
    match version {
        (3, 4, patch) => patch >= 25,
        (3, 5, patch) => patch >= 8,
        other => other > (3, 5, 0),
    }
}

#[async_trait]
impl MetaStore for Etcd {
    async fn range(
        &self,
        range: KeyRange,
        at: Option<Revision>,
    ) -> Result<(Revision, Vec<KeyValue>)> {
        let (first, mut keys, mut more) = self.page(&range, at).await?;
        let revision = at.unwrap_or(first);
        while more && let Some(last) = keys.last() {
            let rest = range.after(&last.key);
            let (_, page, and_more) = self.page(&rest, Some(revision)).await?;
            keys.extend(page);
            more = and_more;
        }
        Ok((revision, keys))
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome> {
        transaction.check(LIMITS)?;
        let request = convert::transaction(&transaction)?;
        let response = self
            .write(|| {
                let (mut kv, request) = (self.kv.clone(), request.clone());
                async move { kv.txn(request).await }
            })
            .await?;
        convert::outcome(&transaction, &response)
    }

    async fn revision(&self, key: Bytes) -> Result<Revision> {
        let options = GetOptions::new().with_keys_only();
        let response = self
            .read(|| {
                let (mut kv, key, options) = (self.kv.clone(), key.to_vec(), options.clone());
                async move { kv.get(key, Some(options)).await }
            })
            .await?;
        let found = response.kvs().first().map(|kv| convert::revision(kv.mod_revision()));
        Ok(found.transpose()?.unwrap_or_default())
    }

    async fn watch(
        &self,
        range: KeyRange,
        from: Revision,
    ) -> Result<BoxStream<'static, Result<WatchEvent>>> {
        let client = self.client.watch_client().max_decoding_message_size(ETCD_RESPONSE_BYTES_MAX);
        watching::watch(client, range, from, &self.config, self.progress_is_proof).await
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId> {
        let seconds = convert::lease_seconds(ttl);
        // A lease whose grant got lost ends by itself: trying again is harmless.
        let granted = self
            .read(|| {
                let mut leases = self.client.lease_client();
                async move { leases.grant(seconds, None).await }
            })
            .await?;
        Ok(LeaseId(granted.id()))
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration> {
        // The client keeps the stream's first answer, and with it the time, to itself: the second
        // one tells.
        let ttl = self
            .read(|| {
                let mut leases = self.client.lease_client();
                async move {
                    let (mut keeper, mut answers) = leases.keep_alive(lease.0).await?;
                    keeper.keep_alive().await?;
                    Ok(answers.message().await?.map_or(0, |answer| answer.ttl()))
                }
            })
            .await?;
        match u64::try_from(ttl) {
            Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
            _ => Err(Error::LeaseGone),
        }
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<()> {
        self.write(|| {
            let mut leases = self.client.lease_client();
            async move { leases.revoke(lease.0).await }
        })
        .await
        .map(|_| ())
    }

    async fn compact(&self, at: Revision) -> Result<()> {
        let revision = convert::signed(at)?;
        // Twice is as good as once: an unknown outcome may be tried again.
        let compacted = self
            .read(|| {
                let mut kv = self.kv.clone();
                async move { kv.compact(revision, None).await }
            })
            .await;
        match compacted.map_err(|error| convert::name_revision(error, at)) {
            Ok(_) | Err(Error::Compacted { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn is_local(&self) -> bool {
        false
    }
}
