//! Variables of PL/pgSQL in a statement of SQL: they become parameters, in its text.
//!
//! A name means a variable wherever an expression may stand: PostgreSQL refuses what could be a
//! column as well. The columns of INSERT and the left sides of SET are no expressions.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArguments, Ident, TableFactor, VisitMut, VisitorMut,
};
use sqlparser::tokenizer::Span;

use super::parse;
use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::{
    Assignment, AssignmentSource, Cell, ConflictAction, ConflictTarget, Expression, InsertSource,
    MergeAction, OnConflict, Statement, Target,
};

/// A statement whose variables are parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its text in pieces, with the number (from zero) of the variable behind each.
    pieces: Vec<(String, Option<usize>)>,
    /// The variables, as they were named.
    pub variables: Vec<Vec<String>>,
    /// Whether it takes parameters: a definition does not.
    pub takes_parameters: bool,
}

impl Bound {
    /// The text, with `$n` in the place of variables.
    pub fn text(&self) -> String {
        self.with(|variable| format!("${}", variable + 1))
    }

    /// The text, with these in the place of variables.
    pub fn with(&self, variable: impl Fn(usize) -> String) -> String {
        let piece = |(text, behind): &(String, Option<usize>)| match behind {
            Some(number) => format!("{text}{}", variable(*number)),
            None => text.clone(),
        };
        self.pieces.iter().map(piece).collect()
    }
}

/// Puts parameters in the place of variables. `known` tells whether a name is that of one.
///
/// # Errors
/// What is wrong with the statement; 42601 for several.
pub fn bind_variables(sql: &str, known: &dyn Fn(&[String]) -> bool) -> Result<Bound> {
    let mut statements = parse(sql)?;
    let Some(mut parsed) = statements.pop().filter(|_| statements.is_empty()) else {
        let message = "one statement was expected";
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    };
    let (places, names, relations) = (Vec::new(), Vec::new(), HashSet::new());
    let takes_parameters = !matches!(parsed.statement, Statement::CreateTableAs(_));
    let mut finder = Finder { known, places, relations, names };
    finder.statement(&mut parsed.statement);
    let Finder { mut places, names, relations, .. } = finder;
    places.retain(|(place, parts)| {
        let column = parts.len() > 1 && parts.first().is_some_and(|one| relations.contains(one));
        !column && !names.contains(place)
    });
    if places.is_empty() {
        let pieces = vec![(sql.to_owned(), None)];
        return Ok(Bound { pieces, variables: Vec::new(), takes_parameters });
    }
    places.sort_by_key(|(place, _)| place.0);
    places.dedup();
    let (pieces, variables) = replaced(sql, places);
    Ok(Bound { pieces, variables, takes_parameters })
}

/// Where something stands: characters from one, the end excluded.
type Place = (u64, u64);

/// A text in pieces, each with the number of what stands behind it.
type Pieces = Vec<(String, Option<usize>)>;

fn replaced(sql: &str, places: Vec<(Place, Vec<String>)>) -> (Pieces, Vec<Vec<String>>) {
    let mut bytes: Vec<usize> = sql.char_indices().map(|(byte, _)| byte).collect();
    bytes.push(sql.len());
    let byte_of = |character: u64| {
        let at = usize::try_from(character).unwrap_or(usize::MAX).saturating_sub(1);
        bytes.get(at).copied().unwrap_or(sql.len())
    };
    let (mut pieces, mut variables): (Pieces, Vec<Vec<String>>) = (Vec::new(), Vec::new());
    let mut from = 0;
    // What closes a parenthesis before a subscript.
    let mut closing = "";
    for ((start, end), variable) in places {
        let (start, end) = (byte_of(start), byte_of(end));
        if start < from {
            continue;
        }
        let number = variables.iter().position(|other| *other == variable);
        let number = number.unwrap_or_else(|| {
            variables.push(variable);
            variables.len() - 1
        });
        let subscript = sql[end..].trim_start().starts_with('[');
        let opening = if subscript { "(" } else { "" };
        pieces.push((format!("{closing}{}{opening}", &sql[from..start]), Some(number)));
        closing = if subscript { ")" } else { "" };
        from = end;
    }
    pieces.push((format!("{closing}{}", &sql[from..]), None));
    (pieces, variables)
}

struct Finder<'a> {
    known: &'a dyn Fn(&[String]) -> bool,
    places: Vec<(Place, Vec<String>)>,
    /// The names of the parts of FROM: what they qualify is a column.
    relations: HashSet<String>,
    /// Where names of arguments stand (`name => value`), which are no expressions.
    names: Vec<Place>,
}

