//! What DataFusion's SQL planner asks of its surroundings: tables, views, functions, types.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, ScalarValue, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::planner::{
    ContextProvider, ExprPlanner, RelationPlanner, TypePlanner,
};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource as LogicalSource, WindowUDF,
};
use parking_lot::Mutex;

use super::PlanContext;
use super::cast_call::cast_function_of;
use super::errors::external;
use super::functions::Functions;
use super::guarded::Guarded;
use super::literal::{Literals, fold};
use super::missing_function::missing_function;
use super::operators::Operators;
use super::planner::{Planner, Target};
use super::relations::Relation;
use super::set_returning::SERIES;
use super::system_columns::WITH_ROW_ID;
use super::type_names::TypeNames;
use super::user_calls::no_function;
use super::user_function::{qualified, stand_in};
use super::user_notation::{MARK, is_free};
use super::user_relation::UserRelations;
use super::view_source::InlineSource;
use crate::base::{Oid, SqlError, SqlState};
use crate::catalog::access::{Demand, PolicyCommand, Privileges, RowRule};
use crate::exec::TableSource;
use crate::segment::{ADDRESS, ROW_ID, TableSchema};

/// Views may use views; a cycle can't be made by DDL, but metadata may be broken.
const VIEW_DEPTH_MAX: usize = 32;

/// The surroundings of one statement.
pub(crate) struct Provider<'a> {
    pub(super) planner: &'a Planner,
    pub(super) context: &'a PlanContext,
    pub(super) functions: Arc<Functions>,
    pub(super) literals: Arc<Literals>,
    relation_planners: [Arc<dyn RelationPlanner>; 1],
    expr_planners: Vec<Arc<dyn ExprPlanner>>,
    /// The table whose rows are changed: it shows its hidden columns.
    target: Option<Target>,
    pub(super) used: Mutex<BTreeSet<Oid>>,
    pub(super) demands: Mutex<Vec<Demand>>,
    pub(super) depth: usize,
}

