//! Temporary objects: they lie in a schema of the session's own, `pg_temp_<oid>`, which is made with
//! the first of them and dropped at the session's end, or by any node once the process is gone
//! in which the session was.

use std::sync::Arc;

use crate::base::{Oid, Random, Result, SqlError, SqlState};
use crate::catalog::access::SUPERUSER;
use crate::catalog::{Comments, Edit, Keys, Relation, SchemaDef, Snapshot};
use crate::plan::Name;
use crate::plan::statement::Persistence;

use super::DdlContext;
use super::draft::{Draft, NameKind};
use super::drop;
use super::schema::NO_SCHEMA;

/// What the session's own temporary schema is called in statements.
pub(crate) const PG_TEMP: &str = "pg_temp";

impl Draft<'_> {
    /// The schema in which something is made.
    pub(super) fn schema_for(&mut self, name: &Name, persistence: Persistence) -> Result<Oid> {
        let own = |schema: &String| self.is_own_temporary(schema);
        let written = name.schema.as_ref();
        if persistence == Persistence::Temporary {
            return match written {
                Some(schema) if !own(schema) => Err(SqlError::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    "cannot create temporary relation in non-temporary schema",
                )),
                _ => self.temporary_schema(),
            };
        }
        if written.is_some_and(own) {
            return self.temporary_schema();
        }
        self.creation_schema(name)
    }

    /// Whether a schema that a statement names is the session's own for temporary objects.
    fn is_own_temporary(&self, schema: &str) -> bool {
        schema == PG_TEMP || self.context.temporary == Some(schema)
    }

    /// A name with the session's own schema in the place of `pg_temp`.
    pub(super) fn resolved(&self, name: &Name) -> Name {
        match (name.schema.as_deref(), self.context.temporary) {
            (Some(PG_TEMP), Some(own)) => Name::qualified(own, &*name.name),
            _ => name.clone(),
        }
    }

    /// Whether a schema, which this statement may make, holds temporary objects.
    pub(super) fn is_temporary(&self, schema: Oid) -> bool {
        match self.snapshot.schemas.get(&schema) {
            Some(schema) => schema.temporary.is_some(),
            None => self.made_temporary.is_some(),
        }
    }

    /// The session's schema, which is made now where there is none.
    pub(super) fn temporary_schema(&mut self) -> Result<Oid> {
        if let Some(schema) = self.context.temporary.and_then(|name| self.snapshot.schema(name)) {
            return Ok(schema.oid);
        }
        let process = self.context.incarnation;
        let process = process.ok_or_else(|| SqlError::internal("no session to be temporary in"))?;
        let oid = self.edit.oid();
        let name = format!("{PG_TEMP}_{oid}");
        self.claim(NameKind::Schema, NO_SCHEMA, &name, oid);
        let schema = SchemaDef {
            oid,
            name: name.clone(),
            owner: SUPERUSER,
            temporary: Some(process),
            comments: Comments::default(),
        };
        self.edit.put(self.context.keys.schema(oid), &schema)?;
        self.made_temporary = Some(name);
        Ok(oid)
    }
}

/// The change that drops a schema of temporary objects with all that is in it; none where there is
/// no such schema.
///
/// # Errors
/// When definitions don't fit together.
pub fn drop_temporary(
    snapshot: &Snapshot,
    keys: &Keys,
    random: &Arc<dyn Random>,
    schema: &str,
) -> Result<Option<Edit>> {
    let Some(schema) = snapshot.schema(schema).filter(|schema| schema.temporary.is_some()) else {
        return Ok(None);
    };
    let context = nobody(keys, random);
    let mut draft = Draft::new(snapshot, &context);
    drop::schemas(&mut draft, vec![(schema.oid, schema.name.clone())], true)?;
    Ok(Some(draft.finish()?.edit))
}

/// The change that drops tables, with what depends on them; none where they are gone.
///
/// # Errors
/// When definitions don't fit together.
pub fn drop_tables(
    snapshot: &Snapshot,
    keys: &Keys,
    random: &Arc<dyn Random>,
    tables: &[Oid],
) -> Result<Option<Edit>> {
    let there = tables.iter().filter(|table| snapshot.tables.contains_key(*table));
    let targets: Vec<Relation> = there.map(|table| Relation::Table(*table)).collect();
    if targets.is_empty() {
        return Ok(None);
    }
    let context = nobody(keys, random);
    let mut draft = Draft::new(snapshot, &context);
    drop::owned(&mut draft, &targets, true)?;
    Ok(Some(draft.finish()?.edit))
}

/// What is done in no session's name.
fn nobody<'a>(keys: &'a Keys, random: &'a Arc<dyn Random>) -> DdlContext<'a> {
    DdlContext {
        keys,
        search_path: &[],
        role: SUPERUSER,
        session_role: SUPERUSER,
        // Nothing is built.
        maintenance_bytes: 0,
        random,
        query_facts: None,
        check_function: None,
        view_needs: None,
        temporary: None,
        incarnation: None,
    }
}
