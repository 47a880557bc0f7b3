//! Rows by key: what uniqueness checks, foreign keys, upserts and point look-ups ask.
//!
//! For a segment in an object: the key's filter says no to almost all keys that aren't there;
//! what is left goes to the row groups whose bounds hold the key, and there to a binary
//! search (rows sorted by the key) or a hash index (other keys). For rows in memory: a hash
//! index for each coalesced run.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, DynComparator, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;

use super::Reader;
use super::footer::RowGroups;
use crate::base::{ColumnId, Result, SegmentId};
use crate::segment::bounds::{Bound, ColumnStatistics};
use crate::segment::corrupt::{broken, corrupt};
use crate::segment::key_filter::KeyFilter;
use crate::segment::key_hash::KeyHashes;
use crate::segment::key_index::KeyIndex;
use crate::segment::memory::MemoryRun;
use crate::segment::version::{ObjectUnit, TableVersion, object_unit, split_address};
use crate::segment::{Column, SegmentMeta, adapt};

/// A live row that has one of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyMatch {
    /// Which of the keys: its place in the arrays.
    pub key: usize,
    /// The row's segment.
    pub segment: SegmentId,
    /// The row's position in it.
    pub position: u32,
    /// The row's address in the version.
    pub address: u64,
}

/// The keys that are looked for.
struct Keys<'a> {
    columns: &'a [Column],
    ids: Arc<[ColumnId]>,
    values: &'a [ArrayRef],
    rows: usize,
    /// `None` when a type has no hash: then filters and indexes are of no use.
    hashes: Option<KeyHashes>,
    /// Those without NULL: the others equal nothing.
    complete: Vec<usize>,
    /// Of the first column, where its bounds mean the same in every segment.
    bounds: Option<ColumnStatistics>,
}

impl<'a> Keys<'a> {
    fn of(columns: &'a [Column], values: &'a [ArrayRef]) -> Self {
        let rows = values.first().map_or(0, |values| values.len());
        let is_complete = |row: &usize| values.iter().all(|values| values.is_valid(*row));
        Self {
            columns,
            ids: columns.iter().map(|column| column.id).collect(),
            values,
            rows,
            hashes: KeyHashes::of(values),
            complete: (0..rows).filter(is_complete).collect(),
            bounds: values
                .first()
                .filter(|values| keeps_order(values.data_type()))
                .map(|values| ColumnStatistics::of(values.as_ref())),
        }
    }

    /// Whether a segment's rows are all below or all above these keys.
    fn misses(&self, meta: &SegmentMeta) -> bool {
        let (Some(keys), Some(id)) = (&self.bounds, self.ids.first()) else { return false };
        let Some(rows) = meta.statistics.get(id) else { return false };
        let is_below = |max: &Option<Bound>, min: &Option<Bound>| match (max, min) {
            (Some(max), Some(min)) => max.compare(min) == Some(Ordering::Less),
            _ => false,
        };
        is_below(&rows.max, &keys.min) || is_below(&keys.max, &rows.min)
    }

    fn types(&self) -> impl Iterator<Item = &DataType> {
        self.values.iter().map(|values| values.data_type())
    }
}

/// Whether the bounds of a column that once had another type still tell where its values are.
fn keeps_order(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Utf8 | DataType::FixedSizeBinary(_))
}

/// Compares rows of some columns with keys.
struct Comparator {
    columns: Vec<DynComparator>,
}

impl Comparator {
    fn new(columns: &[ArrayRef], keys: &[ArrayRef]) -> Result<Self> {
        let each = columns.iter().zip(keys).map(|(column, key)| {
            make_comparator(column, key, SortOptions::default())
                .map_err(|error| broken("comparing keys", error))
        });
        Ok(Self { columns: each.collect::<Result<_>>()? })
    }

