//! Bytes of parts and models that a disk or an object store may give back changed: an error, or,
//! with checksums that fit, an answer of rows that exist. Never a panic, never memory of others.

use bytes::Bytes;

use super::world::{Ask, World, clustered, kinds, search};
use crate::base::mutation::run;
use crate::index::{Metric, Model, Part, Selection};

/// The bytes with the checksums of what stands behind them, as far as the head can be read.
pub(super) fn checked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let u64_at = |at: usize| {
        usize::try_from(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?)).ok()
    };
    let head = u32::from_le_bytes(bytes.get(12..16)?.try_into().ok()?) as usize;
    let (parameters, sections) = (usize::from(u16_at(28)?), usize::from(u16_at(30)?));
    for section in 0..sections.min(64) {
        let at = 32 + parameters * 4 + section * 24;
        let from = u64_at(at)?;
        let section = bytes.get(from..from.checked_add(u64_at(at + 8)?)?)?;
        out.get_mut(at + 16..at + 20)?.copy_from_slice(&crc32fast::hash(section).to_le_bytes());
    }
    let crc = crc32fast::hash(out.get(12..head)?);
    out[8..12].copy_from_slice(&crc.to_le_bytes());
    Some(out)
}

const ASK: Ask<'_> = Ask { k: 7, effort: 3, refine: 3, selection: Selection::All };

#[test]
fn parts() {
    for kind in kinds() {
        // Equal vectors and rows left out: every section has something in it.
        let mut values = clustered(11, 70, 4);
        values.copy_within(0..8, 100);
        let rows = (0..70).filter(|row| row % 9 != 8).collect();
        let world =
            World::of_rows(kind.clone(), Metric::L2, 4, values.clone(), Some(rows)).unwrap();
        let open = |bytes: &[u8]| {
            let bytes = Bytes::copy_from_slice(bytes);
            Part::open(&world.spec, world.model.clone(), &bytes, world.values.clone())
        };
        run(world.spec.kind.name(), std::slice::from_ref(&world.bytes.to_vec()), |bytes| {
            assert_eq!(open(bytes).is_ok(), bytes == world.bytes);
            if let Some(part) = checked(bytes).and_then(|bytes| open(&bytes).ok()) {
                // A part whose numbers were changed may answer wrongly, but with rows that are.
                let _ = search(&part, &values[..4], &ASK);
            }
        });
    }
}

#[test]
fn models() {
    for kind in kinds().into_iter().filter(crate::index::IndexKind::needs_model) {
        let world = World::new(kind.clone(), Metric::Cosine, 5, clustered(12, 60, 5));
        let seed = world.model.as_ref().unwrap().encode();
        run("model", std::slice::from_ref(&seed.to_vec()), |bytes| {
            let model = Model::decode(&world.spec, Bytes::copy_from_slice(bytes));
            assert_eq!(model.is_ok(), bytes == seed);
            let again = checked(bytes)
                .and_then(|bytes| Model::decode(&world.spec, Bytes::from(bytes)).ok());
            if let Some(model) = again {
                let points =
                    crate::index::Points::new(world.values.clone(), 5, world.rows.clone()).unwrap();
                let done = std::sync::atomic::AtomicU64::new(0);
                let work = crate::index::Work {
                    threads: 1,
                    memory: u64::MAX,
                    cancelled: &super::world::GO,
                    done: &done,
                };
                let bytes = crate::index::build(&world.spec, Some(&model), &points, &work).unwrap();
                let model = std::sync::Arc::new(model);
                let part =
                    Part::open(&world.spec, Some(model), &Bytes::from(bytes), world.values.clone())
                        .unwrap();
                let _ = search(&part, &world.values[..5], &ASK);
            }
        });
    }
}
