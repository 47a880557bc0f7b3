//! Bytes of every format that a disk, an object store or metadata may give back changed: errors,
//! never a panic. With the right checksum too, so that what comes after it is reached.

use super::*;
use crate::base::mutation::run;
use crate::segment::key_filter::KeyFilter;

fn item_segment() -> InMemory {
    let ids: Vec<i64> = (1..=12).collect();
    let listed = RowIdMap::Listed((100..112).collect());
    InMemory::new(items().ids(), item_rows(&ids), listed).unwrap()
}

/// The bytes with the checksum of what stands behind it.
fn checked(bytes: &[u8], checksum: usize, from: usize) -> Option<Vec<u8>> {
    let crc = crc32fast::hash(bytes.get(from..)?);
    let mut bytes = bytes.to_vec();
    bytes.get_mut(checksum..checksum + 4)?.copy_from_slice(&crc.to_le_bytes());
    Some(bytes)
}

#[test]
fn deletion_vectors() {
    let few = RoaringBitmap::from([0, 5, 70_000]);
    let many: RoaringBitmap = (0..5_000).filter(|row| row % 3 != 0).collect();
    let seeds = [encode_deletes(&few), encode_deletes(&many)];
    assert_eq!(decode_deletes("test", &seeds[0]).unwrap(), few);
    run("deletion vectors", &seeds, |bytes| {
        let _ = decode_deletes("test", bytes);
        if let Some(bytes) = checked(bytes, 4, 8)
            && let Ok(positions) = decode_deletes("test", &bytes)
        {
            assert_eq!(decode_deletes("test", &encode_deletes(&positions)).unwrap(), positions);
        }
    });
}

#[test]
fn inline_rows() {
    let rows = item_segment();
    let seed = encode_inline(&rows).unwrap();
    let again = decode_inline("test", &seed).unwrap();
    assert_eq!((again.batch(), again.row_ids()), (rows.batch(), rows.row_ids()));
    run("inline rows", std::slice::from_ref(&seed), |bytes| {
        let read = decode_inline("test", bytes);
        assert_eq!(read.is_ok(), bytes == seed);
    });
    // The header's own fields, behind a checksum that fits.
    let header = seed[..24].to_vec();
    run("inline header", &[header], |bytes| {
        let mut bytes = bytes.to_vec();
        bytes.resize(24, 0);
        bytes.extend_from_slice(&seed[24..]);
        if let Some(bytes) = checked(&bytes, 4, 8) {
            let _ = decode_inline("test", &bytes);
        }
    });
}

#[tokio::test]
async fn segment_metadata() {
    let world = World::new();
    let written = world.write(&items(), &[item_rows(&(0..40).collect::<Vec<i64>>())]).await;
    let seed = written[0].encode().unwrap();
    assert_eq!(SegmentMeta::decode(&seed).unwrap(), written[0]);
    run("segment metadata", &[seed], |bytes| {
        if let Ok(meta) = SegmentMeta::decode(bytes) {
            assert_eq!(SegmentMeta::decode(&meta.encode().unwrap()).unwrap(), meta);
        }
    });
}

#[test]
fn key_filters() {
    let hashes: Vec<u64> =
        (0..500_u64).map(|key| key.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let filter = KeyFilter::of_hashes(hashes.clone()).unwrap();
    let seed = filter.encode();
    run("key filters", &[seed], |bytes| {
        if let Ok(filter) = KeyFilter::decode("test", bytes) {
            for hash in [0, 1, u64::MAX, hashes[7]] {
                let _ = filter.may_contain(hash);
            }
        }
    });
}
