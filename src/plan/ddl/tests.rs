//! DDL from text, its operations applied to snapshots as a store would.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::{Ddl, DdlContext, Effect, define};
use crate::base::{Oid, Random, Result, Revision, SeededRandom, SqlError};
use crate::catalog::{Comments, DatabaseDef, Keys, RoleDef, SchemaDef, Snapshot, TableDef};
use crate::plan::parse;
use crate::store::meta::{Change, Compare, KeyValue, Keyspace, Operation, Transaction};
use crate::types::PgType;

mod user_types;

/// A store of keys with the snapshot that follows it.
struct World {
    keys: Keys,
    snapshot: Snapshot,
    stored: BTreeMap<Bytes, Revision>,
    revision: Revision,
    random: Arc<dyn Random>,
    role: Oid,
    notices: Vec<String>,
    effects: Vec<Effect>,
}

const OWNER: Oid = Oid(10);

impl World {
    fn new() -> Self {
        let mut world = Self {
            keys: Keys::new("test"),
            snapshot: Snapshot::default(),
            stored: BTreeMap::new(),
            revision: Revision(0),
            random: Arc::new(SeededRandom::new(7)),
            role: OWNER,
            notices: Vec::new(),
            effects: Vec::new(),
        };
        let json = |value: serde_json::Value| Bytes::from(value.to_string());
        let role = RoleDef {
            oid: OWNER,
            name: "redkite".to_owned(),
            superuser: true,
            login: true,
            ..RoleDef::default()
        };
        let (oid, name) = (Oid(2200), "public".to_owned());
        let schema =
            SchemaDef { oid, name, owner: OWNER, temporary: None, comments: Comments::default() };
        let database = DatabaseDef {
            oid: Oid(5),
            name: "redkite".to_owned(),
            owner: OWNER,
            settings: Vec::new(),
            extensions: Vec::new(),
        };
        let keys = &world.keys;
        let puts = vec![
            (keys.next_oid(), Bytes::from("20000")),
            (keys.role(OWNER), json(serde_json::to_value(role).unwrap())),
            (keys.schema(Oid(2200)), json(serde_json::to_value(schema).unwrap())),
            (keys.database(), json(serde_json::to_value(database).unwrap())),
            (keys.name("schema", Oid(0), "public"), Bytes::from("2200")),
            (keys.name("role", Oid(0), "redkite"), Bytes::from("10")),
        ];
        let operations = puts.into_iter().map(|(key, value)| Operation::put(key, value)).collect();
        world.apply(operations);
        world
    }

    fn apply(&mut self, operations: Vec<Operation>) {
        self.revision = Revision(self.revision.0 + 1);
        let modified = self.revision;
        let mut changes = Vec::new();
        for operation in operations {
            match operation {
                Operation::Put { key, value, .. } => {
                    self.stored.insert(key.clone(), modified);
                    let (created, version) = (modified, 1);
                    let _ = version;
                    changes.push(Change::Put(KeyValue {
                        key,
                        value,
                        created,
                        modified,
                        lease: None,
                    }));
                }
                Operation::Delete(range) => {
                    let gone: Vec<Bytes> =
                        self.stored.keys().filter(|key| range.contains(key)).cloned().collect();
                    for key in gone {
                        self.stored.remove(&key);
                        changes.push(Change::Delete { key, modified });
                    }
                }
            }
        }
        self.snapshot.apply(modified, &changes).unwrap();
    }

    fn define(&self, sql: &str) -> Result<Ddl> {
        let path = ["redkite".to_owned(), "public".to_owned()];
        let query_facts = |_: &crate::plan::statement::Query| {
            let columns = vec![("a".to_owned(), PgType::Int4), ("b".to_owned(), PgType::Unknown)];
            Ok(super::QueryFacts { columns, relations: Vec::new() })
        };
        let context = DdlContext {
            keys: &self.keys,
            search_path: &path,
            role: self.role,
            session_role: self.role,
            maintenance_bytes: 1 << 30,
            random: &self.random,
            query_facts: Some(&query_facts),
            check_function: None,
            view_needs: None,
            temporary: None,
            incarnation: None,
        };
        let parsed = parse(sql)?;
        define(&parsed[0].statement, &self.snapshot, &context)
    }

