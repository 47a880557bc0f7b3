"""SQLAlchemy 2 over psycopg 3: definitions, reflection, ORM, upserts, pgvector's types."""

import datetime as dt
import decimal
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import sqlalchemy as sa
from cases import case, raises, run, same, url
from pgvector.sqlalchemy import BIT, HALFVEC, SPARSEVEC, SparseVector, VECTOR, Vector
from sqlalchemy import func, orm, select
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column, relationship

engine = sa.create_engine(url("postgresql+psycopg"))


class Base(orm.DeclarativeBase):
    metadata = sa.MetaData()


class Author(Base):
    __tablename__ = "sa_authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50), unique=True)
    born: Mapped[dt.date | None]
    books: Mapped[list["Book"]] = relationship(back_populates="author", cascade="all, delete-orphan",
                                               order_by="Book.id")


book_tags = sa.Table("sa_book_tags", Base.metadata,
                     sa.Column("book_id", sa.ForeignKey("sa_books.id", ondelete="CASCADE"), primary_key=True),
                     sa.Column("tag_id", sa.ForeignKey("sa_tags.id", ondelete="CASCADE"), primary_key=True))


class Book(Base):
    __tablename__ = "sa_books"
    __table_args__ = (sa.CheckConstraint("price >= 0", name="sa_price_positive"),
                      sa.UniqueConstraint("author_id", "title", name="sa_one_title"),
                      sa.Index("sa_books_title", "title"),
                      {"comment": "all books"})
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    title: Mapped[str] = mapped_column(comment="as printed")
    price: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(10, 2), server_default=sa.text("0"))
    meta: Mapped[dict] = mapped_column(pg.JSONB, server_default=sa.text("'{}'::jsonb"))
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("sa_authors.id", name="sa_books_author", ondelete="CASCADE"))
    embedding = mapped_column(Vector(3))
    author: Mapped[Author] = relationship(back_populates="books")
    tags: Mapped[list["Tag"]] = relationship(secondary=book_tags, order_by="Tag.id")


class Tag(Base):
    __tablename__ = "sa_tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(sa.Text, unique=True)


typed = sa.Table("sa_typed", sa.MetaData(),
                 sa.Column("id", sa.Integer, primary_key=True),
                 sa.Column("b", sa.Boolean), sa.Column("i2", sa.SmallInteger), sa.Column("i8", sa.BigInteger),
                 sa.Column("f4", sa.REAL), sa.Column("f8", sa.Double), sa.Column("n", sa.Numeric(12, 4)),
                 sa.Column("t", sa.Text), sa.Column("v", sa.String(20)), sa.Column("y", sa.LargeBinary),
                 sa.Column("d", sa.Date), sa.Column("ti", sa.Time), sa.Column("ts", sa.DateTime),
                 sa.Column("tz", sa.DateTime(timezone=True)), sa.Column("iv", sa.Interval),
                 sa.Column("u", sa.Uuid), sa.Column("j", sa.JSON), sa.Column("a", pg.ARRAY(sa.Integer)))
VALUES = dict(id=1, b=True, i2=-5, i8=2**62, f4=1.5, f8=0.1, n=decimal.Decimal("12.3400"), t="naïve", v="v",
              y=b"\x00\xff", d=dt.date(2024, 2, 29), ti=dt.time(1, 2, 3), ts=dt.datetime(2024, 1, 2, 3, 4, 5),
              tz=dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc), iv=dt.timedelta(days=1, seconds=5),
              u=uuid.UUID(int=7), j={"a": [1]}, a=[1, None, 3])


def inspector():
    return sa.inspect(engine)


@case
def server_version():
    with engine.connect() as c:
        assert engine.dialect.server_version_info >= (14,)
        same(c.dialect.default_schema_name, "public")


@case
def drop_all_of_nothing():
    Base.metadata.drop_all(engine)
    typed.metadata.drop_all(engine)


@case
def create_all():
    with engine.begin() as c:
        c.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)


