"""polars: read and write by ADBC, ConnectorX and SQLAlchemy."""

import datetime as dt
import decimal
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import psycopg
import sqlalchemy as sa
from cases import case, raises, run, same, url
from polars.testing import assert_frame_equal

URI = url("postgresql")
engine = sa.create_engine(url("postgresql+psycopg"))
FRAME = pl.DataFrame({"n": [1, 2, 3], "x": [0.5, None, -1.5], "t": ["a", "quo'te", "日本"], "b": [True, None, False],
                      "d": [dt.date(2024, 2, 29), None, dt.date(1999, 12, 31)]})


def read(sql, kind="connectorx"):
    return pl.read_database_uri(sql, URI, engine=kind)


def execute(*statements):
    with psycopg.connect(URI, autocommit=True) as c:
        for statement in statements:
            c.execute(statement)


@case
def write_by_sqlalchemy():
    same(FRAME.write_database("pl_alchemy", engine, if_table_exists="replace") is not None, True)


@case
def write_by_adbc():
    same(FRAME.write_database("pl_frame", URI, engine="adbc", if_table_exists="replace"), 3)


@case
def append_by_adbc():
    FRAME.write_database("pl_append", URI, engine="adbc", if_table_exists="replace")
    same(FRAME.write_database("pl_append", URI, engine="adbc", if_table_exists="append"), 3)
    same(read("SELECT count(*) AS n FROM pl_append")["n"][0], 6)


@case
def fail_when_there():
    raises(Exception, lambda: FRAME.write_database("pl_append", URI, engine="adbc"))


@case
def read_by_connectorx():
    assert_frame_equal(read("SELECT * FROM pl_alchemy ORDER BY n"), FRAME)


@case
def read_by_adbc():
    assert_frame_equal(read("SELECT * FROM pl_alchemy ORDER BY n", "adbc"), FRAME)


@case
def read_by_sqlalchemy():
    assert_frame_equal(pl.read_database("SELECT * FROM pl_alchemy ORDER BY n", engine), FRAME)


@case
def read_by_psycopg():
    with psycopg.connect(URI) as c:
        assert_frame_equal(pl.read_database("SELECT * FROM pl_alchemy ORDER BY n", c), FRAME)


@case
def read_in_partitions():
    execute("DROP TABLE IF EXISTS pl_many", "CREATE TABLE pl_many AS SELECT n::int8 AS n FROM generate_series(1, 10000) AS g(n)")
    got = pl.read_database_uri("SELECT n FROM pl_many", URI, partition_on="n", partition_num=4)
    same((len(got), got["n"].sum()), (10000, 50005000))


@case
def read_several_queries():
    got = read(["SELECT n FROM pl_many WHERE n <= 10", "SELECT n FROM pl_many WHERE n > 9990"])
    same(len(got), 20)


@case
def connectorx_by_protocols():
    import connectorx
    for protocol in ("binary", "cursor", "csv", "simple"):
        got = connectorx.read_sql(URI, "SELECT n FROM pl_many WHERE n < 6", protocol=protocol, return_type="polars")
        same(sorted(got["n"]), [1, 2, 3, 4, 5])


@case
def read_in_batches():
    batches = list(pl.read_database("SELECT n FROM pl_many", engine, iter_batches=True, batch_size=3000))
    same(sum(len(b) for b in batches), 10000)


@case
def types_by_connectorx():
    got = read("SELECT 1::int2 AS a, 2::int8 AS b, 1.5::float4 AS c, 'x'::varchar(3) AS d, "
               "'2024-01-02 03:04:05'::timestamp AS e, '01:02:03'::time AS f")
    same(got.row(0), (1, 2, 1.5, "x", dt.datetime(2024, 1, 2, 3, 4, 5), dt.time(1, 2, 3)))


@case
def types_by_adbc():
    got = read("SELECT 1::int2 AS a, 2::int8 AS b, 1.5::float4 AS c, 'x'::varchar(3) AS d, "
               "'2024-01-02 03:04:05'::timestamp AS e, '\\x00ff'::bytea AS f, true AS g", "adbc")
    same(got.row(0), (1, 2, 1.5, "x", dt.datetime(2024, 1, 2, 3, 4, 5), b"\x00\xff", True))


