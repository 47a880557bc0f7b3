//! The table of the families in `docs/compatibility.md`, and what differs below it.

use super::folder;
use super::script::Script;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The scripts, and what people call what they try.
pub(super) const FAMILIES: &[(&str, &str)] = &[
    ("select", "SELECT"),
    ("joins", "joins"),
    ("aggregates", "aggregates, GROUP BY"),
    ("window", "window functions"),
    ("subqueries", "subqueries, WITH, WITH RECURSIVE"),
    ("set_operations", "UNION, INTERSECT, EXCEPT"),
    ("insert", "INSERT, ON CONFLICT"),
    ("update_delete", "UPDATE, DELETE, TRUNCATE"),
    ("merge", "MERGE"),
    ("copy", "COPY"),
    ("tables", "tables, schemas, types, domains"),
    ("constraints", "constraints"),
    ("indexes", "indexes"),
    ("views", "views, materialized views"),
    ("sequences", "sequences, identity columns"),
    ("roles", "roles, privileges, policies"),
    ("transactions", "transactions, savepoints, locks"),
    ("cursors", "cursors"),
    ("prepared", "prepared statements, settings"),
    ("strings", "strings, bytea"),
    ("numbers", "numbers"),
    ("datetime", "dates, times, intervals"),
    ("json", "json, jsonb, SQL/JSON"),
    ("arrays", "arrays"),
    ("regular_expressions", "regular expressions"),
    ("casts", "casts, output of types"),
    ("catalogs", "catalogs, information_schema"),
    ("errors", "errors"),
    ("pgvector", "**pgvector**: its README"),
];

const START: &str = "## PostgreSQL's statements\n";
const END: &str = "## What does not pass\n";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md")
}

fn page() -> String {
    std::fs::read_to_string(path()).expect("the page")
}

/// Why statements differ, by the keys of the marks, in the file's order.
fn reasons() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder().join("reasons.txt")).expect("the reasons");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let reason = |line: &str| {
        let (key, reason) = line.split_once(": ").expect("KEY: REASON");
        (key.to_owned(), reason.to_owned())
    };
    lines.map(reason).collect()
}

/// `97.4 %`, never rounded up to all.
fn percent(agreed: usize, tried: usize) -> String {
    let tenths = agreed * 1000 / tried.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn section() -> String {
    let mut rows = String::new();
    let mut differing: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    let (mut all_agreed, mut all_tried) = (0, 0);
    for (family, title) in FAMILIES {
        let script = Script::read(family);
        for mark in script.marks() {
            *differing.entry(mark.to_owned()).or_default().entry(*family).or_default() += 1;
        }
        let (tried, differ) = (script.tried(), script.marks().count());
        let agreed = tried - differ;
        (all_agreed, all_tried) = (all_agreed + agreed, all_tried + tried);
        let share = percent(agreed, tried);
        let link = format!("[{title}](../tests/families/{family}.sql)");
        writeln!(rows, "| {link} | {agreed} of {tried} | {share} |").expect("a string grows");
    }
    let share = percent(all_agreed, all_tried);
    writeln!(rows, "| all | {all_agreed} of {all_tried} | {share} |").expect("a string grows");
    let mut text = format!("{START}\n{INTRODUCTION}\n{TABLE}{rows}\n{DIFFERENCES}\n");
    for (key, reason) in reasons() {
        let counts = differing.remove(&key).unwrap_or_default();
        let counts: Vec<String> =
            counts.iter().map(|(family, count)| format!("{family} {count}")).collect();
        writeln!(text, "- {reason} (`{key}`: {})", counts.join(", ")).expect("a string grows");
    }
    text.push('\n');
    text
}

const INTRODUCTION: &str = "\
The scripts of `tests/families/` hold statements as people write them, and what a real PostgreSQL 18 with pgvector
answers: names and types of columns, rows, command tags, SQLSTATE and message of errors. Not compared are the order of
rows where no `ORDER BY` asks for one, notices, and an error's detail and hint. The tests run them on Redkite, with
`redkite.read_your_writes = on`; a statement that fails because one before it did counts as differing, too.
";

const TABLE: &str = "| statements | agree | |\n|---|---|---|\n";

const DIFFERENCES: &str = "\
What differs, and how often; `grep -A1 'differs: KEY' tests/families/*.sql` shows the statements:
";

/// Writes the section anew. Tests write one after the other.
pub(super) fn write() {
    let lock = File::create(std::env::temp_dir().join("redkite-compatibility")).expect("a file");
    lock.lock().expect("a lock");
    let page = page();
    let (head, tail) = page.split_once(END).expect("a section of what does not pass");
    let head = head.split_once(START).map_or(head, |(head, _)| head);
    std::fs::write(path(), format!("{head}{}{END}{tail}", section())).expect("a page to write");
}

/// That the page, the reasons and the scripts say the same.
pub(super) fn check(tests: &[&str]) {
    let names: BTreeSet<&str> = FAMILIES.iter().map(|(family, _)| *family).collect();
    let tests: BTreeSet<&str> = tests.iter().copied().collect();
    assert_eq!(names, tests, "a family without a test");
    let entries = std::fs::read_dir(folder()).expect("the scripts");
    let files = entries.map(|entry| entry.expect("a file").file_name().into_string());
    let scripts: BTreeSet<String> =
        files.filter_map(|file| Some(file.ok()?.strip_suffix(".sql")?.to_owned())).collect();
    let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(scripts, names, "a script without a title");
    let mut known: BTreeMap<String, bool> =
        reasons().into_iter().map(|(key, _)| (key, false)).collect();
    for (family, _) in FAMILIES {
        for mark in Script::read(family).marks() {
            let used = known.get_mut(mark);
            *used.unwrap_or_else(|| panic!("{family}.sql: no reason for {mark}")) = true;
        }
    }
    let unused: Vec<_> = known.iter().filter(|(_, used)| !**used).collect();
    assert!(unused.is_empty(), "reasons for nothing: {unused:?}");
    let page = page();
    let (head, _) = page.split_once(END).expect("a section of what does not pass");
    let (_, found) = head.split_once(START).expect("a section of statements");
    let section = section();
    let wanted = section.strip_prefix(START).expect("its title");
    assert!(found == wanted, "not what the scripts say; REDKITE_WRITE_COMPATIBILITY=1 writes it");
}
