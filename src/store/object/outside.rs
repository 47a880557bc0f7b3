//! Files and objects that are no part of the database: what COPY reads and writes.
//!
//! A name is a file's path, `file:///PATH` or `s3://BUCKET/KEY`; a `*` in its last part stands for
//! anything there. What is written is visible whole or not at all, and takes the place of what had the
//! name. The database's own folders and objects can't be written to.

mod error;
mod source;
mod target;

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;

pub use error::OutsideError;
pub use source::OutsideSource;
pub use target::OutsideTarget;

use self::error::Result;
use super::location::{Location, s3};
use super::objects::Objects;
use crate::base::Random;
use crate::base::limits::COPY_FILES_MAX;

/// The way to what is outside of the database: the same server, credentials and certificates as
/// the database's own objects.
#[derive(Debug)]
pub struct Outside {
    endpoint: Option<String>,
    /// The database's own folders.
    own_folders: Vec<PathBuf>,
    /// The bucket and prefix of the database's own objects.
    own_bucket: Option<(String, String)>,
    random: Arc<dyn Random>,
}

/// Where a name points to.
#[derive(Debug)]
enum Place {
    File(PathBuf),
    Object { bucket: String, key: Path },
}

impl Outside {
    /// Beside a database whose objects are at this location and whose other files are in `data`.
    pub fn new(
        location: &Location,
        endpoint: Option<String>,
        data: &FilePath,
        random: Arc<dyn Random>,
    ) -> Self {
        let mut own_folders = vec![data.to_owned()];
        let mut own_bucket = None;
        match location {
            Location::File(folder) => {
                own_folders.push(folder.canonicalize().unwrap_or_else(|_| folder.clone()));
            }
            Location::S3 { bucket, prefix, .. } => {
                own_bucket = Some((bucket.clone(), prefix.clone()));
            }
        }
        Self { endpoint, own_folders, own_bucket, random }
    }

    fn place(name: &str) -> Result<Place> {
        let invalid = |why: String| OutsideError::Name { name: name.to_owned(), why };
        if let Some(rest) = name.strip_prefix("s3://") {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() || key.is_empty() || key.ends_with('/') {
                return Err(invalid("it must name an object: s3://BUCKET/KEY".to_owned()));
            }
            let key = Path::parse(key).map_err(|error| invalid(error.to_string()))?;
            return Ok(Place::Object { bucket: bucket.to_owned(), key });
        }
        match name.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => Ok(Place::File(PathBuf::from(path))),
            Some(_) => Err(invalid("it must name an absolute path: file:///PATH".to_owned())),
            None if name.contains("://") => {
                Err(invalid("only file:///PATH and s3://BUCKET/KEY are known".to_owned()))
            }
            None => Ok(Place::File(PathBuf::from(name))),
        }
    }

    fn bucket(&self, bucket: &str) -> Result<Arc<Objects>> {
        let store = s3(bucket, self.endpoint.as_deref()).map_err(OutsideError::Store)?;
        Ok(Arc::new(Objects::decorated(store, Arc::clone(&self.random))))
    }

    /// Opens what a name stands for, in the order of the names.
    ///
    /// # Errors
    /// When there is nothing, or it can't be read.
    pub async fn open(&self, name: &str) -> Result<Vec<OutsideSource>> {
        match Self::place(name)? {
            Place::File(path) => {
                let paths = match pattern(&path.to_string_lossy()) {
                    None => vec![path],
                    Some(pattern) => matching_files(&path, name, &pattern).await?,
                };
                let mut sources = Vec::with_capacity(paths.len());
                for path in paths {
                    sources.push(OutsideSource::file(path).await?);
                }
                Ok(sources)
            }
            Place::Object { bucket, key } => {
                let objects = self.bucket(&bucket)?;
                let keys = match pattern(key.as_ref()) {
                    None => vec![key],
                    Some(pattern) => matching_objects(&objects, &key, name, &pattern).await?,
                };
                let mut sources = Vec::with_capacity(keys.len());
                for key in keys {
                    sources.push(OutsideSource::object(Arc::clone(&objects), &bucket, key).await?);
                }
                Ok(sources)
            }
        }
    }

    /// Begins to write what takes the place of this name when it is finished.
    ///
    /// # Errors
    /// When it can't be written, or is the database's own.
    pub async fn create(&self, name: &str) -> Result<OutsideTarget> {
        match Self::place(name)? {
            Place::File(path) if path.is_relative() => {
                Err(OutsideError::Relative { name: name.to_owned() })
            }
            Place::File(path) => {
                OutsideTarget::file(path, self.own_folders.clone(), self.random.u64()).await
            }
            Place::Object { bucket, key } => {
                let own = self.own_bucket.as_ref().is_some_and(|(own, prefix)| {
                    *own == bucket && key.prefix_matches(&Path::from(prefix.as_str()))
                });
                if own {
                    return Err(OutsideError::Own { name: name.to_owned() });
                }
                let objects = self.bucket(&bucket)?;
                OutsideTarget::object(&objects, name, &key).await
            }
        }
    }
}

/// What stands before and after the `*` of a path's last part.
fn pattern(path: &str) -> Option<(String, String)> {
    let last = path.rsplit('/').next()?;
    let (before, after) = last.split_once('*')?;
    Some((before.to_owned(), after.to_owned()))
}

fn matches(name: &str, (before, after): &(String, String)) -> bool {
    name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
}

fn check_count(count: usize, name: &str) -> Result<()> {
    match count {
        0 => Err(OutsideError::missing(name)),
        count if count > COPY_FILES_MAX => Err(OutsideError::TooMany { name: name.to_owned() }),
        _ => Ok(()),
    }
}

async fn matching_files(
    path: &FilePath,
    name: &str,
    pattern: &(String, String),
) -> Result<Vec<PathBuf>> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder.to_owned(),
        None => return Err(OutsideError::missing(name)),
    };
    let failed = |error| OutsideError::open(name, true, error);
    let mut entries = tokio::fs::read_dir(&folder).await.map_err(failed)?;
    let mut found = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(failed)? {
        let fits = matches(&entry.file_name().to_string_lossy(), pattern);
        if fits && tokio::fs::metadata(entry.path()).await.is_ok_and(|of| of.is_file()) {
            found.push(entry.path());
        }
        if found.len() > COPY_FILES_MAX {
            break;
        }
    }
    check_count(found.len(), name)?;
    found.sort();
    Ok(found)
}

async fn matching_objects(
    objects: &Arc<Objects>,
    key: &Path,
    name: &str,
    pattern: &(String, String),
) -> Result<Vec<Path>> {
    let depth = key.parts().count();
    let folder = Path::from_iter(key.parts().take(depth - 1));
    let mut listing = objects.store.list(Some(&folder));
    let mut found = Vec::new();
    let failed = |error| OutsideError::of_store(name, true, &error);
    while let Some(meta) = listing.try_next().await.map_err(failed)? {
        let fits = meta.location.filename().is_some_and(|last| matches(last, pattern));
        if fits && meta.location.parts().count() == depth {
            found.push(meta.location);
        }
        if found.len() > COPY_FILES_MAX {
            break;
        }
    }
    check_count(found.len(), name)?;
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
