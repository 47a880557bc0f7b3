//! Calls of users' functions, with the body in their place: an expression where the body is one, and
//! otherwise a subquery, or a source in FROM. The arguments stand where the body names them.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, Spans, TableReference};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, ExprSchemable, Filter, Limit, LogicalPlan, LogicalPlanBuilder, Projection, Subquery,
    SubqueryAlias, lit,
};

use super::correlated::{subquery_of, with_plan};
use super::errors::external;
use super::literal::{Operand, fold, typed_literal};
use super::planner::PlanContext;
use super::provider::Provider;
use super::resolve::Resolver;
use super::user_body::Body;
use super::user_function::{self, UserFunction, given};
use super::view_source::InlineSource;
use crate::base::{SqlError, SqlState};
use crate::catalog::{FunctionDef, ReturnsDef};
use crate::plan::parse_expression;
use crate::types::PgType;

/// An argument that a body names several times may have so many parts: calls within calls would
/// make expressions of any size.
const REPEATED_PARTS_MAX: usize = 64;

/// A call with the function that it means.
struct Called {
    function: Arc<FunctionDef>,
    /// Of the types of the function's arguments.
    arguments: Vec<Expr>,
}

impl Resolver<'_> {
    /// A call in an expression.
    pub(super) fn user_call(
        &self,
        user: &UserFunction,
        arguments: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<Expr> {
        let Called { function, arguments } = self.called(user, arguments, schema)?;
        if function.set {
            let message = "set-valued function called in context that cannot accept a set";
            return Err(external(
                SqlError::unsupported(message).with_hint("Call it in FROM: SELECT * FROM f(..)."),
            ));
        }
        if function.returns_row() {
            let message = "a function that returns a row is not supported in an expression";
            return Err(external(
                SqlError::unsupported(message).with_hint("Call it in FROM: SELECT * FROM f(..)."),
            ));
        }
        let apart = arguments.iter().any(reads_columns);
        let body = self.provider.body(&function, apart).map_err(external)?;
        if let Some(value) = as_value(&body, &function, &arguments)? {
            return Ok(value);
        }
        let arguments = arguments.into_iter().map(|argument| from_outside(argument, schema));
        let arguments: Vec<Expr> = arguments.collect::<Result<_>>()?;
        let plan = first_row(body.plan.clone())?;
        let plan = with_body(Body { plan, ..body }, &function, arguments.clone())?;
        let source = Arc::new(InlineSource::function(plan, arguments.clone(), true));
        let name = TableReference::bare(function.name.clone());
        let mut plan = LogicalPlanBuilder::scan(name, source, None)?;
        if !arguments.is_empty() {
            plan = plan.filter(given(arguments))?;
        }
        let plan = plan.build()?;
        Ok(Expr::ScalarSubquery(Subquery {
            outer_ref_columns: plan.all_out_ref_exprs(),
            subquery: Arc::new(plan),
            spans: Spans::new(),
        }))
    }

    /// The function that a call means, and its arguments, those left out too.
    fn called(
        &self,
        user: &UserFunction,
        arguments: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<Called> {
        let mut arguments: Vec<Expr> =
            arguments.into_iter().map(|argument| self.literals.known(fold(argument))).collect();
        let types = |argument: &Expr| {
            let operand = self.literals.operand(argument, schema);
            operand.as_ref().and_then(Operand::ty).cloned()
        };
        let given: Vec<Option<PgType>> = arguments.iter().map(types).collect();
        let function = user.chosen(&given).map_err(external)?;
        for argument in function.inputs().skip(arguments.len()) {
            let Some(default) = &argument.default else { continue };
            let default = self.provider.default_argument(&function, default);
            arguments.push(default.map_err(external)?);
        }
        let pairs = arguments.into_iter().zip(function.inputs());
        let arguments =
            pairs.map(|(argument, wanted)| self.argument(argument, &wanted.ty.pg_type(), schema));
        let arguments = arguments.collect::<Result<_>>()?;
        Ok(Called { function, arguments })
    }

    /// An argument in the type that the function wants.
    fn argument(&self, argument: Expr, wanted: &PgType, schema: &DFSchema) -> Result<Expr> {
        match self.literals.operand(&argument, schema) {
            Some(Operand::Unknown) => match argument {
                Expr::Literal(ScalarValue::Utf8(Some(text)), None) if wanted.is_object() => {
                    self.text_literal(&text, wanted)
                }
                argument => self.literals.give(argument, wanted).map_err(external),
            },
            Some(Operand::Typed(source)) if source.bare() != wanted.bare() => {
                let field = Arc::new(wanted.field("", true));
                let cast = self.functions.cast(argument, &source, wanted, &field)?;
                Ok(folded(cast, wanted))
            }
            _ => Ok(argument),
        }
    }
}

/// A cast of a literal, computed at once: LIMIT takes no other expressions.
fn folded(cast: Expr, ty: &PgType) -> Expr {
    let Expr::Cast(inner) = &cast else { return cast };
    let Expr::Literal(value, _) = inner.expr.as_ref() else { return cast };
    match value.cast_to(inner.field.data_type()) {
        Ok(value) if ty.is_number() => typed_literal(value, ty),
        Ok(_) | Err(_) => cast,
    }
}

impl Provider<'_> {
    /// The value of an argument that a call leaves out.
    fn default_argument(&self, function: &FunctionDef, text: &str) -> crate::base::Result<Expr> {
        let within = [&*self.context.within, &[function.oid]].concat().into();
        let context = PlanContext { within, ..self.context.clone() };
        let expression = *parse_expression(text)?.ast;
        let parameters = &self.literals.parameters;
        let schema = DFSchema::empty();
        let (value, demands) =
            self.planner.expression(&context, expression, &schema, parameters)?;
        self.demands.lock().extend(demands);
        Ok(value)
    }

    /// A function in FROM as a source.
    pub(super) fn function_source(
        &self,
        schema: Option<&str>,
        name: &str,
        arguments: Vec<Expr>,
    ) -> crate::base::Result<InlineSource> {
        let path = &self.context.search_path;
        let candidates = self.context.relations.user_functions(schema, name, path);
        let stand_in = user_function::stand_in(name, candidates);
        let resolver = Resolver {
            literals: &self.literals,
            functions: &self.functions,
            relations: self.context.relations.as_ref(),
            path,
            provider: self,
        };
        self.source(&resolver, &stand_in, arguments).map_err(super::errors::sql_error)
    }

    fn source(
        &self,
        resolver: &Resolver<'_>,
        stand_in: &Arc<datafusion::logical_expr::ScalarUDF>,
        arguments: Vec<Expr>,
    ) -> Result<InlineSource> {
        let none = DFSchema::empty();
        let Some(user) = user_function::of(stand_in) else {
            return datafusion::common::internal_err!("a function that is none");
        };
        let arguments = arguments.into_iter().map(|one| Ok(resolver.expr(one, &none)?.data));
        let arguments: Vec<Expr> = arguments.collect::<Result<_>>()?;
        let Called { function, arguments } = resolver.called(user, arguments, &none)?;
        if !function.set && !function.returns_row() {
            let call = resolver.user_call(user, arguments.clone(), &none)?;
            let named = function.outputs().find_map(|output| output.name.clone());
            let unnamed = named.is_none();
            let exprs = vec![call.alias(named.unwrap_or_else(|| function.name.clone()))];
            let plan = LogicalPlanBuilder::empty(true).project(exprs)?.build()?;
            return Ok(InlineSource::function(plan, arguments, unnamed));
        }
        let apart = arguments.iter().any(reads_columns);
        let body = self.body(&function, apart).map_err(external)?;
        let unnamed = body.unnamed;
        let mut plan = with_body(body, &function, arguments.clone())?;
        if !function.set {
            plan = self.always_a_row(plan)?;
        }
        Ok(InlineSource::function(plan, arguments, unnamed))
    }

    /// A function that returns one row gives NULLs where its body gives none.
    fn always_a_row(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if row_of(&plan)?.is_some() {
            return Ok(plan);
        }
        let Some(first) = self.functions.aggregate("first_value") else { return Ok(plan) };
        let plan = first_row(plan)?;
        let schema = Arc::clone(plan.schema());
        let values = (0..schema.fields().len()).map(|at| {
            let column = Expr::Column(Column::from(schema.qualified_field(at)));
            first.call(vec![column]).alias(schema.field(at).name())
        });
        let values: Vec<Expr> = values.collect();
        LogicalPlanBuilder::from(plan).aggregate(Vec::<Expr>::new(), values)?.build()
    }
}