    fn try_run(&mut self, sql: &str) -> Result<()> {
        let ddl = self.define(sql)?;
        self.notices = ddl.notices.iter().map(ToString::to_string).collect();
        self.effects = ddl.effects;
        if ddl.edit.is_empty() {
            return Ok(());
        }
        let (compares, operations) = ddl.edit.finish(self.keys.next_oid());
        for compare in &compares {
            let at = self.stored.get(compare.key()).copied();
            let holds = match compare {
                Compare::Absent(_) => at.is_none(),
                Compare::Present(_) => at.is_some(),
                Compare::Modified { at: wanted, .. } => at.unwrap_or_default() == *wanted,
            };
            assert!(holds, "{sql}: {compare:?}");
        }
        let mut seen = std::collections::BTreeSet::new();
        for operation in &operations {
            if let Operation::Put { key, .. } = operation {
                assert!(seen.insert(key.clone()), "{sql}: {key:?} is put twice");
            }
        }
        for operation in &operations {
            if let Operation::Delete(range) = operation {
                assert!(!seen.iter().any(|key| range.contains(key)), "{sql}: put and deleted");
            }
        }
        let _ = Transaction::new();
        self.apply(operations);
        self.check_names();
        Ok(())
    }

    /// Name keys are exactly the names of what there is.
    fn check_names(&self) {
        let mut wanted = std::collections::BTreeSet::new();
        for table in self.snapshot.tables.values() {
            let table = &table.definition;
            wanted.insert(self.keys.name("relation", table.schema, &table.name));
            for (_, name) in table.index_names() {
                wanted.insert(self.keys.name("relation", table.schema, name));
            }
        }
        for view in self.snapshot.views.values() {
            wanted.insert(self.keys.name("relation", view.schema, &view.name));
        }
        for sequence in self.snapshot.sequences.values() {
            wanted.insert(self.keys.name("relation", sequence.schema, &sequence.name));
        }
        for schema in self.snapshot.schemas.values() {
            wanted.insert(self.keys.name("schema", Oid(0), &schema.name));
        }
        for ty in self.snapshot.types.values() {
            for name in [ty.name.clone(), ty.array_name()] {
                wanted.insert(self.keys.name("type", ty.schema, &name));
            }
        }
        for role in self.snapshot.roles.values() {
            wanted.insert(self.keys.name("role", Oid(0), &role.name));
        }
        let stored: std::collections::BTreeSet<Bytes> = self
            .stored
            .keys()
            .filter(|key| key.windows(7).any(|part| part == b"/names/"))
            .cloned()
            .collect();
        assert_eq!(stored, wanted);
    }

    fn run(&mut self, sql: &str) {
        if let Err(error) = self.try_run(sql) {
            panic!("{sql}: {error:?}");
        }
    }

    fn fails(&mut self, sql: &str, code: &str, message: &str) -> SqlError {
        let error = self.try_run(sql).expect_err(sql);
        assert_eq!((error.code().as_str(), error.to_string().as_str()), (code, message), "{sql}");
        error
    }

    fn table(&self, name: &str) -> &TableDef {
        let found = self.snapshot.tables.values().find(|table| table.definition.name == name);
        &found.expect("table").definition
    }

    fn constraints(&self, table: &str) -> Vec<String> {
        let table = self.table(table);
        let mut names: Vec<String> = table.keys.iter().map(|key| key.name.clone()).collect();
        names.extend(table.checks.iter().map(|check| check.name.clone()));
        names.extend(table.foreign_keys.iter().map(|foreign| foreign.name.clone()));
        names
    }
}

