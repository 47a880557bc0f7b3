//! To sqlparser and back. Queries and expressions are read by sqlparser, since DataFusion plans
//! its trees; it gets our tokens rather than text, with what it would misread set right:
//!
//! - `<=>` and `<+>` are operators like any other, at PostgreSQL's precedence;
//! - `type 'literal'` becomes `CAST('literal' AS type)`, which is what it means;
//! - `OPERATOR(schema.<->)` becomes the operator;
//! - `TABLE t` becomes `SELECT * FROM t`; `FOR NO KEY UPDATE` loses what has no meaning here;
//! - words that only other systems reserve are plain names.
//!
//! A token's span holds its number (`line`) and its character within the query string
//! (`column`), so that errors and later layers find the place again.

use sqlparser::ast;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token as SqlToken, TokenWithSpan, Word};

use super::cursor::Cursor;
use super::keyword::{Category, category};
use super::token::{Kind, Symbol, Token};
use super::value;
use crate::base::limits::{EXPRESSION_DEPTH_MAX, OPERATOR_CHAIN_MAX};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::{Expression, Locking, Query};

static DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

impl Cursor<'_> {
    /// Reads as much as sqlparser's `read` takes, up to `end`.
    fn delegate<T>(
        &mut self,
        end: usize,
        read: fn(&mut Parser<'static>) -> Result<T, ParserError>,
    ) -> Result<T> {
        let tokens = Translation::of(self, end)?;
        let mut parser: Parser<'static> = Parser::new(&DIALECT)
            .with_recursion_limit(EXPRESSION_DEPTH_MAX)
            .with_tokens_with_locations(tokens);
        let result = read(&mut parser);
        match result {
            Ok(tree) => {
                self.at = token_number(parser.peek_token_ref().span.start.line).unwrap_or(end);
                Ok(tree)
            }
            Err(error) => Err(self.delegated_error(&error, end)),
        }
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
        self.unexpected_at(line.and_then(token_number).unwrap_or(end).min(end))
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
        let mut tokens = Translation::of(self, end)?;
        let span = tokens.last().map_or(Span::empty(), |token| token.span);
        for token in [SqlToken::make_keyword("SELECT"), SqlToken::Number("1".to_owned(), false)] {
            tokens.push(TokenWithSpan::new(token, span));
        }
        let mut parser: Parser<'static> = Parser::new(&DIALECT)
            .with_recursion_limit(EXPRESSION_DEPTH_MAX)
            .with_tokens_with_locations(tokens);
        let query = parser.parse_query().map_err(|error| self.delegated_error(&error, end))?;
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

fn too_deep() -> SqlError {
    SqlError::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").with_hint(format!(
        "Expressions may be nested {EXPRESSION_DEPTH_MAX} deep, and chains of operators \
                 may have {OPERATOR_CHAIN_MAX} members; long lists of values belong into IN or \
                 ANY."
    ))
}

/// Takes the locking clauses out of the tree, where DataFusion would ignore them silently.
fn take_locking(query: &mut ast::Query) -> Option<Locking> {
    let locks = std::mem::take(&mut query.locks);
    locks.into_iter().fold(None, |sum: Option<Locking>, lock| {
        let sum = sum.unwrap_or(Locking { update: false, skip_locked: false, no_wait: false });
        Some(Locking {
            update: sum.update || lock.lock_type == ast::LockType::Update,
            skip_locked: sum.skip_locked || lock.nonblock == Some(ast::NonBlock::SkipLocked),
            no_wait: sum.no_wait || lock.nonblock == Some(ast::NonBlock::Nowait),
        })
    })
}

/// Tokens on their way to sqlparser.
struct Translation<'c> {
    cursor: &'c Cursor<'c>,
    /// The token at hand.
    at: usize,
    end: usize,
    out: Vec<TokenWithSpan>,
    /// Operators in a row, one counter for each open bracket.
    chains: Vec<usize>,
    /// Characters up to `counted` bytes of the text.
    characters: u64,
    counted: usize,
}

