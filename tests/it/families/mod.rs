//! PostgreSQL's statements, family by family: each script of `tests/families` is run on Redkite, whose
//! answers are compared with those that a real PostgreSQL 18 with pgvector gave (`.out` beside it).
//!
//! A statement that answers otherwise stands below a mark, `-- differs: KEY`, whose reason `reasons.txt`
//! tells; any other difference fails, and a mark that has become wrong is told of. The table in
//! `docs/compatibility.md` counts statements and marks.
//!
//! `REDKITE_WRITE_COMPATIBILITY=1` has each test put its script's marks right (new ones say `unexplained`,
//! which no reason explains) and write the table; with it the nightly test writes the `.out` files.

mod conversation;
mod page;
mod script;

use crate::fleet::{Backend, Fleet, NAME};
use crate::process::report;
use conversation::Conversation;
use script::{Script, Statement};
use std::path::PathBuf;
use tokio_postgres::Config;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/families")
}

fn writes() -> bool {
    std::env::var_os("REDKITE_WRITE_COMPATIBILITY").is_some()
}

/// What a server says to each statement, in order, each on the same connection.
async fn answers(script: &Script, config: &Config, settings: &[&str]) -> Vec<Vec<String>> {
    let mut connection = Conversation::begin(config, settings).await;
    let mut answers = Vec::new();
    for Statement { sql, data, .. } in &script.statements {
        answers.push(match connection.ask(sql, data).await {
            Some(answer) => answer,
            None => {
                connection = Conversation::begin(config, settings).await;
                vec!["! the connection ended".to_owned()]
            }
        });
    }
    answers
}

/// A difference as a person reads it.
fn shown(family: &str, statement: &Statement, expected: &[String], got: &[String]) -> String {
    let line = statement.line;
    let (expected, got) = (expected.join("\n  "), got.join("\n  "));
    format!("{family}.sql:{line}: {}\n  {expected}\nnot\n  {got}", statement.sql)
}

async fn on_redkite(family: &str) {
    let mut script = Script::read(family);
    let fleet = Fleet::start(Backend::Embedded).await;
    let settings = ["SET TimeZone = 'UTC'", "SET redkite.read_your_writes = on"];
    let got = answers(&script, &fleet.node(0).config(), &settings).await;
    let expected = script.expected();
    assert_eq!(expected.len(), got.len(), "{family}.out is of another {family}.sql");
    let mut broken = Vec::new();
    let mut marks = Vec::new();
    for ((statement, expected), got) in script.statements.iter().zip(&expected).zip(&got) {
        let agrees = expected == got;
        let mark = statement.differs.clone();
        match (agrees, &mark) {
            (false, None) => broken.push(shown(family, statement, expected, got)),
            (true, Some(_)) if !writes() => {
                report(&format!("{family}.sql:{}: agrees, and is marked to differ", statement.line))
            }
            _ => {}
        }
        assert!(agrees || statement.counts, "{}", shown(family, statement, expected, got));
        marks.push((!agrees).then(|| mark.unwrap_or_else(|| "unexplained".to_owned())));
    }
    if writes() {
        script.mark(&marks);
        page::write();
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// What PostgreSQL says now is what it said when the answers were written.
#[tokio::test(flavor = "multi_thread")]
async fn nightly_on_postgres() {
    let peer = crate::peer::Peer::start().await;
    let mut broken = Vec::new();
    for (family, _) in page::FAMILIES {
        let script = Script::read(family);
        // its errors tell the database's name
        let config = peer.database(NAME).await;
        let got = answers(&script, &config, &["SET TimeZone = 'UTC'"]).await;
        peer.remove(NAME).await;
        if writes() {
            script.write_expected(&got);
            continue;
        }
        let expected = script.expected();
        assert_eq!(expected.len(), got.len(), "{family}.out is of another {family}.sql");
        let all = script.statements.iter().zip(&expected).zip(&got);
        let differing = all.filter(|((_, expected), got)| expected != got);
        broken.extend(
            differing.map(|((statement, expected), got)| shown(family, statement, expected, got)),
        );
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

macro_rules! on_redkite {
    ($($family:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $family() {
                on_redkite(stringify!($family)).await;
            }
        )*

        /// Every script has a test, a title and a reason for each mark; the page says what they say.
        #[test]
        fn page_of_families() {
            page::check(&[$(stringify!($family)),*]);
        }
    };
}
on_redkite! {
    select joins aggregates window subqueries set_operations
    insert update_delete merge copy
    tables constraints indexes views sequences roles
    transactions cursors prepared
    strings numbers datetime json arrays regular_expressions casts
    catalogs errors pgvector
}
