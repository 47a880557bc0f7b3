//! Nothing that a client sends makes the parser panic.

use proptest::prelude::*;

use super::super::parse;
use super::STATEMENTS;

const WORDS: &[&str] = &[
    "select",
    "insert",
    "into",
    "values",
    "update",
    "set",
    "delete",
    "from",
    "where",
    "create",
    "table",
    "alter",
    "column",
    "drop",
    "with",
    "as",
    "copy",
    "stdin",
    "begin",
    "commit",
    "on",
    "conflict",
    "do",
    "primary",
    "key",
    "default",
    "not",
    "null",
    "int",
    "vector",
    "'x'",
    "E'\\",
    "$$",
    "$1",
    "$0",
    "$99999",
    "1",
    "1.5",
    "0x",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ".",
    "::",
    ":=",
    "=>",
    "=",
    "<=>",
    "<+>",
    "*",
    "-",
    "\"a\"",
    "U&'\\00",
    "é",
    "--",
    "/*",
    "*/",
    "\n",
    "operator",
    "interval",
    "cast",
    "case",
    "when",
    "end",
    "join",
    "lateral",
    "order",
    "by",
    "limit",
    "for",
    "no",
    "only",
    "explain",
    "prepare",
    "execute",
    "grant",
    "to",
    "role",
    "merge",
    "using",
    "fetch",
    "generated",
    "always",
    "identity",
    "check",
    "references",
    "table",
    "rename",
];

fn statements() -> Vec<String> {
    STATEMENTS
        .lines()
        .filter(|line| !line.starts_with("    ") && !line.is_empty())
        .map(str::to_owned)
        .collect()
}

proptest! {
    #[test]
    fn text_never_panics(text in "\\PC{0,80}") {
        let _ = parse(&text);
    }

    #[test]
    fn token_soup_never_panics(words in prop::collection::vec(prop::sample::select(WORDS), 0..24)) {
        let _ = parse(&words.join(" "));
        let _ = parse(&words.concat());
    }

    #[test]
    fn mutated_statements_never_panic(
        sql in prop::sample::select(statements()),
        cut in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        word in prop::sample::select(WORDS),
    ) {
        let boundary = |index: &prop::sample::Index| {
            let mut at = index.index(sql.len() + 1);
            while !sql.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (cut, at) = (boundary(&cut), boundary(&at));
        let _ = parse(&sql[..cut]);
        let _ = parse(&sql[cut..]);
        let _ = parse(&format!("{} {word} {}", &sql[..at], &sql[at..]));
        let (from, to) = (cut.min(at), cut.max(at));
        let _ = parse(&format!("{}{}", &sql[..from], &sql[to..]));
    }
}

#[test]
fn fuzz_statements() {
    let seeds: Vec<Vec<u8>> = statements().into_iter().map(String::into_bytes).collect();
    crate::base::mutation::run("statements", &seeds, |bytes| {
        let _ = parse(&String::from_utf8_lossy(bytes));
    });
}
