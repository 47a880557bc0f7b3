//! The local cache: files of bounded total size, least recently used first out, each with a
//! checksum. It holds copies and derived data only, so it may be deleted at any time, while
//! running too: what is missing is made again.
//!
//! A file is a header of 64 bytes (docs/format.md, "Cache files") and a payload, written
//! under a temporary name and renamed when complete. A payload is returned as mapped memory,
//! 64-byte aligned. It is verified once per process, by reading (not through the mapping, so
//! that verifying makes nothing resident).

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::mapped;

const MAGIC: &[u8; 8] = b"RKCACHE1";
/// The payload begins here: a cache line, and what SIMD loads want.
pub(super) const HEADER_BYTES: usize = 64;
/// Where there is no room, so much is made: a part of all.
const ROOM_SHARE: u64 = 32;
const TEMPORARY: &str = ".tmp-";

/// The local cache.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    bytes_max: u64,
    state: Mutex<State>,
    temporary: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
}

/// What the cache did so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CacheCounters {
    /// Found.
    pub hits: u64,
    /// Not found, or found damaged.
    pub misses: u64,
    /// Removed to make room.
    pub evictions: u64,
    /// Files now.
    pub files: u64,
    /// Their bytes now.
    pub bytes: u64,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<String, Entry>,
    bytes: u64,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    bytes: u64,
    used: u64,
    /// The payload, once it has been verified in this process.
    payload: Option<Bytes>,
}

impl Cache {
    /// Opens the cache in this folder, keeps what is there, removes unfinished files.
    pub fn open(folder: &Path, bytes_max: u64) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            if !metadata.is_file() {
                continue;
            }
            if name.contains(TEMPORARY) {
                // Left by a crash; somebody else may have removed it first.
                let _ = fs::remove_file(entry.path());
                continue;
            }
            found.push((metadata.modified().ok(), name, metadata.len()));
        }
        found.sort();
        let mut state = State::default();
        for (_, name, bytes) in found {
            state.clock += 1;
            state.bytes += bytes;
            state.entries.insert(name, Entry { bytes, used: state.clock, payload: None });
        }
        let cache = Arc::new(Self {
            folder: folder.to_owned(),
            bytes_max,
            state: Mutex::new(state),
            temporary: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        });
        cache.make_room(0);
        Ok(cache)
    }

    /// The most bytes that its files may have.
    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// What it did so far, and what it holds.
    pub fn counters(&self) -> CacheCounters {
        let (files, bytes) = {
            let state = self.state.lock();
            (state.entries.len() as u64, state.bytes)
        };
        CacheCounters {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
            files,
            bytes,
        }
    }

    /// The payload of this name, if it is here whole. Reads the file the first time.
    pub fn get(&self, name: &str) -> Option<Bytes> {
        let known = {
            let mut state = self.state.lock();
            state.clock += 1;
            let clock = state.clock;
            state.entries.get_mut(name).map(|entry| {
                entry.used = clock;
                entry.payload.clone()
            })
        };
        let found = match known {
            Some(Some(payload)) => Some(payload),
            Some(None) => self.load(name),
            None => None,
        };
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Whether the name is here, as far as is known without reading.
    pub fn contains(&self, name: &str) -> bool {
        self.state.lock().entries.contains_key(name)
    }

    fn load(&self, name: &str) -> Option<Bytes> {
        match open_verified(&self.folder.join(name)) {
            Ok(payload) => {
                if let Some(entry) = self.state.lock().entries.get_mut(name) {
                    entry.payload = Some(payload.clone());
                }
                Some(payload)
            }
            Err(error) => {
                tracing::warn!(name, %error, "cache file is unusable, it will be made again");
                self.remove(name);
                None
            }
        }
    }

    /// Keeps this payload, if there is room. A failure to write is no failure of the caller.
    pub fn put(self: &Arc<Self>, name: &str, payload: &[u8]) {
        let Some(mut file) = self.create(name, payload.len() as u64) else { return };
        file.write(payload);
        file.finish();
    }

    /// Begins a file whose payload will have about this many bytes; `None` when it can't be
    /// kept (too large, or the disk refuses).
    pub fn create(self: &Arc<Self>, name: &str, payload_bytes: u64) -> Option<CacheFile> {
        let bytes = payload_bytes + HEADER_BYTES as u64;
        if bytes > self.bytes_max {
            return None;
        }
        self.make_room(bytes);
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.folder.join(format!("{name}{TEMPORARY}{number}"));
        let opened = File::create_new(&temporary).or_else(|_| {
            // The folder may have been deleted under us.
            fs::create_dir_all(&self.folder)?;
            File::create(&temporary)
        });
        match opened.and_then(|mut file| file.write_all(&[0; HEADER_BYTES]).map(|()| file)) {
            Ok(file) => Some(CacheFile {
                cache: Arc::clone(self),
                name: name.to_owned(),
                temporary,
                file: Some(file),
                written: 0,
                crc: crc32fast::Hasher::new(),
            }),
            Err(error) => {
                tracing::warn!(name, %error, "cannot write to the cache");
                None
            }
        }
    }

    /// Forgets a name and removes its file. Whoever holds the payload keeps it.
    pub fn remove(&self, name: &str) {
        let mut state = self.state.lock();
        if let Some(entry) = state.entries.remove(name) {
            state.bytes -= entry.bytes;
            // Already gone is as good.
            let _ = fs::remove_file(self.folder.join(name));
        }
    }

    /// Forgets all names that begin so: a segment's, once it is gone.
    pub fn remove_prefix(&self, prefix: &str) {
        let names: Vec<String> = {
            let state = self.state.lock();
            state.entries.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
        };
        for name in names {
            self.remove(&name);
        }
    }

    fn make_room(&self, bytes: u64) {
        let mut state = self.state.lock();
        if state.bytes + bytes <= self.bytes_max {
            return;
        }
        let mut by_use: Vec<(u64, String)> =
            state.entries.iter().map(|(name, entry)| (entry.used, name.clone())).collect();
        by_use.sort_unstable();
        // Some more at once, or each of many small files would look for what to remove.
        let wanted = self.bytes_max - self.bytes_max / ROOM_SHARE;
        for (_, name) in by_use {
            if state.bytes + bytes <= wanted {
                break;
            }
            if let Some(entry) = state.entries.remove(&name) {
                state.bytes -= entry.bytes;
                self.evictions.fetch_add(1, Ordering::Relaxed);
                let _ = fs::remove_file(self.folder.join(&name));
            }
        }
    }
}

