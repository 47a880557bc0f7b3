//! A vector search reads of its winners what is asked for above it: the vectors that rows are compared
//! by are rarely among that, though the sort which the search stands for read them.
//!
//! Runs after [`super::vector_rule`], which is why the optimiser can't do it.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, Projection};

use super::vector_rule::stands_alone;
use crate::exec::VectorSearch;

/// Narrows every search below a projection to the columns that this names.
pub(super) fn apply(plan: LogicalPlan) -> Result<LogicalPlan> {
    let narrowed = plan.transform_down_with_subqueries(|node| {
        let narrowed = match &node {
            LogicalPlan::Projection(projection) => narrowed(projection)?,
            _ => None,
        };
        Ok(narrowed.map_or_else(|| Transformed::no(node), Transformed::yes))
    })?;
    Ok(narrowed.data)
}

fn narrowed(projection: &Projection) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Extension(Extension { node }) = projection.input.as_ref() else {
        return Ok(None);
    };
    let Some(search) = node.as_any().downcast_ref::<VectorSearch>() else { return Ok(None) };
    // What a subquery names of its outer query is not among an expression's own columns.
    if !projection.expr.iter().all(stands_alone) {
        return Ok(None);
    }
    let Some(kept) = kept(projection, search)? else { return Ok(None) };
    let fields = kept.iter().map(|at| {
        let (qualifier, field) = search.schema.qualified_field(*at);
        (qualifier.cloned(), Arc::clone(field))
    });
    let schema = Arc::new(DFSchema::new_with_metadata(fields.collect(), HashMap::new())?);
    let search = VectorSearch {
        projection: kept.iter().map(|at| search.projection[*at]).collect(),
        schema: Arc::clone(&schema),
        ..search.clone()
    };
    let leaf = LogicalPlan::Extension(Extension { node: Arc::new(search) });
    let same = |(at, expr): (usize, &Expr)| matches!(expr, Expr::Column(column) if schema.maybe_index_of_column(column) == Some(at));
    let is_whole = projection.expr.len() == kept.len()
        && projection.expr.iter().enumerate().all(same)
        && projection.schema.iter().eq(schema.iter());
    if is_whole {
        return Ok(Some(leaf));
    }
    let (exprs, schema) = (projection.expr.clone(), Arc::clone(&projection.schema));
    Projection::try_new_with_schema(exprs, Arc::new(leaf), schema)
        .map(|projection| Some(LogicalPlan::Projection(projection)))
}

/// The places of the columns that a projection names in a search's output, in its order, and of those
/// that a change finds its rows by; `None` where nothing would change.
fn kept(projection: &Projection, search: &VectorSearch) -> Result<Option<Vec<usize>>> {
    let mut kept: Vec<usize> = Vec::new();
    let columns = projection.expr.iter().map(Expr::column_refs);
    for columns in columns {
        let mut places = Vec::new();
        for column in columns {
            places.push(search.schema.index_of_column(column)?);
        }
        places.sort_unstable();
        for place in places {
            if !kept.contains(&place) {
                kept.push(place);
            }
        }
    }
    let own = search.source.table().columns.len();
    let hidden = (0..search.projection.len()).filter(|at| search.projection[*at] >= own);
    for at in hidden {
        if !kept.contains(&at) {
            kept.push(at);
        }
    }
    let changes = kept.len() < search.projection.len() || kept.iter().copied().ne(0..kept.len());
    Ok(changes.then_some(kept))
}
