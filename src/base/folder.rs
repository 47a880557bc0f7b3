//! Folders that survive a power failure.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes a folder and those above it, where they are missing; each new one's name is durable when
/// this returns.
///
/// # Errors
/// What the file system says.
pub fn make_durable_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make_durable_folder(above)?;
    }
    match fs::create_dir(folder) {
        // Somebody else makes it at the same time: its name may not be durable yet.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::make_durable_folder;

    #[test]
    fn all_missing_folders_are_made() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b/c");
        for _ in 0..2 {
            make_durable_folder(&deep).unwrap();
            assert!(deep.is_dir());
        }
        std::fs::write(root.path().join("file"), "").unwrap();
        make_durable_folder(&root.path().join("file")).unwrap_err();
    }
}
