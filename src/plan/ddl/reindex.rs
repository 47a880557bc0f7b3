//! REINDEX: forgets what was built for indexes over vectors, what they have learnt included, so that
//! it is built anew from the rows that there are now, in the memory that the session allows. Meanwhile rows
//! are searched exactly. Other indexes have nothing to build.

use crate::base::{Oid, Result};
use crate::catalog::{Relation, TableDef};
use crate::plan::Name;
use crate::plan::statement::{Reindex, ReindexTarget};

use super::Effect;
use super::draft::Draft;
use super::refuse;

/// REINDEX.
pub(super) fn run(draft: &mut Draft<'_>, statement: &Reindex) -> Result<()> {
    for (table, index) in targets(draft, &statement.target)? {
        for built in draft.context.keys.index_built(table, index) {
            draft.edit.remove_all(built);
        }
        let memory = draft.context.maintenance_bytes;
        let indexes = &mut draft.table_mut(table)?.indexes;
        let defined = indexes.iter_mut().find(|known| known.oid == index);
        if let Some(vector) = defined.and_then(|index| index.vector.as_mut()) {
            vector.memory = memory;
        }
        if !statement.concurrently {
            draft.effects.push(Effect::AwaitIndex(table, index));
        }
    }
    Ok(())
}

/// The indexes over vectors that are meant, each with its table.
fn targets(draft: &Draft<'_>, target: &ReindexTarget) -> Result<Vec<(Oid, Oid)>> {
    let of_table = |table: &TableDef| -> Vec<(Oid, Oid)> {
        table.vector_indexes().map(|index| (table.oid, index.oid)).collect()
    };
    let all_of = |schema: Option<Oid>| {
        let tables = draft.table_oids();
        let tables = tables.iter().filter_map(|oid| draft.table(*oid));
        let meant = tables.filter(|table| schema.is_none_or(|schema| table.schema == schema));
        let owned = meant.filter(|table| draft.must_own(table.owner, "table", "").is_ok());
        owned.flat_map(of_table).collect()
    };
    Ok(match target {
        ReindexTarget::Index(name) => {
            let Relation::Index { table, key } = found(draft, name)? else {
                return Err(refuse::wrong_kind(&name.name, "index"));
            };
            let table = draft.snapshot.require_table_by_oid(table)?;
            draft.must_own(table.definition.owner, "index", &name.name)?;
            of_table(&table.definition).into_iter().filter(|(_, index)| *index == key).collect()
        }
        ReindexTarget::Table(name) => {
            let Relation::Table(table) = found(draft, name)? else {
                return Err(refuse::wrong_kind(&name.name, "table"));
            };
            let table = draft.snapshot.require_table_by_oid(table)?;
            draft.must_own(table.definition.owner, "table", &name.name)?;
            of_table(&table.definition)
        }
        ReindexTarget::Schema(name) => all_of(Some(draft.snapshot.require_schema(name)?.oid)),
        ReindexTarget::Database => all_of(None),
    })
}

fn found(draft: &Draft<'_>, name: &Name) -> Result<Relation> {
    draft.find(name).ok_or_else(|| refuse::no_relation(name))
}
