//! How much effort which recall takes on a part: measured on its own vectors when it is built, so
//! that a search can be asked for a recall (`redkite.recall_target`) instead of an effort.
//!
//! A query is made from an indexed vector by a step away from one of its neighbours: as far from
//! the data as the data are from each other. The vector it was made from does not count, so the
//! measured searches find what was not put in front of them.

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::codes::elements;
use super::distance::Metric;
use super::error::IndexError;
use super::flat::search_flat;
use super::part::{Part, SearchOptions, SearchWork};
use super::points::{CodedPoints, Points};
use super::query::Query;
use super::selection::Selection;
use super::sparse::merged;
use super::top_k::{Neighbour, TopK};
use super::work::Work;
use crate::base::{Random, SeededRandom};

/// Neighbours that a recall is about.
const K: usize = 10;
/// Queries, when the vectors are few enough.
const QUERIES_MAX: usize = 200;
/// Parts of fewer rows are soon merged into others: they are measured with fewer queries.
const ROWS_SMALL: usize = 50_000;
const QUERIES_SMALL: usize = 64;
/// Queries below which a recall is a guess.
const QUERIES_LEAST: usize = 32;
/// Numbers read by the exact searches that tell the truth: a second's work or two.
const NUMBERS_MAX: usize = 20_000_000_000;
/// Rows that exact searches compare with all queries before they go on: these stay in the cache.
const BLOCK_ROWS: usize = 256;
/// How far a query goes from a neighbour of the vector it is made from, as a share of how far that is.
const STEP: f32 = 0.5;
/// More is not asked for.
const RECALL_ENOUGH: f32 = 0.999;
/// From this recall on, an effort that gains less than that over the last but one ends the measuring.
const RECALL_SETTLED: f32 = 0.5;
const GAIN_LEAST: f32 = 0.001;

/// What was measured with one setting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// `ef_search`, or lists probed.
    pub effort: u32,
    /// Candidates compared exactly for each row wanted.
    pub refine: u32,
    /// The share of the ten nearest rows that was found.
    pub recall: f32,
    /// Work of a search, in distances between whole vectors.
    pub cost: f32,
}

/// What was measured on a part, setting by setting.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Calibration {
    /// Groups of equal `refine`, in each of them by `effort`.
    pub measured: Vec<Measured>,
}

impl Calibration {
    /// The cheapest effort and refinement that were seen to give at least this recall, between
    /// two measured efforts when the recall lies between theirs; the ones with the highest recall
    /// when none gives it. `None` when nothing was measured.
    pub fn options_for(&self, recall: f32) -> Option<(u32, u32)> {
        let reaching = self
            .measured
            .chunk_by(|a, b| a.refine == b.refine)
            .filter_map(|group| Self::reach(group, recall))
            .min_by(|a, b| a.cost.total_cmp(&b.cost));
        let best = || self.measured.iter().copied().max_by(|a, b| a.recall.total_cmp(&b.recall));
        reaching.or_else(best).map(|setting| (setting.effort, setting.refine))
    }

    /// Where a group's recall passes the wanted one: between efforts, recall is taken to grow with
    /// the effort's logarithm.
    fn reach(group: &[Measured], recall: f32) -> Option<Measured> {
        let at = group.iter().position(|setting| setting.recall >= recall)?;
        let above = group[at];
        let Some(below) = at.checked_sub(1).map(|before| group[before]) else {
            return Some(above);
        };
        let share = (recall - below.recall) / (above.recall - below.recall).max(f32::EPSILON);
        let between = |a: f32, b: f32| a * (b / a).powf(share);
        Some(Measured {
            // Rounded up: rather too good than not good enough.
            effort: between(below.effort as f32, above.effort as f32).ceil() as u32,
            refine: above.refine,
            recall,
            cost: between(below.cost.max(1.0), above.cost.max(1.0)),
        })
    }
}

