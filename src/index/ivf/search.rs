//! Searches lists: the nearest centroids' first, and further ones while the selection has not
//! let enough rows through.

use std::borrow::Cow;

use arrow::buffer::ScalarBuffer;

use super::lists::Lists;
use super::model::{Model, centroid_metric};
use super::table::Table;
use crate::index::candidate::{Best, Candidate};
use crate::index::distance::{Metric, dot, norm};
use crate::index::error::IndexError;
use crate::index::faiss::{self, Sums};
use crate::index::kernel::{Kernel, WithKernel, with_kernel};
use crate::index::part::{SearchOptions, SearchWork};
use crate::index::selection::Selection;
use crate::index::work;

/// What orders rows is rounded otherwise than what is reported: rows are shown that are this much
/// too far away, as a part of the distance.
const SLACK: f32 = 1e-5;
/// Rows compared between two looks at the flag that cancels.
const CHECK_EVERY: usize = 4_096;

/// A search of lists.
pub(in crate::index) struct Search<'a> {
    pub(in crate::index) model: &'a Model,
    pub(in crate::index) lists: &'a Lists,
    pub(in crate::index) values: &'a ScalarBuffer<f32>,
    pub(in crate::index) metric: Metric,
    pub(in crate::index) query: &'a [f32],
    pub(in crate::index) options: &'a SearchOptions<'a>,
    pub(in crate::index) chosen: Selection<'a>,
    /// Takes the rows that were found, the order being no particular one.
    pub(in crate::index) show: &'a mut dyn FnMut(u32),
}

impl WithKernel for Search<'_> {
    type Output = Result<SearchWork, IndexError>;

    fn run(self, kernel: &impl Kernel) -> Self::Output {
        let k = self.options.k.min(self.lists.len());
        if k == 0 {
            return Ok(SearchWork::default());
        }
        let mut best = Best::new(k);
        let mut scan = Scan {
            model: self.model,
            values: self.values,
            metric: self.metric,
            kernel,
            options: self.options,
            chosen: self.chosen,
            slack: if self.metric == Metric::Cosine {
                norm(self.query) as f32 * SLACK
            } else {
                0.0
            },
            work: SearchWork::default(),
        };
        let show = self.show;
        let order = scan.order(self.query, self.options.effort as usize);
        if self.model.subspaces() == 0 {
            scan.lists(order, |scan, list| {
                let rows = self.lists.rows(list.number() as usize);
                scan.compare(rows.iter().copied(), &mut best, show)
            })?;
        } else {
            let rows = scan.coded(self.lists, self.query, order)?;
            // What codes let through was chosen already.
            scan.chosen = Selection::All;
            scan.compare(rows.into_iter().map(Candidate::number), &mut best, show)?;
        }
        Ok(scan.work)
    }
}

/// A search of codes alone: which rows are to be compared, those first that the codes say are nearest.
pub(in crate::index) struct CodeSearch<'a> {
    pub(in crate::index) model: &'a Model,
    pub(in crate::index) lists: &'a Lists,
    pub(in crate::index) metric: Metric,
    pub(in crate::index) query: &'a [f32],
    pub(in crate::index) options: &'a SearchOptions<'a>,
    pub(in crate::index) chosen: Selection<'a>,
    /// Whether it ends with the lists that its effort says, however few rows they let through.
    pub(in crate::index) strictly: bool,
}

impl WithKernel for CodeSearch<'_> {
    type Output = Result<(Vec<u32>, SearchWork), IndexError>;

    fn run(self, kernel: &impl Kernel) -> Self::Output {
        let mut scan = Scan {
            model: self.model,
            values: &[],
            metric: self.metric,
            kernel,
            options: self.options,
            chosen: self.chosen,
            slack: 0.0,
            work: SearchWork::default(),
        };
        let mut order = scan.order(self.query, self.options.effort as usize);
        if self.strictly {
            order.lists.truncate(order.probes);
        }
        let mut rows = scan.coded(self.lists, self.query, order)?;
        rows.sort_unstable();
        Ok((rows.into_iter().map(Candidate::number).collect(), scan.work))
    }
}