#[test]
fn names_of_constraints_and_sequences_are_postgresqls() {
    let mut world = World::new();
    world.run(
        "CREATE TABLE t (id serial PRIMARY KEY, a int UNIQUE CHECK (a > 0), b text, c int \
         CHECK (c > 1 AND c <> 7), CHECK (a < c), UNIQUE (a, b))",
    );
    let expected = ["t_pkey", "t_a_key", "t_a_b_key", "t_a_check", "t_c_check", "t_check"];
    assert_eq!(world.constraints("t"), expected);
    let id = world.table("t").column("id").unwrap();
    assert!(id.not_null);
    assert_eq!(id.default.as_deref(), Some("nextval('public.t_id_seq'::regclass)"));
    world.run("CREATE TABLE u (id int REFERENCES t, a int, FOREIGN KEY (a) REFERENCES t (a))");
    assert_eq!(world.constraints("u"), ["u_id_fkey", "u_a_fkey"]);
    world.run("CREATE SEQUENCE v_id_seq");
    world.run("CREATE TABLE v (id int GENERATED ALWAYS AS IDENTITY (START 5))");
    let id = world.table("v").column("id").unwrap();
    assert!(id.identity.as_ref().unwrap().always);
    let sequence = &world.snapshot.sequences[&id.identity.as_ref().unwrap().sequence];
    assert_eq!((sequence.name.as_str(), sequence.start), ("v_id_seq1", 5));
    assert_eq!(sequence.max, i64::from(i32::MAX));
    let long = "x".repeat(63);
    world.run(&format!("CREATE TABLE {long} (a int PRIMARY KEY)"));
    assert_eq!(world.constraints(&long), [format!("{}_pkey", "x".repeat(58))]);
}

#[test]
fn create_table_refuses_what_postgresql_refuses() {
    let mut world = World::new();
    world.run("CREATE TABLE t (a int PRIMARY KEY, b text)");
    for (sql, code, message) in [
        ("CREATE TABLE t (a int)", "42P07", "relation \"t\" already exists"),
        ("CREATE TABLE t_pkey (a int)", "42P07", "relation \"t_pkey\" already exists"),
        ("CREATE TABLE x (a int, a int)", "42701", "column \"a\" specified more than once"),
        (
            "CREATE TABLE x (a int PRIMARY KEY, b int PRIMARY KEY)",
            "42P16",
            "multiple primary keys for table \"x\" are not allowed",
        ),
        ("CREATE TABLE x (UNIQUE (z))", "42703", "column \"z\" named in key does not exist"),
        ("CREATE TABLE s.x (a int)", "3F000", "schema \"s\" does not exist"),
        ("CREATE TABLE pg_catalog.x (a int)", "42501", "permission denied for schema pg_catalog"),
        ("CREATE TABLE x (a int REFERENCES y)", "42P01", "relation \"y\" does not exist"),
        (
            "CREATE TABLE x (a text REFERENCES t (b))",
            "42830",
            "there is no unique constraint matching given keys for referenced table \"t\"",
        ),
        (
            "CREATE TABLE x (a text REFERENCES t)",
            "42804",
            "foreign key constraint \"x_a_fkey\" cannot be implemented",
        ),
        (
            "CREATE TABLE x (a int REFERENCES t ON UPDATE SET NULL (a))",
            "0A000",
            "a column list with SET NULL is only supported for ON DELETE actions",
        ),
        (
            "CREATE TABLE x (ctid int)",
            "42701",
            "column name \"ctid\" conflicts with a system column name",
        ),
    ] {
        world.fails(sql, code, message);
    }
    world.run("CREATE TABLE IF NOT EXISTS t (z int)");
    assert_eq!(world.notices, ["relation \"t\" already exists, skipping"]);
}

#[test]
fn drop_table_takes_everything_with_it_and_asks_for_cascade() {
    let mut world = World::new();
    world.run("CREATE TABLE p (id serial PRIMARY KEY)");
    world.run("CREATE TABLE c (p int REFERENCES p)");
    let error = world.fails(
        "DROP TABLE p",
        "2BP01",
        "cannot drop table p because other objects depend on it",
    );
    assert_eq!(
        error.fields().detail.as_deref(),
        Some("constraint c_p_fkey on table c depends on table p")
    );
    world.run("DROP TABLE p CASCADE");
    assert_eq!(world.notices, ["drop cascades to constraint c_p_fkey on table c"]);
    assert!(world.table("c").foreign_keys.is_empty());
    assert!(world.snapshot.sequences.is_empty());
    world.fails("DROP TABLE p", "42P01", "table \"p\" does not exist");
    world.run("DROP TABLE IF EXISTS p");
    assert_eq!(world.notices, ["table \"p\" does not exist, skipping"]);
    world.fails("DROP VIEW c", "42809", "\"c\" is not a view");
    world.run("CREATE TABLE p (id int PRIMARY KEY)");
    world.run("CREATE TABLE d (p int REFERENCES p)");
    world.run("DROP TABLE p, d");
    assert_eq!(world.snapshot.tables.len(), 1);
}

