"""pandas over SQLAlchemy and psycopg, and over ADBC: to_sql and read_sql."""

import datetime as dt
import decimal
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import numpy as np
import pandas as pd
import sqlalchemy as sa
from cases import case, raises, run, same, url
from pandas.testing import assert_frame_equal

engine = sa.create_engine(url("postgresql+psycopg"))
other = sa.create_engine(url("postgresql+psycopg2"))
FRAME = pd.DataFrame({
    "n": [1, 2, 3], "x": [0.5, np.nan, -1.5], "t": ["a", "quo'te", "日本"], "b": [True, False, True],
    "at": pd.to_datetime(["2024-01-02 03:04:05", "1999-12-31 00:00:00", "2030-06-01 23:59:59"]).astype("datetime64[us]"),
})


def read(sql, **more):
    return pd.read_sql(sql, engine, **more)


def count(table):
    with engine.connect() as c:
        return c.scalar(sa.text(f"SELECT count(*) FROM {table}"))


@case
def write():
    FRAME.to_sql("pd_frame", engine, if_exists="replace", index=False)
    same(count("pd_frame"), 3)


@case
def read_table():
    got = pd.read_sql_table("pd_frame", engine)
    got["at"] = got["at"].astype("datetime64[us]")
    assert_frame_equal(got, FRAME, check_dtype=False)


@case
def read_query():
    got = read("SELECT n, x FROM pd_frame WHERE n > 1 ORDER BY n")
    same(list(got["n"]), [2, 3])
    assert np.isnan(got["x"][0])


@case
def read_columns():
    same(list(pd.read_sql_table("pd_frame", engine, columns=["t", "n"]).columns), ["t", "n"])


@case
def read_with_parameters():
    got = read(sa.text("SELECT t FROM pd_frame WHERE n = :n"), params={"n": 2})
    same(list(got["t"]), ["quo'te"])


@case
def read_with_index():
    got = read("SELECT * FROM pd_frame", index_col="n")
    same(got.loc[3, "t"], "日本")


@case
def read_dates():
    got = read("SELECT '2024-02-29'::date AS d, '2024-02-29 12:00+00'::timestamptz AS z", parse_dates=["d"])
    same(got["d"][0], pd.Timestamp("2024-02-29"))
    same(got["z"][0].tz_convert("UTC"), pd.Timestamp("2024-02-29 12:00", tz="UTC"))


@case
def read_in_chunks():
    with engine.connect().execution_options(stream_results=True) as c:
        parts = list(pd.read_sql(sa.text("SELECT n FROM generate_series(1, 1000) AS g(n)"), c, chunksize=300))
    same([len(part) for part in parts], [300, 300, 300, 100])


@case
def append():
    FRAME.to_sql("pd_frame", engine, if_exists="append", index=False)
    same(count("pd_frame"), 6)


@case
def fail_when_there():
    raises(ValueError, lambda: FRAME.to_sql("pd_frame", engine, index=False))


@case
def delete_rows():
    FRAME.to_sql("pd_frame", engine, if_exists="delete_rows", index=False)
    same(count("pd_frame"), 3)


@case
def write_with_index():
    FRAME.set_index("n").to_sql("pd_indexed", engine, if_exists="replace", index_label="key")
    found = sa.inspect(engine).get_indexes("pd_indexed")
    same([i["column_names"] for i in found], [["key"]])


@case
def write_with_types():
    FRAME.to_sql("pd_typed", engine, if_exists="replace", index=False,
                 dtype={"n": sa.SmallInteger, "x": sa.Numeric(8, 3), "t": sa.String(10)})
    types = {c["name"]: str(c["type"]) for c in sa.inspect(engine).get_columns("pd_typed")}
    same((types["n"], types["x"], types["t"]), ("SMALLINT", "NUMERIC(8, 3)", "VARCHAR(10)"))
    same(read("SELECT x FROM pd_typed WHERE n = 1")["x"][0], 0.5)


@case
def write_multi():
    frame = pd.DataFrame({"n": range(5000), "t": [f"row {n}" for n in range(5000)]})
    frame.to_sql("pd_many", engine, if_exists="replace", index=False, method="multi", chunksize=1000)
    same(count("pd_many"), 5000)


@case
def write_by_copy():
    import csv
    import io

    def copy(table, c, keys, rows):
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        text.seek(0)
        names = ", ".join(f'"{key}"' for key in keys)
        with c.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table.name} ({names}) FROM STDIN WITH CSV", text)

    frame = pd.DataFrame({"n": range(20000), "x": np.linspace(0, 1, 20000)})
    frame.to_sql("pd_copied", other, if_exists="replace", index=False, method=copy)
    same(count("pd_copied"), 20000)


