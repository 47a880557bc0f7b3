//! Types as they are written in SQL, for DataFusion.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::planner::TypePlanner;
use sqlparser::ast::DataType;

use super::errors::external;
use crate::types::PgType;

/// Every type name goes through PostgreSQL's table, none through DataFusion's.
#[derive(Debug)]
pub(crate) struct TypeNames;

impl TypePlanner for TypeNames {
    fn plan_type_field(&self, sql_type: &DataType) -> Result<Option<FieldRef>> {
        let ty = crate::plan::data_type_of(sql_type).map_err(external)?;
        let arrow = ty.arrow();
        // Metadata only where the Arrow type would not tell: DataFusion compares it, and what
        // functions return has none.
        let field = match PgType::of(&arrow) == ty {
            true => Field::new("", arrow, true),
            false => ty.field("", true),
        };
        Ok(Some(Arc::new(field)))
    }
}
