//! A view, or a table under row-level security, as a source, until what is read of it is known;
//! then the query behind it takes its place.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableScan, TableSource, TableType,
};

use crate::base::{ColumnId, Oid};

/// A relation with the plan of its query.
#[derive(Debug)]
pub(crate) struct InlineSource {
    oid: Oid,
    ids: Vec<Option<ColumnId>>,
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
        Self { oid, ids, plan, schema }
    }

    /// The relation.
    pub(crate) fn oid(&self) -> Oid {
        self.oid
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
