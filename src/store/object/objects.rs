//! The object store as Redkite uses it: fresh names, verified reads.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde::{Deserialize, Serialize};

use super::durable::{DurableFile, FileJournal, FileStep, Root};
use super::error::{Error, Result};
use super::{Counters, Location, Patience, Upload};
use crate::base::Random;

/// An object that metadata lists: what a read must find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Its name, below the location's prefix.
    pub path: String,
    /// Its length in bytes.
    pub length: u64,
    /// The CRC-32 (IEEE) of all its bytes.
    pub crc32: u32,
}

/// A range of an object that is read by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Part {
    /// Where it begins.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
    /// The CRC-32 (IEEE) of these bytes.
    pub crc32: u32,
}

impl Part {
    /// The first bytes of an object.
    pub fn front(object: &[u8], length: usize) -> Self {
        let front = &object[..length.min(object.len())];
        Self { offset: 0, length: front.len() as u64, crc32: crc32fast::hash(front) }
    }

    /// From the first byte to the one after the last; `None` when that overflows.
    pub fn range(&self) -> Option<Range<u64>> {
        Some(self.offset..self.offset.checked_add(self.length)?)
    }

    /// Checks that these are the part's bytes.
    pub fn verify(&self, path: &str, bytes: &[u8]) -> Result<()> {
        verify(path, bytes, self.length, self.crc32, self.offset)
    }
}

/// Verified parts of an object, in the order asked for.
pub type Parts = Vec<Bytes>;

/// An object as the store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name, below the location's prefix.
    pub path: String,
    /// Its length in bytes.
    pub length: u64,
    /// When it was written, by the store's clock, in microseconds since 1970.
    pub written_us: i64,
}

/// The object store.
#[derive(Debug)]
pub struct Objects {
    pub(super) store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Where writes are files that must be fsynced.
    pub(super) root: Option<Arc<Root>>,
    patience: Patience,
    counters: Arc<Counters>,
    random: Arc<dyn Random>,
}

impl Objects {
    /// Opens the location. Does not talk to S3 yet: see [`Objects::probe`].
    pub fn open(location: &Location, random: Arc<dyn Random>) -> Result<Self> {
        Self::open_journaled(location, random, None)
    }

    /// The same; where objects are files, the journal hears what happens to them.
    pub(crate) fn open_journaled(
        location: &Location,
        random: Arc<dyn Random>,
        journal: Option<Arc<dyn FileJournal>>,
    ) -> Result<Self> {
        let (store, prefix, folder) = location.open()?;
        let root = folder.map(|folder| Arc::new(Root::new(folder, journal)));
        Self::over(store, &prefix, root, random)
    }

    /// Objects in memory, for tests and simulations.
    pub fn in_memory(random: Arc<dyn Random>) -> Self {
        Self::decorated(Arc::new(object_store::memory::InMemory::new()), random)
    }

    /// Objects in memory from which every read takes so long, as from far away.
    #[cfg(test)]
    pub(crate) fn far_away(read: std::time::Duration, random: Arc<dyn Random>) -> Self {
        use object_store::throttle::{ThrottleConfig, ThrottledStore};
        let slow = ThrottleConfig { wait_get_per_call: read, ..ThrottleConfig::default() };
        let memory = object_store::memory::InMemory::new();
        Self::decorated(Arc::new(ThrottledStore::new(memory, slow)), random)
    }

    /// Objects in any store, for tests that inject faults.
    pub(crate) fn decorated(store: Arc<dyn ObjectStore>, random: Arc<dyn Random>) -> Self {
        Self {
            store,
            prefix: Path::default(),
            root: None,
            patience: Patience::default(),
            counters: Arc::default(),
            random,
        }
    }

    fn over(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        root: Option<Arc<Root>>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let prefix = Path::parse(prefix)
            .map_err(|error| Error::Location(format!("bad prefix \"{prefix}\": {error}")))?;
        Ok(Self { prefix, root, ..Self::decorated(store, random) })
    }