@case
def table_names():
    names = inspector().get_table_names()
    for name in ("sa_authors", "sa_books", "sa_tags", "sa_book_tags"):
        assert name in names, names
    assert inspector().has_table("sa_books") and not inspector().has_table("sa_nothing")


@case
def reflect_columns():
    columns = {c["name"]: c for c in inspector().get_columns("sa_books")}
    assert isinstance(columns["id"]["type"], sa.BIGINT)
    assert columns["id"]["identity"]["always"] is False, columns["id"]
    same(columns["title"]["comment"], "as printed")
    same((columns["price"]["type"].precision, columns["price"]["type"].scale), (10, 2))
    assert isinstance(columns["meta"]["type"], pg.JSONB)
    same(columns["meta"]["default"], "'{}'::jsonb")
    same(columns["meta"]["nullable"], False)
    assert isinstance(columns["embedding"]["type"], VECTOR), columns["embedding"]
    same(columns["embedding"]["type"].dim, 3)
    authors = {c["name"]: c for c in inspector().get_columns("sa_authors")}
    same(authors["id"]["default"], "nextval('sa_authors_id_seq'::regclass)")
    same(authors["name"]["type"].length, 50)


@case
def reflect_primary_key():
    same(inspector().get_pk_constraint("sa_books")["constrained_columns"], ["id"])
    key = inspector().get_pk_constraint("sa_book_tags")
    same((key["name"], key["constrained_columns"]), ("sa_book_tags_pkey", ["book_id", "tag_id"]))


@case
def reflect_foreign_keys():
    keys = inspector().get_foreign_keys("sa_books")
    same(len(keys), 1)
    same((keys[0]["name"], keys[0]["constrained_columns"], keys[0]["referred_table"], keys[0]["referred_columns"],
          keys[0]["options"]), ("sa_books_author", ["author_id"], "sa_authors", ["id"], {"ondelete": "CASCADE"}))


@case
def reflect_unique_constraints():
    found = inspector().get_unique_constraints("sa_books")
    same([(u["name"], u["column_names"]) for u in found], [("sa_one_title", ["author_id", "title"])])
    same([u["column_names"] for u in inspector().get_unique_constraints("sa_authors")], [["name"]])


@case
def reflect_check_constraints():
    found = inspector().get_check_constraints("sa_books")
    same([c["name"] for c in found], ["sa_price_positive"])
    assert "price >=" in found[0]["sqltext"], found


@case
def reflect_indexes():
    found = {i["name"]: i for i in inspector().get_indexes("sa_books")}
    same(set(found), {"sa_books_title", "sa_one_title"})
    same(found["sa_books_title"]["column_names"], ["title"])
    same(found["sa_books_title"]["unique"], False)
    same(found["sa_one_title"]["duplicates_constraint"], "sa_one_title")


@case
def reflect_comments():
    same(inspector().get_table_comment("sa_books")["text"], "all books")
    same(inspector().get_table_comment("sa_authors")["text"], None)


@case
def reflect_metadata():
    reflected = sa.MetaData()
    reflected.reflect(engine, only=["sa_books", "sa_authors"])
    table = reflected.tables["sa_books"]
    same([c.name for c in table.primary_key.columns], ["id"])
    same([k.target_fullname for k in table.foreign_keys], ["sa_authors.id"])
    same(len(table.c), 6)


@case
def reflect_multi():
    tables = inspector().get_multi_columns(schema="public")
    assert (("public", "sa_books") in tables), list(tables)
    assert inspector().get_multi_indexes(schema="public")
    assert inspector().get_multi_foreign_keys(schema="public")
    assert inspector().get_multi_pk_constraint(schema="public")
    assert inspector().get_multi_unique_constraints(schema="public")
    inspector().get_multi_check_constraints(schema="public")
    inspector().get_multi_table_comment(schema="public")


@case
def reflect_schemas():
    names = inspector().get_schema_names()
    assert "public" in names and "information_schema" in names, names


