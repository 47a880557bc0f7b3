//! `EXCLUDE ..` at the end of a window's frame, which sqlparser does not read: a constant that the window
//! is partitioned by says it until the window is planned ([`crate::plan::query`]).

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token as SqlToken, TokenWithSpan};

use super::Translation;
use crate::plan::parse::token::{Kind, Symbol};

/// How the constant begins; what is left out follows.
pub(crate) const EXCLUDE: &str = "redkite exclude ";

impl Translation<'_> {
    /// What the EXCLUDE at hand leaves out, and how many words tell it.
    pub(super) fn exclusion(&self) -> Option<(&'static str, usize)> {
        let is = |at: usize, word: &str| self.is_word(at, word);
        let frame = ["row", "following", "preceding"];
        if self.at == self.cursor.at || !frame.iter().any(|word| is(self.at - 1, word)) {
            return None;
        }
        let next = self.at + 1;
        let found = match () {
            () if is(next, "current") && is(next + 1, "row") => ("current row", 2),
            () if is(next, "no") && is(next + 1, "others") => ("no others", 2),
            () if is(next, "group") => ("group", 1),
            () if is(next, "ties") => ("ties", 1),
            () => return None,
        };
        let end = self.kind(next + found.1);
        (end == Kind::Symbol(Symbol::RightParen)).then_some(found)
    }

    /// Notes what a frame leaves out among what its window is partitioned by.
    pub(super) fn exclude(&mut self, what: &'static str, words: usize) {
        let start = self.scope().start;
        self.at += words;
        let Some(span) = self.out.last().map(|token| token.span).filter(|_| what != "no others")
        else {
            return;
        };
        let is = |token: &TokenWithSpan, keyword: Keyword| matches!(&token.token, SqlToken::Word(word) if word.keyword == keyword);
        let mut depth = 0_usize;
        let mut partition = None;
        for (at, token) in self.out.iter().enumerate().skip(start) {
            match &token.token {
                SqlToken::LParen => depth += 1,
                SqlToken::RParen => depth = depth.saturating_sub(1),
                _ if depth == 0 && is(token, Keyword::PARTITION) => partition = Some(at),
                _ => {}
            }
        }
        let constant = SqlToken::SingleQuotedString(format!("{EXCLUDE}{what}"));
        // In parentheses: DataFusion forgets a bare constant.
        let constant = [SqlToken::LParen, constant, SqlToken::RParen];
        let (at, tokens) = match partition {
            Some(at) => (at + 2, constant.into_iter().chain([SqlToken::Comma]).collect::<Vec<_>>()),
            None => {
                // Behind the name of another window, if one comes first.
                let named = self.out.get(start).is_some_and(|token| is(token, Keyword::NoKeyword));
                let partition_by =
                    [Keyword::PARTITION, Keyword::BY].map(|word| format!("{word:?}"));
                let words = partition_by.map(|word| SqlToken::make_keyword(&word));
                (start + usize::from(named), words.into_iter().chain(constant).collect())
            }
        };
        let tokens = tokens.into_iter().map(|token| TokenWithSpan::new(token, span));
        self.out.splice(at..at, tokens);
    }
}
