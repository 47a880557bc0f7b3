//! The files underneath redb and the log.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

/// By how much the log grows at least.
const LOG_GROWS_BY: u64 = 1 << 20;

/// Opens the bytes of one store, as often as needed; a test puts its own in place of the files.
pub(super) trait Disks: Debug + Send {
    /// Opens redb's; redb takes the lock.
    fn open(&self) -> Result<Box<dyn StorageBackend>, redb::DatabaseError>;

    /// Opens the log's, whoever has redb's lock; makes an empty one, whose name survives a crash,
    /// if told to and there is none.
    fn open_log(&self, make: bool) -> io::Result<Box<dyn StorageBackend>>;

    /// By how many bytes the log grows at least: some blocks.
    fn log_grows_by(&self) -> u64 {
        LOG_GROWS_BY
    }

    /// What messages call them.
    fn path(&self) -> PathBuf;
}

/// Files of the machine.
#[derive(Debug)]
pub(super) struct FileDisks {
    path: PathBuf,
    log_path: PathBuf,
}

impl FileDisks {
    pub(super) fn new(path: PathBuf, log_path: PathBuf) -> Self {
        Self { path, log_path }
    }
}

impl FileDisks {
    /// Makes an empty database under another name first: a crash must not leave half of one, and
    /// of two processes one must win.
    fn make(&self) -> Result<(), redb::DatabaseError> {
        let fresh = self.path.with_extension(format!("{}.new", std::process::id()));
        let _left_over = std::fs::remove_file(&fresh);
        redb::Database::builder().create(&fresh)?.close()?;
        match std::fs::hard_link(&fresh, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => linked?,
        }
        std::fs::remove_file(&fresh)?;
        sync_name(&self.path)?;
        Ok(())
    }
}

/// The name must survive a crash as well as the bytes.
fn sync_name(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

impl Disks for FileDisks {
    fn open(&self) -> Result<Box<dyn StorageBackend>, redb::DatabaseError> {
        if !self.path.try_exists()? {
            self.make()?;
        }
        let file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        Ok(Box::new(FileBackend::new(file)?))
    }

    fn open_log(&self, make: bool) -> io::Result<Box<dyn StorageBackend>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(make);
        let file = options.open(&self.log_path)?;
        if make {
            sync_name(&self.log_path)?;
        }
        Ok(Box::new(FileBackend::new(file).map_err(io::Error::other)?))
    }

    fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

/// Passes everything on and remembers whether a sync has failed: after that, what the file says
/// about the bytes of that sync proves nothing (the system may have dropped them and call them
/// written).
#[derive(Debug)]
pub(super) struct Watched {
    inner: Box<dyn StorageBackend>,
    sync_failed: Arc<AtomicBool>,
}

impl Watched {
    pub(super) fn new(inner: Box<dyn StorageBackend>, sync_failed: Arc<AtomicBool>) -> Self {
        Self { inner, sync_failed }
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data().inspect_err(|_| self.sync_failed.store(true, Ordering::SeqCst))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<bool, redb::BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn unlock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<(), redb::BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<bool, redb::BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
