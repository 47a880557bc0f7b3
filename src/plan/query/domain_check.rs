//! A domain's conditions, made ready to be asked of values.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::DFSchema;
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan, Projection, ScalarUDF};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use super::errors::sql_error;
use super::literal::Parameters;
use super::{PlanContext, Planner};
use crate::base::{Result, SqlError};
use crate::plan::ddl::VALUE;
use crate::plan::parse_expression;
use crate::types::DomainType;

impl Planner {
    /// The function that a cast to a domain ends with.
    pub(super) fn domain_function(
        &self,
        domain: &Arc<DomainType>,
        context: &PlanContext,
    ) -> Result<Arc<ScalarUDF>> {
        let schema = Schema::new(vec![domain.base.field(VALUE, true)]);
        let schema = Arc::new(DFSchema::try_from(schema).map_err(sql_error)?);
        let conditions = domain.checks.iter();
        let conditions =
            conditions.map(|check| self.condition(&check.expression, &schema, context));
        let conditions = conditions.collect::<Result<_>>()?;
        Ok(crate::exec::functions::domain_function(domain, conditions))
    }

    fn condition(
        &self,
        text: &str,
        schema: &Arc<DFSchema>,
        context: &PlanContext,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let tree = *parse_expression(text)?.ast;
        let parameters = Arc::new(Parameters::default());
        let (condition, _) = self.expression(context, tree, schema, &parameters)?;
        let rows = EmptyRelation { produce_one_row: true, schema: Arc::clone(schema) };
        let rows = Arc::new(LogicalPlan::EmptyRelation(rows));
        let plan = Projection::try_new(vec![condition], rows).map(LogicalPlan::Projection);
        let plan = self.coerced(plan.map_err(sql_error)?)?;
        let LogicalPlan::Projection(projection) = plan else {
            return Err(SqlError::internal("a domain's condition that is none"));
        };
        let condition = projection.expr.into_iter().next();
        let condition = condition.ok_or_else(|| SqlError::internal("a condition that is gone"))?;
        let planning = PhysicalPlanningContext::default();
        create_physical_expr(&condition, schema, &ExecutionProps::new(), &planning)
            .map_err(sql_error)
    }
}
