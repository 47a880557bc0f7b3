//! A place in a statement's tokens, and the small steps that all statements are read with.
//! A step that does not fit leaves the place as it was, or gives PostgreSQL's syntax error at
//! the token where it went wrong.

use super::database::elsewhere;
use super::keyword::{Category, category};
use super::token::{Kind, Symbol, Token, Tokens, position};
use super::value;
use crate::base::{Result, SqlError, SqlState};
use crate::plan::Name;

/// Text and tokens of a whole query string.
pub(super) struct Source<'a> {
    pub(super) sql: &'a str,
    pub(super) tokens: Tokens,
    /// Whether bytes are characters, which makes positions cheap.
    pub(super) ascii: bool,
    /// The database that names may have in front; none: any.
    pub(super) database: Option<&'a str>,
}

/// A place in the tokens. Copying it is how to come back.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) source: &'a Source<'a>,
    /// The next token.
    pub(super) at: usize,
    /// How deep statements are nested in each other (EXPLAIN, PREPARE, COPY).
    pub(super) depth: u8,
}

impl<'a> Cursor<'a> {
    /// The next token.
    pub(super) fn peek(&self) -> Token {
        self.source.tokens.tokens[self.at]
    }

    /// The token so many after the next one; the end stays the end.
    pub(super) fn peek_ahead(&self, ahead: usize) -> Token {
        let tokens = &self.source.tokens.tokens;
        tokens[(self.at + ahead).min(tokens.len() - 1)]
    }

