//! `x IS [NOT] JSON [VALUE | OBJECT | ARRAY | SCALAR]`, which sqlparser does not know: an operator of our own
//! between `x` and the kind, as a string.

use sqlparser::tokenizer::Token as SqlToken;

use super::Translation;
use crate::plan::parse::{IS_JSON, IS_NOT_JSON};

impl Translation<'_> {
    /// Translates it from IS on, if that is what it is.
    pub(super) fn is_json(&mut self) -> bool {
        let negated = self.is_word(self.at + 1, "not");
        let mut last = self.at + if negated { 2 } else { 1 };
        if !self.is_word(last, "json") {
            return false;
        }
        let kinds = ["value", "object", "array", "scalar"];
        let kind = kinds.into_iter().find(|kind| self.is_word(last + 1, kind));
        last += usize::from(kind.is_some());
        let operator = if negated { IS_NOT_JSON } else { IS_JSON };
        self.push(SqlToken::CustomBinaryOperator(operator.to_owned()));
        self.at = last;
        self.push(SqlToken::SingleQuotedString(kind.unwrap_or("value").to_owned()));
        true
    }
}
