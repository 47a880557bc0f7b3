//! `pg_proc`: the functions, PostgreSQL's, pgvector's and users'.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::base::Oid;
use crate::types::PgType;

use super::definition::Definition;
use super::{listed, user_functions};

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
    rows: |facts| {
        let mut rows = listed::rows(FILE);
        rows.extend(user_functions::rows(facts));
        rows
    },
}];

const FILE: &str = include_str!("data/pg_proc.tsv");

/// What is looked up of a function without reading all of them.
#[derive(Debug)]
pub(super) struct Listed {
    /// Its name.
    pub(super) name: &'static str,
    /// The types of its arguments.
    pub(super) arguments: Vec<u32>,
    /// The names of its arguments, where they have any.
    pub(super) names: Vec<&'static str>,
    /// How its arguments are meant: `i`, `o`, `b`, `v` or `t`; none: all are for input.
    pub(super) modes: Vec<&'static str>,
    /// Types of all arguments, those for output too, where there are such.
    pub(super) all: Vec<u32>,
    /// The type of its result.
    pub(super) result: u32,
    /// Whether it returns a set.
    pub(super) set: bool,
}

/// The functions by oid.
static BY_OID: LazyLock<HashMap<u32, Listed>> = LazyLock::new(|| {
    let listed = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let array = |text: &'static str| -> Vec<&'static str> {
            let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
            inner
                .map(|inner| inner.split(',').map(|name| name.trim_matches('"')).collect())
                .unwrap_or_default()
        };
        let oids = |texts: Vec<&str>| texts.iter().filter_map(|oid| oid.parse().ok()).collect();
        let function = Listed {
            name: cells.get(1).copied()?,
            arguments: oids(cells.get(19)?.split(' ').collect()),
            names: array(cells.get(22).copied()?),
            modes: array(cells.get(21).copied()?),
            all: oids(array(cells.get(20).copied()?)),
            result: cells.get(18)?.parse().ok()?,
            set: *cells.get(13)? == "t",
        };
        Some((cells.first()?.parse().ok()?, function))
    };
    FILE.lines().filter_map(listed).collect()
});

/// The oids of functions by name; the first of several of one name.
static BY_NAME: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let mut all: Vec<(&'static str, u32)> =
        BY_OID.iter().map(|(oid, function)| (function.name, *oid)).collect();
    all.sort_unstable_by_key(|(_, oid)| std::cmp::Reverse(*oid));
    all.into_iter().collect()
});

/// What a call of a function may look like.
#[derive(Debug)]
pub struct Signature {
    /// The types of its arguments.
    pub arguments: Vec<Oid>,
    /// The type of any number more, the last argument being their array.
    pub more: Option<Oid>,
    /// How many of the last arguments may be left out.
    pub optional: usize,
    /// What kind of function it is.
    pub kind: Kind,
    /// Whether its result depends on nothing but its arguments.
    pub immutable: bool,
}

/// What kind a function is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of values.
    Plain,
    /// Of a group's rows.
    Aggregate,
    /// Of a row among others.
    Window,
}

static SIGNATURES: LazyLock<HashMap<&'static str, Vec<Signature>>> = LazyLock::new(|| {
    let mut all: HashMap<&'static str, Vec<Signature>> = HashMap::new();
    for line in FILE.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let oid = |text: &str| text.parse().ok().filter(|oid| *oid != 0).map(Oid);
        let [_, name, _, _, _, _, _, more, _, kind, _, _, _, _, _, _, _, optional, _, types, ..] =
            cells.as_slice()
        else {
            continue;
        };
        all.entry(name).or_default().push(Signature {
            arguments: types.split(' ').filter_map(oid).collect(),
            more: oid(more),
            optional: optional.parse().unwrap_or_default(),
            kind: match *kind {
                "a" => Kind::Aggregate,
                "w" => Kind::Window,
                _ => Kind::Plain,
            },
            immutable: cells.get(14) == Some(&"i"),
        });
    }
    all
});

/// Whether several functions have this name.
pub(super) fn is_overloaded(name: &str) -> bool {
    signatures(name).len() > 1
}

/// The functions of a name; none where nobody listed it.
pub fn signatures(name: &str) -> &'static [Signature] {
    SIGNATURES.get(name).map_or(&[], Vec::as_slice)
}

/// The function of an oid.
pub(super) fn by_oid(oid: u32) -> Option<&'static Listed> {
    BY_OID.get(&oid)
}

/// The oid of a function of this name.
pub(super) fn by_name(name: &str) -> Option<u32> {
    BY_NAME.get(name).copied()
}

/// The oid of the function of this name that takes these types.
pub(super) fn by_types(name: &str, types: &[u32]) -> Option<u32> {
    let mut all = BY_OID.iter();
    let found = all.find(|(_, function)| function.name == name && function.arguments == types)?;
    Some(*found.0)
}

/// The oids of a type's input, output, receive and send functions; 0 for those that there are not.
pub(super) fn type_functions(ty: &PgType) -> [u32; 4] {
    let base = match ty {
        PgType::Enum(_) => "enum",
        _ if ty.element().is_some() => "array",
        _ => ty.name(),
    };
    ["in", "out", "recv", "send"].map(|action| {
        let found = by_name(&format!("{base}{action}"));
        found.or_else(|| by_name(&format!("{base}_{action}"))).unwrap_or_default()
    })
}
