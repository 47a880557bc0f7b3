//! The byte stream under the messages: framing on the way in, one buffer on the way out.
//!
//! Output is written when the protocol says so (Sync, Flush, end of a simple query) or when
//! the buffer is full, and then the producer waits: a client that does not read stops the
//! query that it asked for, not the server's memory. Input is read ahead while a statement
//! runs, but only so far, and only to notice that the client has gone away.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::failure::{Failure, Step};
use super::message::{backend, frontend};
use crate::base::limits::STARTUP_MESSAGE_BYTES_MAX;
use crate::base::{SqlError, SqlState};

/// Output is written when it has grown to this: large enough for few system calls, small
/// enough to stay in the processor's cache.
const OUTPUT_BYTES: usize = 64 << 10;
/// A buffer that one large value has grown beyond this is given back.
const KEEP_BYTES: usize = 1 << 20;
/// What one read asks for.
const READ_BYTES: usize = 16 << 10;
/// What one read asks for inside a large message.
const READ_LARGE_BYTES: usize = 256 << 10;
/// How far input is read ahead while a statement runs.
const READ_AHEAD_BYTES: usize = 64 << 10;

/// How long what the other side still sends is read after the last word.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection's two byte streams.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    input: BytesMut,
    /// Whole messages only, except while one is being appended.
    pub(super) output: BytesMut,
    /// Where the message that is being appended starts, see [`Wire::discard_partial`].
    whole: usize,
    gone: bool,
    /// Much is coming: fewer, larger reads.
    bulk: bool,
}

