"""The behaviours of README.md by psycopg 3 and pgvector's adapter for it."""

import datetime as dt
import decimal
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import numpy
import psycopg
from behaviours import (ARRAYS, COLUMNS, COPY_CSV, COPY_TEXT, DEFINITION, SLOW, TEXTS, behaviour,
                        fails, run, same)
from pgvector.psycopg import register_vector
from psycopg.pq import TransactionStatus
from psycopg.types.json import Json, Jsonb

MARKS = ", ".join(["%s"] * len(COLUMNS))


def connect(**more):
    return psycopg.connect(autocommit=True, **more)


def table(c, name, columns):
    c.execute(f"DROP TABLE IF EXISTS {name}")
    c.execute(f"CREATE TABLE {name} ({columns})")


def error(c, sqlstate, sql, values=None):
    return fails(psycopg.Error, sqlstate, lambda: c.execute(sql, values))


@behaviour
def connect_options(c):
    same(c.info.parameter_status("server_encoding"), "UTF8")
    same(c.info.parameter_status("integer_datetimes"), "on")
    with connect(options="-c statement_timeout=1234 -c TimeZone=Asia/Tokyo",
                 application_name="drivers") as other:
        same(other.execute("SHOW statement_timeout").fetchone()[0], "1234ms")
        same(other.execute("SHOW TimeZone").fetchone()[0], "Asia/Tokyo")
        same(other.execute("SHOW application_name").fetchone()[0], "drivers")


def types(c, name, binary):
    table(c, name, DEFINITION)
    wrap = {"json": Json, "jsonb": Jsonb}
    values = [wrap.get(kind, lambda x: x)(value) for _, kind, value in COLUMNS]
    mark = "%b" if binary else "%t"
    c.execute(f"INSERT INTO {name} VALUES ({', '.join([mark] * len(values))})", values)
    cursor = c.cursor(binary=binary).execute(f"SELECT * FROM {name}")
    for got, (column, _, expected), described in zip(cursor.fetchone(), COLUMNS, cursor.description):
        same(described.name, column)
        same(got, expected)


@behaviour
def types_text(c):
    types(c, "d_psycopg3_types_text", False)


@behaviour
def types_binary(c):
    types(c, "d_psycopg3_types_binary", True)


@behaviour
def nulls(c):
    table(c, "d_psycopg3_nulls", DEFINITION)
    c.execute(f"INSERT INTO d_psycopg3_nulls VALUES ({MARKS})", [None] * len(COLUMNS))
    for binary in (False, True):
        row = c.cursor(binary=binary).execute("SELECT * FROM d_psycopg3_nulls").fetchone()
        same(row, (None,) * len(COLUMNS))


@behaviour
def arrays(c):
    table(c, "d_psycopg3_arrays", "i int4[], t text[], f float8[], e int8[]")
    c.execute("INSERT INTO d_psycopg3_arrays VALUES (%s, %s, %s, %s)", ARRAYS)
    for binary in (False, True):
        same(c.cursor(binary=binary).execute("SELECT * FROM d_psycopg3_arrays").fetchone(), ARRAYS)
    same(c.execute("SELECT count(*) FROM generate_series(1, 10) AS g(x) WHERE x = ANY(%s)",
                   ([2, 3, 99],)).fetchone()[0], 2)


@behaviour
def prepared(c):
    for value in range(10):
        same(c.execute("SELECT %s::int4 + 1", (value,), prepare=True).fetchone()[0], value + 1)
    c.execute("PREPARE named AS SELECT $1::text || '!'")
    same(c.execute("EXECUTE named('x')").fetchone()[0], "x!")
    c.execute("DEALLOCATE named")
    error(c, "26000", "EXECUTE named('x')")


@behaviour
def parameters(c):
    table(c, "d_psycopg3_parameters", "id int8 PRIMARY KEY, t text, p numeric(8,2)")
    c.cursor().executemany("INSERT INTO d_psycopg3_parameters VALUES (%s, %s, %s)",
                           [(i, f"t{i}", decimal.Decimal(i) / 4) for i in range(20)])
    got = c.execute("SELECT t FROM d_psycopg3_parameters WHERE id > %s AND p < %s"
                    " ORDER BY id LIMIT %s OFFSET %s", (3, 4.5, 2, 1)).fetchall()
    same(got, [("t5",), ("t6",)])
    done = c.execute("UPDATE d_psycopg3_parameters SET t = %s WHERE id = %s", ("new", 7))
    same(done.rowcount, 1)
    got = c.execute("DELETE FROM d_psycopg3_parameters WHERE id = %s RETURNING t", (7,)).fetchall()
    same(got, [("new",)])


