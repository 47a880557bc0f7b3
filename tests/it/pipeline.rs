//! Executions that arrive together are run together, and nobody can tell: the same pipeline, sent
//! in one piece and with a Flush behind each execution, gets the same answers and leaves the same
//! rows.

use crate::fleet::{Backend, Fleet, NAME, Node};
use std::fmt::Write as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CASES: u64 = 60;

const TABLE: &str = "DROP TABLE IF EXISTS t; CREATE TABLE t (
    id int8 PRIMARY KEY, number serial, name varchar(5) NOT NULL DEFAULT 'none',
    price numeric(5,1) DEFAULT 1.5 CHECK (price < 1000), e vector(2), code int4 UNIQUE)";

/// The statements, with how their parameters are made.
const STATEMENTS: &[(&str, &[Kind])] = &[
    (
        "INSERT INTO t (id, name, price, e, code) VALUES ($1, $2, $3, $4, $5)",
        &[Kind::Key, Kind::Name, Kind::Price, Kind::Vector, Kind::Code],
    ),
    ("INSERT INTO t (id, name) VALUES ($1::int8, $2)", &[Kind::Key, Kind::Name]),
    ("INSERT INTO t (name, id, e) VALUES ('same', $1, $2)", &[Kind::Key, Kind::Vector]),
    ("INSERT INTO t (id) VALUES ($1) ON CONFLICT DO NOTHING", &[Kind::Key]),
    ("INSERT INTO t (id, name) VALUES ($1, $2) RETURNING id, name", &[Kind::Key, Kind::Name]),
    ("INSERT INTO t (id) VALUES ($1), (1000 + $1)", &[Kind::Key]),
    ("INSERT INTO t (id, price) VALUES ($1, 10 / $2)", &[Kind::Key, Kind::Code]),
    ("DELETE FROM t WHERE id = $1", &[Kind::Key]),
];

#[derive(Clone, Copy)]
enum Kind {
    Key,
    Name,
    Price,
    Vector,
    Code,
}

/// The same numbers in each run.
struct Random(u64);

impl Random {
    /// Below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % end
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// A value's text; rarely a wrong one.
    fn value(&mut self, kind: Kind, next_key: &mut u64, wrong: bool) -> Option<String> {
        let wrong = wrong && self.one_in(25);
        if self.one_in(12) && !matches!(kind, Kind::Key) && (wrong || !matches!(kind, Kind::Name)) {
            return None;
        }
        *next_key += 1;
        Some(match (kind, wrong) {
            (Kind::Key, false) => next_key.to_string(),
            (Kind::Key, true) => self.below(*next_key).to_string(),
            (Kind::Name, false) => "abcdefgh"[..self.below(6) as usize].to_owned() + "  ",
            (Kind::Name, true) => "too long".to_owned(),
            (Kind::Price, false) => format!("{}.{:02}", self.below(999), self.below(100)),
            (Kind::Price, true) => ["1000", "99999", "x"][self.below(3) as usize].to_owned(),
            (Kind::Vector, false) => format!("[{},{}]", self.below(9), self.below(9)),
            (Kind::Vector, true) => "[1,2,3]".to_owned(),
            (Kind::Code, false) => next_key.to_string(),
            (Kind::Code, true) => self.below(2).to_string(),
        })
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message").to_be_bytes();
    [&[kind], &length[..], body].concat()
}

fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', format!("{name}\0{sql}\0\0\0").as_bytes())
}

/// Integers of eight bytes are sent in binary where they are keys.
fn bind(portal: &str, statement: &str, values: &[(Kind, Option<String>)], binary: bool) -> Vec<u8> {
    let count = u16::try_from(values.len()).expect("few values").to_be_bytes();
    let mut body = format!("{portal}\0{statement}\0").into_bytes();
    body.extend(count);
    let as_bytes = |kind: &Kind| binary && matches!(kind, Kind::Key);
    for (kind, _) in values {
        body.extend(u16::from(as_bytes(kind)).to_be_bytes());
    }
    body.extend(count);
    for (kind, value) in values {
        let bytes = value.as_ref().map(|value| match as_bytes(kind) {
            true => value.parse::<i64>().expect("a key").to_be_bytes().to_vec(),
            false => value.as_bytes().to_vec(),
        });
        let length = bytes.as_ref().map_or(-1, |bytes| i32::try_from(bytes.len()).expect("short"));
        body.extend(length.to_be_bytes());
        body.extend(bytes.unwrap_or_default());
    }
    body.extend([0, 0]);
    message(b'B', &body)
}

fn execute(portal: &str) -> Vec<u8> {
    message(b'E', &[portal.as_bytes(), &[0, 0, 0, 0, 0]].concat())
}