@case
def create_in_schema():
    metadata = sa.MetaData(schema="sa_place")
    sa.Table("there", metadata, sa.Column("id", sa.Integer, primary_key=True),
             sa.Column("n", sa.Integer, sa.CheckConstraint("n > 1")))
    with engine.begin() as c:
        c.execute(sa.schema.CreateSchema("sa_place", if_not_exists=True))
    metadata.drop_all(engine)
    metadata.create_all(engine)
    same(inspector().get_table_names(schema="sa_place"), ["there"])
    same(inspector().get_pk_constraint("there", schema="sa_place")["constrained_columns"], ["id"])
    metadata.drop_all(engine)
    with engine.begin() as c:
        c.execute(sa.schema.DropSchema("sa_place", cascade=True))
    assert "sa_place" not in inspector().get_schema_names()


@case
def insert_by_orm():
    with orm.Session(engine) as s:
        austen = Author(name="Austen", born=dt.date(1775, 12, 16))
        austen.books = [Book(title="Emma", price=decimal.Decimal("9.50"), embedding=[1, 0, 0]),
                        Book(title="Persuasion", meta={"pages": 249}, embedding=[0, 1, 0])]
        austen.books[0].tags = [Tag(label="novel"), Tag(label="comedy")]
        s.add_all([austen, Author(name="Woolf", books=[Book(title="Orlando", embedding=[0, 0, 1])])])
        s.commit()
        same(austen.id, austen.books[0].author_id)


@case
def query_by_orm():
    with orm.Session(engine) as s:
        emma = s.scalars(select(Book).where(Book.title == "Emma")).one()
        same((emma.author.name, [t.label for t in emma.tags], emma.price), ("Austen", ["novel", "comedy"],
                                                                            decimal.Decimal("9.50")))
        same(emma.meta, {})


@case
def eager_loading():
    with orm.Session(engine) as s:
        for how in (orm.joinedload, orm.selectinload, orm.subqueryload):
            found = s.scalars(select(Author).options(how(Author.books)).order_by(Author.name)).unique().all()
            same([[b.title for b in a.books] for a in found], [["Emma", "Persuasion"], ["Orlando"]])
            s.expire_all()


@case
def identity_and_refresh():
    with orm.Session(engine) as s:
        author = s.scalars(select(Author).where(Author.name == "Woolf")).one()
        assert s.get(Author, author.id) is author
        author.born = dt.date(1882, 1, 25)
        s.flush()
        s.refresh(author)
        same(author.born, dt.date(1882, 1, 25))
        s.commit()


@case
def rollback_and_savepoint():
    with orm.Session(engine) as s:
        s.add(Tag(label="kept"))
        s.flush()
        try:
            with s.begin_nested():
                s.add(Tag(label="kept"))
                s.flush()
        except sa.exc.IntegrityError:
            pass
        s.commit()
        s.add(Tag(label="dropped"))
        s.flush()
        s.rollback()
        same(s.scalar(select(func.count()).where(Tag.label.in_(["kept", "dropped"]))), 1)


@case
def integrity_errors():
    with engine.connect() as c:
        error = raises(sa.exc.IntegrityError, lambda: c.execute(sa.insert(Author).values(name="Austen")))
        same((error.orig.sqlstate, error.orig.diag.constraint_name), ("23505", "sa_authors_name_key"))
        c.rollback()
        error = raises(sa.exc.IntegrityError, lambda: (
            c.execute(sa.insert(Book).values(title="x", author_id=999)), c.commit()))
        same((error.orig.sqlstate, error.orig.diag.constraint_name), ("23503", "sa_books_author"))
        c.rollback()
        error = raises(sa.exc.IntegrityError, lambda: c.execute(sa.insert(Book).values(title="x", author_id=1, price=-1)))
        same((error.orig.sqlstate, error.orig.diag.constraint_name), ("23514", "sa_price_positive"))


