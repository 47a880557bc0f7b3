//! Data objects are Parquet that others can read as they are: DuckDB and pyarrow do.

use crate::fleet::{Backend, Fleet};
use crate::process::tool;
use std::process::Command;

const FILL: &str =
    "CREATE TABLE items (id int8 PRIMARY KEY, name text, price float8, day date, e vector(4));
    INSERT INTO items SELECT x, 'name ' || x, x / 4.0, date '2024-01-01', '[1,2,3,4]'::vector
    FROM generate_series(1, 20000) AS g(x)";

const LOOK: &str = r#"
import glob, sys
import duckdb
files = glob.glob(sys.argv[1] + "/**/*.parquet", recursive=True)
assert files, "no Parquet file below " + sys.argv[1]
names = duckdb.sql("DESCRIBE SELECT * FROM read_parquet($f)", params={"f": files}).fetchall()
print([name for name, *_ in names])
row = duckdb.sql("SELECT count(*), sum(id), min(name), max(price), min(day)::text, sum(list_sum(e))"
                 " FROM read_parquet($f)", params={"f": files}).fetchall()[0]
assert row == (20000, 200010000, "name 1", 5000.0, "2024-01-01", 200000.0), row
import pyarrow.parquet
assert sum(pyarrow.parquet.read_metadata(f).num_rows for f in files) == 20000
"#;

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_reads_the_data_objects_drivers() {
    let fleet = Fleet::start(Backend::Embedded).await;
    fleet.node(0).connect().await.batch_execute(FILL).await.expect("the rows");
    let mut command = Command::new(tool("venv/bin/python"));
    let output = command.args(["-c", LOOK]).arg(fleet.folder()).output().expect("python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
}