    fn compare(&self, row: usize, key: usize) -> Ordering {
        let orders = self.columns.iter().map(|compare| compare(row, key));
        orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// The first of `rows` for which the predicate is false (it is true for all before).
fn partition_point(rows: usize, mut before: impl FnMut(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, rows);
    while low < high {
        let middle = usize::midpoint(low, high);
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

impl Reader {
    /// The live rows whose `key` columns equal one of `keys` (as many arrays as columns, all
    /// of one length, of the columns' types), except in segments that `except` names. A key
    /// with a NULL equals nothing.
    ///
    /// # Errors
    /// When bytes can't be read.
    pub async fn find_keys(
        &self,
        version: &TableVersion,
        key: &[Column],
        keys: &[ArrayRef],
        except: &(dyn Fn(SegmentId) -> bool + Send + Sync),
    ) -> Result<Vec<KeyMatch>> {
        let keys = Keys::of(key, keys);
        let mut found = Vec::new();
        if keys.complete.is_empty() || keys.columns.is_empty() {
            return Ok(found);
        }
        for (ordinal, segment) in version.objects() {
            if except(segment.id) {
                continue;
            }
            let Some(unit) = object_unit(ordinal, segment) else { continue };
            self.find_in_object(&unit, &keys, &mut found).await?;
        }
        for run in version.memory_runs() {
            find_in_memory(version, &run, &keys, except, &mut found)?;
        }
        found.sort_unstable();
        Ok(found)
    }

    async fn find_in_object(
        &self,
        unit: &ObjectUnit,
        keys: &Keys<'_>,
        found: &mut Vec<KeyMatch>,
    ) -> Result<()> {
        let meta = &unit.meta;
        if keys.misses(meta) {
            return Ok(());
        }
        let candidates = match self.key_filter(meta, &keys.ids).await? {
            Some(filter) => match &keys.hashes {
                Some(hashes) => {
                    let maybe = |row: &&usize| filter.may_contain(hashes.hashes[**row]);
                    keys.complete.iter().filter(maybe).copied().collect()
                }
                None => keys.complete.clone(),
            },
            None => keys.complete.clone(),
        };
        if candidates.is_empty() || meta.rows == 0 {
            return Ok(());
        }
        let groups = self.row_groups(meta).await?;
        let sorted = meta.sorted_by.starts_with(&keys.ids);
        for (group, candidates) in by_group(meta, &groups, keys, &candidates, sorted)? {
            let columns = self.group_columns(meta, &groups, group, keys.columns).await?;
            let columns = columns.into_iter().zip(keys.types());
            let columns: Vec<ArrayRef> = columns
                .map(|(column, wanted)| adapt::to_column(column, wanted))
                .collect::<Result<_>>()?;
            let compare = Comparator::new(&columns, keys.values)?;
            let index = match sorted {
                true => None,
                false => self.key_index(meta, group, keys, &columns),
            };
            let positions = meta.group_positions(group);
            for key in candidates {
                let mut give = |row: usize| {
                    let row = u32::try_from(row).unwrap_or(u32::MAX);
                    let position = positions.start + row;
                    if !unit.deleted.contains(position) {
                        let address = crate::segment::address(unit.ordinal, position);
                        found.push(KeyMatch { key, segment: meta.id, position, address });
                    }
                };
                let rows = positions.len();
                match (&index, &keys.hashes) {
                    (Some(index), Some(hashes)) => index
                        .rows(hashes.hashes[key])
                        .map(|row| row as usize)
                        .filter(|row| compare.compare(*row, key).is_eq())
                        .for_each(&mut give),
                    _ if sorted => {
                        let first = partition_point(rows, |row| compare.compare(row, key).is_lt());
                        (first..rows)
                            .take_while(|row| compare.compare(*row, key).is_eq())
                            .for_each(&mut give);
                    }
                    _ => (0..rows)
                        .filter(|row| compare.compare(*row, key).is_eq())
                        .for_each(&mut give),
                }
            }
        }
        Ok(())
    }

    /// The filter of a segment over this key; `None` when it has none.
    async fn key_filter(
        &self,
        meta: &Arc<SegmentMeta>,
        key: &[ColumnId],
    ) -> Result<Option<Arc<KeyFilter>>> {
        let place = meta.key_filters.iter().position(|filter| filter.columns == key);
        let Some(place) = place else { return Ok(None) };
        if let Some(filter) = self.cached.filters.get(&(meta.id, place)) {
            return Ok(Some(filter));
        }
        // All filters of the segment lie side by side: one request gets them.
        let parts: Vec<_> = meta.key_filters.iter().map(|filter| filter.part).collect();
        let bytes = self.fetch(meta, &parts).await?;
        let mut wanted = None;
        for (index, bytes) in bytes.iter().enumerate() {
            let filter = Arc::new(KeyFilter::decode(&meta.data.path, bytes)?);
            self.cached.filters.insert((meta.id, index), Arc::clone(&filter));
            if index == place {
                wanted = Some(filter);
            }
        }
        wanted.map(Some).ok_or_else(|| corrupt(&meta.data.path, "a key filter is missing"))
    }

    fn key_index(
        &self,
        meta: &SegmentMeta,
        group: u32,
        keys: &Keys<'_>,
        columns: &[ArrayRef],
    ) -> Option<Arc<KeyIndex>> {
        let name = (meta.id, group, Arc::clone(&keys.ids));
        if let Some(index) = self.cached.indexes.get(&name) {
            return Some(index);
        }
        let index = Arc::new(KeyIndex::of(columns)?);
        self.cached.indexes.insert(name, Arc::clone(&index));
        Some(index)
    }
}

/// The row groups that may have the keys, each with its keys.
fn by_group(
    meta: &SegmentMeta,
    groups: &RowGroups,
    keys: &Keys<'_>,
    candidates: &[usize],
    sorted: bool,
) -> Result<BTreeMap<u32, Vec<usize>>> {
    let mut by_group: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut bounds = Vec::new();
    for (index, (id, wanted)) in keys.ids.iter().zip(keys.types()).enumerate() {
        if let Some((min, max)) = groups.bounds(*id, wanted) {
            let values = std::slice::from_ref(&keys.values[index]);
            bounds.push((Comparator::new(&[min], values)?, Comparator::new(&[max], values)?));
        } else if index == 0 {
            break;
        }
    }
    let count = meta.group_count() as usize;
    for &key in candidates {
        let first = match bounds.first() {
            Some((_, max)) if sorted => {
                partition_point(count, |group| max.compare(group, key).is_lt())
            }
            _ => 0,
        };
        for group in first..count {
            let holds = bounds.iter().all(|(min, max)| {
                min.compare(group, key).is_le() && max.compare(group, key).is_ge()
            });
            if holds {
                let group = u32::try_from(group).unwrap_or(u32::MAX);
                by_group.entry(group).or_default().push(key);
            } else if sorted
                && bounds.first().is_some_and(|(min, _)| min.compare(group, key).is_gt())
            {
                break;
            }
        }
    }
    Ok(by_group)
}

fn find_in_memory(
    version: &TableVersion,
    run: &MemoryRun,
    keys: &Keys<'_>,
    except: &(dyn Fn(SegmentId) -> bool + Send + Sync),
    found: &mut Vec<KeyMatch>,
) -> Result<()> {
    let columns: Vec<ArrayRef> =
        keys.columns.iter().map(|column| run.column(column)).collect::<Result<_>>()?;
    let compare = Comparator::new(&columns, keys.values)?;
    let index = run.rows.indexes.of(&keys.ids, || Some(columns.clone()));
    let mut give = |key: usize, row: u32| {
        let address = run.address(row);
        let (ordinal, position) = split_address(address);
        if let Some(segment) = version.segment(ordinal)
            && !run.deleted().contains(row)
            && !except(segment.id)
        {
            found.push(KeyMatch { key, segment: segment.id, position, address });
        }
    };
    for &key in &keys.complete {
        match (&index, &keys.hashes) {
            (Some(index), Some(hashes)) => {
                let rows = index.rows(hashes.hashes[key]);
                rows.filter(|row| compare.compare(*row as usize, key).is_eq())
                    .for_each(|row| give(key, row));
            }
            _ => (0..run.total_rows())
                .filter(|row| compare.compare(*row as usize, key).is_eq())
                .for_each(|row| give(key, row)),
        }
    }
    debug_assert!(keys.rows >= keys.complete.len());
    Ok(())
}
