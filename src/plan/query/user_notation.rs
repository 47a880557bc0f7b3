//! Calls of users' functions as a statement writes them, before anything is planned: named arguments
//! take their places, functions in FROM are marked for [`super::user_relation`], and sets in a
//! select list move there.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Select, SelectItem,
    TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

use super::functions::Functions;
use super::json_records;
use super::names::fold;
use super::planner::PlanContext;
use super::set_returning::{names_columns, returns_set};
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::FunctionDef;
use crate::catalog::system::{signatures, table_function};
use crate::plan::parse_expression;

/// The first part of the name of a function in FROM that a user defined. No identifier has the
/// character.
pub(super) const MARK: &str = "\u{0}function";

/// Makes calls of users' functions plain.
pub(super) fn prepare(
    node: &mut impl VisitMut,
    context: &PlanContext,
    functions: &Functions,
) -> Result<()> {
    match node.visit(&mut Pass { context, functions }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The parts of the name of a function in FROM that is marked.
pub(super) fn marked(name: &ObjectName) -> Option<Vec<String>> {
    let mut parts = name.0.iter().map(|part| part.as_ident().map(fold));
    (parts.next()?? == MARK).then(|| parts.collect())?
}

/// Functions that PostgreSQL's grammar has rather than its catalog, and what ours are written with.
const GRAMMAR: &[&str] = &[
    "array_element",
    "coalesce",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "greatest",
    "grouping",
    "least",
    "localtime",
    "localtimestamp",
    "make_array",
    "nullif",
    "row",
    "unnest_outer",
    "vector_search",
];

/// Whether a name is free for users' functions, though DataFusion may have one.
pub(super) fn is_free(name: &str) -> bool {
    signatures(name).is_empty() && !name.starts_with("redkite_") && !GRAMMAR.contains(&name)
}

/// Whether one of the system's functions has a name, and hides those of users.
fn is_built_in(name: &str, context: &PlanContext, functions: &Functions) -> bool {
    if is_free(name) {
        return false;
    }
    functions.scalar(name).is_some()
        || functions.aggregate(name).is_some()
        || functions.window(name).is_some()
        || functions.table(name).is_some()
        || returns_set(name)
        || name == "vector_search"
        || json_records::makes_records(name).is_some()
        || table_function(name).is_some()
        || context.relations.function(name).is_some()
}

struct Pass<'a> {
    context: &'a PlanContext,
    functions: &'a Functions,
}

impl VisitorMut for Pass<'_> {
    type Break = SqlError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        match self.sets(select).and_then(|()| self.from(select)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        let Expr::Function(call) = expr else { return ControlFlow::Continue(()) };
        let FunctionArguments::List(list) = &mut call.args else {
            return ControlFlow::Continue(());
        };
        if list.args.iter().all(|argument| matches!(argument, FunctionArg::Unnamed(_))) {
            return ControlFlow::Continue(());
        }
        let found = self.resolve(&call.name);
        if found.is_empty() {
            return ControlFlow::Continue(());
        }
        match positional(&call.name, &found, std::mem::take(&mut list.args)) {
            Ok(arguments) => {
                list.args = arguments;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Pass<'_> {
    /// The users' functions that a name may mean.
    fn resolve(&self, name: &ObjectName) -> Vec<Arc<FunctionDef>> {
        let parts: Option<Vec<String>> =
            name.0.iter().map(|part| part.as_ident().map(fold)).collect();
        let (schema, name) = match parts.as_deref() {
            Some([name]) => (None, name),
            Some([schema, name]) if schema != "pg_catalog" => (Some(schema.as_str()), name),
            _ => return Vec::new(),
        };
        let path = &self.context.search_path;
        let found = self.context.relations.user_functions(schema, name, path);
        let hidden = !found.is_empty()
            && schema.is_none()
            && is_built_in(name, self.context, self.functions);
        if hidden { Vec::new() } else { found }
    }

    /// Marks the functions in FROM.
    fn from(&self, select: &mut Select) -> Result<()> {
        let mut first = true;
        for from in &mut select.from {
            self.joined(from, &mut first)?;
        }
        Ok(())
    }

    fn joined(&self, from: &mut TableWithJoins, first: &mut bool) -> Result<()> {
        let joins = from.joins.iter_mut().map(|join| &mut join.relation);
        for factor in std::iter::once(&mut from.relation).chain(joins) {
            if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
                self.joined(table_with_joins, first)?;
            } else if let Some(marked) = self.mark(factor, *first)? {
                *factor = marked;
            }
            *first = false;
        }
        Ok(())
    }

    fn mark(&self, factor: &TableFactor, first: bool) -> Result<Option<TableFactor>> {
        let (name, arguments, alias, ordinality) = match factor {
            TableFactor::Table { name, args: Some(args), alias, with_ordinality, .. } => {
                (name, args.args.clone(), alias, *with_ordinality)
            }
            TableFactor::Function { name, args, with_ordinality, alias, .. }
                if marked(name).is_none() =>
            {
                (name, args.clone(), alias, *with_ordinality)
            }
            _ => return Ok(None),
        };
        let found = self.resolve(name);
        let Some(any) = found.first() else { return Ok(None) };
        if ordinality {
            let message = "WITH ORDINALITY is not supported for this function";
            return Err(SqlError::unsupported(message));
        }
        let arguments = positional(name, &found, arguments)?;
        let alias = alias.clone().unwrap_or_else(|| alias_of(any.name.clone()));
        Ok(Some(function_in_from(name, arguments, alias, first)))
    }

    /// `SELECT f(..)` of a function that returns a set is a part of FROM.
    fn sets(&self, select: &mut Select) -> Result<()> {
        let mut items = std::mem::take(&mut select.projection);
        for (number, item) in items.iter_mut().enumerate() {
            let (expr, alias) = match item {
                SelectItem::UnnamedExpr(expr) => (&*expr, None),
                SelectItem::ExprWithAlias { expr, alias } => (&*expr, Some(alias.clone())),
                _ => continue,
            };
            let Expr::Function(call) = expr else { continue };
            let FunctionArguments::List(list) = &call.args else { continue };
            if call.over.is_some() || call.filter.is_some() {
                continue;
            }
            let found = self.resolve(&call.name);
            if found.is_empty() || !found.iter().all(|function| function.set) {
                continue;
            }
            if found.iter().any(|function| function.returns_row()) {
                let message = "a function that returns rows is not supported in a select list";
                return Err(SqlError::unsupported(message)
                    .with_hint("Call it in FROM: SELECT * FROM f(..)."));
            }
            let arguments = positional(&call.name, &found, list.args.clone())?;
            let column = Ident::with_quote('"', found[0].name.clone());
            let mut table = alias_of(format!("{MARK} {number}"));
            table.columns = vec![TableAliasColumnDef { name: column.clone(), data_type: None }];
            let expr = Expr::CompoundIdentifier(vec![table.name.clone(), column.clone()]);
            let first = select.from.is_empty();
            let relation = function_in_from(&call.name, arguments, table, first);
            select.from.push(TableWithJoins { relation, joins: Vec::new() });
            *item = SelectItem::ExprWithAlias { expr, alias: alias.unwrap_or(column) };
        }
        let wild = |item: &SelectItem| {
            matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
        };
        let moved = select.from.iter().any(|from| match &from.relation {
            TableFactor::Function { name, .. } => marked(name).is_some(),
            _ => false,
        });
        if moved && items.iter().any(wild) {
            let message = "a function that returns a set is not supported beside *";
            return Err(SqlError::unsupported(message).with_hint("Call it in FROM."));
        }
        select.projection = items;
        Ok(())
    }
}

fn alias_of(name: String) -> TableAlias {
    let name = Ident::with_quote('"', name);
    TableAlias { name, columns: Vec::new(), explicit: true, at: None }
}

/// A function in FROM, marked; LATERAL where it may name columns of what stands before it.
fn function_in_from(
    name: &ObjectName,
    args: Vec<FunctionArg>,
    alias: TableAlias,
    first: bool,
) -> TableFactor {
    let names = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => names_columns(expr),
        _ => false,
    };
    let lateral = !first && args.iter().any(names);
    let own = name.0.iter().filter_map(|part| part.as_ident().map(fold));
    let parts: Vec<Ident> = std::iter::once(MARK.to_owned())
        .chain(own)
        .map(|part| Ident::with_quote('"', part))
        .collect();
    let name = ObjectName::from(parts);
    TableFactor::Function { lateral, name, args, with_ordinality: false, alias: Some(alias) }
}

/// A call's arguments in their places: those that are named, and defaults between them.
fn positional(
    name: &ObjectName,
    found: &[Arc<FunctionDef>],
    arguments: Vec<FunctionArg>,
) -> Result<Vec<FunctionArg>> {
    let mut given: Vec<Expr> = Vec::new();
    let mut named: Vec<(String, Expr)> = Vec::new();
    for argument in arguments {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if named.is_empty() => {
                given.push(expr);
            }
            FunctionArg::Unnamed(FunctionArgExpr::Expr(_)) => {
                let message = "positional argument cannot follow named argument";
                return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
            }
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. }
            | FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                arg: FunctionArgExpr::Expr(expr),
                ..
            } => {
                let name = fold(&name);
                if named.iter().any(|(known, _)| *known == name) {
                    let message = format!("argument name \"{name}\" used more than once");
                    return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
                }
                named.push((name, expr));
            }
            _ => return Err(SqlError::unsupported("this form of an argument is not supported")),
        }
    }
    let unnamed = |expr: Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    if named.is_empty() {
        return Ok(given.into_iter().map(unnamed).collect());
    }
    for function in found {
        if let Some(all) = in_places(function, &given, &named)? {
            return Ok(all.into_iter().map(unnamed).collect());
        }
    }
    let shown = given.iter().map(|_| "unknown".to_owned());
    let shown = shown.chain(named.iter().map(|(name, _)| format!("{name} => unknown")));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let message = format!("function {name}({shown}) does not exist");
    Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message)
        .with_hint("No function matches the given name and argument types."))
}

/// The arguments of one function; none where it has not those names.
fn in_places(
    function: &FunctionDef,
    given: &[Expr],
    named: &[(String, Expr)],
) -> Result<Option<Vec<Expr>>> {
    let inputs: Vec<_> = function.inputs().collect();
    if given.len() > inputs.len() {
        return Ok(None);
    }
    let mut places: Vec<Option<Expr>> = given.iter().cloned().map(Some).collect();
    places.resize(inputs.len(), None);
    for (name, expr) in named {
        let at = inputs.iter().position(|argument| argument.name.as_ref() == Some(name));
        match at.and_then(|at| places.get_mut(at)) {
            Some(place @ None) => *place = Some(expr.clone()),
            _ => return Ok(None),
        }
    }
    let last = places.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let mut all = Vec::with_capacity(last);
    for (at, (place, argument)) in places.into_iter().zip(inputs).enumerate() {
        match (place, &argument.default) {
            (Some(expr), _) => all.push(expr),
            (None, Some(default)) if at < last => {
                all.push(Expr::Nested(parse_expression(default)?.ast));
            }
            (None, Some(_)) => {}
            (None, None) => return Ok(None),
        }
    }
    Ok(Some(all))
}
