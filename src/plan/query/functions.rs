//! The functions that statements can call: ours before DataFusion's of the same name.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::catalog::{TableFunction, TableFunctionArgs};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{SessionStateBuilder, SessionStateDefaults};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::logical_expr::{AggregateUDF, Expr, ScalarUDF, TableSource, WindowUDF};

use super::errors::external;
use crate::base::{Random, SqlError, SqlState};
use crate::exec::functions;
use crate::types::{CastContext, PgType, cast_context};

/// PostgreSQL's names of functions that DataFusion has under others.
const SCALAR_ALIASES: &[(&str, &str)] = &[("uuidv4", "gen_random_uuid")];
const AGGREGATE_ALIASES: &[(&str, &str)] =
    &[("every", "bool_and"), ("variance", "var_samp"), ("any_value", "first_value")];

/// All functions by name.
#[derive(Debug)]
pub(crate) struct Functions {
    scalars: HashMap<String, Arc<ScalarUDF>>,
    aggregates: HashMap<String, Arc<AggregateUDF>>,
    windows: HashMap<String, Arc<WindowUDF>>,
    tables: HashMap<String, Arc<TableFunction>>,
    expr_planners: Vec<Arc<dyn ExprPlanner>>,
    /// For table functions, which ask for a session.
    session: SessionState,
}

impl Functions {
    pub(crate) fn new(random: &Arc<dyn Random>) -> Self {
        let mut scalars = HashMap::new();
        let all = SessionStateDefaults::default_scalar_functions()
            .into_iter()
            .chain(functions::scalar_functions())
            .chain(functions::random_functions(random));
        for function in all {
            for alias in function.aliases() {
                scalars.insert(alias.clone(), Arc::clone(&function));
            }
            scalars.insert(function.name().to_owned(), function);
        }
        let mut aggregates = HashMap::new();
        let all = SessionStateDefaults::default_aggregate_functions()
            .into_iter()
            .chain(functions::aggregate_functions());
        for function in all {
            for alias in function.aliases() {
                aggregates.insert(alias.clone(), Arc::clone(&function));
            }
            aggregates.insert(function.name().to_owned(), function);
        }
        for (alias, name) in SCALAR_ALIASES {
            if let Some(function) = scalars.get(*name).cloned() {
                scalars.insert((*alias).to_owned(), function);
            }
        }
        for (alias, name) in AGGREGATE_ALIASES {
            if let Some(function) = aggregates.get(*name).cloned() {
                aggregates.insert((*alias).to_owned(), function);
            }
        }
        let mut windows = HashMap::new();
        for function in SessionStateDefaults::default_window_functions() {
            windows.insert(function.name().to_owned(), function);
        }
        let tables = SessionStateDefaults::default_table_functions()
            .into_iter()
            .map(|function| (function.name().to_owned(), function))
            .collect();
        Self {
            scalars,
            aggregates,
            windows,
            tables,
            expr_planners: SessionStateDefaults::default_expr_planners(),
            session: SessionStateBuilder::new().build(),
        }
    }

    pub(crate) fn scalar(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scalars.get(name).cloned()
    }

    pub(crate) fn aggregate(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.aggregates.get(name).cloned()
    }

    pub(crate) fn window(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.windows.get(name).cloned()
    }

    pub(crate) fn table(&self, name: &str) -> Option<Arc<TableFunction>> {
        self.tables.get(name).cloned()
    }

    pub(crate) fn scalars(&self) -> Vec<Arc<ScalarUDF>> {
        self.scalars.values().cloned().collect()
    }

    pub(crate) fn aggregates(&self) -> Vec<Arc<AggregateUDF>> {
        self.aggregates.values().cloned().collect()
    }

    pub(crate) fn windows(&self) -> Vec<Arc<WindowUDF>> {
        self.windows.values().cloned().collect()
    }

    /// The names of all scalar functions.
    pub(crate) fn scalar_names(&self) -> Vec<String> {
        self.scalars.keys().cloned().collect()
    }

    /// The names of all aggregates.
    pub(crate) fn aggregate_names(&self) -> Vec<String> {
        self.aggregates.keys().cloned().collect()
    }

    /// The names of all window functions.
    pub(crate) fn window_names(&self) -> Vec<String> {
        self.windows.keys().cloned().collect()
    }

    pub(crate) fn expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.expr_planners
    }

    /// The rows of a table function.
    pub(crate) fn table_source(
        &self,
        function: &TableFunction,
        args: &[Expr],
    ) -> Result<Arc<dyn TableSource>> {
        let args = TableFunctionArgs::new(args, &self.session);
        Ok(provider_as_source(function.create_table_provider_with_args(args)?))
    }

    /// A relation's name instead of its oid: how `regclass` is shown.
    pub(crate) fn relation_name(&self, expr: Expr) -> Result<Expr> {
        let function = self
            .scalar("redkite_regclass_text")
            .ok_or_else(|| DataFusionError::Internal("there is no function for regclass".into()))?;
        Ok(function.call(vec![expr]))
    }

    /// A cast from one type to another.
    pub(crate) fn cast(
        &self,
        expr: Expr,
        source: &PgType,
        target: &PgType,
        field: &FieldRef,
    ) -> Result<Expr> {
        if *source == PgType::Regclass && target.is_string() {
            return self.relation_name(expr);
        }
        let strict = |ty: &PgType| {
            ty.is_bits()
                || ty.is_user_defined()
                || matches!(
                    ty,
                    PgType::Halfvec(_) | PgType::Sparsevec(_) | PgType::Xid | PgType::Tid
                )
        };
        // PostgreSQL goes by way of the text for strings only.
        let common = |ty: &PgType| {
            ty.is_number()
                || ty.element().is_some()
                || matches!(
                    ty,
                    PgType::Bool
                        | PgType::Date
                        | PgType::Time
                        | PgType::Timestamp
                        | PgType::Timestamptz
                        | PgType::Interval
                        | PgType::Uuid
                        | PgType::Json
                        | PgType::Jsonb
                        | PgType::Vector(_)
                )
        };
        let told = strict(source) || strict(target) || common(source) && common(target);
        if told && cast_context(source, target).is_none() {
            let (source, target) = (source.sql_name(), target.sql_name());
            let message = format!("cannot cast type {source} to {target}");
            return Err(external(SqlError::new(SqlState::CANNOT_COERCE, message)));
        }
        match crate::exec::cast_function(source, target, CastContext::Explicit) {
            Some(function) => Ok(function.call(vec![expr])),
            None => Ok(Expr::Cast(Cast::new_from_field(Box::new(expr), Arc::clone(field)))),
        }
    }
}
