//! `UPDATE`, `DELETE`, `TRUNCATE`, and the clauses that they share with INSERT and MERGE.

use sqlparser::ast;

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol, position};
use crate::base::{Result, SqlState};
use crate::plan::quote_identifier;
use crate::plan::statement::{
    Assignment, AssignmentSource, Cell, Delete, Expression, Statement, Target, Truncate, Update,
};

impl Cursor<'_> {
    /// `UPDATE ..`, its WITH having been read.
    pub(super) fn update(&mut self, with: Option<Box<ast::With>>) -> Result<Tagged> {
        self.expect("update")?;
        let target = self.target()?;
        self.expect("set")?;
        let assignments = self.comma_separated(Self::assignment)?;
        let from = if self.accept("from") {
            self.comma_separated(Self::table_with_joins)?
        } else {
            Vec::new()
        };
        let filter = self.filter()?;
        let returning = self.returning()?;
        let update = Update { with, target, assignments, from, filter, returning };
        Ok((Statement::Update(Box::new(update)), "UPDATE"))
    }

    /// `DELETE ..`, its WITH having been read.
    pub(super) fn delete(&mut self, with: Option<Box<ast::With>>) -> Result<Tagged> {
        self.expect("delete from")?;
        let target = self.target()?;
        let using = if self.accept("using") {
            self.comma_separated(Self::table_with_joins)?
        } else {
            Vec::new()
        };
        let filter = self.filter()?;
        let returning = self.returning()?;
        let delete = Delete { with, target, using, filter, returning };
        Ok((Statement::Delete(Box::new(delete)), "DELETE"))
    }

    /// `[ONLY] table [*] [[AS] alias]`.
    pub(super) fn target(&mut self) -> Result<Target> {
        self.accept("only");
        let table = self.qualified_name()?;
        self.accept_operator("*");
        let alias = if self.accept("as") {
            Some(self.identifier()?)
        } else if !self.is("set") && matches!(self.peek().kind, Kind::Word | Kind::QuotedWord) {
            // A reserved word, such as WHERE, is no alias.
            self.identifier().ok()
        } else {
            None
        };
        Ok(Target { table, alias })
    }

    /// `WHERE ..`, if it comes next.
    fn filter(&mut self) -> Result<Option<Expression>> {
        if !self.accept("where") {
            return Ok(None);
        }
        if self.is_all("current of") {
            let message = "WHERE CURRENT OF is not supported";
            return Err(self.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        self.expression().map(Some)
    }

    /// `column = value`, `(a, b) = ..`.
    pub(super) fn assignment(&mut self) -> Result<Assignment> {
        if !self.is_symbol(Symbol::LeftParen) {
            if let Some(assignment) = self.assigned_element()? {
                return Ok(assignment);
            }
            let column = self.assigned_column()?;
            self.expect_operator("=")?;
            let (value, place) = self.placed_cell()?;
            let source = AssignmentSource::Values(vec![value]);
            return Ok(Assignment { columns: vec![column], source, places: vec![place] });
        }
        let start = self.at;
        let columns = self.parenthesized(Self::assigned_column)?;
        self.expect_operator("=")?;
        let row = self.accept("row");
        if !row && self.is_subquery() {
            let query = self.query_in_parentheses()?;
            let source = AssignmentSource::Query(query.ast);
            return Ok(Assignment { columns, source, places: Vec::new() });
        }
        let (values, places): (Vec<_>, Vec<_>) =
            self.parenthesized(Self::placed_cell)?.into_iter().unzip();
        if values.len() != columns.len() {
            let message = "number of columns does not match number of values";
            return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
        }
        Ok(Assignment { columns, source: AssignmentSource::Values(values), places })
    }

    /// A value with its place.
    pub(super) fn placed_cell(&mut self) -> Result<(Cell, (u64, u64))> {
        let start = self.at;
        let cell = self.cell()?;
        let first = self.source.tokens.tokens[start].start as usize;
        let end = first + self.text_since(start).len();
        let column = |byte| {
            let ascii = self.source.ascii;
            (if ascii { byte + 1 } else { position(self.source.sql, byte) }) as u64
        };
        Ok((cell, (column(first), column(end))))
    }

    /// `column[number] = value`: the whole column with another element.
    fn assigned_element(&mut self) -> Result<Option<Assignment>> {
        let mut ahead = *self;
        let column = ahead.identifier()?;
        if !ahead.accept_symbol(Symbol::LeftBracket) {
            return Ok(None);
        }
        let Ok(number) = ahead.expression() else { return Ok(None) };
        if !ahead.accept_symbol(Symbol::RightBracket) || !ahead.accept_operator("=") {
            return Ok(None);
        }
        let value = ahead.expression()?;
        *self = ahead;
        let name = quote_identifier(&column);
        let text = format!("redkite_array_set({name}, ({}), ({}))", number.text, value.text);
        let cell = Cell::Expression(super::parse_expression(&text)?);
        let source = AssignmentSource::Values(vec![cell]);
        Ok(Some(Assignment { columns: vec![column], source, places: vec![(0, 0)] }))
    }

    /// The column on the left; parts of one can't be assigned.
    fn assigned_column(&mut self) -> Result<String> {
        let column = self.identifier()?;
        if self.is_symbol(Symbol::Dot) || self.is_symbol(Symbol::LeftBracket) {
            let message = "assignment to a part of a column is not supported";
            return Err(self.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(column)
    }

    /// An operator, which must come next.
    pub(super) fn expect_operator(&mut self, operator: &str) -> Result<()> {
        if self.accept_operator(operator) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Whether `(SELECT ..` or the like comes next.
    pub(super) fn is_subquery(&self) -> bool {
        let mut ahead = 0;
        while self.peek_ahead(ahead).kind == Kind::Symbol(Symbol::LeftParen) {
            ahead += 1;
        }
        ahead > 0
            && ["select", "with", "values", "table"].iter().any(|word| self.is_ahead(ahead, word))
    }

    /// `TRUNCATE ..`.
    pub(super) fn truncate(&mut self) -> Result<Tagged> {
        self.expect("truncate")?;
        self.accept("table");
        let tables = self.comma_separated(|cursor| {
            cursor.accept("only");
            let name = cursor.qualified_name()?;
            cursor.accept_operator("*");
            Ok(name)
        })?;
        let restart_identity = if self.accept("restart") {
            self.expect("identity")?;
            true
        } else {
            if self.accept("continue") {
                self.expect("identity")?;
            }
            false
        };
        let cascade = self.cascade();
        let truncate = Truncate { tables, restart_identity, cascade };
        Ok((Statement::Truncate(truncate), "TRUNCATE TABLE"))
    }

    /// The cells of one row in parentheses.
    pub(super) fn row(&mut self) -> Result<Vec<Cell>> {
        self.parenthesized(Self::cell)
    }
}
