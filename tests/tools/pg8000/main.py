"""pg8000, the driver in Python alone: its native interface and DB-API."""

import datetime as dt
import decimal
import io
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import pg8000.dbapi
import pg8000.native
from cases import DATABASE, HOST, PASSWORD, PORT, USER, case, raises, run, same

WHERE = dict(user=USER, password=PASSWORD, host=HOST, port=PORT, database=DATABASE)
c = pg8000.native.Connection(**WHERE)


def table(name, columns):
    c.run(f"DROP TABLE IF EXISTS {name}")
    c.run(f"CREATE TABLE {name} ({columns})")


def there_and_back(kind, *values):
    for value in values:
        same(c.run(f"SELECT CAST(:v AS {kind})", v=value), [[value]])


@case
def server():
    assert c.parameter_statuses["server_version"]
    same(c.parameter_statuses["server_encoding"], "UTF8")


@case
def integers():
    there_and_back("int2", 0, -32768, 32767, None)
    there_and_back("int4", -2147483648, 2147483647)
    there_and_back("int8", -9223372036854775808, 9223372036854775807)


@case
def floats():
    there_and_back("float8", 0.1, -1e300, float("inf"))
    there_and_back("float4", 1.5, -0.25)


@case
def numerics():
    there_and_back("numeric(12,4)", decimal.Decimal("12.3400"), decimal.Decimal("-99999999.9999"))
    same(c.run("SELECT 1.50"), [[decimal.Decimal("1.50")]])


@case
def numeric_without_precision():
    there_and_back("numeric", decimal.Decimal("12345678901234567890123456789.123456789012"), decimal.Decimal("1.500"))


@case
def texts():
    there_and_back("text", "", "naïve", "日本語 🪁", "quo'te \\ back")
    there_and_back("varchar(10)", "ten chars!")
    same(c.run("SELECT CAST('ab' AS char(4))"), [["ab  "]])


@case
def bytes_and_uuid():
    there_and_back("bytea", b"", b"\x00\xff'\\")
    there_and_back("uuid", uuid.UUID("12345678-1234-5678-1234-567812345678"))


@case
def times():
    there_and_back("date", dt.date(2024, 2, 29), dt.date(1, 1, 1))
    there_and_back("time", dt.time(23, 59, 59, 999999))
    there_and_back("timestamp", dt.datetime(1999, 12, 31, 23, 59, 59, 5))
    there_and_back("timestamptz", dt.datetime(2024, 6, 1, 12, tzinfo=dt.timezone.utc))
    there_and_back("interval", dt.timedelta(days=3, seconds=5))


@case
def json_values():
    there_and_back("jsonb", {"a": [1, None, {"b": "x"}]})
    same(c.run("SELECT '[1, 2]'::json"), [[[1, 2]]])


@case
def arrays():
    there_and_back("int4[]", [1, None, 3], [])
    there_and_back("text[]", ["a", 'quo"te', "com,ma", None, ""])
    there_and_back("float8[]", [0.5, -1.25])


@case
def arrays_of_two_dimensions():
    there_and_back("int4[]", [[1, 2], [3, 4]])


@case
def booleans():
    there_and_back("bool", True, False, None)


@case
def columns_described():
    c.run("SELECT 1 AS a, 'x'::text AS b, 2.5::float8 AS c")
    same([(d["name"], d["type_oid"]) for d in c.columns], [("a", 23), ("b", 25), ("c", 701)])


@case
def row_counts():
    table("p8_rows", "id int PRIMARY KEY, t text")
    c.run("INSERT INTO p8_rows VALUES (1, 'a'), (2, 'b')")
    same(c.row_count, 2)
    c.run("UPDATE p8_rows SET t = 'c'")
    same(c.row_count, 2)
    same(c.run("DELETE FROM p8_rows WHERE id = 1 RETURNING t"), [["c"]])


@case
def prepared():
    statement = c.prepare("SELECT CAST(:a AS int4) + CAST(:b AS int4)")
    same([statement.run(a=n, b=1)[0][0] for n in range(5)], [1, 2, 3, 4, 5])
    statement.close()


@case
def untyped_parameters():
    same(c.run("SELECT t FROM p8_rows WHERE id = :id", id=2), [["c"]])
    same(c.run("SELECT t FROM p8_rows WHERE id = ANY(:ids)", ids=[1, 2]), [["c"]])
    same(c.run("SELECT id FROM p8_rows LIMIT :n", n=1), [[2]])


@case
def several_statements():
    same(c.run("SELECT 1; SELECT 2"), [[1], [2]])


