//! Extensions: `vector` is built in, and so are the few others that applications ask for by
//! habit where what they add is there. CREATE EXTENSION writes down that it was asked for.

use std::sync::Arc;

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{DatabaseDef, ExtensionDef};
use crate::plan::Name;
use crate::plan::statement::CreateExtension;

use super::draft::Draft;

/// What can be created, with its version.
const AVAILABLE: [(&str, &str); 3] =
    [("vector", "0.8.0"), ("plpgsql", "1.0"), ("pg_stat_statements", "1.11")];

/// CREATE EXTENSION.
pub(super) fn create(draft: &mut Draft<'_>, statement: &CreateExtension) -> Result<()> {
    let name = &statement.name;
    let database = database(draft)?;
    let known = database.extensions.iter().any(|extension| extension.name == *name);
    // PL/pgSQL's entry is there in every database; there is no language behind it here.
    if known || name == "plpgsql" {
        let message = format!("extension \"{name}\" already exists");
        if statement.if_not_exists {
            draft.notice(SqlState::DUPLICATE_OBJECT, format!("{message}, skipping"));
            return Ok(());
        }
        return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, message));
    }
    let Some((_, version)) = AVAILABLE.iter().find(|(available, _)| available == name) else {
        return Err(SqlError::unsupported(format!("extension \"{name}\" is not available"))
            .with_hint(
                "Redkite has \"vector\" and \"pg_stat_statements\" built in, and no others.",
            ));
    };
    let version = statement.version.as_deref().unwrap_or(version).to_owned();
    let target = Name { schema: statement.schema.clone(), name: name.clone() };
    let schema = draft.creation_schema(&target)?;
    let oid = draft.edit.oid();
    let mut database = (*database).clone();
    database.extensions.push(ExtensionDef { oid, name: name.clone(), version, schema });
    put(draft, &database)
}

/// DROP EXTENSION. Columns of its types keep it.
pub(super) fn drop(
    draft: &mut Draft<'_>,
    names: &[Name],
    if_exists: bool,
    cascade: bool,
) -> Result<()> {
    let before = database(draft)?;
    let mut database = (*before).clone();
    for name in names {
        let name = &name.name;
        let Some(at) = database.extensions.iter().position(|known| known.name == *name) else {
            let message = format!("extension \"{name}\" does not exist");
            if !if_exists {
                return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message));
            }
            draft.notice(SqlState::UNDEFINED_OBJECT, format!("{message}, skipping"));
            continue;
        };
        refuse_used(draft, name, cascade)?;
        database.extensions.remove(at);
    }
    if database == *before {
        return Ok(());
    }
    put(draft, &database)
}

fn refuse_used(draft: &Draft<'_>, name: &str, cascade: bool) -> Result<()> {
    let mut details = Vec::new();
    for oid in draft.table_oids() {
        let Some(table) = draft.table(oid) else { continue };
        for column in &table.columns {
            let ty = column.ty.pg_type();
            if ty.element().unwrap_or(&ty).name() == name {
                details.push(format!(
                    "column {} of table {} depends on type {name}",
                    column.name, table.name
                ));
            }
        }
    }
    if details.is_empty() {
        return Ok(());
    }
    if cascade {
        return Err(SqlError::unsupported("DROP EXTENSION .. CASCADE is not supported")
            .with_hint("Drop the columns first."));
    }
    Err(SqlError::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop extension {name} because other objects depend on it"),
    )
    .with_detail(details.join("\n"))
    .with_hint("Use DROP ... CASCADE to drop the dependent objects too."))
}

/// The database's definition.
pub(super) fn database(draft: &Draft<'_>) -> Result<Arc<DatabaseDef>> {
    let database = draft.snapshot.database.clone();
    database.ok_or_else(|| SqlError::internal("the database is not in the catalog"))
}

/// Writes the database's definition.
pub(super) fn put(draft: &mut Draft<'_>, database: &DatabaseDef) -> Result<()> {
    let key = draft.context.keys.database();
    draft.edit.put(key, database)
}