/// What is sent up to a Sync, one execution after the other.
fn pipeline(random: &mut Random, next_key: &mut u64) -> Vec<Vec<u8>> {
    let command = |sql: &str| [parse("", sql), bind("", "", &[], false), execute("")].concat();
    let mut steps = Vec::new();
    let block = random.one_in(2);
    if block {
        steps.push(command("BEGIN"));
    }
    let wrong = random.one_in(2);
    let mut statement = random.below(3);
    for _ in 0..random.below(60) {
        if random.one_in(10) {
            statement = random.below(STATEMENTS.len() as u64);
        }
        if block && random.one_in(30) {
            steps.push(command(["SAVEPOINT s", "SELECT 1"][random.below(2) as usize]));
        }
        let (_, kinds) = STATEMENTS[statement as usize];
        let values = kinds.iter().map(|kind| (*kind, random.value(*kind, next_key, wrong)));
        let values: Vec<_> = values.collect();
        let portal = if random.one_in(30) { "p" } else { "" };
        let binary = random.one_in(2);
        let mut step = bind(portal, &format!("s{statement}"), &values, binary);
        if random.one_in(2) {
            step.extend(message(b'D', format!("P{portal}\0").as_bytes()));
        }
        step.extend(execute(portal));
        if portal == "p" {
            step.extend(message(b'C', b"Pp\0"));
        }
        steps.push(step);
    }
    if block {
        steps.push(command("COMMIT"));
    }
    steps
}

/// A connection that speaks the protocol by hand.
struct Wire(TcpStream);

impl Wire {
    async fn connect(node: &Node) -> Self {
        let mut stream = TcpStream::connect(&node.address).await.expect("a connection");
        let body = format!("\0\u{3}\0\0user\0{NAME}\0database\0{NAME}\0\0");
        let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
        stream.write_all(&[&length[..], body.as_bytes()].concat()).await.expect("it listens");
        let mut wire = Self(stream);
        wire.until_ready().await;
        wire
    }

    /// The answers up to ReadyForQuery, a line for each.
    async fn until_ready(&mut self) -> String {
        let mut lines = String::new();
        loop {
            let kind = self.0.read_u8().await.expect("an answer");
            let length = self.0.read_u32().await.expect("its length");
            let mut body = vec![0; length as usize - 4];
            self.0.read_exact(&mut body).await.expect("all of it");
            let text = String::from_utf8_lossy(&body).replace('\0', "|");
            // What describes rows has their table's number in it.
            let text = if kind == b'T' { "rows" } else { &text };
            // So has a row that failed the sequence's value, which rows behind it may have used.
            let text = text.split("|DFailing row contains").next().unwrap_or_default();
            writeln!(lines, "{} {text}", char::from(kind)).expect("a string");
            if kind == b'Z' {
                return lines;
            }
        }
    }

    async fn ask(&mut self, bytes: &[u8]) -> String {
        self.0.write_all(bytes).await.expect("it listens");
        self.until_ready().await
    }

    async fn query(&mut self, sql: &str) -> String {
        self.ask(&message(b'Q', format!("{sql}\0").as_bytes())).await
    }

    /// A fresh table, the pipelines, and what they leave.
    async fn run(&mut self, pipelines: &[Vec<Vec<u8>>], apart: bool) -> String {
        let mut said = String::new();
        self.query(TABLE).await;
        self.query("DEALLOCATE ALL").await;
        for (number, (sql, _)) in STATEMENTS.iter().enumerate() {
            said +=
                &self.ask(&[parse(&format!("s{number}"), sql), message(b'S', &[])].concat()).await;
        }
        let mut failed = false;
        for steps in pipelines {
            let flush = if apart { message(b'H', &[]) } else { Vec::new() };
            let mut sent = steps.join(&flush[..]);
            sent.extend(message(b'S', &[]));
            let answer = self.ask(&sent).await;
            failed |= answer.lines().any(|line| line.starts_with("E "));
            said += &answer;
            said += &self.query("ROLLBACK").await;
        }
        // What is left of the sequence after an error is nobody's business.
        let number = if failed { "" } else { "number," };
        let rows = format!("SELECT {number} id, name, price, e, code FROM t ORDER BY id");
        said + &self.query(&rows).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn together_and_apart_are_the_same() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let mut wire = Wire::connect(fleet.node(0)).await;
    let (mut errors, mut rows) = (0, 0);
    for seed in 0..CASES {
        let mut random = Random(seed + 1);
        let mut next_key = 0;
        let count = random.below(3) + 1;
        let pipelines: Vec<_> = (0..count).map(|_| pipeline(&mut random, &mut next_key)).collect();
        let apart = wire.run(&pipelines, true).await;
        let together = wire.run(&pipelines, false).await;
        assert_eq!(apart, together, "seed {seed}");
        errors += together.matches("\nE ").count();
        rows += together.matches("\nD ").count();
    }
    assert!(errors > 10 && rows > 500, "{errors} errors and {rows} rows are too few to tell");
}

/// Otherwise the test above would compare a thing with itself.
#[tokio::test(flavor = "multi_thread")]
async fn executions_of_one_statement_share_its_moment() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let mut wire = Wire::connect(fleet.node(0)).await;
    wire.query(
        "CREATE TABLE m (id int8, at timestamptz DEFAULT clock_timestamp(),
                started timestamptz DEFAULT statement_timestamp())",
    )
    .await;
    wire.ask(&[parse("s0", "INSERT INTO m (id) VALUES ($1)"), message(b'S', &[])].concat()).await;
    let one = |id: u64| {
        [bind("", "s0", &[(Kind::Key, Some(id.to_string()))], true), execute("")].concat()
    };
    let mut sent: Vec<u8> = (0..100).flat_map(one).collect();
    sent.extend(message(b'S', &[]));
    wire.ask(&sent).await;
    let moments = wire.query("SELECT count(DISTINCT started) < 20, count(*) FROM m").await;
    assert!(moments.contains("t|||\u{3}100"), "{moments}");
}
