#!/usr/bin/env python3
"""Redkite and PostgreSQL + pgvector side by side: what `bench.py` of the shared benchmark leaves out.

    python benches/beside_postgres.py PART... --redkite DSN --postgres DSN [--rows N] [--rounds N]

Both servers run on the same machine; each round measures one after the other, never both at
once, and the ratio of the medians is printed (> 1: Redkite does better). Parts:

    exact   top 10 of `items` by `<->`, no index, one client: queries per second. Load `items`
            first, with the shared benchmark's `load` part, into both.
    lookup  prepared `SELECT id, category, price FROM items WHERE id = $1`, one client and eight
    wire    prepared `SELECT 1`, one client and eight
    keys    COPY and single INSERTs into a table of --rows random UUID keys (Redkite only, unless
            --postgres is given); what a check reads, `segment::measure` counts

Clients are processes with one connection each that call libpq's exec_prepared with binary
parameters and results, as in the shared benchmark.
"""
import argparse
import multiprocessing
import statistics
import struct
import time
import uuid

import numpy as np
import psycopg
from psycopg import pq

PROCESSES = multiprocessing.get_context("fork")


def vector_bytes(vector):
    return struct.pack(">HH", len(vector), 0) + np.asarray(vector, ">f4").tobytes()


def client(dsn, sql, parameters, seconds, start, out):
    """One client: prepares, waits for the others, runs until the time is over."""
    try:
        connection = psycopg.connect(dsn, autocommit=True)
        libpq = connection.pgconn
        libpq.prepare(b"q", sql.encode())

        def step(values):
            answer = libpq.exec_prepared(b"q", values, [1] * len(values) if values else None, 1)
            if answer.status != pq.ExecStatus.TUPLES_OK:
                raise RuntimeError(answer.error_message.decode())

        for values in parameters[:20]:
            step(values)
        start.wait(timeout=120)
        count, began = 0, time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            step(parameters[count % len(parameters)])
            count += 1
        out.put(count / took)
    except Exception as error:  # a client that failed ends the measurement, with its words
        start.abort()
        out.put(error)


def rate(dsn, sql, parameters, clients, seconds):
    """Queries per second of so many clients together."""
    start, out = PROCESSES.Barrier(clients), PROCESSES.Queue()
    shares = [parameters[place::clients] or parameters for place in range(clients)]
    processes = [
        PROCESSES.Process(target=client, args=(dsn, sql, share, seconds, start, out))
        for share in shares
    ]
    for process in processes:
        process.start()
    rates = [out.get(timeout=seconds + 300) for _ in processes]
    for process in processes:
        process.join()
    for error in rates:
        if isinstance(error, Exception):
            raise error
    return sum(rates)


def compare(arguments, label, sql, parameters, clients):
    """Rounds on both servers in turn; prints medians and their ratio."""
    rates = {"redkite": [], "postgres": []}
    for _ in range(arguments.rounds):
        for server, values in rates.items():
            dsn = getattr(arguments, server)
            if dsn:
                values.append(rate(dsn, sql, parameters, clients, arguments.seconds))
    medians = {server: statistics.median(values) for server, values in rates.items() if values}
    words = ", ".join(f"{server} {value:,.1f}/s" for server, value in medians.items())
    ratio = medians["redkite"] / medians["postgres"] if len(medians) == 2 else float("nan")
    print(f"{label}, {clients} client{'s' * (clients > 1)}: {words}, ratio {ratio:.2f}", flush=True)


def exact(arguments):
    random = np.random.default_rng(1)
    with psycopg.connect(arguments.redkite) as connection:
        rows = connection.execute("SELECT count(*) FROM items").fetchone()[0]
        texts = connection.execute(
            "SELECT embedding::text FROM items WHERE id = ANY(%s)",
            ([int(i) for i in random.integers(0, rows, 200)],),
        ).fetchall()
    vectors = [np.array(text.strip("[]").split(","), np.float32) for (text,) in texts]
    parameters = [[vector_bytes(v + random.integers(-6, 7, len(v)))] for v in vectors]
    sql = "SELECT id FROM items ORDER BY embedding <-> $1::vector LIMIT 10"
    compare(arguments, f"exact top 10 of {rows:,}", sql, parameters, 1)


def lookup(arguments):
    with psycopg.connect(arguments.redkite) as connection:
        rows = connection.execute("SELECT count(*) FROM items").fetchone()[0]
    ids = np.random.default_rng(2).integers(0, rows, 50_000)
    parameters = [[struct.pack(">q", int(i))] for i in ids]
    sql = "SELECT id, category, price FROM items WHERE id = $1::int8"
    for clients in (1, 8):
        compare(arguments, f"look-up by id among {rows:,}", sql, parameters, clients)


def wire(arguments):
    for clients in (1, 8):
        compare(arguments, "SELECT 1", "SELECT 1", [[]], clients)


def uuid_rows(count, seed):
    """The body of a binary COPY of `count` rows (uuid, int8)."""
    keys = np.random.default_rng(seed).bytes(16 * count)
    row = np.dtype([("n", ">i2"), ("l1", ">i4"), ("key", "V16"), ("l2", ">i4"), ("value", ">i8")])
    rows = np.zeros(count, row)
    rows["n"], rows["l1"], rows["l2"] = 2, 16, 8
    rows["key"] = np.frombuffer(keys, "V16")
    rows["value"] = np.arange(count)
    return rows.tobytes()


def copy_uuids(connection, count, seed):
    began = time.perf_counter()
    with connection.cursor() as cursor:
        with cursor.copy("COPY keyed FROM STDIN (FORMAT binary)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            copy.write(uuid_rows(count, seed))
            copy.write(b"\xff\xff")
    return time.perf_counter() - began


def keys(arguments):
    for server in ("redkite", "postgres"):
        dsn = getattr(arguments, server)
        if not dsn:
            continue
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS keyed")
            connection.execute("CREATE TABLE keyed (id uuid PRIMARY KEY, value bigint)")
            step = 1_000_000
            for seed in range(max(1, arguments.rows // step)):
                took = copy_uuids(connection, min(step, arguments.rows), seed)
                print(f"{server}: COPY {seed + 1}: {min(step, arguments.rows) / took:,.0f} rows/s", flush=True)
            took = copy_uuids(connection, 100_000, 10_000)
            print(f"{server}: COPY 100,000 more: {100_000 / took:,.0f} rows/s", flush=True)
            began = time.perf_counter()
            for _ in range(1000):
                connection.execute("INSERT INTO keyed VALUES (%s, 1)", (uuid.uuid4(),), prepare=True)
            took = time.perf_counter() - began
            print(f"{server}: single INSERTs: {1000 / took:,.0f} rows/s", flush=True)


PARTS = {"exact": exact, "lookup": lookup, "wire": wire, "keys": keys}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="+", choices=PARTS, metavar="PART")
    parser.add_argument("--redkite", required=True, metavar="DSN")
    parser.add_argument("--postgres", metavar="DSN")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rows", type=int, default=10_000_000)
    arguments = parser.parse_args()
    for part in arguments.parts:
        PARTS[part](arguments)


if __name__ == "__main__":
    main()
