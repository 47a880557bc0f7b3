//! Every relation makes rows that fit its columns, on an empty catalog too.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;

use super::{Facts, SessionFacts, definitions};
use crate::base::Revision;
use crate::catalog::Snapshot;
use crate::store::meta::Mirrored;

#[derive(Debug)]
struct Alone(Vec<String>);

impl SessionFacts for Alone {
    fn settings(&self) -> Vec<(String, String)> {
        vec![("jit".to_owned(), "off".to_owned())]
    }

    fn role(&self) -> crate::base::Oid {
        crate::base::Oid(10)
    }

    fn search_path(&self) -> &[String] {
        &self.0
    }

    fn qualified(&self, _: &str, _: &Snapshot, _: &[String]) -> Option<String> {
        None
    }

    fn activities(&self) -> Vec<super::ActivityRow> {
        vec![super::ActivityRow {
            pid: 1,
            user: crate::base::Oid(10),
            application: "psql".to_owned(),
            peer: None,
            began_us: 1,
            transaction_us: None,
            query_us: Some(2),
            changed_us: 3,
            state: "idle".to_owned(),
            query: "SELECT 1".to_owned(),
            copy: Some(super::CopyRow {
                table: crate::base::Oid(0),
                from: false,
                kind: "FILE".to_owned(),
                bytes: (1, 0),
                rows: 1,
                excluded: 0,
                skipped: 0,
            }),
        }]
    }

    fn statements(&self) -> Vec<super::StatementRow> {
        vec![super::StatementRow {
            user: crate::base::Oid(10),
            id: -1,
            query: "SELECT $1".to_owned(),
            calls: 2,
            rows: 2,
            total_ms: 3.0,
            min_ms: 1.0,
            max_ms: 2.0,
            mean_ms: 1.5,
            deviation_ms: 0.5,
            since_us: 1,
        }]
    }

    fn prepared_statements(&self) -> &[super::PreparedRow] {
        &[]
    }

    fn locks(&self) -> Vec<(crate::cluster::Lock, bool)> {
        Vec::new()
    }

    fn cursors(&self) -> Vec<super::CursorRow> {
        vec![super::CursorRow {
            name: "c".to_owned(),
            statement: "DECLARE c CURSOR FOR SELECT 1".to_owned(),
            hold: false,
            binary: false,
            scrolls: true,
            created_us: 1,
        }]
    }

    fn index_builds(&self) -> Vec<super::IndexProgress> {
        let (table, index) = (crate::base::Oid(1), crate::base::Oid(2));
        let (segments, rows) = ((2, 1), (10, 4));
        let phase = "initializing";
        vec![super::IndexProgress { table, index, phase, segments, rows, bytes: 7, seconds: 2.0 }]
    }
}

fn facts() -> Facts {
    let snapshot = Mirrored { revision: Revision(1), state: Snapshot::default() };
    Facts::new(Arc::new(snapshot), Arc::new(Alone(vec!["pg_catalog".to_owned()])))
}

#[test]
fn every_column_has_a_known_type_and_every_row_fits() {
    let facts = facts();
    for definition in definitions() {
        let written = definition.columns.split(',').count();
        assert_eq!(definition.columns().len(), written, "{}", definition.name);
        let batch = definition.batch(&facts).unwrap_or_else(|e| panic!("{}: {e}", definition.name));
        assert_eq!(batch.num_columns(), written, "{}", definition.name);
        for row in (definition.rows)(&facts) {
            assert_eq!(row.len(), written, "{}", definition.name);
        }
    }
}

#[test]
fn oids_and_names_are_unique() {
    let mut oids = HashSet::new();
    let mut names = HashSet::new();
    for definition in definitions() {
        assert!(oids.insert(definition.oid), "{}", definition.name);
        assert!(names.insert((definition.schema, definition.name)), "{}", definition.name);
    }
}

#[test]
fn pg_type_has_vector_and_its_array() {
    let definition = definitions().find(|d| d.name == "pg_type").expect("pg_type");
    let batch = definition.batch(&facts()).expect("rows");
    let oids = batch.column(0).as_primitive::<UInt32Type>();
    assert!(oids.values().contains(&16385) && oids.values().contains(&16386));
}