/// Measures a part over the points it was built from. Takes less than a second on two threads.
///
/// # Errors
/// When the work was cancelled.
pub fn calibrate(
    part: &Part,
    points: &Points,
    seed: u64,
    work: &Work<'_>,
) -> Result<Calibration, IndexError> {
    let Some(count) = query_count(points.len(), points.len() * points.dimensions()) else {
        return Ok(Calibration::default());
    };
    Queries::of_numbers(part.metric(), points, count, seed, work)?.measure_all(part, work)
}

/// The same over bits or sparse vectors.
///
/// # Errors
/// When the work was cancelled.
pub fn calibrate_coded(
    part: &Part,
    points: &CodedPoints,
    seed: u64,
    work: &Work<'_>,
) -> Result<Calibration, IndexError> {
    let Some(count) = query_count(points.len(), points.codes().numbers()) else {
        return Ok(Calibration::default());
    };
    Queries::of_codes(part.metric(), points, count, seed, work)?.measure_all(part, work)
}

/// How many queries to measure with, over so many rows of so many numbers in all; none where there are
/// too few rows.
fn query_count(rows: usize, numbers: usize) -> Option<usize> {
    let most = if rows < ROWS_SMALL { QUERIES_SMALL } else { QUERIES_MAX };
    let count = (NUMBERS_MAX / 2 / numbers.max(1)).clamp(QUERIES_LEAST, most);
    (rows > K).then_some(count)
}

struct Queries {
    /// The rows the queries were made from.
    origins: Vec<u32>,
    queries: Vec<Query>,
    truth: Vec<Vec<Neighbour>>,
}

impl Queries {
    fn of_numbers(
        metric: Metric,
        points: &Points,
        count: usize,
        seed: u64,
        work: &Work<'_>,
    ) -> Result<Self, IndexError> {
        let random = SeededRandom::new(seed);
        let any = || points.row((random.u64() % points.len() as u64) as usize);
        let origins: Vec<u32> = (0..count).map(|_| any()).collect();
        let mut queries: Vec<f32> =
            origins.iter().flat_map(|row| points.vector(*row)).copied().collect();
        let near = nearest(metric, points, &origins, &queries, work)?;
        for (query, near) in queries.chunks_exact_mut(points.dimensions()).zip(&near) {
            let at = (random.u64() % K as u64) as usize;
            let Some(neighbour) = near.get(at.min(near.len().saturating_sub(1))) else { continue };
            let row = u32::try_from(neighbour.row).unwrap_or(0);
            for (number, other) in query.iter_mut().zip(points.vector(row)) {
                *number += (*number - other) * STEP;
            }
        }
        let truth = nearest(metric, points, &origins, &queries, work)?;
        let queries = queries.chunks_exact(points.dimensions());
        let queries = queries.map(|query| Query::Numbers(query.to_vec())).collect();
        Ok(Self { origins, queries, truth })
    }

    fn of_codes(
        metric: Metric,
        points: &CodedPoints,
        count: usize,
        seed: u64,
        work: &Work<'_>,
    ) -> Result<Self, IndexError> {
        let random = SeededRandom::new(seed);
        let (codes, rows) = (points.codes(), points.rows());
        let drawn: Vec<usize> =
            (0..count).map(|_| (random.u64() % points.len() as u64) as usize).collect();
        let origins: Vec<u32> = drawn.iter().map(|at| rows[*at]).collect();
        let mut queries: Vec<Query> =
            drawn.iter().map(|at| codes.query(*at, points.dimensions())).collect();
        let near = nearest_codes(metric, points, &origins, &queries, work)?;
        for (query, near) in queries.iter_mut().zip(&near) {
            let at = (random.u64() % K as u64) as usize;
            let Some(neighbour) = near.get(at.min(near.len().saturating_sub(1))) else { continue };
            let row = u32::try_from(neighbour.row).unwrap_or(0);
            let Ok(other) = rows.binary_search(&row) else { continue };
            step_away(query, &codes.query(other, points.dimensions()), &random);
        }
        let truth = nearest_codes(metric, points, &origins, &queries, work)?;
        Ok(Self { origins, queries, truth })
    }

