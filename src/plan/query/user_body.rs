//! The body of a user's function as a plan: its arguments are columns from outside, under a
//! qualifier that nothing else has, so that a column of a table comes before an argument of its
//! name, as in PostgreSQL.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::{Column, DFSchema, DFSchemaRef, ScalarValue, TableReference};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Projection};
use sqlparser::ast::{
    self, Ident, ObjectName, SelectItem, SelectItemQualifiedWildcardKind, TableAlias, TableFactor,
    Value, VisitMut, VisitorMut,
};

use super::errors::sql_error;
use super::exclusions;
use super::literal::{Operand, typed_literal};
use super::names::fold;
use super::planner::{PlanContext, Planner};
use super::provider::Provider;
use super::reads::reads_of_body;
use super::resolve::Resolver;
use super::user_calls::with_body;
use super::user_function::nothing;
use super::view_source::inlined;
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::access::Demand;
use crate::catalog::{BodyForm, FunctionDef, ReturnsDef};
use crate::plan::{Statement, parse, parse_query};
use crate::types::{CastContext, PgType, TextContext, cast_context};

/// Functions may call functions; each is planned within the other.
const CALL_DEPTH_MAX: usize = 32;

/// A function's body.
pub(super) struct Body {
    /// What it computes, with the columns that the function returns.
    pub(super) plan: LogicalPlan,
    /// What its arguments are qualified by.
    pub(super) qualifier: String,
    /// What the arguments are called there.
    pub(super) names: Vec<String>,
    /// Whether its one column has no name of its own.
    pub(super) unnamed: bool,
}

impl Planner {
    /// Refuses a function whose body can't be planned, or gives something else than it must.
    ///
    /// # Errors
    /// What is wrong with the body; 42P13.
    pub fn check_function(&self, context: &PlanContext, function: &FunctionDef) -> Result<()> {
        let literals = Provider::literals_of(context);
        let provider = Provider::new(self, context, literals, None, 0);
        let body = provider.body(function, false)?;
        // As far as a statement is planned that calls it.
        let nulls = function.inputs().map(|argument| {
            let ty = argument.ty.pg_type();
            let null = ScalarValue::try_from(&ty.arrow()).unwrap_or(ScalarValue::Null);
            typed_literal(null, &ty)
        });
        let plan = with_body(body, function, nulls.collect()).map_err(sql_error)?;
        let plan = self.plannable(plan).map_err(sql_error)?;
        self.coerced(plan).map(|_| ())
    }
}

impl Provider<'_> {
    /// The plan of a function's body; `apart` gives its tables names that none outside has.
    pub(super) fn body(&self, function: &FunctionDef, apart: bool) -> Result<Body> {
        let outside = self.context;
        if outside.within.contains(&function.oid) || outside.within.len() >= CALL_DEPTH_MAX {
            let message = "stack depth limit exceeded";
            return Err(SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, message)
                .with_detail(format!("Function \"{}\" calls itself, or others do.", function.name))
                .with_hint("A recursive query does what a recursive function would."));
        }
        let rights = if function.security_definer { Some(function.owner) } else { outside.rights };
        let search_path =
            function.search_path.clone().unwrap_or_else(|| outside.search_path.clone());
        let within = [&*outside.within, &[function.oid]].concat().into();
        let context = PlanContext { search_path, rights, within, ..outside.stored() };
        let depth = outside.within.len();
        let qualifier = format!("\u{0}arguments {depth}");
        let names = argument_names(function);
        let plan = match tree_of(function)? {
            Some(mut tree) => {
                name_arguments(&mut tree, function, (&qualifier, &names))?;
                self.planner.rewritten(&mut tree, &context)?;
                if apart {
                    set_apart(&mut tree, &format!(" of {} {depth}", function.name));
                }
                let fields = argument_fields(function, (&qualifier, &names))?;
                self.planned(function, &context, &tree, fields)?
            }
            None => one_row(),
        };
        let unnamed = match &function.returns {
            ReturnsDef::Value(_) => function.outputs().all(|output| output.name.is_none()),
            ReturnsDef::Void => true,
            ReturnsDef::Row | ReturnsDef::RowOf(_) => false,
        };
        Ok(Body { plan, qualifier, names, unnamed })
    }

    fn planned(
        &self,
        function: &FunctionDef,
        context: &PlanContext,
        tree: &ast::Query,
        arguments: DFSchemaRef,
    ) -> Result<LogicalPlan> {
        let literals = Arc::clone(&self.literals);
        let inner = Provider::new(self.planner, context, literals, None, self.depth);
        let plan = self.planner.logical(&inner, tree, Vec::new(), Some(arguments))?;
        let resolver = Resolver {
            literals: &self.literals,
            functions: self.planner.functions(),
            relations: context.relations.as_ref(),
            path: &context.search_path,
            provider: &inner,
        };
        let plan = resolver.plan(plan).map_err(sql_error)?;
        let plan = exclusions::apply(plan, self.planner.functions()).map_err(sql_error)?;
        let plan = conformed(plan, function, &resolver)?;
        let (used, mut demands) = inner.used();
        demands.extend(reads_of_body(&plan).map_err(sql_error)?);
        let own = |demand: Demand| Demand { role: demand.role.or(context.rights), ..demand };
        let mut all = self.demands.lock();
        all.extend(demands.into_iter().map(own));
        // Who calls must be allowed to, whoever's rights the body has.
        let mut asked = vec![Demand::execute(function.oid)];
        if self.depth == 0 {
            asked.push(Demand::usage(function.schema));
        }
        for demand in asked {
            let demand = Demand { role: self.context.rights, ..demand };
            if !all.contains(&demand) {
                all.push(demand);
            }
        }
        drop(all);
        let mut all = self.used.lock();
        all.insert(function.oid);
        all.extend(used);
        drop(all);
        inlined(plan).map_err(sql_error)
    }
}

