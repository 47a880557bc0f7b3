//! What statements mean: `statements.txt` holds them with their meaning below. After a change
//! that is meant, `REDKITE_BLESS=1 cargo test --lib plan::parse` writes the file anew; read
//! the difference.

mod errors;
mod lifting;
mod random;

use std::fmt::Write;

use super::*;
use crate::base::limits::{EXPRESSION_DEPTH_MAX, LOGICAL_CHAIN_MAX, OPERATOR_CHAIN_MAX};
use crate::plan::Statement;

const STATEMENTS: &str = include_str!("tests/statements.txt");

/// A query string's statements in a form that fits a few lines.
fn meaning(sql: &str) -> String {
    let statements = match parse(sql) {
        Ok(statements) => statements,
        Err(error) => return format!("    error: {error}\n"),
    };
    let mut out = String::new();
    for parsed in statements {
        let _ = write!(out, "    {} at {}: ", parsed.tag, parsed.offset);
        shown(parsed.statement, &mut out);
    }
    out
}

/// Writes a statement; trees of sqlparser as SQL, since their own form fills pages.
fn shown(mut statement: Statement, out: &mut String) {
    let mut trees = String::new();
    {
        let mut tree = |name: &str, text: String| {
            if !text.is_empty() {
                let _ = write!(trees, "\n        {name}: {text}");
            }
        };
        let (with, tables, returning) = match &mut statement {
            Statement::Insert(insert) => (insert.with.take(), Vec::new(), &mut insert.returning),
            Statement::Update(update) => {
                (update.with.take(), std::mem::take(&mut update.from), &mut update.returning)
            }
            Statement::Delete(delete) => {
                (delete.with.take(), std::mem::take(&mut delete.using), &mut delete.returning)
            }
            Statement::Query(query) => {
                let _ = writeln!(out, "{}", query.ast);
                return;
            }
            _ => {
                let _ = writeln!(out, "{statement:?}");
                return;
            }
        };
        tree("with", with.map(|with| with.to_string()).unwrap_or_default());
        tree("tables", tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        let items: Vec<_> = std::mem::take(returning).iter().map(ToString::to_string).collect();
        tree("returning", items.join(", "));
    }
    let _ = writeln!(out, "{statement:?}{trees}");
}

#[test]
fn statements_mean_what_the_file_says() {
    let mut actual = String::new();
    let mut sql = String::new();
    for line in STATEMENTS.lines().chain([""]) {
        if line.starts_with("    ") || line.is_empty() {
            if !sql.is_empty() {
                let _ = write!(actual, "{sql}\n{}\n", meaning(&sql));
                sql.clear();
            }
            continue;
        }
        if !sql.is_empty() {
            sql.push('\n');
        }
        sql.push_str(line);
    }
    if std::env::var_os("REDKITE_BLESS").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/plan/parse/tests/statements.txt");
        std::fs::write(file, &actual).unwrap();
        return;
    }
    for (actual, expected) in actual.split("\n\n").zip(STATEMENTS.split("\n\n")) {
        assert_eq!(actual, expected);
    }
    assert_eq!(actual.len(), STATEMENTS.len());
}

#[test]
fn types_have_names_of_several_words() {
    for (name, ty) in [
        ("character varying(10)[]", "character varying(10)[]"),
        ("DOUBLE PRECISION", "double precision"),
        ("timestamp (3) with time zone", "timestamp with time zone"),
        ("pg_catalog.int4", "integer"),
        ("public.vector(3)", "vector(3)"),
        ("\"char\"", "\"char\""),
        ("char", "character(1)"),
        ("float(24)", "real"),
        ("_text", "text[]"),
    ] {
        assert_eq!(parse_data_type(name).unwrap().to_string(), ty, "{name}");
    }
    for name in ["tsvector", "int int", "varchar(0)", "other.vector", "\"int\""] {
        assert!(parse_data_type(name).is_err(), "{name}");
    }
}

