//! Tools that people use with PostgreSQL, unmodified: each program of `tests/tools` shows what one
//! of them does, all cases but those of `missing.txt` pass, and `docs/compatibility.md` says so.
//!
//! `REDKITE_WRITE_COMPATIBILITY=1` has each test write its tool's part of that page.

use crate::fleet::{Backend, Fleet, NAME, PASSWORD};
use crate::process::{report, tool};
use crate::program::{bounded, lines, said};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use tokio_postgres::Config;

/// How a program is run.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Python,
    /// Python in a virtual environment of the tool's own.
    Alone,
    Shell,
    Node,
    /// A package of its own below `tests/tools`, which `scripts/install peer` compiles.
    Rust,
    /// Java with these jars of the system beside the driver's.
    Java(&'static [&'static str]),
}

/// A tool: its program's folder, what people call it, and how it is run.
const TOOLS: &[(&str, &str, Kind)] = &[
    ("psql", "psql", Kind::Shell),
    ("pgbench", "pgbench", Kind::Shell),
    ("pg_dump", "pg_dump, pg_restore", Kind::Shell),
    ("postgres_fdw", "postgres_fdw, dblink, of another PostgreSQL", Kind::Shell),
    ("sqlalchemy", "SQLAlchemy", Kind::Python),
    ("alembic", "Alembic", Kind::Python),
    ("django", "Django", Kind::Python),
    ("peewee", "peewee", Kind::Python),
    ("pg8000", "pg8000", Kind::Python),
    ("pandas", "pandas", Kind::Python),
    ("polars", "polars", Kind::Python),
    ("pgvector", "pgvector-python", Kind::Python),
    ("pgvector_node", "pgvector-node, its examples", Kind::Node),
    ("langchain", "langchain-postgres", Kind::Python),
    ("llama_index", "LlamaIndex PGVectorStore", Kind::Python),
    ("postgres_js", "postgres.js", Kind::Node),
    ("drizzle", "Drizzle", Kind::Node),
    ("typeorm", "TypeORM", Kind::Node),
    ("prisma", "Prisma", Kind::Node),
    ("sqlx", "sqlx", Kind::Rust),
    ("pgjdbc", "pgjdbc's DatabaseMetaData", Kind::Java(&[])),
    ("hikaricp", "HikariCP", Kind::Java(&["HikariCP", "slf4j-api", "slf4j-nop"])),
    ("psqlodbc", "psqlODBC, by pyodbc", Kind::Python),
    ("pgcli", "pgcli", Kind::Python),
    ("dbt", "dbt-postgres", Kind::Python),
    ("vectordbbench", "VectorDBBench's pgvector client", Kind::Python),
    ("superset", "Apache Superset", Kind::Alone),
    ("gui", "DBeaver, Metabase, Grafana, Tableau, Power BI, pgAdmin: their queries", Kind::Python),
];
const SECONDS_MAX: u32 = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn command(name: &str, kind: Kind) -> Command {
    let folder = root().join("tests/tools").join(name);
    let mut command = bounded(SECONDS_MAX);
    match kind {
        Kind::Python => command.arg(tool("tools/bin/python")).arg(folder.join("main.py")),
        Kind::Alone => command.arg(tool(&format!("{name}/bin/python"))).arg(folder.join("main.py")),
        Kind::Shell => command.arg("bash").arg(folder.join("main.sh")),
        Kind::Node => {
            command.env("NODE_PATH", tool("tools_node/node_modules"));
            command.arg("node").arg(folder.join("main.js"))
        }
        Kind::Rust => command.arg(tool("rust/debug").join(format!("redkite-tool-{name}"))),
        Kind::Java(jars) => {
            let jars = ["postgresql"].iter().chain(jars);
            let path: Vec<_> = jars.map(|jar| format!("/usr/share/java/{jar}.jar")).collect();
            command.args(["java", "-Dfile.encoding=UTF-8", "-cp", &path.join(":")]);
            command.arg(folder.join("Main.java"))
        }
    };
    command
}

