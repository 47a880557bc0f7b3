//! A client that writes messages by hand and reads the answers as short strings.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::double::TestServer;
use crate::base::SeededRandom;
use crate::pg::listener::converse;
use crate::pg::startup::Policy;

/// One connection under test.
pub(super) struct Client {
    pub(super) stream: DuplexStream,
    input: BytesMut,
    pub(super) task: JoinHandle<()>,
    pub(super) shutdown: CancellationToken,
}

/// A message: its type, its body, and what a test wants to see of it.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

/// The body of a startup message.
pub(super) fn startup_packet(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_u32(version);
    for (name, value) in parameters {
        body.put_slice(name.as_bytes());
        body.put_u8(0);
        body.put_slice(value.as_bytes());
        body.put_u8(0);
    }
    body.put_u8(0);
    let mut packet = u32::try_from(body.len() + 4).unwrap().to_be_bytes().to_vec();
    packet.extend(body);
    packet
}

/// A message with its type and length.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.put_u32(u32::try_from(body.len() + 4).unwrap());
    bytes.put_slice(body);
    bytes
}

pub(super) fn query(sql: &str) -> Vec<u8> {
    message(b'Q', format!("{sql}\0").as_bytes())
}

pub(super) fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', format!("{name}\0{sql}\0\0\0").as_bytes())
}

/// Text values, result columns in these formats.
pub(super) fn bind(portal: &str, statement: &str, values: &[&str], results: &[u16]) -> Vec<u8> {
    let mut body = format!("{portal}\0{statement}\0").into_bytes();
    body.put_u16(0);
    body.put_u16(u16::try_from(values.len()).unwrap());
    for value in values {
        body.put_u32(u32::try_from(value.len()).unwrap());
        body.put_slice(value.as_bytes());
    }
    body.put_u16(u16::try_from(results.len()).unwrap());
    for format in results {
        body.put_u16(*format);
    }
    message(b'B', &body)
}

pub(super) fn execute(portal: &str, rows_max: i32) -> Vec<u8> {
    let mut body = format!("{portal}\0").into_bytes();
    body.put_i32(rows_max);
    message(b'E', &body)
}

pub(super) fn describe(kind: char, name: &str) -> Vec<u8> {
    message(b'D', format!("{kind}{name}\0").as_bytes())
}

pub(super) fn close(kind: char, name: &str) -> Vec<u8> {
    message(b'C', format!("{kind}{name}\0").as_bytes())
}

pub(super) fn sync() -> Vec<u8> {
    message(b'S', &[])
}

/// No delay, and the same nonce in every run.
pub(super) fn policy() -> Policy {
    Policy {
        authentication_timeout: Duration::from_secs(60),
        random: Arc::new(SeededRandom::new(1)),
        tls_required: false,
        clock: Arc::new(crate::base::SystemClock::new()),
        back_off: Arc::default(),
    }
}

impl Client {
    /// Connected, nothing said.
    pub(super) fn connect(server: &Arc<TestServer>) -> Self {
        Self::connect_with(server, policy())
    }

    /// Connected to a server that treats strangers so.
    pub(super) fn connect_with(server: &Arc<TestServer>, policy: Policy) -> Self {
        let (stream, other) = tokio::io::duplex(1 << 20);
        let shutdown = CancellationToken::new();
        let task = tokio::spawn({
            let came = (None, crate::pg::tls::Secured::default());
            converse(other, came, Arc::clone(server), policy, shutdown.clone(), ())
        });
        Self { stream, input: BytesMut::new(), task, shutdown }
    }

    /// Connected and let in.
    pub(super) async fn start(server: &Arc<TestServer>) -> Self {
        let mut client = Self::connect(server);
        client.send(&startup_packet(0x0003_0000, &[("user", "kite")])).await;
        let greeting = client.until_ready().await;
        assert!(greeting.ends_with("Z:I"), "{greeting}");
        client
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next message, `None` at the end of the stream.
    pub(super) async fn reply(&mut self) -> Option<Reply> {
        let work = async {
            loop {
                if self.input.len() >= 5 {
                    let length = (&self.input[1..5]).get_u32() as usize;
                    if self.input.len() > length {
                        let kind = self.input[0];
                        self.input.advance(5);
                        let body = self.input.split_to(length - 4).to_vec();
                        return Some(Reply { kind, body });
                    }
                }
                if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                    assert!(self.input.is_empty(), "half a message: {:?}", self.input);
                    return None;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), work).await.expect("the server hangs")
    }

    /// All messages up to ReadyForQuery or the end, in words.
    pub(super) async fn until_ready(&mut self) -> String {
        let mut words: Vec<String> = Vec::new();
        loop {
            let Some(reply) = self.reply().await else {
                words.push("end".to_owned());
                break;
            };
            let word = reply.word();
            if word != "D" || words.last().is_none_or(|last| last != "D") {
                words.push(word);
            }
            if reply.kind == b'Z' {
                break;
            }
        }
        words.join(" ")
    }

    /// Sends, and reads up to ReadyForQuery or the end.
    pub(super) async fn ask(&mut self, messages: &[Vec<u8>]) -> String {
        self.send(&messages.concat()).await;
        self.until_ready().await
    }

    /// All rows and the rest up to ReadyForQuery.
    pub(super) async fn replies(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some(reply) = self.reply().await {
            let done = reply.kind == b'Z';
            replies.push(reply);
            if done {
                break;
            }
        }
        replies
    }
}

impl Reply {
    /// A field of an ErrorResponse.
    pub(super) fn field(&self, code: u8) -> Option<String> {
        let fields = self.body.split(|byte| *byte == 0);
        fields
            .filter(|field| field.first() == Some(&code))
            .map(|field| String::from_utf8(field[1..].to_vec()).unwrap())
            .next()
    }

    /// The values of a DataRow, in text.
    pub(super) fn values(&self) -> Vec<Option<String>> {
        let mut body = &self.body[..];
        let count = body.get_u16();
        (0..count)
            .map(|_| {
                let length = usize::try_from(body.get_i32()).ok()?;
                let (value, rest) = body.split_at(length);
                body = rest;
                Some(String::from_utf8_lossy(value).into_owned())
            })
            .collect()
    }

    fn word(&self) -> String {
        let text = || String::from_utf8_lossy(&self.body).trim_end_matches('\0').to_owned();
        match self.kind {
            b'E' => format!(
                "{}:{}",
                if self.field(b'S').as_deref() == Some("FATAL") { "FATAL" } else { "E" },
                self.field(b'C').unwrap_or_default()
            ),
            b'N' => format!("N:{}", self.field(b'M').unwrap_or_default()),
            b'C' => format!("C:{}", text()),
            b'Z' => format!("Z:{}", text()),
            b'R' => format!("R{}", self.body[3]),
            kind => char::from(kind).to_string(),
        }
    }
}
