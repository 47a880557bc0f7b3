//! `pg_type`: every type and its array.

use crate::base::Oid;
use crate::catalog::{DomainDef, UserTypeDef};
use crate::types::PgType;

use super::cell::{Cell, NULL, row};
use super::definition::{Definition, Row};
use super::facts::{Facts, SUPERUSER};
use super::pg_proc;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 1247,
    schema: super::PG_CATALOG,
    name: "pg_type",
    columns: "oid oid, typname name, typnamespace oid, typowner oid, typlen int2, typbyval bool, \
              typtype \"char\", typcategory \"char\", typispreferred bool, typisdefined bool, \
              typdelim \"char\", typrelid oid, typsubscript regproc, typelem oid, typarray oid, \
              typinput regproc, typoutput regproc, typreceive regproc, typsend regproc, \
              typmodin regproc, typmodout regproc, typanalyze regproc, typalign \"char\", \
              typstorage \"char\", typnotnull bool, typbasetype oid, typtypmod int4, \
              typndims int4, typcollation oid, typdefaultbin pg_node_tree, typdefault text, \
              typacl _aclitem",
    rows,
}];

/// What stands for other types in the arguments of functions.
pub(super) const PSEUDO: &[(u32, &str)] = &[
    (2275, "cstring"),
    (2276, "any"),
    (2277, "anyarray"),
    (2279, "trigger"),
    (2281, "internal"),
    (2283, "anyelement"),
    (2776, "anynonarray"),
    (3500, "anyenum"),
    (5077, "anycompatible"),
    (5078, "anycompatiblearray"),
    (5079, "anycompatiblenonarray"),
];

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows: Vec<Row> = PSEUDO.iter().map(|(oid, name)| pseudo(*oid, name)).collect();
    for scalar in PgType::scalars() {
        let (namespace, owner) = (namespace(scalar), SUPERUSER);
        rows.push(of(scalar, namespace, owner));
        if scalar.array().oid().0 != 0 {
            rows.push(of(&scalar.array(), namespace, owner));
        }
    }
    for own in facts.user_types() {
        let Some(ty) = facts.catalog().type_of(own.oid) else { continue };
        if let Some(domain) = own.domain() {
            rows.push(of_domain(own, domain, of(&ty, own.schema.0, own.owner)));
            continue;
        }
        rows.push(of(&ty, own.schema.0, own.owner));
        rows.push(of(&ty.array(), own.schema.0, own.owner));
    }
    rows
}

/// The schema a type is in: pgvector's are the extension's, in `public`.
pub(super) fn namespace(ty: &PgType) -> u32 {
    match ty.element().unwrap_or(ty) {
        PgType::Vector(_) | PgType::Halfvec(_) | PgType::Sparsevec(_) => 2200,
        _ => 11,
    }
}

/// A domain's row is that of the type beneath it, but for this.
fn of_domain(own: &UserTypeDef, domain: &DomainDef, mut row: Row) -> Row {
    let mut set = |column: &str, value: Cell| {
        let names = RELATIONS[0].columns();
        if let Some(place) = names.iter().position(|(name, _)| *name == column) {
            row[place] = value;
        }
    };
    set("oid", Some(own.oid.to_string()));
    set("typname", Some(own.name.clone()));
    set("typtype", Some("d".to_owned()));
    set("typispreferred", Some("f".to_owned()));
    set("typelem", Some("0".to_owned()));
    set("typarray", Some("0".to_owned()));
    set("typnotnull", Some(if domain.not_null { "t" } else { "f" }.to_owned()));
    set("typbasetype", Some(domain.base.oid.to_string()));
    set("typtypmod", Some(domain.base.modifier.to_string()));
    set("typdefaultbin", domain.default.clone());
    set("typdefault", domain.default.clone());
    row
}

fn pseudo(oid: u32, name: &str) -> Row {
    let (length, by_value) =
        if matches!(oid, 2275 | 2277 | 5078) { (-1, false) } else { (4, true) };
    let functions = ["in", "out"]
        .map(|action| pg_proc::by_name(&format!("{name}_{action}")).unwrap_or_default());
    let [input, output] = functions;
    let mut row = row![
        oid, name, 11, SUPERUSER, length, by_value, 'p', 'P', false, true, ',', 0, 0, 0, 0, input,
        output, 0, 0, 0, 0, 0, 'i', 'p', false, 0, -1, 0, 0,
    ];
    row.extend([NULL, NULL, NULL]);
    row
}

fn of(ty: &PgType, namespace: u32, owner: Oid) -> Row {
    let length = ty.typlen();
    let is_array = ty.element().is_some();
    let pseudo = matches!(ty, PgType::Unknown | PgType::Void | PgType::Record);
    let by_value = matches!(length, 1 | 2 | 4 | 8);
    let element = match ty {
        PgType::Array(element) => element.oid().0,
        PgType::Int2vector => PgType::Int2.oid().0,
        PgType::Oidvector => PgType::Oid.oid().0,
        PgType::Name => PgType::Char.oid().0,
        _ => 0,
    };
    let array = if is_array { 0 } else { ty.array().oid().0 };
    let align = match length {
        1 | 64 => 'c',
        2 => 's',
        8 => 'd',
        _ => 'i',
    };
    let collation = match ty.element().unwrap_or(ty) {
        PgType::Name => 950,
        PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) | PgType::PgNodeTree => 100,
        _ => 0,
    };
    let functions: Vec<Cell> =
        pg_proc::type_functions(ty).into_iter().map(|oid| Some(oid.to_string())).collect();
    let [input, output, receive, send] = <[Cell; 4]>::try_from(functions).unwrap_or_default();
    row![
        ty.oid(),
        ty.name(),
        namespace,
        owner,
        length,
        by_value,
        match ty {
            PgType::Enum(_) => 'e',
            _ if pseudo => 'p',
            _ => 'b',
        },
        ty.category(),
        ty.is_preferred() && !is_array,
        true,
        ',',
        0,
        0,
        element,
        array,
        input,
        output,
        receive,
        send,
        0,
        0,
        0,
        align,
        if length == -1 { 'x' } else { 'p' },
        false,
        0,
        -1,
        0,
        collation,
        NULL,
        NULL,
        NULL,
    ]
}
