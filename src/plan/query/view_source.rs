//! A view as a source, until what its user reads of it is known; then its query takes its place.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableScan, TableSource, TableType,
};

use crate::base::Oid;

/// A view with the plan of its query.
#[derive(Debug)]
pub(crate) struct ViewSource {
    oid: Oid,
    plan: LogicalPlan,
    schema: SchemaRef,
}

impl ViewSource {
    pub(crate) fn new(oid: Oid, plan: LogicalPlan) -> Self {
        let schema = Arc::new(plan.schema().as_arrow().clone());
        Self { oid, plan, schema }
    }

    /// The view.
    pub(crate) fn oid(&self) -> Oid {
        self.oid
    }
}

impl TableSource for ViewSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }
}

/// The view behind a scan.
pub(crate) fn of_scan(scan: &TableScan) -> Option<&ViewSource> {
    scan.source.downcast_ref::<ViewSource>()
}

/// The plan with views' queries in their places.
pub(crate) fn inlined(plan: LogicalPlan) -> Result<LogicalPlan> {
    let replaced = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
        let Some(view) = of_scan(scan) else { return Ok(Transformed::no(node)) };
        let mut query = LogicalPlanBuilder::from(view.plan.clone());
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
