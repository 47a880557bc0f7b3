use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use tempfile::TempDir;

use super::*;
use crate::base::{OsRandom, SqlError};

struct World {
    folder: TempDir,
    outside: Outside,
}

fn world() -> World {
    let folder = TempDir::new().unwrap();
    for sub in ["data", "objects", "files"] {
        fs::create_dir(folder.path().join(sub)).unwrap();
    }
    let location = Location::File(folder.path().join("objects"));
    let data = folder.path().join("data");
    let outside = Outside::new(&location, None, &data, Arc::new(OsRandom));
    World { folder, outside }
}

impl World {
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("files")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

async fn refused(world: &World, name: &str) -> String {
    let error: SqlError = world.outside.create(name).await.unwrap_err().into();
    format!("{} {error}", error.code())
}

#[tokio::test]
async fn a_file_is_there_whole_or_not_at_all() {
    let world = world();
    let path = world.path("files/a.csv");
    fs::write(&path, "old").unwrap();
    let mut target = world.outside.create(&path).await.unwrap();
    target.write(Bytes::from_static(b"new ")).await.unwrap();
    target.write(Bytes::from_static(b"bytes")).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    drop(target);
    assert_eq!(world.files(), ["a.csv"], "nothing is left of what was given up");
    let mut target = world.outside.create(&format!("file://{path}")).await.unwrap();
    target.write(Bytes::from_static(b"new bytes")).await.unwrap();
    target.finish().await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new bytes");
    assert_eq!(world.files(), ["a.csv"]);
}

#[tokio::test]
async fn a_link_stays_and_points_to_the_new_bytes() {
    let world = world();
    let (path, link) = (world.path("files/a.csv"), world.path("files/link"));
    fs::write(&path, "old").unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut target = world.outside.create(&link).await.unwrap();
    target.write(Bytes::from_static(b"new")).await.unwrap();
    target.finish().await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&path).unwrap(), b"new");
}

#[tokio::test]
async fn the_databases_own_files_are_out_of_reach() {
    let world = world();
    for own in ["data/metadata", "objects/x", "files/../data/x"] {
        let said = refused(&world, &world.path(own)).await;
        assert!(said.starts_with("42501 could not write"), "{said}");
    }
    std::os::unix::fs::symlink(world.path("data"), world.path("files/link")).unwrap();
    let said = refused(&world, &world.path("files/link/x")).await;
    assert!(said.starts_with("42501 could not write"), "{said}");
    let bucket = Location::S3 { bucket: "b".into(), prefix: "own/objects".into(), endpoint: None };
    let data = world.folder.path().join("data");
    let random = Arc::new(OsRandom);
    let endpoint = Some("http://127.0.0.1:1".to_owned());
    let outside = Outside::new(&bucket, endpoint, &data, random);
    assert!(matches!(outside.create("s3://b/own/objects/x").await, Err(OutsideError::Own { .. })));
    assert!(outside.create("s3://b/own/objects2/x").await.is_ok());
    assert!(outside.create("s3://c/own/objects/x").await.is_ok());
}

#[tokio::test]
async fn what_is_no_file_is_neither_read_nor_written() {
    let world = world();
    let pipe = world.path("files/pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(matches!(world.outside.open(&pipe).await, Err(OutsideError::NotRegular { .. })));
    assert!(matches!(world.outside.create(&pipe).await, Err(OutsideError::NotRegular { .. })));
    assert!(matches!(world.outside.open("/dev/zero").await, Err(OutsideError::NotRegular { .. })));
    assert_eq!(world.outside.open("/dev/null").await.unwrap()[0].length(), 0);
    let mut target = world.outside.create("/dev/null").await.unwrap();
    target.write(Bytes::from_static(b"gone")).await.unwrap();
    target.finish().await.unwrap();
    assert!(fs::metadata("/dev/null").unwrap().len() == 0, "it is still what it was");
}

#[tokio::test]
async fn a_pattern_stands_for_the_files_of_one_folder() {
    let world = world();
    for name in ["files/b_2.csv", "files/b_1.csv", "files/c.csv", "files/b_3.txt"] {
        fs::write(world.path(name), name).unwrap();
    }
    fs::create_dir(world.path("files/b_0.csv")).unwrap();
    let found = world.outside.open(&world.path("files/b_*.csv")).await.unwrap();
    let names: Vec<&str> =
        found.iter().map(|found| &found.name()[found.name().len() - 7..]).collect();
    assert_eq!(names, ["b_1.csv", "b_2.csv"]);
    let pieces: Vec<Bytes> = found[0].pieces().try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"files/b_1.csv");
    let error: SqlError = world.outside.open(&world.path("files/d_*")).await.unwrap_err().into();
    assert_eq!(error.code().as_str(), "58P01");
}

#[tokio::test]
async fn a_file_that_shrinks_is_noticed() {
    let world = world();
    let path = world.path("files/a");
    fs::write(&path, vec![7; 100]).unwrap();
    let found = world.outside.open(&path).await.unwrap();
    fs::write(&path, vec![7; 50]).unwrap();
    let read: Result<Vec<Bytes>> = found[0].pieces().try_collect().await;
    assert!(matches!(read, Err(OutsideError::Changed { .. })));
}
