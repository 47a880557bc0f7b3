//! `pg_sequence` and `pg_sequences`. The last value is kept apart from the catalog, so that the
//! view doesn't show it.

use crate::catalog::SequenceDef;

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: 2224,
        schema: super::PG_CATALOG,
        name: "pg_sequence",
        columns: "seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, \
                  seqmin int8, seqcache int8, seqcycle bool",
        rows: sequence,
    },
    Definition {
        oid: 12_004,
        schema: super::PG_CATALOG,
        name: "pg_sequences",
        columns: "schemaname name, sequencename name, sequenceowner name, data_type regtype, \
                  start_value int8, min_value int8, max_value int8, increment_by int8, \
                  cycle bool, cache_size int8, last_value int8",
        rows: sequences,
    },
];

fn sequence(facts: &Facts) -> Vec<Row> {
    let row = |sequence: &SequenceDef| {
        row![
            sequence.oid,
            sequence.ty.oid,
            sequence.start,
            sequence.increment,
            sequence.max,
            sequence.min,
            sequence.cache.unwrap_or(1),
            sequence.cycle,
        ]
    };
    facts.sequences().into_iter().map(row).collect()
}

fn sequences(facts: &Facts) -> Vec<Row> {
    let row = |sequence: &SequenceDef| {
        row![
            facts.catalog().schema_name(sequence.schema),
            &sequence.name,
            facts.role_name(sequence.owner),
            sequence.ty.oid,
            sequence.start,
            sequence.min,
            sequence.max,
            sequence.increment,
            sequence.cycle,
            sequence.cache.unwrap_or(1),
            NULL,
        ]
    };
    facts.sequences().into_iter().map(row).collect()
}
