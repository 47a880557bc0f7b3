//! `pg_attribute`: columns.

use crate::base::{ColumnId, Oid};
use crate::types::PgType;

use super::cell::{Cell, NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 1249,
    schema: super::PG_CATALOG,
    name: "pg_attribute",
    columns: "attrelid oid, attname name, atttypid oid, attlen int2, attnum int2, \
              attcacheoff int4, atttypmod int4, attndims int2, attbyval bool, attalign \"char\", \
              attstorage \"char\", attcompression \"char\", attnotnull bool, atthasdef bool, \
              atthasmissing bool, attidentity \"char\", attgenerated \"char\", \
              attisdropped bool, attislocal bool, attinhcount int2, attcollation oid, \
              attstattarget int2, attacl _aclitem, attoptions _text, attfdwoptions _text, \
              attmissingval _text",
    rows,
}];

/// What differs from one column to the other.
struct Attribute<'a> {
    relation: Oid,
    name: &'a str,
    ty: PgType,
    /// The domain, where it is one.
    domain: Option<Oid>,
    number: i32,
    not_null: bool,
    has_default: bool,
    identity: &'static str,
    acl: Cell,
    generated: &'static str,
}

impl Attribute<'_> {
    fn row(&self) -> Row {
        let length = self.ty.typlen();
        let collation = match self.ty.element().unwrap_or(&self.ty) {
            PgType::Name => 950,
            PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) => 100,
            _ => 0,
        };
        row![
            self.relation,
            self.name,
            self.domain.unwrap_or(self.ty.oid()),
            length,
            self.number,
            -1,
            if self.domain.is_some() { -1 } else { self.ty.typmod() },
            if self.ty.element().is_some() { 1 } else { 0 },
            matches!(length, 1 | 2 | 4 | 8),
            'i',
            if length == -1 { 'x' } else { 'p' },
            "",
            self.not_null,
            self.has_default,
            false,
            self.identity,
            self.generated,
            false,
            true,
            0,
            collation,
            NULL,
            self.acl.clone(),
            NULL,
            NULL,
            NULL,
        ]
    }
}

/// The columns that every table of PostgreSQL's has besides its own: name, type and length.
const SYSTEM_COLUMNS: [(&str, u32, i16); 6] = [
    ("ctid", 27, 6),
    ("xmin", 28, 4),
    ("cmin", 29, 4),
    ("xmax", 28, 4),
    ("cmax", 29, 4),
    ("tableoid", 26, 4),
];

/// A table's system columns, counted downwards from -1.
fn system_columns(relation: Oid) -> impl Iterator<Item = Row> {
    SYSTEM_COLUMNS.iter().zip(1..).map(move |((name, ty, length), number)| {
        let (by_value, align) = (*length == 4, if *length == 4 { 'i' } else { 's' });
        row![
            relation,
            *name,
            Oid(*ty),
            *length,
            -number,
            -1,
            -1,
            0,
            by_value,
            align,
            'p',
            "",
            true,
            false,
            false,
            "",
            "",
            false,
            true,
            0,
            0,
            NULL,
            NULL,
            NULL,
            NULL,
            NULL,
        ]
    })
}

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    let plain = |relation: Oid, name, ty: PgType, position: usize| {
        let number = i32::try_from(position + 1).unwrap_or(i32::MAX);
        let (not_null, has_default, identity, generated) = (false, false, "", "");
        let acl = facts.column_acl(relation, ColumnId(number));
        let attribute = Attribute {
            relation,
            name,
            ty,
            domain: None,
            number,
            not_null,
            has_default,
            identity,
            acl,
            generated,
        };
        attribute.row()
    };
    for table in facts.tables() {
        let definition = &table.definition;
        for column in &definition.columns {
            let attribute = Attribute {
                relation: definition.oid,
                name: &column.name,
                ty: column.ty.pg_type(),
                domain: column.ty.domain().map(|domain| domain.oid),
                number: column.id.0,
                not_null: column.not_null,
                has_default: column.default.is_some() && column.identity.is_none(),
                identity: match &column.identity {
                    Some(identity) if identity.always => "a",
                    Some(_) => "d",
                    None => "",
                },
                acl: facts.column_acl(definition.oid, column.id),
                generated: if column.generated { "s" } else { "" },
            };
            rows.push(attribute.row());
        }
        rows.extend(system_columns(definition.oid));
        for key in &definition.keys {
            for (position, id) in key.columns.iter().chain(&key.include).enumerate() {
                if let Some(column) = definition.column_by_id(*id) {
                    rows.push(plain(key.oid, &column.name, column.ty.pg_type(), position));
                }
            }
        }
        for index in &definition.indexes {
            for (position, part) in index.columns.iter().enumerate() {
                let column = part.column.and_then(|id| definition.column_by_id(id));
                let (name, ty) = match column {
                    Some(column) => (column.name.as_str(), column.ty.pg_type()),
                    None => ("expr", PgType::Text),
                };
                rows.push(plain(index.oid, name, ty, position));
            }
            for (position, id) in index.include.iter().enumerate() {
                if let Some(column) = definition.column_by_id(*id) {
                    let position = index.columns.len() + position;
                    rows.push(plain(index.oid, &column.name, column.ty.pg_type(), position));
                }
            }
        }
    }
    for view in facts.views() {
        for (position, (name, ty)) in view.columns.iter().enumerate() {
            rows.push(plain(view.oid, name, ty.pg_type(), position));
        }
    }
    for system in super::definitions() {
        for (position, (name, ty)) in system.columns().into_iter().enumerate() {
            rows.push(plain(Oid(system.oid), name, ty, position));
        }
    }
    rows
}
