#!/usr/bin/env python3
"""FAISS by itself, in this process: what is left to be had when nothing but the search costs.

    python benches/faiss_beside.py --data sift-100000 --out faiss.json

Builds FAISS's HNSW with the same m and ef_construction and searches it for the benchmark's queries, all of them over and
over, on as many threads as the benchmark has clients. Writes what `bench.py query` writes, for `recall_curves.py draw`.
Needs the package faiss-cpu.
"""
import argparse
import json
import os
import time

import faiss
import numpy as np

K = 10


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sift-100000")
    parser.add_argument("--clients", default="1,8")
    parser.add_argument("--ef", default="10,20,40,80,120,200")
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construction", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--out", required=True)
    a = parser.parse_args()
    root = os.path.expanduser(os.environ.get("REDKITE_BENCH_DATA", "~/.cache/redkite-bench"))
    load = lambda name: np.load(os.path.join(root, a.data, name))
    base, queries, farthest = load("base.npy"), load("queries.npy"), load("gt_dist.npy")[:, K - 1]
    index = faiss.IndexHNSWFlat(base.shape[1], a.m)
    index.hnsw.efConstruction = a.ef_construction
    began = time.perf_counter()
    index.add(base)
    built = time.perf_counter() - began
    curve = []
    for ef in map(int, a.ef.split(",")):
        index.hnsw.efSearch = ef
        squares, _ = index.search(queries, K)
        # Ties with the tenth true neighbour count, as in the benchmark.
        point = {"setting": ef, "recall": float((np.sqrt(squares) <= farthest[:, None] * (1 + 1e-6)).mean())}
        for clients in a.clients.split(","):
            faiss.omp_set_num_threads(int(clients))
            done, began = 0, time.perf_counter()
            while time.perf_counter() - began < a.seconds:
                index.search(queries, K)
                done += len(queries)
            point["qps_" + clients] = done / (time.perf_counter() - began)
        print(point)
        curve.append(point)
    with open(a.out, "w") as f:
        json.dump({"build_seconds": built, "query": {"faiss": {"curve": curve}}}, f, indent=1)


if __name__ == "__main__":
    main()