@case
def upsert():
    with engine.begin() as c:
        statement = pg.insert(Author).values([{"name": "Austen", "born": dt.date(1775, 12, 17)}, {"name": "Eliot", "born": None}])
        statement = statement.on_conflict_do_update(
            index_elements=[Author.name], set_={"born": statement.excluded.born}).returning(Author.name, Author.born)
        same(sorted(c.execute(statement).all()), [("Austen", dt.date(1775, 12, 17)), ("Eliot", None)])
        nothing = pg.insert(Author).values(name="Eliot").on_conflict_do_nothing()
        same(c.execute(nothing.returning(Author.id)).all(), [])
        named = pg.insert(Author).values(name="Eliot", born=dt.date(1819, 11, 22))
        c.execute(named.on_conflict_do_update(constraint="sa_authors_name_key",
                                              set_=dict(born=named.excluded.born),
                                              where=Author.born.is_(None)))
    with engine.connect() as c:
        same(c.scalar(select(Author.born).where(Author.name == "Eliot")), dt.date(1819, 11, 22))


@case
def bulk_insert_returning():
    with orm.Session(engine) as s:
        ids = s.scalars(sa.insert(Tag).returning(Tag.id, sort_by_parameter_order=True),
                        [{"label": f"tag {n}"} for n in range(2000)]).all()
        same(len(set(ids)), 2000)
        same(ids, sorted(ids))
        s.commit()


@case
def update_and_delete():
    with engine.begin() as c:
        same(c.execute(sa.update(Book).where(Book.author_id == Author.id, Author.name == "Austen")
                       .values(price=Book.price + 1)).rowcount, 2)
        same(c.execute(sa.delete(Tag).where(Tag.label.like("tag %")).returning(Tag.id)).all().__len__(), 2000)


@case
def delete_cascades():
    with orm.Session(engine) as s:
        s.delete(s.scalars(select(Author).where(Author.name == "Woolf")).one())
        s.commit()
        same(s.scalar(select(func.count()).select_from(Book)), 2)


@case
def every_type():
    typed.metadata.create_all(engine)
    with engine.begin() as c:
        c.execute(typed.insert(), VALUES)
        c.execute(typed.insert(), {"id": 2})
    with engine.connect() as c:
        same(dict(c.execute(select(typed).where(typed.c.id == 1)).one()._mapping), VALUES)
        same([c for c in c.execute(select(typed).where(typed.c.id == 2)).one()[1:] if c is not None], [])


@case
def reflect_types():
    columns = inspector().get_columns("sa_typed")
    got = {c["name"]: c["type"].compile(dialect=engine.dialect) for c in columns}
    same(got, {c.name: c.type.compile(dialect=engine.dialect) for c in typed.c})


@case
def json_operators():
    with engine.connect() as c:
        book = Book.__table__
        same(c.scalar(select(book.c.title).where(book.c.meta["pages"].as_integer() == 249)), "Persuasion")
        same(c.scalar(select(book.c.title).where(book.c.meta.has_key("pages"))), "Persuasion")
        same(c.scalar(select(book.c.title).where(book.c.meta.contains({"pages": 249}))), "Persuasion")
        same(c.scalar(select(book.c.meta["pages"].astext).where(book.c.title == "Persuasion")), "249")


@case
def array_operators():
    with engine.connect() as c:
        same(c.scalar(select(typed.c.id).where(typed.c.a.contains([3]))), 1)
        same(c.scalar(select(typed.c.id).where(3 == sa.any_(typed.c.a))), 1)
        same(c.scalar(select(typed.c.a[1]).where(typed.c.id == 1)), 1)
        same(c.scalar(select(func.array_length(typed.c.a, 1)).where(typed.c.id == 1)), 3)


@case
def windows_and_ctes():
    with engine.connect() as c:
        top = select(Book.title, func.row_number().over(order_by=Book.title).label("n")).cte("top")
        same(c.execute(select(top.c.title).where(top.c.n == 1)).all(), [("Emma",)])
        tree = select(sa.literal(1).label("n")).cte("tree", recursive=True)
        tree = tree.union_all(select(tree.c.n + 1).where(tree.c.n < 5))
        same(c.scalar(select(func.sum(tree.c.n))), 15)