/// Whether an expression is computed from columns.
fn reads_columns(expr: &Expr) -> bool {
    let column = |expr: &Expr| Ok(matches!(expr, Expr::Column(_) | Expr::OuterReferenceColumn(..)));
    expr.exists(column).unwrap_or(true)
        || expr
            .exists(|expr| {
                Ok(subquery_of(expr).is_some_and(|plan| !plan.all_out_ref_exprs().is_empty()))
            })
            .unwrap_or(true)
}

/// How many parts an expression has.
fn parts(expr: &Expr) -> usize {
    let mut count = 0;
    let _ = expr.apply(|_| {
        count += 1;
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    });
    count
}

/// The first row only: what a function returns that returns one value.
fn first_row(plan: LogicalPlan) -> Result<LogicalPlan> {
    let single = match &plan {
        LogicalPlan::Projection(projection) => one_at_most(&projection.input),
        other => one_at_most(other),
    };
    if single {
        return Ok(plan);
    }
    let fetch = Some(Box::new(lit(1_i64)));
    Ok(LogicalPlan::Limit(Limit { skip: None, fetch, input: Arc::new(plan) }))
}

/// Whether a plan gives one row at most, as is plain to see.
fn one_at_most(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => one_at_most(&projection.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(_) => true,
        _ => false,
    }
}

