//! DROP FUNCTION, and what uses a function: views by its oid, expressions by its name in their
//! text. What the bodies of other functions call is looked up when they are called.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{Expr, FunctionArguments, ObjectName, TableFactor, Visit, Visitor};

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::system::signatures;
use crate::catalog::{FunctionDef, ReturnsDef, UserTypeDef, ViewDef};
use crate::plan::statement::DropFunction;
use crate::plan::{parse_expression, parse_query};

use super::draft::Draft;
use super::drop;
use super::type_text::{Part, remove, texts};

/// DROP FUNCTION.
pub(super) fn run(draft: &mut Draft<'_>, statement: &DropFunction) -> Result<()> {
    for named in &statement.functions {
        if let Some(schema) = &named.name.schema
            && draft.snapshot.schema(schema).is_none()
            && statement.if_exists
        {
            let message = format!("schema \"{schema}\" does not exist, skipping");
            draft.notice(SqlState::INVALID_SCHEMA_NAME, message);
            continue;
        }
        let function = match draft.require_function(named) {
            Ok(function) => function,
            Err(error)
                if error.code() == SqlState::UNDEFINED_FUNCTION
                    && !signatures(&named.name.name).is_empty() =>
            {
                let shown = draft.function_shown(named);
                let message = format!(
                    "cannot drop function {shown} because it is required by the database system"
                );
                return Err(SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
            }
            Err(error) if statement.if_exists && is_missing(&error) => {
                let message = match error.code() {
                    SqlState::UNDEFINED_FUNCTION => {
                        format!("function {} does not exist", draft.function_shown(named))
                    }
                    _ => error.to_string(),
                };
                draft.notice(SqlState::UNDEFINED_FUNCTION, format!("{message}, skipping"));
                continue;
            }
            Err(error) => return Err(error),
        };
        let schema = draft.snapshot.schemas.get(&function.schema);
        if !schema.is_some_and(|schema| draft.access().has_role(schema.owner)) {
            draft.must_own(function.owner, "function", &function.name)?;
        }
        drop_with_users(draft, &function, statement.cascade)?;
    }
    Ok(())
}

fn is_missing(error: &SqlError) -> bool {
    matches!(error.code(), SqlState::UNDEFINED_FUNCTION | SqlState::UNDEFINED_OBJECT)
}

/// Drops a function, and with CASCADE what uses it.
pub(super) fn drop_with_users(
    draft: &mut Draft<'_>,
    function: &Arc<FunctionDef>,
    cascade: bool,
) -> Result<()> {
    let shown = format!("function {}", function.signature());
    let uses = Uses::of(draft, function)?;
    if !cascade && let Some(error) = uses.refusal(&shown) {
        return Err(error);
    }
    drop::views(draft, &uses.views, &shown, true)?;
    for (table, part, line) in uses.parts {
        draft.notice(SqlState::SUCCESSFUL_COMPLETION, format!("drop cascades to {line}"));
        remove(draft, table, &part)?;
    }
    draft.mark_dropped(function.oid);
    Ok(())
}

/// A new name is one that texts do not follow.
pub(super) fn refuse_change_of_name(draft: &Draft<'_>, function: &FunctionDef) -> Result<()> {
    let uses = Uses::of(draft, function)?;
    let views = uses.views.iter().map(|view| format!("view {}", view.name));
    let Some(first) = uses.parts.into_iter().map(|(.., line)| line).chain(views).next() else {
        return Ok(());
    };
    let message = format!("function {} can't be renamed while it is used", function.signature());
    Err(SqlError::unsupported(message)
        .with_detail(format!("It is used by {first}."))
        .with_hint("Drop that, rename the function, and create it again."))
}

/// What uses a function.
struct Uses {
    views: Vec<ViewDef>,
    /// Expressions of tables, with what messages call them.
    parts: Vec<(Oid, Part, String)>,
}

impl Uses {
    fn of(draft: &Draft<'_>, function: &FunctionDef) -> Result<Self> {
        let mut views = draft.all_views();
        views.retain(|view| view.depends_on.contains(&function.oid));
        let mut parts = Vec::new();
        for oid in draft.table_oids() {
            let Some(mut table) = draft.table(oid).cloned() else { continue };
            let name = table.name.clone();
            let columns = table.columns.clone();
            for (part, text) in texts(&mut table) {
                if !calls(draft, text, function) {
                    continue;
                }
                let line = match &part {
                    Part::Default(id) => {
                        let column = columns.iter().find(|column| column.id == *id);
                        let column = column.map_or("", |column| column.name.as_str());
                        format!("default value for column {column} of table {name}")
                    }
                    Part::Check(_, check) => format!("constraint {check} on table {name}"),
                    Part::Other(what) => return Err(in_the_way(function, &name, what)),
                };
                parts.push((oid, part, line));
            }
        }
        for ty in draft.snapshot.types.values().filter(|ty| !draft.is_dropped(ty.oid)) {
            let domain = ty.domain();
            let default = domain.and_then(|domain| domain.default.as_ref());
            let checks = domain.into_iter().flat_map(|domain| &domain.checks);
            let mut all = checks.map(|check| &check.expression).chain(default);
            if all.any(|text| calls(draft, text, function)) {
                let what = format!("type {}", ty.name);
                return Err(needed(function, &format!("{what} depends on function")));
            }
        }
        Ok(Self { views, parts })
    }

    /// The error of a DROP without CASCADE.
    fn refusal(&self, shown: &str) -> Option<SqlError> {
        let views = self.views.iter().map(|view| format!("view {}", view.name));
        let parts = self.parts.iter().map(|(.., line)| line.clone());
        let lines: Vec<String> =
            parts.chain(views).map(|line| format!("{line} depends on {shown}")).collect();
        if lines.is_empty() {
            return None;
        }
        let message = format!("cannot drop {shown} because other objects depend on it");
        let error = SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message);
        Some(
            error
                .with_detail(lines.join("\n"))
                .with_hint("Use DROP ... CASCADE to drop the dependent objects too."),
        )
    }
}

