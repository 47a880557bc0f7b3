//! A view, a function's body, or a table under row-level security, as a source, until what is read of it is known;
//! then the query behind it takes its place.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableScan, TableSource, TableType,
};

use super::user_function::is_given;
use crate::base::{ColumnId, Oid};

/// A relation with the plan of its query.
#[derive(Debug)]
pub(crate) struct InlineSource {
    /// The relation; none for a function.
    oid: Option<Oid>,
    ids: Vec<Option<ColumnId>>,
    /// What a function was called with.
    arguments: Vec<Expr>,
    /// Whether a function's one column has no name of its own.
    unnamed: bool,
    plan: LogicalPlan,
    schema: SchemaRef,
}

impl InlineSource {
    /// A view.
    pub(crate) fn view(oid: Oid, plan: LogicalPlan) -> Self {
        let count = i32::try_from(plan.schema().fields().len()).unwrap_or(i32::MAX);
        Self::new(oid, (1..=count).map(|number| Some(ColumnId(number))).collect(), plan)
    }

    /// A relation whose first columns have these numbers; those after them are hidden.
    pub(crate) fn new(oid: Oid, ids: Vec<Option<ColumnId>>, plan: LogicalPlan) -> Self {
        let schema = Arc::new(plan.schema().as_arrow().clone());
        Self { oid: Some(oid), ids, arguments: Vec::new(), unnamed: false, plan, schema }
    }

    /// A function's body, with the arguments in it.
    pub(crate) fn function(plan: LogicalPlan, arguments: Vec<Expr>, unnamed: bool) -> Self {
        let schema = Arc::new(plan.schema().as_arrow().clone());
        Self { oid: None, ids: Vec::new(), arguments, unnamed, plan, schema }
    }

    /// The relation; none for a function.
    pub(crate) fn oid(&self) -> Option<Oid> {
        self.oid
    }

    /// What a function was called with.
    pub(crate) fn arguments(&self) -> &[Expr] {
        &self.arguments
    }

    /// Whether a function's one column has no name of its own.
    pub(crate) fn is_unnamed(&self) -> bool {
        self.unnamed
    }

    /// The number of the column at a place; none for hidden ones.
    pub(crate) fn column_id(&self, place: usize) -> Option<ColumnId> {
        self.ids.get(place).copied().flatten()
    }
}

impl TableSource for InlineSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }
}

/// Such a relation behind a scan.
pub(crate) fn of_scan(scan: &TableScan) -> Option<&InlineSource> {
    scan.source.downcast_ref::<InlineSource>()
}

/// The plan with the queries behind relations in their places.
pub(crate) fn inlined(plan: LogicalPlan) -> Result<LogicalPlan> {
    let replaced = plan.transform_up_with_subqueries(|node| {
        if let LogicalPlan::Filter(filter) = &node
            && is_given(&filter.predicate)
        {
            return Ok(Transformed::yes(filter.input.as_ref().clone()));
        }
        let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
        let Some(view) = of_scan(scan) else { return Ok(Transformed::no(node)) };
        let plan = match view.oid {
            Some(_) => view.plan.clone(),
            // A function's arguments may have brought others along.
            None => inlined(view.plan.clone())?,
        };
        let mut query = LogicalPlanBuilder::from(plan);
        if let Some(places) = &scan.projection {
            let columns: Vec<Expr> = places
                .iter()
                .map(|place| Expr::Column(view.plan.schema().qualified_field(*place).into()))
                .collect();
            query = query.project(columns)?;
        }
        let query = query.alias(scan.table_name.clone())?.build()?;
        Ok(Transformed::yes(query))
    })?;
    Ok(replaced.data)
}