#[test]
fn schemas_keep_what_is_in_them() {
    let mut world = World::new();
    world.run("CREATE SCHEMA s");
    world.fails("CREATE SCHEMA s", "42P06", "schema \"s\" already exists");
    world.fails("CREATE SCHEMA pg_x", "42939", "unacceptable schema name \"pg_x\"");
    world.run("CREATE SCHEMA IF NOT EXISTS s");
    assert_eq!(world.notices, ["schema \"s\" already exists, skipping"]);
    world.run("CREATE TABLE s.t (id serial PRIMARY KEY)");
    let error = world.fails(
        "DROP SCHEMA s",
        "2BP01",
        "cannot drop schema s because other objects depend on it",
    );
    assert_eq!(error.fields().detail.as_deref(), Some("table s.t depends on schema s"));
    world.run("ALTER SCHEMA s RENAME TO z");
    let id = world.table("t").column("id").unwrap();
    assert_eq!(id.default.as_deref(), Some("nextval('z.t_id_seq'::regclass)"));
    world.run("DROP SCHEMA z CASCADE");
    assert_eq!(world.notices, ["drop cascades to table z.t"]);
    assert!(world.snapshot.sequences.is_empty());
    world.fails("DROP SCHEMA z", "3F000", "schema \"z\" does not exist");
}

#[test]
fn alter_table_changes_one_definition_once() {
    let mut world = World::new();
    world.run("CREATE TABLE t (id serial PRIMARY KEY, a int)");
    world.run(
        "ALTER TABLE t ADD COLUMN b int DEFAULT 5 NOT NULL CHECK (b > 1), ADD COLUMN c text, \
         ALTER COLUMN a SET NOT NULL, ADD CONSTRAINT u UNIQUE (a, b), DROP COLUMN c",
    );
    let table = world.table("t");
    assert_eq!(table.columns.len(), 3);
    assert!(table.column("a").unwrap().not_null);
    assert_eq!(table.next_column.0, 5);
    assert_eq!(world.constraints("t"), ["t_pkey", "u", "t_b_check"]);
    world.run("ALTER TABLE t DROP CONSTRAINT u, ADD CONSTRAINT u UNIQUE (b)");
    world.fails(
        "ALTER TABLE t RENAME COLUMN b TO z",
        "0A000",
        "column \"b\" can't be renamed while constraint \"t_b_check\" mentions it",
    );
    world.fails(
        "ALTER TABLE t ADD COLUMN a int",
        "42701",
        "column \"a\" of relation \"t\" already exists",
    );
    world.fails(
        "ALTER TABLE t DROP COLUMN z",
        "42703",
        "column \"z\" of relation \"t\" does not exist",
    );
    world.fails(
        "ALTER TABLE t DROP CONSTRAINT z",
        "42704",
        "constraint \"z\" of relation \"t\" does not exist",
    );
    world.fails(
        "ALTER TABLE t ALTER COLUMN id DROP NOT NULL",
        "42P16",
        "column \"id\" is in a primary key",
    );
    world.run("ALTER TABLE t RENAME CONSTRAINT u TO w");
    world.run("ALTER TABLE t RENAME COLUMN a TO aa");
    world.run("ALTER TABLE t RENAME TO tt");
    assert!(world.table("tt").column("aa").is_some());
    world.run("ALTER TABLE tt DROP COLUMN id");
    assert!(world.table("tt").primary_key().is_none());
    assert!(world.snapshot.sequences.is_empty());
    world.run("CREATE SCHEMA s");
    world.run("ALTER TABLE tt SET SCHEMA s");
    world.run("DROP TABLE s.tt");
}