    /// Measures a part with growing effort.
    fn measure_all(&self, part: &Part, work: &Work<'_>) -> Result<Calibration, IndexError> {
        let mut groups: Vec<Group> = part.refinements().iter().map(|_| Group::default()).collect();
        for effort in part.efforts() {
            let settings = self.measure(part, effort, work)?;
            groups.iter_mut().zip(settings).for_each(|(group, setting)| group.push(setting));
            if groups.iter().all(|group| group.is_settled) {
                break;
            }
        }
        Ok(Calibration { measured: groups.into_iter().flat_map(|group| group.measured).collect() })
    }

    /// Measures an effort with each refinement.
    fn measure(
        &self,
        part: &Part,
        effort: u32,
        work: &Work<'_>,
    ) -> Result<Vec<Measured>, IndexError> {
        let refinements = part.refinements();
        let nothing = || vec![Found::default(); refinements.len()];
        let measured = work.spread(self.queries.len(), |range| {
            let mut all = nothing();
            for at in range {
                let found = self.search(part, at, effort, work)?;
                all.iter_mut().zip(found).for_each(|(all, found)| all.add(found));
            }
            Ok(all)
        })?;
        let mut all = nothing();
        for found in measured {
            all.iter_mut().zip(found).for_each(|(all, found)| all.add(found));
        }
        let wanted: usize = self.truth.iter().map(Vec::len).sum();
        let settings = refinements.iter().zip(all).map(|(refine, found)| Measured {
            effort,
            refine: *refine,
            recall: (found.rows as f64 / wanted.max(1) as f64) as f32,
            cost: (found.cost / self.origins.len().max(1) as f64) as f32,
        });
        Ok(settings.collect())
    }

    /// What a query finds with each refinement. One look at codes serves them all: who compares fewer rows
    /// compares the first of those.
    fn search(
        &self,
        part: &Part,
        at: usize,
        effort: u32,
        work: &Work<'_>,
    ) -> Result<Vec<Found>, IndexError> {
        let query = &self.queries[at];
        let origin = RoaringBitmap::from([self.origins[at]]);
        let refinements = part.refinements();
        let options = SearchOptions {
            k: K,
            effort,
            refine: refinements.last().copied().unwrap_or(1),
            first_row: 0,
            selection: Selection::Except(&origin),
            cancelled: work.cancelled,
        };
        let dimensions = query.dimensions();
        let farthest = self.truth[at].last().map_or(f64::NEG_INFINITY, |row| row.distance);
        let count = |distances: &[f64]| {
            distances.iter().filter(|distance| **distance <= farthest).count().min(K)
        };
        if let Some((distances, looked)) = part.search_codes(query, &options)? {
            let found = |refine: &u32| {
                let compared = (K * *refine as usize).min(distances.len());
                let work = SearchWork { distances: looked.distances + compared as u64, ..looked };
                Found { rows: count(&distances[..compared]), cost: work.cost(dimensions) }
            };
            return Ok(refinements.iter().map(found).collect());
        }
        let mut top = TopK::new(K);
        let cost = part.search(query, &options, &mut top)?.cost(dimensions);
        let distances: Vec<f64> = top.into_sorted().iter().map(|row| row.distance).collect();
        Ok(vec![Found { rows: count(&distances), cost }])
    }
}

/// What searches found, and what they cost.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    rows: usize,
    cost: f64,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.cost += other.cost;
    }
}

/// What was measured with one refinement, by effort.
#[derive(Debug, Default)]
struct Group {
    measured: Vec<Measured>,
    /// More effort is not worth measuring.
    is_settled: bool,
}

impl Group {
    fn push(&mut self, mut setting: Measured) {
        if self.is_settled {
            return;
        }
        let recall = |at: usize| {
            let known = self.measured.len().checked_sub(at).and_then(|at| self.measured.get(at));
            known.map(|setting| setting.recall)
        };
        // More effort finds no less; what says so is chance.
        setting.recall = setting.recall.max(recall(1).unwrap_or(0.0));
        // Once most is found and twice the effort finds no more, the rest is lost to the codes.
        let gained = setting.recall - recall(2).unwrap_or(f32::NEG_INFINITY);
        self.is_settled = setting.recall >= RECALL_ENOUGH
            || setting.recall > RECALL_SETTLED && gained < GAIN_LEAST;
        self.measured.push(setting);
    }
}

