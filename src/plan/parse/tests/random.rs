//! Nothing that a client sends makes the parser panic.

use proptest::prelude::*;

use super::super::{bind_variables, parse, parse_block};
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
    "function",
    "returns",
    "language",
    "atomic",
    "declare",
    "loop",
    "if",
    "then",
    "raise",
    "exception",
    "return",
    "..",
    "<<",
    ">>",
    "%",
];

/// Functions, and what DO runs.
const BLOCKS: &[&str] = &[
    "CREATE OR REPLACE FUNCTION s.f(a int, OUT b text[] DEFAULT 'x') RETURNS SETOF t LANGUAGE sql \
     STRICT SET search_path = a, 'b' COST 1 AS $$ SELECT $1 $$",
    "CREATE FUNCTION f() RETURNS TABLE (a int, b numeric(3, 1)) BEGIN ATOMIC SELECT 1; SELECT 2; END",
    "<<l>> DECLARE a CONSTANT int NOT NULL := 1; b t.v%TYPE; c t%ROWTYPE; BEGIN a := (1); END l",
    "BEGIN IF a THEN NULL; ELSIF CASE WHEN b THEN c END THEN EXIT l WHEN d; ELSE RETURN; END IF; END",
    "BEGIN FOR i IN REVERSE 1..2 BY 3 LOOP FOR a, b.c IN SELECT 1 LOOP END LOOP; END LOOP; END",
    "BEGIN SELECT a INTO STRICT b, c.d FROM e; EXECUTE 'x' INTO a USING 1, 2; PERFORM f(); END",
    "BEGIN RAISE NOTICE '% %%', a USING HINT = 'h'; RAISE SQLSTATE 'AB123'; EXCEPTION WHEN \
     unique_violation OR OTHERS THEN GET STACKED DIAGNOSTICS a = MESSAGE_TEXT; END",
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
        let _ = parse_block(&format!("BEGIN {} END", words.join(" ")));
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

#[test]
fn fuzz_blocks() {
    let seeds: Vec<Vec<u8>> = BLOCKS.iter().map(|block| block.as_bytes().to_vec()).collect();
    crate::base::mutation::run("blocks", &seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = parse(&text);
        let _ = parse_block(&text);
        let _ = bind_variables(&text, &|path| path.len() < 3);
    });
}