/// A cache file that is being written. Dropped without [`CacheFile::finish`] it leaves nothing.
#[derive(Debug)]
pub struct CacheFile {
    cache: Arc<Cache>,
    name: String,
    temporary: PathBuf,
    file: Option<File>,
    written: u64,
    crc: crc32fast::Hasher,
}

impl CacheFile {
    /// Appends to the payload. After a failure the rest is ignored and nothing is kept.
    pub fn write(&mut self, bytes: &[u8]) {
        let Some(file) = &mut self.file else { return };
        self.written += bytes.len() as u64;
        self.crc.update(bytes);
        if let Err(error) = file.write_all(bytes) {
            tracing::warn!(name = self.name, %error, "cannot write to the cache");
            self.file = None;
        }
    }

    /// Gives the file its name; returns the mapped payload, unless writing failed.
    pub fn finish(mut self) -> Option<Bytes> {
        let mut file = self.file.take()?;
        let header = header(self.written, self.crc.clone().finalize());
        let complete = |file: &mut File| {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header)?;
            let reopened = File::open(&self.temporary)?;
            fs::rename(&self.temporary, self.cache.folder.join(&self.name))?;
            mapped::map(&reopened)
        };
        let payload = match complete(&mut file) {
            Ok(mapping) => mapping.slice(HEADER_BYTES..),
            Err(error) => {
                tracing::warn!(name = self.name, %error, "cannot write to the cache");
                return None;
            }
        };
        let bytes = self.written + HEADER_BYTES as u64;
        let mut state = self.cache.state.lock();
        state.clock += 1;
        let entry = Entry { bytes, used: state.clock, payload: Some(payload.clone()) };
        state.bytes += bytes;
        if let Some(old) = state.entries.insert(self.name.clone(), entry) {
            state.bytes -= old.bytes;
        }
        drop(state);
        self.cache.make_room(0);
        Some(payload)
    }
}

impl Drop for CacheFile {
    fn drop(&mut self) {
        // Renamed when complete: then there is nothing of this name.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn header(payload_bytes: u64, payload_crc: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&payload_bytes.to_le_bytes());
    header[16..20].copy_from_slice(&payload_crc.to_le_bytes());
    let crc = crc32fast::hash(&header[..20]);
    header[20..24].copy_from_slice(&crc.to_le_bytes());
    header
}

fn open_verified(path: &Path) -> io::Result<Bytes> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut file = File::open(path)?;
    let mut found = [0; HEADER_BYTES];
    file.read_exact(&mut found)?;
    let mut crc = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut payload_bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        crc.update(&buffer[..read]);
        payload_bytes += read as u64;
    }
    if found != header(payload_bytes, crc.finalize()) {
        return Err(damaged("wrong header, length or checksum"));
    }
    let mapping = mapped::map(&file)?;
    if mapping.len() as u64 != payload_bytes + HEADER_BYTES as u64 {
        return Err(damaged("the file changed while it was read"));
    }
    Ok(mapping.slice(HEADER_BYTES..))
}
