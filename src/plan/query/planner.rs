//! From a syntax tree to a [`QueryPlan`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use datafusion::common::alias::AliasGenerator;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, DFSchemaRef};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, Projection};
use datafusion::optimizer::analyzer::Analyzer;
use datafusion::optimizer::{Optimizer, OptimizerConfig};
use datafusion::prelude::SessionConfig;
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use sqlparser::ast;

use super::aggregate_order;
use super::array_elements::as_arguments;
use super::correlated::{is_left_over, without_correlation};
use super::errors::sql_error;
use super::exclusions;
use super::executable::{OutputColumn, QueryPlan};
use super::functions::Functions;
use super::lateral::without_lateral;
use super::leakproof;
use super::literal::{Literals, Parameters};
use super::merged_columns::merge_columns;
use super::missing_from::in_better_words;
use super::names::visible;
use super::provider::Provider;
use super::reads::{reads, reads_of_subqueries};
use super::recursive;
use super::relations::Relations;
use super::resolve::{Resolver, parameters_of};
use super::rewrite::rewrite;
use super::subquery_values::{Aggregates, as_aggregates};
use super::user_notation;
use super::vector_rule;
use super::view_source::inlined;
use super::whole_rows::expand_whole_rows;
use crate::base::limits::{BATCH_ROWS, PARAMETERS_MAX};
use crate::base::{ColumnId, Oid, Random, Result, SqlError, SqlState};
use crate::catalog::access::{Demand, RowRule};
use crate::exec::Barrier;
use crate::plan::statement::Query;
use crate::segment::ADDRESS;
use crate::types::{PgType, TextContext};

/// Parameters get their types within this many rounds: each round may tell one by another.
const INFERENCE_ROUNDS_MAX: usize = 4;

/// What a statement is planned in: the catalog at its snapshot, and the session's part.
#[derive(Clone, Debug)]
pub struct PlanContext {
    /// What names mean.
    pub relations: Arc<dyn Relations>,
    /// The schemas that are searched for names without one, in order.
    pub search_path: Vec<String>,
    /// How literals are read.
    pub text: Arc<TextContext>,
    /// Whose rights a view's query has; none: those of who runs the statement.
    pub rights: Option<Oid>,
    /// The tables whose policies are being planned.
    pub guarding: Arc<[Oid]>,
    /// The views whose queries are being planned.
    pub within: Arc<[Oid]>,
    /// The tables whose rows the statement locks: they show their hidden columns.
    pub locked: Arc<[Oid]>,
}

impl PlanContext {
    /// What views and policies are planned in: none of the rows that the statement brings along.
    pub(super) fn stored(&self) -> Self {
        let stored = self.relations.stored();
        let relations = stored.unwrap_or_else(|| Arc::clone(&self.relations));
        Self { relations, locked: Arc::from([]), ..self.clone() }
    }
}

/// The table whose rows a statement changes: it shows its hidden columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The table.
    pub(crate) oid: Oid,
    /// How its rows are found: what policies for UPDATE or DELETE let through.
    pub(crate) rule: RowRule,
}

/// Plans statements. One for a node: it holds what all plans share.
#[derive(Debug)]
pub struct Planner {
    functions: Arc<Functions>,
    analyzer: Analyzer,
    optimizer: Optimizer,
    options: Arc<ConfigOptions>,
    state: SessionState,
    /// See [`Planner::steps`].
    steps: AtomicU64,
}

/// A statement's logical plan, before it is optimised.
pub(crate) struct Analyzed {
    pub(crate) plan: LogicalPlan,
    pub(crate) parameters: Vec<PgType>,
    pub(crate) used: BTreeSet<Oid>,
    /// What it asks of whom it reads from.
    pub(crate) demands: Vec<Demand>,
}

impl Planner {
    /// A planner whose plans run on this many threads, with random numbers from here.
    pub fn new(partitions: usize, random: &Arc<dyn Random>) -> Self {
        let mut config = SessionConfig::new()
            .with_target_partitions(partitions.max(1))
            .with_batch_size(BATCH_ROWS)
            // A scan gives every thread its share itself; without it order survives projections.
            .with_round_robin_repartition(false);
        let options = config.options_mut();
        options.sql_parser.parse_float_as_decimal = true;
        options.sql_parser.map_string_types_to_utf8view = false;
        options.sql_parser.dialect = datafusion::config::Dialect::PostgreSQL;
        options.execution.time_zone = Some("UTC".into());
        // Aggregates see a subquery's rows in its order.
        options.sql_parser.enable_subquery_sort_elimination = false;
        // A plan with dynamic filters can't run twice.
        options.optimizer.enable_dynamic_filter_pushdown = false;
        options.optimizer.enable_topk_dynamic_filter_pushdown = false;
        options.optimizer.enable_join_dynamic_filter_pushdown = false;
        options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
        let options = Arc::clone(config.options());
        let functions = Arc::new(Functions::new(random));
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_scalar_functions(functions.scalars())
            .with_aggregate_functions(functions.aggregates())
            .with_window_functions(functions.windows())
            .build();
        Self {
            functions,
            analyzer: Analyzer::new(),
            optimizer: Optimizer::new(),
            options,
            state,
            steps: AtomicU64::new(0),
        }
    }

