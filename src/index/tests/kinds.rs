//! Every kind of index against the exact search.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::world::{Ask, GO, STOP, World, clustered, kinds, search, whole_numbers};
use crate::index::{
    DefinitionError, Elements, IndexError, IndexKind, IndexSpec, Metric, Model, Part, Points,
    Query, SearchOptions, Selection, TopK, Work, build,
};

const ALL: Ask<'_> = Ask { k: 10, effort: 100_000, refine: 100_000, selection: Selection::All };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn all_effort_is_an_exact_search(
        seed in 0_u64..u64::MAX,
        dimensions in 1_usize..40,
        count in 0_usize..300,
        whole in any::<bool>(),
        k in 0_usize..30,
        marked in prop::collection::btree_set(0_u32..400, 0..200),
    ) {
        let make = if whole { whole_numbers } else { clustered };
        let marked: RoaringBitmap = marked.into_iter().collect();
        let query = make(seed ^ 1, 1, dimensions);
        for kind in kinds() {
            for metric in Metric::OF_NUMBERS {
                let world =
                    World::new(kind.clone(), metric, dimensions, make(seed, count, dimensions));
                for selection in
                    [Selection::All, Selection::Only(&marked), Selection::Except(&marked)]
                {
                    let ask = Ask { k, selection, ..ALL };
                    let (found, _) = world.search(&query, &ask);
                    prop_assert_eq!(found, world.exact(&query, &ask), "{:?} {}", kind, metric);
                }
            }
        }
    }

    #[test]
    fn a_search_finds_as_many_rows_as_there_are(
        seed in 0_u64..u64::MAX,
        effort in 0_u32..4,
        k in 1_usize..40,
        marked in prop::collection::btree_set(0_u32..400, 0..60),
    ) {
        let marked: RoaringBitmap = marked.into_iter().collect();
        let query = clustered(seed ^ 1, 1, 6);
        for kind in kinds() {
            let world = World::new(kind, Metric::L2, 6, clustered(seed, 400, 6));
            let mut bits = vec![0; 50];
            marked.iter().for_each(|row| bits[row as usize / 8] |= 1 << (row % 8));
            for selection in [
                Selection::All,
                Selection::Only(&marked),
                Selection::Bits(&bits, marked.len()),
                Selection::Except(&marked),
            ] {
                let ask = Ask { k, effort, refine: effort, selection };
                let (found, _) = world.search(&query, &ask);
                prop_assert_eq!(found.len(), world.exact(&query, &ask).len());
                for row in found {
                    let marked = marked.contains(row.row as u32 - 1000);
                    match selection {
                        Selection::All => {}
                        Selection::Only(_) | Selection::Bits(..) => prop_assert!(marked),
                        Selection::Except(_) => prop_assert!(!marked),
                    }
                }
            }
        }
    }
}

#[test]
fn little_effort_finds_most() {
    for (dimensions, seed) in [(16, 1), (33, 2)] {
        let queries = clustered(seed, 2_050, dimensions)[2_000 * dimensions..].to_vec();
        for kind in kinds() {
            for metric in Metric::OF_NUMBERS {
                let values = clustered(seed, 2_000, dimensions);
                let world = World::new(kind.clone(), metric, dimensions, values);
                let hnsw = matches!(kind, IndexKind::Hnsw { .. });
                let ask = Ask { k: 10, effort: if hnsw { 40 } else { 4 }, refine: 8, ..ALL };
                let recall = world.recall(&queries, &ask);
                assert!(recall > 0.9, "{kind:?} {metric}: {recall}");
                // Every other row: no less.
                let odd: RoaringBitmap = (0..1_000).map(|row| row * 2 + 1).collect();
                let ask = Ask { selection: Selection::Only(&odd), ..ask };
                let recall = world.recall(&queries, &ask);
                assert!(recall > 0.9, "{kind:?} {metric}, filtered: {recall}");
            }
        }
    }
}

