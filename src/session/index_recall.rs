//! `redkite_recall('index', k, samples)`: how good searches through an index are, measured against
//! exact search with rows of the table as queries; and `redkite_prewarm('table')`.

use std::sync::Arc;

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{Relation, Snapshot, Table, TypeDef};
use crate::exec::{SearchSettings, Searched, nearest_distances, queries_of_rows};
use crate::segment::Unit;
use crate::txn::Engine;
use crate::types::PgType;

/// Queries of one measurement: more would tell little more, and each is an exact search.
const SAMPLES_MAX: i64 = 10_000;
/// Rows that are asked for at most.
const K_MAX: i64 = 10_000;

/// What is to be measured.
pub(super) struct Measure {
    pub(super) k: i64,
    pub(super) samples: i64,
    /// How hard the searches look.
    pub(super) search: SearchSettings,
}

impl Measure {
    /// The share of the true nearest rows that are found; none where there are no vectors.
    pub(super) async fn recall(
        &self,
        engine: &Arc<Engine>,
        state: &Snapshot,
        index: Relation,
    ) -> Result<Option<f64>> {
        let k = number("k", self.k, K_MAX)?;
        let samples = number("samples", self.samples, SAMPLES_MAX)?;
        let Relation::Index { table, key } = index else { return Err(no_vector_index()) };
        let table = state.require_table_by_oid(table)?;
        let vector = table.definition.vector_indexes().find(|known| known.oid == key);
        let vector = vector.and_then(|index| index.vector.as_ref()).ok_or_else(no_vector_index)?;
        let columns = &table.schema.columns;
        let column = columns.iter().find(|column| column.id == vector.column);
        let column = column.ok_or_else(no_vector_index)?;
        let cast = vector.cast.as_ref().map(TypeDef::pg_type).filter(PgType::is_bits);
        let searched = Searched { column, cast: cast.as_ref(), metric: vector.spec.metric };
        let addresses = sample(engine, table, samples);
        let (reader, version) = (engine.reader(), &table.version);
        let queries = queries_of_rows(reader, version, searched, &addresses).await?;
        let exactly = SearchSettings { use_indexes: false, ..self.search };
        let (mut found, mut wanted) = (0usize, 0usize);
        for query in queries {
            let through = query.clone();
            let truth = nearest_distances(reader, version, searched, query, k, exactly).await?;
            let rows =
                nearest_distances(reader, version, searched, through, k, self.search).await?;
            let farthest = truth.last().copied().unwrap_or(f64::NEG_INFINITY);
            found += rows.iter().filter(|distance| **distance <= farthest).count().min(truth.len());
            wanted += truth.len();
        }
        #[expect(clippy::cast_precision_loss, reason = "at most a hundred million")]
        Ok((wanted > 0).then(|| found as f64 / wanted as f64))
    }
}

/// The addresses of live rows, drawn at random.
fn sample(engine: &Arc<Engine>, table: &Table, count: usize) -> Vec<u64> {
    let units = table.version.units();
    let rows: u64 = units.iter().map(|unit| u64::from(unit.total_rows())).sum();
    let mut picked: Vec<u64> =
        (0..count).filter(|_| rows > 0).map(|_| engine.random().u64() % rows).collect();
    picked.sort_unstable();
    let mut addresses = Vec::with_capacity(count);
    let mut first = 0;
    for unit in &units {
        let end = first + u64::from(unit.total_rows());
        for row in picked.iter().filter(|row| (first..end).contains(*row)) {
            let position = u32::try_from(row - first).unwrap_or(u32::MAX);
            if !unit.deleted().contains(position) {
                addresses.push(unit.address(position));
            }
        }
        first = end;
    }
    addresses
}

/// Brings a table's vectors and indexes to this node; returns of how many segments.
pub(super) async fn prewarm(
    engine: &Arc<Engine>,
    state: &Snapshot,
    table: Relation,
) -> Result<i64> {
    let (Relation::Table(oid) | Relation::Index { table: oid, .. }) = table else {
        return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, "only tables can be prewarmed"));
    };
    let table = state.require_table_by_oid(oid)?;
    let mut segments = 0;
    for unit in table.version.units() {
        let Unit::Object(unit) = unit else { continue };
        engine.reader().warm(&unit.meta, &table.schema).await?;
        for part in unit.indexes.iter() {
            let columns = &table.schema.columns;
            if let Some(column) = columns.iter().find(|column| column.id == part.column) {
                engine.reader().index(&unit, part, column).await?;
            }
        }
        segments += 1;
    }
    Ok(segments)
}

fn number(name: &str, value: i64, most: i64) -> Result<usize> {
    let fits = (1..=most).contains(&value);
    usize::try_from(value).ok().filter(|_| fits).ok_or_else(|| {
        let message = format!("{name} must be between 1 and {most}");
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}

fn no_vector_index() -> SqlError {
    SqlError::new(SqlState::WRONG_OBJECT_TYPE, "this is not a vector index")
        .with_hint("Name an index that was created USING redkite, hnsw or ivfflat.")
}
