//! `redkite drain`: asks a node to end in good order, and waits until it has left.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{Clock, Incarnation, OsRandom, Random, SqlError, SqlState, SystemClock};
use crate::cluster::{Board, BoardConfig, LiveNode, live_nodes, nodes_range};
use crate::session::drain_node;
use crate::store::meta::{Etcd, EtcdConfig, LeaseId, MetaStore};

use super::configuration::{Configuration, Metadata};
use super::serve::StartError;

/// This command's lease: longer than one question to etcd may take.
const LEASE_TTL: Duration = Duration::from_secs(60);
/// Between two looks whether the node has left.
const PAUSE: Duration = Duration::from_millis(200);
/// How much longer than it was given a node may take to leave.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the node of the configuration's cluster and name to drain, and waits until it has left.
///
/// # Errors
/// When there is no such node, it does not answer, or it does not leave in time.
pub async fn drain(configuration: &Configuration) -> Result<(), StartError> {
    let Metadata::Etcd(url) = &configuration.metadata else {
        return Err(refused("a node with embedded metadata is drained by SIGTERM").into());
    };
    let meta: Arc<dyn MetaStore> = Arc::new(Etcd::connect(EtcdConfig::from_url(url)?).await?);
    let lease = meta.grant_lease(LEASE_TTL).await?;
    let drained = drain_by(&meta, configuration, lease).await;
    // It would end by itself.
    let _gone = meta.revoke_lease(lease).await;
    drained
}

async fn drain_by(
    meta: &Arc<dyn MetaStore>,
    configuration: &Configuration,
    lease: LeaseId,
) -> Result<(), StartError> {
    let Configuration { cluster, node, database, .. } = configuration;
    let nodes = named(meta, configuration).await?;
    if nodes.is_empty() {
        return Err(
            refused(&format!("there is no node \"{node}\" in cluster \"{cluster}\"")).into()
        );
    }
    let incarnation = Incarnation(OsRandom.uuid());
    let config = BoardConfig { database: database.clone(), incarnation, lease: Some(lease) };
    let board = Board::join(Arc::clone(meta), config).await?;
    for live in &nodes {
        if !drain_node(&board, live.incarnation).await? {
            return Err(refused(&format!("node \"{node}\" does not answer")).into());
        }
    }
    let clock = SystemClock::new();
    let end = clock.monotonic() + configuration.drain_notice + configuration.drain_grace + PATIENCE;
    while clock.monotonic() < end {
        let left = named(meta, configuration).await?;
        if !left.iter().any(|live| nodes.iter().any(|node| node.incarnation == live.incarnation)) {
            return Ok(());
        }
        meta.keep_alive(lease).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Err(refused(&format!("node \"{node}\" drains, and has not left yet")).into())
}

/// The living nodes of this cluster and name.
async fn named(
    meta: &Arc<dyn MetaStore>,
    configuration: &Configuration,
) -> Result<Vec<LiveNode>, StartError> {
    let Configuration { cluster, node, database, .. } = configuration;
    let (_, keys) = meta.range(nodes_range(database), None).await?;
    let mut nodes = live_nodes(database, &keys)?;
    nodes.retain(|live| live.cluster == *cluster && live.node == *node);
    Ok(nodes)
}

fn refused(message: &str) -> SqlError {
    SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}