    /// The same store with other time-outs.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The same store with counters of its own, which count for those of this one too.
    #[must_use]
    pub fn counted(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            prefix: self.prefix.clone(),
            root: self.root.clone(),
            patience: self.patience,
            counters: Arc::new(Counters::within(&self.counters)),
            random: Arc::clone(&self.random),
        }
    }

    /// Whether objects are files of this machine, so that a local copy gains nothing.
    pub fn is_local(&self) -> bool {
        self.root.is_some()
    }

    /// What was asked of the store so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Finds out whether the store answers and lets us in: lists, and takes the first page.
    pub async fn probe(&self) -> Result<()> {
        let patience = Patience { attempts_max: 2, ..self.patience };
        patience
            .run(&self.counters, &self.random, ("list", ""), || async {
                let mut listing = self.store.list(Some(&self.prefix));
                match listing.next().await {
                    Some(Err(error)) => Err(Error::of_store("list", "", &error)),
                    _ => Ok(()),
                }
            })
            .await
    }

    pub(super) fn full(&self, path: &str) -> Path {
        Path::from_iter(self.prefix.parts().chain(Path::from(path).parts()))
    }

    /// Writes a whole object under a fresh name. Durable when this returns.
    ///
    /// # Errors
    /// [`Error::Exists`] when another object has the name; it is left as it is.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<ObjectRef> {
        let object = ObjectRef {
            path: path.to_owned(),
            length: bytes.len() as u64,
            crc32: crc32fast::hash(&bytes),
        };
        match &self.root {
            Some(root) => put_file(root, self.full(path), bytes).await?,
            None => self.put_remote(&object, bytes).await?,
        }
        self.counters.written(object.length);
        Ok(object)
    }

    async fn put_remote(&self, object: &ObjectRef, bytes: Bytes) -> Result<()> {
        let full = self.full(&object.path);
        let outcome = self
            .patience
            .run(&self.counters, &self.random, ("write", &object.path), || async {
                let options = PutOptions::from(PutMode::Create);
                self.store
                    .put_opts(&full, bytes.clone().into(), options)
                    .await
                    .map_err(|error| Error::of_store("write", &object.path, &error))
            })
            .await;
        match outcome {
            // An attempt whose reply was lost may have written it: then it is ours.
            Err(Error::Exists { path }) => match self.get(object).await {
                Ok(_) => Ok(()),
                Err(_) => Err(Error::Exists { path }),
            },
            outcome => outcome.map(drop),
        }
    }

    /// Begins an object that is written piece by piece.
    pub async fn create(self: &Arc<Self>, path: &str) -> Result<Upload> {
        Upload::begin(Arc::clone(self), path, false).await
    }

    /// Begins an object that takes the place of the one that has the name, if there is one: not one of
    /// the database's.
    pub(super) async fn replace(self: &Arc<Self>, path: &str) -> Result<Upload> {
        Upload::begin(Arc::clone(self), path, true).await
    }

    /// Writes a whole object, whatever had its name.
    pub(super) async fn put_in_place(&self, object: &ObjectRef, bytes: Bytes) -> Result<()> {
        let full = self.full(&object.path);
        self.patience
            .run(&self.counters, &self.random, ("write", &object.path), || async {
                let written = self.store.put(&full, bytes.clone().into()).await;
                written.map_err(|error| Error::of_store("write", &object.path, &error))
            })
            .await?;
        self.counters.written(object.length);
        Ok(())
    }

    /// Reads a whole object and verifies it.
    pub async fn get(&self, object: &ObjectRef) -> Result<Bytes> {
        let bytes = self.get_unverified(&object.path).await?;
        verify(&object.path, &bytes, object.length, object.crc32, 0)?;
        Ok(bytes)
    }

    /// Reads a whole object that carries its own length and checksum.
    pub async fn get_unverified(&self, path: &str) -> Result<Bytes> {
        let full = self.full(path);
        let round = self.counters.begin_read();
        let bytes = self
            .patience
            .run(&self.counters, &self.random, ("read", path), || async {
                let read = async { self.store.get(&full).await?.bytes().await };
                read.await.map_err(|error| Error::of_store("read", path, &error))
            })
            .await?;
        self.counters.read(round, bytes.len() as u64);
        Ok(bytes)
    }

    /// Reads parts of an object, each verified. Parts that lie side by side are one request.
    pub async fn get_parts(&self, object: &ObjectRef, parts: &[Part]) -> Result<Parts> {
        let path = object.path.as_str();
        let spans = Spans::of(object, parts)?;
        let full = self.full(path);
        let round = self.counters.begin_read();
        let read = self
            .patience
            .run(&self.counters, &self.random, ("read", path), || async {
                let mut each = Vec::with_capacity(spans.ranges.len());
                for range in &spans.ranges {
                    each.push(self.store.get_range(&full, range.clone()));
                }
                let read = futures::stream::iter(each).buffered(REQUESTS_AT_ONCE);
                let read = read.try_collect::<Vec<Bytes>>().await;
                match read {
                    Ok(read) => Ok(read),
                    Err(error) => Err(self.why_unreadable(object, &full, &error).await),
                }
            })
            .await?;
        for bytes in &read {
            self.counters.read(round, bytes.len() as u64);
        }
        spans.cut(path, parts, &read)
    }

    /// A range that can't be read may lie behind the end of a file that was cut: then trying
    /// again is of no use.
    async fn why_unreadable(
        &self,
        object: &ObjectRef,
        full: &Path,
        error: &object_store::Error,
    ) -> Error {
        match self.store.head(full).await {
            Ok(found) if found.size != object.length => {
                let what = format!("{} bytes instead of {}", found.size, object.length);
                Error::corrupt(&object.path, what)
            }
            _ => Error::of_store("read", &object.path, error),
        }
    }

    /// Removes an object; that it is gone already is no error.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let full = self.full(path);
        if let Some(root) = &self.root {
            root.note(|| FileStep::Remove(root.full(full.as_ref())));
        }
        let outcome = self
            .patience
            .run(&self.counters, &self.random, ("delete", path), || async {
                let deleted = self.store.delete(&full).await;
                deleted.map_err(|error| Error::of_store("delete", path, &error))
            })
            .await;
        match outcome {
            Ok(()) | Err(Error::Missing { .. }) => {
                self.counters.deleted();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The objects below a folder (`""`: all), in no order.
    pub fn list(&self, folder: &str) -> BoxStream<'static, Result<Listed>> {
        self.counters.listed();
        let skip = self.prefix.parts().count();
        let below = self.full(folder);
        let listing = self.store.list(Some(&below));
        let asked = folder.to_owned();
        listing
            .map(move |listed| {
                let meta = listed.map_err(|error| Error::of_store("list", &asked, &error))?;
                let path = Path::from_iter(meta.location.parts().skip(skip));
                Ok(Listed {
                    path: path.to_string(),
                    length: meta.size,
                    written_us: meta.last_modified.timestamp_micros(),
                })
            })
            .boxed()
    }

    pub(super) fn patience(&self) -> (&Patience, &Counters, &Arc<dyn Random>) {
        (&self.patience, &self.counters, &self.random)
    }
}

