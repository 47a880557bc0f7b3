//! COPY with files and objects on the server's side: what pyarrow and DuckDB write is read, what
//! Redkite writes they read, and a bucket's objects are as good as files.

use crate::fleet::{Backend, Fleet};
use crate::process::tool;
use crate::stores::BUCKET;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio_postgres::Client;

/// What others write: vectors as fixed and as variable lists, row groups, a dictionary.
const WRITE: &str = r#"
import sys, datetime, decimal
import duckdb, pyarrow as pa, pyarrow.parquet as pq
folder = sys.argv[1]
n = 5000
table = pa.table({
    "id": pa.array(range(n), pa.int64()),
    "title": pa.array([None if i % 7 == 0 else f"title {i}" for i in range(n)]).dictionary_encode(),
    "price": pa.array([decimal.Decimal(i) / 4 for i in range(n)], pa.decimal128(12, 2)),
    "day": pa.array([datetime.date(2024, 1, 1 + i % 28) for i in range(n)]),
    "moment": pa.array([1700000000000000000 + i * 1000 for i in range(n)], pa.timestamp("ns", tz="UTC")),
    "fixed": pa.array([[i, 0.5, -1] for i in range(n)], pa.list_(pa.float32(), 3)),
    "listed": pa.array([None if i == 3 else [i, 0.25] for i in range(n)], pa.list_(pa.float64())),
    "large": pa.array([f"{i}" for i in range(n)], pa.large_string()),
})
pq.write_table(table, folder + "/pyarrow.parquet", row_group_size=900)
pq.write_table(table.slice(0, 10), folder + "/page_v2.parquet", data_page_version="2.0", compression="zstd")
duckdb.sql(f"COPY (SELECT i AS id, 'duck ' || i AS title, [i, 1, 2]::FLOAT[3] AS fixed, [i, 1]::FLOAT[] AS listed,"
           f" uuid() AS u FROM range(1000) t(i)) TO '{folder}/duckdb.parquet' (FORMAT parquet)")
"#;

const READ: &str = r#"
import sys
import duckdb, pyarrow as pa, pyarrow.parquet as pq
path = sys.argv[1]
table = pq.read_table(path)
assert table.num_rows == 5000, table.num_rows
kinds = {field.name: field.type for field in table.schema}
assert pa.types.is_fixed_size_list(kinds["fixed"]) and kinds["fixed"].list_size == 3, kinds
assert pa.types.is_float32(kinds["fixed"].value_type) and pa.types.is_list(kinds["listed"]), kinds
assert pa.types.is_decimal(kinds["price"]) and pa.types.is_date(kinds["day"]), kinds
rows = {row["id"]: row for row in table.to_pylist()}
assert rows[8]["fixed"] == [8.0, 0.5, -1.0] and rows[3]["listed"] is None, rows[3]
assert rows[8]["title"] == "title 8" and rows[7]["title"] is None
answer = duckdb.execute("SELECT count(*), sum(id), sum(price), count(title), sum(list_sum(fixed)),"
                        " count(listed), min(day)::text, typeof(any_value(u)) FROM read_parquet(?)", [path]).fetchone()
assert [str(value) for value in answer] == ["5000", "12497500", "3124375.00", "4285", "12495000.0",
                                           "4999", "2024-01-01", "UUID"], answer
"#;

const TABLE: &str =
    "CREATE TABLE read (id int8 PRIMARY KEY, title text, price numeric(12,2), day date,
    moment timestamptz, fixed vector(3), listed vector, large text)";