    /// How many steps of planning have been taken so far: analysing a tree, optimising a plan,
    /// making an instance that runs, reading the rows of an INSERT. What runs from a plan that was
    /// kept takes none.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    pub(crate) fn count_step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn functions(&self) -> &Arc<Functions> {
        &self.functions
    }

    pub(crate) fn options(&self) -> &ConfigOptions {
        &self.options
    }

    pub(crate) fn state(&self) -> &SessionState {
        &self.state
    }

    /// Plans a query. Types that the client declared for its parameters are taken, the others
    /// found out.
    ///
    /// # Errors
    /// What PostgreSQL's parse analysis would report.
    pub fn query(
        self: &Arc<Self>,
        context: &PlanContext,
        query: &Query,
        parameter_types: &[Option<PgType>],
    ) -> Result<QueryPlan> {
        if !query.locking.is_empty() {
            return self.locking_query(context, query, parameter_types);
        }
        self.tree(context, query.ast.as_ref().clone(), parameter_types, None)
    }

    /// Plans a query's tree; the target of a change shows its hidden columns.
    pub(crate) fn tree(
        self: &Arc<Self>,
        context: &PlanContext,
        mut tree: ast::Query,
        parameter_types: &[Option<PgType>],
        target: Option<Target>,
    ) -> Result<QueryPlan> {
        self.rewritten(&mut tree, context)?;
        let mut analyzed = self.analyze(context, &tree, parameter_types, target, 0)?;
        analyzed.plan =
            named_objects(analyzed.plan, &self.functions, context).map_err(sql_error)?;
        self.finish(analyzed)
    }

    /// A tree's logical plan, for a statement that puts something on top.
    pub(crate) fn analyzed(
        &self,
        context: &PlanContext,
        mut tree: ast::Query,
        parameter_types: &[Option<PgType>],
        target: Option<Target>,
    ) -> Result<Analyzed> {
        self.rewritten(&mut tree, context)?;
        self.analyze(context, &tree, parameter_types, target, 0)
    }

    /// A tree in the words that DataFusion knows, as PostgreSQL means it.
    pub(super) fn rewritten(&self, tree: &mut ast::Query, context: &PlanContext) -> Result<()> {
        user_notation::prepare(tree, context, &self.functions)?;
        recursive::check(tree, &self.functions)?;
        merge_columns(tree, context)?;
        expand_whole_rows(tree, context)?;
        rewrite(tree)?;
        as_arguments(tree);
        Ok(())
    }

    /// The plan behind analysed logic: coerced, with PostgreSQL's types at the top.
    pub(crate) fn finish(self: &Arc<Self>, analyzed: Analyzed) -> Result<QueryPlan> {
        let Analyzed { plan, parameters, used, demands } = analyzed;
        // What was put on top may have brought views along.
        let plan = inlined(plan).map_err(sql_error)?;
        let plan = self.plannable(plan).map_err(sql_error)?;
        let plan =
            self.analyzer.execute_and_check(plan, &self.options, |_, _| {}).map_err(sql_error)?;
        let (plan, columns) = canonical_output(plan).map_err(sql_error)?;
        Ok(QueryPlan::new(Arc::clone(self), plan, columns, parameters, (used, demands)))
    }

    /// Takes apart what DataFusion does not: lateral parts, correlated subqueries, subqueries as
    /// values.
    pub(super) fn plannable(&self, plan: LogicalPlan) -> datafusion::common::Result<LogicalPlan> {
        let plan = without_lateral(plan)?;
        self.aggregated(without_correlation(plan, self)?)
    }

    /// Whether DataFusion makes joins of all correlated subqueries of a plan.
    pub(super) fn decorrelates(&self, plan: &LogicalPlan) -> bool {
        let tried = || {
            let plan = self.aggregated(plan.clone())?;
            let plan = self.analyzer.execute_and_check(plan, &self.options, |_, _| {})?;
            let context = Optimization { planner: self, aliases: Arc::default() };
            is_left_over(&self.optimizer.optimize(plan, &context, |_, _| {})?)
        };
        tried().is_ok_and(|left_over| !left_over)
    }

    /// A plan with DataFusion's casts between types.
    pub(super) fn coerced(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        self.analyzer.execute_and_check(plan, &self.options, |_, _| {}).map_err(sql_error)
    }

    fn aggregated(&self, plan: LogicalPlan) -> datafusion::common::Result<LogicalPlan> {
        let (only, first) =
            (self.functions.aggregate("redkite_only"), self.functions.aggregate("first_value"));
        match only.zip(first) {
            Some((only, first)) => as_aggregates(plan, &Aggregates { only, first }),
            None => Ok(plan),
        }
    }

    /// Plans a view's query: without coercion, as a part of the statement that uses it.
    pub(crate) fn view(&self, context: &PlanContext, sql: &str, depth: usize) -> Result<Analyzed> {
        let mut tree = *crate::plan::parse_query(sql)?.ast;
        self.rewritten(&mut tree, context)?;
        self.analyze(context, &tree, &[], None, depth)
    }

    pub(super) fn analyze(
        &self,
        context: &PlanContext,
        tree: &ast::Query,
        declared: &[Option<PgType>],
        target: Option<Target>,
        depth: usize,
    ) -> Result<Analyzed> {
        self.count_step();
        let parameters = Arc::new(Parameters::new(declared));
        let literals = Arc::new(Literals {
            parameters: Arc::clone(&parameters),
            text: Arc::clone(&context.text),
        });
        let mut round = 0;
        loop {
            round += 1;
            let before = parameters.snapshot();
            let known: Vec<_> = fields_of(&before);
            let provider = Provider::new(self, context, Arc::clone(&literals), target, depth);
            let planned = self.logical(&provider, tree, known, None);
            let resolver = Resolver {
                literals: &literals,
                functions: &self.functions,
                relations: context.relations.as_ref(),
                path: &context.search_path,
                provider: &provider,
            };
            let planned = planned.and_then(|plan| resolver.plan(plan).map_err(sql_error));
            let learned = parameters.snapshot().len() > before.len();
            if learned && round < INFERENCE_ROUNDS_MAX {
                continue;
            }
            let plan = planned.map_err(|error| in_better_words(error, tree))?;
            let plan = exclusions::apply(plan, &self.functions).map_err(sql_error)?;
            let mentioned = parameters_of(&plan).map_err(sql_error)?;
            let types = parameter_types(declared, &mentioned, &parameters)?;
            // A parameter that nothing tells about is text, as in PostgreSQL.
            if mentioned.iter().any(|at| !before.contains_key(at)) && round < INFERENCE_ROUNDS_MAX {
                let all: Vec<_> = types.iter().cloned().map(Some).collect();
                return self.analyze(context, tree, &all, target, depth);
            }
            let (used, mut demands) = provider.used();
            demands.extend(reads(&plan, target.map(|target| target.oid)).map_err(sql_error)?);
            let plan = inlined(plan).map_err(sql_error)?;
            let plan = aggregate_order::apply(plan).map_err(sql_error)?;
            return Ok(Analyzed { plan, parameters: types, used, demands });
        }
    }

    /// The plan of a tree, whose names may be columns from outside as well.
    pub(super) fn logical(
        &self,
        provider: &Provider<'_>,
        tree: &ast::Query,
        known: Vec<Option<arrow::datatypes::FieldRef>>,
        outside: Option<DFSchemaRef>,
    ) -> Result<LogicalPlan> {
        let options = ParserOptions::from(&self.options.sql_parser);
        let planner = SqlToRel::new_with_options(provider, options.with_collect_spans(true));
        let mut context = PlannerContext::new().with_prepare_param_data_types(known);
        if let Some(outside) = outside {
            context.append_outer_query_schema(outside);
        }
        let statement = ast::Statement::Query(Box::new(tree.clone()));
        planner.sql_statement_to_plan_with_context(statement, &mut context).map_err(sql_error)
    }

    /// Plans an expression over the columns of a schema, coerced, with what its subqueries demand.
    pub(crate) fn expression(
        &self,
        context: &PlanContext,
        expr: ast::Expr,
        schema: &DFSchema,
        parameters: &Arc<Parameters>,
    ) -> Result<(Expr, Vec<Demand>)> {
        let mut expr = expr;
        user_notation::prepare(&mut expr, context, &self.functions)?;
        super::rewrite::rewrite_expr(&mut expr)?;
        let literals = Arc::new(Literals {
            parameters: Arc::clone(parameters),
            text: Arc::clone(&context.text),
        });
        let provider = Provider::new(self, context, Arc::clone(&literals), None, 0);
        let options = ParserOptions::from(&self.options.sql_parser);
        let planner = SqlToRel::new_with_options(&provider, options.with_collect_spans(true));
        let known = fields_of(&parameters.snapshot());
        let mut planner_context = PlannerContext::new().with_prepare_param_data_types(known);
        let planned = planner.sql_to_expr(expr, schema, &mut planner_context).map_err(sql_error)?;
        let resolver = Resolver {
            literals: &literals,
            functions: &self.functions,
            relations: context.relations.as_ref(),
            path: &context.search_path,
            provider: &provider,
        };
        let resolved = resolver.expr(planned, schema).map_err(sql_error)?.data;
        let (_, mut demands) = provider.used();
        demands.extend(reads_of_subqueries(&resolved).map_err(sql_error)?);
        Ok((resolved, demands))
    }

    /// Optimises a plan; vector searches become nodes of their own.
    pub(crate) fn optimize(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        self.count_step();
        let context = Optimization { planner: self, aliases: Arc::default() };
        let plan = limited_first(plan).map_err(sql_error)?;
        let mut plan = self.optimizer.optimize(plan, &context, |_, _| {}).map_err(sql_error)?;
        if let Some(moved) = leakproof::moved(&plan).map_err(sql_error)? {
            plan = self.optimizer.optimize(moved, &context, |_, _| {}).map_err(sql_error)?;
        }
        vector_rule::apply(plan).and_then(super::narrowed_search::apply).map_err(sql_error)
    }
}

