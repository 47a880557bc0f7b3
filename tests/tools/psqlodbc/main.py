"""psqlODBC, Debian's driver, over pyodbc: what Excel, Access, Tableau and the like use."""

import datetime as dt
import decimal
import glob
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import pyodbc
from cases import DATABASE, HOST, PASSWORD, PORT, USER, case, raises, run, same

DRIVER = glob.glob("/usr/lib/*/odbc/psqlodbcw.so")[0]
WORDS = f"DRIVER={DRIVER};SERVER={HOST};PORT={PORT};DATABASE={DATABASE};UID={USER};PWD={{{PASSWORD}}};SSLmode=disable"


def connect(more="", **options):
    return pyodbc.connect(f"{WORDS};{more}", autocommit=True, **options)


c = connect()


def rows(sql, *values, on=None):
    return [tuple(row) for row in (on or c).execute(sql, *values).fetchall()]


@case
def server():
    same(c.getinfo(pyodbc.SQL_DBMS_NAME), "PostgreSQL")
    assert c.getinfo(pyodbc.SQL_DRIVER_NAME).lower().startswith("psqlodbc")


@case
def select():
    same(rows("SELECT 1, 'x', NULL"), [(1, "x", None)])


@case
def parameters():
    same(rows("SELECT id, name FROM od_items WHERE price > ? AND name <> ? ORDER BY id", 2, "x"), [(2, "zwei"), (3, "日本")])


@case
def parameter_types():
    values = (7, 1.5, "text", decimal.Decimal("12.34"), dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 12, 34, 56), True, b"\0\xff")
    got = rows("SELECT ?::int, ?::float8, ?::text, ?::numeric(10,2), ?::date, ?::timestamp, ?::bool, ?::bytea", *values)[0]
    same(got[:6], values[:6])
    same(got[6] in (True, "1"), True)
    same(bytes(got[7]), b"\0\xff")


@case
def nulls():
    same(rows("SELECT ?::int, ?::text", None, None), [(None, None)])