/// The expressions of a plan that is one row of them.
fn row_of(plan: &LogicalPlan) -> Result<Option<Vec<Expr>>> {
    Ok(match plan {
        LogicalPlan::EmptyRelation(empty) if empty.produce_one_row => Some(Vec::new()),
        LogicalPlan::SubqueryAlias(alias) => row_of(&alias.input)?,
        LogicalPlan::Projection(projection) => {
            let Some(below) = row_of(&projection.input)? else { return Ok(None) };
            if below.iter().any(Expr::is_volatile) && !is_plain(projection) {
                return Ok(None);
            }
            let schema = projection.input.schema();
            let mut exprs = Vec::with_capacity(projection.expr.len());
            for expr in &projection.expr {
                let mut known = true;
                let replaced = expr.clone().unalias().transform_up(|expr| match &expr {
                    Expr::Column(column) => {
                        let at = schema.maybe_index_of_column(column);
                        match at.and_then(|at| below.get(at)) {
                            Some(value) => Ok(Transformed::yes(value.clone())),
                            None => {
                                known = false;
                                Ok(Transformed::no(expr))
                            }
                        }
                    }
                    _ => Ok(Transformed::no(expr)),
                })?;
                if !known {
                    return Ok(None);
                }
                exprs.push(replaced.data);
            }
            Some(exprs)
        }
        _ => None,
    })
}

/// Whether a projection gives each column below once at most.
fn is_plain(projection: &Projection) -> bool {
    let columns: Vec<&Column> =
        projection.expr.iter().flat_map(|expr| expr.column_refs().into_iter()).collect();
    let alone = |expr: &Expr| {
        let expr = expr.clone().unalias();
        matches!(&expr, Expr::Column(_))
            || matches!(&expr, Expr::Cast(cast) if matches!(*cast.expr, Expr::Column(_)))
            || matches!(&expr, Expr::ScalarFunction(call)
                if matches!(call.args.as_slice(), [Expr::Column(_)]))
    };
    let once = columns.iter().enumerate().all(|(at, column)| !columns[..at].contains(column));
    once && projection.expr.iter().all(alone)
}

/// A body that is an expression, with the arguments in it; none where it is a query.
fn as_value(body: &Body, function: &FunctionDef, arguments: &[Expr]) -> Result<Option<Expr>> {
    let Some(row) = row_of(&body.plan)? else { return Ok(None) };
    let value = match <[Expr; 1]>::try_from(row) {
        Ok([value]) => value,
        Err(_) if function.returns == ReturnsDef::Void => {
            return Ok(Some(user_function::nothing(lit(ScalarValue::Null))));
        }
        Err(_) => return Ok(None),
    };
    if value.exists(|expr| Ok(subquery_of(expr).is_some()))? {
        return Ok(None);
    }
    for (name, argument) in body.names.iter().zip(arguments) {
        let mut uses = 0;
        value.apply(|expr| {
            uses += usize::from(is_argument(expr, &body.qualifier, name));
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        })?;
        let volatile = argument.is_volatile();
        if volatile && (uses > 1 || function.strict)
            || uses > 1 && parts(argument) > REPEATED_PARTS_MAX
        {
            return Ok(None);
        }
    }
    let replaced = value.transform_up(|expr| {
        Ok(match argument_named(&expr, body, arguments) {
            Some(argument) => Transformed::yes(argument),
            None => Transformed::no(expr),
        })
    })?;
    let value = replaced.data;
    let Some(condition) = any_null(function, arguments) else { return Ok(Some(value)) };
    let null = match &function.returns {
        ReturnsDef::Value(ty) => {
            let ty = ty.pg_type();
            typed_literal(ScalarValue::try_from(&ty.arrow())?, &ty)
        }
        _ => lit(ScalarValue::Null),
    };
    Ok(Some(Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(condition), Box::new(null))],
        else_expr: Some(Box::new(value)),
    })))
}

/// What is true where a strict function gives NULL; none where it never does for that.
fn any_null(function: &FunctionDef, arguments: &[Expr]) -> Option<Expr> {
    let may_be = |argument: &&Expr| match argument {
        Expr::Literal(value, _) => value.is_null(),
        _ => true,
    };
    let arguments = arguments.iter().filter(may_be).filter(|_| function.strict);
    arguments.map(|argument| argument.clone().is_null()).reduce(Expr::or)
}

