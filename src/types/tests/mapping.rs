//! Names, oids, modifiers, and the way through Arrow's fields and back.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, DictionaryArray, StringViewArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Int32Type};
use bytes::BytesMut;

use super::super::{CastContext, ColumnEncoder, PgType, TextContext, cast_context};
use crate::base::Oid;

fn with_modifiers() -> Vec<PgType> {
    vec![
        PgType::Numeric(Some((10, 2))),
        PgType::Numeric(Some((50, 10))),
        PgType::Numeric(Some((5, -2))),
        PgType::Varchar(Some(10)),
        PgType::Bpchar(Some(3)),
        PgType::Vector(Some(3)),
        PgType::Vector(Some(16_000)),
        PgType::Halfvec(Some(3)),
        PgType::Sparsevec(Some(1_000_000_000)),
        PgType::Bit(Some(3)),
        PgType::Varbit(Some(83_886_080)),
    ]
}

#[test]
fn oids_names_and_typmods_lead_back() {
    for ty in PgType::scalars() {
        assert_eq!(PgType::from_oid(ty.oid()).as_ref(), Some(ty));
        if ty.array().oid() != Oid(0) {
            assert_eq!(PgType::from_oid(ty.array().oid()), Some(ty.array()));
            assert_eq!(PgType::from_name(ty.array().name()), Some(ty.array()));
        }
    }
    for ty in with_modifiers() {
        assert_eq!(ty.bare().with_typmod(ty.typmod()), ty);
        assert_eq!(ty.array().bare().with_typmod(ty.typmod()), ty.array());
    }
    assert_eq!(PgType::from_oid(Oid(0)), None);
    assert_eq!(PgType::Varchar(Some(10)).typmod(), 14);
    assert_eq!(PgType::Numeric(Some((10, 2))).typmod(), 655_366);
}

#[test]
fn fields_keep_the_type() {
    let all = PgType::scalars().iter().cloned().chain(with_modifiers());
    for ty in all {
        assert_eq!(PgType::of_field(&ty.field("c", true)), ty);
        if ty != PgType::Void && ty.array().oid() != Oid(0) {
            assert_eq!(PgType::of_field(&ty.array().field("c", true)), ty.array());
        }
    }
}

#[test]
fn metadata_that_no_longer_fits_is_not_believed() {
    let field = PgType::Varchar(Some(3)).field("c", true);
    let changed = field.with_data_type(DataType::Int64);
    assert_eq!(PgType::of_field(&changed), PgType::Int8);
    // A vector is told by its inner field, an array of floats is none.
    let plain = Field::new("c", PgType::Vector(Some(3)).arrow(), true);
    assert_eq!(PgType::of_field(&plain), PgType::Vector(Some(3)));
    let floats = Field::new("c", PgType::Float4.array().arrow(), true);
    assert_eq!(PgType::of_field(&floats), PgType::Float4.array());
}

#[test]
fn declarations_are_checked_and_shown() {
    let declare = |ty: PgType, modifiers: &[i64]| {
        ty.with_modifiers(modifiers).map_or_else(|error| error.to_string(), |ty| ty.to_string())
    };
    assert_eq!(declare(PgType::Vector(None), &[3]), "vector(3)");
    assert_eq!(declare(PgType::Varchar(None), &[10]), "character varying(10)");
    assert_eq!(declare(PgType::Numeric(None), &[10]), "numeric(10,0)");
    assert_eq!(declare(PgType::Timestamptz, &[3]), "timestamp with time zone");
    let message = "dimensions for type vector must be at least 1";
    assert_eq!(declare(PgType::Vector(None), &[0]), message);
    let message = "dimensions for type vector cannot exceed 16000";
    assert_eq!(declare(PgType::Vector(None), &[16_001]), message);
    let message = "length for type varchar must be at least 1";
    assert_eq!(declare(PgType::Varchar(None), &[0]), message);
    let message = "type modifier is not allowed for type \"int4\"";
    assert_eq!(declare(PgType::Int4, &[3]), message);
}

#[test]
fn columns_of_other_arrow_types_are_shown() {
    let show = |array: ArrayRef, ty: &PgType| {
        let mut out = BytesMut::new();
        ColumnEncoder::new(&array, ty).unwrap().write_text(0, &mut out, &TextContext::default());
        String::from_utf8(out.to_vec()).unwrap()
    };
    assert_eq!(show(Arc::new(UInt64Array::from(vec![7])), &PgType::Int8), "7");
    assert_eq!(show(Arc::new(StringViewArray::from(vec!["a"])), &PgType::Text), "a");
    let words: DictionaryArray<Int32Type> = vec!["b"].into_iter().collect();
    assert_eq!(show(Arc::new(words), &PgType::Text), "b");
    let number = Decimal128Array::from(vec![1_500]).with_precision_and_scale(20, 14).unwrap();
    assert_eq!(show(Arc::new(number.clone()), &PgType::Numeric(None)), "0.000000000015");
    let declared = PgType::of(&DataType::Decimal128(20, 14));
    assert_eq!(show(Arc::new(number), &declared), "0.00000000001500");
}

#[test]
fn casts_happen_where_postgresql_lets_them() {
    use CastContext::{Assignment, Explicit, Implicit};
    let cases = [
        (PgType::Int4, PgType::Int8, Some(Implicit)),
        (PgType::Int8, PgType::Int4, Some(Assignment)),
        (PgType::Int4, PgType::Text, Some(Assignment)),
        (PgType::Text, PgType::Int4, Some(Explicit)),
        (PgType::Int4, PgType::Bool, Some(Explicit)),
        (PgType::Bool, PgType::Date, None),
        (PgType::Float4.array(), PgType::Vector(None), Some(Assignment)),
        (PgType::Vector(Some(3)), PgType::Float4.array(), Some(Implicit)),
        (PgType::Varchar(Some(3)), PgType::Text, Some(Implicit)),
        (PgType::Unknown, PgType::Vector(None), Some(Implicit)),
        (PgType::Vector(None), PgType::Halfvec(Some(3)), Some(Implicit)),
        (PgType::Halfvec(None), PgType::Vector(None), Some(Assignment)),
        (PgType::Sparsevec(None), PgType::Float4.array(), None),
        (PgType::Bit(Some(3)), PgType::Varbit(None), Some(Implicit)),
        (PgType::Int4, PgType::Bit(Some(3)), Some(Explicit)),
        (PgType::Int2, PgType::Bit(Some(3)), None),
        (PgType::Date, PgType::Timestamptz, Some(Implicit)),
    ];
    for (source, target, expected) in cases {
        assert_eq!(cast_context(&source, &target), expected, "{source} to {target}");
    }
}
