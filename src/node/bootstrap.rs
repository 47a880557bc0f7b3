//! The first start: the database, its first schemas and the superuser come into being.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::base::{Oid, Random, Result, SqlError};
use crate::catalog::{DatabaseDef, Edit, RoleDef, SchemaDef};
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
/// PostgreSQL's default.
const ITERATIONS: u32 = 4096;

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
    let verifier = password.map(|password| verifier(password, engine.random().as_ref()));
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
                let schema = SchemaDef { oid, name: name.to_owned(), owner: SUPERUSER_OID };
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
                settings: Vec::new(),
            };
            edit.claim(keys.name("role", Oid(0), SUPERUSER), SUPERUSER_OID);
            edit.put(keys.role(SUPERUSER_OID), &role)?;
            Ok((edit, ()))
        })
        .await?;
    Ok(())
}

/// A SCRAM-SHA-256 verifier (RFC 5803, in PostgreSQL's spelling).
fn verifier(password: &str, random: &dyn Random) -> String {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let mac = |key: &[u8], message: &[u8]| -> Vec<u8> {
        Hmac::<Sha256>::new_from_slice(key)
            .map(|mut mac| {
                mac.update(message);
                mac.finalize().into_bytes().to_vec()
            })
            .unwrap_or_default()
    };
    let mut block = mac(password.as_bytes(), &[&salt[..], &1u32.to_be_bytes()].concat());
    let mut salted = block.clone();
    for _ in 1..ITERATIONS {
        block = mac(password.as_bytes(), &block);
        salted.iter_mut().zip(&block).for_each(|(sum, byte)| *sum ^= byte);
    }
    let stored = Sha256::digest(mac(&salted, b"Client Key"));
    let server = mac(&salted, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored),
        STANDARD.encode(server)
    )
}

/// Whether the database exists already.
pub(super) fn exists(engine: &Arc<Engine>) -> bool {
    engine.current().state.database.is_some()
}
