"""pgvector-python's examples, with psycopg 3 and asyncpg: loading, searches of every kind, indexes."""

import asyncio
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import numpy as np
import psycopg
from cases import case, run, same, url
from pgvector.psycopg import Bit, HalfVector, SparseVector, Vector, register_vector

c = psycopg.connect(url("postgresql"), autocommit=True)
c.execute("CREATE EXTENSION IF NOT EXISTS vector")
register_vector(c)
rng = np.random.default_rng(1)
ROWS = rng.random((1000, 32), dtype=np.float32)


def table(name, columns):
    c.execute(f"DROP TABLE IF EXISTS {name}")
    c.execute(f"CREATE TABLE {name} (id bigserial PRIMARY KEY, {columns})")


def rows(sql, *values):
    return c.execute(sql, values).fetchall()


@case
def example():
    table("pv_documents", "content text, embedding vector(3)")
    for content, e in (("The dog is barking", [1, 0, 0]), ("The cat is purring", [0, 1, 0]), ("The bear is growling", [0, 0, 1])):
        c.execute("INSERT INTO pv_documents (content, embedding) VALUES (%s, %s)", (content, np.array(e)))
    same(rows("SELECT content FROM pv_documents ORDER BY embedding <=> %s LIMIT 1", np.array([0.9, 0.1, 0])),
         [("The dog is barking",)])


@case
def neighbours_of_a_row():
    found = rows("SELECT id FROM pv_documents WHERE id != %(id)s ORDER BY embedding <-> "
                 "(SELECT embedding FROM pv_documents WHERE id = %(id)s) LIMIT 5" % {"id": 1})
    same(len(found), 2)


@case
def loading():
    table("pv_items", "embedding vector(32)")
    with c.cursor().copy("COPY pv_items (embedding) FROM STDIN WITH (FORMAT BINARY)") as copy:
        copy.set_types(["vector"])
        for row in ROWS:
            copy.write_row([row])
    same(rows("SELECT count(*) FROM pv_items"), [(1000,)])


@case
def values_come_back():
    got = rows("SELECT embedding FROM pv_items WHERE id = 8")[0][0]
    same(np.allclose(got, ROWS[7]), True)


def nearest(query, k=10):
    return [int(i) + 1 for i in np.argsort(((ROWS - query) ** 2).sum(axis=1))[:k]]


@case
def exact_search():
    query = ROWS[5] + 0.01
    same([r[0] for r in rows("SELECT id FROM pv_items ORDER BY embedding <-> %s LIMIT 10", query)], nearest(query))


@case
def hnsw_index():
    c.execute("SET maintenance_work_mem = '64MB'")
    c.execute("CREATE INDEX pv_hnsw ON pv_items USING hnsw (embedding vector_l2_ops) WITH (m = 16, ef_construction = 64)")
    c.execute("SET hnsw.ef_search = 200")
    query = ROWS[9]
    same(rows("SELECT id FROM pv_items ORDER BY embedding <-> %s LIMIT 1", query), [(10,)])


@case
def iterative_scan():
    c.execute("SET hnsw.iterative_scan = strict_order")
    found = rows("SELECT id FROM pv_items WHERE id %% 10 = 0 ORDER BY embedding <-> %s LIMIT 20", ROWS[0])
    same(len(found), 20)


@case
def ivfflat_index():
    c.execute("DROP INDEX pv_hnsw")
    c.execute("CREATE INDEX pv_ivf ON pv_items USING ivfflat (embedding vector_cosine_ops) WITH (lists = 10)")
    c.execute("SET ivfflat.probes = 10")
    same(rows("SELECT id FROM pv_items ORDER BY embedding <=> %s LIMIT 1", ROWS[3]), [(4,)])
    c.execute("DROP INDEX pv_ivf")


@case
def distances():
    got = rows("SELECT '[1,2,3]'::vector <-> '[4,6,3]', '[1,2,3]'::vector <#> '[1,2,3]', '[1,0]'::vector <=> '[0,1]', "
               "'[1,2]'::vector <+> '[3,5]'")
    same(got, [(5, -14, 1, 5)])


