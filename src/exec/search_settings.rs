//! The settings that say how hard a vector search looks: values of an execution, not of its plan.

use crate::index::{Calibration, IndexKind};

/// The recall that our own kind of index looks for when none is asked for.
const RECALL_DEFAULT: f32 = 0.95;

/// Candidates that are compared exactly for each row wanted, where nothing was measured.
const REFINE_DEFAULT: u32 = 8;

/// How hard to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchSettings {
    /// `redkite.recall_target`: the share of the true neighbours that are to be found; above all
    /// others where it is set.
    pub recall_target: Option<f32>,
    /// `hnsw.ef_search`
    pub ef_search: u32,
    /// `ivfflat.probes`
    pub probes: u32,
    /// `enable_indexscan`: without it every search is exact.
    pub use_indexes: bool,
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self { recall_target: None, ef_search: 40, probes: 1, use_indexes: true }
    }
}

/// What an index is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effort {
    pub(super) effort: u32,
    pub(super) refine: u32,
    /// The recall that the calibration promises; none where it wasn't asked.
    pub(super) recall: Option<f32>,
}

impl SearchSettings {
    /// What to tell an index of a kind.
    pub(super) fn effort(&self, kind: &IndexKind, calibration: Option<&Calibration>) -> Effort {
        let target = match kind {
            IndexKind::Redkite { .. } => Some(self.recall_target.unwrap_or(RECALL_DEFAULT)),
            IndexKind::Hnsw { .. } | IndexKind::IvfFlat { .. } => self.recall_target,
        };
        if let Some(target) = target
            && let Some((effort, refine)) =
                calibration.and_then(|calibration| calibration.options_for(target))
        {
            return Effort { effort, refine, recall: Some(target) };
        }
        let effort = match kind {
            IndexKind::Hnsw { .. } => self.ef_search,
            IndexKind::IvfFlat { .. } | IndexKind::Redkite { .. } => self.probes,
        };
        Effort { effort, refine: REFINE_DEFAULT, recall: None }
    }
}
