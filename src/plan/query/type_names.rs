//! Types as they are written in SQL, for DataFusion.

use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::Result;
use datafusion::logical_expr::planner::TypePlanner;
use sqlparser::ast::DataType;

use super::errors::external;

/// Every type name goes through PostgreSQL's table, none through DataFusion's.
#[derive(Debug)]
pub(crate) struct TypeNames;

impl TypePlanner for TypeNames {
    fn plan_type_field(&self, sql_type: &DataType) -> Result<Option<FieldRef>> {
        let ty = crate::plan::data_type_of(sql_type).map_err(external)?;
        Ok(Some(Arc::new(ty.field("", true))))
    }
}