async fn put_file(root: &Arc<Root>, full: Path, bytes: Bytes) -> Result<()> {
    let root = Arc::clone(root);
    let path = full.to_string();
    let write = move || {
        let mut file = DurableFile::create(&root, full.as_ref())?;
        match file.write(&bytes) {
            Ok(()) => file.finish(),
            Err(error) => {
                // The cause matters more than whether the garbage could be removed.
                let _ = file.abandon();
                Err(error)
            }
        }
    };
    super::upload::blocking("write", &path, write).await
}

fn verify(path: &str, bytes: &[u8], length: u64, crc32: u32, offset: u64) -> Result<()> {
    if bytes.len() as u64 != length {
        let what = format!("{} bytes at {offset} instead of {length}", bytes.len());
        return Err(Error::corrupt(path, what));
    }
    if crc32fast::hash(bytes) != crc32 {
        let what = format!("wrong checksum of the {length} bytes at {offset}");
        return Err(Error::corrupt(path, what));
    }
    Ok(())
}

/// Requests of one read that run at once: as many as a search of what is far away has, about.
const REQUESTS_AT_ONCE: usize = 64;
/// Gaps up to this much are read rather than asked around: a request costs more.
const GAP_BYTES: u64 = 256 << 10;
/// A request returns about this much at most, so that several run at once.
const SPAN_BYTES: u64 = 16 << 20;

/// The requests that fetch some parts.
struct Spans {
    ranges: Vec<Range<u64>>,
}

impl Spans {
    fn of(object: &ObjectRef, parts: &[Part]) -> Result<Self> {
        let mut wanted = Vec::with_capacity(parts.len());
        for part in parts {
            let range = part.range().filter(|range| range.end <= object.length);
            let what = || format!("a part at {} lies outside of the object", part.offset);
            wanted.push(range.ok_or_else(|| Error::corrupt(&object.path, what()))?);
        }
        wanted.sort_by_key(|range| range.start);
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for range in wanted.into_iter().filter(|range| !range.is_empty()) {
            match ranges.last_mut() {
                Some(last)
                    if range.start <= last.end.saturating_add(GAP_BYTES)
                        && (range.end <= last.end || range.end - last.start <= SPAN_BYTES) =>
                {
                    last.end = last.end.max(range.end);
                }
                _ => ranges.push(range),
            }
        }
        Ok(Self { ranges })
    }

    fn cut(&self, path: &str, parts: &[Part], read: &[Bytes]) -> Result<Parts> {
        let mut cut = Vec::with_capacity(parts.len());
        for part in parts {
            let bytes = self
                .slice(part, read)
                .ok_or_else(|| Error::corrupt(path, format!("too few bytes at {}", part.offset)))?;
            part.verify(path, &bytes)?;
            cut.push(bytes);
        }
        Ok(cut)
    }

    fn slice(&self, part: &Part, read: &[Bytes]) -> Option<Bytes> {
        if part.length == 0 {
            return Some(Bytes::new());
        }
        let wanted = part.range()?;
        let holds = |range: &Range<u64>| range.start <= wanted.start && wanted.end <= range.end;
        let index = self.ranges.iter().position(holds)?;
        let from = usize::try_from(wanted.start - self.ranges[index].start).ok()?;
        let to = from.checked_add(usize::try_from(part.length).ok()?)?;
        let bytes = read.get(index)?;
        (to <= bytes.len()).then(|| bytes.slice(from..to))
    }
}