#[test]
fn nesting_and_chains_are_bounded() {
    let nested = |depth| format!("SELECT {}1{}", "(".repeat(depth), ")".repeat(depth));
    let chain = |length| format!("SELECT * FROM t WHERE a = 1{}", " OR a = 1".repeat(length));
    let selects = |depth| format!("{}1{}", "SELECT (".repeat(depth), ")".repeat(depth));
    for sql in [nested(10_000), chain(100_000), selects(10_000)] {
        let error = parse(&sql).unwrap_err();
        assert_eq!(error.code(), SqlState::STATEMENT_TOO_COMPLEX);
    }
    for sql in [nested(50), chain(900), selects(40)] {
        parse(&sql).unwrap();
    }
    // The longest and deepest that parse must also survive what is done with a tree: on the two
    // megabytes that a thread of tokio has.
    let sum = format!("SELECT 1{}", " + 1".repeat(OPERATOR_CHAIN_MAX));
    for sql in [chain(LOGICAL_CHAIN_MAX), nested(EXPRESSION_DEPTH_MAX / 2 - 4), sum] {
        let mut parsed = parse(&sql).unwrap();
        assert_eq!(parsed.clone(), parsed);
        let Statement::Query(query) = &parsed[0].statement else { panic!("a query") };
        assert!(!query.ast.to_string().is_empty());
        lift(&mut parsed[0]);
    }
    let explains = format!("{} SELECT 1", "EXPLAIN ".repeat(1000));
    assert!(parse(&explains).is_err());
}

#[test]
fn balanced_rows_keep_their_order() {
    let row = |op: &str| (0..100).map(|i| format!("a{i}")).collect::<Vec<_>>().join(op);
    for op in [" AND ", " OR "] {
        let parsed = parse(&format!("SELECT * FROM t WHERE {}", row(op))).unwrap();
        let Statement::Query(query) = &parsed[0].statement else { panic!("a query") };
        assert!(query.ast.to_string().ends_with(&row(op)));
    }
}

#[test]
fn spans_find_the_place_again() {
    let parsed = parse("SELECT 1; SELECT 'é', naïve FROM t").unwrap();
    let Statement::Query(query) = &parsed[1].statement else { panic!("a query") };
    let ast::SetExpr::Select(select) = &*query.ast.body else { panic!("a select") };
    let ast::SelectItem::UnnamedExpr(ast::Expr::Identifier(name)) = &select.projection[1] else {
        panic!("a column")
    };
    assert_eq!((name.value.as_str(), name.span.start.column), ("naïve", 23));
    assert_eq!(parsed[1].offset, 10);
}

#[test]
fn names_may_have_their_own_database_in_front() {
    for sql in [
        "CREATE TABLE {}a.t (id int)",
        "CREATE VIEW {}a.v AS SELECT t.*, t.id FROM {}a.t JOIN {}a.u ON {}a.t.id = u.id",
        "WITH w AS (SELECT {}a.t.* FROM {}a.t) SELECT (SELECT count(*) FROM {}a.u) FROM w",
        "INSERT INTO {}a.t SELECT * FROM {}a.u",
        "DELETE FROM {}a.t USING {}a.u WHERE t.id = u.id",
        "ALTER TABLE {}a.t RENAME TO u",
        "DROP TABLE {}a.t, {}a.u",
        "COMMENT ON COLUMN {}a.t.id IS 'x'",
        "SELECT 1 INTO {}a.t",
    ] {
        let own = sql.replace("{}", "\"Own\".");
        let mut with: Vec<_> = parse_in("Own", &own).unwrap();
        let mut without = parse(&sql.replace("{}", "")).unwrap();
        let (with, without) = (with.remove(0), without.remove(0));
        let tree = |statement: Statement| {
            let mut out = String::new();
            shown(statement, &mut out);
            out.replace("\"Own\".", "")
        };
        assert_eq!(tree(with.statement), tree(without.statement), "{sql}");
        let other = sql.replacen("{}", "own.", 1).replace("{}", "");
        let error = parse_in("Own", &other).expect_err(&other);
        assert_eq!(error.code(), SqlState::FEATURE_NOT_SUPPORTED, "{other}");
        let start = "cross-database references are not implemented: \"own.a.";
        assert!(error.to_string().starts_with(start), "{error}");
        assert!(error.fields().position.is_some(), "{other}");
    }
}
