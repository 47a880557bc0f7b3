//! A node as metadata knows it.
//!
//! ```text
//! /redkite/<database>/clusters/<cluster>/nodes/<node>/<incarnation>  ->  JSON of `LiveNode`
//! ```
//!
//! The incarnation is part of the key, so that "this key is present" means "this very process has
//! its lease": a node that was restarted under its old name never keeps its predecessor alive,
//! and never has to wait for the predecessor's lease to end.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::base::{Incarnation, Revision};
use crate::store::meta::{Error, KeyRange, KeyValue, Result};

/// A node whose lease had not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveNode {
    /// The cluster that it belongs to.
    pub cluster: String,
    /// Its name, unique in the cluster.
    pub node: String,
    /// This start of its process.
    pub incarnation: Incarnation,
    /// Where other nodes reach it.
    pub address: String,
    /// When it started: microseconds since the Unix epoch, by its own clock.
    pub started_us: i64,
    /// No snapshot of it reads an older revision.
    pub oldest_revision: Revision,
    /// Whether it does background work.
    pub maintains: bool,
}

impl LiveNode {
    /// The key that its lease holds.
    pub(super) fn key(&self, database: &str) -> Bytes {
        let Self { cluster, node, incarnation, .. } = self;
        format!("{}{cluster}/nodes/{node}/{incarnation}", clusters_prefix(database)).into()
    }

    pub(super) fn encode(&self) -> Result<Bytes> {
        serde_json::to_vec(self).map(Bytes::from).map_err(Error::corrupt)
    }
}

fn clusters_prefix(database: &str) -> String {
    format!("/redkite/{database}/clusters/")
}

/// Where the nodes of all clusters of a database are.
pub fn nodes_range(database: &str) -> KeyRange {
    KeyRange::prefix(clusters_prefix(database))
}

/// The nodes among these keys (of [`nodes_range`], as of one revision), in the order of
/// clusters, names and incarnations.
///
/// A node that can't be read is an error: whoever collects garbage must not overlook it.
pub fn live_nodes<'a>(
    database: &str,
    keys: impl IntoIterator<Item = &'a KeyValue>,
) -> Result<Vec<LiveNode>> {
    let range = nodes_range(database);
    let mut nodes = Vec::new();
    for key_value in keys {
        let is_node = key_value.key.windows(7).any(|part| part == b"/nodes/");
        if !range.contains(&key_value.key) || !is_node {
            continue;
        }
        let node: LiveNode = serde_json::from_slice(&key_value.value).map_err(Error::corrupt)?;
        if node.key(database) != key_value.key {
            let key = key_value.key.escape_ascii();
            return Err(Error::corrupt(format!("the node under {key} says that it is {node:?}")));
        }
        nodes.push(node);
    }
    nodes.sort_by(|a, b| {
        (&a.cluster, &a.node, a.incarnation).cmp(&(&b.cluster, &b.node, b.incarnation))
    });
    Ok(nodes)
}
