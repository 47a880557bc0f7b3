//! Kernels and search against a naive oracle in 64 bits.

use proptest::prelude::*;
use roaring::RoaringBitmap;

mod codes;
mod fuzz;
mod kinds;
mod world;

use super::{Metric, Selection, TopK, distance, norm, search_flat};

fn oracle(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let dot: f64 = pairs().map(|(a, b)| a * b).sum();
    match metric {
        Metric::L2 => pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt(),
        Metric::InnerProduct => -dot,
        Metric::Cosine => {
            let squares: f64 =
                pairs().map(|(a, _)| a * a).sum::<f64>() * pairs().map(|(_, b)| b * b).sum::<f64>();
            1.0 - (dot / squares.sqrt()).clamp(-1.0, 1.0)
        }
        Metric::L1 => pairs().map(|(a, b)| (a - b).abs()).sum(),
        Metric::Hamming => pairs().filter(|(a, b)| (*a > 0.0) != (*b > 0.0)).count() as f64,
        Metric::Jaccard => {
            let both = pairs().filter(|(a, b)| *a > 0.0 && *b > 0.0).count() as f64;
            let either = pairs().filter(|(a, b)| *a > 0.0 || *b > 0.0).count() as f64;
            if both == 0.0 { 1.0 } else { 1.0 - both / either }
        }
    }
}

fn numbers(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-10.0f32..10.0, length)
}

#[test]
fn known_distances() {
    let (a, b) = ([1.0, 2.0, 3.0], [4.0, 6.0, 3.0]);
    assert_eq!(distance(Metric::L2, &a, &b), 5.0);
    assert_eq!(distance(Metric::InnerProduct, &a, &b), -25.0);
    assert_eq!(distance(Metric::L1, &a, &b), 7.0);
    assert_eq!(distance(Metric::Cosine, &a, &[2.0, 4.0, 6.0]), 0.0);
    assert_eq!(distance(Metric::Cosine, &[1.0, 1.0], &[-1.0, -1.0]), 2.0);
    assert!(distance(Metric::Cosine, &a, &[0.0; 3]).is_nan());
    assert_eq!(norm(&[3.0, 4.0]), 5.0);
    // Squares that overflow 32 bits are infinitely far, as in pgvector.
    assert_eq!(distance(Metric::L2, &[3e38], &[-3e38]), f64::INFINITY);
}

#[test]
fn nan_is_farthest_and_ties_go_to_the_lower_row() {
    let mut top = TopK::new(3);
    for (row, distance) in [f64::NAN, 2.0, f64::NAN, 1.0, 1.0].into_iter().enumerate() {
        top.push(distance, row as u64);
    }
    let rows: Vec<u64> = top.into_sorted().iter().map(|n| n.row).collect();
    assert_eq!(rows, [3, 4, 1]);
    let mut top = TopK::new(4);
    top.push(f64::INFINITY, 7);
    top.push(f64::NAN, 1);
    top.push(f64::INFINITY, 2);
    let rows: Vec<u64> = top.into_sorted().iter().map(|n| n.row).collect();
    assert_eq!(rows, [2, 7, 1]);
}

#[test]
fn nothing_is_kept_of_nothing() {
    let mut top = TopK::new(0);
    top.push(1.0, 1);
    top.push(f64::NAN, 1);
    assert!(top.is_empty());
    let mut top = TopK::new(5);
    search_flat(Metric::L2, &[1.0, 2.0], &[], 0, Selection::All, &mut top);
    assert!(top.is_empty());
    // The client's k does not decide how much memory is taken.
    assert_eq!(TopK::new(usize::MAX).len(), 0);
}

proptest! {
    #[test]
    fn kernels_agree_with_the_oracle((a, b) in (1usize..200).prop_flat_map(|n| (numbers(n..n + 1), numbers(n..n + 1)))) {
        for metric in Metric::ALL {
            let (ours, exact) = (distance(metric, &a, &b), oracle(metric, &a, &b));
            if exact.is_nan() {
                prop_assert!(ours.is_nan());
                continue;
            }
            let size: f64 = a.iter().zip(&b).map(|(a, b)| f64::from((a * b).abs() + (a - b).abs())).sum();
            prop_assert!((ours - exact).abs() <= 1e-5 * (1.0 + size), "{metric}: {ours} {exact}");
        }
    }

    #[test]
    fn search_gives_the_k_nearest(
        dimensions in 1usize..40,
        seed in prop::collection::vec(-3i8..4, 0..2000),
        k in 0usize..20,
        excluded in prop::collection::btree_set(0u32..400, 0..30),
    ) {
        // Small whole numbers: sums are exact, ties are many.
        let data: Vec<f32> = seed.iter().map(|n| f32::from(*n)).collect();
        let query: Vec<f32> = (0..dimensions).map(|n| (n % 5) as f32 - 2.0).collect();
        let bitmap: RoaringBitmap = excluded.iter().copied().collect();
        let all: RoaringBitmap = (0..5000).collect();
        let allowed = &all - &bitmap;
        for metric in Metric::ALL {
            let mut expected: Vec<(f64, u64)> = data
                .chunks_exact(dimensions)
                .enumerate()
                .filter(|(at, _)| !excluded.contains(&(*at as u32)))
                .map(|(at, vector)| (distance(metric, &query, vector), at as u64 + 1000))
                .collect();
            let key = |d: f64| if d.is_nan() { f64::MAX } else { d };
            expected.sort_by(|a, b| key(a.0).total_cmp(&key(b.0)).then(a.1.cmp(&b.1)));
            expected.truncate(k);
            for selection in [Selection::Except(&bitmap), Selection::Only(&allowed)] {
                let mut top = TopK::new(k);
                search_flat(metric, &query, &data, 1000, selection, &mut top);
                let found: Vec<u64> = top.into_sorted().iter().map(|n| n.row).collect();
                let rows: Vec<u64> = expected.iter().map(|(_, row)| *row).collect();
                prop_assert_eq!(found, rows, "{}", metric);
            }
        }
    }

    #[test]
    fn merging_halves_is_searching_the_whole(data in numbers(0..600), k in 1usize..12) {
        let query = [1.0, -2.0, 0.5];
        let data = &data[..data.len() / 3 * 3];
        let half = data.len() / 6 * 3;
        let search = |data: &[f32], first| {
            let mut top = TopK::new(k);
            search_flat(Metric::L2, &query, data, first, Selection::All, &mut top);
            top
        };
        let mut merged = search(&data[..half], 0);
        merged.merge(search(&data[half..], half as u64 / 3));
        let rows = |top: TopK| top.into_sorted().iter().map(|n| n.row).collect::<Vec<_>>();
        prop_assert_eq!(rows(merged), rows(search(data, 0)));
    }
}