/// One message: its type and exactly its bytes.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) body: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Over this stream, nothing read yet.
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::with_capacity(READ_BYTES),
            whole: 0,
            gone: false,
            bulk: false,
        }
    }

    /// Takes bytes that were read before there was a wire.
    pub(super) fn has_read(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Says whether much is coming (COPY).
    pub(super) fn expect_bulk(&mut self, bulk: bool) {
        self.bulk = bulk;
    }

    /// Whether the other side has closed its half.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    async fn fill(&mut self, expected: usize) -> Step {
        if self.gone {
            return Err(Failure::Gone);
        }
        // The client's number decides nothing: memory grows with what has really arrived.
        let large = self.bulk || expected > READ_BYTES;
        let wanted = if large { READ_LARGE_BYTES } else { READ_BYTES };
        self.input.reserve(wanted);
        if self.stream.read_buf(&mut self.input).await? == 0 {
            self.gone = true;
            return Err(Failure::Gone);
        }
        Ok(())
    }

    /// The next message's type, when its first byte is there.
    pub(super) fn peek(&self) -> Option<u8> {
        self.input.first().copied()
    }

    /// The type of the first message that is not a Close, if it has arrived.
    pub(super) fn peek_past_closes(&self) -> Step<Option<u8>> {
        let mut rest = &self.input[..];
        while let [b'C', a, b, c, d, ..] = rest {
            let length = usize::try_from(i32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(0);
            // A malformed one is found out when it is its turn.
            match rest.get(1 + length.max(4)..) {
                Some(after) => rest = after,
                None => return Ok(None),
            }
        }
        Ok(match rest {
            [b'C', ..] | [] => None,
            [kind, ..] => Some(*kind),
        })
    }

    /// Reads once.
    pub(super) async fn read_more(&mut self) -> Step {
        self.fill(0).await
    }

    /// Waits for the next message's type without taking the message.
    pub(super) async fn wait_peek(&mut self) -> Step<u8> {
        loop {
            match self.peek() {
                Some(kind) => return Ok(kind),
                None => self.fill(0).await?,
            }
        }
    }

    /// The next message. Cancel safe: what was read stays.
    pub(super) async fn frame(&mut self) -> Step<Frame> {
        let (kind, length) = self.arrival().await?;
        Ok(self.split(kind, length))
    }

    /// Waits until the next message has arrived whole: its type and the length of its body. It
    /// stays in the input. Cancel safe.
    pub(super) async fn arrival(&mut self) -> Step<(u8, usize)> {
        loop {
            match self.complete()? {
                Ok(found) => return Ok(found),
                Err(missing) => self.fill(missing).await?,
            }
        }
    }

    /// Whether the next message has arrived whole.
    pub(super) fn has_arrived(&self) -> Step<bool> {
        Ok(self.complete()?.is_ok())
    }

    /// All that has arrived and is not taken yet.
    pub(super) fn arrived(&self) -> &[u8] {
        &self.input
    }

    /// Takes whole messages from the front of the input.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.input.advance(bytes.min(self.input.len()));
    }

    /// The next message if it has arrived.
    pub(super) fn take_frame(&mut self) -> Step<Option<Frame>> {
        Ok(match self.complete()? {
            Ok((kind, length)) => Some(self.split(kind, length)),
            Err(_) => None,
        })
    }

    fn split(&mut self, kind: u8, length: usize) -> Frame {
        self.input.advance(5);
        Frame { kind, body: self.input.split_to(length) }
    }

    /// The type and the length of the message at the front when it is whole, or else how many
    /// bytes are missing.
    fn complete(&self) -> Step<Result<(u8, usize), usize>> {
        let Some(kind) = self.peek() else {
            return Ok(Err(5));
        };
        let max = frontend::body_bytes_max(kind).ok_or_else(|| frontend::unknown(kind))?;
        let Some(length) = self.input.get(1..5).and_then(|bytes| bytes.first_chunk::<4>()) else {
            return Ok(Err(5 - self.input.len()));
        };
        let length = i32::from_be_bytes(*length);
        match usize::try_from(i64::from(length) - 4) {
            Ok(body) if body <= max => {
                let whole = body + 5;
                if self.input.len() >= whole {
                    Ok(Ok((kind, body)))
                } else {
                    Ok(Err(whole - self.input.len()))
                }
            }
            _ => {
                Err(SqlError::fatal(SqlState::PROTOCOL_VIOLATION, "invalid message length").into())
            }
        }
    }

    /// The next packet before authentication: no type byte, and short.
    pub(super) async fn packet(&mut self) -> Step<BytesMut> {
        loop {
            if let Some(length) = self.input.first_chunk::<4>() {
                let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
                if !(8..=STARTUP_MESSAGE_BYTES_MAX).contains(&length) {
                    return Err(SqlError::fatal(
                        SqlState::PROTOCOL_VIOLATION,
                        "invalid length of startup packet",
                    )
                    .into());
                }
                if self.input.len() >= length {
                    self.input.advance(4);
                    return Ok(self.input.split_to(length - 4));
                }
            }
            self.fill(0).await?;
        }
    }

    /// Sends one byte at once: the answer to a request for encryption.
    pub(super) async fn send_byte(&mut self, byte: u8) -> Step {
        self.stream.write_all(&[byte]).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Writes all output.
    pub(super) async fn flush(&mut self) -> Step {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            if self.output.capacity() > KEEP_BYTES {
                self.output = BytesMut::with_capacity(OUTPUT_BYTES);
            } else {
                self.output.clear();
            }
            self.whole = 0;
        }
        self.stream.flush().await?;
        Ok(())
    }

    /// Writes the output if there is enough of it. Called between messages.
    #[inline]
    pub(super) async fn flush_when_full(&mut self) -> Step {
        self.mark_whole();
        if self.output.len() >= OUTPUT_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Says that all output so far is whole messages.
    pub(super) fn mark_whole(&mut self) {
        self.whole = self.output.len();
    }

    /// Forgets a message that was not finished, so that another can follow.
    pub(super) fn discard_partial(&mut self) {
        self.output.truncate(self.whole);
    }

    /// Appends an ErrorResponse or NoticeResponse.
    pub(super) fn put_error(&mut self, error: &SqlError) {
        backend::error_or_notice(&mut self.output, error);
        self.mark_whole();
    }

    /// Runs `work` while watching for the client's end: when it is gone, `stop` is called once
    /// and `work` is still waited for, because it knows how to end in good order. Reading
    /// starts only when `work` has to wait, so a statement that is answered at once costs no
    /// system call here.
    pub(super) async fn attend<T>(
        &mut self,
        stop: impl FnOnce(),
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        let mut stop = Some(stop);
        loop {
            if self.gone || self.input.len() >= READ_AHEAD_BYTES {
                return work.await;
            }
            tokio::select! {
                biased;
                result = &mut work => return result,
                read = self.fill(0) => {
                    if read.is_err() {
                        self.gone = true;
                        if let Some(stop) = stop.take() {
                            stop();
                        }
                    }
                }
            }
        }
    }

    /// Reads what the other side still sends, for a moment: closing a socket over unread data
    /// resets it, and the reset may overtake what we said last.
    pub(super) async fn drain(&mut self) {
        let all = async {
            while self.fill(READ_LARGE_BYTES).await.is_ok() {
                self.input.clear();
            }
        };
        // Whoever has more to say than this will not hear us either.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, all).await;
    }

    /// Ends our half after what is still to be said, as well as that goes.
    pub(super) async fn close(&mut self) {
        // The client may be gone already; there is nothing to do about that.
        let _ = self.flush().await;
        let _ = self.stream.shutdown().await;
    }
}
