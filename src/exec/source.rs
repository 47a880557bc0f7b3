//! A table as DataFusion sees it: a schema, and scans that bind their segments when they run.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Constraint, Constraints, DFSchema, Result, TableReference};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::physical_plan::ExecutionPlan;

use super::lookup::{KeyLookupExec, key_values};
use super::scan::SegmentScanExec;
use crate::base::{ColumnId, Oid};
use crate::segment::{ADDRESS, Column, ROW_ID, TableSchema};
use crate::types::PgType;

/// A table: its identity and its columns. Its rows are the execution's business.
#[derive(Debug)]
pub struct TableSource {
    oid: Oid,
    table: Arc<TableSchema>,
    /// The table's columns, then the hidden ones where they are shown.
    schema: SchemaRef,
    constraints: Option<Constraints>,
}

impl TableSource {
    /// A source of the table's rows; `hidden` says which of `_address` and `_rowid`, in this order, it has at the
    /// end. A row's id is what SQL calls its `ctid`.
    pub fn new(oid: Oid, table: Arc<TableSchema>, hidden: &[&str]) -> Self {
        let mut fields: Vec<_> =
            table.columns.iter().map(|column| Arc::clone(&column.field)).collect();
        fields.extend(hidden.iter().map(|name| {
            Arc::new(match *name {
                ROW_ID => PgType::Tid.field(ROW_ID, false),
                other => Field::new(other, DataType::UInt64, false),
            })
        }));
        let key: Option<Vec<usize>> = table.sort.iter().map(|id| table.position(*id)).collect();
        let constraints = key
            .filter(|key| !key.is_empty())
            .map(|key| Constraints::new_unverified(vec![Constraint::PrimaryKey(key)]));
        Self { oid, table, schema: Arc::new(Schema::new(fields)), constraints }
    }

    /// The table.
    pub fn oid(&self) -> Oid {
        self.oid
    }

    /// The table as segments see it.
    pub fn table(&self) -> &Arc<TableSchema> {
        &self.table
    }

    /// How many columns the source shows.
    pub fn width(&self) -> usize {
        self.schema.fields().len()
    }

    /// The number of the column at a place; `None` for hidden ones.
    pub fn column_id(&self, at: usize) -> Option<ColumnId> {
        self.table.columns.get(at).map(|column| column.id)
    }

    /// The column of this name if it holds vectors, bits or sparse vectors.
    pub fn vector_column(&self, name: &str) -> Option<&Column> {
        let column = self.table.columns.iter().find(|column| column.field.name() == name)?;
        let ty = PgType::of_field(&column.field);
        let searched = matches!(
            ty,
            PgType::Vector(_) | PgType::Halfvec(_) | PgType::Bit(_) | PgType::Sparsevec(_)
        );
        searched.then_some(column)
    }

    /// Whether filters leave the rows of a few keys.
    pub(crate) fn fixes_key(&self, filters: &[Expr]) -> bool {
        key_values(&self.table, filters).is_some()
    }

    /// The source's schema under the name that a statement uses.
    pub(crate) fn qualified_schema(&self, name: &TableReference) -> Result<DFSchema> {
        DFSchema::try_from_qualified_schema(name.clone(), &self.schema)
    }

    /// What a scan reads for these places of the source's schema.
    pub(crate) fn reads(&self, places: &[usize]) -> Reads {
        let mut columns = Vec::new();
        let mut hidden = Vec::new();
        for &place in places {
            match self.table.columns.get(place) {
                Some(column) => columns.push(column.clone()),
                None => hidden.push(self.schema.field(place).name().clone()),
            }
        }
        let fields: Vec<_> =
            places.iter().map(|&place| Arc::clone(&self.schema.fields()[place])).collect();
        Reads {
            columns,
            address: hidden.iter().any(|name| name == ADDRESS),
            row_id: hidden.iter().any(|name| name == ROW_ID),
            schema: Arc::new(Schema::new(fields)),
        }
    }
}

