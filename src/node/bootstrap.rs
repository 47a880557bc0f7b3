//! The first start: the database, its first schemas and the superuser come into being.

use std::sync::Arc;

use crate::base::{Oid, Result, SqlError};
use crate::catalog::{Comments, DatabaseDef, Edit, RoleDef, SchemaDef};
use crate::plan::ddl::verifier;
use crate::txn::Engine;

/// The superuser's name.
pub(super) const SUPERUSER: &str = "redkite";
/// `pg_authid.oid` of the superuser, as in PostgreSQL.
const SUPERUSER_OID: Oid = Oid(10);
/// Oids below are built in.
const FIRST_OID: u32 = 16_400;
/// Schemas with the oids that they have in PostgreSQL.
const SCHEMAS: [(u32, &str); 3] =
    [(11, "pg_catalog"), (2200, "public"), (13_000, "information_schema")];
/// Makes what a new database starts with; an existing one is left alone.
///
/// # Errors
/// When a password is required and none was given, or the store is unavailable.
pub(super) async fn bootstrap(
    engine: &Engine,
    database: &str,
    password: Option<&str>,
    trust: bool,
) -> Result<()> {
    let random = engine.random().as_ref();
    let verifier = password.map(|password| verifier(password, random));
    let keys = engine.keys().clone();
    engine
        .edit(|snapshot| {
            let mut edit = Edit::new(snapshot);
            if snapshot.database.is_some() {
                return Ok((edit, ()));
            }
            if verifier.is_none() && !trust {
                return Err(SqlError::internal("the first start needs a password"));
            }
            edit.claim(keys.database_claim(), Oid(1));
            edit.put(keys.next_oid(), &FIRST_OID)?;
            let definition = DatabaseDef {
                oid: Oid(5),
                name: database.to_owned(),
                owner: SUPERUSER_OID,
                settings: Vec::new(),
                extensions: Vec::new(),
            };
            edit.put(keys.database(), &definition)?;
            for (oid, name) in SCHEMAS {
                let oid = Oid(oid);
                let owner = SUPERUSER_OID;
                let schema = SchemaDef {
                    oid,
                    name: name.to_owned(),
                    owner,
                    temporary: None,
                    comments: Comments::default(),
                };
                edit.claim(keys.name("schema", Oid(0), name), oid);
                edit.put(keys.schema(oid), &schema)?;
            }
            let role = RoleDef {
                oid: SUPERUSER_OID,
                name: SUPERUSER.to_owned(),
                superuser: true,
                login: true,
                create_role: true,
                create_database: true,
                connection_limit: -1,
                verifier: verifier.clone(),
                bypass_row_security: true,
                ..RoleDef::default()
            };
            edit.claim(keys.name("role", Oid(0), SUPERUSER), SUPERUSER_OID);
            edit.put(keys.role(SUPERUSER_OID), &role)?;
            Ok((edit, ()))
        })
        .await?;
    Ok(())
}

/// Whether the database exists already.
pub(super) fn exists(engine: &Arc<Engine>) -> bool {
    engine.current().state.database.is_some()
}