#[test]
fn keys_that_foreign_keys_need_stay() {
    let mut world = World::new();
    world.run("CREATE TABLE p (id int PRIMARY KEY, a int)");
    world.run("CREATE TABLE c (p int REFERENCES p)");
    let error = world.fails(
        "ALTER TABLE p DROP CONSTRAINT p_pkey",
        "2BP01",
        "cannot drop constraint p_pkey on table p because other objects depend on it",
    );
    assert_eq!(
        error.fields().detail.as_deref(),
        Some("constraint c_p_fkey on table c depends on index p_pkey")
    );
    world.run("ALTER TABLE p DROP COLUMN id CASCADE");
    assert_eq!(world.notices, ["drop cascades to constraint c_p_fkey on table c"]);
    assert!(world.constraints("c").is_empty());
}

#[test]
fn views_indexes_and_tables_from_queries() {
    let mut world = World::new();
    world.run("CREATE TABLE t (a int, b text)");
    world.run("CREATE VIEW v (x) AS SELECT a, b FROM t");
    let view = world.snapshot.views.values().next().unwrap();
    assert_eq!(view.query, "SELECT * FROM (\nSELECT a, b FROM t\n) AS v (x, b)");
    world.fails(
        "CREATE OR REPLACE VIEW v AS SELECT a, b FROM t",
        "42P16",
        "cannot change name of view column \"x\" to \"a\"",
    );
    world.run("CREATE OR REPLACE VIEW v (x) AS SELECT a, b FROM t WHERE a > 1");
    world.run("CREATE TABLE n AS SELECT a, b FROM t");
    assert!(matches!(&world.effects[..], [Effect::Fill(..)]));
    assert_eq!(world.table("n").columns[1].ty.pg_type(), PgType::Text);
    world.run("CREATE UNIQUE INDEX ON t (a, b)");
    assert_eq!(world.constraints("t"), ["t_a_b_idx"]);
    world.run("DROP INDEX t_a_b_idx");
    world.run("CREATE INDEX i ON t (a DESC, lower(b))");
    world.fails("CREATE INDEX i ON t (b)", "42P07", "relation \"i\" already exists");
    world.run("CREATE INDEX IF NOT EXISTS i ON t (b)");
    assert_eq!(world.notices, ["relation \"i\" already exists, skipping"]);
    world.run("CREATE INDEX ON t (lower(b), a) WHERE a > 1");
    let names: Vec<String> =
        world.table("t").index_names().map(|(_, name)| name.to_owned()).collect();
    assert_eq!(names, ["i", "t_lower_a_idx"]);
    world.run("ALTER INDEX i RENAME TO j");
    world.run("DROP INDEX j");
    assert_eq!(world.table("t").indexes.len(), 1);
    world.fails(
        "CREATE INDEX ON t USING hnsw (b vector_l2_ops)",
        "42804",
        "operator class \"vector_l2_ops\" does not accept data type text",
    );
    world.run("DROP VIEW v");
    world.run("CREATE TABLE l (LIKE t INCLUDING ALL)");
    assert_eq!(world.table("l").columns.len(), 2);
    assert_eq!(world.table("l").indexes[0].name, "l_expr_a_idx");
    world.run("ALTER TABLE t RENAME COLUMN b TO c");
    let index = &world.table("t").indexes[0];
    assert_eq!(index.columns[0].expression.as_deref(), Some("lower(c)"));
    world.run("ALTER TABLE t DROP COLUMN a");
    assert!(world.table("t").indexes.is_empty());
}

#[test]
fn sequences_are_checked_and_follow_their_columns() {
    let mut world = World::new();
    world.run("CREATE SEQUENCE s INCREMENT -1");
    let sequence = world.snapshot.sequences.values().next().unwrap();
    assert_eq!((sequence.start, sequence.max, sequence.min), (-1, -1, i64::MIN));
    world.fails("CREATE SEQUENCE z INCREMENT 0", "22023", "INCREMENT must not be zero");
    world.fails(
        "CREATE SEQUENCE z MINVALUE 5 START 1",
        "22023",
        "START value (1) cannot be less than MINVALUE (5)",
    );
    world.run("CREATE TABLE t (id serial)");
    world.run("ALTER SEQUENCE t_id_seq RESTART 100");
    assert!(world.stored.keys().any(|key| key.starts_with(b"/redkite/test/sequences/")));
    let error = world.fails(
        "DROP SEQUENCE t_id_seq",
        "2BP01",
        "cannot drop sequence t_id_seq because other objects depend on it",
    );
    assert_eq!(
        error.fields().detail.as_deref(),
        Some("default value for column id of table t depends on sequence t_id_seq")
    );
    world.run("ALTER SEQUENCE t_id_seq RENAME TO q");
    let id = world.table("t").column("id").unwrap();
    assert_eq!(id.default.as_deref(), Some("nextval('public.q'::regclass)"));
    world.run("DROP SEQUENCE q CASCADE");
    assert!(world.table("t").column("id").unwrap().default.is_none());
}

