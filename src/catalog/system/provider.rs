//! A system relation as DataFusion reads it: its rows are made when a scan is planned.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::definition::Definition;
use super::facts::Facts;

/// A relation at a snapshot.
#[derive(Debug)]
pub(super) struct SystemRelation {
    definition: &'static Definition,
    facts: Arc<Facts>,
    schema: SchemaRef,
}

impl SystemRelation {
    pub(super) fn new(definition: &'static Definition, facts: Arc<Facts>) -> Self {
        Self { definition, facts, schema: definition.schema() }
    }
}

#[async_trait]
impl TableProvider for SystemRelation {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let batch = self.definition.batch(&self.facts);
        let batch = batch.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let schema = Arc::clone(&self.schema);
        Ok(MemorySourceConfig::try_new_exec(&[vec![batch]], schema, projection.cloned())?)
    }
}
