//! `pg_opclass`, `pg_opfamily`, `pg_amop` and `pg_amproc`: what the access methods of indexes index,
//! by which operators and with which functions.

use super::definition::{Definition, Row};
use super::listed;
use super::pg_am;
use crate::base::Oid;
use crate::types::{CastContext, PgType, cast_context};

pub(super) const RELATIONS: &[Definition] = &[
    Definition {
        oid: 2616,
        schema: super::PG_CATALOG,
        name: "pg_opclass",
        columns: "oid oid, opcmethod oid, opcname name, opcnamespace oid, opcowner oid, \
                  opcfamily oid, opcintype oid, opcdefault bool, opckeytype oid",
        rows: |_| classes(),
    },
    Definition {
        oid: 2753,
        schema: super::PG_CATALOG,
        name: "pg_opfamily",
        columns: "oid oid, opfmethod oid, opfname name, opfnamespace oid, opfowner oid",
        rows: |_| listed::rows(include_str!("data/pg_opfamily.tsv")),
    },
    Definition {
        oid: 2602,
        schema: super::PG_CATALOG,
        name: "pg_amop",
        columns: "oid oid, amopfamily oid, amoplefttype oid, amoprighttype oid, \
                  amopstrategy int2, amoppurpose \"char\", amopopr oid, amopmethod oid, \
                  amopsortfamily oid",
        rows: |_| listed::rows(include_str!("data/pg_amop.tsv")),
    },
    Definition {
        oid: 2603,
        schema: super::PG_CATALOG,
        name: "pg_amproc",
        columns: "oid oid, amprocfamily oid, amproclefttype oid, amprocrighttype oid, \
                  amprocnum int2, amproc regproc",
        rows: |_| listed::rows(include_str!("data/pg_amproc.tsv")),
    },
];

fn classes() -> Vec<Row> {
    listed::rows(include_str!("data/pg_opclass.tsv"))
}

/// The oid of an operator class: the one of this name, or the default one for the type.
pub(super) fn class(method: &str, name: Option<&str>, ty: u32) -> u32 {
    // Redkite's own method takes the classes of pgvector's.
    let method = if method == "redkite" { "hnsw" } else { method };
    let (method, ty) = (pg_am::method(method).to_string(), alike(ty).to_string());
    let is = |row: &Row, position: usize, wanted: &str| row[position].as_deref() == Some(wanted);
    let found = classes().into_iter().find(|row| {
        is(row, 1, &method)
            && match name {
                Some(name) => is(row, 2, name),
                None => is(row, 6, &ty) && is(row, 7, "t"),
            }
    });
    found.and_then(|row| row[0].as_deref()?.parse().ok()).unwrap_or_default()
}

/// What there is of an operator class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassFound {
    /// It takes the type.
    Fits,
    /// It takes another one.
    OfAnotherType,
    /// There is none of the name, or none for the type where no name is given.
    Missing,
}

/// Looks for an operator class of an access method for a type: of this name, or the default one.
pub fn operator_class(method: &str, name: Option<&str>, ty: &PgType) -> ClassFound {
    let of = |oid: u32| PgType::from_oid(Oid(oid));
    let number = pg_am::method(method).to_string();
    let classes = classes().into_iter().filter(|row| row[1].as_ref() == Some(&number));
    let named = classes.filter(|row| match name {
        Some(name) => row[2].as_deref() == Some(name),
        None => row[7].as_deref() == Some("t"),
    });
    let named: Vec<Row> = named.collect();
    let takes = |row: &Row| {
        let Some(wanted) = row[6].as_deref().and_then(|oid| oid.parse::<u32>().ok()) else {
            return false;
        };
        let element = matches!(wanted, 2277 | 2283) && ty.element().is_some()
            || wanted == 3500 && ty.is_user_defined();
        let cast = of(wanted).and_then(|wanted| cast_context(ty, &wanted));
        wanted == alike(ty.oid().0) || element || cast == Some(CastContext::Implicit)
    };
    match () {
        () if named.iter().any(takes) => ClassFound::Fits,
        () if name.is_some() && !named.is_empty() => ClassFound::OfAnotherType,
        () => ClassFound::Missing,
    }
}

/// The type whose operators another one is compared with.
fn alike(ty: u32) -> u32 {
    match ty {
        // varchar: text's
        1043 => 25,
        // arrays of any type
        1000..=1034 | 1115 | 1182 | 1183 | 1185 | 1187 | 1231 | 2951 | 3807 => 2277,
        other => other,
    }
}