@case
def numerics():
    got = read("SELECT 12.50::numeric(6,2) AS n")
    same(float(got["n"][0]), 12.5)
    same(decimal.Decimal(read("SELECT 12.50::numeric(6,2) AS n", "adbc")["n"][0]), decimal.Decimal("12.50"))


@case
def arrays():
    got = pl.read_database("SELECT ARRAY[1, 2] AS a, ARRAY['x', 'y'] AS t", engine)
    same((got["a"][0].to_list(), got["t"][0].to_list()), ([1, 2], ["x", "y"]))


@case
def arrays_by_adbc():
    got = read("SELECT ARRAY[1, 2]::int8[] AS a", "adbc")
    same(got["a"][0].to_list(), [1, 2])


@case
def uuids_and_json():
    got = read("SELECT '12345678-1234-5678-1234-567812345678'::uuid AS u, '{\"a\": 1}'::jsonb AS j")
    same((got["u"][0], got["j"][0]), ("12345678-1234-5678-1234-567812345678", '{"a":1}'))


@case
def parameters():
    got = pl.read_database("SELECT n FROM pl_many WHERE n = :n", engine, execute_options={"parameters": {"n": 7}})
    same(got["n"].to_list(), [7])
    with adbc.connect(URI) as c, c.cursor() as cursor:
        cursor.execute("SELECT n FROM pl_many WHERE n = $1", (8,))
        same(cursor.fetchall(), [(8,)])


@case
def adbc_catalog():
    with adbc.connect(URI) as c:
        found = c.adbc_get_objects(depth="tables", table_name_filter="pl_many").read_all().to_pylist()
        tables = [t["table_name"] for db in found for s in db["catalog_db_schemas"] or [] for t in s["db_schema_tables"] or []]
        same(tables, ["pl_many"])


@case
def adbc_columns():
    with adbc.connect(URI) as c:
        same([f.name for f in c.adbc_get_table_schema("pl_alchemy")], ["n", "x", "t", "b", "d"])
        found = c.adbc_get_objects(depth="all", table_name_filter="pl_many").read_all().to_pylist()
        columns = [k["column_name"] for db in found for s in db["catalog_db_schemas"] or []
                   for t in s["db_schema_tables"] or [] for k in t["table_columns"] or []]
        same(columns, ["n"])


@case
def adbc_transactions():
    with adbc.connect(URI) as c, c.cursor() as cursor:
        cursor.execute("INSERT INTO pl_many VALUES (-1)")
        c.rollback()
    same(read("SELECT n FROM pl_many WHERE n < 0").height, 0)


@case
def adbc_many():
    with adbc.connect(URI) as c, c.cursor() as cursor:
        cursor.executemany("INSERT INTO pl_many VALUES ($1)", [(-n,) for n in range(1, 101)])
        c.commit()
    same(read("SELECT n FROM pl_many WHERE n < 0").height, 100)


@case
def empty_results():
    same(read("SELECT n FROM pl_many WHERE n > 100000").height, 0)
    same(read("SELECT n FROM pl_many WHERE n > 100000", "adbc").height, 0)


@case
def vectors():
    execute("CREATE EXTENSION IF NOT EXISTS vector", "DROP TABLE IF EXISTS pl_vectors",
            "CREATE TABLE pl_vectors (id int8, e vector(2))", "INSERT INTO pl_vectors VALUES (1, '[1,2]'), (2, '[3,4]')")
    got = pl.read_database("SELECT id, e::text AS e FROM pl_vectors ORDER BY e <-> '[3,3]'", engine)
    same(got["e"].to_list(), ["[3,4]", "[1,2]"])
    got = read("SELECT id, e::real[] AS e FROM pl_vectors ORDER BY id", "adbc")
    same(got["e"].to_list(), [[1, 2], [3, 4]])


run("polars")