/// Computes calls that have effects, such as `nextval`, for no more rows than LIMIT leaves.
fn limited_first(plan: LogicalPlan) -> datafusion::common::Result<LogicalPlan> {
    Ok(plan
        .transform_down(|node| {
            let LogicalPlan::Limit(mut limit) = node else { return Ok(Transformed::no(node)) };
            match limit.input.as_ref() {
                LogicalPlan::Projection(projection)
                    if projection.expr.iter().any(Expr::is_volatile) =>
                {
                    let mut projection = projection.clone();
                    limit.input = Arc::clone(&projection.input);
                    projection.input = Arc::new(LogicalPlan::Limit(limit));
                    Ok(Transformed::yes(LogicalPlan::Projection(projection)))
                }
                _ => Ok(Transformed::no(LogicalPlan::Limit(limit))),
            }
        })?
        .data)
}

/// What one optimisation may use. There is no start time: plans outlive executions.
struct Optimization<'a> {
    planner: &'a Planner,
    aliases: Arc<AliasGenerator>,
}

impl OptimizerConfig for Optimization<'_> {
    fn query_execution_start_time(&self) -> Option<DateTime<Utc>> {
        None
    }

    fn alias_generator(&self) -> &Arc<AliasGenerator> {
        &self.aliases
    }

    fn options(&self) -> Arc<ConfigOptions> {
        Arc::clone(&self.planner.options)
    }

    fn function_registry(&self) -> Option<&dyn FunctionRegistry> {
        Some(&self.planner.state)
    }
}