impl Finder<'_> {
    fn statement(&mut self, statement: &mut Statement) {
        match statement {
            Statement::Query(query) => self.visit(&mut *query.ast),
            Statement::CreateTableAs(create) => self.visit(&mut *create.query.ast),
            Statement::Insert(insert) => {
                if let Some(with) = &mut insert.with {
                    self.visit(&mut **with);
                }
                match &mut insert.source {
                    InsertSource::DefaultValues => {}
                    InsertSource::Values(rows) => self.cells(rows.iter_mut().flatten()),
                    InsertSource::Query(query) => self.visit(&mut *query.ast),
                }
                if let Some(conflict) = &mut insert.on_conflict {
                    self.conflict(conflict);
                }
                self.visit(&mut insert.returning);
                let name = insert.alias.as_ref().unwrap_or(&insert.table.name);
                self.relations.extend([name.clone(), "excluded".to_owned()]);
            }
            Statement::Update(update) => {
                if let Some(with) = &mut update.with {
                    self.visit(&mut **with);
                }
                self.assignments(&mut update.assignments);
                self.visit(&mut update.from);
                self.expression(update.filter.as_mut());
                self.visit(&mut update.returning);
                self.target(&update.target);
            }
            Statement::Delete(delete) => {
                if let Some(with) = &mut delete.with {
                    self.visit(&mut **with);
                }
                self.visit(&mut delete.using);
                self.expression(delete.filter.as_mut());
                self.visit(&mut delete.returning);
                self.target(&delete.target);
            }
            Statement::Merge(merge) => {
                if let Some(with) = &mut merge.with {
                    self.visit(&mut **with);
                }
                self.visit(&mut *merge.source);
                self.expression(Some(&mut merge.condition));
                for branch in &mut merge.branches {
                    self.expression(branch.condition.as_mut());
                    match &mut branch.action {
                        MergeAction::Update(assignments) => self.assignments(assignments),
                        MergeAction::Insert { values: Some(values), .. } => {
                            self.cells(values.iter_mut());
                        }
                        MergeAction::Insert { .. } | MergeAction::Nothing | MergeAction::Delete => {
                        }
                    }
                }
                self.visit(&mut merge.returning);
                self.target(&merge.target);
            }
            Statement::WithChanges(with) => {
                for change in &mut with.changes {
                    self.statement(&mut change.statement);
                }
                self.statement(&mut with.main);
            }
            // What they say is not computed.
            _ => {}
        }
    }

    fn target(&mut self, target: &Target) {
        self.relations.insert(target.alias.as_ref().unwrap_or(&target.table.name).clone());
    }

    fn visit(&mut self, tree: &mut impl VisitMut) {
        let _ = tree.visit(self);
    }

    fn expression(&mut self, expression: Option<&mut Expression>) {
        if let Some(expression) = expression {
            self.visit(&mut *expression.ast);
        }
    }

    fn cells<'c>(&mut self, cells: impl Iterator<Item = &'c mut Cell>) {
        for cell in cells {
            if let Cell::Expression(expression) = cell {
                self.visit(&mut *expression.ast);
            }
        }
    }

    fn assignments(&mut self, assignments: &mut [Assignment]) {
        for assignment in assignments {
            match &mut assignment.source {
                AssignmentSource::Values(cells) => self.cells(cells.iter_mut()),
                AssignmentSource::Query(query) => self.visit(&mut **query),
            }
        }
    }

    fn conflict(&mut self, conflict: &mut OnConflict) {
        if let Some(ConflictTarget::Columns { filter, .. }) = &mut conflict.target {
            self.expression(filter.as_mut());
        }
        if let ConflictAction::Update { assignments, filter } = &mut conflict.action {
            self.assignments(assignments);
            self.expression(filter.as_mut());
        }
    }

    fn note(&mut self, parts: &[Ident]) {
        let names: Vec<String> = parts.iter().map(|part| part.value.clone()).collect();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
        if (self.known)(&names) {
            self.places.push(((place(first.span).0, place(last.span).1), names));
        }
    }
}

fn place(span: Span) -> Place {
    (span.start.column, span.end.column)
}

impl VisitorMut for Finder<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let name = match factor {
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. }
            | TableFactor::NestedJoin { alias: Some(alias), .. } => Some(alias.name.value.clone()),
            TableFactor::Table { name, .. } => {
                name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.clone())
            }
            _ => None,
        };
        self.relations.extend(name);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.note(std::slice::from_ref(name)),
            Expr::CompoundIdentifier(parts) => self.note(parts),
            Expr::Function(call) => {
                if let FunctionArguments::List(list) = &call.args {
                    let named = list.args.iter().filter_map(|argument| match argument {
                        FunctionArg::ExprNamed { name: Expr::Identifier(name), .. } => {
                            Some(place(name.span))
                        }
                        _ => None,
                    });
                    self.names.extend(named);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