#[test]
fn equal_vectors_are_all_found() {
    // A thousand times the same, and a few others that must not fall off.
    let mut values = clustered(3, 1_200, 4);
    for row in 100..1_100 {
        values.copy_within(400..404, row * 4);
    }
    for kind in kinds() {
        let world = World::new(kind, Metric::L2, 4, values.clone());
        for row in [0, 50, 99, 600, 1_150] {
            let query = &values[row * 4..row * 4 + 4];
            for k in [5, 1_100, 2_000] {
                let ask = Ask { k, effort: 20, refine: 4, ..ALL };
                let (found, _) = world.search(query, &ask);
                assert_eq!(found[0], world.exact(query, &ask)[0]);
            }
            let ask = Ask { k: 2_000, ..ALL };
            assert_eq!(world.search(query, &ask).0, world.exact(query, &ask));
        }
    }
}

#[test]
fn any_dimension_will_do() {
    for dimensions in [1, 2, 3, 31, 32, 130, 16_000] {
        let count = if dimensions > 1_000 { 30 } else { 200 };
        for kind in kinds() {
            for metric in Metric::OF_NUMBERS {
                let values = clustered(9, count, dimensions);
                let query = values[..dimensions].to_vec();
                let world = World::new(kind.clone(), metric, dimensions, values);
                let (found, _) = world.search(&query, &ALL);
                assert_eq!(found, world.exact(&query, &ALL), "{kind:?} {metric} {dimensions}");
            }
        }
    }
}

#[test]
fn only_the_rows_told_are_indexed() {
    let values = clustered(4, 500, 5);
    let rows: Arc<[u32]> = (0..500).filter(|row| row % 3 != 0).collect();
    for kind in kinds() {
        let world =
            World::of_rows(kind, Metric::L2, 5, values.clone(), Some(Arc::clone(&rows))).unwrap();
        let (found, work) = world.search(&values[..5], &Ask { k: 500, ..ALL });
        assert_eq!(found.len(), rows.len());
        assert!(found.iter().all(|row| row.row % 3 != 1_000 % 3));
        assert!(work.distances > 0 && work.candidates >= rows.len() as u64);
    }
}

#[test]
fn a_part_gives_the_same_rows_each_time_on_every_thread() {
    let values = clustered(5, 3_000, 12);
    for kind in kinds() {
        let world = World::new(kind, Metric::Cosine, 12, values.clone());
        let ask = Ask { k: 10, effort: 12, refine: 2, ..ALL };
        let answers = || {
            let queries = values.chunks_exact(12).take(50);
            queries.map(|query| world.search(query, &ask)).collect::<Vec<_>>()
        };
        let first = answers();
        std::thread::scope(|scope| {
            let others: Vec<_> = (0..4).map(|_| scope.spawn(answers)).collect();
            for other in others {
                assert_eq!(other.join().unwrap(), first);
            }
        });
    }
}

