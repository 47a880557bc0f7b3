//! Which segments of a table to merge next: size-tiered.
//!
//! Rows that ride in metadata move to an object once they are many, large or old. Objects of
//! about one size are merged once there are [`Policy::fan_in`] of them, so that a row is
//! rewritten once per tier. What is mostly deleted is rewritten alone.

use std::time::Duration;

use crate::base::limits::{INLINE_TABLE_BYTES_MAX, SEGMENT_ROWS_MAX};
use crate::catalog::Table;
use crate::segment::{Rows, Segment};

/// When to merge what.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Commits in metadata at which they move to an object.
    pub inline_segments: usize,
    /// Their bytes at which they do.
    pub inline_bytes: usize,
    /// How long they stay at most, however few.
    pub inline_age: Duration,
    /// Objects of one tier that are merged at once.
    pub fan_in: usize,
    /// The largest object of the first tier; each next one is `fan_in` times as large.
    pub tier_bytes: u64,
    /// Objects of this size are left alone.
    pub segment_bytes: u64,
    /// In percent: a segment with more deleted rows is rewritten.
    pub deleted_percent: u64,
    /// Keys that say what is deleted in one segment at which they become one.
    pub deltas: u32,
    /// A table with vector indexes that nobody has changed for so long becomes as few segments as
    /// can be: each is searched through an index of its own.
    pub quiet_age: Duration,
    /// Segments that become one then have at most so many bytes together.
    pub settled_bytes: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            inline_segments: 512,
            inline_bytes: INLINE_TABLE_BYTES_MAX / 8,
            inline_age: Duration::from_secs(20),
            fan_in: 8,
            tier_bytes: 1 << 20,
            segment_bytes: 512 << 20,
            deleted_percent: 30,
            deltas: 64,
            quiet_age: Duration::from_secs(10),
            settled_bytes: 4 << 30,
        }
    }
}

/// Bytes of rows in memory that one merge moves to an object.
const INLINE_MERGE_BYTES_MAX: usize = 2 * INLINE_TABLE_BYTES_MAX;
/// More inputs would only make the merge's transaction large.
const INPUTS_MAX: usize = 8_192;

/// For how long a table has been as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest {
    /// Its rows in metadata have been there long.
    pub(super) old: bool,
    /// Nobody has changed it for long.
    pub(super) quiet: bool,
}

/// The next merge of a table, if any. `operations_max` tells how many operations a metadata
/// transaction may have.
pub(super) fn pick(
    table: &Table,
    policy: &Policy,
    rest: Rest,
    operations_max: usize,
) -> Option<Vec<Segment>> {
    // Each input may take two, its own key and its deletes, and one for each index over it.
    let each = 2 + table.definition.vector_indexes().count();
    let inputs_max = (operations_max.saturating_sub(24) / each).clamp(2, INPUTS_MAX);
    pick_inline(table, policy, rest.old, inputs_max)
        .or_else(|| pick_deleted(table, policy))
        .or_else(|| pick_tier(table, policy, inputs_max))
        .or_else(|| if rest.quiet { pick_settled(table, policy, inputs_max) } else { None })
}

fn pick_inline(
    table: &Table,
    policy: &Policy,
    old: bool,
    inputs_max: usize,
) -> Option<Vec<Segment>> {
    let count = table.inline.len();
    let wanted = policy.inline_segments.min(inputs_max);
    if count == 0 || (!old && count < wanted && table.inline_bytes() < policy.inline_bytes) {
        return None;
    }
    let mut bytes = 0;
    // In order of commits: objects then keep that order where there is no primary key.
    let memory = table.version.segments().filter_map(|(_, segment)| match &segment.rows {
        Rows::Memory(rows) => Some((rows.bytes(), segment)),
        Rows::Object(_) => None,
    });
    let picked = memory
        .take(inputs_max)
        .take_while(|(size, _)| {
            let fits = bytes < INLINE_MERGE_BYTES_MAX;
            bytes += size;
            fits
        })
        .map(|(_, segment)| segment.clone())
        .collect();
    Some(picked)
}