@case
def errors():
    error = raises(pg8000.native.DatabaseError, lambda: c.run("INSERT INTO p8_rows VALUES (2, 'x')"))
    same((error.args[0]["C"], error.args[0]["n"], error.args[0]["t"]), ("23505", "p8_rows_pkey", "p8_rows"))
    error = raises(pg8000.native.DatabaseError, lambda: c.run("SELECT nothing"))
    same((error.args[0]["C"], error.args[0]["P"]), ("42703", "8"))


@case
def transactions():
    c.run("START TRANSACTION")
    c.run("INSERT INTO p8_rows VALUES (3, 'in')")
    raises(pg8000.native.DatabaseError, lambda: c.run("SELECT 1 / 0"))
    error = raises(pg8000.native.DatabaseError, lambda: c.run("SELECT 1"))
    same(error.args[0]["C"], "25P02")
    c.run("ROLLBACK")
    same(c.run("SELECT count(*) FROM p8_rows"), [[1]])


@case
def copy_in_and_out():
    table("p8_copy", "a int, b text")
    c.run("COPY p8_copy FROM STDIN WITH (FORMAT csv)", stream=io.StringIO('1,"x,y"\n2,\n'))
    out = io.BytesIO()
    c.run("COPY (SELECT * FROM p8_copy ORDER BY a) TO STDOUT", stream=out)
    same(out.getvalue(), b"1\tx,y\n2\t\\N\n")
    c.run("COPY p8_copy FROM STDIN", stream=["3\tz\n", "4\tw\n"])
    same(c.run("SELECT count(*) FROM p8_copy"), [[4]])


@case
def notices():
    c.notices.clear()
    c.run("DROP TABLE IF EXISTS p8_nothing")
    same(c.notices[0][b"C"], b"00000")


@case
def dbapi():
    d = pg8000.dbapi.connect(**WHERE)
    cursor = d.cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS p8_dbapi (id serial PRIMARY KEY, n int)")
    cursor.executemany("INSERT INTO p8_dbapi (n) VALUES (%s)", [(n,) for n in range(10)])
    d.commit()
    cursor.execute("SELECT sum(n), min(id) >= 1 FROM p8_dbapi WHERE n < %s", (5,))
    same(cursor.fetchone(), [10, True])
    cursor.execute("SELECT n FROM p8_dbapi ORDER BY n")
    same([r[0] for r in cursor.fetchmany(3)], [0, 1, 2])
    same(len(cursor.fetchall()), 7)
    cursor.execute("DROP TABLE p8_dbapi")
    d.commit()
    d.close()


@case
def autocommit():
    d = pg8000.dbapi.connect(**WHERE)
    d.autocommit = True
    d.cursor().execute("INSERT INTO p8_rows VALUES (7, 'seen')")
    same(c.run("SELECT t FROM p8_rows WHERE id = 7"), [["seen"]])
    d.close()


@case
def named_portals():
    d = pg8000.dbapi.connect(**WHERE)
    cursor = d.cursor()
    cursor.execute("DECLARE p8_cursor CURSOR FOR SELECT n FROM generate_series(1, 10) AS g(n)")
    cursor.execute("FETCH FORWARD 4 FROM p8_cursor")
    same(list(cursor.fetchall()), [[1], [2], [3], [4]])
    cursor.execute("MOVE 3 FROM p8_cursor")
    cursor.execute("FETCH ALL FROM p8_cursor")
    same(list(cursor.fetchall()), [[8], [9], [10]])
    d.close()


@case
def vectors():
    c.run("CREATE EXTENSION IF NOT EXISTS vector")
    table("p8_vectors", "id int PRIMARY KEY, e vector(3)")
    c.run("INSERT INTO p8_vectors VALUES (1, :a), (2, :b)", a="[1,2,3]", b="[4,5,6]")
    same(c.run("SELECT id, e FROM p8_vectors ORDER BY e <-> CAST(:q AS vector) LIMIT 1", q="[4,5,5]"), [[2, "[4,5,6]"]])


@case
def two_phase_is_refused_or_works():
    same(c.run("SELECT count(*) FROM pg_prepared_xacts"), [[0]])


@case
def listen_and_notify():
    c.run("LISTEN p8_channel")
    c.run("NOTIFY p8_channel, 'hello'")
    c.run("SELECT 1")
    same([(n[1], n[2]) for n in c.notifications], [("p8_channel", "hello")])


@case
def interval_months():
    value = c.run("SELECT CAST('1 year 2 mons 3 days' AS interval)")[0][0]
    same((value.years, value.months, value.days), (1, 2, 3))


run("pg8000")
