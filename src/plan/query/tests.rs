//! Queries over tables in memory: what comes out, and as what.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::displayable;
use futures::TryStreamExt;
use uuid::Uuid;

use super::{PlanContext, Planner, QueryPlan, Relation, Relations, sql_error};
use crate::base::{ColumnId, Oid, Result, RowIds, SeededRandom, SegmentId, SqlError};
use crate::catalog::{ColumnDef, Comments, TableDef};
use crate::exec::{Run, Tables};
use crate::plan::Statement;
use crate::segment::{
    Column, InMemory, Reader, ReaderOptions, RowIdMap, Segment, TableSchema, TableVersion,
};
use crate::store::object::{Cache, Objects};
use crate::types::{ColumnBuilder, PgType, TextContext, to_text};

/// Tables and a planner, without a server.
#[derive(Debug)]
pub(crate) struct World {
    relations: BTreeMap<String, Relation>,
    versions: BTreeMap<Oid, Arc<TableVersion>>,
    reader: Arc<Reader>,
    _folder: Arc<tempfile::TempDir>,
}

impl Relations for World {
    fn relation(&self, _: Option<&str>, name: &str, _: &[String]) -> Option<Relation> {
        self.relations.get(name).cloned()
    }

    fn has_schema(&self, name: &str) -> bool {
        name == "public"
    }
}

impl Tables for World {
    fn version(&self, table: Oid) -> Option<Arc<TableVersion>> {
        self.versions.get(&table).cloned()
    }

    fn reader(&self) -> &Arc<Reader> {
        &self.reader
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::in_memory(Arc::new(SeededRandom::new(1)));
        let cache = Cache::open(folder.path(), 1 << 20).unwrap();
        let reader = Arc::new(Reader::new(Arc::new(objects), cache, ReaderOptions::default()));
        let mut world = Self {
            relations: BTreeMap::new(),
            versions: BTreeMap::new(),
            reader,
            _folder: Arc::new(folder),
        };
        world.table(
            16_400,
            "items",
            &[
                ("id", PgType::Int4),
                ("name", PgType::Text),
                ("price", PgType::Numeric(Some((10, 2)))),
                ("created", PgType::Timestamp),
                ("embedding", PgType::Vector(Some(3))),
            ],
            &[
                &["1", "apple", "1.50", "2024-01-01 00:00:00", "[1,0,0]"],
                &["2", "pear", "2.25", "2024-02-01 00:00:00", "[0,1,0]"],
                &["3", "plum", "0.75", "2024-03-01 00:00:00", "[0,0,1]"],
                &["4", "fig", "9.99", "2024-04-01 00:00:00", "NULL"],
                &["5", "kiwi", "NULL", "2024-05-01 00:00:00", "[1,1,0]"],
            ],
        );
        world.table(
            16_401,
            "orders",
            &[("id", PgType::Int8), ("item", PgType::Int4), ("amount", PgType::Float8)],
            &[&["10", "1", "2"], &["11", "1", "0.5"], &["12", "3", "4"]],
        );
        world.view(16_402, "cheap", "SELECT id, name, embedding FROM items WHERE price < 3");
        world
    }

    fn table(&mut self, oid: u32, name: &str, columns: &[(&str, PgType)], rows: &[&[&str]]) {
        let described = (1..)
            .zip(columns)
            .map(|(id, (name, ty))| Column::new(ColumnId(id), Arc::new(ty.field(*name, true))));
        let key = vec![ColumnId(1)];
        let table = Arc::new(TableSchema {
            columns: described.collect(),
            sort: key.clone(),
            keys: vec![key],
        });
        let mut version = TableVersion::empty(Oid(oid));
        let schema = table.arrow();
        // Two segments, so that scans and searches have something to merge.
        for (part, chunk) in rows.chunks(rows.len().div_ceil(2)).enumerate() {
            let context = TextContext::default();
            let arrays = columns.iter().enumerate().map(|(at, (_, ty))| {
                let mut builder = ColumnBuilder::new(ty, chunk.len());
                for row in chunk {
                    match row[at] {
                        "NULL" => builder.append_null(),
                        text => builder.append_text(text, &context).unwrap(),
                    }
                }
                builder.finish()
            });
            let batch = RecordBatch::try_new(Arc::clone(&schema), arrays.collect()).unwrap();
            let ids = RowIds { first: 100 * (part as u64 + 1), count: chunk.len() as u64 };
            let rows = InMemory::new(table.ids(), batch, RowIdMap::Contiguous(ids)).unwrap();
            let id = SegmentId(Uuid::from_u128(u128::from(oid) * 10 + part as u128));
            version.insert(Segment::memory(id, Arc::new(rows)));
        }
        let relation = Relation::Table { oid: Oid(oid), schema: table };
        self.relations.insert(name.into(), relation);
        self.versions.insert(Oid(oid), Arc::new(version));
    }

