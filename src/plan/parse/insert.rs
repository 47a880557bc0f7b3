//! `INSERT`, and the cells of its rows. A row of literals never reaches sqlparser: reading it
//! costs a microsecond, and writing it needs no planner.

use sqlparser::ast;

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlState};
use crate::plan::statement::{
    Cell, ConflictAction, ConflictTarget, Insert, InsertSource, LiteralKind, OnConflict,
    Overriding, Statement,
};

impl Cursor<'_> {
    /// `INSERT ..`, its WITH having been read.
    pub(super) fn insert(&mut self, with: Option<Box<ast::With>>) -> Result<Tagged> {
        self.expect("insert into")?;
        let table = self.qualified_name()?;
        let alias = if self.accept("as") { Some(self.identifier()?) } else { None };
        let columns = self.insert_columns()?;
        let overriding = self.overriding()?;
        let (source, places) = self.insert_source()?;
        let on_conflict =
            if self.accept_all("on conflict") { Some(self.on_conflict()?) } else { None };
        let returning = self.returning()?;
        let insert = Insert {
            with,
            table,
            alias,
            columns,
            overriding,
            source,
            places,
            on_conflict,
            returning,
        };
        Ok((Statement::Insert(Box::new(insert)), "INSERT"))
    }

    /// `(a, b)`, unless the parentheses hold a query.
    fn insert_columns(&mut self) -> Result<Option<Vec<String>>> {
        let query = ["select", "with", "values", "table"];
        if query.iter().any(|word| self.is_ahead(1, word))
            || self.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen)
        {
            return Ok(None);
        }
        self.optional_columns()
    }

    /// `OVERRIDING SYSTEM | USER VALUE`, if it comes next.
    pub(super) fn overriding(&mut self) -> Result<Option<Overriding>> {
        if !self.accept("overriding") {
            return Ok(None);
        }
        let which = match self.accept_any(&["system", "user"]) {
            Some("system") => Overriding::System,
            Some(_) => Overriding::User,
            None => return Err(self.unexpected()),
        };
        self.expect("value")?;
        Ok(Some(which))
    }

    /// The source, with the places of the cells of VALUES.
    fn insert_source(&mut self) -> Result<(InsertSource, Vec<(u64, u64)>)> {
        if self.accept_all("default values") {
            return Ok((InsertSource::DefaultValues, Vec::new()));
        }
        if self.is("values") {
            let start = *self;
            self.advance();
            let mut places = Vec::new();
            let rows = self.rows(&mut places)?;
            let closed = self.is_symbol(Symbol::RightParen);
            if self.at_end() || closed || self.is_all("on conflict") || self.is("returning") {
                return Ok((InsertSource::Values(rows), places));
            }
            // `VALUES .. UNION ..`, `VALUES .. ORDER BY ..`.
            *self = start;
        }
        let starts = ["select", "values", "with", "table"].iter().any(|word| self.is(word));
        if !starts && !self.is_symbol(Symbol::LeftParen) {
            return Err(self.unexpected());
        }
        Ok((InsertSource::Query(self.insert_query()?), Vec::new()))
    }

    /// `(..), (..)`: rows of one length.
    fn rows(&mut self, places: &mut Vec<(u64, u64)>) -> Result<Vec<Vec<Cell>>> {
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        let mut cell = |cursor: &mut Self| {
            let (cell, place) = cursor.placed_cell()?;
            places.push(place);
            Ok::<Cell, crate::base::SqlError>(cell)
        };
        loop {
            let start = self.at;
            self.expect_symbol(Symbol::LeftParen)?;
            let mut row = Vec::with_capacity(rows.last().map_or(4, Vec::len));
            row.push(cell(self)?);
            while self.accept_symbol(Symbol::Comma) {
                row.push(cell(self)?);
            }
            self.expect_symbol(Symbol::RightParen)?;
            if rows.last().is_some_and(|last| last.len() != row.len()) {
                let message = "VALUES lists must all be the same length";
                return Err(self.error_at(start + 1, SqlState::SYNTAX_ERROR, message));
            }
            rows.push(row);
            if !self.accept_symbol(Symbol::Comma) {
                return Ok(rows);
            }
        }
    }

    /// One value.
    pub(super) fn cell(&mut self) -> Result<Cell> {
        let start = *self;
        if let Some(cell) = self.simple_cell()?
            && self.ends_cell()
        {
            return Ok(cell);
        }
        *self = start;
        let expression = self.expression()?;
        if self.ends_cell() { Ok(Cell::Expression(expression)) } else { Err(self.unexpected()) }
    }

    /// Whether a value can end here: a comma, a closing parenthesis, or what follows a SET list.
    fn ends_cell(&self) -> bool {
        matches!(
            self.peek().kind,
            Kind::Symbol(Symbol::Comma | Symbol::RightParen | Symbol::Semicolon)
                | Kind::End
                | Kind::Word
        )
    }

    /// A constant or parameter with the casts after it, if it is one.
    fn simple_cell(&mut self) -> Result<Option<Cell>> {
        let token = self.peek();
        let (text, kind) = match token.kind {
            Kind::String | Kind::EscapeString | Kind::UnicodeString | Kind::DollarString => {
                (Some(self.string()?), LiteralKind::String)
            }
            Kind::Number => (Some(self.number()?), LiteralKind::Number),
            Kind::Operator if self.peek_ahead(1).kind == Kind::Number => {
                // A cast binds closer than the sign: `-5::int2` is `-(5::int2)`.
                if !matches!(self.text(token), "-" | "+")
                    || self.peek_ahead(2).kind == Kind::Symbol(Symbol::Cast)
                {
                    return Ok(None);
                }
                (Some(self.signed_number()?), LiteralKind::Number)
            }
            Kind::Parameter => {
                let number = self.parameter_number(self.at)?;
                self.advance();
                return Ok(Some(Cell::Parameter(number)));
            }
            Kind::Word => match self.accept_any(&["default", "null", "true", "false"]) {
                Some("default") => return Ok(Some(Cell::Default)),
                Some("null") => (None, LiteralKind::Null),
                Some(word) => (Some(word.to_owned()), LiteralKind::Boolean),
                None => return self.typed_cell(),
            },
            _ => return Ok(None),
        };
        if !self.accept_symbol(Symbol::Cast) {
            return Ok(Some(match text {
                Some(text) => Cell::Literal { text, kind },
                None => Cell::Null,
            }));
        }
        // A user's type is an expression's business.
        let Ok(ty) = self.data_type() else { return Ok(None) };
        Ok(Some(Cell::Cast { text, kind, ty }))
    }

    /// `type '..'`, `CAST(constant AS type)`, if that comes next.
    fn typed_cell(&mut self) -> Result<Option<Cell>> {
        if self.is("interval") {
            return Ok(None);
        }
        if self.is("cast") && self.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen) {
            self.at += 2;
            let Some(Cell::Literal { text, kind }) = self.simple_cell()? else { return Ok(None) };
            if !self.accept("as") {
                return Ok(None);
            }
            let Ok(ty) = self.data_type() else { return Ok(None) };
            self.expect_symbol(Symbol::RightParen)?;
            return Ok(Some(Cell::Cast { text: Some(text), kind, ty }));
        }
        // A function call or an expression may start like a type, so an error is none yet.
        let mut ahead = *self;
        let Ok(ty) = ahead.data_type() else { return Ok(None) };
        if !ahead.is_string() {
            return Ok(None);
        }
        *self = ahead;
        Ok(Some(Cell::Cast { text: Some(self.string()?), kind: LiteralKind::String, ty }))
    }

    /// What follows `ON CONFLICT`.
    fn on_conflict(&mut self) -> Result<OnConflict> {
        let target = if self.accept_all("on constraint") {
            Some(ConflictTarget::Constraint(self.identifier()?))
        } else if self.is_symbol(Symbol::LeftParen) {
            Some(self.conflict_columns()?)
        } else {
            None
        };
        let start = self.at;
        self.expect("do")?;
        if self.accept("nothing") {
            return Ok(OnConflict { target, action: ConflictAction::Nothing });
        }
        self.expect("update set")?;
        let assignments = self.comma_separated(Self::assignment)?;
        let filter = if self.accept("where") { Some(self.expression()?) } else { None };
        if target.is_none() {
            let message =
                "ON CONFLICT DO UPDATE requires inference specification or constraint name";
            return Err(self
                .error_at(start - 2, SqlState::SYNTAX_ERROR, message)
                .with_hint("For example, ON CONFLICT (column_name)."));
        }
        Ok(OnConflict { target, action: ConflictAction::Update { assignments, filter } })
    }

    fn conflict_columns(&mut self) -> Result<ConflictTarget> {
        let columns = self.parenthesized(|cursor| {
            let at = cursor.at;
            if cursor.is_symbol(Symbol::LeftParen)
                || cursor.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen)
            {
                let message = "ON CONFLICT on expressions is not supported";
                return Err(cursor.error_at(at, SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            let column = cursor.identifier()?;
            if cursor.accept("collate") {
                cursor.qualified_collation()?;
            }
            if !matches!(
                cursor.peek().kind,
                Kind::Symbol(Symbol::Comma | Symbol::RightParen) | Kind::End
            ) {
                cursor.qualified_name()?;
            }
            Ok(column)
        })?;
        let filter = if self.accept("where") { Some(self.expression()?) } else { None };
        Ok(ConflictTarget::Columns { columns, filter })
    }
}
