use datafusion::functions::regex::compile_regex;

use super::pattern::{Options, translated};
use super::{Groups, matches_from, write_replacement};

fn words(pattern: &str) -> String {
    translated(pattern, Options::default()).unwrap_or_else(|error| error.to_string())
}

#[test]
fn patterns_are_put_in_other_words() {
    for (pattern, expected) in [
        ("^abc$", "^abc$"),
        ("a.c", "(?s)a.c"),
        ("(?n)a.c", "(?m)a.c"),
        ("(?i)a", "(?i)a"),
        (r"\mone\M", r"\b{start}one\b{end}"),
        ("[[:<:]]one", r"\b{start}one"),
        ("[]a[]", r"[\]a\[]"),
        ("[[:alpha:]&&]", r"[[:alpha:]\&\&]"),
        ("a{x", r"a\{x"),
        ("***=a.c", r"a\.c"),
        (r"\x41\u00e9", "Aé"),
        (r"a\.b\\", r"(?s)a\.b\\"),
    ] {
        assert_eq!(words(pattern), expected, "{pattern}");
        assert!(compile_regex(&words(pattern), None).is_ok(), "{pattern}");
    }
}

#[test]
fn what_is_no_pattern_is_told() {
    for (pattern, error) in [
        ("(", "invalid regular expression: parentheses () not balanced"),
        (")", "invalid regular expression: parentheses () not balanced"),
        ("[a", "invalid regular expression: brackets [] not balanced"),
        ("*a", "invalid regular expression: quantifier operand invalid"),
        ("a**", "invalid regular expression: quantifier operand invalid"),
        ("a{2,1}", "invalid regular expression: invalid repetition count(s)"),
        ("\\", "invalid regular expression: invalid escape \\ sequence"),
        ("[[:nosuch:]]", "invalid regular expression: invalid character class"),
        ("(?z)a", "invalid regular expression: invalid embedded option"),
        (r"\1", "invalid regular expression: invalid backreference number"),
        (r"(a)\1", "back references in regular expressions are not supported"),
        ("a(?=b)", "regular expressions that look ahead or behind are not supported"),
    ] {
        assert_eq!(words(pattern), error, "{pattern}");
    }
}

fn find(pattern: &str, text: &str, start: usize) -> Vec<Groups> {
    let regex = compile_regex(pattern, None).expect("a pattern");
    matches_from(text, start, usize::MAX, |at| {
        let captures = regex.captures_at(text, at)?;
        Some(captures.iter().map(|group| Some((group?.start(), group?.end()))).collect())
    })
}

#[test]
fn matches_of_nothing_are_found_between_characters() {
    let all = |pattern, text, start| -> Vec<_> {
        find(pattern, text, start).into_iter().filter_map(|groups| groups[0]).collect()
    };
    assert_eq!(all("", "äb", 1), [(0, 0), (2, 2), (3, 3)]);
    assert_eq!(all("a*", "aaa", 1), [(0, 3)]);
    assert_eq!(all("a", "äaa", 3), [(3, 4)]);
    assert_eq!(all("a", "aa", 9), []);
}

#[test]
fn replacements_name_groups() {
    let mut out = String::new();
    write_replacement(r"[\1\2\&\\\n]", "a", &find("(a)(b)?", "a", 1)[0], &mut out);
    assert_eq!(out, r"[aa\\n]");
}