#[test]
fn work_stops_when_it_is_told() {
    let values = clustered(6, 2_000, 16);
    for kind in kinds() {
        let world = World::new(kind, Metric::L2, 16, values.clone());
        let done = AtomicU64::new(0);
        let work = Work { threads: 2, memory: u64::MAX, cancelled: &STOP, done: &done };
        let points = Points::new(world.values.clone(), 16, None).unwrap();
        let built = build(&world.spec, world.model.as_deref(), &points, &work);
        assert_eq!(built.unwrap_err(), IndexError::Cancelled);
        if world.model.is_some() {
            let trained = Model::train(&world.spec, &values, 2_000, &work);
            assert_eq!(trained.unwrap_err(), IndexError::Cancelled);
        }
        let query = Query::Numbers(values[..16].to_vec());
        let options = SearchOptions {
            k: 500,
            effort: 500,
            refine: 2,
            first_row: 0,
            selection: Selection::All,
            cancelled: &STOP,
        };
        let searched = world.part.search(&query, &options, &mut TopK::new(500));
        assert_eq!(searched.unwrap_err(), IndexError::Cancelled);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let values = clustered(7, 100, 8);
    for kind in kinds() {
        let world = World::new(kind, Metric::L2, 8, values.clone());
        let wrong = search(&world.part, &values[..7], &ALL).unwrap_err();
        assert_eq!(wrong, IndexError::Dimensions { expected: 8, found: 7 });
        let none = Ask { k: 0, ..ALL };
        assert!(world.search(&values[..8], &none).0.is_empty());
        let done = AtomicU64::new(0);
        let work = Work { threads: 1, memory: u64::MAX, cancelled: &GO, done: &done };
        let points = Points::new(values[..700].to_vec().into(), 7, None).unwrap();
        let built = build(&world.spec, world.model.as_deref(), &points, &work);
        assert_eq!(built.unwrap_err(), IndexError::Dimensions { expected: 8, found: 7 });
        // Another segment's vectors, another metric, no model, another table's model.
        let open = |spec: &IndexSpec, model, values: &[f32]| {
            Part::open(spec, model, &world.bytes, values.to_vec().into()).err()
        };
        let model = || world.model.clone();
        assert_eq!(open(&world.spec, model(), &values), None);
        assert!(open(&world.spec, model(), &values[..792]).is_some());
        let other = IndexSpec { metric: Metric::L1, ..world.spec.clone() };
        assert!(open(&other, model(), &values).is_some());
        if let Some(trained) = &world.model {
            assert_eq!(open(&world.spec, None, &values), Some(IndexError::ModelMissing));
            let again = Model::train(&world.spec, &values[80..], 100, &work).unwrap();
            assert!(open(&world.spec, Some(Arc::new(again)), &values).is_some());
            let stored = trained.encode();
            assert!(Model::decode(&other, stored.clone()).is_err());
            let read = Model::decode(&world.spec, stored).unwrap();
            assert_eq!(open(&world.spec, Some(Arc::new(read)), &values), None);
        }
    }
    assert!(Points::new(vec![0.0; 10].into(), 3, None).is_err());
    assert!(Points::new(vec![0.0; 10].into(), 5, Some([1, 2].into())).is_err());
    assert!(Points::new(vec![0.0; 10].into(), 5, Some([1, 0].into())).is_err());
}

#[test]
fn unaligned_bytes_are_read_as_well() {
    let values = clustered(8, 300, 8);
    for kind in kinds() {
        let world = World::new(kind, Metric::L2, 8, values.clone());
        let mut moved = vec![0];
        moved.extend_from_slice(&world.bytes);
        let bytes = Bytes::from(moved).slice(1..);
        let part =
            Part::open(&world.spec, world.model.clone(), &bytes, world.values.clone()).unwrap();
        let (found, _) = search(&part, &values[..8], &ALL).unwrap();
        assert_eq!(found, world.exact(&values[..8], &ALL));
    }
}

#[test]
fn definitions_keep_to_pgvectors_bounds() {
    let spec =
        |kind, metric, dimensions, elements| IndexSpec { kind, metric, dimensions, elements };
    let check = |kind, dimensions| spec(kind, Metric::L2, dimensions, Elements::Numbers).check();
    let hnsw = |m, ef_construction| IndexKind::Hnsw { m, ef_construction };
    assert_eq!(check(hnsw(16, 64), 3), Ok(()));
    assert_eq!(check(hnsw(16, 31), 3), Err(DefinitionError::EfConstructionBelowTwiceM));
    assert_eq!(check(hnsw(16, 64), 0), Err(DefinitionError::NoDimensions));
    assert!(check(hnsw(16, 64), 16_001).is_err());
    for refused in [
        hnsw(1, 64),
        hnsw(101, 300),
        hnsw(16, 1_001),
        IndexKind::IvfFlat { lists: 0 },
        IndexKind::IvfFlat { lists: 32_769 },
        IndexKind::Redkite { lists: Some(0) },
    ] {
        assert!(matches!(check(refused, 3), Err(DefinitionError::OutOfBounds { .. })));
    }
    let spec = spec(hnsw(16, 64), Metric::InnerProduct, 3, Elements::Numbers);
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(
        json,
        r#"{"kind":{"hnsw":{"m":16,"ef_construction":64}},"metric":"inner_product","dimensions":3}"#
    );
    assert_eq!(serde_json::from_str::<IndexSpec>(&json).unwrap(), spec);
}
