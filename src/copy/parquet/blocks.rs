//! A file as Parquet's reader wants it, page by page, over a few blocks of its bytes: a row group may
//! be larger than memory, and a page of a bucket's object is too little for a request.
//!
//! For threads that may block.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;

use crate::base::limits::{COPY_PAGE_BYTES_MAX, COPY_THREAD_BYTES_MAX};
use crate::store::object::OutsideSource;

/// What one request asks for at most, and at least.
const BLOCK_BYTES_MAX: u64 = 8 << 20;
const BLOCK_BYTES_MIN: u64 = 256 << 10;

/// A file over a few blocks of its bytes.
#[derive(Clone, Debug)]
pub(super) struct Blocks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: OutsideSource,
    runtime: Handle,
    block_bytes: u64,
    /// The newest last.
    kept: Mutex<VecDeque<(u64, Bytes)>>,
    kept_max: usize,
}

impl Blocks {
    /// Of a file of which so many columns are read side by side.
    pub(super) fn new(source: OutsideSource, columns: usize, runtime: Handle) -> Self {
        let share = COPY_THREAD_BYTES_MAX as u64 / (columns as u64 + 1);
        let block_bytes = share.clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX);
        let kept_max = COPY_THREAD_BYTES_MAX / usize::try_from(block_bytes).unwrap_or(usize::MAX);
        Self(Arc::new(Inner {
            source,
            runtime,
            block_bytes,
            kept: Mutex::default(),
            kept_max: kept_max.max(1),
        }))
    }

    /// The block that has this byte, and where it begins.
    fn block(&self, at: u64) -> Result<(u64, Bytes)> {
        let inner = &*self.0;
        let start = at - at % inner.block_bytes;
        let mut kept = inner.kept.lock();
        if let Some(place) = kept.iter().position(|(of, _)| *of == start)
            && let Some(found) = kept.remove(place)
        {
            kept.push_back(found.clone());
            return Ok(found);
        }
        let end = inner.source.length().min(start + inner.block_bytes);
        let read = (start, self.fetch(start, end)?);
        if kept.len() >= inner.kept_max {
            kept.pop_front();
        }
        kept.push_back(read.clone());
        Ok(read)
    }

    fn fetch(&self, start: u64, end: u64) -> Result<Bytes> {
        let read = self.0.source.range_here(start..end, &self.0.runtime);
        read.map_err(|error| ParquetError::External(Box::new(error)))
    }

    fn check(&self, start: u64, length: u64) -> Result<()> {
        match start.checked_add(length) {
            Some(end) if end <= self.0.source.length() => Ok(()),
            _ => Err(ParquetError::EOF("a part lies outside of the file".to_owned())),
        }
    }
}

impl Length for Blocks {
    fn len(&self) -> u64 {
        self.0.source.length()
    }
}

impl ChunkReader for Blocks {
    type T = BlockReader;

    fn get_read(&self, start: u64) -> Result<BlockReader> {
        self.check(start, 0)?;
        Ok(BlockReader { blocks: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.check(start, length as u64)?;
        if length > COPY_PAGE_BYTES_MAX {
            let what = format!("a page or footer of {length} bytes, at most {COPY_PAGE_BYTES_MAX}");
            return Err(ParquetError::General(what));
        }
        let end = start + length as u64;
        if length as u64 > self.0.block_bytes {
            return self.fetch(start, end);
        }
        let mut whole = BytesMut::new();
        let mut at = start;
        while at < end {
            let (from, block) = self.block(at)?;
            let skip = usize::try_from(at - from).unwrap_or(usize::MAX);
            let take = (length - whole.len()).min(block.len().saturating_sub(skip));
            let part = block.slice(skip..skip + take);
            if take == length {
                return Ok(part);
            }
            whole.extend_from_slice(&part);
            at += take as u64;
        }
        Ok(whole.freeze())
    }
}

/// Reads on from somewhere: the header of a page.
#[derive(Debug)]
pub(super) struct BlockReader {
    blocks: Blocks,
    at: u64,
}

impl Read for BlockReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.blocks.len() || out.is_empty() {
            return Ok(0);
        }
        let (from, block) = self.blocks.block(self.at).map_err(io::Error::other)?;
        let skip = usize::try_from(self.at - from).unwrap_or(usize::MAX);
        let bytes = block.get(skip..).unwrap_or_default();
        let taken = out.len().min(bytes.len());
        out[..taken].copy_from_slice(&bytes[..taken]);
        self.at += taken as u64;
        Ok(taken)
    }
}
