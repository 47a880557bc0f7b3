//! Local files that survive a power failure: `object_store` does not fsync, so writing is
//! done here. A file is created under its final name, and never touched again: a crash in
//! the middle leaves garbage that no metadata lists, under a name that nobody reuses.

use std::collections::HashSet;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

/// Something that happens to the files of objects.
#[derive(Clone, Debug)]
pub enum FileStep {
    /// The folder is about to be made, and those above it.
    MakeFolder(PathBuf),
    /// The names in the folder are durable.
    FolderSynced(PathBuf),
    /// The file is about to be made.
    Create(PathBuf),
    /// Bytes are about to be appended.
    Append(PathBuf, Vec<u8>),
    /// What was appended is durable.
    Synced(PathBuf),
    /// The file is about to be removed.
    Remove(PathBuf),
}

/// Hears what happens to files, in order: tests make of it what a power failure leaves.
pub trait FileJournal: Debug + Send + Sync {
    /// One more step.
    fn note(&self, step: FileStep);
}

/// The folder of all objects.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    /// Folders whose names are durable. That a folder is there proves nothing: whoever has just
    /// made it may not have synced it yet.
    durable: Mutex<HashSet<PathBuf>>,
    journal: Option<Arc<dyn FileJournal>>,
}

impl Root {
    pub(super) fn new(path: PathBuf, journal: Option<Arc<dyn FileJournal>>) -> Self {
        Self { path, durable: Mutex::default(), journal }
    }

    /// Hears of a step before it is made, or after what it makes durable is.
    pub(super) fn note(&self, step: impl FnOnce() -> FileStep) {
        if let Some(journal) = &self.journal {
            journal.note(step());
        }
    }

    /// The full path of an object.
    pub(super) fn full(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }

    /// Makes a folder, and its name durable, unless this process has done so before.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if self.durable.lock().contains(folder) {
            return Ok(());
        }
        self.note(|| FileStep::MakeFolder(folder.to_owned()));
        fs::create_dir_all(folder)?;
        for above in folder.ancestors().skip(1) {
            self.sync_folder(above)?;
            if above == self.path {
                break;
            }
        }
        self.durable.lock().insert(folder.to_owned());
        Ok(())
    }

    /// Makes a folder's entries durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()?;
        self.note(|| FileStep::FolderSynced(folder.to_owned()));
        Ok(())
    }
}

/// A new file that is being written.
#[derive(Debug)]
pub(super) struct DurableFile {
    file: File,
    path: PathBuf,
    root: Arc<Root>,
}

impl DurableFile {
    /// Creates the file; fails when one of this name exists.
    pub(super) fn create(root: &Arc<Root>, path: &str) -> io::Result<Self> {
        let full = root.full(path);
        let folder = full.parent().unwrap_or(&root.path);
        root.make_folder(folder)?;
        root.note(|| FileStep::Create(full.clone()));
        let open = || OpenOptions::new().write(true).create_new(true).open(&full);
        let file = match open() {
            // Somebody has removed the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                root.durable.lock().remove(folder);
                root.make_folder(folder)?;
                open()?
            }
            opened => opened?,
        };
        Ok(Self { file, path: full, root: Arc::clone(root) })
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.root.note(|| FileStep::Append(self.path.clone(), bytes.to_vec()));
        self.file.write_all(bytes)
    }

    /// Makes the file and its name durable.
    pub(super) fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        self.root.note(|| FileStep::Synced(self.path.clone()));
        self.root.sync_folder(self.path.parent().unwrap_or(&self.root.path))
    }

    /// Removes the unfinished file.
    pub(super) fn abandon(self) -> io::Result<()> {
        self.root.note(|| FileStep::Remove(self.path.clone()));
        fs::remove_file(&self.path)
    }
}
