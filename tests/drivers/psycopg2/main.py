"""The behaviours of README.md by psycopg2, which sends everything by the simple protocol."""

import io
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import numpy
import psycopg2
import psycopg2.extensions
import psycopg2.extras
from behaviours import (ARRAYS, COLUMNS, COPY_CSV, COPY_TEXT, DEFINITION, SLOW, TEXTS, behaviour,
                        fails, run, same)
from pgvector.psycopg2 import register_vector

MARKS = ", ".join(["%s"] * len(COLUMNS))
psycopg2.extras.register_uuid()


def connect(**more):
    connection = psycopg2.connect("", **more)
    connection.autocommit = True
    return connection


def ask(c, sql, values=None):
    cursor = c.cursor()
    cursor.execute(sql, values)
    return cursor.fetchall() if cursor.description else cursor.rowcount


def table(c, name, columns):
    ask(c, f"DROP TABLE IF EXISTS {name}")
    ask(c, f"CREATE TABLE {name} ({columns})")


def error(c, sqlstate, sql):
    return fails(psycopg2.Error, sqlstate, lambda: ask(c, sql))


@behaviour
def connect_options(_):
    c = connect(options="-c statement_timeout=1234 -c TimeZone=Asia/Tokyo")
    same(ask(c, "SHOW statement_timeout"), [("1234ms",)])
    same(ask(c, "SHOW TimeZone"), [("Asia/Tokyo",)])
    c.close()


@behaviour
def types_text(c):
    table(c, "d_psycopg2_types", DEFINITION)
    values = [psycopg2.extras.Json(value) if isinstance(value, dict) else value
              for _, _, value in COLUMNS]
    ask(c, f"INSERT INTO d_psycopg2_types VALUES ({MARKS})", values)
    for got, (_, _, expected) in zip(ask(c, "SELECT * FROM d_psycopg2_types")[0], COLUMNS):
        same(bytes(got) if isinstance(got, memoryview) else got, expected)


@behaviour
def nulls(c):
    table(c, "d_psycopg2_nulls", DEFINITION)
    ask(c, f"INSERT INTO d_psycopg2_nulls VALUES ({MARKS})", [None] * len(COLUMNS))
    same(ask(c, "SELECT * FROM d_psycopg2_nulls"), [(None,) * len(COLUMNS)])


@behaviour
def arrays(c):
    table(c, "d_psycopg2_arrays", "i int4[], t text[], f float8[], e int8[]")
    ask(c, "INSERT INTO d_psycopg2_arrays VALUES (%s, %s, %s, %s)", ARRAYS)
    same(ask(c, "SELECT * FROM d_psycopg2_arrays"), [ARRAYS])


@behaviour
def parameters(c):
    table(c, "d_psycopg2_parameters", "id int8 PRIMARY KEY, t text")
    psycopg2.extras.execute_values(c.cursor(), "INSERT INTO d_psycopg2_parameters VALUES %s",
                                   [(i, f"t{i}") for i in range(20)])
    same(ask(c, "SELECT t FROM d_psycopg2_parameters WHERE id IN %s ORDER BY id", ((3, 5),)),
         [("t3",), ("t5",)])
    same(ask(c, "UPDATE d_psycopg2_parameters SET t = %s WHERE id = %s", ("new", 7)), 1)
    same(ask(c, "DELETE FROM d_psycopg2_parameters WHERE id = %s RETURNING t", (7,)), [("new",)])


@behaviour
def fetch_size(c):
    c.autocommit = False
    cursor = c.cursor(name="slow_reader")
    cursor.itersize = 100
    cursor.execute("SELECT x FROM generate_series(1, 1000) AS g(x)")
    same(len(cursor.fetchmany(7)), 7)
    same(sum(1 for _ in cursor), 993)
    c.rollback()


@behaviour
def error_sqlstate(c):
    error(c, "42P01", "SELECT * FROM nothing_here")
    error(c, "42601", "SELEC 1")
    error(c, "22P02", "SELECT 'x'::int4")
    error(c, "22012", "SELECT 1 / 0")
    got = error(c, "42703", "SELECT nothing_here FROM (VALUES (1)) AS t(a)")
    same(got.diag.severity_nonlocalized, "ERROR")