struct Scan<'a, K> {
    model: &'a Model,
    values: &'a [f32],
    metric: Metric,
    kernel: &'a K,
    options: &'a SearchOptions<'a>,
    chosen: Selection<'a>,
    /// How much too far away a row may be at least.
    slack: f32,
    work: SearchWork,
}

/// The lists with the distances to their centroids.
pub(super) struct Order {
    /// The nearest ones first, in order; the others behind them.
    pub(super) lists: Vec<Candidate>,
    /// How many are looked into in any case.
    pub(super) probes: usize,
}

/// Ranks the lists by their centroids.
pub(super) fn order(model: &Model, metric: Metric, query: &[f32], effort: usize) -> Order {
    let mut lists = with_kernel(metric, query, RankCentroids { model });
    let probes = effort.clamp(1, lists.len());
    if probes < lists.len() {
        lists.select_nth_unstable(probes);
    }
    lists[..probes].sort_unstable();
    Order { lists, probes }
}

struct RankCentroids<'a> {
    model: &'a Model,
}

impl WithKernel for RankCentroids<'_> {
    type Output = Vec<Candidate>;

    fn run(self, kernel: &impl Kernel) -> Vec<Candidate> {
        let dimensions = self.model.dimensions;
        let mut out = Vec::with_capacity(self.model.lists);
        let mut push = |distance| out.push(Candidate::new(distance, out.len() as u32));
        let fours = self.model.centroids.chunks_exact(dimensions * 4);
        let rest = fours.remainder();
        for four in fours {
            let at = |n: usize| &four[n * dimensions..(n + 1) * dimensions];
            kernel.four([at(0), at(1), at(2), at(3)]).into_iter().for_each(&mut push);
        }
        rest.chunks_exact(dimensions).for_each(|one| push(kernel.one(one)));
        out
    }
}