/// What arguments are called within a body: those without a name by their number.
fn argument_names(function: &FunctionDef) -> Vec<String> {
    let inputs = function.inputs().enumerate();
    inputs
        .map(|(at, argument)| argument.name.clone().unwrap_or_else(|| format!("${}", at + 1)))
        .collect()
}

fn argument_fields(
    function: &FunctionDef,
    (qualifier, names): (&str, &[String]),
) -> Result<DFSchemaRef> {
    let qualifier = TableReference::bare(qualifier);
    let fields = function.inputs().zip(names);
    let fields = fields.map(|(argument, name)| {
        let field: FieldRef = Arc::new(argument.ty.pg_type().field(name.clone(), true));
        (Some(qualifier.clone()), field)
    });
    let schema = DFSchema::new_with_metadata(fields.collect(), std::collections::HashMap::new());
    schema.map(Arc::new).map_err(sql_error)
}

/// The query that a body is; none where it is empty.
fn tree_of(function: &FunctionDef) -> Result<Option<ast::Query>> {
    if function.form == BodyForm::Return {
        let query = parse_query(&format!("SELECT ({})", function.body))?;
        return Ok(Some(*query.ast));
    }
    let mut statements = parse(&function.body)?;
    let more = statements.len() > 1;
    match statements.pop().map(|parsed| parsed.statement) {
        None => Ok(None),
        Some(Statement::Query(query)) if !more => {
            query.refuse_locking()?;
            Ok(Some(*query.ast))
        }
        Some(_) => Err(SqlError::unsupported("a function's body may be one query only")
            .with_detail(format!(
                "The body of function \"{}\" changes something, or has several statements.",
                function.name
            ))
            .with_hint("Send the statements, or run them by DO.")),
    }
}

/// One row without columns.
fn one_row() -> LogicalPlan {
    let schema = Arc::new(DFSchema::empty());
    let row = datafusion::logical_expr::EmptyRelation { produce_one_row: true, schema };
    LogicalPlan::EmptyRelation(row)
}

/// Names a body's arguments by their qualifier, where the body gives their number or the function's
/// name in front of theirs.
fn name_arguments(
    tree: &mut ast::Query,
    function: &FunctionDef,
    (qualifier, names): (&str, &[String]),
) -> Result<()> {
    let mut pass = NameArguments { function, qualifier, names };
    match tree.visit(&mut pass) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct NameArguments<'a> {
    function: &'a FunctionDef,
    qualifier: &'a str,
    names: &'a [String],
}

impl NameArguments<'_> {
    fn argument(&self, name: &str) -> ast::Expr {
        let quoted = |name: &str| Ident::with_quote('"', name);
        ast::Expr::CompoundIdentifier(vec![quoted(self.qualifier), quoted(name)])
    }
}

