//! The SQL within PL/pgSQL: texts up to where they end, and `INTO`.

use crate::base::Result;
use crate::plan::parse::cursor::Cursor;
use crate::plan::parse::token::{Kind, Symbol};
use crate::plan::statement::plpgsql::{Into, Target};

impl Cursor<'_> {
    /// The text up to a semicolon, or one of these words, or (with `comma`) a comma, outside of
    /// brackets and of CASE; what ends it is not passed.
    pub(super) fn text_until(&mut self, words: &[&str], comma: bool) -> Result<String> {
        let start = self.at;
        let (mut depth, mut cases) = (0_usize, 0_usize);
        loop {
            let outside = depth == 0 && cases == 0;
            match self.peek().kind {
                Kind::End => return Err(self.unexpected()),
                Kind::Symbol(Symbol::Semicolon) if depth == 0 => break,
                Kind::Symbol(Symbol::Comma) if outside && comma => break,
                Kind::Symbol(Symbol::LeftParen | Symbol::LeftBracket) => depth += 1,
                Kind::Symbol(Symbol::RightParen | Symbol::RightBracket) => {
                    if depth == 0 {
                        return Err(self.unexpected());
                    }
                    depth -= 1;
                }
                Kind::Symbol(Symbol::DotDot) if outside && words.contains(&"..") => break,
                Kind::Word if outside && words.iter().any(|word| self.is(word)) => break,
                Kind::Word if self.is("case") => cases += 1,
                Kind::Word if self.is("end") => cases = cases.saturating_sub(1),
                _ => {}
            }
            self.advance();
        }
        if self.at == start {
            return Err(self.unexpected());
        }
        Ok(self.text_since(start).to_owned())
    }

    /// Whether this token comes before one of those words, outside of brackets.
    pub(super) fn comes_before(&self, symbol: Symbol, word: &str) -> bool {
        let mut ahead = *self;
        let mut depth = 0_usize;
        loop {
            match ahead.peek().kind {
                Kind::End | Kind::Symbol(Symbol::Semicolon) => return false,
                Kind::Symbol(found) if found == symbol && depth == 0 => return true,
                Kind::Symbol(Symbol::LeftParen | Symbol::LeftBracket) => depth += 1,
                Kind::Symbol(Symbol::RightParen | Symbol::RightBracket) => {
                    depth = depth.saturating_sub(1);
                }
                Kind::Word if depth == 0 && ahead.is(word) => return false,
                _ => {}
            }
            ahead.at += 1;
        }
    }

    /// `variable` or `record.field`.
    pub(super) fn variable_name(&mut self) -> Result<Target> {
        let mut parts = vec![self.identifier()?];
        while self.accept_symbol(Symbol::Dot) {
            parts.push(self.label()?);
        }
        Ok(parts)
    }

    /// What follows `INTO`.
    pub(super) fn row_targets(&mut self) -> Result<Into> {
        let strict = self.accept("strict");
        let targets = self.comma_separated(Self::variable_name)?;
        Ok(Into { strict, targets })
    }

    /// A statement of SQL up to its semicolon, and where its row goes.
    pub(super) fn sql_statement(&mut self) -> Result<(String, Option<Into>)> {
        let start = self.at;
        let mut depth = 0_usize;
        // Only these have an INTO of PL/pgSQL's.
        let returns = ["select", "insert", "update", "delete", "merge", "with", "values", "table"];
        let may_go_into =
            returns.iter().any(|word| self.is(word)) || self.is_symbol(Symbol::LeftParen);
        let mut before = "";
        let mut text = String::new();
        let mut from = start;
        let mut into = None;
        loop {
            let token = self.peek();
            match token.kind {
                Kind::End => return Err(self.unexpected()),
                Kind::Symbol(Symbol::Semicolon) if depth == 0 => break,
                Kind::Symbol(Symbol::LeftParen | Symbol::LeftBracket) => depth += 1,
                Kind::Symbol(Symbol::RightParen | Symbol::RightBracket) => {
                    depth = depth.saturating_sub(1);
                }
                Kind::Word
                    if depth == 0
                        && may_go_into
                        && into.is_none()
                        && self.is("into")
                        && !["insert", "merge"].iter().any(|w| before.eq_ignore_ascii_case(w)) =>
                {
                    text.push_str(self.text_since(from));
                    text.push(' ');
                    self.advance();
                    into = Some(self.row_targets()?);
                    from = self.at;
                    before = "";
                    continue;
                }
                _ => {}
            }
            before = self.text(token);
            self.advance();
        }
        text.push_str(self.text_since(from));
        Ok((text, into))
    }
}
