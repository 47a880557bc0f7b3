//! A file or an object that is written: it takes the place of what had its name when it is finished,
//! and nothing of it is left otherwise.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;

use super::error::{OutsideError, Result};
use super::source::blocking;
use crate::store::object::Upload;
use crate::store::object::objects::Objects;

/// Something outside of the database that is written. Dropped before it is finished, it never was.
#[derive(Debug)]
pub struct OutsideTarget {
    name: String,
    /// None while bytes are being written.
    to: Option<To>,
}

#[derive(Debug)]
enum To {
    /// Under another name in the same folder, until it is whole.
    File(Replacement),
    /// What can't be replaced: `/dev/null`.
    Device(File),
    Object(Upload),
}

#[derive(Debug)]
struct Replacement {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl Replacement {
    fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.finished = true;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.finished {
            // The cause that brought us here matters more than what can't be removed.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

impl OutsideTarget {
    pub(super) async fn file(path: PathBuf, own: Vec<PathBuf>, random: u64) -> Result<Self> {
        let name = path.to_string_lossy().into_owned();
        let shown = name.clone();
        let to = blocking(&name, move || open(path, &own, random, &shown)).await??;
        Ok(Self { name, to: Some(to) })
    }

    pub(super) async fn object(objects: &Arc<Objects>, name: &str, key: &Path) -> Result<Self> {
        let upload = objects.replace(key.as_ref()).await;
        let upload = upload.map_err(|error| OutsideError::of_write(name, error))?;
        Ok(Self { name: name.to_owned(), to: Some(To::Object(upload)) })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// When they can't be written: nothing is left of it then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let failed = |error| OutsideError::access("write to", &self.name, error);
        let to = match self.to.take() {
            None => return Err(failed(io::Error::other("it has failed before"))),
            Some(To::File(mut replacement)) => {
                let write = move || replacement.file.write_all(&bytes).map(|()| replacement);
                To::File(blocking(&self.name, write).await?.map_err(failed)?)
            }
            Some(To::Device(mut file)) => {
                let write = move || file.write_all(&bytes).map(|()| file);
                To::Device(blocking(&self.name, write).await?.map_err(failed)?)
            }
            Some(To::Object(upload)) => {
                let written = upload.write(bytes).await;
                To::Object(written.map_err(|error| OutsideError::of_write(&self.name, error))?)
            }
        };
        self.to = Some(to);
        Ok(())
    }

    /// Makes it visible, and durable.
    ///
    /// # Errors
    /// When that fails: nothing is left of it then, unless the answer was lost.
    pub async fn finish(mut self) -> Result<()> {
        let failed = |error| OutsideError::access("write to", &self.name, error);
        match self.to.take() {
            None => Err(failed(io::Error::other("it has failed before"))),
            Some(To::File(replacement)) => {
                blocking(&self.name, move || replacement.finish()).await?.map_err(failed)
            }
            Some(To::Device(file)) => {
                drop(file);
                Ok(())
            }
            Some(To::Object(upload)) => {
                let finished = upload.finish().await.map(drop);
                finished.map_err(|error| OutsideError::of_write(&self.name, error))
            }
        }
    }
}

fn open(path: PathBuf, own: &[PathBuf], random: u64, name: &str) -> Result<To> {
    let failed = |error| OutsideError::open(name, false, error);
    // A link stays, and what it points to is replaced.
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => absent(&path).map_err(failed)?,
        Err(error) => return Err(failed(error)),
    };
    if own.iter().any(|folder| path.starts_with(folder)) {
        return Err(OutsideError::Own { name: name.to_owned() });
    }
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if metadata.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    if metadata.as_ref().is_some_and(|metadata| !metadata.is_file()) {
        return device(&path, name);
    }
    if metadata.is_some() {
        // Whoever may not write to the file may not replace it either.
        OpenOptions::new().write(true).open(&path).map_err(failed)?;
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{file}.{random:016x}.tmp"));
    let opened = OpenOptions::new().write(true).create_new(true).open(&temporary);
    let file = opened.map_err(failed)?;
    let replacement = Replacement { file, temporary, path, finished: false };
    if let Some(metadata) = metadata {
        replacement.file.set_permissions(metadata.permissions()).map_err(failed)?;
    }
    Ok(To::File(replacement))
}

/// The path of a file that is not there yet, its folder without links.
fn absent(path: &FilePath) -> io::Result<PathBuf> {
    let missing = || io::Error::from_raw_os_error(2);
    let (folder, file) =
        (path.parent().ok_or_else(missing)?, path.file_name().ok_or_else(missing)?);
    Ok(folder.canonicalize()?.join(file))
}

/// A character device takes what is written to it; a pipe's other end would have to be waited for.
fn device(path: &FilePath, name: &str) -> Result<To> {
    use std::os::unix::fs::FileTypeExt;
    let failed = |error| OutsideError::open(name, false, error);
    if !fs::metadata(path).map_err(failed)?.file_type().is_char_device() {
        return Err(OutsideError::NotRegular { name: name.to_owned() });
    }
    OpenOptions::new().write(true).open(path).map(To::Device).map_err(failed)
}
