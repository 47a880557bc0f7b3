//! To sqlparser and back. Queries and expressions are read by sqlparser, since DataFusion plans
//! its trees; it gets our tokens rather than text, with what it would misread set right:
//!
//! - `<=>` and `<+>` are operators like any other, at PostgreSQL's precedence;
//! - `type 'literal'` becomes `CAST('literal' AS type)`, which is what it means;
//! - `OPERATOR(schema.<->)` becomes the operator;
//! - `TABLE t` becomes `SELECT * FROM t`; `FOR NO KEY UPDATE` loses what has no meaning here, and comes
//!   after LIMIT;
//! - words that only other systems reserve are plain names.
//!
//! A token's span holds its number (`line`) and its character within the query string
//! (`column`), so that errors and later layers find the place again.

use sqlparser::ast::{self, VisitMut};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token as SqlToken, TokenWithSpan};

use super::balance::balance;
use super::cursor::Cursor;
use super::database::without_database;
use super::distinct_from::set_right;
use super::token::{Kind, Symbol};
use super::translate::{Translated, translate};
use crate::base::limits::{EXPRESSION_DEPTH_MAX, OPERATOR_CHAIN_MAX};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::{Expression, LockClause, LockStrength, Query};

static DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

impl Cursor<'_> {
    /// Reads as much as sqlparser's `read` takes, up to `end`.
    pub(super) fn delegate<T: VisitMut>(
        &mut self,
        end: usize,
        read: fn(&mut Parser<'static>) -> Result<T, ParserError>,
    ) -> Result<T> {
        let Translated { tokens, unbalanced, long_names } = translate(self, end)?;
        let mut parser: Parser<'static> = Parser::new(&DIALECT)
            .with_recursion_limit(EXPRESSION_DEPTH_MAX)
            .with_tokens_with_locations(tokens);
        let result = read(&mut parser);
        match result {
            Ok(mut tree) => {
                if self.compares_distinct(end) {
                    set_right(&mut tree);
                }
                if unbalanced {
                    balance(&mut tree);
                }
                if long_names {
                    without_database(&mut tree, self.source.database)?;
                }
                self.at = token_number(parser.peek_token_ref().span.start.line).unwrap_or(end);
                // Both need BY, which sqlparser takes as a reason to stop before them.
                if self.is("order") || self.is("group") {
                    return Err(self.unexpected_at(self.at + 1));
                }
                Ok(tree)
            }
            Err(error) => Err(self.delegated_error(&error, end)),
        }
    }

    /// Whether there may be an `IS DISTINCT FROM` up to a token.
    fn compares_distinct(&self, end: usize) -> bool {
        let word = |at: usize, word: &str| {
            let token = self.source.tokens.tokens[at];
            token.kind == Kind::Word && self.text(token).eq_ignore_ascii_case(word)
        };
        (self.at + 1..end)
            .any(|at| word(at, "distinct") && (word(at - 1, "is") || word(at - 1, "not")))
    }

    /// sqlparser's error as PostgreSQL says it. The message ends with the place, unless it is
    /// the end.
    fn delegated_error(&self, error: &ParserError, end: usize) -> SqlError {
        let message = match error {
            ParserError::RecursionLimitExceeded => return too_deep(),
            ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
        };
        let line = message
            .rsplit_once(" at Line: ")
            .and_then(|(_, place)| place.split_once(',').and_then(|(line, _)| line.parse().ok()));
        let at = line.and_then(token_number).unwrap_or(end).min(end);
        self.unexpected_at(self.misplaced_word(end).map_or(at, |misplaced| misplaced.min(at)))
    }

    /// The first reserved word that stands where PostgreSQL has none. sqlparser takes such words
    /// for names and complains later, or goes back and complains earlier.
    fn misplaced_word(&self, end: usize) -> Option<usize> {
        const CLAUSES: &[&str] =
            &["from", "where", "group", "having", "order", "limit", "offset", "union", "on", "as"];
        let clause = |at: usize| {
            let token = self.source.tokens.tokens[at];
            token.kind == Kind::Word
                && CLAUSES.iter().any(|word| self.text(token).eq_ignore_ascii_case(word))
        };
        (self.at..end).find_map(|at| {
            let token = self.source.tokens.tokens[at];
            let next = at + 1;
            let word = |text: &str| self.text(token).eq_ignore_ascii_case(text);
            let misplaced = match token.kind {
                Kind::Symbol(Symbol::Comma) => next < end && clause(next),
                Kind::Word if word("from") || word("where") => next < end && clause(next),
                Kind::Word if word("order") || word("group") => {
                    let by = self.source.tokens.tokens[next];
                    !self.text(by).eq_ignore_ascii_case("by") && !self.follows_within(at)
                }
                _ => false,
            };
            misplaced.then_some(next)
        })
    }

    /// Whether the word at a token follows `WITHIN` (`WITHIN GROUP (..)`).
    fn follows_within(&self, at: usize) -> bool {
        at > 0 && self.text(self.source.tokens.tokens[at - 1]).eq_ignore_ascii_case("within")
    }

    /// Where an expression ends at the latest: a comma or closing bracket outside of its own
    /// brackets, or the end of the statement.
    fn expression_end(&self) -> usize {
        self.scan_end(true)
    }

    fn scan_end(&self, stop_at_comma: bool) -> usize {
        let mut depth = 0_usize;
        let mut at = self.at;
        loop {
            match self.source.tokens.tokens[at].kind {
                Kind::End | Kind::Symbol(Symbol::Semicolon) => return at,
                Kind::Symbol(Symbol::LeftParen | Symbol::LeftBracket) => depth += 1,
                Kind::Symbol(Symbol::RightParen | Symbol::RightBracket) if depth == 0 => return at,
                Kind::Symbol(Symbol::RightParen | Symbol::RightBracket) => depth -= 1,
                Kind::Symbol(Symbol::Comma) if depth == 0 && stop_at_comma => return at,
                _ => {}
            }
            at += 1;
        }
    }

    /// An expression.
    pub(super) fn expression(&mut self) -> Result<Expression> {
        let start = self.at;
        let ast = self.delegate(self.expression_end(), Parser::parse_expr)?;
        Ok(Expression { ast: Box::new(ast), text: self.text_since(start).to_owned() })
    }

    /// An expression that ends before a token.
    pub(super) fn expression_until(&mut self, end: usize) -> Result<Expression> {
        let start = self.at;
        let ast = self.delegate(end, Parser::parse_expr)?;
        Ok(Expression { ast: Box::new(ast), text: self.text_since(start).to_owned() })
    }

    /// `function(..)`: what follows the closing parenthesis is not part of it.
    pub(super) fn function_call(&mut self) -> Result<Expression> {
        let mut ahead = *self;
        ahead.label()?;
        while ahead.accept_symbol(Symbol::Dot) {
            ahead.label()?;
        }
        ahead.expect_symbol(Symbol::LeftParen)?;
        ahead.at = ahead.scan_end(false);
        ahead.expect_symbol(Symbol::RightParen)?;
        self.expression_until(ahead.at)
    }

    /// An expression of the kind that `DEFAULT` takes: `NOT NULL` after it is not part of it.
    pub(super) fn default_expression(&mut self) -> Result<Expression> {
        let start = self.at;
        let mut end = self.expression_end();
        let mut depth = 0_usize;
        for at in start..end {
            let token = self.source.tokens.tokens[at];
            match token.kind {
                Kind::Symbol(Symbol::LeftParen | Symbol::LeftBracket) => depth += 1,
                Kind::Symbol(Symbol::RightParen | Symbol::RightBracket) => depth -= 1,
                Kind::Word if depth == 0 && at > start => {
                    let word = self.text(token);
                    // What may follow a column's default and would be read as part of it.
                    let stops = ["not", "generated", "collate", "constraint", "check", "null"];
                    if stops.iter().any(|stop| word.eq_ignore_ascii_case(stop)) {
                        end = at;
                        break;
                    }
                }
                _ => {}
            }
        }
        self.expression_until(end)
    }

    /// An expression in parentheses; they are not part of its text.
    pub(super) fn expression_in_parentheses(&mut self) -> Result<Expression> {
        self.expect_symbol(Symbol::LeftParen)?;
        let expression = self.expression()?;
        self.expect_symbol(Symbol::RightParen)?;
        Ok(expression)
    }

    /// A query up to the end of the statement or of its parentheses.
    pub(super) fn query(&mut self) -> Result<Query> {
        let start = self.at;
        let mut ast = self.delegate(self.scan_end(false), Parser::parse_query)?;
        let locking = take_locking(&mut ast);
        Ok(Query { ast, text: self.text_since(start).to_owned(), locking })
    }

    /// The query of an INSERT: sqlparser would read its `ON CONFLICT` as an alias.
    pub(super) fn insert_query(&mut self) -> Result<Query> {
        let start = self.at;
        let mut end = self.scan_end(false);
        let mut ahead = *self;
        let mut depth = 0_usize;
        while ahead.at < end {
            match ahead.peek().kind {
                Kind::Symbol(Symbol::LeftParen) => depth += 1,
                Kind::Symbol(Symbol::RightParen) => depth = depth.saturating_sub(1),
                Kind::Word if depth == 0 && ahead.is_all("on conflict") => end = ahead.at,
                _ => {}
            }
            ahead.at += 1;
        }
        let mut ast = self.delegate(end, Parser::parse_query)?;
        let locking = take_locking(&mut ast);
        Ok(Query { ast, text: self.text_since(start).to_owned(), locking })
    }

    /// `(query)`.
    pub(super) fn query_in_parentheses(&mut self) -> Result<Query> {
        self.expect_symbol(Symbol::LeftParen)?;
        let query = self.query()?;
        self.expect_symbol(Symbol::RightParen)?;
        Ok(query)
    }

    /// A table with its joins.
    pub(super) fn table_with_joins(&mut self) -> Result<ast::TableWithJoins> {
        self.delegate(self.expression_end(), Parser::parse_table_and_joins)
    }

    /// An item of a SELECT list or RETURNING.
    pub(super) fn select_item(&mut self) -> Result<ast::SelectItem> {
        self.delegate(self.expression_end(), Parser::parse_select_item)
    }

    /// `WITH ..` up to `end`, which is where the statement after it starts.
    pub(super) fn with_clause(&mut self, end: usize) -> Result<Box<ast::With>> {
        let Translated { mut tokens, unbalanced, long_names } = translate(self, end)?;
        let span = tokens.last().map_or(Span::empty(), |token| token.span);
        for token in [SqlToken::make_keyword("SELECT"), SqlToken::Number("1".to_owned(), false)] {
            tokens.push(TokenWithSpan::new(token, span));
        }
        let mut parser: Parser<'static> = Parser::new(&DIALECT)
            .with_recursion_limit(EXPRESSION_DEPTH_MAX)
            .with_tokens_with_locations(tokens);
        let mut query = parser.parse_query().map_err(|error| self.delegated_error(&error, end))?;
        if unbalanced {
            balance(&mut query);
        }
        if long_names {
            without_database(&mut query, self.source.database)?;
        }
        match query.with {
            Some(with) => {
                self.at = end;
                Ok(Box::new(with))
            }
            None => Err(self.unexpected()),
        }
    }
}

/// A span's line is the token's number from one; zero is no place.
fn token_number(line: u64) -> Option<usize> {
    usize::try_from(line).ok()?.checked_sub(1)
}

/// 54001.
pub(super) fn too_deep() -> SqlError {
    SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").with_hint(format!(
        "Expressions may be nested {EXPRESSION_DEPTH_MAX} deep, and chains of operators \
                 may have {OPERATOR_CHAIN_MAX} members; long lists of values belong into IN or \
                 ANY."
    ))
}

/// Takes the locking clauses out of the tree, where DataFusion would ignore them silently.
fn take_locking(query: &mut ast::Query) -> Vec<LockClause> {
    let clause = |lock: ast::LockClause| {
        let strength = match lock.lock_type {
            ast::LockType::Update => LockStrength::Update,
            ast::LockType::Share => LockStrength::Share,
        };
        let of = lock.of.and_then(|name| name.0.last()?.as_ident().cloned());
        LockClause { strength, of: of.map(|ident| ident.value) }
    };
    std::mem::take(&mut query.locks).into_iter().map(clause).collect()
}