fn python(program: &str, argument: &Path) {
    let mut command = Command::new(tool("venv/bin/python"));
    let output = command.args(["-c", program]).arg(argument).output().expect("python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
}

/// How many rows a statement says that there were.
async fn rows(client: &Client, sql: &str) -> u64 {
    client.execute(sql, &[]).await.expect(sql)
}

async fn value(client: &Client, sql: &str) -> String {
    let row = client.query_one(sql, &[]).await.expect(sql);
    row.get::<_, String>(0)
}

async fn code(client: &Client, sql: &str) -> String {
    let error = client.batch_execute(sql).await.expect_err(sql);
    error.code().map(|code| code.code().to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn others_parquet_comes_in_and_ours_goes_out_drivers() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let client = fleet.node(0).connect().await;
    let folder = fleet.folder().display().to_string();
    python(WRITE, fleet.folder());
    client.batch_execute(TABLE).await.expect("the table");
    let sql = format!("COPY read FROM '{folder}/pyarrow.parquet' (FORMAT parquet)");
    assert_eq!(rows(&client, &sql).await, 5000);
    let sums = value(
        &client,
        "SELECT concat_ws(' ', sum(id), sum(price), count(title), min(moment)::date,
            count(*) FILTER (WHERE fixed = ('[' || id || ',0.5,-1]')::vector),
            count(*) FILTER (WHERE listed = ('[' || id || ',0.25]')::vector), max(large)) FROM read",
    );
    assert_eq!(sums.await, "12497500 3124375.00 4285 2023-11-14 5000 4999 999");
    client.batch_execute("TRUNCATE read").await.expect("an empty table");
    for sql in [
        format!("COPY read FROM '{folder}/page_v2.parquet' (FORMAT parquet)"),
        "TRUNCATE read".to_owned(),
        format!(
            "COPY read (id, title, fixed, listed) FROM '{folder}/duckdb.parquet' (FORMAT parquet)"
        ),
        "TRUNCATE read".to_owned(),
        format!("COPY read FROM '{folder}/pyarrow.parquet' (FORMAT parquet)"),
        format!(
            "COPY (SELECT *, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u FROM read) TO
                '{folder}/ours.parquet' (FORMAT parquet)"
        ),
    ] {
        client.batch_execute(&sql).await.expect(&sql);
    }
    python(READ, &fleet.folder().join("ours.parquet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buckets_objects_are_as_good_as_files_shared() {
    let fleet = Fleet::start(Backend::Shared).await;
    let client = fleet.node(0).connect().await;
    client
        .batch_execute(
            "CREATE TABLE t (id int PRIMARY KEY, e vector(64)); CREATE TABLE u (LIKE t INCLUDING ALL);
            INSERT INTO t SELECT x, ('[' || x || repeat(',1', 63) || ']')::vector
            FROM generate_series(1, 60000) AS g(x)",
        )
        .await
        .expect("the rows");
    // more than one part of an upload, and more than one row group
    for (name, options) in [("a.parquet", "parquet"), ("a.csv", "csv, HEADER"), ("a.bin", "binary")]
    {
        let place = format!("s3://{BUCKET}/outside/{name}");
        for _ in 0..2 {
            // the second time it takes the first one's place
            let sql = format!("COPY t TO '{place}' (FORMAT {options})");
            assert_eq!(rows(&client, &sql).await, 60_000);
        }
        let sql = format!("COPY u FROM '{place}' (FORMAT {options})");
        assert_eq!(rows(&client, &sql).await, 60_000);
        let same = "SELECT count(*)::text FROM t JOIN u USING (id) WHERE t.e = u.e";
        assert_eq!(value(&client, same).await, "60000");
        client.batch_execute("TRUNCATE u").await.expect("an empty table");
    }
    for part in 0..3 {
        let sql = format!(
            "COPY (SELECT * FROM t WHERE id % 3 = {part}) TO 's3://{BUCKET}/outside/part_{part}.csv'"
        );
        client.batch_execute(&sql).await.expect(&sql);
    }
    let sql = format!("COPY u FROM 's3://{BUCKET}/outside/part_*.csv'");
    assert_eq!(rows(&client, &sql).await, 60_000);
    // a small object, in one request
    let small = format!("s3://{BUCKET}/outside/small.csv");
    client.batch_execute(&format!("COPY (SELECT 1) TO '{small}'")).await.expect("a small object");
    for (sql, expected) in [
        (format!("COPY t FROM 's3://{BUCKET}/outside/nothing.csv'"), "58P01"),
        (format!("COPY t FROM 's3://{BUCKET}/outside/nothing_*'"), "58P01"),
        (format!("COPY t TO 's3://{BUCKET}/objects/mine.csv'"), "42501"),
        (
            format!("COPY (SELECT 1 / (x - 9) FROM generate_series(1, 9) g(x)) TO '{small}'"),
            "22012",
        ),
    ] {
        assert_eq!(code(&client, &sql).await, expected, "{sql}");
    }
    client.batch_execute("CREATE TABLE one (a int)").await.expect("a table");
    let before = rows(&client, &format!("COPY one FROM '{small}'")).await;
    assert_eq!(before, 1, "what was there before");
    // nobody else
    client
        .batch_execute("CREATE ROLE poor; GRANT ALL ON t TO poor; SET ROLE poor")
        .await
        .expect("a role");
    for (sql, said) in [
        (format!("COPY t FROM '{small}'"), "permission denied to COPY from a file"),
        (format!("COPY t TO '{small}'"), "permission denied to COPY to a file"),
    ] {
        let error = client.batch_execute(&sql).await.expect_err(&sql);
        assert_eq!(error.as_db_error().expect("an answer").message(), said);
        assert_eq!(code(&client, &sql).await, "42501");
    }
}

/// A COPY shows how far it is, and can be stopped; then nothing of it is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_seen_and_can_be_stopped() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let (client, other) = (fleet.node(0).connect().await, fleet.node(0).connect().await);
    let folder = fleet.folder().display().to_string();
    client.batch_execute("CREATE TABLE t (id int8, s text)").await.expect("a table");
    for (format, ending) in [("csv", "csv"), ("parquet", "parquet")] {
        let path = format!("{folder}/huge.{ending}");
        let sql = format!(
            "COPY (SELECT x, repeat('abc', 40) AS s FROM generate_series(1, 100000) AS g(x),
                generate_series(1, 100000) AS h(y))
                TO '{path}' (FORMAT {format})"
        );
        let running = tokio::spawn({
            let running = fleet.node(0).connect().await;
            async move { running.batch_execute(&sql).await }
        });
        let seen =
            "SELECT concat_ws(' ', command, type, relid, bytes_total) FROM pg_stat_progress_copy
            WHERE tuples_processed > 0 AND bytes_processed > 0";
        let pid = "SELECT pid::text FROM pg_stat_progress_copy";
        for attempt in 0.. {
            if let Some(row) = other.query_opt(seen, &[]).await.expect("the progress") {
                assert_eq!(row.get::<_, String>(0), "COPY TO FILE 0 0");
                break;
            }
            assert!(attempt < 600, "no progress is shown");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let pid = value(&other, pid).await;
        other.batch_execute(&format!("SELECT pg_cancel_backend({pid})")).await.expect("a cancel");
        let error = running.await.expect("it ends").expect_err("it was stopped");
        assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("57014"));
        assert!(!Path::new(&path).exists());
    }
    let left = std::fs::read_dir(fleet.folder()).expect("the folder").flatten();
    let left: Vec<_> = left.filter(|e| e.file_name().to_string_lossy().contains("huge")).collect();
    assert!(left.is_empty(), "{left:?}");
    let none = value(&other, "SELECT count(*)::text FROM pg_stat_progress_copy").await;
    assert_eq!(none, "0");
}
