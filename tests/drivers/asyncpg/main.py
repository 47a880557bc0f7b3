"""The behaviours of README.md by asyncpg, which sends and asks for everything in binary."""

import asyncio
import datetime as dt
import io
import json
import os
import sys

# this folder is called like the driver: look in its parent instead
here = os.path.dirname(os.path.abspath(__file__))
sys.path = [os.path.dirname(here)] + [path for path in sys.path if os.path.abspath(path) != here]
sys.path.append(sys.path.pop(0))
import asyncpg
import numpy
from behaviours import (ARRAYS, COLUMNS, COPY_CSV, COPY_TEXT, DEFINITION, SLOW, TEXTS, behaviour,
                        run, same)
from pgvector.asyncpg import register_vector

MARKS = ", ".join(f"${i + 1}" for i in range(len(COLUMNS)))


async def connect(**more):
    return await asyncpg.connect(**more)


async def table(c, name, columns):
    await c.execute(f"DROP TABLE IF EXISTS {name}")
    await c.execute(f"CREATE TABLE {name} ({columns})")


async def fails(kind, action):
    try:
        await action
    except kind:
        return
    raise AssertionError(f"no error, expected {kind.__name__}")


@behaviour
async def connect_options(_):
    c = await connect(server_settings={"statement_timeout": "1234", "TimeZone": "Asia/Tokyo",
                                       "application_name": "drivers"})
    same(await c.fetchval("SHOW statement_timeout"), "1234ms")
    same(c.get_settings().TimeZone, "Asia/Tokyo")
    same(await c.fetchval("SHOW application_name"), "drivers")
    await c.close()


@behaviour
async def types_binary(c):
    await table(c, "d_asyncpg_types", DEFINITION)
    values = [json.dumps(value) if isinstance(value, dict) else value for _, _, value in COLUMNS]
    await c.execute(f"INSERT INTO d_asyncpg_types VALUES ({MARKS})", *values)
    row = await c.fetchrow("SELECT * FROM d_asyncpg_types")
    for got, (column, _, expected) in zip(row.items(), COLUMNS):
        same(got[0], column)
        value = json.loads(got[1]) if isinstance(expected, dict) else got[1]
        same(str(value) if column == "u" else value, str(expected) if column == "u" else expected)


@behaviour
async def pool(_):
    # A connection that goes back to the pool is put in order by one query of several commands.
    async with asyncpg.create_pool(min_size=1, max_size=1) as connections:
        for _ in range(2):
            async with connections.acquire() as c:
                same(await c.fetchval("SHOW statement_timeout"), "0")
                await c.execute("SET statement_timeout = 1234")


@behaviour
async def nulls(c):
    await table(c, "d_asyncpg_nulls", DEFINITION)
    await c.execute(f"INSERT INTO d_asyncpg_nulls VALUES ({MARKS})", *[None] * len(COLUMNS))
    same(tuple(await c.fetchrow("SELECT * FROM d_asyncpg_nulls")), (None,) * len(COLUMNS))


@behaviour
async def arrays(c):
    await table(c, "d_asyncpg_arrays", "i int4[], t text[], f float8[], e int8[]")
    await c.execute("INSERT INTO d_asyncpg_arrays VALUES ($1, $2, $3, $4)", *ARRAYS)
    same(tuple(await c.fetchrow("SELECT * FROM d_asyncpg_arrays")), ARRAYS)
    any_of = "SELECT count(*) FROM generate_series(1, 10) AS g(x) WHERE x = ANY($1::int4[])"
    same(await c.fetchval(any_of, [2, 3, 99]), 2)


@behaviour
async def prepared(c):
    statement = await c.prepare("SELECT $1::int4 + 1 AS n, $2::text AS t")
    same([p.name for p in statement.get_parameters()], ["int4", "text"])
    same([(a.name, a.type.name) for a in statement.get_attributes()], [("n", "int4"), ("t", "text")])
    for value in range(10):
        same(tuple(await statement.fetchrow(value, "x")), (value + 1, "x"))


@behaviour
async def parameters(c):
    await table(c, "d_asyncpg_parameters", "id int8 PRIMARY KEY, t text, p float8")
    await c.executemany("INSERT INTO d_asyncpg_parameters VALUES ($1, $2, $3)",
                        [(i, f"t{i}", i / 4) for i in range(20)])
    got = await c.fetch("SELECT t FROM d_asyncpg_parameters WHERE id > $1 AND p < $2 ORDER BY id"
                        " LIMIT $3 OFFSET $4", 3, 4.5, 2, 1)
    same([row["t"] for row in got], ["t5", "t6"])
    update = "UPDATE d_asyncpg_parameters SET t = $1 WHERE id = $2"
    same(await c.execute(update, "new", 7), "UPDATE 1")
    delete = "DELETE FROM d_asyncpg_parameters WHERE id = $1 RETURNING t"
    same(await c.fetchval(delete, 7), "new")


