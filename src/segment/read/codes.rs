//! The bits and sparse vectors of a segment's rows, for an index that is to have them itself: put
//! together from what is stored, or from the signs of a column's numbers.

use std::sync::Arc;

use arrow::array::{Array, AsArray, UInt64Array};
use arrow::datatypes::{UInt32Type, UInt64Type};
use futures::TryStreamExt;

use super::{Reader, Scan};
use crate::base::{Result, SqlError};
use crate::index::{CodedPoints, CodesBuilder, Elements, IndexSpec, Metric, signs};
use crate::segment::Column;
use crate::segment::corrupt::broken;
use crate::segment::schema::is_vector;
use crate::segment::version::{ObjectUnit, Unit, split_address};
use crate::types::{sparse_elements, stored_blocks, stored_length};

/// Codes and the rows that they are of.
struct Collected {
    codes: CodesBuilder,
    rows: Vec<u32>,
}

impl Reader {
    /// What an index is over that is not over numbers: of the live rows, those that have a vector of its
    /// dimensions and, for cosine, one that is not zero.
    ///
    /// # Errors
    /// When rows can't be read.
    pub async fn codes(
        self: &Arc<Self>,
        unit: &ObjectUnit,
        column: &Column,
        spec: &IndexSpec,
    ) -> Result<CodedPoints> {
        let codes = match spec.elements {
            Elements::Bits => CodesBuilder::bits(spec.dimensions),
            Elements::Sparse => CodesBuilder::sparse(),
            Elements::Numbers => return Err(SqlError::internal("an index over numbers")),
        };
        let mut collected = Collected { codes, rows: Vec::new() };
        match is_vector(column.data_type()) {
            true => self.signs(unit, column, spec, &mut collected).await?,
            false => self.stored_codes(unit, column, spec, &mut collected).await?,
        }
        let Collected { codes, rows } = collected;
        let segment_rows = unit.meta.rows as usize;
        CodedPoints::new(codes.finish(), spec.dimensions, segment_rows, rows.into())
            .map_err(|error| broken("collecting vectors for an index", error))
    }

    /// The signs of a column's numbers.
    async fn signs(
        &self,
        unit: &ObjectUnit,
        column: &Column,
        spec: &IndexSpec,
        collected: &mut Collected,
    ) -> Result<()> {
        let vectors = self.object_vectors(&unit.meta, column).await?;
        let vectors = vectors.filter(|vectors| vectors.dimensions() == spec.dimensions);
        let Some(vectors) = vectors else { return Ok(()) };
        for row in (0..unit.meta.rows).filter(|row| !unit.deleted.contains(*row)) {
            if let Some(vector) = vectors.vector(row as usize) {
                collected.codes.push_bits(signs(vector));
                collected.rows.push(row);
            }
        }
        Ok(())
    }

    /// The bits or sparse vectors that a column has.
    async fn stored_codes(
        self: &Arc<Self>,
        unit: &ObjectUnit,
        column: &Column,
        spec: &IndexSpec,
        collected: &mut Collected,
    ) -> Result<()> {
        let mut scan = Scan::of(Arc::from([column.clone()]));
        scan.address = true;
        let mut batches = self.scan(Unit::Object(unit.clone()), Arc::new(scan));
        while let Some(batch) = batches.try_next().await? {
            let array = batch.column(0);
            let addresses: &UInt64Array = batch.column(1).as_primitive::<UInt64Type>();
            for row in (0..batch.num_rows()).filter(|row| array.is_valid(*row)) {
                let position = split_address(addresses.value(row)).1;
                if let Some(bits) = array.as_binary_opt::<i64>() {
                    let stored = bits.value(row);
                    if stored_length(stored) == spec.dimensions {
                        collected.codes.push_bits(stored_blocks(stored));
                        collected.rows.push(position);
                    }
                } else if let Some(list) = array.as_list_opt::<i32>() {
                    let words = list.value(row);
                    let words = words.as_primitive::<UInt32Type>().values();
                    let dimensions = words.last().copied().unwrap_or(0);
                    let zero = sparse_elements(words).next().is_none();
                    let takes_part = dimensions as usize == spec.dimensions
                        && !(zero && spec.metric == Metric::Cosine);
                    if takes_part {
                        collected.codes.push_sparse(sparse_elements(words));
                        collected.rows.push(position);
                    }
                }
            }
        }
        Ok(())
    }
}