fn fields_of(
    known: &std::collections::BTreeMap<usize, PgType>,
) -> Vec<Option<arrow::datatypes::FieldRef>> {
    let count = known.keys().next_back().map_or(0, |last| last + 1);
    (0..count)
        .map(|at| known.get(&at).map(|ty| Arc::new(ty.field(format!("${}", at + 1), true))))
        .collect()
}

fn parameter_types(
    declared: &[Option<PgType>],
    mentioned: &[usize],
    parameters: &Parameters,
) -> Result<Vec<PgType>> {
    let highest = mentioned.iter().max().map_or(0, |last| last + 1);
    let count = highest.max(declared.len());
    if count > PARAMETERS_MAX {
        let message = format!("there is no parameter ${count}");
        return Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, message));
    }
    // What this part of a statement does not mention, another part may tell about.
    let mut types = vec![PgType::Unknown; count];
    mentioned.iter().for_each(|at| types[*at] = PgType::Text);
    let known = |(at, ty)| parameters.get(at).unwrap_or(ty);
    Ok(types.into_iter().enumerate().map(known).collect())
}

/// Adds their names to objects whose oids the output has (`regclass`, `regtype`): clients see both.
pub(super) fn named_objects(
    plan: LogicalPlan,
    functions: &Functions,
    context: &PlanContext,
) -> datafusion::common::Result<LogicalPlan> {
    let mut changed = false;
    let exprs = plan.schema().iter().map(|(qualifier, field)| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name().clone()));
        let ty = PgType::of_field(field);
        let name = match ty {
            PgType::Regclass => functions.relation_name(column.clone())?,
            _ => match context.relations.name_function(&ty) {
                Some(function) => function.call(vec![column.clone()]),
                None => return Ok(column),
            },
        };
        changed = true;
        let named = crate::exec::functions::named_object(&ty).call(vec![column, name]);
        Ok(named.alias_qualified(qualifier.cloned(), field.name().clone()))
    });
    let exprs = exprs.collect::<datafusion::common::Result<Vec<_>>>()?;
    if !changed {
        return Ok(plan);
    }
    Projection::try_new(exprs, Arc::new(plan)).map(LogicalPlan::Projection)
}