@case
def within_a_distance():
    same(len(rows("SELECT id FROM pv_items WHERE embedding <-> %s < 0.0001", ROWS[1])), 1)


@case
def averages():
    got = rows("SELECT avg(embedding) FROM pv_items")[0][0]
    same(np.allclose(got, ROWS.mean(axis=0), atol=1e-4), True)
    same(len(rows("SELECT id / 501, avg(embedding) FROM pv_items GROUP BY 1")), 2)


@case
def half_vectors():
    table("pv_half", "e halfvec(3)")
    c.execute("INSERT INTO pv_half (e) VALUES (%s), (%s)", (HalfVector([1, 2, 3]), HalfVector([4, 5, 6])))
    same(rows("SELECT e FROM pv_half ORDER BY e <-> %s", HalfVector([4, 5, 5]))[0][0].to_list(), [4, 5, 6])
    c.execute("CREATE INDEX ON pv_half USING hnsw (e halfvec_l2_ops)")


@case
def half_precision_index():
    c.execute("CREATE INDEX pv_as_half ON pv_items USING hnsw ((embedding::halfvec(32)) halfvec_l2_ops)")
    found = rows("SELECT id FROM pv_items ORDER BY embedding::halfvec(32) <-> %s LIMIT 1", HalfVector(ROWS[2]))
    same(found, [(3,)])
    c.execute("DROP INDEX pv_as_half")


@case
def binary_vectors():
    table("pv_bits", "hash bit(8)")
    c.execute("INSERT INTO pv_bits (hash) VALUES (%s), (%s)", (Bit("00000001"), Bit("11110000")))
    same(rows("SELECT id FROM pv_bits ORDER BY hash <~> %s LIMIT 1", Bit("11100000")), [(2,)])
    same(rows("SELECT id FROM pv_bits ORDER BY hash <%%> %s LIMIT 1", Bit("00000011")), [(1,)])


@case
def binary_quantization():
    c.execute("CREATE INDEX pv_quantized ON pv_items USING hnsw ((binary_quantize(embedding)::bit(32)) bit_hamming_ops)")
    found = rows("SELECT id FROM (SELECT * FROM pv_items ORDER BY binary_quantize(embedding)::bit(32) <~> "
                 "binary_quantize(%s::vector) LIMIT 20) AS near ORDER BY embedding <=> %s LIMIT 5", ROWS[0], ROWS[0])
    same(len(found), 5)
    c.execute("DROP INDEX pv_quantized")


@case
def sparse_vectors():
    table("pv_sparse", "e sparsevec(1000)")
    c.execute("INSERT INTO pv_sparse (e) VALUES (%s), (%s)", (SparseVector({0: 1.0, 500: 2.0}, 1000), SparseVector({1: 3.0}, 1000)))
    same(rows("SELECT id FROM pv_sparse ORDER BY e <#> %s LIMIT 1", SparseVector({500: 1.0}, 1000)), [(1,)])
    c.execute("CREATE INDEX ON pv_sparse USING hnsw (e sparsevec_ip_ops)")


@case
def subvectors():
    c.execute("CREATE INDEX pv_sub ON pv_items USING hnsw ((subvector(embedding, 1, 8)::vector(8)) vector_cosine_ops)")
    found = rows("SELECT id FROM pv_items ORDER BY subvector(embedding, 1, 8)::vector(8) <=> subvector(%s::vector, 1, 8) LIMIT 1", ROWS[6])
    same(found, [(7,)])
    c.execute("DROP INDEX pv_sub")


@case
def vector_arrays():
    table("pv_arrays", "es vector[]")
    c.execute("INSERT INTO pv_arrays (es) VALUES (%s)", ([Vector([1, 2]), Vector([3, 4])],))
    same(rows("SELECT es[2]::text, array_length(es, 1) FROM pv_arrays"), [("[3,4]", 2)])