@case
def types():
    got = rows("SELECT 1::int2, 2::int8, 1.25::float4, 12.5::numeric(6,2), '12:34:56'::time, date '2024-01-01',"
               " timestamp '2024-01-01 01:02:03.5', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid")[0]
    same(got[:7], (1, 2, 1.25, decimal.Decimal("12.50"), dt.time(12, 34, 56), dt.date(2024, 1, 1),
                   dt.datetime(2024, 1, 1, 1, 2, 3, 500000)))
    same(uuid.UUID(str(got[7])), uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"))


@case
def insert_and_count():
    cursor = c.execute("INSERT INTO od_items (id, name) VALUES (?, ?), (11, 'eleven')", 10, "ten")
    same(cursor.rowcount, 2)
    same(c.execute("DELETE FROM od_items WHERE id > 9").rowcount, 2)


@case
def update():
    same(c.execute("UPDATE od_items SET price = price + ? WHERE id = ?", 1, 1).rowcount, 1)
    same(c.execute("UPDATE od_items SET price = price - 1 WHERE id = 1").rowcount, 1)


@case
def returning():
    same(rows("INSERT INTO od_made (name) VALUES (?) RETURNING id", "a"), [(1,)])


@case
def many():
    cursor = c.cursor()
    cursor.executemany("INSERT INTO od_many VALUES (?, ?)", [(i, f"row {i}") for i in range(500)])
    same(rows("SELECT count(*), max(id) FROM od_many"), [(500, 499)])


@case
def many_fast():
    c.execute("TRUNCATE od_many")
    cursor = c.cursor()
    cursor.fast_executemany = True
    cursor.executemany("INSERT INTO od_many VALUES (?, ?)", [(i, f"row {i}") for i in range(500)])
    same(rows("SELECT count(*) FROM od_many"), [(500,)])


@case
def commit():
    other = pyodbc.connect(WORDS, autocommit=False)
    other.execute("INSERT INTO od_made (name) VALUES ('committed')")
    other.commit()
    same(rows("SELECT count(*) FROM od_made WHERE name = 'committed'"), [(1,)])
    other.close()


@case
def rollback():
    other = pyodbc.connect(WORDS, autocommit=False)
    other.execute("INSERT INTO od_made (name) VALUES ('never')")
    other.rollback()
    same(rows("SELECT count(*) FROM od_made WHERE name = 'never'"), [(0,)])
    other.close()


@case
def error_in_a_transaction_is_one_statement():
    # psqlODBC sets savepoints around statements
    other = connect("Protocol=7.4-2")
    other.autocommit = False
    other.execute("INSERT INTO od_made (name) VALUES ('first')")
    raises(pyodbc.Error, lambda: other.execute("SELECT 1 / 0"))
    other.execute("INSERT INTO od_made (name) VALUES ('second')")
    other.commit()
    same(rows("SELECT count(*) FROM od_made WHERE name IN ('first', 'second')"), [(2,)])
    other.close()


@case
def error_codes():
    error = raises(pyodbc.Error, lambda: c.execute("SELECT * FROM od_nothing"))
    same(error.args[0], "42P01")
    error = raises(pyodbc.IntegrityError, lambda: c.execute("INSERT INTO od_items VALUES (1, 'again')"))
    same(error.args[0], "23505")


@case
def tables():
    same([(t.table_schem, t.table_name, t.table_type) for t in c.cursor().tables(table="od_items")], [("public", "od_items", "TABLE")])


@case
def views():
    same([t.table_name for t in c.cursor().tables(table="od_%", tableType="VIEW")], ["od_view"])


@case
def columns():
    got = [(column.column_name, column.type_name, column.nullable) for column in c.cursor().columns(table="od_items")]
    same(got, [("id", "int4", 0), ("name", "varchar", 0), ("price", "float8", 1), ("e", "vector", 1)])


@case
def column_sizes():
    got = {column.column_name: column.column_size for column in c.cursor().columns(table="od_items")}
    same(got["name"], 40)


@case
def primary_keys():
    same([key.column_name for key in c.cursor().primaryKeys("od_items")], ["id"])


@case
def foreign_keys():
    got = [(key.fktable_name, key.fkcolumn_name, key.pkcolumn_name) for key in c.cursor().foreignKeys(table="od_items")]
    same(got, [("od_orders", "item", "id")])


@case
def statistics():
    got = {s.index_name for s in c.cursor().statistics("od_items") if s.index_name}
    assert "od_items_pkey" in got, got


@case
def type_info():
    got = {ty.type_name for ty in c.cursor().getTypeInfo()}
    assert {"int4", "varchar", "timestamp"} <= got or {"int4", "text"} <= got, got


@case
def procedures():
    list(c.cursor().procedures(procedure="lower"))


@case
def description():
    cursor = c.execute("SELECT id, name, price FROM od_items")
    same([(d[0], d[1]) for d in cursor.description], [("id", int), ("name", str), ("price", float)])


@case
def server_side_prepare():
    other = connect("UseServerSidePrepare=1")
    cursor = other.cursor()
    for id, name in [(1, "eins"), (2, "zwei"), (3, "日本")]:
        same([tuple(row) for row in cursor.execute("SELECT name FROM od_items WHERE id = ?", id)], [(name,)])
    other.close()


@case
def declare_fetch():
    other = connect("UseDeclareFetch=1;Fetch=10")
    other.autocommit = False
    same(len(rows("SELECT * FROM generate_series(1, 95) AS g(x)", on=other)), 95)
    other.rollback()
    other.close()


@case
def vectors():
    same(rows("SELECT id FROM od_items ORDER BY e <-> ?::vector LIMIT 1", "[0,1,0]"), [(2,)])
    same(rows("SELECT e FROM od_items WHERE id = 1"), [("[1,0,0]",)])


@case
def long_text():
    text = "långt " * 20_000
    same(rows("SELECT ?::text", text)[0][0], text)


@case
def escapes():
    same(rows("SELECT {fn UCASE('abc')}, {d '2024-01-02'}"), [("ABC", dt.date(2024, 1, 2))])


@case
def several_results():
    cursor = c.execute("SELECT 1; SELECT 2")
    same(cursor.fetchall()[0][0], 1)
    same(cursor.nextset(), True)
    same(cursor.fetchall()[0][0], 2)


for statement in [
    "CREATE EXTENSION IF NOT EXISTS vector",
    "DROP VIEW IF EXISTS od_view",
    "DROP TABLE IF EXISTS od_orders, od_items, od_made, od_many",
    "CREATE TABLE od_items (id int PRIMARY KEY, name varchar(40) NOT NULL, price float8, e vector(3))",
    "CREATE TABLE od_orders (id int PRIMARY KEY, item int REFERENCES od_items (id))",
    "CREATE TABLE od_made (id serial PRIMARY KEY, name text)",
    "CREATE TABLE od_many (id int, t text)",
    "CREATE VIEW od_view AS SELECT id FROM od_items",
    "INSERT INTO od_items VALUES (1, 'eins', 1, '[1,0,0]'), (2, 'zwei', 2.5, '[0,1,0]'), (3, '日本', 3, '[0,0,1]')",
]:
    c.execute(statement)
run("pyodbc")