@behaviour
def fetch_size(c):
    with c.transaction(), c.cursor(name="slow_reader") as cursor:
        cursor.itersize = 100
        cursor.execute("SELECT x FROM generate_series(1, 1000) AS g(x)")
        same(len(cursor.fetchmany(7)), 7)
        same(sum(1 for _ in cursor), 993)


@behaviour
def pipeline(c):
    with c.pipeline():
        cursors = [c.execute("SELECT %s::int4", (i,)) for i in range(50)]
    same([cursor.fetchone()[0] for cursor in cursors], list(range(50)))

    def broken():
        with c.pipeline():
            c.execute("SELECT 1")
            c.execute("SELECT * FROM nothing_here")
            c.execute("SELECT 2")

    fails(psycopg.Error, "42P01", broken)
    same(c.execute("SELECT 3").fetchone()[0], 3)


@behaviour
def error_sqlstate(c):
    error(c, "42P01", "SELECT * FROM nothing_here")
    error(c, "42601", "SELEC 1")
    error(c, "22P02", "SELECT 'x'::int4")
    error(c, "22003", "SELECT 2147483647 + 1")
    error(c, "22012", "SELECT 1 / 0")
    table(c, "d_psycopg3_errors", "id int4 PRIMARY KEY, n int4 NOT NULL CHECK (n > 0)")
    c.execute("INSERT INTO d_psycopg3_errors VALUES (1, 1)")
    got = error(c, "23505", "INSERT INTO d_psycopg3_errors VALUES (1, 2)")
    same(got.diag.constraint_name, "d_psycopg3_errors_pkey")
    same(got.diag.table_name, "d_psycopg3_errors")
    error(c, "23502", "INSERT INTO d_psycopg3_errors VALUES (2, NULL)")
    error(c, "23514", "INSERT INTO d_psycopg3_errors VALUES (2, 0)")


@behaviour
def error_recovery(c):
    c.execute("BEGIN")
    error(c, "42P01", "SELECT * FROM nothing_here")
    error(c, "25P02", "SELECT 1")
    c.execute("ROLLBACK")
    same(c.execute("SELECT 1").fetchone()[0], 1)


@behaviour
def transaction_status(c):
    same(c.info.transaction_status, TransactionStatus.IDLE)
    c.execute("BEGIN")
    same(c.info.transaction_status, TransactionStatus.INTRANS)
    error(c, "42P01", "SELECT * FROM nothing_here")
    same(c.info.transaction_status, TransactionStatus.INERROR)
    c.execute("ROLLBACK")
    same(c.info.transaction_status, TransactionStatus.IDLE)


def copied(c, name, options, data):
    table(c, name, "id int8, t text, f float8")
    with c.cursor().copy(f"COPY {name} FROM STDIN {options}") as copy:
        for at in range(0, len(data), 5):
            copy.write(data[at:at + 5])
    with c.cursor().copy(f"COPY (SELECT * FROM {name} ORDER BY id) TO STDOUT {options}") as copy:
        same(b"".join(bytes(part) for part in copy).decode(), data)


@behaviour
def copy_text(c):
    copied(c, "d_psycopg3_copy_text", "", COPY_TEXT)


@behaviour
def copy_csv(c):
    copied(c, "d_psycopg3_copy_csv", "(FORMAT csv)", COPY_CSV)


