//! A connection that asks by the simple protocol and hears everything: names and types of columns, rows,
//! command tags, the bytes of COPY, errors. An answer is lines of text, as the `.out` files have them.

use crate::fleet::NAME;
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// A statement that says nothing for so long is a failure.
const ANSWER_SECONDS_MAX: u64 = 60;

/// The connection.
#[derive(Debug)]
pub(super) struct Conversation {
    stream: BufReader<TcpStream>,
    /// Names of the types that were there when it began.
    types: HashMap<u32, String>,
}

impl Conversation {
    /// Connects, and runs what it must begin with.
    pub(super) async fn begin(config: &Config, settings: &[&str]) -> Self {
        let Host::Tcp(host) = &config.get_hosts()[0] else { panic!("a TCP port") };
        let stream = TcpStream::connect((host.as_str(), config.get_ports()[0])).await;
        let stream = BufReader::new(stream.expect("the server accepts a connection"));
        let mut this = Self { stream, types: HashMap::new() };
        let user = config.get_user().unwrap_or(NAME);
        let database = config.get_dbname().unwrap_or(NAME);
        let body = format!("user\0{user}\0database\0{database}\0\0");
        let body = [&196_608_u32.to_be_bytes(), body.as_bytes()].concat();
        this.stream.write_all(&with_length(&body)).await.expect("the server listens");
        while this.message().await.expect("the server lets it in").0 != b'Z' {}
        let types = this.ask("SELECT oid::int8, typname FROM pg_type", &[]).await;
        for line in types.expect("a list of types").iter().skip(1) {
            let (oid, name) = line.split_once('|').expect("two columns");
            this.types.insert(oid.parse().expect("a number"), name.to_owned());
        }
        for setting in settings {
            let answer = this.ask(setting, &[]).await.expect("an answer");
            assert_eq!(answer, ["= SET"], "{setting}");
        }
        this
    }

    /// A message's kind and its content; `None` when the server has hung up.
    async fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let patience = Duration::from_secs(ANSWER_SECONDS_MAX);
        let kind =
            timeout(patience, self.stream.read_u8()).await.expect("an answer in time").ok()?;
        let length = self.stream.read_u32().await.ok()? as usize;
        let mut body = vec![0; length.checked_sub(4)?];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((kind, body))
    }

    async fn send(&mut self, kind: u8, body: &[u8]) {
        let message = [&[kind], &with_length(body)[..]].concat();
        // that the server hung up is noticed when its answer is read
        drop(self.stream.write_all(&message).await);
    }

    /// The answer to a statement: rows in their order if it asks for one, else sorted.
    pub(super) async fn ask(&mut self, sql: &str, data: &[String]) -> Option<Vec<String>> {
        self.send(b'Q', &[sql.as_bytes(), b"\0"].concat()).await;
        let (mut answer, mut rows) = (Vec::new(), Vec::new());
        let mut queries = false;
        // What came before the command that is being answered.
        let mut kept = 0;
        loop {
            let (kind, body) = self.message().await?;
            if matches!(kind, b'C' | b'E') {
                if !is_ordered(sql) {
                    rows.sort();
                }
                answer.append(&mut rows);
            }
            match kind {
                b'T' => {
                    answer.push(self.columns(&body));
                    queries = true;
                }
                b'D' => rows.push(row(&body)),
                b'd' => rows.push(line(String::from_utf8_lossy(&body).trim_end_matches('\n'))),
                b'C' => {
                    let tag = text(&body);
                    if !(queries && tag.starts_with("SELECT")) {
                        answer.push(format!("= {tag}"));
                    }
                    queries = false;
                    kept = answer.len();
                }
                // What a command has said before it fails is worth nothing.
                b'E' => {
                    answer.truncate(kept);
                    answer.push(error(&body));
                }
                b'I' => answer.push("= (empty)".to_owned()),
                b'G' => {
                    for line in data {
                        self.send(b'd', format!("{line}\n").as_bytes()).await;
                    }
                    self.send(b'c', &[]).await;
                }
                b'Z' => return Some(answer),
                _ => {}
            }
        }
    }

    /// `name type|name type`; a type that the script has made itself is `own`.
    fn columns(&self, body: &[u8]) -> String {
        let mut columns = Vec::new();
        let mut rest = &body[2..];
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == 0).expect("a name");
            let name = String::from_utf8_lossy(&rest[..end]);
            let fields = &rest[end + 1..];
            let oid = u32::from_be_bytes(fields[6..10].try_into().expect("four bytes"));
            let of = self.types.get(&oid).map_or("own", String::as_str);
            columns.push(format!("{name} {of}"));
            rest = &fields[18..];
        }
        columns.join("|")
    }
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message");
    [&length.to_be_bytes(), body].concat()
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).trim_end_matches('\0').to_owned()
}

/// On one line, whatever it holds; never the line that stands between two answers.
fn line(text: &str) -> String {
    match text {
        ";" => "\\;".to_owned(),
        text => text.replace('\n', "\\n"),
    }
}

fn row(body: &[u8]) -> String {
    let mut cells = Vec::new();
    let mut rest = &body[2..];
    while !rest.is_empty() {
        let (length, value) = rest.split_at(4);
        let length = i32::from_be_bytes(length.try_into().expect("four bytes"));
        match usize::try_from(length) {
            Err(_) => {
                cells.push("\\N".to_owned());
                rest = value;
            }
            Ok(length) => {
                let cell = String::from_utf8_lossy(&value[..length]);
                cells.push(cell.replace('\\', "\\\\").replace('|', "\\|"));
                rest = &value[length..];
            }
        }
    }
    line(&cells.join("|"))
}

/// `! SQLSTATE message`.
fn error(body: &[u8]) -> String {
    let field = |kind: u8| {
        let mut fields = body.split(|byte| *byte == 0);
        let found = fields.find(|field| field.first() == Some(&kind)).unwrap_or_default();
        String::from_utf8_lossy(found.get(1..).unwrap_or_default()).into_owned()
    };
    line(&format!("! {} {}", field(b'C'), field(b'M')))
}

/// Whether the order of a statement's rows is told: an ORDER BY outside of all parentheses, or a cursor's.
fn is_ordered(sql: &str) -> bool {
    let sql = sql.to_lowercase();
    if ["fetch", "move", "execute"].iter().any(|start| sql.starts_with(start)) {
        return true;
    }
    if sql.starts_with("copy") {
        return sql.contains("order by");
    }
    let (mut outside, mut depth) = (String::new(), 0);
    let mut quote = None;
    for c in sql.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, c) if depth == 0 => outside.push(c),
            (None, _) => {}
        }
    }
    outside.contains("order by")
}
