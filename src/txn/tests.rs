//! Engines over one store in memory: one is an embedded node, two are a cluster.

mod consistency;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use futures::TryStreamExt;

use super::*;
use crate::base::{
    Clock, ColumnId, Incarnation, Oid, Random, Result, Revision, SeededRandom, SqlState,
    SystemClock,
};
use crate::catalog::{ColumnDef, Comments, Edit, KeyDef, Keys, Snapshot, Table, TableDef, TypeDef};
use crate::cluster::Membership;
use crate::segment::{Reader, ReaderOptions, Scan, TableVersion, address};
use crate::store::meta::{
    FaultRates, Faulty, Limits, Memory, MetaStore, Mirror, MirrorConfig, Mirrored,
};
use crate::store::object::{Cache, Objects};
use crate::types::PgType;

pub(crate) const TABLE: Oid = Oid(20_000);
pub(crate) const OTHER: Oid = Oid(20_001);

/// Stores, and the engines that tests start over them.
pub(crate) struct World {
    pub(crate) store: Arc<dyn MetaStore>,
    pub(crate) objects: Arc<Objects>,
    random: Arc<dyn Random>,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self::over(Arc::new(Memory::new(Arc::new(SystemClock::new()))), seed)
    }

    /// A store with etcd's limits that each node must ask for what is fresh.
    pub(crate) fn remote(seed: u64) -> Self {
        let limits = Limits { operations_max: 128, bytes_max: 1_500_000 };
        Self::over(Arc::new(Memory::remote(Arc::new(SystemClock::new()), limits)), seed)
    }

    pub(crate) fn over(store: Arc<dyn MetaStore>, seed: u64) -> Self {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(seed));
        let objects = Arc::new(Objects::in_memory(Arc::clone(&random)));
        Self { store, objects, random, folder: tempfile::tempdir().unwrap() }
    }

    /// These stores.
    pub(crate) fn on(store: Arc<dyn MetaStore>, objects: Arc<Objects>, seed: u64) -> Self {
        Self { objects, ..Self::over(store, seed) }
    }

    /// Another database over the objects of this one.
    pub(crate) fn stranger(&self, seed: u64) -> Self {
        Self { objects: Arc::clone(&self.objects), ..Self::new(seed) }
    }

    /// A node that is alone, or thinks so.
    pub(crate) async fn engine(&self) -> Arc<Engine> {
        self.engine_of(None, Arc::new(SystemClock::new())).await
    }

    /// A node, of a cluster where it is a member of one.
    pub(crate) async fn engine_of(
        &self,
        membership: Option<Arc<Membership>>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Engine> {
        let incarnation = match &membership {
            Some(membership) => membership.node().await.incarnation,
            None => Incarnation(self.random.uuid()),
        };
        let folder = self.folder.path().join(incarnation.to_string());
        let cache = Cache::open(&folder, 1 << 28).unwrap();
        let options = ReaderOptions::default();
        let reader = Arc::new(Reader::new(Arc::clone(&self.objects), cache, options));
        let keys = Keys::new("redkite");
        let config = MirrorConfig::new(keys.all(), keys.head());
        let mirror = Mirror::<Snapshot>::start(Arc::clone(&self.store), config).await.unwrap();
        Engine::start(EngineParts {
            meta: Arc::clone(&self.store),
            mirror: Arc::new(mirror),
            keys,
            reader,
            incarnation,
            fence: membership.as_ref().map(|membership| membership.fence_key()),
            membership,
            random: Arc::clone(&self.random),
            clock,
        })
    }
}

fn column(id: i32, name: &str, ty: &PgType) -> ColumnDef {
    ColumnDef {
        id: ColumnId(id),
        name: name.to_owned(),
        ty: TypeDef::from(ty),
        not_null: false,
        default: None,
        generated: false,
        identity: None,
        missing: None,
        comment: None,
    }
}