impl<K: Kernel> Scan<'_, K> {
    /// Ranks the lists by their centroids.
    fn order(&mut self, query: &[f32], effort: usize) -> Order {
        let order = order(self.model, centroid_metric(self.metric), query, effort);
        self.work.distances += order.lists.len() as u64;
        order
    }

    /// Looks into the lists, and on until `k` rows were let through.
    fn lists(
        &mut self,
        mut order: Order,
        mut look: impl FnMut(&mut Self, Candidate) -> Result<usize, IndexError>,
    ) -> Result<(), IndexError> {
        let (first, rest) = order.lists.split_at_mut(order.probes);
        let mut found = 0;
        for list in first {
            found += look(self, *list)?;
        }
        self.work.expanded += order.probes as u64;
        if found >= self.options.k {
            return Ok(());
        }
        rest.sort_unstable();
        for list in rest {
            self.work.expanded += 1;
            found += look(self, *list)?;
            if found >= self.options.k {
                break;
            }
        }
        Ok(())
    }

    /// Compares the vectors of rows, four at a time, and shows those that may be among the best;
    /// returns how many were chosen.
    fn compare(
        &mut self,
        rows: impl Iterator<Item = u32>,
        best: &mut Best,
        show: &mut dyn FnMut(u32),
    ) -> Result<usize, IndexError> {
        let dimensions = self.model.dimensions;
        let vector = |row: u32| {
            let from = row as usize * dimensions;
            &self.values[from..from + dimensions]
        };
        let mut four = [0; 4];
        let (mut waiting, mut count, mut shown) = (0, 0, 0);
        let mut take = |distance: f32, row: u32| {
            let limit = best.threshold();
            if distance <= limit + (limit.abs() * SLACK).max(self.slack) {
                best.push(Candidate::new(distance, row));
                shown += 1;
                show(row);
            }
        };
        for row in rows.filter(|row| self.chosen.takes(*row)) {
            if usize::is_multiple_of(count, CHECK_EVERY) {
                work::check(self.options.cancelled)?;
            }
            count += 1;
            four[waiting] = row;
            waiting += 1;
            if waiting == 4 {
                waiting = 0;
                let distances = self.kernel.four(four.map(vector));
                for (row, distance) in four.iter().zip(distances) {
                    take(distance, *row);
                }
            }
        }
        for row in &four[..waiting] {
            take(self.kernel.one(vector(*row)), *row);
        }
        self.work.distances += count as u64;
        self.work.candidates += shown;
        Ok(count)
    }

    /// The rows whose codes are best.
    fn coded(
        &mut self,
        lists: &Lists,
        query: &[f32],
        order: Order,
    ) -> Result<Vec<Candidate>, IndexError> {
        let wanted = self.options.k.saturating_mul(self.options.refine.max(1) as usize);
        let mut best = Best::new(wanted.min(lists.len()));
        let (query, length) = direction(self.metric, query);
        let mut table = Table::default();
        table.fill(&self.model.turned, &self.tabled(&query));
        let square = dot(&query, &query);
        let mut sums = Vec::new();
        self.lists(order, |scan, list| {
            let number = list.number() as usize;
            let rows = lists.rows(number);
            if rows.is_empty() {
                return Ok(0);
            }
            work::check(scan.options.cancelled)?;
            let (base, terms) = match scan.metric {
                Metric::InnerProduct => (list.distance(), Cow::default()),
                // Ranked by products with the query as it is.
                Metric::Cosine => {
                    let product = list.distance() / length;
                    (square + 1.0 + 2.0 * product, lists.terms(scan.model, number))
                }
                _ => (list.distance(), lists.terms(scan.model, number)),
            };
            faiss::scan(lists.codes(number), &table.entries, &mut sums)?;
            scan.work.codes += rows.len() as u64;
            Ok(scan.sift((rows, &terms), &sums, (base + table.base, table.step), &mut best))
        })?;
        Ok(best.into_kept())
    }

    /// What the look-up table is filled for, padded: the query itself for inner products, otherwise
    /// twice what is left of it when the mean of the centroids is taken off ([`super::terms`]).
    fn tabled(&self, query: &[f32]) -> Vec<f32> {
        let mut tabled = match self.metric {
            Metric::InnerProduct => query.to_vec(),
            _ => query.iter().zip(&self.model.mean).map(|(q, g)| 2.0 * (q - g)).collect(),
        };
        tabled.resize(self.model.padded(), 0.0);
        tabled
    }

    /// Keeps the rows that are near enough; returns how many were chosen among those. Without terms
    /// rows add nothing.
    fn sift(
        &mut self,
        (rows, terms): (&[u32], &[f32]),
        sums: &[Sums],
        (base, step): (f32, f32),
        best: &mut Best,
    ) -> usize {
        let (whole, rest) = terms.as_chunks::<{ faiss::BLOCK_ROWS }>();
        let mut last = [0.0; faiss::BLOCK_ROWS];
        last[..rest.len()].copy_from_slice(rest);
        let mut count = 0;
        for (at, (rows, sums)) in rows.chunks(faiss::BLOCK_ROWS).zip(sums).enumerate() {
            let terms = whole.get(at).unwrap_or(&last);
            let distances: [f32; faiss::BLOCK_ROWS] =
                std::array::from_fn(|row| terms[row] + step * f32::from(sums.0[row]));
            let mut near = near(&distances, best.threshold() - base);
            while near > 0 {
                let at = near.trailing_zeros() as usize;
                near &= near - 1;
                if let Some(row) = rows.get(at)
                    && self.chosen.takes(*row)
                {
                    count += 1;
                    best.push(Candidate::new(base + distances[at], *row));
                }
            }
        }
        count
    }
}

/// A bit for each of a block's distances that is not above a limit.
#[inline(always)]
fn near(distances: &[f32; faiss::BLOCK_ROWS], limit: f32) -> u32 {
    (0..)
        .zip(distances)
        .fold(0, |near, (row, distance)| near | u32::from(*distance <= limit) << row)
}

/// The query as codes are compared with it, and what it was divided by: of length one for cosine.
fn direction(metric: Metric, query: &[f32]) -> (Cow<'_, [f32]>, f32) {
    let length = norm(query);
    if metric != Metric::Cosine || length == 0.0 {
        return (Cow::Borrowed(query), 1.0);
    }
    let direction = query.iter().map(|number| (f64::from(*number) / length) as f32).collect();
    (Cow::Owned(direction), length as f32)
}