@case
def vector_functions():
    same(rows("SELECT vector_dims('[1,2,3]'::vector), vector_norm('[3,4]'::vector), l2_normalize('[3,4]'::vector)::text, "
              "inner_product('[1,2]'::vector, '[3,4]'::vector), l1_distance('[1,2]'::vector, '[3,4]'::vector)"),
         [(3, 5, "[0.6,0.8]", 11, 4)])


@case
def arithmetic():
    same(rows("SELECT ('[1,2]'::vector + '[3,4]')::text, ('[1,2]'::vector - '[3,4]')::text, ('[1,2]'::vector * '[3,4]')::text, "
              "('[1,2]'::vector || '[3]')::text"), [("[4,6]", "[-2,-2]", "[3,8]", "[1,2,3]")])


@case
def upsert():
    c.execute("INSERT INTO pv_documents (id, content, embedding) VALUES (1, 'x', '[1,2,3]'), (99, 'y', '[4,5,6]') "
              "ON CONFLICT (id) DO UPDATE SET embedding = EXCLUDED.embedding")
    same(rows("SELECT embedding::text FROM pv_documents WHERE id = 1"), [("[1,2,3]",)])


@case
def dimensions_are_checked():
    try:
        c.execute("INSERT INTO pv_documents (embedding) VALUES ('[1,2]')")
    except psycopg.errors.DataException as error:
        same(error.diag.message_primary, "expected 3 dimensions, not 2")
    else:
        raise AssertionError("no error")


@case
def hybrid_search():
    c.execute("CREATE INDEX ON pv_documents USING gin (to_tsvector('english', content))")
    found = rows("WITH semantic AS (SELECT id, RANK() OVER (ORDER BY embedding <=> %s) AS rank FROM pv_documents "
                 "ORDER BY embedding <=> %s LIMIT 20), keyword AS (SELECT id, RANK() OVER (ORDER BY ts_rank_cd("
                 "to_tsvector('english', content), query) DESC) FROM pv_documents, plainto_tsquery('english', %s) query "
                 "WHERE to_tsvector('english', content) @@ query LIMIT 20) SELECT COALESCE(s.id, k.id) FROM semantic s "
                 "FULL OUTER JOIN keyword k ON s.id = k.id LIMIT 5",
                 np.array([0, 1, 0]), np.array([0, 1, 0]), "growling bear")
    assert len(found) >= 3


@case
def hybrid_search_without_text_search():
    found = rows("WITH semantic AS (SELECT id, RANK() OVER (ORDER BY embedding <=> %s) AS rank FROM pv_documents "
                 "ORDER BY embedding <=> %s LIMIT 20), keyword AS (SELECT id, 1 AS rank FROM pv_documents WHERE content ILIKE %s) "
                 "SELECT COALESCE(s.id, k.id) AS id, COALESCE(1.0 / (60 + s.rank), 0.0) + COALESCE(1.0 / (60 + k.rank), 0.0) AS score "
                 "FROM semantic s FULL OUTER JOIN keyword k ON s.id = k.id ORDER BY score DESC LIMIT 1",
                 np.array([0, 1, 0]), np.array([0, 1, 0]), "%cat%")
    same(found[0][0], 2)


@case
def recommendations():
    table("pv_movies", "title text, e vector(4)")
    c.cursor().executemany("INSERT INTO pv_movies (title, e) VALUES (%s, %s)", [(f"m{n}", ROWS[n][:4]) for n in range(50)])
    found = rows("SELECT m.title, 1 - (m.e <=> u.e) FROM pv_movies m CROSS JOIN (SELECT %s::vector AS e) u "
                 "ORDER BY m.e <#> u.e LIMIT 5", ROWS[0][:4])
    same(len(found), 5)


@case
def asyncpg():
    import asyncpg as driver
    from pgvector.asyncpg import register_vector as register

    async def search():
        d = await driver.connect(url("postgresql"))
        await register(d)
        got = await d.fetch("SELECT id, embedding FROM pv_items ORDER BY embedding <-> $1 LIMIT 3", ROWS[4])
        await d.close()
        return got

    got = asyncio.run(search())
    same(got[0]["id"], 5)


run("pgvector")
