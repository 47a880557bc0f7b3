"""llama-index's PGVectorStore, with vectors made up here."""

import asyncio
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import psycopg2
from cases import DATABASE, HOST, PASSWORD, PORT, USER, case, run, same, url
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (FilterCondition, FilterOperator, MetadataFilter, MetadataFilters,
                                                  VectorStoreQuery, VectorStoreQueryMode)
from llama_index.vector_stores.postgres import PGVectorStore


def make(name, **more):
    return PGVectorStore.from_params(host=HOST, port=str(PORT), user=USER, password=PASSWORD.replace("'", "%27").replace(" ", "%20"),
                                     database=DATABASE, table_name=name, embed_dim=3, **more)


def node(n, vector, **metadata):
    return TextNode(id_=f"n{n}", text=f"text {n}", embedding=vector, metadata=metadata,
                    relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"doc{n % 2}")})


NODES = [node(0, [1, 0, 0], theme="a", year=1990, tags=["x"]), node(1, [0, 1, 0], theme="b", year=2000, tags=["x", "y"]),
         node(2, [0, 0, 1], theme="a", year=2010, tags=["z"]), node(3, [1, 1, 0], theme="c", year=2020, tags=[])]
store = make("li", use_jsonb=True)


def query(vector=(1, 0, 0), k=2, filters=None, where=None, **more):
    got = (where or store).query(VectorStoreQuery(query_embedding=list(vector), similarity_top_k=k, filters=filters, **more))
    return [n.node_id for n in got.nodes]


def filtered(*filters, condition=FilterCondition.AND):
    made = [MetadataFilter(key=key, value=value, operator=operator) for key, operator, value in filters]
    return sorted(query(k=9, filters=MetadataFilters(filters=made, condition=condition)))


def table(name):
    c = psycopg2.connect(url("postgresql"))
    with c, c.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS data_{name}")
    c.close()


@case
def add():
    table("li")
    same(store.add(NODES), ["n0", "n1", "n2", "n3"])


@case
def search():
    same(query(), ["n0", "n3"])


@case
def scores():
    got = store.query(VectorStoreQuery(query_embedding=[0, 1, 0], similarity_top_k=1))
    same((got.ids, round(got.similarities[0], 6), got.nodes[0].text), (["n1"], 1, "text 1"))


@case
def metadata_comes_back():
    got = store.query(VectorStoreQuery(query_embedding=[0, 1, 0], similarity_top_k=1)).nodes[0]
    same((got.metadata["theme"], got.metadata["tags"], got.ref_doc_id), ("b", ["x", "y"], "doc1"))


@case
def filter_equal():
    same(filtered(("theme", FilterOperator.EQ, "a")), ["n0", "n2"])


@case
def filter_not_equal():
    same(filtered(("theme", FilterOperator.NE, "a")), ["n1", "n3"])


@case
def filter_greater():
    same(filtered(("year", FilterOperator.GT, 2000)), ["n2", "n3"])


@case
def filter_less_or_equal():
    same(filtered(("year", FilterOperator.LTE, 2000)), ["n0", "n1"])


@case
def filter_in():
    same(filtered(("theme", FilterOperator.IN, ["b", "c"])), ["n1", "n3"])


@case
def filter_not_in():
    same(filtered(("theme", FilterOperator.NIN, ["b", "c"])), ["n0", "n2"])


@case
def filter_contains():
    same(filtered(("tags", FilterOperator.CONTAINS, "x")), ["n0", "n1"])


@case
def filter_any():
    same(filtered(("tags", FilterOperator.ANY, ["y", "z"])), ["n1", "n2"])


@case
def filter_all():
    same(filtered(("tags", FilterOperator.ALL, ["x", "y"])), ["n1"])


@case
def filter_text():
    same(filtered(("theme", FilterOperator.TEXT_MATCH, "a")), ["n0", "n2"])
    same(filtered(("theme", FilterOperator.TEXT_MATCH_INSENSITIVE, "A")), ["n0", "n2"])


@case
def filter_empty():
    same(filtered(("nothing", FilterOperator.IS_EMPTY, None)), ["n0", "n1", "n2", "n3"])


@case
def filter_or():
    same(filtered(("theme", FilterOperator.EQ, "c"), ("year", FilterOperator.EQ, 1990), condition=FilterCondition.OR), ["n0", "n3"])


@case
def get_nodes():
    same(sorted(n.node_id for n in store.get_nodes(node_ids=["n1", "n2"])), ["n1", "n2"])


@case
def marginal_relevance():
    same(len(query(k=2, mode=VectorStoreQueryMode.MMR)), 2)


@case
def add_again():
    same(store.add([node(7, [9, 9, 9], theme="z")]), ["n7"])
    same(query((9, 9, 9), k=1), ["n7"])


@case
def delete_nodes():
    store.delete_nodes(["n7"])
    same([n.node_id for n in store.get_nodes(node_ids=["n7"])], [])


@case
def delete_a_document():
    store.delete("doc1")
    same(query(k=9), ["n0", "n2"])


@case
def asynchronously():
    async def work():
        await store.async_add([node(8, [0, 5, 1], theme="y")])
        got = await store.aquery(VectorStoreQuery(query_embedding=[0, 5, 1], similarity_top_k=1))
        await store.adelete_nodes(["n8"])
        return got.ids

    same(asyncio.run(work()), ["n8"])


@case
def hnsw():
    table("li_hnsw")
    other = make("li_hnsw", hnsw_kwargs={"hnsw_m": 16, "hnsw_ef_construction": 64, "hnsw_ef_search": 40,
                                         "hnsw_dist_method": "vector_cosine_ops"})
    other.add(NODES)
    same(query((0, 0, 1), 1, where=other), ["n2"])


@case
def half_vectors():
    table("li_half")
    other = make("li_half", use_halfvec=True)
    other.add(NODES)
    same(query((0, 0, 1), 1, where=other), ["n2"])


@case
def indexed_metadata():
    table("li_indexed")
    other = make("li_indexed", use_jsonb=True, indexed_metadata_keys={("theme", "text"), ("year", "integer")})
    other.add(NODES)
    same(query((0, 0, 1), 1, where=other), ["n2"])


@case
def hybrid_search():
    table("li_hybrid")
    other = make("li_hybrid", hybrid_search=True, text_search_config="english")
    other.add(NODES)
    got = query((1, 0, 0), 1, where=other, query_str="text", mode=VectorStoreQueryMode.HYBRID, sparse_top_k=2)
    assert "n0" in got, got


@case
def clear():
    store.clear()
    same(query(k=9), [])


run("llama-index-vector-stores-postgres")
