"""VectorDBBench's client for pgvector: each kind of index it makes, loaded, searched and filtered."""

import logging
import os
import sys
import tempfile
import threading

os.chdir(tempfile.mkdtemp(prefix="vectordbbench-"))  # where it keeps its logs
os.environ["LOG_LEVEL"] = "ERROR"
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import numpy as np
from cases import DATABASE, HOST, PASSWORD, PORT, USER, case, run, same
from vectordb_bench.backend.clients.api import MetricType
from vectordb_bench.backend.clients.pgvector.config import PgVectorConfig, PgVectorHNSWConfig, PgVectorIVFFlatConfig
from vectordb_bench.backend.clients.pgvector.pgvector import PgVector
from vectordb_bench.backend.filter import IntFilter, LabelFilter, non_filter

logging.disable(logging.CRITICAL)
ROWS, WIDTH, NEAREST = 3000, 32, 10
random = np.random.default_rng(7)
VECTORS = random.normal(size=(ROWS, WIDTH)).astype(np.float32)
QUERIES = random.normal(size=(20, WIDTH)).astype(np.float32)
LABELS = [f"label_{i % 10}p" for i in range(ROWS)]
PLACE = PgVectorConfig(user_name=USER, password=PASSWORD, host=HOST, port=PORT, db_name=DATABASE, table_name="vdb_items")


def distances(query, metric):
    if metric == MetricType.L2:
        return np.linalg.norm(VECTORS - query, axis=1)
    if metric == MetricType.IP:
        return -(VECTORS @ query)
    if metric == MetricType.HAMMING:
        return ((VECTORS > 0) != (query > 0)).sum(axis=1)
    return 1 - (VECTORS @ query) / np.linalg.norm(VECTORS, axis=1) / np.linalg.norm(query)


def hnsw(metric, **more):
    return PgVectorHNSWConfig(metric_type=metric, m=16, ef_construction=128, ef_search=200, **more)


def ivfflat(metric, **more):
    return PgVectorIVFFlatConfig(metric_type=metric, lists=20, probes=15, **more)


def load(config, labels=False):
    """A new table with its rows and its index."""
    client = PgVector(dim=WIDTH, db_config=PLACE.to_dict(), db_case_config=config, drop_old=True, with_scalar_labels=labels)
    with client.init():
        for start in range(0, ROWS, 500):
            part = slice(start, start + 500)
            count, error = client.insert_embeddings(VECTORS[part].tolist(), list(range(start, min(start + 500, ROWS))), LABELS[part])
            if error:
                raise error
            same(count, 500)
        client.optimize(ROWS)
    return client


def search(client, metric, least, filters=non_filter, keep=None):
    """Searches; enough of what is found must be as near as what should be."""
    found = 0
    with client.init():
        client.prepare_filter(filters)
        for query in QUERIES:
            ids = client.search_embedding(query.tolist(), NEAREST)
            same(len(ids), NEAREST)
            away = distances(query, metric)
            if keep is not None:
                assert all(keep[id] for id in ids), ids
                away = np.where(keep, away, np.inf)
            limit = np.sort(away)[NEAREST - 1] + 1e-4
            found += sum(away[id] <= limit for id in ids)
    recall = found / len(QUERIES) / NEAREST
    assert recall >= least, f"{recall} of the nearest were found"


def define(name, config, metric, least=0.9):
    def body():
        search(load(config()), metric, least)

    body.__name__ = name
    case(body)


L2, IP, COSINE = MetricType.L2, MetricType.IP, MetricType.COSINE
RERANKED = {"quantization_type": "bit", "reranking": True, "quantized_fetch_limit": 400}
for title, kind in [("hnsw", hnsw), ("ivfflat", ivfflat)]:
    define(f"{title}_l2", lambda kind=kind: kind(L2), L2)
    define(f"{title}_ip", lambda kind=kind: kind(IP), IP)
    define(f"{title}_cosine", lambda kind=kind: kind(COSINE), COSINE)
    define(f"{title}_halfvec", lambda kind=kind: kind(L2, quantization_type="halfvec"), L2)
    define(f"{title}_halfvec_table", lambda kind=kind: kind(COSINE, quantization_type="halfvec", table_quantization_type="halfvec"), COSINE)
    define(f"{title}_bits_reranked", lambda kind=kind: kind(COSINE, reranking_metric=COSINE, **RERANKED), COSINE, 0.6)
    define(f"{title}_bits", lambda kind=kind: kind(COSINE, quantization_type="bit"), MetricType.HAMMING, 0.6)
define("hnsw_bit_table_hamming", lambda: hnsw(MetricType.HAMMING, table_quantization_type="bit"), MetricType.HAMMING, 0.7)
define("ivfflat_bit_table_hamming", lambda: ivfflat(MetricType.HAMMING, table_quantization_type="bit"), MetricType.HAMMING, 0.6)
define("index_before_load", lambda: hnsw(L2, create_index_before_load=True, create_index_after_load=False), L2)
define("memory_and_workers", lambda: hnsw(L2, maintenance_work_mem="256MB", max_parallel_workers=2), L2)
define("strict_order", lambda: hnsw(L2, iterative_scan="strict_order"), L2)


@case
def few_rows_pass_the_filter():
    keep = np.arange(ROWS) >= ROWS * 0.99
    search(load(hnsw(COSINE)), COSINE, 0.9, IntFilter(filter_rate=0.99, int_value=int(ROWS * 0.99)), keep)


@case
def most_rows_pass_the_filter():
    client = PgVector(dim=WIDTH, db_config=PLACE.to_dict(), db_case_config=hnsw(COSINE))
    keep = np.arange(ROWS) >= ROWS * 0.01
    search(client, COSINE, 0.9, IntFilter(filter_rate=0.01, int_value=int(ROWS * 0.01)), keep)


@case
def labels():
    client = load(hnsw(COSINE), labels=True)
    search(client, COSINE, 0.9, LabelFilter(label_percentage=0.05), np.array([label == "label_5p" for label in LABELS]))


@case
def many_threads():
    client = PgVector(dim=WIDTH, db_config=PLACE.to_dict(), db_case_config=hnsw(COSINE), with_scalar_labels=True)
    failed = []

    def work():
        try:
            search(client.copy_for_thread(), COSINE, 0.9)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    same(failed, [])


@case
def loaded_again():
    client = load(ivfflat(L2))
    client = load(hnsw(L2))
    search(client, L2, 0.9)


run("vectordb-bench")
