//! Types as they are written in SQL, for DataFusion.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::planner::TypePlanner;
use sqlparser::ast::DataType;

use super::errors::external;
use super::relations::Relations;
use crate::base::SqlError;
use crate::catalog::undefined_type;
use crate::plan::{Name, TypeName};
use crate::types::{NamedType, PgType};

/// Every type name goes through PostgreSQL's table and the catalog, none through DataFusion's.
#[derive(Debug)]
pub(crate) struct TypeNames {
    pub(crate) relations: Arc<dyn Relations>,
    pub(crate) path: Vec<String>,
}

/// The type that a statement names.
///
/// # Errors
/// 42704.
pub(super) fn named(
    name: TypeName,
    (relations, path): (&dyn Relations, &[String]),
) -> crate::base::Result<NamedType> {
    let named = match name {
        TypeName::Known(ty) => return Ok(NamedType::Type(ty)),
        TypeName::User(named) => named,
    };
    let Name { schema, name } = named.name;
    let found = relations.user_type(schema.as_deref(), &name, path);
    match found.ok_or_else(|| undefined_type(schema.as_deref(), &name))? {
        NamedType::Type(ty) if named.array => Ok(NamedType::Type(ty.array())),
        NamedType::Domain(_) if named.array => {
            Err(SqlError::unsupported("arrays of domains are not supported"))
        }
        found => Ok(found),
    }
}

impl TypePlanner for TypeNames {
    fn plan_type_field(&self, sql_type: &DataType) -> Result<Option<FieldRef>> {
        let ty = crate::plan::data_type_of(sql_type).or_else(|error| {
            let name = crate::plan::parse_type_name(&sql_type.to_string()).map_err(|_| error)?;
            // A cast to a domain is a call by now: what is left says a type and casts nothing.
            Ok(match named(name, (self.relations.as_ref(), &self.path))? {
                NamedType::Type(ty) => ty,
                NamedType::Domain(domain) => domain.base.clone(),
            })
        });
        let ty = ty.map_err(external)?;
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