@behaviour
def copy_binary(c):
    table(c, "d_psycopg3_copy_binary", "id int8, t text, d date")
    kinds = ["int8", "text", "date"]
    rows = [(i, None if i % 3 == 0 else f"é{i}", dt.date(2000, 1, 1) + dt.timedelta(i))
            for i in range(1000)]
    with c.cursor().copy("COPY d_psycopg3_copy_binary FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(kinds)
        for row in rows:
            copy.write_row(row)
    query = "COPY (SELECT * FROM d_psycopg3_copy_binary ORDER BY id) TO STDOUT (FORMAT binary)"
    with c.cursor().copy(query) as copy:
        copy.set_types(kinds)
        same(list(copy.rows()), rows)


@behaviour
def copy_errors(c):
    table(c, "d_psycopg3_copy_errors", "id int8, t text")

    def copy(data):
        with c.cursor().copy("COPY d_psycopg3_copy_errors FROM STDIN") as copy:
            copy.write(data)

    got = fails(psycopg.Error, "22P04", lambda: copy("1\tfine\n2\n"))
    same("line 2" in (got.diag.context or ""), True)
    got = fails(psycopg.Error, "22P02", lambda: copy("1\tfine\n2\tfine\nx\ty\n"))
    same("line 3, column id" in (got.diag.context or ""), True)
    same(c.execute("SELECT count(*) FROM d_psycopg3_copy_errors").fetchone()[0], 0)


@behaviour
def cancel(c):
    threading.Timer(0.5, c.cancel_safe).start()
    error(c, "57014", SLOW)
    same(c.execute("SELECT 1").fetchone()[0], 1)
    c.execute("SET statement_timeout = '300ms'")
    for slow in (SLOW, f"COPY ({SLOW}) TO STDOUT"):
        got = error(c, "57014", slow) if slow is SLOW else fails(
            psycopg.Error, "57014", lambda: list(c.cursor().copy(slow).__enter__()))
        same(got.diag.message_primary, "canceling statement due to statement timeout")
    table(c, "d_psycopg3_cancel", "id int8")

    def copy_slowly():
        with c.cursor().copy("COPY d_psycopg3_cancel FROM STDIN") as copy:
            for at in range(1000):
                copy.write(f"{at}\n")
                time.sleep(0.01)

    fails(psycopg.Error, "57014", copy_slowly)
    same(c.execute("SELECT count(*) FROM d_psycopg3_cancel").fetchone()[0], 0)
    c.execute("BEGIN")
    c.execute(f"DECLARE slow CURSOR FOR {SLOW}")
    error(c, "57014", "FETCH slow")
    c.execute("ROLLBACK")


@behaviour
def timeouts(c):
    for setting, first, sqlstate in (("idle_in_transaction_session_timeout", "BEGIN", "25P03"),
                                     ("idle_session_timeout", "SELECT 1", "57P05")):
        other = connect(options=f"-c {setting}=200")
        other.execute(first)
        time.sleep(0.6)
        error(other, sqlstate, "SELECT 1")


@behaviour
def vectors(c):
    c.execute("CREATE EXTENSION IF NOT EXISTS vector")
    register_vector(c)
    table(c, "d_psycopg3_vectors", "id int8 PRIMARY KEY, e vector(3)")
    for i in range(10):
        c.execute("INSERT INTO d_psycopg3_vectors VALUES (%s, %s)",
                  (i, numpy.array([i, i / 2, -i], dtype=numpy.float32)))
    query = numpy.array([4.1, 2, -4], dtype=numpy.float32)
    for binary in (False, True):
        cursor = c.cursor(binary=binary)
        got = cursor.execute("SELECT e FROM d_psycopg3_vectors WHERE id = 3").fetchone()[0]
        same(numpy.asarray(getattr(got, "to_numpy", lambda: got)()).tolist(), [3.0, 1.5, -3.0])
        near = cursor.execute("SELECT id FROM d_psycopg3_vectors ORDER BY e <-> %s LIMIT 3", (query,))
        same(near.fetchall(), [(4,), (5,), (3,)])
    error(c, "22000", "INSERT INTO d_psycopg3_vectors VALUES (99, %s)", (numpy.array([1.0, 2.0]),))


@behaviour
def notices(c):
    got = []
    c.add_notice_handler(lambda diagnostic: got.append(diagnostic.message_primary))
    c.execute("DROP TABLE IF EXISTS nothing_here")
    same(got, ['table "nothing_here" does not exist, skipping'])


@behaviour
def notifications(c):
    got = []
    c.add_notify_handler(lambda said: got.append((said.channel, said.payload)))
    c.execute("LISTEN d_psycopg3")
    with c.transaction():
        c.execute("NOTIFY d_psycopg3, 'committed'")
        c.execute("SELECT pg_notify('d_psycopg3', %s)", ("too",))
    c.execute("BEGIN")
    c.execute("NOTIFY d_psycopg3, 'rolled back'")
    c.execute("ROLLBACK")
    c.execute("SELECT 1")
    same(got, [("d_psycopg3", "committed"), ("d_psycopg3", "too")])


@behaviour
def large_results(c):
    total = 0
    query = "SELECT x, repeat('x', 100) FROM generate_series(1, 200000) AS g(x)"
    for x, text in c.cursor(binary=True).stream(query):
        total += x + len(text) - 100
    same(total, 200000 * 200001 // 2)


@behaviour
def unicode(c):
    table(c, '"d_psycopg3_ünïcode"', '"Größe" text')
    for text in TEXTS:
        c.execute('DELETE FROM "d_psycopg3_ünïcode"')
        c.execute('INSERT INTO "d_psycopg3_ünïcode" VALUES (%s)', (text,))
        same(c.execute('SELECT "Größe" FROM "d_psycopg3_ünïcode"').fetchone()[0], text)


run(connect)
