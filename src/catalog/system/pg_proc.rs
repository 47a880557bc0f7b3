//! `pg_proc`: functions by name: the types' input and output functions.

use crate::types::PgType;

use super::cell::{NULL, array, row, vector};
use super::definition::{Definition, Row};
use super::facts::{Facts, SUPERUSER};

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 1255,
    schema: super::PG_CATALOG,
    name: "pg_proc",
    columns: "oid oid, proname name, pronamespace oid, proowner oid, prolang oid, procost float4, \
              prorows float4, provariadic oid, prosupport regproc, prokind \"char\", \
              prosecdef bool, proleakproof bool, proisstrict bool, proretset bool, \
              provolatile \"char\", proparallel \"char\", pronargs int2, pronargdefaults int2, \
              prorettype oid, proargtypes oidvector, proallargtypes _oid, proargmodes _char, \
              proargnames _text, proargdefaults pg_node_tree, protrftypes _oid, prosrc text, \
              probin text, prosqlbody pg_node_tree, proconfig _text, proacl _aclitem",
    rows,
}];

/// `array_in`, `array_out`, `array_recv`, `array_send`: clients tell arrays by the first.
const ARRAY: [u32; 4] = [750, 751, 2400, 2401];
/// `enum_in`, `enum_out`, `enum_recv`, `enum_send`.
const ENUM: [u32; 4] = [3506, 3507, 3532, 3533];
/// Oids of the other types' functions: four for each type, in a range that nothing else uses.
const TYPES: u32 = 15_000;

/// The oids of a type's input, output, receive and send functions.
pub(super) fn type_functions(ty: &PgType) -> [u32; 4] {
    if ty.element().is_some() {
        return ARRAY;
    }
    if let PgType::Enum(_) = ty {
        return ENUM;
    }
    let position = PgType::scalars().iter().position(|scalar| scalar == ty).unwrap_or_default();
    let first = TYPES + u32::try_from(position).unwrap_or_default() * 4;
    [first, first + 1, first + 2, first + 3]
}

/// All functions: oid and name.
pub(super) fn functions() -> Vec<(u32, String)> {
    let mut all: Vec<(u32, String)> = Vec::new();
    let named = ["array_in", "array_out", "array_recv", "array_send"];
    all.extend(ARRAY.into_iter().zip(named.map(str::to_owned)));
    let named = ["enum_in", "enum_out", "enum_recv", "enum_send"];
    all.extend(ENUM.into_iter().zip(named.map(str::to_owned)));
    for ty in PgType::scalars() {
        let separator = match ty {
            PgType::Date
            | PgType::Time
            | PgType::Timestamp
            | PgType::Timestamptz
            | PgType::Interval
            | PgType::Numeric(_)
            | PgType::Json
            | PgType::Jsonb
            | PgType::Uuid
            | PgType::Record
            | PgType::Bit(_)
            | PgType::Varbit(_)
            | PgType::Vector(_)
            | PgType::Halfvec(_)
            | PgType::Sparsevec(_)
            | PgType::Void => "_",
            _ => "",
        };
        let names =
            ["in", "out", "recv", "send"].map(|action| format!("{}{separator}{action}", ty.name()));
        all.extend(type_functions(ty).into_iter().zip(names));
    }
    all
}

fn rows(_: &Facts) -> Vec<Row> {
    let function = |(oid, name): (u32, String)| {
        row![
            oid,
            name.clone(),
            11,
            SUPERUSER,
            12,
            1,
            0,
            0,
            0,
            'f',
            false,
            false,
            true,
            false,
            'i',
            's',
            1,
            0,
            0,
            vector([0]),
            None::<String>,
            None::<String>,
            array::<u32>([]),
            NULL,
            NULL,
            name,
            NULL,
            NULL,
            NULL,
            NULL,
        ]
    };
    functions().into_iter().map(function).collect()
}
