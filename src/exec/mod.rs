//! Rank 4: physical operators over tables: [`SegmentScanExec`], [`KeyLookupExec`] and
//! [`VectorSearchExec`], and what they need of an execution ([`Run`]).
//!
//! Plans hold no snapshot and no parameter values. An execution brings both: the tables in the
//! task context ([`Tables`]), the parameters in [`Slots`]. Uses `segment`, `index` and `types`;
//! never looks at the catalog, never plans.

mod apply;
mod barrier;
mod cast;
mod cast_bits;
mod cast_vectors;
mod float_comparison;
pub mod functions;
mod in_order;
mod leaf;
mod lookup;
mod observe;
mod pruning;
mod read;
mod run;
mod scan;
mod search_settings;
mod session_values;
mod slots;
mod source;
mod vector_search;

pub use apply::{Apply, ApplyExec, ApplyPlanner, ApplySlots, Gives};
pub use barrier::{Barrier, BarrierExec, BarrierPlanner};
pub use cast::{cast_array, cast_function, cast_target};
pub use in_order::InOrderExec;
pub use leaf::{Access, KeyPart, Leaf, SearchWork, leaf};
pub use lookup::KeyLookupExec;
pub use observe::{Observation, ObservedExec, Observer};
pub(crate) use run::CancelOnDrop;
pub use run::{ParameterValues, Run, Tables};
pub use scan::SegmentScanExec;
pub use search_settings::SearchSettings;
pub use session_values::{AdvisoryLock, SequenceName, SessionValues};
pub use slots::Slots;
pub use source::TableSource;
pub use vector_search::{
    BatchVectorSearch, BatchVectorSearchExec, Searched, VectorSearch, VectorSearchExec,
    VectorSearchPlanner, distance_column, nearest_distances, queries_of_rows,
};

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::physical_expr::PhysicalExpr;

use crate::base::SqlError;

/// Wraps an error of ours, so that it survives the way through DataFusion.
pub(crate) fn external(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Expressions as EXPLAIN shows them.
fn joined(exprs: &[Arc<dyn PhysicalExpr>]) -> String {
    let texts: Vec<String> = exprs.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// What DataFusion shows an operator's expressions to.
type ExprVisitor<'a> =
    &'a mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion, DataFusionError>;

/// Shows an operator's expressions to a visitor.
fn visit<'a>(
    exprs: impl Iterator<Item = &'a Arc<dyn PhysicalExpr>>,
    f: ExprVisitor<'_>,
) -> Result<TreeNodeRecursion, DataFusionError> {
    for expr in exprs {
        if f(expr)? == TreeNodeRecursion::Stop {
            return Ok(TreeNodeRecursion::Stop);
        }
    }
    Ok(TreeNodeRecursion::Continue)
}
