//! What our own operators say of themselves, for EXPLAIN.

use std::sync::Arc;

use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;

use super::{BatchVectorSearchExec, KeyLookupExec, SegmentScanExec, VectorSearchExec};
use crate::base::{ColumnId, Oid};
use crate::index::Metric;
use crate::types::PgType;

/// An operator that reads a table.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The table.
    pub table: Oid,
    /// How it is read.
    pub access: Access,
    /// What rows must fulfil besides.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
    /// The most rows that are wanted.
    pub limit: Option<usize>,
}

/// How a table is read.
#[derive(Clone, Debug)]
pub enum Access {
    /// All of it.
    Scan,
    /// The rows of given keys.
    Lookup {
        /// The key's columns, each with its values.
        key: Vec<KeyPart>,
    },
    /// The rows nearest to a vector.
    VectorSearch {
        /// The vectors' column.
        column: String,
        /// What it is cast to before it is compared.
        cast: Option<PgType>,
        /// The distance.
        metric: Metric,
        /// The vector.
        query: Arc<dyn PhysicalExpr>,
        /// What the distance must fulfil, the only column of its rows.
        within: Option<Arc<dyn PhysicalExpr>>,
        /// What was done, if it ran.
        work: SearchWork,
    },
}

/// A column of a key, its name, and the values that are looked for.
pub type KeyPart = (ColumnId, String, Vec<Arc<dyn PhysicalExpr>>);

/// What a vector search did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchWork {
    /// Pieces of the table whose rows were all compared with the query.
    pub segments: usize,
    /// Pieces that were searched through an index, as often as they were.
    pub indexed: usize,
    /// Distances that were computed.
    pub rows: usize,
    /// Rows that the filter looked at.
    pub filtered: u64,
    /// The least recall that the indexes promise, in thousandths; none where none does.
    pub recall_thousandths: Option<usize>,
}

/// What an operator says, if it is one that reads a table.
pub fn leaf(plan: &dyn ExecutionPlan) -> Option<Leaf> {
    if let Some(scan) = plan.downcast_ref::<SegmentScanExec>() {
        return Some(scan.leaf());
    }
    if let Some(lookup) = plan.downcast_ref::<KeyLookupExec>() {
        return Some(lookup.leaf());
    }
    if let Some(batch) = plan.downcast_ref::<BatchVectorSearchExec>() {
        return Some(batch.leaf());
    }
    plan.downcast_ref::<VectorSearchExec>().map(VectorSearchExec::leaf)
}
