//! Builds the columns that hold several elements a value: vectors and arrays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, ListArray, NullBufferBuilder, PrimitiveArray,
    UInt32Array,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type};

use super::vector::{self, Element};
use super::{ColumnBuilder, PgType, SparseVector, TextContext, array_text, errors, sparse_vector};
use crate::base::{Oid, Result, SqlError};

/// PostgreSQL's limit on a parameter or value bounds the elements of a batch to 32 bits.
fn offset(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// Vectors: of the column's dimensions in a fixed-size list, otherwise in a list.
#[derive(Debug)]
pub(super) struct VectorColumn<E: Element> {
    dimensions: Option<usize>,
    elements: Vec<E::Native>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl<E: Element> VectorColumn<E> {
    pub(super) fn new(dimensions: Option<u16>, capacity: usize) -> Self {
        let dimensions = dimensions.map(usize::from);
        Self {
            dimensions,
            elements: Vec::with_capacity(capacity * dimensions.unwrap_or(0)),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(capacity),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    pub(super) fn append_null(&mut self) {
        let filled = self.elements.len() + self.dimensions.unwrap_or(0);
        self.elements.resize(filled, E::default_value());
        self.close(false);
    }

    pub(super) fn append_text(&mut self, text: &str) -> Result<()> {
        self.append(|elements| vector::parse::<E>(text, elements))
    }

    pub(super) fn append_binary(&mut self, bytes: &[u8]) -> Result<()> {
        self.append(|elements| vector::parse_binary::<E>(bytes, elements))
    }

    pub(super) fn append_elements(&mut self, array: &ArrayRef) -> Result<()> {
        if array.null_count() > 0 {
            return Err(null_element());
        }
        if let Some(same) = array.as_primitive_opt::<E>() {
            return self.append(|elements| {
                let start = elements.len();
                elements.extend_from_slice(same.values());
                vector::check::<E>(&elements[start..])
            });
        }
        let floats = cast(array, &DataType::Float32)
            .map_err(|error| SqlError::internal(error.to_string()))?;
        self.append_numbers(floats.as_primitive::<Float32Type>().values())
    }

    pub(super) fn append_numbers(&mut self, numbers: &[f32]) -> Result<()> {
        self.append(|elements| {
            let start = elements.len();
            vector::narrow::<E>(numbers, elements)?;
            vector::check::<E>(&elements[start..])
        })
    }

    /// Adds what `read` appends to the elements; nothing if that fails.
    fn append(&mut self, read: impl FnOnce(&mut Vec<E::Native>) -> Result<()>) -> Result<()> {
        let start = self.elements.len();
        let result = read(&mut self.elements).and_then(|()| {
            let found = self.elements.len() - start;
            match self.dimensions {
                Some(expected) if expected != found => {
                    Err(vector::dimensions_differ(expected, found))
                }
                _ => Ok(()),
            }
        });
        match result {
            Ok(()) => self.close(true),
            Err(_) => self.elements.truncate(start),
        }
        result
    }

    fn close(&mut self, valid: bool) {
        self.nulls.append(valid);
        if self.dimensions.is_none() {
            self.offsets.push(offset(self.elements.len()));
        }
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        let elements = ScalarBuffer::from(std::mem::take(&mut self.elements));
        let elements: ArrayRef = Arc::new(PrimitiveArray::<E>::new(elements, None));
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        let length = self.nulls.len();
        let nulls = self.nulls.finish();
        let array: ArrayRef = match self.dimensions {
            Some(dimensions) => {
                let list = FixedSizeListArray::try_new_with_length(
                    E::item(),
                    offset(dimensions),
                    elements,
                    nulls,
                    length,
                );
                Arc::new(list.unwrap_or_else(|_| unreachable!("each value has the dimensions")))
            }
            None => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(ListArray::new(E::item(), offsets, elements, nulls))
            }
        };
        array
    }
}

/// Sparse vectors, as words ([`SparseVector::store`]).
#[derive(Debug)]
pub(super) struct SparseColumn {
    dimensions: Option<u32>,
    words: Vec<u32>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl SparseColumn {
    pub(super) fn new(dimensions: Option<u32>, capacity: usize) -> Self {
        let nulls = NullBufferBuilder::new(capacity);
        Self { dimensions, words: Vec::new(), offsets: vec![0], nulls }
    }

    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    pub(super) fn append_null(&mut self) {
        self.close(false);
    }

    pub(super) fn append(&mut self, vector: &SparseVector) -> Result<()> {
        match self.dimensions {
            Some(expected) if expected != vector.dimensions() => {
                Err(vector::dimensions_differ(expected as usize, vector.dimensions() as usize))
            }
            _ => {
                vector.store(&mut self.words);
                self.close(true);
                Ok(())
            }
        }
    }

    fn close(&mut self, valid: bool) {
        self.nulls.append(valid);
        self.offsets.push(offset(self.words.len()));
    }

    pub(super) fn finish(&mut self) -> ListArray {
        let words = Arc::new(UInt32Array::from(std::mem::take(&mut self.words)));
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        ListArray::new(sparse_vector::item(), offsets, words, self.nulls.finish())
    }
}

/// pgvector's error for a NULL inside an array that becomes a vector.
pub(crate) fn null_element() -> SqlError {
    SqlError::new(crate::base::SqlState::NULL_VALUE_NOT_ALLOWED, "array must not contain nulls")
}

/// Arrays of one dimension; `blank` ones are `int2vector` and `oidvector`, whose text has blanks
/// between the elements and no braces.
#[derive(Debug)]
pub(super) struct ListColumn {
    element: Box<ColumnBuilder>,
    blank: bool,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl ListColumn {
    pub(super) fn new(element: &PgType, blank: bool, capacity: usize) -> Self {
        let element = Box::new(ColumnBuilder::new(element, capacity));
        Self { element, blank, offsets: vec![0], nulls: NullBufferBuilder::new(capacity) }
    }

    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    pub(super) fn append_null(&mut self) {
        self.close(false);
    }

    fn close(&mut self, valid: bool) {
        self.offsets.push(offset(self.element.len()));
        self.nulls.append(valid);
    }

    pub(super) fn append_text(&mut self, text: &str, context: &TextContext) -> Result<()> {
        let element = &mut self.element;
        if self.blank {
            for part in text.split_ascii_whitespace() {
                element.append_text(part, context)?;
            }
        } else {
            array_text::parse(text, |part| match part {
                Some(part) => element.append_text(part, context),
                None => {
                    element.append_null();
                    Ok(())
                }
            })?;
        }
        self.close(true);
        Ok(())
    }

    pub(super) fn append_binary(&mut self, bytes: &[u8]) -> Result<()> {
        let ty = self.element.ty().array();
        let invalid = || errors::invalid_binary(&ty);
        let mut rest = bytes;
        let mut word = || {
            let (word, after) = rest.split_first_chunk::<4>()?;
            rest = after;
            Some(i32::from_be_bytes(*word))
        };
        let dimensions = word().ok_or_else(invalid)?;
        let _has_nulls = word().ok_or_else(invalid)?;
        let element = word().ok_or_else(invalid)?;
        self.check_element(element)?;
        if dimensions > 1 {
            return Err(SqlError::unsupported(
                "arrays of more than one dimension are not supported",
            ));
        }
        if dimensions == 1 {
            let count = word().ok_or_else(invalid)?;
            let _lower_bound = word().ok_or_else(invalid)?;
            for _ in 0..count {
                let (length, after) = rest.split_first_chunk::<4>().ok_or_else(invalid)?;
                rest = after;
                let length = i32::from_be_bytes(*length);
                if length == -1 {
                    self.element.append_null();
                    continue;
                }
                let length = usize::try_from(length).map_err(|_| invalid())?;
                let (value, after) = rest.split_at_checked(length).ok_or_else(invalid)?;
                rest = after;
                self.element.append_binary(value)?;
            }
        }
        if !rest.is_empty() {
            return Err(invalid());
        }
        self.close(true);
        Ok(())
    }

    /// Elements must be of the array's type; the character types have one binary form.
    fn check_element(&self, oid: i32) -> Result<()> {
        let wanted = self.element.ty();
        if u32::try_from(oid) == Ok(wanted.oid().0) {
            return Ok(());
        }
        let found = u32::try_from(oid).ok().and_then(|oid| PgType::from_oid(Oid(oid)));
        if found.as_ref().is_some_and(|found| found.is_string() && wanted.is_string()) {
            return Ok(());
        }
        Err(SqlError::new(
            crate::base::SqlState::DATATYPE_MISMATCH,
            format!(
                "binary data has array element type {oid} ({}) instead of expected {} ({wanted})",
                found.map_or("unknown".to_owned(), |found| found.to_string()),
                wanted.oid(),
            ),
        ))
    }

    pub(super) fn finish(&mut self) -> ListArray {
        let elements = self.element.finish();
        let item = Arc::new(Field::new("item", elements.data_type().clone(), true));
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        ListArray::new(item, offsets, elements, self.nulls.finish())
    }
}
