//! Reads the text of an SQL/JSON path: `strict $.tags[*] ? (@ starts with "a" && $min < @.size())`.

use crate::base::{Result, SqlError, SqlState};
use crate::types::json;

/// How deep parentheses and filters may nest: parser and evaluation recurse that deep.
const DEPTH_MAX: usize = 100;

/// A path, ready to be evaluated.
#[derive(Debug, PartialEq)]
pub(super) struct Path {
    /// Whether what the document lacks is an error.
    pub(super) strict: bool,
    pub(super) root: Node,
}

/// An expression or a predicate.
#[derive(Debug, PartialEq)]
pub(super) enum Node {
    /// `$`
    Root,
    /// `@`
    Current,
    /// `last`, inside of a subscript
    Last,
    /// `$name`
    Variable(String),
    /// A scalar, as JSON
    Literal(String),
    /// An expression and the steps behind it
    Steps(Box<Node>, Vec<Step>),
    /// `+` or `-` before an expression
    Sign(char, Box<Node>),
    /// `+`, `-`, `*`, `/` or `%`
    Arithmetic(char, Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    IsUnknown(Box<Node>),
    Exists(Box<Node>),
    StartsWith(Box<Node>, Box<Node>),
    /// An expression, a regular expression, its flags
    LikeRegex(Box<Node>, String, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A step behind an expression.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// `.key`
    Key(String),
    /// `.*`
    AnyKey,
    /// `[*]`
    AnyElement,
    /// `[1, 3 to last]`
    Elements(Vec<(Node, Option<Node>)>),
    /// `.**{from to to}`; no end is as deep as the document is
    Deep(usize, Option<usize>),
    /// `? (predicate)`
    Filter(Node),
    /// `.size()`
    Method(String),
}

impl Node {
    /// Whether it is true, false or unknown, rather than a sequence of items.
    pub(super) fn is_predicate(&self) -> bool {
        matches!(
            self,
            Self::Compare(..)
                | Self::And(..)
                | Self::Or(..)
                | Self::Not(_)
                | Self::IsUnknown(_)
                | Self::Exists(_)
                | Self::StartsWith(..)
                | Self::LikeRegex(..)
        )
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Variable(String),
    Symbol(&'static str),
}

const SYMBOLS: &[&str] = &[
    "**", "&&", "||", "==", "<>", "!=", "<=", ">=", "<", ">", "=", "!", "$", "@", ".", "*", "[",
    "]", "(", ")", "{", "}", ",", "?", "+", "-", "/", "%",
];

fn syntax(near: Option<&str>) -> SqlError {
    let message = match near {
        Some(near) => format!("syntax error at or near \"{near}\" of jsonpath input"),
        None => "syntax error at end of jsonpath input".to_owned(),
    };
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Text(text) | Self::Number(text) => text.clone(),
            Self::Variable(name) => format!("${name}"),
            Self::Symbol(symbol) => (*symbol).to_owned(),
        }
    }
}

/// Whether a character may stand in a name without quotes.
fn in_name(c: char) -> bool {
    !c.is_whitespace() && !"?%$.[]{}()|&!=<>@#,*:-+/\\\"".contains(c)
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let (token, after) = if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment.find("*/").ok_or_else(|| syntax(None))?;
            rest = comment[end + 2..].trim_start();
            continue;
        } else if c == '"' {
            let (content, after) = quoted(rest)?;
            (Token::Text(content), after)
        } else if let Some(named) = rest.strip_prefix('$')
            && named.starts_with(|c: char| c == '"' || in_name(c))
        {
            let (name, after) = match named.starts_with('"') {
                true => quoted(named)?,
                false => name(named),
            };
            (Token::Variable(name), after)
        } else if c.is_ascii_digit()
            || c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            number(rest)?
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            (Token::Symbol(symbol), &rest[symbol.len()..])
        } else if in_name(c) {
            let (name, after) = name(rest);
            (Token::Word(name), after)
        } else {
            return Err(syntax(Some(&rest[..c.len_utf8()])));
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn name(text: &str) -> (String, &str) {
    let end = text.find(|c| !in_name(c)).unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

/// A string with its quotes at the start of the text.
fn quoted(text: &str) -> Result<(String, &str)> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at) {
            None => return Err(syntax(None)),
            Some(b'"') => break,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
    Ok((json::unquote(&text[..=at])?, &text[at + 1..]))
}

fn number(text: &str) -> Result<(Token, &str)> {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1) != Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    if let Some(c) = text[end..].chars().next()
        && in_name(c)
    {
        return Err(SqlError::new(
            SqlState::SYNTAX_ERROR,
            format!(
                "trailing junk after numeric literal at or near \"{}\" of jsonpath input",
                &text[..end + c.len_utf8()]
            ),
        ));
    }
    Ok((Token::Number(text[..end].to_owned()), &text[end..]))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// Reads a path.
pub(super) fn parse(text: &str) -> Result<Path> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    if parser.tokens.is_empty() {
        return Err(SqlError::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type jsonpath: \"{text}\""),
        ));
    }
    let strict = parser.word("strict");
    if !strict {
        parser.word("lax");
    }
    let root = parser.or()?;
    match parser.peek() {
        None => Ok(Path { strict, root }),
        Some(token) => Err(syntax(Some(&token.shown()))),
    }
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token> {
        let token = self.peek().cloned().ok_or_else(|| syntax(None))?;
        self.at += 1;
        Ok(token)
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn unexpected<T>(&self) -> Result<T> {
        Err(syntax(self.peek().map(Token::shown).as_deref()))
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.symbol(symbol) { Ok(()) } else { self.unexpected() }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(SqlError::new(
                SqlState::STATEMENT_TOO_COMPLEX,
                "stack depth limit exceeded",
            )
            .with_detail(format!("A jsonpath may nest {DEPTH_MAX} levels deep.")));
        }
        let found = read(self)?;
        self.depth -= 1;
        Ok(found)
    }

    fn or(&mut self) -> Result<Node> {
        let mut left = self.and()?;
        while self.symbol("||") {
            left = Node::Or(predicate(left)?, predicate(self.and()?)?);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Node> {
        let mut left = self.not()?;
        while self.symbol("&&") {
            left = Node::And(predicate(left)?, predicate(self.not()?)?);
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Node> {
        if self.symbol("!") {
            let inner = self.deeper(Self::not)?;
            return Ok(Node::Not(predicate(inner)?));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Node> {
        let left = self.sum()?;
        if left.is_predicate() {
            return Ok(left);
        }
        if self.word("starts") {
            if !self.word("with") {
                return self.unexpected();
            }
            let initial = match self.next()? {
                Token::Text(text) => Node::Literal(literal(&text)),
                Token::Variable(name) => Node::Variable(name),
                other => return Err(syntax(Some(&other.shown()))),
            };
            return Ok(Node::StartsWith(Box::new(left), Box::new(initial)));
        }
        if self.word("like_regex") {
            return self.like_regex(left);
        }
        let comparison = match self.peek() {
            Some(Token::Symbol("==" | "=")) => Comparison::Equal,
            Some(Token::Symbol("!=" | "<>")) => Comparison::NotEqual,
            Some(Token::Symbol("<")) => Comparison::Less,
            Some(Token::Symbol("<=")) => Comparison::LessOrEqual,
            Some(Token::Symbol(">")) => Comparison::Greater,
            Some(Token::Symbol(">=")) => Comparison::GreaterOrEqual,
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.sum()?;
        Ok(Node::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn like_regex(&mut self, left: Node) -> Result<Node> {
        let Token::Text(pattern) = self.next()? else { return self.unexpected() };
        let mut flags = String::new();
        if self.word("flag") {
            match self.next()? {
                Token::Text(text) => flags = text,
                other => return Err(syntax(Some(&other.shown()))),
            }
        }
        if let Some(flag) = flags.chars().find(|flag| !"ismxq".contains(*flag)) {
            let message = "invalid input syntax for type jsonpath";
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message).with_detail(format!(
                "Unrecognized flag character \"{flag}\" in LIKE_REGEX predicate."
            )));
        }
        Ok(Node::LikeRegex(Box::new(left), pattern, flags))
    }

    fn sum(&mut self) -> Result<Node> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Some(Token::Symbol("+")) => '+',
                Some(Token::Symbol("-")) => '-',
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            left = Node::Arithmetic(operator, Box::new(left), Box::new(right));
        }
    }

    fn product(&mut self) -> Result<Node> {
        let mut left = self.signed()?;
        loop {
            let operator = match self.peek() {
                Some(Token::Symbol("*")) => '*',
                Some(Token::Symbol("/")) => '/',
                Some(Token::Symbol("%")) => '%',
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.signed()?;
            left = Node::Arithmetic(operator, Box::new(left), Box::new(right));
        }
    }

    fn signed(&mut self) -> Result<Node> {
        for sign in ['+', '-'] {
            if self.symbol(sign.encode_utf8(&mut [0; 4])) {
                let inner = self.deeper(Self::signed)?;
                return Ok(Node::Sign(sign, Box::new(inner)));
            }
        }
        self.accessed()
    }

    /// A primary expression with the steps behind it.
    fn accessed(&mut self) -> Result<Node> {
        let base = self.primary()?;
        let mut steps = Vec::new();
        loop {
            if self.symbol(".") {
                steps.push(self.member()?);
            } else if self.symbol("[") {
                steps.push(self.subscript()?);
            } else if self.symbol("?") {
                self.expect("(")?;
                let filter = self.deeper(Self::or)?;
                self.expect(")")?;
                steps.push(Step::Filter(*predicate(filter)?));
            } else {
                break;
            }
        }
        Ok(match steps.is_empty() {
            true => base,
            false => Node::Steps(Box::new(base), steps),
        })
    }

    fn primary(&mut self) -> Result<Node> {
        let start = self.at;
        Ok(match self.next()? {
            Token::Symbol("$") => Node::Root,
            Token::Symbol("@") => Node::Current,
            Token::Variable(name) => Node::Variable(name),
            Token::Text(text) => Node::Literal(literal(&text)),
            Token::Number(text) => Node::Literal(text),
            Token::Word(word) if matches!(word.as_str(), "null" | "true" | "false") => {
                Node::Literal(word)
            }
            Token::Word(word) if word.eq_ignore_ascii_case("last") => Node::Last,
            Token::Word(word) if word.eq_ignore_ascii_case("exists") => {
                self.expect("(")?;
                let inner = self.deeper(Self::sum)?;
                self.expect(")")?;
                Node::Exists(Box::new(inner))
            }
            Token::Symbol("(") => {
                let inner = self.deeper(Self::or)?;
                self.expect(")")?;
                if inner.is_predicate() && self.word("is") {
                    if !self.word("unknown") {
                        return self.unexpected();
                    }
                    return Ok(Node::IsUnknown(Box::new(inner)));
                }
                inner
            }
            _ => {
                self.at = start;
                return self.unexpected();
            }
        })
    }

    /// What follows a point.
    fn member(&mut self) -> Result<Step> {
        if self.symbol("**") {
            return self.levels();
        }
        if self.symbol("*") {
            return Ok(Step::AnyKey);
        }
        match self.next()? {
            Token::Text(key) => Ok(Step::Key(key)),
            Token::Word(word) => {
                if self.symbol("(") {
                    self.expect(")")?;
                    return Ok(Step::Method(word));
                }
                Ok(Step::Key(word))
            }
            // `$` belongs to a name inside of one.
            Token::Variable(name) => Ok(Step::Key(format!("${name}"))),
            other => Err(syntax(Some(&other.shown()))),
        }
    }

    fn levels(&mut self) -> Result<Step> {
        if !self.symbol("{") {
            return Ok(Step::Deep(0, None));
        }
        let from = self.level()?;
        let to = if self.word("to") { self.level()? } else { from };
        self.expect("}")?;
        Ok(Step::Deep(from.unwrap_or(usize::MAX), to))
    }

    /// `None` for `last`.
    fn level(&mut self) -> Result<Option<usize>> {
        match self.next()? {
            Token::Word(word) if word.eq_ignore_ascii_case("last") => Ok(None),
            Token::Number(text) => text.parse().map(Some).map_err(|_| syntax(Some(&text))),
            other => Err(syntax(Some(&other.shown()))),
        }
    }

    fn subscript(&mut self) -> Result<Step> {
        if self.symbol("*") {
            self.expect("]")?;
            return Ok(Step::AnyElement);
        }
        let mut ranges = Vec::new();
        loop {
            let from = self.deeper(Self::sum)?;
            let to = if self.word("to") { Some(self.deeper(Self::sum)?) } else { None };
            ranges.push((from, to));
            if !self.symbol(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(Step::Elements(ranges))
    }
}

fn literal(text: &str) -> String {
    let mut quoted = String::new();
    json::quote(text, &mut quoted);
    quoted
}

/// Where only true or false makes sense.
fn predicate(node: Node) -> Result<Box<Node>> {
    if node.is_predicate() { Ok(Box::new(node)) } else { Err(syntax(None)) }
}
