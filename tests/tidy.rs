//! The tree is the architecture, and this keeps it so: it reads the sources and the documents.
//! Standard library only. What each rule is for stands in `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers and their ranks. A file imports from lower ranks only, never from a sibling.
const LAYERS: &[(&str, u8)] = &[
    ("base", 0),
    ("store/object", 1),
    ("store/meta", 1),
    ("index", 1),
    ("types", 1),
    ("segment", 2),
    ("cluster", 3),
    ("exec", 4),
    ("copy", 5),
    ("catalog", 5),
    ("plan", 6),
    ("txn", 6),
    ("session", 7),
    ("maintenance", 7),
    ("pg", 8),
    ("node", 9),
];

/// Modules of a layer that others may name; everything else is reached as `layer::Item`.
const DOORS: &[&str] = &[
    "base::limits",
    "base::mutation",
    "base::scram",
    "catalog::access",
    "catalog::system",
    "exec::functions",
    "plan::ddl",
    "plan::explain",
    "plan::statement",
];

/// Crates that one folder alone may name.
const OWNERS: &[(&str, &str)] = &[
    ("object_store", "src/store/"),
    ("etcd_client", "src/store/"),
    ("redb", "src/store/"),
    ("pgwire", "src/pg/"),
    ("sqlparser", "src/plan/"),
    ("faiss", "src/index/"),
];

/// The files that hold unsafe code.
const UNSAFE: &[&str] = &[
    "src/index/faiss/ffi.rs",
    "src/index/faiss/hnsw.rs",
    "src/index/faiss/lists.rs",
    "src/index/faiss/priority.rs",
    "src/store/object/mapped.rs",
];

/// A file longer than this does more than one thing.
const FILE_LINES_MAX: usize = 600;

/// Words that say nothing about what a file holds.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "manager", "misc", "stuff"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `dir` that ends so, as a path relative to the root with `/`.
fn files(dir: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut stack = vec![root().join(dir)];
    while let Some(dir) = stack.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries.map(|entry| entry.expect("a readable folder").path()) {
            if entry.is_dir() {
                if !["target", "node_modules", ".git"].iter().any(|skip| entry.ends_with(skip)) {
                    stack.push(entry);
                }
            } else if entry.extension().is_some_and(|e| e == extension) {
                let path = entry.strip_prefix(root()).expect("below the root");
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a readable file")
}

fn rust_files() -> Vec<String> {
    let mut all = files("src", "rs");
    all.extend(files("tests", "rs"));
    all.extend(files("benches", "rs"));
    all
}

fn assert_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "\n{rule}:\n  {}\n", broken.join("\n  "));
}

/// The source without its comments, string and character literals: words of code only.
fn code(source: &str) -> String {
    let bytes: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = |n: usize| bytes.get(at + n).copied().unwrap_or(' ');
        match bytes[at] {
            '/' if rest(1) == '/' => {
                while at < bytes.len() && bytes[at] != '\n' {
                    at += 1;
                }
            }
            '/' if rest(1) == '*' => {
                while at < bytes.len() && !(bytes[at] == '*' && bytes.get(at + 1) == Some(&'/')) {
                    at += 1;
                }
                at += 2;
            }
            '"' => {
                let hashes = out.chars().rev().take_while(|c| *c == '#').count();
                let raw = out.trim_end_matches('#').ends_with('r');
                at = end_of_string(&bytes, at + 1, if raw { Some(hashes) } else { None });
                out.push_str("\"\"");
            }
            // a character, not a lifetime
            '\'' if rest(1) == '\\' || rest(2) == '\'' => {
                at += if rest(1) == '\\' { 3 } else { 2 };
                while at < bytes.len() && bytes[at] != '\'' {
                    at += 1;
                }
                at += 1;
            }
            c => {
                out.push(c);
                at += 1;
            }
        }
    }
    out
}

fn end_of_string(text: &[char], mut at: usize, raw_hashes: Option<usize>) -> usize {
    while at < text.len() {
        match (text[at], raw_hashes) {
            ('\\', None) => at += 1,
            ('"', None) => return at + 1,
            ('"', Some(n)) if text[at + 1..].iter().take(n).filter(|c| **c == '#').count() == n => {
                return at + 1 + n;
            }
            _ => {}
        }
        at += 1;
    }
    at
}