    fn view(&mut self, oid: u32, name: &str, query: &str) {
        let view = Relation::View {
            oid: Oid(oid),
            query: query.into(),
            search_path: vec!["public".into()],
            rights: None,
        };
        self.relations.insert(name.into(), view);
    }
}

pub(crate) fn context(world: &Arc<World>) -> PlanContext {
    PlanContext {
        relations: Arc::clone(world) as Arc<dyn Relations>,
        search_path: vec!["public".into()],
        text: Arc::new(TextContext::default()),
        rights: None,
        guarding: Arc::from([]),
        within: Arc::from([]),
        locked: Arc::from([]),
    }
}

pub(crate) fn run_of(world: &Arc<World>) -> Run {
    Run::new(Arc::clone(world) as Arc<dyn Tables>, Arc::new(RuntimeEnv::default()))
}

fn random() -> Arc<dyn crate::base::Random> {
    Arc::new(SeededRandom::new(1))
}

fn plan(world: &Arc<World>, sql: &str) -> Result<QueryPlan> {
    let planner = Arc::new(Planner::new(2, &random()));
    planner.query(&context(world), &crate::plan::parse_query(sql)?, &[])
}

async fn rows(
    world: &Arc<World>,
    plan: &QueryPlan,
    parameters: &[ScalarValue],
) -> Result<Vec<String>> {
    let types: Vec<PgType> = plan.columns().iter().map(|column| column.ty.clone()).collect();
    texts(plan.execute(parameters, &run_of(world))?, &types).await
}

async fn texts(stream: SendableRecordBatchStream, types: &[PgType]) -> Result<Vec<String>> {
    let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(sql_error)?;
    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let mut cells = Vec::new();
            for (array, ty) in batch.columns().iter().zip(types) {
                let value = ScalarValue::try_from_array(array, row).map_err(sql_error)?;
                let text = to_text(ty, &value, &TextContext::default())?;
                cells.push(text.unwrap_or_else(|| "NULL".into()));
            }
            lines.push(cells.join("|"));
        }
    }
    Ok(lines)
}

async fn ask(sql: &str) -> Result<Vec<String>> {
    let world = Arc::new(World::new());
    let plan = plan(&world, sql)?;
    rows(&world, &plan, &[]).await
}