/// Moves a query as far away from a neighbour as [`STEP`] says: numbers go on, of the bits in which the
/// two are alike some turn.
fn step_away(query: &mut Query, neighbour: &Query, random: &SeededRandom) {
    match (query, neighbour) {
        (Query::Bits { length, words }, Query::Bits { words: other, .. }) => {
            let apart: u32 = words.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum();
            for _ in 0..(f64::from(apart) * f64::from(STEP)) as u32 {
                let place = (random.u64() % (*length).max(1) as u64) as usize;
                let (word, mask) = (place / 64, 1 << (63 - place % 64));
                if (words[word] ^ other[word]) & mask == 0 {
                    words[word] ^= mask;
                }
            }
        }
        (
            Query::Sparse { places, numbers, .. },
            Query::Sparse { places: other, numbers: others, .. },
        ) => {
            let moved = merged(elements(places, numbers), elements(other, others));
            let moved = moved.map(|(place, a, b)| (place, a + (a - b) * STEP));
            (*places, *numbers) = moved.filter(|(_, number)| *number != 0.0).unzip();
        }
        _ => {}
    }
}

/// As [`nearest`] for codes.
fn nearest_codes(
    metric: Metric,
    points: &CodedPoints,
    origins: &[u32],
    queries: &[Query],
    work: &Work<'_>,
) -> Result<Vec<Vec<Neighbour>>, IndexError> {
    let tops = work.spread(queries.len(), |range| {
        let queries = &queries[range];
        let mut tops: Vec<TopK> = queries.iter().map(|_| TopK::new(K + 1)).collect();
        for (at, row) in points.rows().iter().enumerate() {
            if at.is_multiple_of(BLOCK_ROWS) {
                work.check()?;
            }
            for (query, top) in queries.iter().zip(&mut tops) {
                top.push(points.codes().distance(metric, at, query), u64::from(*row));
            }
        }
        Ok(tops)
    })?;
    Ok(others(tops.into_iter().flatten(), origins))
}

/// The nearest rows of each query, the one it was made from left out.
fn nearest(
    metric: Metric,
    points: &Points,
    origins: &[u32],
    queries: &[f32],
    work: &Work<'_>,
) -> Result<Vec<Vec<Neighbour>>, IndexError> {
    let dimensions = points.dimensions();
    let indexed: Option<RoaringBitmap> = points.rows().map(|rows| rows.iter().copied().collect());
    let tops = work.spread(origins.len(), |range| {
        let queries = &queries[range.start * dimensions..range.end * dimensions];
        let mut tops: Vec<TopK> = range.map(|_| TopK::new(K + 1)).collect();
        for (at, block) in points.values().chunks(BLOCK_ROWS * dimensions).enumerate() {
            work.check()?;
            let first = at * BLOCK_ROWS;
            let chosen = indexed.as_ref().map(|rows| in_block(rows, first));
            let selection = chosen.as_ref().map_or(Selection::All, Selection::Only);
            for (query, top) in queries.chunks_exact(dimensions).zip(&mut tops) {
                search_flat(metric, query, block, first as u64, selection, top);
            }
        }
        Ok(tops)
    })?;
    Ok(others(tops.into_iter().flatten(), origins))
}

/// What was found, the rows left out that queries were made from.
fn others(tops: impl IntoIterator<Item = TopK>, origins: &[u32]) -> Vec<Vec<Neighbour>> {
    let others = |(top, origin): (TopK, &u32)| {
        let mut rows = top.into_sorted();
        rows.retain(|row| row.row != u64::from(*origin));
        rows.truncate(K);
        rows
    };
    tops.into_iter().zip(origins).map(others).collect()
}

/// The rows of a block, counted from its first.
fn in_block(rows: &RoaringBitmap, first: usize) -> RoaringBitmap {
    let first = first as u32;
    rows.range(first..first + BLOCK_ROWS as u32).map(|row| row - first).collect()
}
