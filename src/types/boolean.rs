//! `boolean`.

use super::{PgType, errors};
use crate::base::Result;

/// Reads `true`, `f`, `YES`, `off`, `1`: any unambiguous beginning of a word, in any case.
pub(super) fn parse(text: &str) -> Result<bool> {
    let word = text.trim_ascii();
    let begins = |whole: &str, least: usize| {
        word.len() >= least
            && word.len() <= whole.len()
            && whole.as_bytes()[..word.len()].eq_ignore_ascii_case(word.as_bytes())
    };
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" {
        Ok(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(errors::invalid_syntax(&PgType::Bool, text))
    }
}
