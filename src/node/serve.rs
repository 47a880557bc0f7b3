//! A node's life: built, serving, drained.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::base::{
    Clock, Incarnation, OsRandom, Random, SqlError, SystemClock, make_durable_folder,
};
use crate::catalog::{Keys, Snapshot};
use crate::cluster::{Board, BoardConfig, Membership, MembershipConfig};
use crate::maintenance::{Policy, maintain, tell_oldest_revision};
use crate::pg;
use crate::plan::Planner;
use crate::segment::{Reader, ReaderOptions};
use crate::session::{Server, ServerParts, answer_others, hear};
use crate::store::meta::{Embedded, Etcd, EtcdConfig, Memory, MetaStore, Mirror, MirrorConfig};
use crate::store::object::{Cache, Location, Objects, Outside};
use crate::txn::{Engine, EngineParts};

use super::bootstrap;
use super::configuration::{Configuration, Metadata};
use super::guard::Guard;
use super::http;

/// Between two tries to join the cluster again.
const JOIN_PAUSE: Duration = Duration::from_secs(1);

/// Why a node can't start: one line for whoever started it.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address can't be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        error: std::io::Error,
    },
    /// The data folder can't be used.
    #[error("cannot use the data folder {folder}: {error}")]
    Data {
        /// The folder.
        folder: String,
        /// Why.
        error: std::io::Error,
    },
    /// The metadata store can't be opened.
    #[error("cannot open the metadata: {0}")]
    Metadata(#[from] crate::store::meta::Error),
    /// The metadata store in etcd can't be reached.
    #[error("cannot use the metadata in etcd at {address}: {error}")]
    Etcd {
        /// Where it should be.
        address: String,
        /// Why.
        error: crate::store::meta::Error,
    },
    /// The object store can't be opened.
    #[error("cannot open the object store: {0}")]
    Objects(#[from] crate::store::object::Error),
    /// A first start that others can reach needs a password.
    #[error(
        "the first start needs the superuser's password: set REDKITE_PASSWORD or --password-file"
    )]
    Password,
    /// Certificates or host rules can't be used.
    #[error("{0}")]
    Guard(String),
    /// Anything that the engine says.
    #[error("{0}")]
    Engine(#[from] SqlError),
    /// DataFusion's runtime can't be made.
    #[error("cannot make the runtime: {0}")]
    Runtime(#[from] datafusion::error::DataFusionError),
}

/// A node that listens and does not yet serve.
///
/// What an incarnation is made of ends with it: its lease, its mirror, its transactions and
/// connections. A node whose lease has ended lives on: it joins its cluster again as a new
/// incarnation, which knows of the old one's work only what is committed.
#[derive(Debug)]
pub struct Node {
    configuration: Configuration,
    /// Kept open between incarnations: who connects meanwhile waits.
    listener: std::net::TcpListener,
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    meta: Arc<dyn MetaStore>,
    reader: Arc<Reader>,
    guard: Guard,
    http: Option<TcpListener>,
    /// Cancelled by whoever asks the node to end.
    drain: CancellationToken,
    life: Life,
}

/// What belongs to one incarnation.
#[derive(Debug)]
struct Life {
    server: Arc<Server>,
    membership: Option<Arc<Membership>>,
    engine: Arc<Engine>,
}

/// What every incarnation of a node is built on.
struct Ground<'a> {
    configuration: &'a Configuration,
    address: SocketAddr,
    clock: &'a Arc<dyn Clock>,
    random: &'a Arc<dyn Random>,
    meta: &'a Arc<dyn MetaStore>,
    reader: &'a Arc<Reader>,
    guard: &'a Guard,
    drain: &'a CancellationToken,
}

