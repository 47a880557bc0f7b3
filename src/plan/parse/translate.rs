//! Our tokens to sqlparser's: what [`super::bridge`] promises is done here.

mod exclusion;
mod is_json;
mod locking;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token as SqlToken, TokenWithSpan, Word};

use super::bridge::too_deep;
use super::cursor::Cursor;
use super::keyword::{Category, category};
use super::token::{Kind, Symbol, Token};
use super::value;
use crate::base::Result;
use crate::base::limits::{LOGICAL_CHAIN_MAX, OPERATOR_CHAIN_MAX};

pub(crate) use exclusion::EXCLUDE;

/// The tokens from the cursor up to `end`.
pub(super) fn translate(cursor: &Cursor<'_>, end: usize) -> Result<Translated> {
    let mut translation = Translation {
        cursor,
        at: cursor.at,
        end,
        out: Vec::with_capacity(end - cursor.at + 4),
        scopes: vec![Scope::default()],
        unbalanced: false,
        long_names: false,
        characters: 1,
        counted: 0,
    };
    while translation.at < end {
        translation.next()?;
    }
    translation.check_joins()?;
    translation.end_query();
    let Translation { out, unbalanced, long_names, .. } = translation;
    Ok(Translated { tokens: out, unbalanced, long_names })
}

/// Tokens for sqlparser.
pub(super) struct Translated {
    pub(super) tokens: Vec<TokenWithSpan>,
    /// Whether the tree should be balanced.
    pub(super) unbalanced: bool,
    /// Whether there are names of three parts or more.
    pub(super) long_names: bool,
}

/// Shorter rows of `AND` or `OR` stay as they are.
const BALANCED_FROM: usize = 32;

/// What is counted between brackets.
#[derive(Default)]
struct Scope {
    /// Operators in a row: a chain of them makes a tree as deep as it is long.
    operators: usize,
    /// `AND`s and `OR`s in a row.
    logical: usize,
    /// Joins whose condition has not come yet. sqlparser takes them without.
    joins: usize,
    /// Where what is within begins among the tokens that are put out.
    start: usize,
    /// Locking clauses, which come last.
    locking: Vec<TokenWithSpan>,
}

/// Tokens on their way to sqlparser.
struct Translation<'c> {
    cursor: &'c Cursor<'c>,
    /// The token at hand.
    at: usize,
    end: usize,
    out: Vec<TokenWithSpan>,
    /// What is counted within each open bracket.
    scopes: Vec<Scope>,
    /// Whether there is a row of `AND` or `OR` worth balancing.
    unbalanced: bool,
    /// Whether there are names of three parts or more.
    long_names: bool,
    /// Characters up to `counted` bytes of the text.
    characters: u64,
    counted: usize,
}

