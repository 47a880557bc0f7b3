"""langchain-postgres: PGVector, PGVectorStore and the chat history, with embeddings made up here."""

import asyncio
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import psycopg
from cases import case, run, same, url
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, HumanMessage
from langchain_postgres import Column, PGEngine, PGVector, PGVectorStore, PostgresChatMessageHistory
from langchain_postgres.v2.indexes import DistanceStrategy, HNSWIndex, IVFFlatIndex

WORDS = ["cat", "dog", "bird", "red", "blue"]


class Counting(Embeddings):
    """How often a text has each word, and one constant."""

    def embed_query(self, text):
        return [float(text.split().count(word)) for word in WORDS] + [1.0]

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]


TEXTS = ["cat cat red", "dog blue", "bird bird", "cat dog", "red red blue"]
METAS = [{"n": n, "kind": "animal" if n < 4 else "colour", "tags": ["x", str(n)]} for n in range(5)]
IDS = [str(uuid.UUID(int=n)) for n in range(5)]
state = {}


def old():
    return state["old"]


def new():
    return state["new"]


def contents(documents):
    return [d.page_content for d in documents]


@case
def make_collection():
    state["old"] = PGVector(Counting(), collection_name="docs", connection=url("postgresql+psycopg"), pre_delete_collection=True)


@case
def add_documents():
    same(old().add_documents([Document(t, metadata=m) for t, m in zip(TEXTS, METAS)], ids=IDS), IDS)


@case
def similarity_search():
    same(contents(old().similarity_search("cat cat", k=2)), ["cat cat red", "cat dog"])


@case
def search_with_score():
    (document, score), *_ = old().similarity_search_with_score("bird bird", k=1)
    same((document.page_content, round(score, 6)), ("bird bird", 0))


@case
def search_by_vector():
    same(contents(old().similarity_search_by_vector([0, 0, 0, 9, 4, 1], k=1)), ["red red blue"])


@case
def filter_equal():
    same(contents(old().similarity_search("cat", k=5, filter={"kind": {"$eq": "colour"}})), ["red red blue"])


@case
def filter_numbers():
    same(sorted(d.metadata["n"] for d in old().similarity_search("cat", k=5, filter={"n": {"$gte": 3}})), [3, 4])
    same(sorted(d.metadata["n"] for d in old().similarity_search("cat", k=5, filter={"n": {"$between": [1, 2]}})), [1, 2])


@case
def filter_in_and_not():
    same(len(old().similarity_search("cat", k=5, filter={"n": {"$in": [0, 1]}})), 2)
    same(len(old().similarity_search("cat", k=5, filter={"n": {"$nin": [0, 1]}})), 3)
    same(len(old().similarity_search("cat", k=5, filter={"kind": {"$ne": "animal"}})), 1)


@case
def filter_and_or():
    same(len(old().similarity_search("cat", k=5, filter={"$or": [{"n": 0}, {"kind": "colour"}]})), 2)
    same(len(old().similarity_search("cat", k=5, filter={"$and": [{"n": {"$lt": 3}}, {"kind": "animal"}]})), 3)


@case
def filter_like_and_exists():
    same(len(old().similarity_search("cat", k=5, filter={"kind": {"$like": "col%"}})), 1)
    same(len(old().similarity_search("cat", k=5, filter={"nothing": {"$exists": False}})), 5)


@case
def marginal_relevance():
    same(len(old().max_marginal_relevance_search("cat red", k=3, fetch_k=5)), 3)


@case
def replace_by_id():
    old().add_documents([Document("blue blue", metadata={"n": 9})], ids=[IDS[1]])
    same(contents(old().similarity_search("blue blue", k=1)), ["blue blue"])


@case
def get_by_ids():
    same(contents(old().get_by_ids([IDS[2]])), ["bird bird"])


@case
def delete_by_id():
    old().delete(ids=[IDS[2]])
    same(old().get_by_ids([IDS[2]]), [])


@case
def as_retriever():
    found = old().as_retriever(search_kwargs={"k": 1}).invoke("cat dog")
    same(contents(found), ["cat dog"])


@case
def asynchronously():
    async def search():
        store = PGVector(Counting(), collection_name="docs", connection=url("postgresql+psycopg"), async_mode=True)
        await store.aadd_texts(["bird cat"], ids=[str(uuid.UUID(int=50))])
        return await store.asimilarity_search("bird cat", k=1)

    same(contents(asyncio.run(search())), ["bird cat"])


@case
def delete_collection():
    old().delete_collection()
    with psycopg.connect(url("postgresql")) as c:
        same(c.execute("SELECT count(*) FROM langchain_pg_embedding").fetchone(), (0,))


@case
def store_table():
    engine = PGEngine.from_connection_string(url("postgresql+psycopg"))
    engine.init_vectorstore_table("lc_store", 6, metadata_columns=[Column("n", "INTEGER"), Column("kind", "TEXT")],
                                  overwrite_existing=True)
    state["engine"] = engine


@case
def store_create():
    state["new"] = PGVectorStore.create_sync(state["engine"], Counting(), "lc_store", metadata_columns=["n", "kind"])


@case
def store_add():
    same(new().add_texts(TEXTS, metadatas=METAS, ids=IDS), IDS)


@case
def store_search():
    same(contents(new().similarity_search("bird", k=1)), ["bird bird"])
    (document, score), *_ = new().similarity_search_with_score("dog blue", k=1)
    same((document.page_content, document.metadata["n"], round(score, 6)), ("dog blue", 1, 0))


@case
def store_filters():
    same(len(new().similarity_search("cat", k=5, filter={"n": {"$gte": 2}, "kind": "animal"})), 2)
    same(len(new().similarity_search("cat", k=5, filter={"kind": {"$ilike": "COL%"}})), 1)
    same(len(new().similarity_search("cat", k=5, filter={"$or": [{"n": 1}, {"n": 2}]})), 2)


@case
def store_indexes():
    new().apply_vector_index(HNSWIndex(name="lc_near", distance_strategy=DistanceStrategy.COSINE_DISTANCE))
    same(new().is_valid_index("lc_near"), True)
    new().reindex("lc_near")
    new().drop_vector_index("lc_near")
    same(new().is_valid_index("lc_near"), False)
    new().apply_vector_index(IVFFlatIndex(name="lc_lists", lists=1))
    new().drop_vector_index("lc_lists")


@case
def store_marginal_relevance():
    same(len(new().max_marginal_relevance_search("cat red", k=2)), 2)


@case
def store_delete():
    same(new().delete([IDS[0]]), True)
    same(len(new().get_by_ids(IDS)), 4)


@case
def store_hybrid_search():
    from langchain_postgres.v2.hybrid_search_config import HybridSearchConfig
    config = HybridSearchConfig(tsv_column="tsv")
    state["engine"].init_vectorstore_table("lc_hybrid", 6, hybrid_search_config=config, overwrite_existing=True)
    store = PGVectorStore.create_sync(state["engine"], Counting(), "lc_hybrid", hybrid_search_config=config)
    store.add_texts(TEXTS)
    same(contents(store.similarity_search("bird", k=1)), ["bird bird"])


@case
def chat_history():
    with psycopg.connect(url("postgresql")) as c:
        PostgresChatMessageHistory.drop_table(c, "lc_history")
        PostgresChatMessageHistory.create_tables(c, "lc_history")
        history = PostgresChatMessageHistory("lc_history", str(uuid.UUID(int=1)), sync_connection=c)
        history.add_messages([HumanMessage("hello"), AIMessage("good day")])
        same([m.content for m in history.messages], ["hello", "good day"])
        history.clear()
        same(history.messages, [])


run("langchain-postgres")
