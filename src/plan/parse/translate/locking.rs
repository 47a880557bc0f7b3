//! `FOR UPDATE` and the like: sqlparser reads them after LIMIT only, of one table each, and knows no
//! `KEY`.

use super::Translation;
use crate::base::Result;
use crate::plan::parse::token::{Kind, Symbol};

impl Translation<'_> {
    /// `UPDATE` or `SHARE` after the FOR at hand, and how many words tell it.
    pub(super) fn lock_strength(&self) -> Option<(&'static str, usize)> {
        let is = |ahead: usize, word: &str| self.is_word(self.at + ahead, word);
        let no_key = is(1, "no") && is(2, "key") && is(3, "update");
        let key = is(1, "key") && is(2, "share");
        match () {
            () if is(1, "update") => Some(("UPDATE", 1)),
            () if is(1, "share") => Some(("SHARE", 1)),
            () if no_key => Some(("UPDATE", 3)),
            () if key => Some(("SHARE", 2)),
            () => None,
        }
    }

    /// A locking clause. sqlparser reads it after LIMIT only, and of one table only.
    pub(super) fn locking(&mut self, strength: &'static str, words: usize) -> Result<()> {
        let start = self.out.len();
        let begin = |translation: &mut Self| {
            translation.push_keyword("FOR");
            translation.push_keyword(strength);
        };
        begin(self);
        self.at += words;
        if self.is_word(self.at + 1, "of") {
            self.at += 1;
            loop {
                self.push_keyword("OF");
                self.at += 1;
                let token = self.token(self.at);
                if !matches!(token.kind, Kind::Word | Kind::QuotedWord | Kind::UnicodeWord) {
                    return Err(self.cursor.unexpected_at(self.at));
                }
                self.word(token)?;
                if self.kind(self.at + 1) != Kind::Symbol(Symbol::Comma) {
                    break;
                }
                self.at += 1;
                begin(self);
            }
        }
        if self.is_word(self.at + 1, "nowait") {
            self.at += 1;
        } else if self.is_word(self.at + 1, "skip") && self.is_word(self.at + 2, "locked") {
            self.at += 2;
        }
        let clause = self.out.split_off(start);
        self.scope().locking.extend(clause);
        Ok(())
    }

    /// The query of the scope at hand has come to its end.
    pub(super) fn end_query(&mut self) {
        let locking = std::mem::take(&mut self.scope().locking);
        self.out.extend(locking);
    }
}