@case
def lateral_and_exists():
    with engine.connect() as c:
        last = select(Book.title).where(Book.author_id == Author.id).order_by(Book.title.desc()).limit(1).lateral()
        same(c.execute(select(Author.name, last.c.title).join(last, sa.true())).all(), [("Austen", "Persuasion")])
        has = select(Book.id).where(Book.author_id == Author.id).exists()
        same(c.scalars(select(Author.name).where(~has)).all(), ["Eliot"])


@case
def vector_distances():
    with orm.Session(engine) as s:
        for distance in (Book.embedding.l2_distance, Book.embedding.cosine_distance, Book.embedding.l1_distance):
            same(s.scalars(select(Book.title).order_by(distance([1, 0.1, 0])).limit(1)).all(), ["Emma"])
        same(s.scalars(select(Book.title).order_by(Book.embedding.max_inner_product([0, 1, 0])).limit(1)).all(),
             ["Persuasion"])
        near = s.scalars(select(Book.title).filter(Book.embedding.l2_distance([1, 0, 0]) < 1)).all()
        same(near, ["Emma"])
        same(s.scalar(select(func.avg(Book.embedding, type_=Vector))).tolist(), [0.5, 0.5, 0])


@case
def vector_index():
    index = sa.Index("sa_hnsw", Book.embedding, postgresql_using="hnsw",
                     postgresql_with={"m": 16, "ef_construction": 64},
                     postgresql_ops={"embedding": "vector_l2_ops"})
    index.create(engine)
    found = {i["name"]: i for i in inspector().get_indexes("sa_books")}["sa_hnsw"]
    same(found["dialect_options"]["postgresql_using"], "hnsw")
    same(found["dialect_options"]["postgresql_with"], {"m": "16", "ef_construction": "64"})
    index.drop(engine)
    assert "sa_hnsw" not in {i["name"] for i in inspector().get_indexes("sa_books")}


@case
def other_vector_types():
    table = sa.Table("sa_vectors", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True),
                     sa.Column("h", HALFVEC(2)), sa.Column("b", BIT(3)), sa.Column("s", SPARSEVEC(3)))
    table.drop(engine, checkfirst=True)
    table.create(engine)
    with engine.begin() as c:
        c.execute(table.insert().values(id=1, h=[1, 2], b="101", s=SparseVector([1, 0, 2])))
    with engine.connect() as c:
        row = c.execute(select(table)).one()
        same((row.h.to_list(), row.b, row.s.to_list()), ([1, 2], "101", [1, 0, 2]))
    reflected = sa.Table("sa_vectors", sa.MetaData(), autoload_with=engine)
    same([type(c.type).__name__ for c in reflected.c], ["INTEGER", "HALFVEC", "BIT", "SPARSEVEC"])
    table.drop(engine)


@case
def expression_and_partial_indexes():
    with engine.begin() as c:
        c.execute(sa.text("CREATE INDEX sa_lower ON sa_authors (lower(name))"))
        c.execute(sa.text("CREATE INDEX sa_partial ON sa_books (price DESC NULLS LAST) WHERE price > 0"))
    found = {i["name"]: i for i in inspector().get_indexes("sa_authors")}["sa_lower"]
    same(found["column_names"], [None])
    assert found["expressions"][0].startswith("lower(name"), found
    found = {i["name"]: i for i in inspector().get_indexes("sa_books")}["sa_partial"]
    same(found["column_sorting"], {"price": ("desc", "nulls_last")})
    assert "price >" in found["dialect_options"]["postgresql_where"], found


@case
def views():
    with engine.begin() as c:
        c.execute(sa.text("DROP VIEW IF EXISTS sa_view"))
        c.execute(sa.text("CREATE VIEW sa_view AS SELECT id, title FROM sa_books"))
    assert "sa_view" in inspector().get_view_names()
    assert "sa_books" in inspector().get_view_definition("sa_view")
    same([c["name"] for c in inspector().get_columns("sa_view")], ["id", "title"])
    with engine.begin() as c:
        c.execute(sa.text("DROP VIEW sa_view"))


