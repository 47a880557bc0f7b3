//! An object written piece by piece: a file, or a multipart upload when it is large.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, ObjectStoreExt};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::durable::DurableFile;
use super::error::{Error, Result};
use super::{ObjectRef, Objects};

/// S3 takes parts of at least 5 MiB, and at most 10,000 of them.
const PART_BYTES: usize = 8 << 20;
/// Parts on their way at once.
const PARTS_IN_FLIGHT: usize = 4;

/// An object that is being written. Nobody can see it before [`Upload::finish`]; dropped
/// without it, only garbage is left.
#[derive(Debug)]
pub struct Upload {
    objects: Arc<Objects>,
    path: String,
    length: u64,
    crc: crc32fast::Hasher,
    sink: Sink,
    /// Whether another object may have the name.
    replaces: bool,
}

#[derive(Debug)]
enum Sink {
    File(DurableFile),
    /// The rest that is not sent yet, and the parts that are, once there is a first one.
    Remote {
        rest: BytesMut,
        parts: Option<Multipart>,
    },
}

#[derive(Debug)]
struct Multipart {
    /// None once it is complete.
    upload: Option<Box<dyn MultipartUpload>>,
    in_flight: JoinSet<object_store::Result<()>>,
    path: String,
}

impl Drop for Multipart {
    /// Parts that were sent cost money until they are given up.
    fn drop(&mut self) {
        let (Some(mut upload), Ok(runtime)) = (self.upload.take(), Handle::try_current()) else {
            return;
        };
        let path = std::mem::take(&mut self.path);
        runtime.spawn(async move {
            if let Err(error) = upload.abort().await {
                tracing::debug!(%error, path, "parts of an unfinished upload are left");
            }
        });
    }
}

impl Upload {
    pub(super) async fn begin(objects: Arc<Objects>, path: &str, replaces: bool) -> Result<Self> {
        let sink = match &objects.root {
            Some(root) => {
                let (root, full) = (Arc::clone(root), objects.full(path));
                let create = move || DurableFile::create(&root, full.as_ref());
                Sink::File(blocking("create", path, create).await?)
            }
            None => Sink::Remote { rest: BytesMut::new(), parts: None },
        };
        let crc = crc32fast::Hasher::new();
        Ok(Self { objects, path: path.to_owned(), length: 0, crc, sink, replaces })
    }

    /// Bytes written so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends bytes.
    pub async fn write(mut self, bytes: Bytes) -> Result<Self> {
        self.length += bytes.len() as u64;
        self.crc.update(&bytes);
        self.sink = match self.sink {
            Sink::File(mut file) => {
                let write = move || file.write(&bytes).map(|()| file);
                Sink::File(blocking("write", &self.path, write).await?)
            }
            Sink::Remote { mut rest, mut parts } => {
                rest.extend_from_slice(&bytes);
                while rest.len() > PART_BYTES {
                    let part = rest.split_to(PART_BYTES).freeze();
                    send_part(&self.objects, &self.path, &mut parts, part).await?;
                }
                Sink::Remote { rest, parts }
            }
        };
        Ok(self)
    }

    /// Makes the object durable.
    pub async fn finish(self) -> Result<ObjectRef> {
        let Self { objects, path, length, crc, sink, replaces } = self;
        let object = ObjectRef { path, length, crc32: crc.finalize() };
        match sink {
            Sink::File(file) => {
                blocking("write", &object.path, move || file.finish()).await?;
                objects.counters().written(length);
            }
            Sink::Remote { rest, parts: None } if replaces => {
                objects.put_in_place(&object, rest.freeze()).await?;
            }
            Sink::Remote { rest, parts: None } => {
                let put = objects.put(&object.path, rest.freeze()).await?;
                debug_assert_eq!(put, object);
            }
            Sink::Remote { rest, mut parts } => {
                send_part(&objects, &object.path, &mut parts, rest.freeze()).await?;
                if let Some(parts) = parts {
                    complete(&objects, &object.path, parts).await?;
                }
            }
        }
        Ok(object)
    }

    /// Gives the object up, and removes what was written, as far as that is possible now.
    pub async fn abandon(self) -> Result<()> {
        match self.sink {
            Sink::File(file) => blocking("delete", &self.path, move || file.abandon()).await,
            Sink::Remote { parts: Some(mut parts), .. } => {
                parts.in_flight.shutdown().await;
                let Some(mut upload) = parts.upload.take() else { return Ok(()) };
                let aborted = upload.abort().await;
                aborted.map_err(|error| Error::of_store("abort", &self.path, &error))
            }
            Sink::Remote { parts: None, .. } => Ok(()),
        }
    }
}

async fn send_part(
    objects: &Objects,
    path: &str,
    parts: &mut Option<Multipart>,
    bytes: Bytes,
) -> Result<()> {
    let failed = |error: object_store::Error| Error::of_store("write", path, &error);
    let multipart = match parts {
        Some(multipart) => multipart,
        None => {
            let full = objects.full(path);
            let (patience, counters, random) = objects.patience();
            let upload = patience
                .run(counters, random, ("write", path), || async {
                    objects.store.put_multipart(&full).await.map_err(failed)
                })
                .await?;
            let (upload, path) = (Some(upload), path.to_owned());
            parts.insert(Multipart { upload, in_flight: JoinSet::new(), path })
        }
    };
    while multipart.in_flight.len() >= PARTS_IN_FLIGHT {
        join(path, &mut multipart.in_flight).await?;
    }
    objects.counters().written(bytes.len() as u64);
    if let Some(upload) = &mut multipart.upload {
        // The client below retries each part by itself.
        multipart.in_flight.spawn(upload.put_part(bytes.into()));
    }
    Ok(())
}

async fn join(path: &str, in_flight: &mut JoinSet<object_store::Result<()>>) -> Result<()> {
    match in_flight.join_next().await {
        Some(Ok(outcome)) => outcome.map_err(|error| Error::of_store("write", path, &error)),
        Some(Err(error)) => Err(Error::Unavailable {
            what: "write",
            path: path.to_owned(),
            cause: error.to_string(),
        }),
        None => Ok(()),
    }
}

async fn complete(objects: &Objects, path: &str, mut parts: Multipart) -> Result<()> {
    while !parts.in_flight.is_empty() {
        join(path, &mut parts.in_flight).await?;
    }
    let (patience, ..) = objects.patience();
    let Some(upload) = &mut parts.upload else { return Ok(()) };
    let done = tokio::time::timeout(patience.attempt, upload.complete()).await;
    if matches!(done, Ok(Ok(_))) {
        parts.upload = None;
    }
    match done {
        Ok(outcome) => outcome.map(drop).map_err(|error| Error::of_store("write", path, &error)),
        Err(_) => Err(Error::Unavailable {
            what: "write",
            path: path.to_owned(),
            cause: "no answer in time".to_owned(),
        }),
    }
}

/// Runs file operations on the threads that may block.
pub(super) async fn blocking<T: Send + 'static>(
    what: &'static str,
    path: &str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(|error| Error::of_io(what, path, &error)),
        Err(error) => {
            Err(Error::Unavailable { what, path: path.to_owned(), cause: error.to_string() })
        }
    }
}