fn kind(name: &str) -> Kind {
    TOOLS.iter().find(|tool| tool.0 == name).expect("one of the tools").2
}

/// The cases of each tool that don't pass, with the reason.
fn missing() -> BTreeMap<String, BTreeMap<String, String>> {
    let text = std::fs::read_to_string(root().join("tests/tools/missing.txt")).expect("the list");
    let mut missing: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (case, reason) = line.split_once(": ").expect("TOOL CASE: REASON");
        let (tool, case) = case.split_once(' ').expect("TOOL CASE: REASON");
        missing.entry(tool.to_owned()).or_default().insert(case.to_owned(), reason.to_owned());
    }
    missing
}

/// Runs a tool's program on Redkite. Its transactions see their own writes, as tools expect.
async fn on_redkite(name: &str, environment: &[(&str, String)]) {
    let fleet = Fleet::start(Backend::Embedded).await;
    let client = fleet.node(0).connect().await;
    let setting = format!("ALTER DATABASE {NAME} SET redkite.read_your_writes = on");
    client.batch_execute(&setting).await.expect("a setting of Redkite");
    let mut command = command(name, kind(name));
    command.envs(environment.iter().map(|(key, value)| (*key, value)));
    let output = lines(name, command, &fleet.node(0).config()).await;
    let all = said(&output);
    let missing = missing().remove(name).unwrap_or_default();
    assert!(!all.is_empty(), "{name} says nothing");
    let mut broken = Vec::new();
    for (case, why) in &all {
        match (why, missing.contains_key(case)) {
            (Some(why), false) => broken.push(format!("{name}: not ok {case}: {why}")),
            (None, true) => report(&format!("{name}: {case} is in missing.txt and passes")),
            _ => {}
        }
    }
    let unknown = missing.keys().filter(|case| !all.contains_key(*case));
    broken.extend(unknown.map(|case| format!("{name}: nothing said of {case}")));
    let version = output.lines().find_map(|line| line.strip_prefix("version ")).unwrap_or("");
    let passed = all.len() - missing.len();
    let row = row(name, version, passed, all.len());
    if std::env::var_os("REDKITE_WRITE_COMPATIBILITY").is_some() {
        write_row(name, &row);
    } else if !page().lines().any(|line| same_figures(line, &row)) {
        broken.push(format!("{name}: {PAGE} lacks the row\n{row}"));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

macro_rules! on_redkite {
    ($($test:ident $tool:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            on_redkite(stringify!($tool), &[]).await;
        }
    )*};
}
on_redkite! {
    psql psql
    sqlalchemy sqlalchemy
    alembic alembic
    django django
    peewee peewee
    pg8000 pg8000
    pandas pandas
    gui gui
    pgjdbc pgjdbc
    nightly_polars polars
    nightly_pgvector pgvector
    nightly_pgvector_node pgvector_node
    nightly_langchain langchain
    nightly_llama_index llama_index
    nightly_pgbench pgbench
    nightly_postgres_js postgres_js
    nightly_drizzle drizzle
    nightly_typeorm typeorm
    nightly_prisma prisma
    nightly_sqlx sqlx
    nightly_postgres_fdw postgres_fdw
    nightly_hikaricp hikaricp
    nightly_psqlodbc psqlodbc
    nightly_pgcli pgcli
    nightly_dbt dbt
    nightly_vectordbbench vectordbbench
    nightly_superset superset
}

/// A database of a real PostgreSQL as an URL, and where that PostgreSQL's programs are found.
fn other(config: &Config) -> [(&'static str, String); 2] {
    let password = PASSWORD.replace(' ', "%20").replace('\'', "%27");
    let (port, database) = (config.get_ports()[0], config.get_dbname().unwrap_or(NAME));
    let url = format!("postgresql://{NAME}:{password}@127.0.0.1:{port}/{database}");
    [("OTHER", url), ("PATH", crate::peer::path())]
}

/// What is dumped here is restored on PostgreSQL too, and the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn nightly_pg_dump() {
    let peer = crate::peer::Peer::start().await;
    on_redkite("pg_dump", &other(&peer.database("other").await)).await;
}

/// The programs themselves: what they expect is what PostgreSQL does.
#[tokio::test(flavor = "multi_thread")]
async fn nightly_on_postgres() {
    let peer = crate::peer::Peer::start().await;
    let environment = other(&peer.database("other").await);
    let mut broken = Vec::new();
    for (name, _, kind) in TOOLS {
        let mut command = command(name, *kind);
        command.envs(environment.iter().map(|(key, value)| (*key, value)));
        let output = lines(name, command, &peer.database(&format!("t_{name}")).await).await;
        let all = said(&output);
        if all.len() < 20 {
            broken.push(format!("{name}: {} cases only", all.len()));
        }
        let failed = all.iter().filter_map(|(case, why)| Some((case, why.as_ref()?)));
        broken.extend(failed.map(|(case, why)| format!("{name}: not ok {case}: {why}")));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

const PAGE: &str = "docs/compatibility.md";

fn page() -> String {
    std::fs::read_to_string(root().join(PAGE)).expect("the page")
}

fn row(name: &str, version: &str, passed: usize, tried: usize) -> String {
    let title = TOOLS.iter().find(|tool| tool.0 == name).expect("one of the tools").1;
    format!("| {title} | {version} | {passed} of {tried} |")
}

/// What `missing.txt` has, as the page's last section shows it.
fn misses() -> String {
    let missing = missing();
    let mut text = String::new();
    for (name, title, _) in TOOLS {
        let Some(cases) = missing.get(*name) else { continue };
        text.push_str(&format!("\n### {title}\n\n"));
        for (case, reason) in cases {
            text.push_str(&format!("- `{case}`: {reason}\n"));
        }
    }
    text
}

/// Whether two rows are of one tool and have the same figures; the system's own psql and JDBC driver
/// have other versions elsewhere.
fn same_figures(one: &str, other: &str) -> bool {
    let parts = |row: &str| -> Option<(String, String)> {
        let mut cells = row.split('|').skip(1).map(str::to_owned);
        Some((cells.next()?, cells.nth(1)?))
    };
    parts(one).is_some() && parts(one) == parts(other)
}

const MISSES: &str = "## What does not pass\n";

/// Puts a tool's row into the page, and all that is missing. Tests write one after the other.
fn write_row(name: &str, row: &str) {
    let lock = File::create(std::env::temp_dir().join("redkite-compatibility")).expect("a file");
    lock.lock().expect("a lock");
    let page = page();
    let title = row.split('|').nth(1).unwrap_or(name);
    let head = page.split_once(MISSES).map_or(page.as_str(), |(head, _)| head);
    let place = |line: &str| match line.starts_with(&format!("|{title}|")) {
        true => format!("{row}\n"),
        false => format!("{line}\n"),
    };
    let head: String = head.lines().map(place).collect();
    let page = format!("{head}{MISSES}{}", misses());
    std::fs::write(root().join(PAGE), page).expect("the page can be written");
}

/// The page has a row for every tool, whose figures agree with what it says is missing.
#[test]
fn compatibility_page() {
    let page = page();
    let missing = missing();
    let (head, tail) = page.split_once(MISSES).expect("a section of what does not pass");
    assert_eq!(tail, misses(), "REDKITE_WRITE_COMPATIBILITY=1 writes it anew");
    for (name, title, _) in TOOLS {
        let start = format!("| {title} | ");
        let row = head.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("no row of {title}"));
        let figures = row.trim_matches('|').rsplit('|').next().unwrap_or_default();
        let (passed, tried) = figures.split_once(" of ").expect("figures");
        let number = |text: &str| text.trim().parse::<usize>().expect("a number");
        let open = missing.get(*name).map_or(0, BTreeMap::len);
        assert_eq!(number(passed) + open, number(tried), "{title}");
        assert!(number(tried) >= 20, "{title} has {tried} cases only");
    }
}