impl<'c> Translation<'c> {
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
        let place = self.token(self.at);
        let number = self.at as u64 + 1;
        let start = Location::new(number, self.column(place.start as usize));
        let end = Location::new(number, self.column(place.end as usize));
        self.out.push(TokenWithSpan::new(token, Span::new(start, end)));
    }

    /// A byte's column: characters from one.
    fn column(&mut self, byte: usize) -> u64 {
        if self.cursor.source.ascii {
            return byte as u64 + 1;
        }
        if byte < self.counted {
            // A typed literal's tokens go back a little.
            (self.counted, self.characters) = (0, 1);
        }
        self.count_to(byte);
        self.characters
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
                self.refuse_wildcard_alias()?;
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
            Symbol::LeftParen | Symbol::LeftBracket => {
                self.scopes.push(Scope { start: self.out.len() + 1, ..Scope::default() });
            }
            Symbol::RightParen | Symbol::RightBracket if self.scopes.len() > 1 => {
                self.check_joins()?;
                self.end_query();
                self.scopes.pop();
                if symbol == Symbol::RightBracket {
                    self.count_operator()?;
                }
            }
            Symbol::Comma => {
                let scope = self.scope();
                (scope.operators, scope.logical) = (0, 0);
            }
            Symbol::Cast => self.count_operator()?,
            Symbol::Dot if self.at > 1 => {
                self.long_names |= self.kind(self.at - 2) == Kind::Symbol(Symbol::Dot);
            }
            _ => {}
        }
        self.push(token);
        Ok(())
    }

    /// The innermost scope; there is always one.
    fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    fn count_operator(&mut self) -> Result<()> {
        let scope = self.scope();
        scope.operators += 1;
        if scope.operators > OPERATOR_CHAIN_MAX { Err(too_deep()) } else { Ok(()) }
    }

    /// An `AND` or `OR`, which ends a row of tighter operators.
    fn count_logical(&mut self) -> Result<()> {
        let scope = self.scope();
        scope.operators = 0;
        scope.logical += 1;
        let logical = scope.logical;
        self.unbalanced |= logical > BALANCED_FROM;
        if logical > LOGICAL_CHAIN_MAX { Err(too_deep()) } else { Ok(()) }
    }

    /// `SELECT * FORM t`: sqlparser reads an alias, PostgreSQL has none here.
    fn refuse_wildcard_alias(&self) -> Result<()> {
        let alias = match self.kind(self.at + 1) {
            Kind::Word => category(self.text(self.at + 1)).is_none(),
            Kind::QuotedWord | Kind::UnicodeWord => true,
            _ => false,
        };
        if !alias || self.text(self.at) != "*" {
            return Ok(());
        }
        let wildcard = self.at == self.cursor.at
            || matches!(self.kind(self.at - 1), Kind::Symbol(Symbol::Comma | Symbol::Dot))
            || ["select", "all", "distinct"].iter().any(|word| self.is_word(self.at - 1, word));
        if wildcard { Err(self.cursor.unexpected_at(self.at + 1)) } else { Ok(()) }
    }

    /// Whether a word can't be the last one of its scope, or before another clause, as here.
    fn lacks_operand(&self, keyword: Keyword) -> bool {
        let next = self.at + 1;
        match keyword {
            Keyword::FROM => self.is_word(next, "from") || self.is_word(next, "where"),
            _ => matches!(self.kind(next), Kind::End | Kind::Symbol(Symbol::RightParen)),
        }
    }

    /// Whether each join of the scope that ends here had its condition.
    fn check_joins(&mut self) -> Result<()> {
        if self.scope().joins == 0 {
            return Ok(());
        }
        Err(self.cursor.unexpected_at(self.at))
    }

    /// `CROSS JOIN`, `NATURAL [LEFT [OUTER]] JOIN`.
    fn is_unconditional_join(&self) -> bool {
        let from = self.at.saturating_sub(3).max(self.cursor.at);
        (from..self.at).any(|at| self.is_word(at, "cross") || self.is_word(at, "natural"))
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
            Keyword::FROM | Keyword::NOT if self.lacks_operand(word.keyword) => {
                return Err(self.cursor.unexpected_at(self.at + 1));
            }
            Keyword::AND | Keyword::OR => self.count_logical()?,
            Keyword::IS if self.is_json() => return Ok(()),
            Keyword::NOT
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::IS
            | Keyword::AT
            | Keyword::COLLATE => self.count_operator()?,
            Keyword::JOIN if !self.is_unconditional_join() => {
                self.count_operator()?;
                self.scope().joins += 1;
            }
            Keyword::ON | Keyword::USING => {
                let scope = self.scope();
                scope.joins = scope.joins.saturating_sub(1);
            }
            Keyword::TABLE if self.at > self.cursor.at && self.is_word(self.at - 1, "as") => {
                word.keyword = Keyword::NoKeyword;
            }
            Keyword::TABLE => {
                self.push_keyword("SELECT");
                self.push(SqlToken::Mul);
                self.push_keyword("FROM");
                return Ok(());
            }
            Keyword::ONLY if self.is_inheritance() => return Ok(()),
            Keyword::OPERATOR if self.qualified_operator()? => return Ok(()),
            Keyword::FOR if let Some((strength, words)) = self.lock_strength() => {
                return self.locking(strength, words);
            }
            Keyword::EXCLUDE if let Some((what, words)) = self.exclusion() => {
                self.exclude(what, words);
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
        let other_precedence = matches!(
            text,
            "+" | "-" | "*" | "/" | "%" | "^" | "=" | "<" | ">" | "<=" | ">=" | "<>" | "!="
        );
        // Before ANY (..), which sqlparser takes behind plain operators only, it makes no difference.
        let next = self.text(at + 2);
        let quantified = ["any", "all", "some"].iter().any(|word| next.eq_ignore_ascii_case(word));
        if other_precedence && !quantified {
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
                // Before a constant it is of as many bits as that has, quoted too.
                _ if self.is_word(self.at, "bit") && self.at + 1 == literal => {
                    self.push(SqlToken::make_word("bit", Some('"')));
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
        "bit",
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