/// Makes a table of `id bigint, n integer`, with a primary key or without one.
pub(crate) async fn create(engine: &Engine, oid: Oid, keyed: bool) {
    let key = KeyDef {
        oid: Oid(oid.0 + 100),
        name: format!("t{oid}_pkey"),
        columns: vec![ColumnId(1)],
        primary: true,
        nulls_not_distinct: false,
        index_only: false,
        include: Vec::new(),
    };
    let definition = TableDef {
        oid,
        schema: Oid(2200),
        name: format!("t{oid}"),
        owner: Oid(10),
        columns: vec![column(1, "id", &PgType::Int8), column(2, "n", &PgType::Int4)],
        next_column: ColumnId(3),
        indexes: Vec::new(),
        keys: if keyed { vec![key] } else { Vec::new() },
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        comment: None,
        comments: Comments::default(),
        row_security: false,
        force_row_security: false,
        unchecked: false,
        policies: Vec::new(),
        materialized: None,
        deletes_on_commit: false,
    };
    let keys = engine.keys().clone();
    engine
        .edit(|snapshot| {
            let mut edit = Edit::new(snapshot);
            edit.put(keys.table(oid), &definition)?;
            edit.touch(keys.schema_version(oid));
            Ok((edit, ()))
        })
        .await
        .unwrap();
}

pub(crate) async fn fresh(engine: &Engine) -> Result<Arc<Mirrored<Snapshot>>> {
    engine.snapshot(Consistency::Strong, Revision(0)).await
}

pub(crate) fn batch(table: &Table, rows: &[(i64, i32)]) -> RecordBatch {
    let ids: Int64Array = rows.iter().map(|(id, _)| Some(*id)).collect();
    let ns: Int32Array = rows.iter().map(|(_, n)| Some(*n)).collect();
    RecordBatch::try_new(table.schema.arrow(), vec![Arc::new(ids), Arc::new(ns)]).unwrap()
}

/// Adds rows to an open transaction.
pub(crate) async fn add(
    engine: &Engine,
    writes: &mut WriteSet,
    oid: Oid,
    rows: &[(i64, i32)],
) -> Result<()> {
    let snapshot = fresh(engine).await?;
    let table = &snapshot.state.tables[&oid];
    writes.open(table)?.insert(engine, table, batch(table, rows)).await
}

/// Commits rows.
pub(crate) async fn insert(
    engine: &Arc<Engine>,
    oid: Oid,
    rows: &[(i64, i32)],
) -> Result<Option<Revision>> {
    let mut writes = WriteSet::default();
    add(engine, &mut writes, oid, rows).await?;
    engine.commit(writes).await
}

/// Deletes rows by `id` in an open transaction.
pub(crate) async fn remove(
    engine: &Engine,
    writes: &mut WriteSet,
    oid: Oid,
    ids: &[i64],
) -> Result<usize> {
    let snapshot = fresh(engine).await?;
    let table = &snapshot.state.tables[&oid];
    let addresses = addresses(engine, table, ids).await?;
    writes.open(table)?.delete(engine, &table.version, addresses, true).await
}

/// Reads rows by `id` for update in an open transaction.
pub(crate) async fn lock(engine: &Engine, writes: &mut WriteSet, oid: Oid, ids: &[i64]) {
    let snapshot = fresh(engine).await.unwrap();
    let table = &snapshot.state.tables[&oid];
    let addresses = addresses(engine, table, ids).await.unwrap();
    let at = snapshot.revision;
    writes.open(table).unwrap().lock(engine, &table.version, &addresses, true, at).unwrap();
}

/// Where the rows with these `id`s are.
async fn addresses(engine: &Engine, table: &Table, ids: &[i64]) -> Result<Vec<u64>> {
    let wanted = Arc::new(Int64Array::from(ids.to_vec()));
    let (columns, version) = (&table.schema.columns[..1], &table.version);
    let found = engine.reader().find_keys(version, columns, &[wanted], &|_| false).await?;
    let found = found.iter().map(|found| {
        let (ordinal, _) = version.find(found.segment).unwrap();
        address(ordinal, found.position)
    });
    Ok(found.collect())
}