impl Node {
    /// Builds a node.
    ///
    /// # Errors
    /// [`StartError`], one line.
    pub async fn start(configuration: &Configuration) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let guard = Guard::new(configuration).map_err(StartError::Guard)?;
        let listen = &configuration.listen;
        let failed = |error| StartError::Listen { address: listen.clone(), error };
        let http = listen_for_http(configuration).await?;
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let listener = listener.into_std().map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let data = absolute(&configuration.data)?;
        let meta = open_metadata(configuration, &data, &clock).await?;
        let incarnation = Incarnation(random.uuid());
        let membership = join(configuration, &meta, address, incarnation, &clock).await?;
        let reader = open_segments(configuration, &data, &random).await?;
        let drain = CancellationToken::new();
        let ground = Ground {
            configuration,
            address,
            clock: &clock,
            random: &random,
            meta: &meta,
            reader: &reader,
            guard: &guard,
            drain: &drain,
        };
        let life = ground.live(incarnation, membership).await?;
        let configuration = configuration.clone();
        Ok(Self {
            configuration,
            listener,
            address,
            clock,
            random,
            meta,
            reader,
            guard,
            http,
            drain,
            life,
        })
    }

    /// What its connections share.
    #[cfg(test)]
    pub(super) fn server(&self) -> &Arc<Server> {
        &self.life.server
    }

    /// What can be read again while it serves.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the token is cancelled, or until somebody asks the node to drain. It says first that
    /// it is not ready, goes on for as long as it was told to, and then ends its connections in good
    /// order. When the node's lease is gone, its connections end, and it joins its cluster again.
    ///
    /// # Errors
    /// When it can't listen any more.
    pub async fn serve(mut self, shutdown: CancellationToken) -> Result<(), StartError> {
        let now: Arc<ArcSwapOption<Server>> = Arc::default();
        let http = self.http.take().map(|listener| {
            let now = Arc::clone(&now);
            tokio::spawn(http::serve(listener, move || now.load_full()))
        });
        let told = self.drain.clone();
        let signal = tokio::spawn(async move {
            shutdown.cancelled().await;
            told.cancel();
        });
        let served = self.serve_lives(&now).await;
        signal.abort();
        if let Some(http) = http {
            http.abort();
        }
        served
    }

    async fn serve_lives(&mut self, now: &ArcSwapOption<Server>) -> Result<(), StartError> {
        let drain = self.drain.clone();
        let (notice, grace) = (self.configuration.drain_notice, self.configuration.drain_grace);
        loop {
            let address = self.address;
            let failed = |error| StartError::Listen { address: address.to_string(), error };
            let listener = self.listener.try_clone().and_then(TcpListener::from_std);
            let stop = CancellationToken::new();
            let (told, stopping) = (drain.clone(), stop.clone());
            let noticed = tokio::spawn(async move {
                told.cancelled().await;
                tokio::time::sleep(notice).await;
                stopping.cancel();
            });
            now.store(Some(Arc::clone(&self.life.server)));
            let door = (listener.map_err(failed)?, self.guard.tls.clone());
            self.life.serve(door, self.configuration.maintenance, (stop, grace)).await;
            noticed.abort();
            now.store(None);
            if drain.is_cancelled() {
                return Ok(());
            }
            tracing::error!("this node's lease is gone: it joins its cluster again");
            tokio::select! {
                life = self.join_again() => self.life = life,
                () = drain.cancelled() => return Ok(()),
            }
            tracing::warn!("this node has joined its cluster again");
        }
    }

    /// A new incarnation, as soon as there can be one.
    async fn join_again(&self) -> Life {
        loop {
            match self.try_join_again().await {
                Ok(life) => return life,
                Err(error) => tracing::warn!(%error, "joining the cluster again"),
            }
            tokio::time::sleep(JOIN_PAUSE).await;
        }
    }

    async fn try_join_again(&self) -> Result<Life, StartError> {
        let Self { configuration, address, clock, random, meta, reader, guard, drain, .. } = self;
        let incarnation = Incarnation(random.uuid());
        let membership = join(configuration, meta, *address, incarnation, clock).await?;
        let address = *address;
        let ground = Ground { configuration, address, clock, random, meta, reader, guard, drain };
        ground.live(incarnation, membership).await
    }
}

impl Ground<'_> {
    /// Builds what belongs to an incarnation that has joined.
    async fn live(
        &self,
        incarnation: Incarnation,
        membership: Option<Arc<Membership>>,
    ) -> Result<Life, StartError> {
        let configuration = self.configuration;
        let keys = Keys::new(&configuration.database);
        let mirror = Mirror::<Snapshot>::start(
            Arc::clone(self.meta),
            MirrorConfig::new(keys.all(), keys.head()),
        )
        .await?;
        let engine = Engine::start(EngineParts {
            meta: Arc::clone(self.meta),
            mirror: Arc::new(mirror),
            keys,
            reader: Arc::clone(self.reader),
            incarnation,
            fence: membership.as_ref().map(|membership| membership.fence_key()),
            membership: membership.clone(),
            random: Arc::clone(self.random),
            clock: Arc::clone(self.clock),
        });
        let trust = configuration.trusts(self.address);
        if !bootstrap::exists(&engine) && configuration.password.is_none() && !trust {
            return Err(StartError::Password);
        }
        let password = configuration.password.as_deref();
        bootstrap::bootstrap(&engine, &configuration.database, password, trust).await?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let server = Server::new(ServerParts {
            engine: Arc::clone(&engine),
            outside: Arc::new(self.outside()?),
            board: self.board(incarnation, membership.as_ref()).await?,
            drain: self.drain.clone(),
            planner: Arc::new(Planner::new(cores, self.random)),
            runtime: Arc::new(RuntimeEnvBuilder::new().build()?),
            database: configuration.database.clone(),
            max_connections: configuration.max_connections,
            trust,
            host_rules: Arc::clone(&self.guard.rules),
        });
        Ok(Life { server, membership, engine })
    }
}

impl Ground<'_> {
    /// What COPY reads and writes: by the credentials of the database's own objects.
    fn outside(&self) -> Result<Outside, StartError> {
        let data = absolute(&self.configuration.data)?;
        let location = object_location(self.configuration, &data)?;
        let endpoint = self.configuration.s3_endpoint.clone();
        Ok(Outside::new(&location, endpoint, &data, Arc::clone(self.random)))
    }

    /// What sessions of all nodes tell each other; a node that is alone tells it to itself.
    async fn board(
        &self,
        incarnation: Incarnation,
        membership: Option<&Arc<Membership>>,
    ) -> Result<Arc<Board>, StartError> {
        let lease = membership.map(|membership| membership.lease());
        let store = match lease {
            Some(_) => Arc::clone(self.meta),
            None => Arc::new(Memory::new(Arc::clone(self.clock))),
        };
        let database = self.configuration.database.clone();
        Ok(Board::join(store, BoardConfig { database, incarnation, lease }).await?)
    }
}

