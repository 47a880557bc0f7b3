//! Expressions are shown with one pair of parentheses around them, however many they were written
//! with: what is shown, run and shown again stays the same.

/// An expression without the parentheses around the whole of it.
pub(super) fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = inside(text) {
        text = inner;
    }
    text
}

/// An expression in one pair of parentheses.
pub(super) fn enclosed(text: &str) -> String {
    format!("({})", bare(text))
}

/// Whether an expression is a call and nothing else.
pub(super) fn is_call(text: &str) -> bool {
    let Some(start) = text.find('(') else { return false };
    let (name, arguments) = text.split_at(start);
    let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'"');
    !name.is_empty() && name.bytes().all(part) && one_pair(arguments).is_some()
}

/// What is within the parentheses, if they hold the whole text and say nothing: those of a row or of
/// a subquery do.
fn inside(text: &str) -> Option<&str> {
    let Pair { inner, list } = one_pair(text)?;
    let inner = inner.trim();
    let begins = |word: &str| inner.get(..word.len()).is_some_and(|b| b.eq_ignore_ascii_case(word));
    let query = ["select", "with", "values", "table"].iter().any(|word| begins(word));
    (!list && !inner.is_empty() && !query).then_some(inner)
}

/// A text in parentheses.
struct Pair<'a> {
    inner: &'a str,
    /// Whether there are commas between its parts.
    list: bool,
}

/// A text whose first parenthesis its last one closes.
fn one_pair(text: &str) -> Option<Pair<'_>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    // Where quotes end is not worth telling here for strings of other kinds.
    if inner.contains(['\\', '$']) || inner.contains("--") || inner.contains("/*") {
        return None;
    }
    let (mut depth, mut quote, mut list) = (0_u32, None, false);
    for byte in inner.bytes() {
        match (quote, byte) {
            (Some(open), byte) => quote = (byte != open).then_some(open),
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => depth = depth.checked_sub(1)?,
            (None, b',') => list |= depth == 0,
            (None, _) => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some(Pair { inner, list })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_around_the_whole_go() {
        for (text, expected) in [
            ("a > 0", "a > 0"),
            ("(a > 0)", "a > 0"),
            ("(( (a > 0)) )", "a > 0"),
            ("(a) > (b)", "(a) > (b)"),
            ("(a = ')')", "a = ')'"),
            ("(\"(\" = 1)", "\"(\" = 1"),
            ("(a, b)", "(a, b)"),
            ("(f(a, b))", "f(a, b)"),
            ("(SELECT 1)", "(SELECT 1)"),
            ("(a = E'\\')')", "(a = E'\\')')"),
            ("()", "()"),
        ] {
            assert_eq!(bare(text), expected, "{text}");
        }
    }

    #[test]
    fn calls_are_told_from_what_begins_with_one() {
        for (text, call) in [
            ("lower(a)", true),
            ("coalesce(a, (b))", true),
            ("lower(a) || lower(b)", false),
            ("a + 1", false),
            ("(a)", false),
        ] {
            assert_eq!(is_call(text), call, "{text}");
        }
    }
}
