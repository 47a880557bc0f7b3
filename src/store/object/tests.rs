//! Tests of objects and their cache; each store kind is held to the same promises.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::throttle::{ThrottleConfig, ThrottledStore};

use super::*;
use crate::base::{Incarnation, Oid, Random, SeededRandom, SegmentId, SqlError, SqlState};

fn random() -> Arc<dyn Random> {
    Arc::new(SeededRandom::new(3))
}

/// The stores that need no server; scripts/test runs the server's tests over S3.
fn stores() -> Vec<(Arc<Objects>, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("not/yet"));
    let files = Objects::open(&location, random()).unwrap();
    vec![(Arc::new(Objects::in_memory(random())), None), (Arc::new(files), Some(folder))]
}

async fn names(objects: &Objects, folder: &str) -> Vec<String> {
    let listed: Vec<Listed> = objects.list(folder).try_collect().await.unwrap();
    let mut names: Vec<String> = listed.into_iter().map(|listed| listed.path).collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_object_is_never_overwritten() {
    for (objects, _folder) in stores() {
        let first = objects.put("data/1/a/x", Bytes::from_static(b"first")).await.unwrap();
        let second = objects.put("data/1/a/x", Bytes::from_static(b"second")).await;
        assert!(matches!(second, Err(Error::Exists { .. })), "{second:?}");
        assert_eq!(&objects.get(&first).await.unwrap()[..], b"first");
    }
}

#[tokio::test]
async fn objects_are_listed_and_deleted() {
    for (objects, _folder) in stores() {
        objects.probe().await.unwrap();
        for path in ["data/1/a/x", "data/1/b/y", "data/2/a/z"] {
            objects.put(path, Bytes::from_static(b"...")).await.unwrap();
        }
        assert_eq!(names(&objects, "data/1").await, ["data/1/a/x", "data/1/b/y"]);
        objects.delete("data/1/a/x").await.unwrap();
        objects.delete("data/1/a/x").await.unwrap();
        assert_eq!(names(&objects, "").await, ["data/1/b/y", "data/2/a/z"]);
        let counts = objects.counters().counts();
        assert_eq!((counts.writes, counts.written_bytes, counts.deletes), (3, 9, 2));
    }
}

#[tokio::test]
async fn large_objects_are_written_piece_by_piece() {
    for (objects, _folder) in stores() {
        let pieces: Vec<Bytes> =
            (0..7_u8).map(|n| Bytes::from(vec![n; (3 << 20) + usize::from(n)])).collect();
        let mut upload = objects.create("data/1/a/large").await.unwrap();
        for piece in &pieces {
            upload = upload.write(piece.clone()).await.unwrap();
        }
        let object = upload.finish().await.unwrap();
        let whole = pieces.concat();
        assert_eq!((object.length, object.crc32), (whole.len() as u64, crc32fast::hash(&whole)));
        assert_eq!(objects.get(&object).await.unwrap(), whole);
        let part = |offset: usize, length: usize| Part {
            offset: offset as u64,
            length: length as u64,
            crc32: crc32fast::hash(&whole[offset..offset + length]),
        };
        let parts = [part(20_000_000, 5), part(0, 100), part(90, 1_000), part(7, 0)];
        let reads = objects.counters().counts().reads;
        let read = objects.get_parts(&object, &parts).await.unwrap();
        assert_eq!(objects.counters().counts().reads - reads, 2, "neighbours are one request");
        for (part, bytes) in parts.iter().zip(read) {
            let from = usize::try_from(part.offset).unwrap();
            assert_eq!(bytes, whole[from..from + bytes.len()]);
        }
    }
}

#[tokio::test]
async fn an_abandoned_object_leaves_nothing() {
    for (objects, _folder) in stores() {
        let upload = objects.create("data/1/a/half").await.unwrap();
        let upload = upload.write(Bytes::from(vec![1; 20 << 20])).await.unwrap();
        upload.abandon().await.unwrap();
        assert!(names(&objects, "").await.is_empty());
    }
}

#[tokio::test]
async fn what_is_not_as_it_was_written_is_an_error_naming_the_object() {
    for (objects, _folder) in stores() {
        let mut object =
            objects.put("data/1/a/x", Bytes::from_static(b"0123456789")).await.unwrap();
        let part = Part { offset: 2, length: 3, crc32: crc32fast::hash(b"234") };
        assert_eq!(&objects.get_parts(&object, &[part]).await.unwrap()[0][..], b"234");
        let wrong = Part { offset: 3, ..part };
        let outside = Part { offset: 9, ..part };
        let overflowing = Part { offset: u64::MAX, ..part };
        for part in [wrong, outside, overflowing] {
            let error = objects.get_parts(&object, &[part]).await.unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            assert!(error.to_string().contains("data/1/a/x"));
            assert_eq!(SqlError::from(error).code(), SqlState::DATA_CORRUPTED);
        }
        object.crc32 ^= 1;
        assert!(matches!(objects.get(&object).await, Err(Error::Corrupt { .. })));
        object.path = "data/1/a/y".to_owned();
        assert!(matches!(objects.get(&object).await, Err(Error::Missing { .. })));
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_given_up_on() {
    let slow = ThrottleConfig {
        wait_get_per_call: Duration::from_secs(3_600),
        wait_put_per_call: Duration::from_secs(3_600),
        ..ThrottleConfig::default()
    };
    let store = ThrottledStore::new(object_store::memory::InMemory::new(), slow);
    let millisecond = Duration::from_millis(1);
    let patience = Patience {
        attempt: 20 * millisecond,
        attempts_max: 3,
        pause: millisecond,
        pause_max: 2 * millisecond,
    };
    let objects = Objects::decorated(Arc::new(store), random()).with_patience(patience);
    let error = objects.put("data/1/a/x", Bytes::new()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(SqlError::from(error).code(), SqlState::CANNOT_CONNECT_NOW);
    assert_eq!(objects.counters().counts().retries, 2);
}

#[test]
fn locations_are_told_apart() {
    let s3 = |bucket: &str, prefix: &str| Location::S3 {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: None,
    };
    assert_eq!("file:///var/x".parse::<Location>().unwrap(), Location::File("/var/x".into()));
    assert_eq!("s3://b".parse::<Location>().unwrap(), s3("b", ""));
    assert_eq!("s3://b/p/q/".parse::<Location>().unwrap(), s3("b", "p/q"));
    for wrong in ["file://var", "s3://", "s3:///x", "http://x", ""] {
        assert!(matches!(wrong.parse::<Location>(), Err(Error::Location(_))), "{wrong}");
    }
}

#[test]
fn names_tell_who_wrote_them() {
    let random = random();
    let (incarnation, segment) = (Incarnation(random.uuid()), SegmentId(random.uuid()));
    let path = data_path(Oid(7), incarnation, segment);
    assert!(path.starts_with(&table_folder(Oid(7))));
    assert_eq!(incarnation_of(&path), Some((Oid(7), incarnation)));
    for other in ["data/7/x/y.parquet", "data/7", "other/7/x", "", "data/x/y/z"] {
        assert_eq!(incarnation_of(other), None, "{other}");
    }
}

#[test]
fn the_cache_is_bounded_and_forgets_the_least_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), 1_000).unwrap();
    for name in ["a", "b", "c"] {
        cache.put(name, &[7; 200]);
    }
    assert_eq!(cache.get("a").unwrap().len(), 200);
    cache.put("d", &[8; 200]);
    assert!(cache.get("a").is_some());
    assert!(cache.get("b").is_none(), "the least recently used one had to go");
    cache.put("too large", &[9; 1_000]);
    assert!(cache.get("too large").is_none());
    let counters = cache.counters();
    assert_eq!((counters.files, counters.bytes, counters.evictions), (3, 3 * 264, 1));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    cache.remove_prefix("a");
    assert!(!cache.contains("a"));
}

#[test]
fn the_cache_survives_a_restart_and_finds_damage() {
    let folder = tempfile::tempdir().unwrap();
    let payload: Vec<u8> = (0..=255).collect();
    Cache::open(folder.path(), 1 << 20).unwrap().put("a", &payload);
    std::fs::write(folder.path().join("b.tmp-3"), b"half").unwrap();
    let cache = Cache::open(folder.path(), 1 << 20).unwrap();
    assert_eq!(cache.get("a").unwrap(), payload);
    assert!(!folder.path().join("b.tmp-3").exists());
    let file = folder.path().join("a");
    let whole = std::fs::read(&file).unwrap();
    for at in 0..whole.len() {
        for cut in [false, true] {
            let mut damaged = whole.clone();
            match cut {
                true => damaged.truncate(at),
                false => damaged[at] ^= 1,
            }
            std::fs::remove_file(&file).unwrap_or_default();
            std::fs::write(&file, &damaged).unwrap();
            let cache = Cache::open(folder.path(), 1 << 20).unwrap();
            assert!(cache.get("a").is_none(), "byte {at}, cut: {cut}");
        }
    }
}

#[test]
fn the_cache_may_be_deleted_while_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(&folder.path().join("cache"), 1 << 20).unwrap();
    cache.put("a", &[5; 100]);
    let held = cache.get("a").unwrap();
    std::fs::remove_dir_all(folder.path().join("cache")).unwrap();
    assert_eq!(held, vec![5; 100]);
    cache.put("b", &[6; 100]);
    assert_eq!(cache.get("b").unwrap(), vec![6; 100]);
}
