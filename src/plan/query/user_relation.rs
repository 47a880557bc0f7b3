//! Users' functions in FROM: the body is a source like a view's query, with the call's arguments in
//! the place of its own.

use std::sync::Arc;

use datafusion::common::{DFSchema, DataFusionError, Result, TableReference};
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{LogicalPlanBuilder, TableSource};
use sqlparser::ast::{FunctionArg, FunctionArgExpr, TableAliasColumnDef, TableFactor};

use super::errors::external;
use super::user_function::given;
use super::user_notation::{MARK, marked};
use super::view_source::InlineSource;
use crate::base::SqlError;

/// Plans the functions that [`super::user_notation`] has marked.
#[derive(Debug)]
pub(super) struct UserRelations;

impl RelationPlanner for UserRelations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Function { name, args, alias, .. } = &relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let Some(parts) = marked(name) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let mut arguments = Vec::with_capacity(args.len());
        for argument in args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else {
                let message = "this form of an argument is not supported";
                return Err(external(SqlError::unsupported(message)));
            };
            arguments.push(context.sql_to_expr(expr.clone(), &DFSchema::empty())?);
        }
        let asked = format!("{MARK}\u{0}{}", parts.join("\u{0}"));
        let source = context.context_provider().get_table_function_source(&asked, arguments)?;
        let function = called(&source)?;
        let (arguments, unnamed) = (function.arguments().to_vec(), function.is_unnamed());
        let name = parts.last().cloned().unwrap_or_default();
        let mut plan = LogicalPlanBuilder::scan(TableReference::bare(name), source, None)?;
        if !arguments.is_empty() {
            plan = plan.filter(given(arguments))?;
        }
        let mut alias = alias.clone();
        if let Some(alias) = &mut alias
            && unnamed
            && alias.columns.is_empty()
        {
            // The column of plain values is called like the table.
            let name = alias.name.clone();
            alias.columns = vec![TableAliasColumnDef { name, data_type: None }];
        }
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan.build()?, alias))))
    }
}

fn called(source: &Arc<dyn TableSource>) -> Result<&InlineSource> {
    source
        .downcast_ref::<InlineSource>()
        .ok_or_else(|| DataFusionError::Internal("a function without a body".into()))
}
