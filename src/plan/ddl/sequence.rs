//! Sequences: CREATE, ALTER, and those behind `serial` and identity columns.

use crate::base::{ColumnId, Oid, Result, SqlError, SqlState};
use crate::catalog::{Comments, Relation, SequenceDef, TypeDef};
use crate::plan::statement::{AlterSequence, CreateSequence, SequenceOptions};
use crate::plan::{Name, quote_identifier};
use crate::types::PgType;

use super::draft::{Draft, NameKind};
use super::{Effect, refuse};

/// CREATE SEQUENCE.
pub(super) fn create(draft: &mut Draft<'_>, statement: &CreateSequence) -> Result<()> {
    let schema = draft.schema_for(&statement.name, statement.persistence)?;
    let name = &statement.name.name;
    if statement.if_not_exists && draft.holder(NameKind::Relation, schema, name).is_some() {
        draft.notice(
            SqlState::DUPLICATE_TABLE,
            format!("relation \"{name}\" already exists, skipping"),
        );
        return Ok(());
    }
    let oid = draft.edit.oid();
    draft.claim_relation(schema, name, oid)?;
    let mut sequence = fresh(oid, schema, name, draft.context.role, &PgType::Int8);
    set_options(&mut sequence, &statement.options, true)?;
    set_owner_column(draft, &mut sequence, &statement.options)?;
    draft.put_sequence(sequence);
    Ok(())
}

/// ALTER SEQUENCE with options.
pub(super) fn alter(draft: &mut Draft<'_>, statement: &AlterSequence) -> Result<()> {
    let oid = match draft.find(&statement.name) {
        Some(Relation::Sequence(oid)) => oid,
        Some(_) => return Err(refuse::wrong_kind(&statement.name.name, "sequence")),
        None if statement.if_exists => {
            let message = format!("relation \"{}\" does not exist, skipping", statement.name);
            draft.notice(SqlState::UNDEFINED_TABLE, message);
            return Ok(());
        }
        None => return Err(refuse::no_relation(&statement.name)),
    };
    let mut sequence = existing(draft, oid)?;
    draft.must_own(sequence.owner, "sequence", &sequence.name)?;
    change(draft, &mut sequence, &statement.options)?;
    set_owner_column(draft, &mut sequence, &statement.options)?;
    draft.put_sequence(sequence);
    Ok(())
}

/// A sequence of this oid.
pub(super) fn existing(draft: &Draft<'_>, oid: Oid) -> Result<SequenceDef> {
    draft
        .sequence(oid)
        .cloned()
        .ok_or_else(|| SqlError::internal("a sequence is not in the catalog"))
}

/// Changes options of a sequence that exists, its value too where `RESTART` says so.
pub(super) fn change(
    draft: &mut Draft<'_>,
    sequence: &mut SequenceDef,
    options: &SequenceOptions,
) -> Result<()> {
    let before = sequence.clone();
    set_options(sequence, options, false)?;
    sequence.changes += 1;
    if let Some(restart) = options.restart {
        let next = restart.unwrap_or(sequence.start);
        if next < sequence.min {
            return Err(refuse::invalid(format!(
                "RESTART value ({next}) cannot be less than MINVALUE ({})",
                sequence.min
            )));
        }
        if next > sequence.max {
            return Err(refuse::invalid(format!(
                "RESTART value ({next}) cannot be greater than MAXVALUE ({})",
                sequence.max
            )));
        }
        let key = draft.context.keys.sequence_value(sequence.oid);
        draft.edit.put(key, &serde_json::json!({ "next": next }))?;
    } else if !draft.is_dropped(before.oid) && draft.snapshot.sequences.contains_key(&before.oid) {
        draft.effects.push(Effect::GoOn(Box::new(before)));
    }
    Ok(())
}

/// The sequence behind a `serial` or identity column; its name is free.
pub(super) fn for_column(
    draft: &mut Draft<'_>,
    table: (Oid, &str, Oid),
    column: (&str, ColumnId),
    ty: &PgType,
    options: &SequenceOptions,
) -> Result<SequenceDef> {
    let (table_oid, table_name, table_schema) = table;
    let (schema, name) = match &options.name {
        Some(name) => {
            let schema =
                if name.schema.is_some() { draft.creation_schema(name)? } else { table_schema };
            (schema, name.name.clone())
        }
        None => {
            let name = draft.choose_relation_name(table_schema, table_name, Some(column.0), "seq");
            (table_schema, name)
        }
    };
    let oid = draft.edit.oid();
    draft.claim_relation(schema, &name, oid)?;
    let mut sequence = fresh(oid, schema, &name, draft.context.role, ty);
    set_options(&mut sequence, options, true)?;
    sequence.owned_by = Some((table_oid, column.1));
    draft.put_sequence(sequence.clone());
    Ok(sequence)
}

/// The default that takes the sequence's next value.
pub(super) fn nextval(draft: &Draft<'_>, sequence: &SequenceDef) -> String {
    nextval_text(draft.snapshot.schema_name(sequence.schema), &sequence.name)
}

/// The same by names.
pub(super) fn nextval_text(schema: &str, name: &str) -> String {
    let name = format!("{}.{}", quote_identifier(schema), quote_identifier(name));
    format!("nextval('{}'::regclass)", name.replace('\'', "''"))
}

fn fresh(oid: Oid, schema: Oid, name: &str, owner: Oid, ty: &PgType) -> SequenceDef {
    SequenceDef {
        oid,
        schema,
        name: name.to_owned(),
        owner,
        ty: TypeDef::from(&ty.bare()),
        start: 1,
        increment: 1,
        min: 1,
        max: bounds(ty).1,
        cycle: false,
        cache: None,
        owned_by: None,
        changes: 0,
        comments: Comments::default(),
    }
}

