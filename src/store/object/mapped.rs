//! Files mapped into memory: the only unsafe call of storage, behind a safe interface.

#![expect(unsafe_code, reason = "memory-mapping a file is unsafe by nature; see SAFETY below")]

use std::fs::File;
use std::io;

use bytes::Bytes;
use memmap2::Mmap;

/// The whole file as bytes that are read from disk when they are touched.
///
/// The file must be one that nobody writes to again. The cache's files are: written under a
/// temporary name, renamed when complete, only ever unlinked (which leaves a mapping whole).
pub(super) fn map(file: &File) -> io::Result<Bytes> {
    // SAFETY: the mapping is read-only, and this process changes no file after it has got its
    // final name (see `cache`). Another process that truncates or rewrites a file inside our
    // private cache folder would break this, as it would for every memory-mapped store.
    let mapping = unsafe { Mmap::map(file)? };
    Ok(Bytes::from_owner(mapping))
}
