//! The README's tour works word for word: its blocks are run as they stand there, and what psql
//! answers is what the README shows.

use crate::fleet::{Backend, Fleet, PASSWORD};
use std::path::Path;
use std::process::{Command, Stdio};

/// A fenced block: its language and its text.
struct Block {
    language: String,
    text: String,
}

/// The fenced blocks of README.md below the heading.
fn blocks(heading: &str) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(path).expect("README.md");
    let mut blocks = Vec::new();
    let mut inside: Option<Block> = None;
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    for line in lines {
        match (&mut inside, line.strip_prefix("```")) {
            (None, None) if line.starts_with("## ") => break,
            (None, None) => {}
            (None, Some(language)) => {
                inside = Some(Block { language: language.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(inside.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
    }
    assert!(!blocks.is_empty(), "README.md has no block below {heading}");
    blocks
}

/// Runs a shell block in the repository's folder; returns all that it printed.
fn shell(text: &str, input: &str, env: &[(&str, &str)]) -> String {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "timeout", "120", "bash", "-euo", "pipefail", "-c"]);
    command.arg(format!("exec 2>&1; {text}"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).envs(env.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("a shell starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("the shell reads");
    drop(stdin);
    let output = child.wait_with_output().expect("the shell ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{input}\n{}:\n{said}", output.status);
    said
}

/// Trailing blanks and empty lines at the end do not count.
fn trimmed(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Blocks in order: `sh` opens psql (or runs a command), `sql` is typed into the psql opened last,
/// `text` is what it answers.
fn follow(heading: &str, env: &[(&str, &str)], skip: &[&str]) {
    let mut psql = String::new();
    let mut said = String::new();
    for Block { language, text } in blocks(heading) {
        match language.as_str() {
            "sh" if skip.iter().any(|command| text.starts_with(command)) => {}
            "sh" if text.starts_with("psql")
                && text.lines().count() == 1
                && !text.contains(" -c ") =>
            {
                psql = format!("{} -X -q -v ON_ERROR_STOP=1", text.trim());
            }
            "sh" => said = shell(&text, "", env),
            "sql" => said = shell(&psql, &text, env),
            "text" => assert_eq!(trimmed(&said), trimmed(&text), "what README.md shows"),
            other => panic!("a block in {other:?} is neither run nor compared"),
        }
    }
}

/// The first part: one server with everything embedded.
#[tokio::test(flavor = "multi_thread")]
async fn five_minutes() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let port = fleet.node(0).address.rsplit_once(':').expect("host:port").1.to_owned();
    // the server that the test has started stands for the first command's
    let tour = move || {
        let env = [("PGPORT", port.as_str()), ("LC_ALL", "C.UTF-8")];
        follow("## Five minutes", &env, &["scripts/run"]);
    };
    tokio::task::spawn_blocking(tour).await.expect("the tour");
}

/// The second part: two clusters over etcd and S3, started by the README's own command.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes() {
    let folder = tempfile::TempDir::with_prefix("redkite-tour-").expect("a folder");
    let data = folder.path().display().to_string();
    let env = [
        ("REDKITE_BIN", env!("CARGO_BIN_EXE_redkite")),
        ("REDKITE_DATA", &data),
        ("PGPASSWORD", PASSWORD),
        ("REDKITE_PASSWORD", PASSWORD),
    ];
    follow("## Two nodes, one truth", &env, &[]);
}