/// 2BP01 for what does not go with the function.
fn in_the_way(function: &FunctionDef, table: &str, what: &str) -> SqlError {
    needed(function, &format!("{what} on table {table} depends on function"))
}

fn needed(function: &FunctionDef, what: &str) -> SqlError {
    let shown = function.signature();
    let message = format!("cannot drop function {shown} because other objects depend on it");
    SqlError::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
        .with_detail(format!("{what} {shown}"))
        .with_hint("Drop that first.")
}

/// Whether the text of an expression or a query calls a function.
pub(super) fn calls(draft: &Draft<'_>, text: &str, function: &FunctionDef) -> bool {
    let schema = draft.snapshot.schema_name(function.schema);
    // Parsing costs more than looking for the name.
    text.contains(&*function.name)
        && match parse_expression(text) {
            Ok(expression) => mentions(&*expression.ast, schema, function),
            Err(_) => parse_query(text).is_ok_and(|query| mentions(&*query.ast, schema, function)),
        }
}

fn mentions<V: Visit>(tree: &V, schema: &str, function: &FunctionDef) -> bool {
    tree.visit(&mut Calls { schema, function }).is_break()
}

/// Breaks at a call that may mean a function.
struct Calls<'a> {
    schema: &'a str,
    function: &'a FunctionDef,
}

impl Calls<'_> {
    fn found(&self, name: &ObjectName, count: usize) -> ControlFlow<()> {
        let parts: Vec<&str> = name
            .0
            .iter()
            .filter_map(|part| part.as_ident().map(|ident| ident.value.as_str()))
            .collect();
        let same = |word: &str, name: &str| word == name || word.to_lowercase() == name;
        let named = match parts.as_slice() {
            [name] => same(name, &self.function.name),
            [within, name] => same(name, &self.function.name) && same(within, self.schema),
            _ => false,
        };
        match named && self.function.takes(count) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

impl Visitor for Calls<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let Expr::Function(call) = expr else { return ControlFlow::Continue(()) };
        let count = match &call.args {
            FunctionArguments::List(list) => list.args.len(),
            FunctionArguments::None | FunctionArguments::Subquery(_) => 0,
        };
        self.found(&call.name, count)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: Some(args), .. } => self.found(name, args.args.len()),
            TableFactor::Function { name, args, .. } => self.found(name, args.len()),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Those of these objects that are functions which a query calls itself.
pub(super) fn called(draft: &Draft<'_>, query: &str, used: &[Oid]) -> Vec<Oid> {
    let functions = used.iter().filter_map(|oid| draft.snapshot.functions.get(oid));
    functions.filter(|function| calls(draft, query, function)).map(|one| one.oid).collect()
}

/// The functions that can't be without a type.
pub(super) fn of_type(draft: &Draft<'_>, ty: &UserTypeDef) -> Vec<Arc<FunctionDef>> {
    let of = |function: &&Arc<FunctionDef>| {
        function.types().any(|known| known.oid == ty.oid || known.oid == ty.array)
    };
    sorted(draft.snapshot.functions.values().filter(of).cloned(), draft)
}

/// The functions that return rows of a table or view.
pub(super) fn of_relation(draft: &Draft<'_>, relation: Oid) -> Vec<Arc<FunctionDef>> {
    let of = |function: &&Arc<FunctionDef>| function.returns == ReturnsDef::RowOf(relation);
    sorted(draft.snapshot.functions.values().filter(of).cloned(), draft)
}

/// The functions in a schema.
pub(super) fn in_schema(draft: &Draft<'_>, schema: Oid) -> Vec<Arc<FunctionDef>> {
    let inside = |function: &&Arc<FunctionDef>| function.schema == schema;
    sorted(draft.snapshot.functions.values().filter(inside).cloned(), draft)
}

/// The functions that roles own.
pub(super) fn owned_by(draft: &Draft<'_>, roles: &[Oid]) -> Vec<Arc<FunctionDef>> {
    let owned = |function: &&Arc<FunctionDef>| roles.contains(&function.owner);
    sorted(draft.snapshot.functions.values().filter(owned).cloned(), draft)
}

fn sorted(
    functions: impl Iterator<Item = Arc<FunctionDef>>,
    draft: &Draft<'_>,
) -> Vec<Arc<FunctionDef>> {
    let mut found: Vec<_> = functions.filter(|one| !draft.is_dropped(one.oid)).collect();
    found.sort_by_key(|function| function.oid);
    found
}