/// Deletes a row and commits, again after each lost race, as an autocommit statement does.
pub(crate) async fn delete(engine: &Arc<Engine>, oid: Oid, id: i64) -> bool {
    loop {
        let mut writes = WriteSet::default();
        if remove(engine, &mut writes, oid, &[id]).await.unwrap() == 0 {
            return false;
        }
        match engine.commit(writes).await {
            Ok(_) => return true,
            Err(error) if error.code() == SqlState::SERIALIZATION_FAILURE => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// The rows of a version.
pub(crate) async fn rows_of(engine: &Engine, table: &Table) -> Vec<(i64, i32)> {
    let scan = Arc::new(Scan::of(table.schema.columns.clone().into()));
    let mut rows = Vec::new();
    let version: &TableVersion = &table.version;
    for unit in version.units() {
        let batches: Vec<RecordBatch> =
            engine.reader().scan(unit, Arc::clone(&scan)).try_collect().await.unwrap();
        for batch in batches {
            let ids = batch.column(0).as_primitive::<Int64Type>();
            let ns = batch.column(1).as_primitive::<Int32Type>();
            assert_eq!(ids.null_count() + ns.null_count(), 0);
            rows.extend(ids.values().iter().copied().zip(ns.values().iter().copied()));
        }
    }
    rows.sort_unstable();
    rows
}

/// The rows of a table now.
pub(crate) async fn rows(engine: &Engine, oid: Oid) -> Vec<(i64, i32)> {
    let snapshot = fresh(engine).await.unwrap();
    rows_of(engine, &snapshot.state.tables[&oid]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unique_keys_hold_on_two_nodes() {
    let world = World::remote(1);
    let engines = [world.engine().await, world.engine().await];
    create(&engines[0], TABLE, true).await;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..6 {
        let engine = Arc::clone(&engines[worker % 2]);
        tasks.spawn(async move {
            let mut won = Vec::new();
            for step in 0..40 {
                let id = i64::try_from((step + worker * 7) % 40).unwrap();
                let n = i32::try_from(worker).unwrap();
                match insert(&engine, TABLE, &[(id, n)]).await {
                    Ok(_) => won.push((id, n)),
                    Err(error) => assert_eq!(error.code(), SqlState::UNIQUE_VIOLATION, "{error}"),
                }
            }
            won
        });
    }
    let mut won: Vec<(i64, i32)> = tasks.join_all().await.concat();
    won.sort_unstable();
    let ids: BTreeSet<i64> = won.iter().map(|(id, _)| *id).collect();
    assert_eq!((won.len(), ids.len()), (40, 40));
    assert_eq!(rows(&engines[0], TABLE).await, won);
    assert_eq!(rows(&engines[1], TABLE).await, won);
}

#[tokio::test]
async fn a_commit_covers_several_tables() {
    let world = World::new(2);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    create(&engine, OTHER, true).await;
    let mut tasks = tokio::task::JoinSet::new();
    for id in 0..50 {
        let engine = Arc::clone(&engine);
        tasks.spawn(async move {
            let mut writes = WriteSet::default();
            add(&engine, &mut writes, TABLE, &[(id, 1)]).await.unwrap();
            add(&engine, &mut writes, OTHER, &[(id / 2, 2)]).await.unwrap();
            engine.commit(writes).await.is_ok()
        });
    }
    let committed = tasks.join_all().await.into_iter().filter(|won| *won).count();
    let both = (rows(&engine, TABLE).await, rows(&engine, OTHER).await);
    assert_eq!((committed, both.0.len(), both.1.len()), (25, 25, 25));
    let halves: BTreeSet<i64> = both.0.iter().map(|(id, _)| id / 2).collect();
    assert_eq!(halves.len(), 25, "a loser's row is in one of the tables");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_replies_are_settled_exactly_once() {
    let memory: Arc<dyn MetaStore> = Arc::new(Memory::new(Arc::new(SystemClock::new())));
    let faulty = Arc::new(Faulty::new(memory, 11));
    let world = World::over(Arc::clone(&faulty) as Arc<dyn MetaStore>, 3);
    let engine = world.engine().await;
    create(&engine, TABLE, false).await;
    insert(&engine, TABLE, &[(-1, 0)]).await.unwrap();
    faulty.set_rates(FaultRates { lose_reply: 150, lose_request: 150, ..Default::default() });
    let mut tasks = tokio::task::JoinSet::new();
    for id in 0..60 {
        let engine = Arc::clone(&engine);
        tasks.spawn(async move { (id, insert(&engine, TABLE, &[(id, 0)]).await.is_ok()) });
    }
    let committed: BTreeMap<i64, bool> = tasks.join_all().await.into_iter().collect();
    faulty.set_rates(FaultRates::default());
    let mut expected = vec![(-1, 0)];
    expected.extend(committed.iter().filter(|(_, ok)| **ok).map(|(id, _)| (*id, 0)));
    assert_eq!(rows(&engine, TABLE).await, expected);
    assert!(expected.len() > 30, "{} of 60 commits went through", expected.len() - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncate_removes_what_was_committed_before_it() {
    let world = World::new(4);
    let engine = world.engine().await;
    create(&engine, TABLE, false).await;
    let mut tasks = tokio::task::JoinSet::new();
    for id in 0..60 {
        let engine = Arc::clone(&engine);
        tasks.spawn(async move { (id, insert(&engine, TABLE, &[(id, 0)]).await.unwrap()) });
    }
    let truncated = loop {
        let snapshot = fresh(&engine).await.unwrap();
        let table = &snapshot.state.tables[&TABLE];
        let mut writes = WriteSet::default();
        writes.open(table).unwrap().truncate().unwrap();
        add(&engine, &mut writes, TABLE, &[(1000, 0)]).await.unwrap();
        match engine.commit(writes).await {
            Ok(revision) => break revision,
            Err(error) => assert_eq!(error.code(), SqlState::SERIALIZATION_FAILURE, "{error}"),
        }
    };
    let appends = tasks.join_all().await;
    let later = appends.iter().filter(|(_, revision)| *revision > truncated);
    let mut expected: Vec<(i64, i32)> = later.map(|(id, _)| (*id, 0)).collect();
    expected.push((1000, 0));
    expected.sort_unstable();
    assert_eq!(rows(&engine, TABLE).await, expected);
    let read_anew = world.engine().await;
    assert_eq!(rows(&read_anew, TABLE).await, expected);
}

#[tokio::test]
async fn the_oldest_revision_is_that_of_what_is_open() {
    let world = World::new(5);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    insert(&engine, TABLE, &[(1, 1), (2, 2)]).await.unwrap();
    let open = fresh(&engine).await.unwrap();
    insert(&engine, TABLE, &[(3, 3)]).await.unwrap();
    assert_eq!(engine.oldest_revision(), open.revision);
    drop(open);
    let now = engine.oldest_revision();
    assert_eq!(now, engine.current().revision);
    let mut writes = WriteSet::default();
    remove(&engine, &mut writes, TABLE, &[1]).await.unwrap();
    insert(&engine, TABLE, &[(4, 4)]).await.unwrap();
    assert_eq!(engine.oldest_revision(), now, "the open transaction may have to read again");
    drop(writes);
    assert!(engine.oldest_revision() > now);
}

/// A node with an empty table that has a key.
async fn keyed(seed: u64) -> (World, Arc<Engine>, Arc<Table>) {
    let world = World::new(seed);
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    let table = Arc::clone(&fresh(&engine).await.unwrap().state.tables[&TABLE]);
    (world, engine, table)
}

#[tokio::test]
async fn rows_written_behind_a_load_are_all_there() {
    let (_world, engine, table) = keyed(77).await;
    let table = &table;
    let mut writes = WriteSet::default();
    let mut behind = WriteBehind::at(1);
    for first in 0..20i64 {
        let rows: Vec<(i64, i32)> = (0..50).map(|row| (first * 50 + row, 1)).collect();
        let open = writes.open(table).unwrap();
        open.insert(&engine, table, batch(table, &rows)).await.unwrap();
        behind.relieve(&engine, open).await.unwrap();
    }
    // Keys of rows that have left the buffer still count.
    let open = writes.open(table).unwrap();
    let twice = open.insert(&engine, table, batch(table, &[(3, 2)])).await.unwrap_err();
    assert_eq!(twice.code(), SqlState::UNIQUE_VIOLATION);
    behind.finish(open).await.unwrap();
    engine.commit(writes).await.unwrap();
    let snapshot = fresh(&engine).await.unwrap();
    let mut rows = rows_of(&engine, &snapshot.state.tables[&TABLE]).await;
    rows.sort_unstable();
    assert_eq!(rows, (0..1_000).map(|id| (id, 1)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_load_that_is_given_up_leaves_no_objects() {
    let (world, engine, table) = keyed(78).await;
    let table = &table;
    let mut writes = WriteSet::default();
    let mut behind = WriteBehind::at(1);
    let open = writes.open(table).unwrap();
    open.insert(&engine, table, batch(table, &[(1, 1)])).await.unwrap();
    behind.relieve(&engine, open).await.unwrap();
    drop(behind);
    let deleted = || world.objects.counters().counts().deletes;
    let mut tries = 0;
    while deleted() == 0 {
        tries += 1;
        assert!(tries < 1_000, "the object stays");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