/// Identifiers and punctuation of the code, in order.
fn tokens(code: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in code.chars() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
        if !c.is_whitespace() {
            out.push(c.to_string());
        }
    }
    out
}

/// Every path that starts with `crate::`, with the groups of a `use` taken apart.
fn crate_paths(tokens: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for at in 0..tokens.len() {
        if tokens[at] == "crate" && tokens.get(at + 1).is_some_and(|t| t == ":") {
            path_tree(tokens, at + 3, &mut Vec::new(), &mut paths);
        }
    }
    paths
}

/// Reads a path or a `{group}` at `at`, appending whole paths; returns where it ends.
fn path_tree(
    tokens: &[String],
    mut at: usize,
    prefix: &mut Vec<String>,
    paths: &mut Vec<Vec<String>>,
) -> usize {
    let depth = prefix.len();
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") => {
                at += 1;
                while tokens.get(at).is_some_and(|t| t != "}") {
                    at = path_tree(tokens, at, prefix, paths);
                    if tokens.get(at).is_some_and(|t| t == ",") {
                        at += 1;
                    }
                }
                prefix.truncate(depth);
                return at + 1;
            }
            Some(word) if word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '*') => {
                prefix.push(word.to_owned());
                at += 1;
                let colons = tokens.get(at).is_some_and(|t| t == ":")
                    && tokens.get(at + 1).is_some_and(|t| t == ":");
                if colons && tokens.get(at + 2).is_some_and(|t| t != "<") {
                    at += 2;
                    continue;
                }
            }
            _ => {}
        }
        if prefix.len() > depth {
            paths.push(prefix.clone());
        }
        prefix.truncate(depth);
        // `as other`, or something unexpected: up to the next item of the group
        while tokens.get(at).is_some_and(|t| t == "as" || t == "_" || is_word(t)) {
            at += 1;
        }
        return if tokens.get(at).is_some_and(|t| t == "," || t == "}") { at } else { at + 1 };
    }
}

fn is_word(token: &str) -> bool {
    token.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The layer of a folder or module path written with `/`, and what follows it.
fn layer_of(path: &str) -> Option<(&'static str, u8, String)> {
    LAYERS
        .iter()
        .filter(|(layer, _)| path == *layer || path.starts_with(&format!("{layer}/")))
        .max_by_key(|(layer, _)| layer.len())
        .map(|(layer, rank)| {
            (*layer, *rank, path[layer.len()..].trim_start_matches('/').to_owned())
        })
}

/// `None` when the file may import the path, else why it may not.
fn import_error(file: &str, path: &[String]) -> Option<String> {
    let inside = file.strip_prefix("src/")?;
    let (from, from_rank, _) = layer_of(inside)?;
    let (to, to_rank, rest) = layer_of(&path.join("/"))?;
    let shown = path.join("::");
    if from == to {
        return None;
    }
    // a layer inside another one's folder: its parent re-exports it
    if to_rank >= from_rank {
        return Some(format!("{file}: {from} (rank {from_rank}) imports {shown} (rank {to_rank})"));
    }
    let mut within = rest.split('/').filter(|s| !s.is_empty());
    let (first, more) = (within.next()?, within.next().is_some());
    let door = DOORS.contains(&format!("{to}::{first}").as_str());
    let module = first.chars().next().is_some_and(char::is_lowercase);
    (module && more && !door)
        .then(|| format!("{file}: reach {shown} through {to}/mod.rs, not through its files"))
}

#[test]
fn layers_import_only_downwards_and_through_their_doors() {
    let mut broken = Vec::new();
    for file in files("src", "rs") {
        let tokens = tokens(&code(&read(&file)));
        broken.extend(crate_paths(&tokens).iter().filter_map(|path| import_error(&file, path)));
        broken.extend(escapes(&file, &tokens));
    }
    assert_none("a layer imports lower ranks only, as `layer::Item`", &broken);
}

/// `super::super::..` that climbs out of the file's own layer.
fn escapes(file: &str, tokens: &[String]) -> Vec<String> {
    let Some((layer, _, rest)) = file.strip_prefix("src/").and_then(layer_of) else {
        return Vec::new();
    };
    let depth = rest.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").count();
    let mut found = Vec::new();
    let mut climbs = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "super" if at >= 2 && tokens[at - 2..at] == [":", ":"] && climbs > 0 => climbs += 1,
            "super" => climbs = 1,
            ":" => continue,
            _ => climbs = 0,
        }
        if climbs > depth {
            found.push(format!("{file}: `super` climbs out of {layer}"));
        }
    }
    found
}

