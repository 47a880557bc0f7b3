//! A file or an object that is read.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStoreExt};
use tokio::runtime::Handle;

use super::error::{OutsideError, Result};
use crate::base::limits::{COPY_READ_BYTES, COPY_READS_AHEAD};
use crate::store::object::Error;
use crate::store::object::objects::Objects;

/// Something outside of the database that is read: its length is what it was when it was opened.
#[derive(Clone, Debug)]
pub struct OutsideSource {
    name: Arc<str>,
    length: u64,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    File(Arc<File>),
    Object {
        objects: Arc<Objects>,
        key: Path,
        /// Which of the objects that have had this name.
        e_tag: Option<String>,
    },
}

impl OutsideSource {
    pub(super) async fn file(path: PathBuf) -> Result<Self> {
        let name: Arc<str> = path.to_string_lossy().into();
        let shown = Arc::clone(&name);
        let open = move || {
            let failed = |error| OutsideError::open(&shown, true, error);
            // Without waiting for the other end, where it is a pipe.
            let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
            let file =
                OpenOptions::new().read(true).custom_flags(flags).open(&path).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            if metadata.is_dir() {
                return Err(OutsideError::Directory { name: shown.to_string() });
            }
            // Where nothing comes, as from /dev/null, nothing is read.
            let is_empty = || matches!(file.read_at(&mut [0], 0), Ok(0));
            let is_null = || metadata.file_type().is_char_device() && is_empty();
            if !(metadata.is_file() || is_null()) {
                return Err(OutsideError::NotRegular { name: shown.to_string() });
            }
            Ok((file, metadata.len()))
        };
        let (file, length) = blocking(&name, open).await??;
        Ok(Self { name, length, from: From::File(Arc::new(file)) })
    }

    pub(super) async fn object(objects: Arc<Objects>, bucket: &str, key: Path) -> Result<Self> {
        let name: Arc<str> = format!("s3://{bucket}/{key}").into();
        let head = objects.store.head(&key).await;
        let head = head.map_err(|error| OutsideError::of_store(&name, true, &error))?;
        let from = From::Object { objects, key, e_tag: head.e_tag };
        Ok(Self { name, length: head.size, from })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads a range of its bytes.
    ///
    /// # Errors
    /// When it can't be read, or has been changed since it was opened.
    pub async fn range(&self, range: Range<u64>) -> Result<Bytes> {
        match &self.from {
            From::File(file) => {
                let (file, name) = (Arc::clone(file), Arc::clone(&self.name));
                blocking(&self.name, move || read(&file, &name, range)).await?
            }
            From::Object { objects, key, e_tag } => {
                self.object_range(objects, key, e_tag.as_ref(), range).await
            }
        }
    }

    /// The same on a thread that may block.
    ///
    /// # Errors
    /// As [`Self::range`].
    pub fn range_here(&self, range: Range<u64>, runtime: &Handle) -> Result<Bytes> {
        match &self.from {
            From::File(file) => read(file, &self.name, range),
            From::Object { .. } => runtime.block_on(self.range(range)),
        }
    }

    async fn object_range(
        &self,
        objects: &Arc<Objects>,
        key: &Path,
        e_tag: Option<&String>,
        range: Range<u64>,
    ) -> Result<Bytes> {
        let (patience, counters, random) = objects.patience();
        let read = patience.run(counters, random, ("read", &self.name), || async {
            let options = GetOptions {
                range: Some(GetRange::Bounded(range.clone())),
                if_match: e_tag.cloned(),
                ..GetOptions::default()
            };
            let read = async { objects.store.get_opts(key, options).await?.bytes().await };
            read.await.map_err(|error| Error::of_store("read", &self.name, &error))
        });
        let wanted = range.end.saturating_sub(range.start);
        let bytes = read.await.map_err(|error| match error {
            // Gone, or another object by now.
            Error::Exists { .. } | Error::Missing { .. } => changed(&self.name),
            other => OutsideError::Store(other),
        })?;
        if bytes.len() as u64 == wanted { Ok(bytes) } else { Err(changed(&self.name)) }
    }

    /// All its bytes in order, in pieces, some of them read ahead.
    pub fn pieces(&self) -> BoxStream<'static, Result<Bytes>> {
        let source = self.clone();
        let starts = (0..self.length).step_by(COPY_READ_BYTES);
        let length = self.length;
        let piece = move |start: u64| {
            let source = source.clone();
            let end = length.min(start + COPY_READ_BYTES as u64);
            async move { source.range(start..end).await }
        };
        futures::stream::iter(starts).map(piece).buffered(COPY_READS_AHEAD).boxed()
    }
}

fn changed(name: &str) -> OutsideError {
    OutsideError::Changed { name: name.to_owned() }
}

/// Reads a range of a file, all of it.
fn read(file: &File, name: &str, range: Range<u64>) -> Result<Bytes> {
    let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length];
    match file.read_exact_at(&mut bytes, range.start) {
        Ok(()) => Ok(Bytes::from(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(changed(name)),
        Err(error) => Err(OutsideError::access("read", name, error)),
    }
}

/// Runs file operations on the threads that may block.
pub(super) async fn blocking<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| OutsideError::access("use", name, io::Error::other(error)))
}