fn pick_deleted(table: &Table, policy: &Policy) -> Option<Vec<Segment>> {
    let wasteful = |segment: &&Segment| {
        let total = u64::from(segment.total_rows());
        segment.deleted.len() * 100 > total * policy.deleted_percent || segment.live_rows() == 0
    };
    let (_, segment) = table.version.objects().find(|(_, segment)| wasteful(segment))?;
    Some(vec![segment.clone()])
}

fn pick_tier(table: &Table, policy: &Policy, inputs_max: usize) -> Option<Vec<Segment>> {
    let rows_max = rows_max(table);
    let mut tiers: Vec<Vec<(u64, &Segment)>> = Vec::new();
    for (_, segment) in table.version.objects() {
        let Rows::Object(meta) = &segment.rows else { continue };
        let bytes = live_bytes(meta.bytes.max(meta.data.length), segment);
        if bytes >= policy.segment_bytes || segment.live_rows() * 2 > rows_max {
            continue;
        }
        let tier = tier_of(bytes, policy);
        if tiers.len() <= tier {
            tiers.resize_with(tier + 1, Vec::new);
        }
        tiers[tier].push((bytes, segment));
    }
    let tier = tiers.into_iter().find(|tier| tier.len() >= policy.fan_in)?;
    let (mut bytes, mut rows) = (0, 0);
    let picked: Vec<Segment> = tier
        .into_iter()
        .take(inputs_max.min(policy.fan_in * 4))
        .take_while(|(size, segment)| {
            bytes += size;
            rows += segment.live_rows();
            bytes <= 2 * policy.segment_bytes && rows <= rows_max
        })
        .map(|(_, segment)| segment.clone())
        .collect();
    (picked.len() > 1).then_some(picked)
}

/// Segments that can become one, of a table that is searched through indexes: as many as fit, the
/// smallest first.
pub(super) fn pick_settled(
    table: &Table,
    policy: &Policy,
    inputs_max: usize,
) -> Option<Vec<Segment>> {
    table.definition.vector_indexes().next()?;
    let mut segments: Vec<(u64, &Segment)> = table
        .version
        .objects()
        .filter_map(|(_, segment)| match &segment.rows {
            Rows::Object(meta) => {
                Some((live_bytes(meta.bytes.max(meta.data.length), segment), segment))
            }
            Rows::Memory(_) => None,
        })
        .collect();
    segments.sort_by_key(|(bytes, segment)| (*bytes, segment.id));
    let rows_max = rows_max(table);
    let (mut bytes, mut rows) = (0, 0);
    let picked: Vec<Segment> = segments
        .into_iter()
        .take(inputs_max)
        .take_while(|(size, segment)| {
            bytes += size;
            rows += segment.live_rows();
            bytes <= policy.settled_bytes && rows <= rows_max
        })
        .map(|(_, segment)| segment.clone())
        .collect();
    (picked.len() > 1).then_some(picked)
}

/// Rows of a segment at most: those over which the table's indexes can be built in their memory.
fn rows_max(table: &Table) -> u64 {
    let indexes = table.definition.vector_indexes().filter_map(|index| index.vector.as_ref());
    indexes.map(|vector| vector.part_rows_max()).fold(SEGMENT_ROWS_MAX as u64, u64::min)
}

fn live_bytes(bytes: u64, segment: &Segment) -> u64 {
    let total = u64::from(segment.total_rows()).max(1);
    u64::try_from(u128::from(bytes) * u128::from(segment.live_rows()) / u128::from(total))
        .unwrap_or(bytes)
}

fn tier_of(bytes: u64, policy: &Policy) -> usize {
    let mut tier = 0;
    let mut limit = policy.tier_bytes.max(1);
    while bytes > limit && limit < policy.segment_bytes {
        limit = limit.saturating_mul(policy.fan_in.max(2) as u64);
        tier += 1;
    }
    tier
}