/// Gives every output column the Arrow form of its PostgreSQL type, whatever DataFusion's
/// functions return, and says what the columns are.
fn canonical_output(
    plan: LogicalPlan,
) -> datafusion::common::Result<(LogicalPlan, Arc<[OutputColumn]>)> {
    let mut columns = Vec::new();
    let mut exprs = Vec::new();
    let mut changed = false;
    for (position, (qualifier, field)) in plan.schema().iter().enumerate() {
        let ty = PgType::of_field(field);
        let ty = if ty == PgType::Unknown { PgType::Text } else { ty };
        let wanted = match &ty {
            // A decimal keeps its scale and an array its element's form.
            PgType::Numeric(_) | PgType::Array(_) | PgType::Vector(_) | PgType::Halfvec(_) => {
                field.data_type().clone()
            }
            PgType::Record => field.data_type().clone(),
            object if object.is_object() => field.data_type().clone(),
            // A row's address is for us and of no PostgreSQL type.
            _ if field.name().starts_with(ADDRESS) => field.data_type().clone(),
            other => other.arrow(),
        };
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name().clone()));
        if &wanted == field.data_type() {
            exprs.push(column);
        } else {
            changed = true;
            let typed = Arc::new(ty.field(field.name().clone(), true));
            let cast = Expr::Cast(Cast::new_from_field(Box::new(column), typed));
            exprs.push(cast.alias_qualified(qualifier.cloned(), field.name().clone()));
        }
        let table = origin(&plan, position);
        columns.push(OutputColumn { name: visible(field.name()).to_owned(), ty, table });
    }
    let plan = match changed {
        true => LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?),
        false => plan,
    };
    Ok((plan, columns.into()))
}

/// The table's column that an output column shows unchanged.
fn origin(plan: &LogicalPlan, position: usize) -> Option<(Oid, ColumnId)> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let mut expr = projection.expr.get(position)?;
            while let Expr::Alias(alias) = expr {
                expr = &alias.expr;
            }
            let Expr::Column(column) = expr else { return None };
            let below = projection.input.schema().maybe_index_of_column(column)?;
            origin(&projection.input, below)
        }
        LogicalPlan::Filter(filter) => origin(&filter.input, position),
        LogicalPlan::Sort(sort) => origin(&sort.input, position),
        LogicalPlan::Limit(limit) => origin(&limit.input, position),
        LogicalPlan::Distinct(Distinct::All(input)) => origin(input, position),
        LogicalPlan::Window(window) => {
            let below = window.input.schema().fields().len();
            if position < below { origin(&window.input, position) } else { None }
        }
        LogicalPlan::Aggregate(aggregate) => {
            let Expr::Column(column) = aggregate.group_expr.get(position)? else { return None };
            let below = aggregate.input.schema().maybe_index_of_column(column)?;
            origin(&aggregate.input, below)
        }
        LogicalPlan::SubqueryAlias(alias) => origin(&alias.input, position),
        LogicalPlan::Extension(_) => origin(&Barrier::of(plan)?.input, position),
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match position < left {
                true => origin(&join.left, position),
                false => origin(&join.right, position - left),
            }
        }
        LogicalPlan::TableScan(scan) => {
            let source = super::source::of_scan(scan)?;
            let at = match &scan.projection {
                Some(projection) => *projection.get(position)?,
                None => position,
            };
            Some((source.oid(), source.column_id(at)?))
        }
        _ => None,
    }
}