fn is_argument(expr: &Expr, qualifier: &str, name: &str) -> bool {
    let Expr::OuterReferenceColumn(_, column) = expr else { return false };
    column.name == name
        && matches!(&column.relation, Some(TableReference::Bare { table }) if &**table == qualifier)
}

/// The argument that an expression of a body names.
fn argument_named(expr: &Expr, body: &Body, arguments: &[Expr]) -> Option<Expr> {
    let at = body.names.iter().position(|name| is_argument(expr, &body.qualifier, name))?;
    arguments.get(at).cloned()
}

/// An expression as a plan within its own sees it.
fn from_outside(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let replaced = expr.transform_up(|expr| match expr {
        Expr::Column(column) => {
            let (_, field) = Expr::Column(column.clone()).to_field(schema)?;
            let column = match schema.maybe_index_of_column(&column) {
                Some(at) => Column::from(schema.qualified_field(at)),
                None => column,
            };
            Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(replaced.data)
}

/// A body with arguments in it that are as a plan within sees them. Those that may give another
/// value each time are computed once, beside it.
pub(super) fn with_body(
    body: Body,
    function: &FunctionDef,
    arguments: Vec<Expr>,
) -> Result<LogicalPlan> {
    let mut plan = body.plan.clone();
    let schema = Arc::clone(plan.schema());
    // In terms of the body's own names, so that what is computed once is looked at then.
    let own = body.names.iter().zip(function.inputs()).map(|(name, argument)| {
        let field = Arc::new(argument.ty.pg_type().field(name.clone(), true));
        let relation = TableReference::bare(body.qualifier.clone());
        Expr::OuterReferenceColumn(field, Column::new(Some(relation), name.clone()))
    });
    let own: Vec<Expr> = own.collect();
    if function.strict {
        let literal = |(name, given): (&Expr, &Expr)| match given {
            Expr::Literal(value, _) if !value.is_null() => None,
            _ => Some(name.clone().is_not_null()),
        };
        if let Some(condition) = conjunction(own.iter().zip(&arguments).filter_map(literal)) {
            plan = LogicalPlan::Filter(Filter::try_new(condition, Arc::new(plan))?);
        }
    }
    let volatile = |argument: &Expr| argument.is_volatile();
    let once: Vec<Expr> = arguments
        .iter()
        .zip(&body.names)
        .filter(|(argument, _)| volatile(argument))
        .map(|(argument, name)| argument.clone().alias(name))
        .collect();
    let in_place: Vec<Expr> = arguments
        .into_iter()
        .zip(own)
        .map(|(argument, own)| if volatile(&argument) { own } else { argument })
        .collect();
    let plan = substituted(plan, &body, &in_place)?;
    if once.is_empty() {
        return Ok(plan);
    }
    let row = LogicalPlanBuilder::empty(true).project(once)?.build()?;
    let alias = TableReference::bare(body.qualifier.clone());
    let row = SubqueryAlias::try_new(Arc::new(row), alias)?;
    let outer_ref_columns = plan.all_out_ref_exprs();
    let subquery = Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: Spans::new() };
    let beside = LogicalPlanBuilder::from(LogicalPlan::SubqueryAlias(row))
        .cross_join(LogicalPlan::Subquery(subquery))?
        .build()?;
    let columns = (0..schema.fields().len())
        .map(|at| Expr::Column(Column::from(schema.qualified_field(at))))
        .collect();
    Projection::try_new(columns, Arc::new(beside)).map(LogicalPlan::Projection)
}

/// A body's plan with expressions in the place of its arguments.
fn substituted(plan: LogicalPlan, body: &Body, arguments: &[Expr]) -> Result<LogicalPlan> {
    let replaced = plan.transform_up_with_subqueries(|node| {
        if let LogicalPlan::Subquery(mut subquery) = node {
            subquery.outer_ref_columns = subquery.subquery.all_out_ref_exprs();
            return Ok(Transformed::yes(LogicalPlan::Subquery(subquery)));
        }
        let names = NamePreserver::new(&node);
        let changed = node.map_expressions(|expr| {
            let saved = names.save(&expr);
            let replaced = expr.transform_up(|expr| {
                if let Some(argument) = argument_named(&expr, body, arguments) {
                    return Ok(Transformed::yes(argument));
                }
                match subquery_of(&expr).map(|plan| plan.as_ref().clone()) {
                    Some(plan) => Ok(Transformed::yes(with_plan(expr, plan))),
                    None => Ok(Transformed::no(expr)),
                }
            })?;
            Ok(replaced.update_data(|expr| saved.restore(expr)))
        })?;
        Ok(Transformed::yes(changed.data.recompute_schema()?))
    })?;
    Ok(replaced.data)
}

/// 42883 for a name that no function has.
pub(super) fn no_function(name: &str) -> SqlError {
    let message = format!("function {name} does not exist");
    SqlError::new(SqlState::UNDEFINED_FUNCTION, message)
}