#[test]
fn roles_have_verifiers_and_limits() {
    let mut world = World::new();
    world.run("CREATE USER u PASSWORD 'secret'");
    let role = Arc::clone(world.snapshot.role("u").unwrap());
    assert!(role.login && role.verifier.as_deref().unwrap().starts_with("SCRAM-SHA-256$4096:"));
    world.run("ALTER ROLE u SET search_path TO a, b");
    let settings = &world.snapshot.role("u").unwrap().settings;
    assert_eq!(settings, &[("search_path".to_owned(), "a, b".to_owned())]);
    world.fails("CREATE ROLE u", "42710", "role \"u\" already exists");
    world.run("CREATE TABLE t (a int)");
    world.role = role.oid;
    world.fails("DROP TABLE t", "42501", "must be owner of table t");
    world.fails("ALTER TABLE t ADD COLUMN b int", "42501", "must be owner of table t");
    world.fails("CREATE ROLE w", "42501", "permission denied to create role");
    world.fails("ALTER ROLE u SUPERUSER", "42501", "permission denied to alter role");
    world.run("ALTER ROLE u PASSWORD 'other'");
    world.role = OWNER;
    world.run("ALTER TABLE t OWNER TO u");
    world.fails(
        "DROP ROLE u",
        "2BP01",
        "role \"u\" cannot be dropped because some objects depend on it",
    );
    world.run("DROP TABLE t");
    world.run("DROP ROLE u");
}

#[test]
fn a_known_password_gives_the_known_verifier() {
    // RFC 7677's example: its salt, 4096 iterations, the password "pencil".
    #[derive(Debug)]
    struct Salt;
    impl Random for Salt {
        fn fill(&self, bytes: &mut [u8]) {
            use base64::Engine as _;
            let salt = base64::engine::general_purpose::STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==");
            bytes.copy_from_slice(&salt.unwrap());
        }
    }
    let made = super::verifier::verifier("pencil", &Salt);
    assert_eq!(
        made,
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
         wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    );
    assert_eq!(super::verifier::verifier(&made, &Salt), made);
}

#[test]
fn mentions_are_columns_only() {
    let text = "lower(a) = 'b' AND \"C d\" > 1::int8 AND t.e IS NOT NULL -- f";
    let names: Vec<String> =
        super::text::mentions(text).into_iter().map(|mention| mention.name).collect();
    for wanted in ["a", "C d", "e"] {
        assert!(names.iter().any(|name| name == wanted), "{wanted}");
    }
    for other in ["lower", "b", "int8", "t", "f"] {
        assert!(!names.iter().any(|name| name == other), "{other}");
    }
    assert_eq!(super::text::replace_column("a > 1 AND ab < a", "a", "5"), "5 > 1 AND ab < 5");
}

#[test]
fn extensions_are_written_down() {
    let mut world = World::new();
    world.run("CREATE EXTENSION vector");
    world.run("CREATE EXTENSION IF NOT EXISTS vector");
    assert_eq!(world.notices, ["extension \"vector\" already exists, skipping"]);
    world.fails("CREATE EXTENSION postgis", "0A000", "extension \"postgis\" is not available");
    world.run("CREATE TABLE t (v vector(3))");
    world.fails(
        "DROP EXTENSION vector",
        "2BP01",
        "cannot drop extension vector because other objects depend on it",
    );
    world.run("DROP TABLE t");
    world.run("DROP EXTENSION vector");
}