fn error(result: Result<Vec<String>>) -> SqlError {
    result.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_sorts_and_limits() {
    let found = ask("SELECT name FROM items WHERE price < 3 ORDER BY price DESC").await.unwrap();
    assert_eq!(found, ["pear", "apple", "plum"]);
    let found = ask("SELECT id FROM items ORDER BY id DESC LIMIT 2 OFFSET 1").await.unwrap();
    assert_eq!(found, ["4", "3"]);
    let found = ask("SELECT count(*), sum(amount) FROM orders").await.unwrap();
    assert_eq!(found, ["3|6.5"]);
    let found =
        ask("SELECT i.name, count(*) FROM items i JOIN orders o ON o.item = i.id GROUP BY i.name \
         ORDER BY 1")
        .await
        .unwrap();
    assert_eq!(found, ["apple|2", "plum|1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_up_by_key() {
    let world = Arc::new(World::new());
    let plan = plan(&world, "SELECT * FROM items WHERE id = $1").unwrap();
    assert_eq!(plan.parameters(), [PgType::Int4]);
    for _ in 0..3 {
        let found = rows(&world, &plan, &[ScalarValue::Int32(Some(2))]).await.unwrap();
        assert_eq!(found, ["2|pear|2.25|2024-02-01 00:00:00|[0,1,0]"]);
        assert!(rows(&world, &plan, &[ScalarValue::Int32(Some(77))]).await.unwrap().is_empty());
        assert!(rows(&world, &plan, &[ScalarValue::Int32(None)]).await.unwrap().is_empty());
    }
    let physical = plan.physical(&[ScalarValue::Int32(Some(2))]).unwrap();
    assert_eq!(physical.name(), "KeyLookupExec");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn literals_take_the_type_of_the_other_side() {
    let found = ask("SELECT id FROM items WHERE created > '2024-03-15' ORDER BY id").await;
    assert_eq!(found.unwrap(), ["4", "5"]);
    let found = ask("SELECT name FROM items WHERE id = '5'").await.unwrap();
    assert_eq!(found, ["kiwi"]);
    let found = ask("SELECT id FROM items WHERE id IN ('1', 3) ORDER BY 1").await.unwrap();
    assert_eq!(found, ["1", "3"]);
    let found = ask("SELECT id FROM items WHERE id BETWEEN '2' AND 3 ORDER BY 1").await.unwrap();
    assert_eq!(found, ["2", "3"]);
    let wrong = error(ask("SELECT id FROM items WHERE id = 'x'").await);
    assert_eq!(wrong.code().as_str(), "22P02");
    assert_eq!(wrong.to_string(), "invalid input syntax for type integer: \"x\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nearest_rows_come_first() {
    let world = Arc::new(World::new());
    for sql in [
        "SELECT id FROM items ORDER BY embedding <-> '[1,0.1,0]' LIMIT 3",
        "SELECT id, embedding <-> '[1,0.1,0]' AS d FROM items ORDER BY d LIMIT 3",
        "SELECT id FROM vector_search('items', 'embedding', '[1,0.1,0]', 3)",
    ] {
        let plan = plan(&world, sql).unwrap();
        let physical = displayable(plan.physical(&[]).unwrap().as_ref()).indent(true).to_string();
        assert!(physical.contains("VectorSearchExec"), "{sql}: {physical}");
        assert!(!physical.contains("SortExec"), "{sql}: {physical}");
        let found = rows(&world, &plan, &[]).await.unwrap();
        let ids: Vec<&str> = found.iter().filter_map(|line| line.split('|').next()).collect();
        assert_eq!(ids, ["1", "5", "2"], "{sql}");
    }
    let found =
        ask("SELECT id FROM items WHERE price < 3 ORDER BY embedding <-> '[1,0.1,0]' LIMIT 10");
    assert_eq!(found.await.unwrap(), ["1", "2", "3"]);
    let found = ask("SELECT id FROM items ORDER BY embedding <=> '[1,0.1,0]' LIMIT 10").await;
    assert_eq!(found.unwrap(), ["1", "5", "2", "3", "4"], "NULL comes last");
    let wrong = error(ask("SELECT id FROM items ORDER BY embedding <-> '[1,2]' LIMIT 1").await);
    assert_eq!(wrong.to_string(), "different vector dimensions 3 and 2");
}

#[test]
fn names_and_types_are_postgresqls() {
    let world = Arc::new(World::new());
    let plan = plan(
        &world,
        "SELECT 1, 3000000000, 1.5, 'a', upper(name), id, id, count(*) OVER (), id::int8, \
         CASE WHEN true THEN 1 END, name AS x, id + 1 FROM items",
    )
    .unwrap();
    let columns: Vec<(&str, &str)> =
        plan.columns().iter().map(|column| (column.name.as_str(), column.ty.name())).collect();
    let expected = [
        ("?column?", "int4"),
        ("?column?", "int8"),
        ("?column?", "numeric"),
        ("?column?", "text"),
        ("upper", "text"),
        ("id", "int4"),
        ("id", "int4"),
        ("count", "int8"),
        ("id", "int8"),
        ("case", "int4"),
        ("x", "text"),
        ("?column?", "int4"),
    ];
    assert_eq!(columns, expected);
}

#[test]
fn parameters_find_their_types() {
    let world = Arc::new(World::new());
    let types = |sql: &str| {
        let plan = plan(&world, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        plan.parameters().iter().map(|ty| ty.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(types("SELECT $1::int8, $2"), ["int8", "text"]);
    assert_eq!(types("SELECT * FROM items WHERE name = $2 AND id = $1"), ["int4", "text"]);
    assert_eq!(types("SELECT * FROM items WHERE id = ANY($1)"), ["_int4"]);
    assert_eq!(types("SELECT * FROM items LIMIT $1 OFFSET $2"), ["int8", "int8"]);
    assert_eq!(types("SELECT * FROM items WHERE id IN ($1, $2)"), ["int4", "int4"]);
    assert_eq!(types("SELECT * FROM items WHERE created BETWEEN $1 AND now()"), ["timestamp"]);
    assert_eq!(types("SELECT * FROM orders WHERE id = $1 AND item = $1"), ["int8"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_may_be_a_parameter() {
    let world = Arc::new(World::new());
    let plan = plan(&world, "SELECT id FROM items ORDER BY id LIMIT $1").unwrap();
    let ask = |count| rows(&world, &plan, Box::leak(Box::new([ScalarValue::Int64(count)])));
    assert_eq!(ask(Some(2)).await.unwrap(), ["1", "2"]);
    assert_eq!(ask(Some(0)).await.unwrap().len(), 0);
    assert_eq!(ask(None).await.unwrap().len(), 5);
    assert_eq!(ask(Some(-1)).await.unwrap_err().code().as_str(), "2201W");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_postgresqls() {
    for (sql, code, message) in [
        ("SELECT * FROM nowhere", "42P01", "relation \"nowhere\" does not exist"),
        ("SELECT nothing FROM items", "42703", "column \"nothing\" does not exist"),
        ("SELECT i.nothing FROM items i", "42703", "column i.nothing does not exist"),
        ("SELECT id FROM items, orders", "42702", "column reference \"id\" is ambiguous"),
        ("SELECT id FROM items WHERE name = 1", "42883", "operator does not exist: text = integer"),
        ("SELECT 1 / 0", "22012", "division by zero"),
        (
            "SELECT DISTINCT name FROM items FOR UPDATE",
            "0A000",
            "FOR UPDATE is not allowed with DISTINCT clause",
        ),
    ] {
        let error = error(ask(sql).await);
        assert_eq!((error.code().as_str(), error.to_string().as_str()), (code, message), "{sql}");
    }
    let grouping = error(ask("SELECT name, count(*) FROM items").await);
    assert_eq!(grouping.code().as_str(), "42803");
    let function = error(ask("SELECT no_such_function(1)").await);
    assert_eq!(function.code().as_str(), "42883");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subqueries_views_and_recursion() {
    let found = ask("SELECT name FROM cheap ORDER BY id").await.unwrap();
    assert_eq!(found, ["apple", "pear", "plum"]);
    let found =
        ask("SELECT name FROM items i WHERE EXISTS (SELECT 1 FROM orders o WHERE o.item = i.id) \
         ORDER BY 1");
    assert_eq!(found.await.unwrap(), ["apple", "plum"]);
    let found = ask("SELECT g FROM generate_series(1, 3) AS g").await.unwrap();
    assert_eq!(found, ["1", "2", "3"]);
    let found = ask("SELECT DISTINCT ON (item) item, id FROM orders ORDER BY item, id DESC");
    assert_eq!(found.await.unwrap(), ["1|11", "3|12"]);
    let found = ask("SELECT (SELECT max(id) FROM orders), name FROM items WHERE id = 1").await;
    assert_eq!(found.unwrap(), ["12|apple"]);
}

fn items_definition() -> TableDef {
    let column = |id, name: &str, ty: PgType| ColumnDef {
        id: ColumnId(id),
        name: name.into(),
        ty: (&ty).into(),
        not_null: false,
        default: (name == "name").then(|| "'unnamed'".into()),
        generated: false,
        identity: None,
        missing: None,
        comment: None,
    };
    TableDef {
        oid: Oid(16_400),
        schema: Oid(2200),
        name: "items".into(),
        owner: Oid(10),
        columns: vec![
            column(1, "id", PgType::Int4),
            column(2, "name", PgType::Text),
            column(3, "price", PgType::Numeric(Some((10, 2)))),
            column(4, "created", PgType::Timestamp),
            column(5, "embedding", PgType::Vector(Some(3))),
        ],
        next_column: ColumnId(6),
        keys: Vec::new(),
        indexes: Vec::new(),
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
    }
}

async fn change(sql: &str) -> Result<Vec<String>> {
    let world = Arc::new(World::new());
    let planner = Arc::new(Planner::new(2, &random()));
    let (context, table) = (context(&world), items_definition());
    let parsed = crate::plan::parse(sql)?.remove(0);
    let plan = match parsed.statement {
        Statement::Insert(insert) => planner.insert(&context, &table, &insert, &[])?,
        Statement::Update(update) => planner.update(&context, &table, &update, &[])?,
        Statement::Delete(delete) => planner.delete(&context, &table, &delete, &[])?,
        other => panic!("{other:?}"),
    };
    let stream = plan.source.execute(&[], &run_of(&world))?;
    let schema = stream.schema();
    let types = schema.fields().iter().map(|field| match PgType::of_field(field) {
        PgType::Unknown => PgType::Text,
        ty => ty,
    });
    let types: Vec<PgType> = types.collect();
    texts(stream, &types).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_queries() {
    let found = change(
        "INSERT INTO items (id, price, embedding) VALUES (7, 1.005, '[1,2,3]'), ('8', NULL, NULL)",
    );
    assert_eq!(found.await.unwrap(), ["7|unnamed|1.01|NULL|[1,2,3]", "8|unnamed|NULL|NULL|NULL"]);
    let found = change("UPDATE items SET price = price * 2 WHERE id = 2").await.unwrap();
    assert_eq!(found, ["1|2|pear|4.50|2024-02-01 00:00:00|[0,1,0]"]);
    assert!(change("DELETE FROM items WHERE false").await.unwrap().is_empty());
    assert_eq!(change("DELETE FROM items WHERE id > 3").await.unwrap().len(), 2);
    let wrong = change("INSERT INTO items (id) SELECT name FROM items").await.unwrap_err();
    assert_eq!(wrong.code().as_str(), "42804");
    let wrong = change("INSERT INTO items (embedding) VALUES ('[1,2]')").await.unwrap_err();
    assert_eq!(wrong.to_string(), "expected 3 dimensions, not 2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_may_be_recursive() {
    let found = ask("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4) \
             SELECT sum(n) FROM t");
    assert_eq!(found.await.unwrap(), ["10"]);
}