impl<'a> Provider<'a> {
    pub(crate) fn new(
        planner: &'a Planner,
        context: &'a PlanContext,
        literals: Arc<Literals>,
        target: Option<Target>,
        depth: usize,
    ) -> Self {
        let functions = Arc::clone(planner.functions());
        let ours = Operators { literals: Arc::clone(&literals), functions: Arc::clone(&functions) };
        let mut expr_planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(ours)];
        expr_planners.extend(functions.expr_planners().iter().cloned());
        let (used, demands) = (Mutex::default(), Mutex::default());
        Self {
            planner,
            context,
            functions,
            literals,
            relation_planners: [Arc::new(UserRelations)],
            expr_planners,
            target,
            used,
            demands,
            depth,
        }
    }

    /// The relations that were looked up, and what looking there demands.
    pub(crate) fn used(&self) -> (BTreeSet<Oid>, Vec<Demand>) {
        (self.used.lock().clone(), self.demands.lock().clone())
    }

    /// Looking into a schema must be allowed; what a view names was looked up when it was made.
    fn demand_usage(&self, relation: Oid) {
        if self.depth > 0 {
            return;
        }
        if let Some(schema) = self.context.relations.schema_oid(relation) {
            let demand = Demand::usage(schema);
            let mut demands = self.demands.lock();
            if !demands.contains(&demand) {
                demands.push(demand);
            }
        }
    }

    /// The target, if a table is that.
    fn target(&self, oid: Oid) -> Option<Target> {
        let changed = self.target.filter(|target| target.oid == oid);
        changed.or_else(|| {
            let rule = RowRule::Found { command: PolicyCommand::Update, reads: true };
            self.context.locked.contains(&oid).then_some(Target { oid, rule })
        })
    }

    fn whole_table(
        &self,
        oid: Oid,
        schema: Arc<TableSchema>,
        row_id: bool,
    ) -> Arc<dyn LogicalSource> {
        let hidden: &[&str] = match (self.target(oid).is_some(), row_id) {
            (true, _) => &[ADDRESS, ROW_ID],
            (false, true) => &[ROW_ID],
            (false, false) => &[],
        };
        let source = TableSource::new(oid, schema, hidden);
        provider_as_source(Arc::new(source))
    }

    /// A table, or those of its rows that policies let through.
    fn table(
        &self,
        oid: Oid,
        name: &str,
        schema: Arc<TableSchema>,
        row_id: bool,
    ) -> Result<Arc<dyn LogicalSource>> {
        let reading = RowRule::Found { command: PolicyCommand::Select, reads: true };
        let target = self.target(oid);
        let rule = target.map_or(reading, |target| target.rule);
        let relations = &self.context.relations;
        let condition = relations.row_condition(oid, self.context.rights, rule);
        let Some(condition) = condition.map_err(external)? else {
            return Ok(self.whole_table(oid, schema, row_id));
        };
        let (schema, condition) = (&schema, condition.as_str());
        let guarded = Guarded { oid, name, schema, condition, target };
        let (source, demands) =
            self.planner.guarded(self.context, &guarded, self.depth).map_err(external)?;
        self.demands.lock().extend(demands);
        Ok(source)
    }

    fn view(
        &self,
        oid: Oid,
        name: &str,
        query: &str,
        (search_path, rights): (Vec<String>, Option<Oid>),
    ) -> Result<Arc<dyn LogicalSource>> {
        if self.depth >= VIEW_DEPTH_MAX {
            let message = format!("view \"{name}\" is nested too deeply");
            return Err(external(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, message)));
        }
        // DataFusion looks for a relation of a recursive query's own name, too, and then leaves it.
        if self.context.within.contains(&oid) {
            let message = format!("infinite recursion detected in view \"{name}\"");
            return Err(external(SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, message)));
        }
        let within = [&*self.context.within, &[oid]].concat().into();
        let context = PlanContext { search_path, rights, within, ..self.context.stored() };
        let planned = self.planner.view(&context, query, self.depth + 1);
        let view = planned.map_err(external)?;
        let mut all = self.used.lock();
        all.insert(oid);
        all.extend(view.used);
        let inside = view.demands.into_iter();
        let inside = inside.map(|demand| Demand { role: demand.role.or(rights), ..demand });
        self.demands.lock().extend(inside);
        Ok(Arc::new(InlineSource::view(oid, view.plan)))
    }
}

impl Provider<'_> {
    /// What stands for the users' functions of a name that none of the system's has.
    fn user_function(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let hidden =
            self.functions.aggregate(name).is_some() || self.functions.window(name).is_some();
        if hidden {
            return None;
        }
        let path = &self.context.search_path;
        let found = self.context.relations.user_functions(None, name, path);
        (!found.is_empty()).then(|| stand_in(name, found))
    }

    /// What stands for a function that there is not, where the name is that of no other kind either.
    fn missing(&self, name: &str, plain: &str) -> Option<Arc<ScalarUDF>> {
        let other = self.functions.aggregate(plain).is_some()
            || self.functions.window(plain).is_some()
            || matches!(plain, "unnest" | "unnest_outer" | "grouping");
        if other {
            return None;
        }
        let schema = plain.split_once('.').map(|(schema, _)| schema);
        let gone = schema.filter(|schema| !self.context.relations.has_schema(schema));
        Some(missing_function(name, gone))
    }
}