@case
def sequences():
    sequence = sa.Sequence("sa_counter", start=10, increment=5)
    with engine.begin() as c:
        sequence.drop(c, checkfirst=True)
        sequence.create(c)
        same(c.scalar(sequence), 10)
        same(c.scalar(sequence), 15)
    assert "sa_counter" in inspector().get_sequence_names()
    assert inspector().has_sequence("sa_counter")
    sequence.drop(engine)


@case
def enums():
    mood = sa.Enum("sad", "happy", name="sa_mood")
    table = sa.Table("sa_moods", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("mood", mood))
    table.drop(engine, checkfirst=True)
    table.create(engine)
    with engine.begin() as c:
        c.execute(table.insert(), {"id": 1, "mood": "happy"})
        same(c.scalar(select(table.c.mood)), "happy")
    same([e["name"] for e in inspector().get_enums()], ["sa_mood"])
    same({c["name"]: c for c in inspector().get_columns("sa_moods")}["mood"]["type"].enums, ["sad", "happy"])
    table.drop(engine)


@case
def domains():
    with engine.begin() as c:
        c.execute(sa.text("CREATE DOMAIN sa_positive AS integer CHECK (VALUE > 0)"))
    same([d["name"] for d in inspector().get_domains()], ["sa_positive"])
    with engine.begin() as c:
        c.execute(sa.text("DROP DOMAIN sa_positive"))


@case
def temporary_tables():
    table = sa.Table("sa_temporary", sa.MetaData(), sa.Column("id", sa.Integer), prefixes=["TEMPORARY"])
    with engine.begin() as c:
        table.create(c)
        c.execute(table.insert(), [{"id": 1}])
        same(c.scalar(select(table.c.id)), 1)
        assert "sa_temporary" in sa.inspect(c).get_temp_table_names()


@case
def computed_columns():
    table = sa.Table("sa_computed", sa.MetaData(), sa.Column("a", sa.Integer),
                     sa.Column("twice", sa.Integer, sa.Computed("a * 2", persisted=True)))
    table.drop(engine, checkfirst=True)
    table.create(engine)
    with engine.begin() as c:
        same(c.scalar(table.insert().values(a=4).returning(table.c.twice)), 8)
    columns = {c["name"]: c for c in inspector().get_columns("sa_computed")}
    same(columns["twice"]["computed"]["persisted"], True)
    assert "a * 2" in columns["twice"]["computed"]["sqltext"], columns["twice"]
    table.drop(engine)


@case
def locks():
    with orm.Session(engine) as s:
        found = s.scalars(select(Author).where(Author.name == "Austen").with_for_update()).one()
        same(found.name, "Austen")
        s.scalars(select(Author).with_for_update(skip_locked=True)).all()
        s.commit()


@case
def streaming():
    with engine.connect().execution_options(yield_per=100) as c:
        rows = c.execute(sa.text("SELECT n FROM generate_series(1, 1000) AS g(n)"))
        same(sum(len(part) for part in rows.partitions()), 1000)


@case
def isolation_levels():
    for level in ("AUTOCOMMIT", "READ COMMITTED", "REPEATABLE READ"):
        with engine.connect().execution_options(isolation_level=level) as c:
            same(c.scalar(sa.text("SELECT 1")), 1)
            if level != "AUTOCOMMIT":
                same(c.get_isolation_level(), level)


@case
def serializable():
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as c:
        same(c.scalar(sa.text("SELECT 1")), 1)


@case
def other_drivers():
    for driver in ("psycopg2", "pg8000"):
        other = sa.create_engine(url(f"postgresql+{driver}"))
        with other.connect() as c:
            same(c.execute(select(Book.title).order_by(Book.id)).all(), [("Emma",), ("Persuasion",)])
        assert "sa_books" in sa.inspect(other).get_table_names()
        other.dispose()


@case
def drop_all():
    Base.metadata.drop_all(engine)
    typed.metadata.drop_all(engine)
    same([name for name in inspector().get_table_names() if name.startswith("sa_books")], [])


run("sqlalchemy")
