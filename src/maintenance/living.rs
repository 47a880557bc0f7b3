//! Which processes live, and which of them removes what.

use std::collections::BTreeMap;

use crate::base::{Incarnation, Result, Revision};
use crate::cluster::{LiveNode, live_nodes, nodes_range};
use crate::store::object::incarnation_of;
use crate::txn::Engine;

/// The processes whose leases had not ended at some moment after it was asked for.
#[derive(Debug)]
pub(super) struct Living {
    ours: Incarnation,
    nodes: BTreeMap<Incarnation, LiveNode>,
    /// No snapshot in use is older.
    pub(super) horizon: Revision,
}

impl Living {
    /// Asks the metadata store; a node that is alone knows.
    ///
    /// # Errors
    /// When the store can't be asked.
    pub(super) async fn now(engine: &Engine) -> Result<Self> {
        let mut nodes = BTreeMap::new();
        let mut horizon = engine.oldest_revision();
        if engine.membership().is_some() {
            let database = engine.keys().database_name();
            let (_, keys) = engine.meta().range(nodes_range(database), None).await?;
            for node in live_nodes(database, &keys)? {
                horizon = horizon.min(node.oldest_revision);
                nodes.insert(node.incarnation, node);
            }
        }
        Ok(Self { ours: engine.incarnation(), nodes, horizon })
    }

    /// Whether this start of a process may still read and commit.
    pub(super) fn contains(&self, incarnation: Incarnation) -> bool {
        incarnation == self.ours || self.nodes.contains_key(&incarnation)
    }

    /// Whether somebody who was alive then is not now.
    pub(super) fn has_lost_any_of(&self, before: &Self) -> bool {
        before.nodes.keys().any(|incarnation| !self.contains(*incarnation))
    }

    /// Whether it is this node that removes an object which nobody can reach: who wrote it does, or,
    /// when that one is dead or does no background work, the first of those that do.
    pub(super) fn removes_here(&self, path: &str) -> bool {
        let works = |incarnation: &Incarnation| {
            self.nodes.get(incarnation).is_some_and(|node| node.maintains)
        };
        let writer = incarnation_of(path).map(|(_, writer)| writer).filter(works);
        let first = || self.nodes.keys().copied().find(works);
        writer.or_else(first).is_none_or(|remover| remover == self.ours)
    }
}