impl ContextProvider for Provider<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn LogicalSource>> {
        let (schema, table) = (name.schema(), name.table());
        let (table, row_id) = match table.strip_suffix(WITH_ROW_ID) {
            Some(table) => (table, true),
            None => (table, false),
        };
        let path = &self.context.search_path;
        let relation = self.context.relations.relation(schema, table, path);
        match relation {
            Some(Relation::Table { oid, schema }) => {
                self.used.lock().insert(oid);
                self.demand_usage(oid);
                self.table(oid, table, schema, row_id)
            }
            Some(Relation::Unguarded { oid, schema }) => Ok(self.whole_table(oid, schema, row_id)),
            Some(Relation::View { oid, query, search_path, rights }) => {
                self.demand_usage(oid);
                self.view(oid, table, &query, (search_path, rights))
            }
            Some(Relation::Provider { oid, provider }) => {
                self.used.lock().insert(oid);
                self.demands.lock().push(Demand::whole(oid, Privileges::SELECT));
                Ok(provider_as_source(provider))
            }
            None => Err(external(undefined_table(schema, table))),
        }
    }

    fn get_table_function_source(
        &self,
        name: &str,
        args: Vec<Expr>,
    ) -> Result<Arc<dyn LogicalSource>> {
        if let Some(marked) = name.strip_prefix(MARK) {
            let mut parts = marked.rsplit('\u{0}');
            let own = parts.next().unwrap_or_default();
            let schema = parts.next().filter(|schema| !schema.is_empty());
            let source = self.function_source(schema, own, args).map_err(external)?;
            return Ok(Arc::new(source));
        }
        let known = if name == SERIES { "generate_series" } else { name };
        let function = self.functions.table(known).ok_or_else(|| external(no_function(name)))?;
        let args: Vec<Expr> = args.into_iter().map(|arg| wide(fold(arg))).collect();
        self.functions.table_source(&function, &args)
    }

    fn create_cte_work_table(
        &self,
        name: &str,
        schema: SchemaRef,
    ) -> Result<Arc<dyn LogicalSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        &self.relation_planners
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.expr_planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        let relations = Arc::clone(&self.context.relations);
        Some(Arc::new(TypeNames { relations, path: self.context.search_path.clone() }))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let types = (self.context.relations.as_ref(), self.context.search_path.as_slice());
        let of_domain = |domain: &Arc<_>| self.planner.domain_function(domain, self.context);
        if let Some(cast) = cast_function_of(name, types, of_domain) {
            return Some(cast);
        }
        let (relations, path) = (&self.context.relations, &self.context.search_path);
        if let Some((schema, own)) = qualified(name).filter(|(schema, _)| schema != "pg_catalog") {
            let found = relations.user_functions(Some(&schema), &own, path);
            if !found.is_empty() {
                return Some(stand_in(name, found));
            }
        }
        let plain = unqualified(name);
        let found = relations.function(plain);
        let found = found.or_else(|| self.user_function(name).filter(|_| is_free(name)));
        let found = found.or_else(|| self.functions.scalar(plain));
        found.or_else(|| self.user_function(name)).or_else(|| self.missing(name, plain))
    }

    fn get_higher_order_meta(&self, _name: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.functions.aggregate(unqualified(name))
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.functions.window(unqualified(name))
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.planner.options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.functions.scalar_names()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.functions.aggregate_names()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.functions.window_names()
    }
}

/// `pg_catalog.version` is `version`: functions are not in schemas here.
fn unqualified(name: &str) -> &str {
    name.strip_prefix("pg_catalog.").or_else(|| name.strip_prefix("public.")).unwrap_or(name)
}

/// DataFusion's table functions take 64-bit integers only.
fn wide(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(ScalarValue::Int32(Some(value)), None) => {
            Expr::Literal(ScalarValue::Int64(Some(value.into())), None)
        }
        other => other,
    }
}

/// The error for a policy that reads its own table.
pub(super) fn infinite_recursion(table: &str) -> SqlError {
    let message = format!("infinite recursion detected in policy for relation \"{table}\"");
    SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, message)
}

/// The error for a relation that is not there.
pub(crate) fn undefined_table(schema: Option<&str>, table: &str) -> SqlError {
    let name = match schema {
        Some(schema) => format!("{schema}.{table}"),
        None => table.to_owned(),
    };
    SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"))
}