impl<'c> Translation<'c> {
    fn of(cursor: &'c Cursor<'_>, end: usize) -> Result<Vec<TokenWithSpan>> {
        let mut translation = Translation {
            cursor,
            at: cursor.at,
            end,
            out: Vec::with_capacity(end - cursor.at + 4),
            chains: vec![0],
            characters: 1,
            counted: 0,
        };
        while translation.at < end {
            translation.next()?;
        }
        Ok(translation.out)
    }

    fn token(&self, at: usize) -> Token {
        self.cursor.source.tokens.tokens[at.min(self.end)]
    }

    fn text(&self, at: usize) -> &'c str {
        self.cursor.text(self.token(at))
    }

    fn kind(&self, at: usize) -> Kind {
        if at < self.end { self.token(at).kind } else { Kind::End }
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        self.kind(at) == Kind::Word && self.text(at).eq_ignore_ascii_case(word)
    }

    fn count_to(&mut self, byte: usize) {
        let between = &self.cursor.source.sql.as_bytes()[self.counted..byte];
        self.characters += between.iter().filter(|b| (**b & 0xC0) != 0x80).count() as u64;
        self.counted = byte;
    }

    /// Puts out a token in the place of the one at hand.
    fn push(&mut self, token: SqlToken) {
        let place = self.token(self.at).start as usize;
        let column = if self.cursor.source.ascii {
            place as u64 + 1
        } else {
            if place > self.counted {
                self.count_to(place);
            }
            self.characters
        };
        let location = Location::new(self.at as u64 + 1, column);
        self.out.push(TokenWithSpan::new(token, Span::new(location, location)));
    }

    fn push_keyword(&mut self, keyword: &str) {
        self.push(SqlToken::make_keyword(keyword));
    }

    /// Translates the token at hand, and those that belong to it.
    fn next(&mut self) -> Result<()> {
        let token = self.token(self.at);
        match token.kind {
            Kind::Word | Kind::QuotedWord | Kind::UnicodeWord => {
                if let Some(literal) = self.typed_literal() {
                    return self.cast(literal);
                }
                self.word(token)?;
            }
            Kind::Symbol(symbol) => self.symbol(symbol)?,
            Kind::Operator => {
                self.count_operator()?;
                let operator = operator(self.text(self.at));
                self.push(operator);
            }
            Kind::Number => {
                let number = value::number(self.text(self.at)).into_owned();
                self.push(SqlToken::Number(number, false));
            }
            Kind::Parameter => {
                let text = self.text(self.at).to_owned();
                self.push(SqlToken::Placeholder(text));
            }
            Kind::BitString => {
                let text = self.string()?;
                self.push(SqlToken::SingleQuotedByteStringLiteral(text));
            }
            Kind::HexString => {
                let text = self.string()?;
                self.push(SqlToken::HexStringLiteral(text));
            }
            Kind::String | Kind::EscapeString | Kind::UnicodeString | Kind::DollarString => {
                let text = self.string()?;
                self.push(SqlToken::SingleQuotedString(text));
            }
            Kind::End => {}
        }
        self.at += 1;
        Ok(())
    }

    fn string(&self) -> Result<String> {
        value::string(self.token(self.at).kind, self.text(self.at))
            .map(std::borrow::Cow::into_owned)
            .map_err(|error| error.with_position(self.cursor.position(self.at)))
    }

    fn symbol(&mut self, symbol: Symbol) -> Result<()> {
        let token = match symbol {
            Symbol::LeftParen => SqlToken::LParen,
            Symbol::RightParen => SqlToken::RParen,
            Symbol::LeftBracket => SqlToken::LBracket,
            Symbol::RightBracket => SqlToken::RBracket,
            Symbol::Comma => SqlToken::Comma,
            Symbol::Semicolon => SqlToken::SemiColon,
            Symbol::Dot => SqlToken::Period,
            Symbol::Colon => SqlToken::Colon,
            Symbol::Cast => SqlToken::DoubleColon,
            Symbol::Assign => SqlToken::Assignment,
            Symbol::Arrow => SqlToken::RArrow,
            Symbol::DotDot => return Err(self.cursor.unexpected_at(self.at)),
        };
        match symbol {
            Symbol::LeftParen | Symbol::LeftBracket => self.chains.push(0),
            Symbol::RightParen | Symbol::RightBracket if self.chains.len() > 1 => {
                self.chains.pop();
                if symbol == Symbol::RightBracket {
                    self.count_operator()?;
                }
            }
            Symbol::Comma => {
                if let Some(chain) = self.chains.last_mut() {
                    *chain = 0;
                }
            }
            Symbol::Cast => self.count_operator()?,
            _ => {}
        }
        self.push(token);
        Ok(())
    }

    /// A chain of operators makes a tree as deep as it is long.
    fn count_operator(&mut self) -> Result<()> {
        let Some(chain) = self.chains.last_mut() else { return Ok(()) };
        *chain += 1;
        if *chain > OPERATOR_CHAIN_MAX { Err(too_deep()) } else { Ok(()) }
    }

    fn word(&mut self, token: Token) -> Result<()> {
        let text = self.text(self.at);
        if token.kind == Kind::Word && text.is_ascii() {
            return self.plain_word(text);
        }
        let value = value::identifier(token.kind, text)
            .map_err(|error| error.with_position(self.cursor.position(self.at)))?;
        self.push(SqlToken::Word(Word {
            value,
            quote_style: Some('"'),
            keyword: Keyword::NoKeyword,
        }));
        Ok(())
    }

    fn plain_word(&mut self, text: &str) -> Result<()> {
        let value = value::identifier(Kind::Word, text)?;
        let SqlToken::Word(mut word) = SqlToken::make_word(&value, None) else { return Ok(()) };
        match word.keyword {
            Keyword::AND
            | Keyword::OR
            | Keyword::NOT
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::JOIN
            | Keyword::IS
            | Keyword::AT
            | Keyword::COLLATE => self.count_operator()?,
            Keyword::TABLE => {
                self.push_keyword("SELECT");
                self.push(SqlToken::Mul);
                self.push_keyword("FROM");
                return Ok(());
            }
            Keyword::ONLY if self.is_inheritance() => return Ok(()),
            Keyword::OPERATOR if self.qualified_operator()? => return Ok(()),
            Keyword::FOR if self.is_word(self.at + 1, "no") && self.is_word(self.at + 2, "key") => {
                self.push(SqlToken::Word(word));
                self.at += 2;
                return Ok(());
            }
            Keyword::FOR if self.is_word(self.at + 1, "key") => {
                self.push(SqlToken::Word(word));
                self.at += 1;
                return Ok(());
            }
            keyword if self.is_plain_name(keyword) => word.keyword = Keyword::NoKeyword,
            _ => {}
        }
        self.push(SqlToken::Word(word));
        Ok(())
    }

    /// `FROM ONLY t`: there is no inheritance, so it says nothing. (`FETCH .. ROWS ONLY` does.)
    fn is_inheritance(&self) -> bool {
        self.at > self.cursor.at
            && (["from", "join", "using"].iter().any(|word| self.is_word(self.at - 1, word))
                || self.kind(self.at - 1) == Kind::Symbol(Symbol::Comma))
    }

    /// Words that sqlparser reserves for other systems' syntax.
    fn is_plain_name(&self, keyword: Keyword) -> bool {
        match keyword {
            Keyword::SORT
            | Keyword::TOP
            | Keyword::MINUS
            | Keyword::DISTRIBUTE
            | Keyword::OUTPUT
            | Keyword::ASOF
            | Keyword::MATCH_CONDITION
            | Keyword::PREWHERE
            | Keyword::SETTINGS
            | Keyword::FORMAT
            | Keyword::CONNECT
            | Keyword::START
            | Keyword::MATCH_RECOGNIZE
            | Keyword::SAMPLE
            | Keyword::OPEN
            | Keyword::CLUSTER
            | Keyword::VIEW
            | Keyword::GLOBAL
            | Keyword::EXPLAIN
            | Keyword::CONVERT
            | Keyword::STRUCT
            | Keyword::MAP
            | Keyword::PRIOR
            | Keyword::LAMBDA
            | Keyword::MATCH => true,
            Keyword::SEMI | Keyword::ANTI => !self.is_word(self.at + 1, "join"),
            Keyword::PARTITION => !self.is_word(self.at + 1, "by"),
            Keyword::PIVOT | Keyword::UNPIVOT => {
                self.kind(self.at + 1) != Kind::Symbol(Symbol::LeftParen)
            }
            _ => false,
        }
    }

    /// `OPERATOR(schema.<->)` to the operator itself, where its precedence is the same.
    fn qualified_operator(&mut self) -> Result<bool> {
        let mut at = self.at + 1;
        if self.kind(at) != Kind::Symbol(Symbol::LeftParen) {
            return Ok(false);
        }
        at += 1;
        while self.kind(at) == Kind::Word && self.kind(at + 1) == Kind::Symbol(Symbol::Dot) {
            at += 2;
        }
        if self.kind(at) != Kind::Operator || self.kind(at + 1) != Kind::Symbol(Symbol::RightParen)
        {
            return Ok(false);
        }
        let text = self.text(at);
        if matches!(
            text,
            "+" | "-" | "*" | "/" | "%" | "^" | "=" | "<" | ">" | "<=" | ">=" | "<>" | "!="
        ) {
            return Ok(false);
        }
        self.count_operator()?;
        self.push(operator(text));
        self.at = at + 1;
        Ok(true)
    }

    /// Where the constant of `type 'constant'` stands, if that is what starts here.
    fn typed_literal(&self) -> Option<usize> {
        let mut at = self.at + 1;
        match self.kind(at) {
            Kind::Symbol(Symbol::Dot | Symbol::LeftParen) => {}
            kind if is_string(kind) => {}
            _ => return None,
        }
        let preceded = self.at > self.cursor.at
            && matches!(self.kind(self.at - 1), Kind::Symbol(Symbol::Dot | Symbol::Cast));
        if preceded || (self.kind(self.at) == Kind::Word && !names_type(self.text(self.at))) {
            return None;
        }
        if self.kind(at) == Kind::Symbol(Symbol::Dot) {
            if !matches!(self.kind(at + 1), Kind::Word | Kind::QuotedWord) {
                return None;
            }
            at += 2;
        }
        if self.kind(at) == Kind::Symbol(Symbol::LeftParen) {
            at += 1;
            while matches!(self.kind(at), Kind::Number | Kind::Symbol(Symbol::Comma)) {
                at += 1;
            }
            if self.kind(at) != Kind::Symbol(Symbol::RightParen) {
                return None;
            }
            at += 1;
        }
        is_string(self.kind(at)).then_some(at)
    }

    /// `type 'constant'` as a cast.
    fn cast(&mut self, literal: usize) -> Result<()> {
        let start = self.at;
        self.push_keyword("CAST");
        self.push(SqlToken::LParen);
        self.at = literal;
        let text = self.string()?;
        self.push(SqlToken::SingleQuotedString(text));
        self.at = start;
        self.push_keyword("AS");
        while self.at < literal {
            let token = self.token(self.at);
            match token.kind {
                Kind::Symbol(symbol) => self.symbol(symbol)?,
                Kind::Number => {
                    let number = self.text(self.at).to_owned();
                    self.push(SqlToken::Number(number, false));
                }
                _ => self.word(token)?,
            }
            self.at += 1;
        }
        self.push(SqlToken::RParen);
        self.at = literal + 1;
        Ok(())
    }
}

