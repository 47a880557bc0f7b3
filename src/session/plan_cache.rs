//! The plans that all connections of a node share.
//!
//! A plan is found by what it was made from: the statement's text with its constants lifted, the
//! types of its parameters, and the settings that planning reads. It holds as long as the names
//! that were looked up for it mean what they meant then ([`Uses`]); other DDL does not touch it.
//! Nothing of an execution is in a plan, so that any number of connections run it at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::base::Revision;
use crate::base::limits::{CACHED_PLAN_TEXT_BYTES_MAX, CACHED_PLANS_MAX};
use crate::catalog::Snapshot;
use crate::catalog::access::Demand;
use crate::plan::QueryPlan;
use crate::types::PgType;

use super::modify::Modification;
use super::plan_uses::Uses;
use super::settings::Surroundings;
use super::with_changes::PlannedChanges;

/// What a plan is made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PlanKey {
    /// The statement's text, with parameters in the place of lifted constants.
    pub(super) text: Arc<str>,
    /// Whether any were lifted: then the text begins with the number of its own parameters.
    pub(super) lifted: bool,
    /// The types that are known of the parameters beforehand.
    pub(super) given: Vec<Option<PgType>>,
    /// The settings that planning reads.
    pub(super) surroundings: Arc<Surroundings>,
}

/// A plan, and as of when it is known to hold.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) surroundings: Arc<Surroundings>,
    uses: Uses,
    /// What who runs it must be allowed to do.
    demands: Vec<Demand>,
    /// A version of the catalog at which it holds.
    catalog: AtomicU64,
}

/// What runs a statement.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// A statement whose WITH changes rows.
    WithChanges(Arc<PlannedChanges>),
    /// A query.
    Query(Arc<QueryPlan>),
    /// INSERT, UPDATE, DELETE.
    Modify(Arc<Modification>),
    /// Everything else.
    Utility,
}

impl Planned {
    /// A plan that was made at a snapshot.
    pub(super) fn new(
        plan: Plan,
        surroundings: Arc<Surroundings>,
        uses: Uses,
        snapshot: &Snapshot,
    ) -> Self {
        let demands = match &plan {
            Plan::Query(plan) => plan.demands().to_vec(),
            Plan::Modify(plan) => plan.demands(),
            Plan::WithChanges(plan) => plan.demands(),
            Plan::Utility => Vec::new(),
        };
        let catalog = AtomicU64::new(snapshot.catalog_version.0);
        Self { plan, surroundings, uses, demands, catalog }
    }

    /// What who runs it must be allowed to do, to be asked before each execution.
    pub(super) fn demands(&self) -> &[Demand] {
        &self.demands
    }

    /// Whether the plan shows one moment of the catalog or of a session, and no other.
    pub(super) fn is_momentary(&self) -> bool {
        self.uses.momentary
    }

    /// Whether the plan shows what sessions did when it was made.
    pub(super) fn is_fleeting(&self) -> bool {
        self.uses.fleeting
    }

    /// Whether it shows what the session has prepared.
    pub(super) fn lists(&self) -> bool {
        self.uses.lists
    }

    /// Whether other nodes are asked what their connections do.
    pub(super) fn asks(&self) -> bool {
        self.uses.asks
    }

    /// Whether all names mean at the snapshot what they meant when the plan was made.
    pub(super) fn holds_at(&self, snapshot: &Snapshot) -> bool {
        let Revision(now) = snapshot.catalog_version;
        if self.catalog.load(Ordering::Relaxed) == now {
            return true;
        }
        let holds = self.uses.hold_at(snapshot);
        if holds {
            self.catalog.store(now, Ordering::Relaxed);
        }
        holds
    }
}

/// Plans by what they were made from; when there are too many, the one goes that was not used for
/// longest.
#[derive(Debug, Default)]
pub(super) struct PlanCache {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    plans: HashMap<PlanKey, Entry>,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    planned: Arc<Planned>,
    used: u64,
}

impl PlanCache {
    /// The plan made from this, if there is one that holds at the snapshot.
    pub(super) fn get(&self, key: &PlanKey, snapshot: &Snapshot) -> Option<Arc<Planned>> {
        let planned = {
            let mut entries = self.entries.lock();
            entries.clock += 1;
            let clock = entries.clock;
            let entry = entries.plans.get_mut(key)?;
            entry.used = clock;
            Arc::clone(&entry.planned)
        };
        planned.holds_at(snapshot).then_some(planned)
    }

    /// Keeps a plan for all, in the place of one that doesn't hold any longer.
    pub(super) fn put(&self, key: PlanKey, planned: &Arc<Planned>) {
        let shared = !planned.is_momentary() && !matches!(planned.plan, Plan::Utility);
        if !shared || key.text.len() > CACHED_PLAN_TEXT_BYTES_MAX {
            return;
        }
        let mut entries = self.entries.lock();
        entries.clock += 1;
        let used = entries.clock;
        if entries.plans.len() >= CACHED_PLANS_MAX && !entries.plans.contains_key(&key) {
            let oldest = entries.plans.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                entries.plans.remove(&oldest);
            }
        }
        entries.plans.insert(key, Entry { planned: Arc::clone(planned), used });
    }

    /// How many plans are kept.
    pub(super) fn len(&self) -> usize {
        self.entries.lock().plans.len()
    }
}