/// Columns to read from segments. Hidden ones come last, the address first of them.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    pub(crate) columns: Vec<Column>,
    pub(crate) address: bool,
    pub(crate) row_id: bool,
    /// The schema of what is read.
    pub(crate) schema: SchemaRef,
}

/// A predicate with the columns that it needs, and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// Over a batch of the columns at `places`.
    pub(crate) predicate: Arc<dyn PhysicalExpr>,
    /// Places in the source's schema, ascending.
    pub(crate) places: Vec<usize>,
}

impl Filter {
    /// Of a predicate over the source's whole schema.
    pub(crate) fn new(source: &TableSource, predicate: Arc<dyn PhysicalExpr>) -> Result<Self> {
        let mut places: Vec<usize> =
            collect_columns(&predicate).iter().map(PhysicalColumn::index).collect();
        places.sort_unstable();
        places.dedup();
        debug_assert!(places.iter().all(|&place| place < source.width()));
        let predicate = renumber(predicate, &places)?;
        Ok(Self { predicate, places })
    }
}

/// The same expression over a batch that has only the columns at `places`.
pub(crate) fn renumber(
    expr: Arc<dyn PhysicalExpr>,
    places: &[usize],
) -> Result<Arc<dyn PhysicalExpr>> {
    expr.transform_up(|expr| {
        let Some(column) = expr.downcast_ref::<PhysicalColumn>() else {
            return Ok(Transformed::no(expr));
        };
        let at = places.iter().position(|&place| place == column.index()).unwrap_or_default();
        let moved: Arc<dyn PhysicalExpr> = Arc::new(PhysicalColumn::new(column.name(), at));
        Ok(Transformed::yes(moved))
    })
    .data()
}

#[async_trait]
impl TableProvider for TableSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The primary key: what is grouped by it may show the row's other columns.
    fn constraints(&self) -> Option<&Constraints> {
        self.constraints.as_ref()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// A scan applies every filter that it can evaluate itself, exactly.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match evaluable(filter) {
                true => TableProviderFilterPushDown::Exact,
                false => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let places: Vec<usize> = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.width()).collect(),
        };
        let schema = DFSchema::try_from(self.schema.as_ref().clone())?;
        let filters: Vec<Expr> =
            filters.iter().map(|filter| unqualified(filter.clone())).collect::<Result<_>>()?;
        let physical = |expr: &Expr| {
            let context = PhysicalPlanningContext::default();
            create_physical_expr(expr, &schema, state.execution_props(), &context)
        };
        if let Some((key, values, rest)) = key_values(&self.table, &filters) {
            let values = values
                .iter()
                .map(|column| column.iter().map(physical).collect::<Result<Vec<_>>>())
                .collect::<Result<Vec<_>>>()?;
            let rest = conjunction(rest).map(|rest| physical(&rest)).transpose()?;
            let rest = rest.map(|rest| Filter::new(self, rest)).transpose()?;
            let node = KeyLookupExec::new(self, key, values, rest, &places, limit)?;
            return Ok(Arc::new(node));
        }
        let filter = conjunction(filters).map(|filter| physical(&filter)).transpose()?;
        let filter = filter.map(|filter| Filter::new(self, filter)).transpose()?;
        let partitions = state.config().target_partitions();
        Ok(Arc::new(SegmentScanExec::new(self, filter, &places, limit, partitions)?))
    }
}

/// Whether a scan can evaluate a filter: it needs nothing but the row and parameters.
fn evaluable(filter: &Expr) -> bool {
    let mut alone = !filter.is_volatile();
    let walked = filter.apply(|expr| {
        if matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        ) {
            alone = false;
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.is_ok() && alone
}

/// A filter's columns without the name that the statement gave to the table.
fn unqualified(expr: Expr) -> Result<Expr> {
    expr.transform_up(|expr| match expr {
        Expr::Column(mut column) => {
            column.relation = None;
            Ok(Transformed::yes(Expr::Column(column)))
        }
        other => Ok(Transformed::no(other)),
    })
    .data()
}