#[test]
fn the_reader_of_imports_reads_them() {
    let source = r#"
        use crate::base::{Result, limits::{self, BATCH_ROWS}};
        // use crate::pg::Comment;
        const S: &str = "crate::pg::Text";
        fn f(c: char) -> bool { c == '"' && crate::index::distance::<f32>() }
    "#;
    let paths: Vec<String> =
        crate_paths(&tokens(&code(source))).iter().map(|path| path.join("::")).collect();
    assert_eq!(
        paths,
        ["base::Result", "base::limits::self", "base::limits::BATCH_ROWS", "index::distance"]
    );
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    for (file, import, allowed) in [
        ("src/exec/scan.rs", "segment::Reader", true),
        ("src/exec/scan.rs", "segment::reader::Reader", false),
        ("src/exec/scan.rs", "base::limits::BATCH_ROWS", true),
        ("src/exec/scan.rs", "types::PgType", true),
        ("src/exec/scan.rs", "catalog::Snapshot", false),
        ("src/plan/text.rs", "txn::Snapshot", false),
        ("src/store/meta/etcd.rs", "store::object::Objects", false),
        ("src/node/mod.rs", "pg::Listener", true),
    ] {
        assert_eq!(import_error(file, &path(import)).is_none(), allowed, "{file} {import}");
    }
}

#[test]
fn every_folder_is_a_layer() {
    let known = |path: &str| layer_of(path).is_some();
    let outside = ["src/main.rs", "src/configuration_file.rs", "src/lib.rs", "src/store/mod.rs"];
    let broken: Vec<String> = files("src", "rs")
        .into_iter()
        .filter(|file| !outside.contains(&file.as_str()))
        .filter(|file| !known(file.strip_prefix("src/").expect("below src")))
        .collect();
    assert_none("a source file belongs to a layer of `LAYERS`", &broken);
}

#[test]
fn crates_stay_behind_their_layer() {
    let mut broken = Vec::new();
    for file in files("src", "rs") {
        let words: BTreeSet<String> = tokens(&code(&read(&file))).into_iter().collect();
        for (name, owner) in OWNERS {
            if words.contains(*name) && !file.starts_with(owner) {
                broken.push(format!("{file} names {name}: only {owner} may"));
            }
        }
        if words.contains("unsafe") && !UNSAFE.contains(&file.as_str()) {
            broken.push(format!("{file}: unsafe code lives in {UNSAFE:?} only"));
        }
    }
    assert_none("a boundary has one side that knows what is behind it", &broken);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut broken = Vec::new();
    for file in rust_files() {
        let source = read(&file);
        let lines = source.lines().count();
        if lines > FILE_LINES_MAX {
            broken.push(format!("{file}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
        let tests =
            file.ends_with("/tests.rs") || file.starts_with("src/") && file.contains("/tests/");
        if !source.starts_with("//! ") && !tests {
            broken.push(format!("{file}: the first line is no module doc (`//! ...`)"));
        }
        let stem = Path::new(&file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if stem.split('_').any(|word| EMPTY_NAMES.contains(&word)) {
            broken.push(format!("{file}: the name does not tell what is inside"));
        }
    }
    assert_none("one idea a file, told in its first line", &broken);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
    ];
    let mut broken = Vec::new();
    for file in rust_files() {
        for (number, line) in read(&file).lines().enumerate() {
            for mark in marks {
                if contains_word(line, mark) {
                    broken.push(format!("{file}:{}: {mark}", number + 1));
                }
            }
        }
    }
    assert_none("what is not done is an error for the user, not a mark in the source", &broken);
}

/// Whether the mark stands there as a word of its own (`XX000` is an SQLSTATE).
fn contains_word(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + mark.len()..].chars().next();
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !part(before) && (mark.ends_with('(') || !part(after))
    })
}

