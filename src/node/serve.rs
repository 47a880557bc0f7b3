//! A node's life: built, serving, drained.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::base::{Clock, Incarnation, OsRandom, Random, SqlError, SystemClock};
use crate::catalog::{Keys, Snapshot};
use crate::cluster::{Membership, MembershipConfig};
use crate::maintenance::{Policy, maintain};
use crate::pg;
use crate::plan::Planner;
use crate::segment::{Reader, ReaderOptions};
use crate::session::{Server, ServerParts};
use crate::store::meta::{Embedded, Etcd, EtcdConfig, MetaStore, Mirror, MirrorConfig};
use crate::store::object::{Cache, Location, Objects};
use crate::txn::{Engine, EngineParts};

use super::bootstrap;
use super::configuration::{Configuration, Metadata};

/// How long a node may be unreachable before others take it for dead.
const LEASE_TTL: Duration = Duration::from_secs(10);

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
    /// Anything that the engine says.
    #[error("{0}")]
    Engine(#[from] SqlError),
    /// DataFusion's runtime can't be made.
    #[error("cannot make the runtime: {0}")]
    Runtime(#[from] datafusion::error::DataFusionError),
}

/// A node that listens and does not yet serve.
#[derive(Debug)]
pub struct Node {
    listener: TcpListener,
    address: SocketAddr,
    server: Arc<Server>,
    membership: Option<Arc<Membership>>,
    engine: Arc<Engine>,
    maintenance: bool,
}

impl Node {
    /// Builds a node.
    ///
    /// # Errors
    /// [`StartError`], one line.
    pub async fn start(configuration: &Configuration) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let listen = &configuration.listen;
        let failed = |error| StartError::Listen { address: listen.clone(), error };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let data = absolute(&configuration.data)?;
        let incarnation = Incarnation(random.uuid());
        let (meta, membership) =
            open_metadata(configuration, &data, address, incarnation, &clock).await?;
        let reader = open_segments(configuration, &data, &random).await?;
        let keys = Keys::new(&configuration.database);
        let mirror = Mirror::<Snapshot>::start(
            Arc::clone(&meta),
            MirrorConfig::new(keys.all(), keys.head()),
        )
        .await?;
        let engine = Engine::start(EngineParts {
            meta,
            mirror: Arc::new(mirror),
            keys,
            reader,
            incarnation,
            fence: membership.as_ref().map(|membership| membership.fence_key()),
            membership: membership.clone(),
            random,
            clock,
        });
        let trust = configuration.trusts(address);
        if !bootstrap::exists(&engine) && configuration.password.is_none() && !trust {
            return Err(StartError::Password);
        }
        let password = configuration.password.as_deref();
        bootstrap::bootstrap(&engine, &configuration.database, password, trust).await?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let server = Server::new(ServerParts {
            engine: Arc::clone(&engine),
            planner: Arc::new(Planner::new(cores)),
            runtime: Arc::new(RuntimeEnvBuilder::new().build()?),
            database: configuration.database.clone(),
            max_connections: configuration.max_connections,
            trust,
        });
        Ok(Self {
            listener,
            address,
            server,
            membership,
            engine,
            maintenance: configuration.maintenance,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the token is cancelled, or until the node's lease is lost.
    pub async fn serve(self, shutdown: CancellationToken) {
        let stop = shutdown.child_token();
        let watch = self.membership.as_ref().map(|membership| {
            let mut alive = membership.alive();
            let stop = stop.clone();
            tokio::spawn(async move {
                // Others may now remove what this node reads: it must not serve any more.
                if alive.wait_for(|alive| !alive).await.is_ok() {
                    stop.cancel();
                }
            })
        });
        let policy = Policy::default();
        let background = self
            .maintenance
            .then(|| tokio::spawn(maintain(Arc::clone(&self.engine), policy, stop.clone())));
        pg::serve(self.listener, self.server, stop).await;
        if let Some(background) = background {
            background.abort();
        }
        if let Some(watch) = watch {
            watch.abort();
        }
        if let Some(membership) = self.membership
            && let Err(error) = membership.leave().await
        {
            tracing::warn!(%error, "leaving the cluster");
        }
    }
}

pub(super) fn absolute(folder: &Path) -> Result<std::path::PathBuf, StartError> {
    let failed = |error| StartError::Data { folder: folder.display().to_string(), error };
    std::fs::create_dir_all(folder).map_err(failed)?;
    folder.canonicalize().map_err(failed)
}

async fn open_metadata(
    configuration: &Configuration,
    data: &Path,
    address: SocketAddr,
    incarnation: Incarnation,
    clock: &Arc<dyn Clock>,
) -> Result<(Arc<dyn MetaStore>, Option<Arc<Membership>>), StartError> {
    let url = match &configuration.metadata {
        Metadata::Embedded => {
            let embedded = Embedded::open(&data.join("metadata"), Arc::clone(clock))?;
            return Ok((Arc::new(embedded), None));
        }
        Metadata::Etcd(url) => url,
    };
    let config = EtcdConfig::from_url(url)?;
    // Without what a URL may say of users.
    let etcd_address = url.rsplit(['/', '@']).next().unwrap_or_default().to_owned();
    let failed = |error| StartError::Etcd { address: etcd_address.clone(), error };
    let etcd: Arc<dyn MetaStore> = Arc::new(Etcd::connect(config).await.map_err(failed)?);
    let config = MembershipConfig {
        database: configuration.database.clone(),
        cluster: configuration.cluster.clone(),
        node: configuration.node.clone(),
        incarnation,
        address: address.to_string(),
        lease_ttl: LEASE_TTL,
    };
    let membership = Membership::join(Arc::clone(&etcd), Arc::clone(clock), config);
    let membership = membership.await.map_err(failed)?;
    Ok((etcd, Some(Arc::new(membership))))
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
    let options = ReaderOptions { memory_bytes: configuration.memory_bytes };
    Ok(Arc::new(Reader::new(objects, cache, options)))
}