impl VisitorMut for NameArguments<'_> {
    type Break = SqlError;

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<SqlError> {
        let named = match expr {
            ast::Expr::Value(value) => {
                let Value::Placeholder(text) = &value.value else {
                    return ControlFlow::Continue(());
                };
                let number = text.strip_prefix('$').and_then(|text| text.parse::<usize>().ok());
                let name = number.and_then(|number| self.names.get(number.checked_sub(1)?));
                let Some(name) = name else {
                    let message = format!("there is no parameter {text}");
                    let error = SqlError::new(SqlState::UNDEFINED_PARAMETER, message);
                    return ControlFlow::Break(error);
                };
                self.argument(name)
            }
            ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [function, name]
                    if fold(function) == self.function.name && self.names.contains(&fold(name)) =>
                {
                    self.argument(&fold(name))
                }
                _ => return ControlFlow::Continue(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        *expr = named;
        ControlFlow::Continue(())
    }
}

/// Gives all relations of a query other names: columns from outside may be of relations that are
/// called alike.
fn set_apart(tree: &mut ast::Query, suffix: &str) {
    let mut names = RelationNames(HashSet::new());
    let _ = tree.visit(&mut names);
    let _ = tree.visit(&mut SetApart { names: names.0, suffix });
}

/// The name that columns of a part of FROM are qualified by.
fn known_as(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. } => Some(fold(&alias.name)),
        TableFactor::Table { name, .. } => name.0.last()?.as_ident().map(fold),
        _ => None,
    }
}

struct RelationNames(HashSet<String>);

impl VisitorMut for RelationNames {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        self.0.extend(known_as(factor));
        ControlFlow::Continue(())
    }
}

struct SetApart<'a> {
    names: HashSet<String>,
    suffix: &'a str,
}

impl SetApart<'_> {
    fn renamed(&self, name: &str) -> Option<Ident> {
        self.names.contains(name).then(|| Ident::with_quote('"', format!("{name}{}", self.suffix)))
    }

    fn wildcard(&self, item: &mut SelectItem) {
        let SelectItem::QualifiedWildcard(kind, _) = item else { return };
        let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else { return };
        let last = name.0.last().and_then(|part| part.as_ident()).map(fold);
        if let Some(renamed) = last.and_then(|last| self.renamed(&last)) {
            *name = ObjectName::from(vec![renamed]);
        }
    }
}