fn documents() -> Vec<String> {
    let mut all = files("docs", "md");
    all.extend(files("tests", "md"));
    all.extend(files("sql", "md"));
    all.extend(["README.md".to_owned(), "CHANGELOG.md".to_owned()]);
    all
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_')
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(document: &str) -> BTreeSet<String> {
    prose(&read(document)).iter().filter(|l| l.starts_with('#')).map(|l| anchor(l)).collect()
}

/// The lines outside fenced blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut fenced = false;
    text.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        })
        .collect()
}

#[test]
fn documents_point_at_what_exists() {
    let mut broken = Vec::new();
    for document in documents() {
        let folder = Path::new(&document).parent().unwrap_or(Path::new("")).to_path_buf();
        let text = read(&document);
        for line in prose(&text) {
            for (at, _) in line.match_indices("](") {
                let target = line[at + 2..].split([')', ' ']).next().unwrap_or_default();
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (path, heading) = target.split_once('#').unwrap_or((target, ""));
                let file = if path.is_empty() {
                    document.clone()
                } else {
                    folder.join(path).to_string_lossy().into_owned()
                };
                if !root().join(&file).exists() {
                    broken.push(format!("{document}: link to {target}"));
                } else if !heading.is_empty() && !anchors(&file).contains(heading) {
                    broken.push(format!("{document}: no heading for {target}"));
                }
            }
            broken.extend(dead_paths(line).map(|path| format!("{document}: `{path}`")));
        }
    }
    assert_none("links and paths in documents are alive", &broken);
}

/// Backticked paths of the repository that are not there.
fn dead_paths(line: &str) -> impl Iterator<Item = &str> {
    const FOLDERS: &[&str] = &["src/", "tests/", "docs/", "scripts/", "sql/", "benches/", ".ci/"];
    line.split('`').skip(1).step_by(2).filter(|text| {
        FOLDERS.iter().any(|folder| text.starts_with(folder))
            && !text.contains(['*', '<', '{', ' ', '…'])
            && !root().join(text).exists()
    })
}

#[test]
fn sql_files_are_loaded() {
    let sources: String = files("src", "rs").iter().map(|file| read(file)).collect();
    let broken: Vec<String> = files("sql", "sql")
        .into_iter()
        .filter(|file| !file.starts_with("sql/examples/"))
        .filter(|file| !sources.contains(file.as_str()))
        .collect();
    assert_none("an .sql file stands in the load order", &broken);
}

/// Constants declared by a line such as `    NAME "x"` or `pub const NAME: ..`, with their file.
fn constants() -> BTreeMap<String, &'static str> {
    let mut names = BTreeMap::new();
    let states = read("src/base/sqlstate.rs");
    let list = states.split("sqlstates! {").nth(1).expect("the list of SQLSTATEs");
    for line in list.lines() {
        if let Some((name, _)) = line.trim().split_once(" \"") {
            names.insert(format!("SqlState::{name}"), "src/base/sqlstate.rs");
        }
    }
    for line in read("src/base/limits.rs").lines() {
        if let Some((name, _)) = line.strip_prefix("pub const ").and_then(|l| l.split_once(':')) {
            names.insert(name.to_owned(), "src/base/limits.rs");
        }
    }
    names
}

#[test]
fn every_code_and_limit_is_used() {
    let mut used = BTreeSet::new();
    for file in files("src", "rs") {
        let words = tokens(&code(&read(&file)));
        for (at, word) in words.iter().enumerate() {
            if file != "src/base/limits.rs" {
                used.insert(word.clone());
            }
            let state = at >= 3 && words[at - 1] == ":" && words[at - 3] == "SqlState";
            if state && file != "src/base/sqlstate.rs" {
                used.insert(format!("SqlState::{word}"));
            }
        }
    }
    let broken: Vec<String> = constants()
        .into_iter()
        .filter(|(name, _)| !used.contains(name))
        .map(|(name, file)| format!("{name} of {file}"))
        .collect();
    assert_none("a code that nothing raises and a limit that nothing keeps are lies", &broken);
}

#[test]
fn every_code_and_limit_is_documented() {
    let document = read("docs/errors.md");
    let told = |name: &str| match name.strip_prefix("SqlState::") {
        Some(state) => document.contains(&format!("`{}` |", state.to_lowercase())),
        None => document.contains(&format!("| `{name}` = ")),
    };
    let broken: Vec<String> = constants().into_keys().filter(|name| !told(name)).collect();
    assert_none("docs/errors.md names every code and limit", &broken);
}