@behaviour
async def fetch_size(c):
    async with c.transaction():
        cursor = await c.cursor("SELECT x FROM generate_series(1, 1000) AS g(x)")
        same(len(await cursor.fetch(7)), 7)
        same((await cursor.fetchrow())["x"], 8)
        same(len(await cursor.fetch(5000)), 992)


@behaviour
async def error_sqlstate(c):
    await fails(asyncpg.UndefinedTableError, c.fetch("SELECT * FROM nothing_here"))
    await fails(asyncpg.PostgresSyntaxError, c.fetch("SELEC 1"))
    await fails(asyncpg.InvalidTextRepresentationError, c.fetch("SELECT 'x'::int4"))
    await fails(asyncpg.NumericValueOutOfRangeError, c.fetch("SELECT $1::int4 + 1", 2147483647))
    await fails(asyncpg.DivisionByZeroError, c.fetch("SELECT 1 / $1::int4", 0))


@behaviour
async def error_recovery(c):
    try:
        async with c.transaction():
            await c.fetch("SELECT * FROM nothing_here")
    except asyncpg.UndefinedTableError:
        pass
    same(await c.fetchval("SELECT 1"), 1)


@behaviour
async def transaction_status(c):
    same(c.is_in_transaction(), False)
    transaction = c.transaction()
    await transaction.start()
    same(c.is_in_transaction(), True)
    await fails(asyncpg.UndefinedTableError, c.fetch("SELECT * FROM nothing_here"))
    await fails(asyncpg.InFailedSQLTransactionError, c.fetch("SELECT 1"))
    await transaction.rollback()
    same(c.is_in_transaction(), False)


async def copied(c, name, data, **options):
    await table(c, name, "id int8, t text, f float8")
    data = data.encode()
    same(await c.copy_to_table(name, source=io.BytesIO(data), **options), "COPY 2")
    out = io.BytesIO()
    await c.copy_from_query(f"SELECT * FROM {name} ORDER BY id", output=out, **options)
    same(out.getvalue(), data)


@behaviour
async def copy_text(c):
    await copied(c, "d_asyncpg_copy_text", COPY_TEXT)


@behaviour
async def copy_csv(c):
    await copied(c, "d_asyncpg_copy_csv", COPY_CSV, format="csv")


@behaviour
async def copy_binary(c):
    await table(c, "d_asyncpg_copy_binary", "id int8, t text, d date")
    rows = [(i, None if i % 3 == 0 else f"é{i}", dt.date(2000, 1, 1) + dt.timedelta(i))
            for i in range(5000)]
    same(await c.copy_records_to_table("d_asyncpg_copy_binary", records=rows), "COPY 5000")
    got = await c.fetch("SELECT * FROM d_asyncpg_copy_binary ORDER BY id")
    same([tuple(row) for row in got], rows)


@behaviour
async def cancel(c):
    await fails(asyncio.TimeoutError, c.fetch(SLOW, timeout=0.5))
    same(await c.fetchval("SELECT 1"), 1)


@behaviour
async def vectors(c):
    await c.execute("CREATE EXTENSION IF NOT EXISTS vector")
    await register_vector(c)
    await table(c, "d_asyncpg_vectors", "id int8 PRIMARY KEY, e vector(3)")
    for i in range(10):
        await c.execute("INSERT INTO d_asyncpg_vectors VALUES ($1, $2)", i,
                        numpy.array([i, i / 2, -i]))
    got = await c.fetchval("SELECT e FROM d_asyncpg_vectors WHERE id = 3")
    same(numpy.asarray(getattr(got, "to_numpy", lambda: got)()).tolist(), [3.0, 1.5, -3.0])
    near = await c.fetch("SELECT id FROM d_asyncpg_vectors ORDER BY e <-> $1 LIMIT 3",
                         numpy.array([4.1, 2, -4]))
    same([row["id"] for row in near], [4, 5, 3])


@behaviour
async def notices(c):
    got = []
    c.add_log_listener(lambda _, message: got.append(message.message))
    await c.execute("DROP TABLE IF EXISTS nothing_here")
    await asyncio.sleep(0.1)
    same(got, ['table "nothing_here" does not exist, skipping'])


@behaviour
async def notifications(c):
    got = asyncio.Queue()
    await c.add_listener("d_asyncpg", lambda _, pid, channel, said: got.put_nowait((channel, said)))
    other = await connect()
    try:
        async with other.transaction():
            await other.execute("SELECT pg_notify('d_asyncpg', $1)", "committed")
            same(got.empty(), True)
    finally:
        await other.close()
    same(await asyncio.wait_for(got.get(), 30), ("d_asyncpg", "committed"))


@behaviour
async def large_results(c):
    rows = await c.fetch("SELECT x, repeat('x', 100) AS t FROM generate_series(1, 200000) AS g(x)")
    same(sum(row["x"] for row in rows), 200000 * 200001 // 2)


@behaviour
async def unicode(c):
    for text in TEXTS:
        same(await c.fetchval("SELECT $1::text", text), text)


run(connect)