@case
def write_upsert():
    with engine.begin() as c:
        c.execute(sa.text("DROP TABLE IF EXISTS pd_keyed"))
        c.execute(sa.text("CREATE TABLE pd_keyed (n bigint PRIMARY KEY, t text)"))

    def upsert(table, c, keys, rows):
        from sqlalchemy.dialects.postgresql import insert
        statement = insert(table.table).values([dict(zip(keys, row)) for row in rows])
        return c.execute(statement.on_conflict_do_update(index_elements=["n"], set_={"t": statement.excluded.t})).rowcount

    for text in ("old", "new"):
        pd.DataFrame({"n": [1, 2], "t": text}).to_sql("pd_keyed", engine, if_exists="append", index=False, method=upsert)
    same(list(read("SELECT t FROM pd_keyed")["t"]), ["new", "new"])


@case
def nulls():
    frame = pd.DataFrame({"i": pd.array([1, None], dtype="Int64"), "s": pd.array(["x", None], dtype="string"),
                          "b": pd.array([True, None], dtype="boolean")})
    frame.to_sql("pd_nulls", engine, if_exists="replace", index=False)
    same([tuple(r) for r in read("SELECT i IS NULL, s IS NULL, b IS NULL FROM pd_nulls ORDER BY i").values],
         [(False, False, False), (True, True, True)])


@case
def dtype_backend():
    got = pd.read_sql_table("pd_nulls", engine, dtype_backend="numpy_nullable")
    same(str(got["i"].dtype), "Int64")
    got = pd.read_sql_table("pd_frame", engine, dtype_backend="pyarrow")
    same(str(got["n"].dtype), "int64[pyarrow]")


@case
def times_and_zones():
    frame = pd.DataFrame({"z": pd.to_datetime(["2024-06-01 12:00"]).tz_localize("Europe/Berlin"),
                          "d": [dt.date(2024, 1, 1)], "ti": [dt.time(1, 2, 3)], "iv": [3]})
    frame.to_sql("pd_times", engine, if_exists="replace", index=False)
    types = {c["name"]: str(c["type"]) for c in sa.inspect(engine).get_columns("pd_times")}
    same((types["z"], types["d"], types["ti"]), ("TIMESTAMP", "DATE", "TIME"))
    same(read("SELECT z FROM pd_times")["z"][0].tz_convert("UTC"), pd.Timestamp("2024-06-01 10:00", tz="UTC"))


@case
def json_and_arrays():
    from sqlalchemy.dialects.postgresql import ARRAY, JSONB
    frame = pd.DataFrame({"j": [{"a": 1}], "a": [[1, 2]]})
    frame.to_sql("pd_nested", engine, if_exists="replace", index=False, dtype={"j": JSONB, "a": ARRAY(sa.Integer)})
    got = read("SELECT * FROM pd_nested")
    same((got["j"][0], got["a"][0]), ({"a": 1}, [1, 2]))


@case
def decimals():
    got = read("SELECT 1.25::numeric(5,2) AS d")
    same(got["d"][0], 1.25)
    same(read("SELECT 1.25::numeric(5,2) AS d", coerce_float=False)["d"][0], decimal.Decimal("1.25"))


@case
def aggregate_in_sql():
    got = read("SELECT b, count(*) AS c, avg(n) AS a FROM pd_frame GROUP BY b ORDER BY b")
    same([list(row) for row in got.values], [[False, 1, 2.0], [True, 2, 2.0]])


@case
def vectors():
    from pgvector.sqlalchemy import Vector
    with engine.begin() as c:
        c.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
    frame = pd.DataFrame({"id": range(100), "e": [np.array([n, 1.0], dtype=np.float32) for n in range(100)]})
    frame.to_sql("pd_vectors", engine, if_exists="replace", index=False, dtype={"e": Vector(2)})
    got = read("SELECT id, e <-> '[50.2,1]' AS d FROM pd_vectors ORDER BY e <-> '[50.2,1]' LIMIT 3")
    same(list(got["id"]), [50, 51, 49])


@case
def schemas():
    with engine.begin() as c:
        c.execute(sa.text("CREATE SCHEMA IF NOT EXISTS pd_place"))
    FRAME.to_sql("there", engine, schema="pd_place", if_exists="replace", index=False)
    same(len(pd.read_sql_table("there", engine, schema="pd_place")), 3)
    with engine.begin() as c:
        c.execute(sa.text("DROP SCHEMA pd_place CASCADE"))


@case
def table_object():
    with engine.connect() as c, pd.io.sql.SQLDatabase(c) as sql:
        assert sql.has_table("pd_frame") and not sql.has_table("pd_nothing")
    assert "CREATE TABLE" in pd.io.sql.get_schema(FRAME, "x", con=engine)


@case
def inside_a_transaction():
    with engine.begin() as c:
        FRAME.to_sql("pd_frame", c, if_exists="append", index=False)
        same(len(pd.read_sql(sa.text("SELECT * FROM pd_frame"), c)), 6)
        c.rollback()
    same(count("pd_frame"), 3)


@case
def adbc():
    import adbc_driver_postgresql.dbapi as adbc_driver
    with adbc_driver.connect(url("postgresql")) as c:
        FRAME.to_sql("pd_adbc", c, if_exists="replace", index=False)
        got = pd.read_sql("SELECT n, t FROM pd_adbc ORDER BY n", c)
        same((list(got["n"]), list(got["t"])), ([1, 2, 3], list(FRAME["t"])))


run("pandas")
