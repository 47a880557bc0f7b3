#!/usr/bin/env python3
"""Recall and queries per second after many replacements, beside those of a fresh build.

    python benches/replace_rows.py --bench .../bench.py --dsn DSN --data sift-100000 [--index hnsw]

Wants `items` as `bench.py load` leaves it. A share of the rows is first given vectors of other rows, moved a little, and
the index is built over that. Then transactions give every one of them its own vector back, so that at the end the
benchmark's exact neighbours are right again. No command is run before the first two measurements: at once, and after a
pause in which background work may do what it does. The last follows REINDEX.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import psycopg


def text(vector):
    return "[%s]" % ",".join("%.9g" % number for number in vector)


def measure(a, label):
    setting = {"redkite": "SET redkite.recall_target = %s" % a.target}.get(a.index, "SELECT 1")
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "found.json")
        subprocess.run([sys.executable, a.bench, "query", "--dsn", a.dsn, "--data", a.data, "--out", out, "--set", setting,
                        "--ef", a.ef, "--clients", "1,8", "--seconds", a.seconds], check=True, stdout=subprocess.DEVNULL)
        point = next(iter(json.load(open(out))["query"].values()))["curve"][0]
    print("%-28s recall %.4f  1 client %6.0f/s  8 clients %6.0f/s" % (label, point["recall"], point["qps_1"], point["qps_8"]),
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--data", default="sift-100000")
    parser.add_argument("--index", choices=["redkite", "hnsw"], default="redkite")
    parser.add_argument("--target", default="0.95", help="redkite.recall_target")
    parser.add_argument("--ef", default="40", help="hnsw.ef_search")
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--transactions", type=int, default=1000)
    parser.add_argument("--pause", type=float, default=60)
    parser.add_argument("--seconds", default="3")
    a = parser.parse_args()
    root = os.path.expanduser(os.environ.get("REDKITE_BENCH_DATA", "~/.cache/redkite-bench"))
    base = np.load(os.path.join(root, a.data, "base.npy"))
    random = np.random.default_rng(5)
    chosen = random.permutation(len(base))[: int(len(base) * a.share)]
    others = base[random.integers(0, len(base), len(chosen))] + random.integers(-8, 9, (len(chosen), base.shape[1]))
    with psycopg.connect(a.dsn, autocommit=True) as connection:
        connection.execute("DROP INDEX IF EXISTS items_vec")
        connection.execute("DROP TABLE IF EXISTS replacements")
        connection.execute("CREATE TABLE replacements (id bigint PRIMARY KEY, embedding vector(%d))" % base.shape[1])
        with connection.cursor() as cursor, cursor.copy("COPY replacements FROM STDIN") as copy:
            for id, vector in zip(chosen, others):
                copy.write_row((int(id), text(vector)))
        connection.execute("UPDATE items SET embedding = r.embedding FROM replacements r WHERE items.id = r.id")
        connection.execute("DROP TABLE replacements")
        began = time.perf_counter()
        connection.execute("CREATE INDEX items_vec ON items USING %s (embedding vector_l2_ops)" % a.index)
        print("built in %.1f s" % (time.perf_counter() - began), flush=True)
        began = time.perf_counter()
        for ids in np.array_split(chosen, a.transactions):
            with connection.transaction(), connection.pipeline():
                for id in ids:
                    connection.execute("UPDATE items SET embedding = %s::vector WHERE id = %s", (text(base[id]), int(id)),
                                       prepare=True)
        took = time.perf_counter() - began
        print("%d rows replaced in %d transactions, %.1f s" % (len(chosen), a.transactions, took), flush=True)
        measure(a, "at once")
        time.sleep(a.pause)
        measure(a, "%g s later" % a.pause)
        began = time.perf_counter()
        connection.execute("REINDEX INDEX items_vec")
        print("built again in %.1f s" % (time.perf_counter() - began), flush=True)
        measure(a, "built again")


if __name__ == "__main__":
    main()