fn is_string(kind: Kind) -> bool {
    matches!(kind, Kind::String | Kind::EscapeString | Kind::UnicodeString | Kind::DollarString)
}

/// Whether a word before a string constant can be that constant's type. Unreserved keywords
/// that have a constant after them in the grammar can't; neither can `interval` and the types
/// of several words, which sqlparser reads itself.
fn names_type(word: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "escape",
        "zone",
        "by",
        "range",
        "rows",
        "groups",
        "key",
        "value",
        "path",
        "document",
        "uescape",
        "format",
        "varying",
        "precision",
        "double",
        "like",
        "set",
        "to",
    ];
    const TYPES: &[&str] = &[
        "int",
        "integer",
        "smallint",
        "bigint",
        "real",
        "float",
        "numeric",
        "decimal",
        "dec",
        "boolean",
        "char",
        "character",
        "varchar",
        "json",
        "time",
        "timestamp",
    ];
    match category(word) {
        None => !KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)),
        Some(Category::Column) => TYPES.iter().any(|ty| word.eq_ignore_ascii_case(ty)),
        Some(Category::Reserved | Category::TypeOrFunction) => false,
    }
}

/// sqlparser's token of an operator.
fn operator(text: &str) -> SqlToken {
    match text {
        "=" => SqlToken::Eq,
        "<>" | "!=" => SqlToken::Neq,
        "<" => SqlToken::Lt,
        ">" => SqlToken::Gt,
        "<=" => SqlToken::LtEq,
        ">=" => SqlToken::GtEq,
        "+" => SqlToken::Plus,
        "-" => SqlToken::Minus,
        "*" => SqlToken::Mul,
        "/" => SqlToken::Div,
        "%" => SqlToken::Mod,
        "^" => SqlToken::Caret,
        "|" => SqlToken::Pipe,
        "&" => SqlToken::Ampersand,
        "#" => SqlToken::Sharp,
        "~" => SqlToken::Tilde,
        "!" => SqlToken::ExclamationMark,
        "!!" => SqlToken::DoubleExclamationMark,
        "@" => SqlToken::AtSign,
        "?" => SqlToken::Question,
        "||" => SqlToken::StringConcat,
        "<<" => SqlToken::ShiftLeft,
        ">>" => SqlToken::ShiftRight,
        "&&" => SqlToken::Overlap,
        "~*" => SqlToken::TildeAsterisk,
        "!~" => SqlToken::ExclamationMarkTilde,
        "!~*" => SqlToken::ExclamationMarkTildeAsterisk,
        "~~" => SqlToken::DoubleTilde,
        "~~*" => SqlToken::DoubleTildeAsterisk,
        "!~~" => SqlToken::ExclamationMarkDoubleTilde,
        "!~~*" => SqlToken::ExclamationMarkDoubleTildeAsterisk,
        "^@" => SqlToken::CaretAt,
        "|/" => SqlToken::PGSquareRoot,
        "||/" => SqlToken::PGCubeRoot,
        "->" => SqlToken::Arrow,
        "->>" => SqlToken::LongArrow,
        "#>" => SqlToken::HashArrow,
        "#>>" => SqlToken::HashLongArrow,
        "#-" => SqlToken::HashMinus,
        "@>" => SqlToken::AtArrow,
        "<@" => SqlToken::ArrowAt,
        "@?" => SqlToken::AtQuestion,
        "@@" => SqlToken::AtAt,
        "?&" => SqlToken::QuestionAnd,
        "?|" => SqlToken::QuestionPipe,
        "<->" => SqlToken::TwoWayArrow,
        _ => SqlToken::CustomBinaryOperator(text.to_owned()),
    }
}
