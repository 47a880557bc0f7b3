//! GENERATED ALWAYS AS (..) STORED: columns that are computed from the others of their row, whenever
//! a row is made.

use std::sync::Arc;

use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};

use super::dml::{assignment, refuse_subquery};
use super::errors::sql_error;
use super::literal::{Parameters, type_of};
use super::planner::{PlanContext, Planner};
use crate::base::Result;
use crate::catalog::TableDef;
use crate::plan::parse_expression;

impl Planner {
    /// Computes a table's generated columns on top of a plan that gives whole rows, from the column
    /// at `first` on; what it had in their places is not looked at.
    pub(super) fn generated(
        &self,
        context: &PlanContext,
        plan: LogicalPlan,
        table: &TableDef,
        first: usize,
    ) -> Result<LogicalPlan> {
        if table.generated().next().is_none() {
            return Ok(plan);
        }
        let schema = Arc::clone(plan.schema());
        let own = (first..first + table.columns.len()).map(|at| {
            let (qualifier, field) = schema.qualified_field(at);
            (qualifier.cloned(), Arc::clone(field))
        });
        let metadata = schema.metadata().clone();
        let own = DFSchema::new_with_metadata(own.collect(), metadata).map_err(sql_error)?;
        let parameters = Arc::new(Parameters::default());
        let mut exprs = Vec::with_capacity(schema.fields().len());
        for at in 0..schema.fields().len() {
            let (qualifier, _) = schema.qualified_field(at);
            let target = at.checked_sub(first).and_then(|place| table.columns.get(place));
            let Some(target) = target.filter(|target| target.generated) else {
                exprs.push(Expr::Column(Column::from(schema.qualified_field(at))));
                continue;
            };
            let text = target.default.as_deref().unwrap_or("NULL");
            let parsed = *parse_expression(text)?.ast;
            let (value, _) = self.expression(context, parsed, &own, &parameters)?;
            refuse_subquery(&value)?;
            let source = type_of(&value, &own);
            let value = assignment(value, &source, &target.ty.pg_type(), &target.name)?;
            exprs.push(value.alias_qualified(qualifier.cloned(), target.name.clone()));
        }
        Projection::try_new(exprs, Arc::new(plan)).map(LogicalPlan::Projection).map_err(sql_error)
    }
}