    /// A token's source text.
    pub(super) fn text(&self, token: Token) -> &'a str {
        &self.source.sql[token.start as usize..token.end as usize]
    }

    /// Passes the next token; never the end.
    pub(super) fn advance(&mut self) -> Token {
        let token = self.peek();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    /// Whether the statement ends here.
    pub(super) fn at_end(&self) -> bool {
        matches!(self.peek().kind, Kind::End | Kind::Symbol(Symbol::Semicolon))
    }

    /// Whether the token so many after the next one is this word, unquoted, in any case.
    pub(super) fn is_ahead(&self, ahead: usize, word: &str) -> bool {
        let token = self.peek_ahead(ahead);
        token.kind == Kind::Word && self.text(token).eq_ignore_ascii_case(word)
    }

    /// Whether the next token is this word.
    pub(super) fn is(&self, word: &str) -> bool {
        self.is_ahead(0, word)
    }

    /// Whether the next tokens are these words (separated by spaces).
    pub(super) fn is_all(&self, words: &str) -> bool {
        words.split(' ').enumerate().all(|(ahead, word)| self.is_ahead(ahead, word))
    }

    /// Passes this word if it comes next.
    pub(super) fn accept(&mut self, word: &str) -> bool {
        let found = self.is(word);
        self.at += usize::from(found);
        found
    }

    /// Passes these words (separated by spaces) if all come next.
    pub(super) fn accept_all(&mut self, words: &str) -> bool {
        let found = self.is_all(words);
        if found {
            self.at += words.split(' ').count();
        }
        found
    }

    /// Passes this word if it comes next; then the others must follow it.
    pub(super) fn accept_then(&mut self, word: &str, others: &str) -> Result<bool> {
        let found = self.accept(word);
        if found {
            self.expect(others)?;
        }
        Ok(found)
    }

    /// Passes the first of these words that comes next, and gives it.
    pub(super) fn accept_any<'w>(&mut self, words: &[&'w str]) -> Option<&'w str> {
        words.iter().copied().find(|word| self.accept(word))
    }

    /// Passes these words (separated by spaces), which must come next.
    pub(super) fn expect(&mut self, words: &str) -> Result<()> {
        for word in words.split(' ') {
            if !self.accept(word) {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    /// Whether this symbol comes next.
    pub(super) fn is_symbol(&self, symbol: Symbol) -> bool {
        self.peek().kind == Kind::Symbol(symbol)
    }

    /// Passes this symbol if it comes next.
    pub(super) fn accept_symbol(&mut self, symbol: Symbol) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    /// Passes this symbol, which must come next.
    pub(super) fn expect_symbol(&mut self, symbol: Symbol) -> Result<()> {
        if self.accept_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Whether this operator comes next.
    pub(super) fn is_operator(&self, operator: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Operator && self.text(token) == operator
    }

    /// Passes this operator if it comes next.
    pub(super) fn accept_operator(&mut self, operator: &str) -> bool {
        let found = self.is_operator(operator);
        self.at += usize::from(found);
        found
    }

    /// The end of the statement, which must come next.
    pub(super) fn expect_end(&self) -> Result<()> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The syntax error of the next token.
    pub(super) fn unexpected(&self) -> SqlError {
        self.unexpected_at(self.at)
    }

    /// The syntax error of a token.
    pub(super) fn unexpected_at(&self, at: usize) -> SqlError {
        let token = self.source.tokens.tokens[at];
        if token.kind == Kind::End {
            if let Some(lexical) = &self.source.tokens.error {
                return lexical.clone();
            }
            let end = self.source.sql.len();
            return SqlError::new(SqlState::SYNTAX_ERROR, "syntax error at end of input")
                .with_position(position(self.source.sql, end));
        }
        let text = self.text(token);
        SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{text}\""))
            .with_position(self.position(at))
    }

    /// An error about a token.
    pub(super) fn error_at(
        &self,
        at: usize,
        code: SqlState,
        message: impl Into<String>,
    ) -> SqlError {
        SqlError::new(code, message).with_position(self.position(at))
    }

    /// A token's place in the query string: characters, from one.
    pub(super) fn position(&self, at: usize) -> usize {
        position(self.source.sql, self.source.tokens.tokens[at].start as usize)
    }

    /// The source text from a token up to the last one passed.
    pub(super) fn text_since(&self, start: usize) -> &'a str {
        if self.at <= start {
            return "";
        }
        let tokens = &self.source.tokens.tokens;
        &self.source.sql[tokens[start].start as usize..tokens[self.at - 1].end as usize]
    }

    fn name_if(&mut self, fits: impl Fn(Option<Category>) -> bool) -> Result<String> {
        let token = self.peek();
        let fits = match token.kind {
            Kind::QuotedWord | Kind::UnicodeWord => true,
            Kind::Word => fits(category(self.text(token))),
            _ => false,
        };
        if !fits {
            return Err(self.unexpected());
        }
        let name = value::identifier(token.kind, self.text(token))
            .map_err(|error| error.with_position(self.position(self.at)))?;
        self.at += 1;
        Ok(name)
    }

    /// The name of a column, table or the like (`ColId`).
    pub(super) fn identifier(&mut self) -> Result<String> {
        self.name_if(|category| matches!(category, None | Some(Category::Column)))
    }

    /// A name where any word fits, keywords too (`ColLabel`).
    pub(super) fn label(&mut self) -> Result<String> {
        self.name_if(|_| true)
    }

    /// The name of a function or type.
    pub(super) fn type_or_function(&mut self) -> Result<String> {
        self.name_if(|category| matches!(category, None | Some(Category::TypeOrFunction)))
    }

    /// A name where any word but a reserved one fits (`NonReservedWord`).
    pub(super) fn non_reserved(&mut self) -> Result<String> {
        self.name_if(|category| category != Some(Category::Reserved))
    }

    /// `name`, `schema.name` or `database.schema.name`.
    pub(super) fn qualified_name(&mut self) -> Result<Name> {
        let start = self.at;
        let mut parts = vec![self.identifier()?];
        while self.accept_symbol(Symbol::Dot) {
            parts.push(self.label()?);
        }
        self.name_of(parts, start)
    }

    /// A name of parts.
    pub(super) fn name_of(&self, mut parts: Vec<String>, start: usize) -> Result<Name> {
        match (parts.len(), parts.pop(), parts.pop()) {
            (1, Some(name), None) => Ok(Name::bare(name)),
            (2, Some(name), Some(schema)) => Ok(Name::qualified(schema, name)),
            (3, Some(name), Some(schema)) => {
                let database = parts.pop().unwrap_or_default();
                if self.source.database.is_none_or(|own| own == database) {
                    return Ok(Name::qualified(schema, name));
                }
                let error = elsewhere(&format!("\"{database}.{schema}.{name}\""));
                Err(error.with_position(self.position(start)))
            }
            _ => {
                let text = self.text_since(start);
                let message = format!("improper qualified name (too many dotted names): {text}");
                Err(self.error_at(start, SqlState::SYNTAX_ERROR, message))
            }
        }
    }

    /// One or more of something, with commas between.
    pub(super) fn comma_separated<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept_symbol(Symbol::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `( item, ... )`.
    pub(super) fn parenthesized<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.expect_symbol(Symbol::LeftParen)?;
        let items = self.comma_separated(item)?;
        self.expect_symbol(Symbol::RightParen)?;
        Ok(items)
    }

    /// `(a, b)`, if it comes next.
    pub(super) fn optional_columns(&mut self) -> Result<Option<Vec<String>>> {
        if !self.is_symbol(Symbol::LeftParen) {
            return Ok(None);
        }
        self.parenthesized(Self::identifier).map(Some)
    }

    /// Whether a string constant comes next.
    pub(super) fn is_string(&self) -> bool {
        matches!(
            self.peek().kind,
            Kind::String | Kind::EscapeString | Kind::UnicodeString | Kind::DollarString
        )
    }

    /// A string constant.
    pub(super) fn string(&mut self) -> Result<String> {
        if !self.is_string() {
            return Err(self.unexpected());
        }
        let token = self.peek();
        let value = value::string(token.kind, self.text(token))
            .map_err(|error| error.with_position(self.position(self.at)))?;
        self.at += 1;
        Ok(value.into_owned())
    }

    /// A number without a sign, in decimal form.
    pub(super) fn number(&mut self) -> Result<String> {
        let token = self.peek();
        if token.kind != Kind::Number {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(value::number(self.text(token)).into_owned())
    }

    /// A number with an optional sign.
    pub(super) fn signed_number(&mut self) -> Result<String> {
        if self.accept_operator("-") {
            return Ok(format!("-{}", self.number()?));
        }
        self.accept_operator("+");
        self.number()
    }

    /// A whole number with an optional sign, within 64 bits.
    pub(super) fn integer(&mut self) -> Result<i64> {
        let start = self.at;
        let text = self.signed_number()?;
        text.parse().map_err(|_| {
            if text.contains(['.', 'e', 'E']) {
                return self.unexpected_at(self.at - 1);
            }
            let message = format!("value \"{text}\" is out of range for type bigint");
            self.error_at(start, SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
        })
    }

    /// `IF EXISTS`, if it comes next.
    pub(super) fn if_exists(&mut self) -> bool {
        self.accept_all("if exists")
    }

    /// `IF NOT EXISTS`, if it comes next.
    pub(super) fn if_not_exists(&mut self) -> bool {
        self.accept_all("if not exists")
    }

    /// `CASCADE` or `RESTRICT`, if one comes next; whether it was CASCADE.
    pub(super) fn cascade(&mut self) -> bool {
        self.accept_any(&["cascade", "restrict"]) == Some("cascade")
    }
}