fn bounds(ty: &PgType) -> (i64, i64) {
    match ty {
        PgType::Int2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        PgType::Int4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

fn set_options(sequence: &mut SequenceDef, options: &SequenceOptions, new: bool) -> Result<()> {
    let (mut reset_min, mut reset_max) = (new, new);
    if let Some(ty) = &options.ty {
        if !matches!(ty, PgType::Int2 | PgType::Int4 | PgType::Int8) {
            return Err(refuse::invalid("sequence type must be smallint, integer, or bigint"));
        }
        let old = bounds(&sequence.ty.pg_type());
        reset_max |= sequence.max == old.1;
        reset_min |= sequence.min == old.0;
        sequence.ty = TypeDef::from(ty);
    }
    if let Some(increment) = options.increment {
        if increment == 0 {
            return Err(refuse::invalid("INCREMENT must not be zero"));
        }
        sequence.increment = increment;
    }
    let ty = sequence.ty.pg_type();
    let (lowest, highest) = bounds(&ty);
    let up = sequence.increment > 0;
    match options.max {
        Some(Some(max)) => sequence.max = max,
        None if !reset_max => {}
        Some(None) | None => sequence.max = if up { highest } else { -1 },
    }
    match options.min {
        Some(Some(min)) => sequence.min = min,
        None if !reset_min => {}
        Some(None) | None => sequence.min = if up { 1 } else { lowest },
    }
    for (word, value) in [("MAXVALUE", sequence.max), ("MINVALUE", sequence.min)] {
        if !(lowest..=highest).contains(&value) {
            return Err(refuse::invalid(format!(
                "{word} ({value}) is out of range for sequence data type {}",
                ty.sql_name()
            )));
        }
    }
    if sequence.min >= sequence.max {
        return Err(refuse::invalid(format!(
            "MINVALUE ({}) must be less than MAXVALUE ({})",
            sequence.min, sequence.max
        )));
    }
    if let Some(start) = options.start {
        sequence.start = start;
    } else if new {
        sequence.start = if up { sequence.min } else { sequence.max };
    }
    let start = sequence.start;
    if start < sequence.min {
        let min = sequence.min;
        return Err(refuse::invalid(format!(
            "START value ({start}) cannot be less than MINVALUE ({min})"
        )));
    }
    if start > sequence.max {
        let max = sequence.max;
        return Err(refuse::invalid(format!(
            "START value ({start}) cannot be greater than MAXVALUE ({max})"
        )));
    }
    if let Some(cache) = options.cache {
        if cache <= 0 {
            return Err(refuse::invalid(format!("CACHE ({cache}) must be greater than zero")));
        }
        sequence.cache = Some(cache);
    }
    if let Some(cycle) = options.cycle {
        sequence.cycle = cycle;
    }
    Ok(())
}

fn set_owner_column(
    draft: &Draft<'_>,
    sequence: &mut SequenceDef,
    options: &SequenceOptions,
) -> Result<()> {
    let Some(owned_by) = &options.owned_by else { return Ok(()) };
    if is_identity(draft, sequence) {
        let table = sequence.owned_by.and_then(|(table, _)| draft.table(table));
        let table = table.map_or("", |table| &table.name);
        return Err(SqlError::unsupported("cannot change ownership of identity sequence")
            .with_detail(format!(
                "Sequence \"{}\" is linked to table \"{table}\".",
                sequence.name
            )));
    }
    sequence.owned_by = match owned_by {
        None => None,
        Some((table, column)) => Some(owner_column(draft, sequence, table, column)?),
    };
    Ok(())
}

fn owner_column(
    draft: &Draft<'_>,
    sequence: &SequenceDef,
    table: &Name,
    column: &str,
) -> Result<(Oid, ColumnId)> {
    let definition = match draft.find(table) {
        Some(Relation::Table(oid)) => draft.table(oid),
        Some(_) => {
            return Err(SqlError::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("sequence cannot be owned by relation \"{}\"", table.name),
            ));
        }
        None => None,
    };
    let definition = definition.ok_or_else(|| refuse::no_relation(table))?;
    let not_ready = |message| SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
    if definition.owner != sequence.owner {
        return Err(not_ready("sequence must have same owner as table it is linked to"));
    }
    if definition.schema != sequence.schema {
        return Err(not_ready("sequence must be in same schema as table it is linked to"));
    }
    let column =
        definition.column(column).ok_or_else(|| refuse::no_column(column, &definition.name))?;
    Ok((definition.oid, column.id))
}

/// Whether a sequence is the generator of an identity column.
pub(super) fn is_identity(draft: &Draft<'_>, sequence: &SequenceDef) -> bool {
    sequence
        .owned_by
        .and_then(|(table, column)| draft.table(table)?.column_by_id(column)?.identity.as_ref())
        .is_some_and(|identity| identity.sequence == sequence.oid)
}

/// Rewrites the defaults that name a sequence which gets another name or schema.
pub(super) fn follow_rename(draft: &mut Draft<'_>, before: &str, after: &str) -> Result<()> {
    for oid in draft.table_oids() {
        let uses = |default: &Option<String>| default.as_deref() == Some(before);
        let Some(table) = draft.table(oid) else { continue };
        if !table.columns.iter().any(|column| uses(&column.default)) {
            continue;
        }
        for column in &mut draft.table_mut(oid)?.columns {
            if uses(&column.default) {
                column.default = Some(after.to_owned());
            }
        }
    }
    Ok(())
}