impl Life {
    /// Serves until told to stop, or until the lease is gone; then leaves the cluster.
    async fn serve(
        &self,
        (listener, tls): (TcpListener, Option<Arc<pg::Tls>>),
        maintenance: bool,
        (stop, grace): (CancellationToken, Duration),
    ) {
        let watch = self.membership.clone().map(|membership| {
            let stop = stop.clone();
            tokio::spawn(async move {
                // Others may now remove what this incarnation reads.
                membership.gone().await;
                stop.cancel();
            })
        });
        let telling = tokio::spawn(tell_oldest_revision(Arc::clone(&self.engine)));
        let hearing = tokio::spawn(hear(Arc::clone(&self.server)));
        let answering = tokio::spawn(answer_others(Arc::clone(&self.server)));
        let policy = Policy::default();
        let background = maintenance
            .then(|| tokio::spawn(maintain(Arc::clone(&self.engine), policy, stop.clone())));
        pg::serve(listener, Arc::clone(&self.server), tls, (stop, grace)).await;
        telling.abort();
        hearing.abort();
        answering.abort();
        if let Some(background) = background {
            background.abort();
        }
        if let Some(watch) = watch {
            watch.abort();
        }
        if let Some(membership) = &self.membership
            && let Err(error) = membership.leave().await
        {
            tracing::warn!(%error, "leaving the cluster");
        }
    }
}

async fn listen_for_http(configuration: &Configuration) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = &configuration.http else { return Ok(None) };
    let failed = |error| StartError::Listen { address: address.clone(), error };
    TcpListener::bind(address).await.map(Some).map_err(failed)
}

pub(super) fn absolute(folder: &Path) -> Result<std::path::PathBuf, StartError> {
    let failed = |error| StartError::Data { folder: folder.display().to_string(), error };
    make_durable_folder(folder).map_err(failed)?;
    folder.canonicalize().map_err(failed)
}

async fn open_metadata(
    configuration: &Configuration,
    data: &Path,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn MetaStore>, StartError> {
    let url = match &configuration.metadata {
        Metadata::Embedded => {
            let embedded = Embedded::open(&data.join("metadata"), Arc::clone(clock))?;
            return Ok(Arc::new(embedded));
        }
        Metadata::Etcd(url) => url,
    };
    let config = EtcdConfig::from_url(url)?;
    let etcd = Etcd::connect(config).await.map_err(|error| unreachable_etcd(url, error))?;
    Ok(Arc::new(etcd))
}

/// Makes an incarnation a member of its cluster; embedded, it is alone and needs no lease.
async fn join(
    configuration: &Configuration,
    meta: &Arc<dyn MetaStore>,
    address: SocketAddr,
    incarnation: Incarnation,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<Membership>>, StartError> {
    let Metadata::Etcd(url) = &configuration.metadata else { return Ok(None) };
    let config = MembershipConfig {
        database: configuration.database.clone(),
        cluster: configuration.cluster.clone(),
        node: configuration.node.clone(),
        incarnation,
        address: address.to_string(),
        lease_ttl: configuration.lease_ttl,
        maintains: configuration.maintenance,
    };
    let membership = Membership::join(Arc::clone(meta), Arc::clone(clock), config).await;
    Ok(Some(Arc::new(membership.map_err(|error| unreachable_etcd(url, error))?)))
}

/// Names etcd without what its URL may say of users.
fn unreachable_etcd(url: &str, error: crate::store::meta::Error) -> StartError {
    let address = url.rsplit(['/', '@']).next().unwrap_or_default().to_owned();
    StartError::Etcd { address, error }
}

/// Where objects are: in the data folder unless the configuration says otherwise.
pub(super) fn object_location(
    configuration: &Configuration,
    data: &Path,
) -> Result<Location, StartError> {
    Ok(match &configuration.objects {
        Some(url) => url.parse::<Location>()?.with_endpoint(configuration.s3_endpoint.clone()),
        None => Location::File(data.join("objects")),
    })
}

async fn open_segments(
    configuration: &Configuration,
    data: &Path,
    random: &Arc<dyn Random>,
) -> Result<Arc<Reader>, StartError> {
    let location = object_location(configuration, data)?;
    let objects = Arc::new(Objects::open(&location, Arc::clone(random))?);
    objects.probe().await?;
    let folder = data.join("cache");
    let cache = Cache::open(&folder, configuration.cache_bytes)
        .map_err(|error| StartError::Data { folder: folder.display().to_string(), error })?;
    let options =
        ReaderOptions { memory_bytes: configuration.memory_bytes, ..ReaderOptions::default() };
    Ok(Arc::new(Reader::new(objects, cache, options)))
}