@behaviour
def error_recovery(c):
    c.autocommit = False
    error(c, "42P01", "SELECT * FROM nothing_here")
    error(c, "25P02", "SELECT 1")
    c.rollback()
    same(ask(c, "SELECT 1"), [(1,)])
    c.rollback()


@behaviour
def transaction_status(c):
    status = psycopg2.extensions
    c.autocommit = False
    same(c.get_transaction_status(), status.TRANSACTION_STATUS_IDLE)
    ask(c, "SELECT 1")
    same(c.get_transaction_status(), status.TRANSACTION_STATUS_INTRANS)
    error(c, "42P01", "SELECT * FROM nothing_here")
    same(c.get_transaction_status(), status.TRANSACTION_STATUS_INERROR)
    c.rollback()
    same(c.get_transaction_status(), status.TRANSACTION_STATUS_IDLE)


def copied(c, name, options, data):
    table(c, name, "id int8, t text, f float8")
    cursor = c.cursor()
    cursor.copy_expert(f"COPY {name} FROM STDIN {options}", io.StringIO(data))
    same(cursor.rowcount, 2)
    out = io.StringIO()
    cursor.copy_expert(f"COPY (SELECT * FROM {name} ORDER BY id) TO STDOUT {options}", out)
    same(out.getvalue(), data)


@behaviour
def copy_text(c):
    copied(c, "d_psycopg2_copy_text", "", COPY_TEXT)


@behaviour
def copy_csv(c):
    copied(c, "d_psycopg2_copy_csv", "WITH CSV", COPY_CSV)


@behaviour
def copy_binary(c):
    table(c, "d_psycopg2_copy_binary", "id int8, t text")
    ask(c, "INSERT INTO d_psycopg2_copy_binary SELECT x, 't' || x FROM generate_series(1, 1000) AS g(x)")
    cursor, first, second = c.cursor(), io.BytesIO(), io.BytesIO()
    query = "COPY (SELECT * FROM d_psycopg2_copy_binary ORDER BY id) TO STDOUT (FORMAT binary)"
    cursor.copy_expert(query, first)
    ask(c, "DELETE FROM d_psycopg2_copy_binary")
    first.seek(0)
    cursor.copy_expert("COPY d_psycopg2_copy_binary FROM STDIN (FORMAT binary)", first)
    cursor.copy_expert(query, second)
    same(second.getvalue(), first.getvalue())


@behaviour
def cancel(c):
    threading.Timer(0.5, c.cancel).start()
    error(c, "57014", SLOW)
    same(ask(c, "SELECT 1"), [(1,)])


@behaviour
def vectors(c):
    ask(c, "CREATE EXTENSION IF NOT EXISTS vector")
    register_vector(c)
    table(c, "d_psycopg2_vectors", "id int8 PRIMARY KEY, e vector(3)")
    for i in range(10):
        ask(c, "INSERT INTO d_psycopg2_vectors VALUES (%s, %s)", (i, numpy.array([i, i / 2, -i])))
    got = ask(c, "SELECT e FROM d_psycopg2_vectors WHERE id = 3")[0][0]
    same(numpy.asarray(getattr(got, "to_numpy", lambda: got)()).tolist(), [3.0, 1.5, -3.0])
    near = "SELECT id FROM d_psycopg2_vectors ORDER BY e <-> %s LIMIT 3"
    same(ask(c, near, (numpy.array([4.1, 2, -4]),)), [(4,), (5,), (3,)])


@behaviour
def notices(c):
    ask(c, "DROP TABLE IF EXISTS nothing_here")
    same(c.notices, ['NOTICE:  table "nothing_here" does not exist, skipping\n'])


@behaviour
def large_results(c):
    rows = ask(c, "SELECT x, repeat('x', 100) FROM generate_series(1, 100000) AS g(x)")
    same(sum(x for x, _ in rows), 100000 * 100001 // 2)


@behaviour
def unicode(c):
    for text in TEXTS:
        same(ask(c, "SELECT %s", (text,)), [(text,)])


@behaviour
def explain(c):
    plan = ask(c, "EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1")[0][0][0]
    same(plan["Plan"]["Node Type"], "Result")
    same(plan["Plan"]["Plan Rows"], 1)
    same(round(plan["Plan"]["Actual Rows"]), 1)
    same(plan["Execution Time"] > 0, True)
    same(ask(c, "EXPLAIN SELECT 1")[0][0].startswith("Result  (cost=0.00..0.01 rows=1 "), True)


run(connect)
