//! An object of the catalog as clients see it: `regclass` and its kin are names in text and numbers in
//! binary. Only the catalog knows names, and encoders do not know the catalog, so the last step of a
//! query makes pairs of a number and a name; everywhere else the number is the value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray, UInt32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};

use super::PgType;
use crate::base::{Result, SqlError};

/// Names of the pair's fields that no row of a user's has.
const NUMBER: &str = "\u{0}number";
const NAME: &str = "\u{0}name";

impl PgType {
    /// Whether it names an object of the catalog by its oid: `regclass` and its kin.
    pub fn is_object(&self) -> bool {
        matches!(
            self,
            Self::Regclass
                | Self::Regtype
                | Self::Regproc
                | Self::Regprocedure
                | Self::Regoper
                | Self::Regoperator
                | Self::Regnamespace
                | Self::Regrole
        )
    }

    /// The Arrow type of a pair of an object's number and its name.
    pub fn named_object(&self) -> DataType {
        DataType::Struct(pair(self))
    }
}

fn pair(ty: &PgType) -> Fields {
    let name = Field::new(NAME, DataType::Utf8, true);
    Fields::from(vec![ty.field(NUMBER, true), name])
}

/// The type of pairs; none for other rows.
pub(super) fn of_pair(fields: &Fields) -> Option<PgType> {
    let is_pair = fields.len() == 2 && fields[0].name() == NUMBER && fields[1].name() == NAME;
    is_pair.then(|| PgType::of_field(&fields[0]))
}

/// Numbers and names as pairs.
///
/// # Errors
/// XX000 where they are not.
pub fn object_pairs(ty: &PgType, numbers: &ArrayRef, names: &ArrayRef) -> Result<ArrayRef> {
    let internal = |error: arrow::error::ArrowError| SqlError::internal(error.to_string());
    let numbers = cast(numbers, &DataType::UInt32).map_err(internal)?;
    let names = cast(names, &DataType::Utf8).map_err(internal)?;
    let nulls = numbers.logical_nulls();
    let pairs = StructArray::try_new(pair(ty), vec![numbers, names], nulls).map_err(internal)?;
    Ok(Arc::new(pairs))
}

/// The numbers of pairs; none for what are no pairs.
pub fn object_numbers(array: &ArrayRef) -> Option<ArrayRef> {
    let pairs = array.as_struct_opt()?;
    of_pair(pairs.fields())?;
    Some(Arc::clone(pairs.column(0)))
}

/// The numbers and the names of pairs.
pub(super) fn parts(pairs: &StructArray) -> Option<(UInt32Array, StringArray)> {
    of_pair(pairs.fields())?;
    let numbers = pairs.column(0).as_primitive_opt()?.clone();
    let names = pairs.column(1).as_string_opt::<i32>()?.clone();
    Some((numbers, names))
}