impl VisitorMut for SetApart<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<()> {
        select.projection.iter_mut().for_each(|item| self.wildcard(item));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        let ast::Expr::CompoundIdentifier(parts) = expr else { return ControlFlow::Continue(()) };
        let relation = parts.len().checked_sub(2).and_then(|at| parts.get(at));
        if let Some(renamed) = relation.and_then(|relation| self.renamed(&fold(relation)))
            && let Some(column) = parts.pop()
        {
            *parts = vec![renamed, column];
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let Some(renamed) = known_as(factor).and_then(|name| self.renamed(&name)) else {
            return ControlFlow::Continue(());
        };
        match factor {
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::NestedJoin { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. } => alias.name = renamed,
            TableFactor::Table { alias, .. } => {
                let columns = Vec::new();
                *alias = Some(TableAlias { name: renamed, columns, explicit: true, at: None });
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The columns that a function's rows have.
fn returned_columns(
    function: &FunctionDef,
    resolver: &Resolver<'_>,
) -> Result<Vec<(String, PgType)>> {
    Ok(match &function.returns {
        ReturnsDef::Void => Vec::new(),
        ReturnsDef::Value(ty) => {
            let named = function.outputs().find_map(|output| output.name.clone());
            vec![(named.unwrap_or_else(|| function.name.clone()), ty.pg_type())]
        }
        ReturnsDef::Row => {
            let outputs = function.outputs().enumerate();
            let name = |(at, output): (usize, &crate::catalog::ArgumentDef)| {
                let name = output.name.clone().unwrap_or_else(|| format!("column{}", at + 1));
                (name, output.ty.pg_type())
            };
            outputs.map(name).collect()
        }
        ReturnsDef::RowOf(relation) => {
            resolver.relations.columns_of(*relation).ok_or_else(|| {
                let message = format!("relation with OID {relation} does not exist");
                SqlError::new(SqlState::UNDEFINED_TABLE, message)
            })?
        }
    })
}

/// The body with the function's own columns.
fn conformed(
    plan: LogicalPlan,
    function: &FunctionDef,
    resolver: &Resolver<'_>,
) -> Result<LogicalPlan> {
    let columns = returned_columns(function, resolver)?;
    let fields = plan.schema().fields().len();
    if function.returns == ReturnsDef::Void {
        let first = plan.schema().iter().next().map(Column::from);
        let value = nothing(match first {
            Some(first) => Expr::Column(first),
            None => return Ok(plan),
        });
        let exprs = vec![value.alias(&function.name)];
        return projected(exprs, plan);
    }
    if fields != columns.len() {
        return Err(mismatch(
            function,
            match (function.returns_row(), fields < columns.len()) {
                (false, _) => "Final statement must return exactly one column.".to_owned(),
                (true, true) => "Final statement returns too few columns.".to_owned(),
                (true, false) => "Final statement returns too many columns.".to_owned(),
            },
        ));
    }
    let mut plan = plan;
    for (at, (_, ty)) in columns.iter().enumerate() {
        plan = with_typed_literal(plan, at, ty, resolver)?;
    }
    let mut exprs = Vec::with_capacity(columns.len());
    for (at, (name, ty)) in columns.iter().enumerate() {
        let column = Expr::Column(Column::from(plan.schema().qualified_field(at)));
        let (_, field) = column.to_field(plan.schema()).map_err(sql_error)?;
        let source = PgType::of_field(&field);
        let expr = as_result(column, &source, ty, resolver)?.ok_or_else(|| {
            let (found, wanted) = (source.sql_name(), ty.sql_name());
            mismatch(
                function,
                match function.returns_row() {
                    false => format!("Actual return type is {found}."),
                    true => format!(
                        "Final statement returns {found} instead of {wanted} at column {}.",
                        at + 1
                    ),
                },
            )
        })?;
        exprs.push(expr.alias(name));
    }
    projected(exprs, plan)
}

fn projected(exprs: Vec<Expr>, plan: LogicalPlan) -> Result<LogicalPlan> {
    let projection = Projection::try_new(exprs, Arc::new(plan)).map_err(sql_error)?;
    Ok(LogicalPlan::Projection(projection))
}

/// A literal of the select list that has no type gets the result's.
fn with_typed_literal(
    plan: LogicalPlan,
    at: usize,
    ty: &PgType,
    resolver: &Resolver<'_>,
) -> Result<LogicalPlan> {
    let LogicalPlan::Projection(projection) = &plan else { return Ok(plan) };
    let Some(expr) = projection.expr.get(at) else { return Ok(plan) };
    let schema = projection.input.schema();
    if resolver.literals.operand(expr, schema) != Some(Operand::Unknown) {
        return Ok(plan);
    }
    let mut exprs = projection.expr.clone();
    let name = projection.schema.field(at).name().clone();
    let given = resolver.literals.give(exprs[at].clone().unalias(), ty)?;
    exprs[at] = given.alias(name);
    projected(exprs, projection.input.as_ref().clone())
}

/// A value as the function returns it; none where its type does not become the result's.
fn as_result(
    value: Expr,
    source: &PgType,
    target: &PgType,
    resolver: &Resolver<'_>,
) -> Result<Option<Expr>> {
    if source.bare() == target.bare() || *source == PgType::Unknown && target.is_string() {
        return Ok(Some(value));
    }
    let becomes = matches!(
        cast_context(source, target),
        Some(CastContext::Implicit | CastContext::Assignment)
    );
    if !becomes {
        return Ok(None);
    }
    let field = Arc::new(target.field("", true));
    let cast = resolver.functions.cast(value, source, target, &field);
    cast.map(Some).map_err(sql_error)
}

/// 42P13.
fn mismatch(function: &FunctionDef, detail: String) -> SqlError {
    let declared = match &function.returns {
        ReturnsDef::Value(ty) => ty.shown(),
        ReturnsDef::Void => "void".to_owned(),
        ReturnsDef::Row | ReturnsDef::RowOf(_) => "record".to_owned(),
    };
    let message = format!("return type mismatch in function declared to return {declared}");
    SqlError::new(SqlState::INVALID_FUNCTION_DEFINITION, message).with_detail(detail)
}

impl Provider<'_> {
    /// What literals are read by in a context without parameters.
    fn literals_of(context: &PlanContext) -> Arc<super::literal::Literals> {
        let text: Arc<TextContext> = Arc::clone(&context.text);
        let parameters = Arc::new(super::literal::Parameters::new(&[]));
        Arc::new(super::literal::Literals { parameters, text })
    }
}
