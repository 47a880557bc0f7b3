//! Local files that survive a power failure: `object_store` does not fsync, so writing is
//! done here. A file is created under its final name, and never touched again: a crash in
//! the middle leaves garbage that no metadata lists, under a name that nobody reuses.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A new file that is being written.
#[derive(Debug)]
pub(super) struct DurableFile {
    file: File,
    path: PathBuf,
    root: PathBuf,
}

impl DurableFile {
    /// Creates the file; fails when one of this name exists.
    pub(super) fn create(root: &Path, path: &Path) -> io::Result<Self> {
        let full = root.join(path);
        let open = || OpenOptions::new().write(true).create_new(true).open(&full);
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(folder) = full.parent() {
                    fs::create_dir_all(folder)?;
                    sync_new_folders(root, folder)?;
                }
                open()?
            }
            opened => opened?,
        };
        Ok(Self { file, path: full, root: root.to_owned() })
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Makes the file and its name durable.
    pub(super) fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        sync_folder(self.path.parent().unwrap_or(&self.root))
    }

    /// Removes the unfinished file.
    pub(super) fn abandon(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Makes a folder's entries durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes freshly made folders durable: each entry up to the root.
fn sync_new_folders(root: &Path, folder: &Path) -> io::Result<()> {
    for ancestor in folder.ancestors().skip(1) {
        sync_folder(ancestor)?;
        if ancestor == root {
            break;
        }
    }
    Ok(())
}
