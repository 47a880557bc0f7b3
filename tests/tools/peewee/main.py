"""peewee with psycopg2: tables, queries, PostgreSQL's own fields, introspection, migrations."""

import datetime as dt
import decimal
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import DATABASE, HOST, PASSWORD, PORT, USER, case, raises, run, same
from peewee import (AutoField, BigIntegerField, BlobField, BooleanField, CharField, Check, DateField, DateTimeField,
                    DecimalField, DoubleField, ForeignKeyField, IntegerField, IntegrityError, JOIN, Model, SQL,
                    TextField, UUIDField, Value, ValuesList, fn)
from pgvector.peewee import HalfVectorField, VectorField
from playhouse.migrate import PostgresqlMigrator, migrate
from playhouse.postgres_ext import ArrayField, BinaryJSONField, DateTimeTZField, IntervalField, PostgresqlExtDatabase
from playhouse.reflection import Introspector, generate_models, print_model

db = PostgresqlExtDatabase(DATABASE, user=USER, password=PASSWORD, host=HOST, port=PORT)


class Base(Model):
    class Meta:
        database = db


class Person(Base):
    name = CharField(max_length=30, unique=True)
    born = DateField(null=True)

    class Meta:
        table_name = "pw_people"


class Note(Base):
    person = ForeignKeyField(Person, backref="notes", on_delete="CASCADE")
    body = TextField(index=True)
    stars = IntegerField(default=0, constraints=[Check("stars >= 0")])
    price = DecimalField(10, 2, default=0)
    tags = ArrayField(TextField, index=False, null=True)
    meta = BinaryJSONField(index=False, null=True)
    made = DateTimeTZField(default=lambda: dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc))
    took = IntervalField(null=True)
    raw = BlobField(null=True)
    key = UUIDField(default=uuid.uuid4)
    shown = BooleanField(default=True)
    embedding = VectorField(dimensions=3, null=True)
    half = HalfVectorField(dimensions=2, null=True)

    class Meta:
        table_name = "pw_notes"
        indexes = ((("person", "body"), True),)


TABLES = [Person, Note]


@case
def connect():
    db.connect()
    assert db.server_version >= 140000
    db.execute_sql("CREATE EXTENSION IF NOT EXISTS vector")


@case
def create_tables():
    db.drop_tables(TABLES, safe=True)
    db.create_tables(TABLES)
    db.create_tables(TABLES, safe=True)


@case
def tables_exist():
    assert Note.table_exists() and "pw_notes" in db.get_tables()


@case
def introspect_columns():
    columns = {c.name: c for c in db.get_columns("pw_notes")}
    same((columns["id"].primary_key, columns["body"].data_type, columns["body"].null, columns["raw"].null),
         (True, "text", False, True))
    same(columns["person_id"].data_type, "integer")


@case
def introspect_indexes():
    found = {i.name: i for i in db.get_indexes("pw_notes")}
    same(found["note_person_id_body"].columns, ["person_id", "body"])
    same((found["note_person_id_body"].unique, found["note_body"].unique), (True, False))


@case
def introspect_keys():
    same(db.get_primary_keys("pw_notes"), ["id"])
    keys = db.get_foreign_keys("pw_notes")
    same([(k.column, k.dest_table, k.dest_column) for k in keys], [("person_id", "pw_people", "id")])


@case
def create_and_get():
    ada = Person.create(name="Ada", born=dt.date(1815, 12, 10))
    note = Note.create(person=ada, body="engine", stars=3, price=decimal.Decimal("1.50"), tags=["a", "b"],
                       meta={"k": [1]}, took=dt.timedelta(hours=1), raw=b"\0\1", embedding=[1, 0, 0], half=[1, 2])
    got = Note.get_by_id(note.id)
    same((got.body, got.price, got.tags, got.meta, got.took, bytes(got.raw), got.key),
         ("engine", decimal.Decimal("1.50"), ["a", "b"], {"k": [1]}, dt.timedelta(hours=1), b"\0\1", note.key))
    same(got.made.astimezone(dt.timezone.utc), dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc))


@case
def insert_many():
    bob = Person.create(name="Bob")
    rows = [{"person": bob, "body": f"n{n}", "stars": n, "embedding": [0, n, 1]} for n in range(20)]
    same(len(list(Note.insert_many(rows).returning(Note.id).execute())), 20)


@case
def filters():
    same(Note.select().where((Note.stars > 5) & (Note.stars < 10)).count(), 4)
    same(Note.select().where(Note.body.startswith("n1")).count(), 11)
    same(Note.select().where(Note.body.in_(["n1", "n2"]) | (Note.stars == 3)).count(), 4)
    same(Note.select().where(Note.body.regexp("^n[0-3]$")).count(), 4)
    same(Note.select().where(Note.tags.is_null(False)).count(), 1)


@case
def joins():
    found = Note.select(Note, Person).join(Person).where(Person.name == "Ada")
    same([(n.body, n.person.name) for n in found], [("engine", "Ada")])
    counts = (Person.select(Person.name, fn.COUNT(Note.id).alias("n")).join(Note, JOIN.LEFT_OUTER)
              .group_by(Person.name).order_by(Person.name))
    same([(p.name, p.n) for p in counts], [("Ada", 1), ("Bob", 20)])
    same(len(Person.get(name="Bob").notes), 20)


@case
def subqueries_and_ctes():
    best = Note.select(fn.MAX(Note.stars)).where(Note.person == Person.id)
    same([p.m for p in Person.select(best.alias("m")).order_by(Person.name)], [3, 19])
    cte = Note.select(Note.person_id, fn.SUM(Note.stars).alias("s")).group_by(Note.person_id).cte("sums")
    same(Person.select(Person.name, cte.c.s).join(cte, on=(cte.c.person_id == Person.id)).where(
        cte.c.s > 100).with_cte(cte).dicts().get(), {"name": "Bob", "s": 190})


@case
def windows():
    rank = fn.RANK().over(partition_by=[Note.person], order_by=[Note.stars.desc()])
    inner = Note.select(Note.body, rank.alias("r")).alias("i")
    same(sorted(r[0] for r in Note.select(inner.c.body).from_(inner).where(inner.c.r == 1).tuples()), ["engine", "n19"])


@case
def updates():
    same(Note.update(stars=Note.stars + 1).where(Note.body == "engine").execute(), 1)
    note = Note.get(Note.body == "engine")
    same(note.stars, 4)
    note.stars = 5
    note.save(only=[Note.stars])
    same(Note.update(stars=6).where(Note.body == "engine").returning(Note.stars).execute()[0].stars, 6)


@case
def upserts():
    Person.insert(name="Ada", born=dt.date(2000, 1, 1)).on_conflict(
        conflict_target=[Person.name], preserve=[Person.born]).execute()
    same(Person.get(name="Ada").born, dt.date(2000, 1, 1))
    Person.insert(name="Ada").on_conflict_ignore().execute()
    same(Person.get_or_create(name="Eve")[1], True)
    same(Person.get_or_create(name="Eve")[1], False)


@case
def bulk_update():
    notes = list(Note.select().where(Note.body.startswith("n")))
    for note in notes:
        note.price = note.stars
    same(Note.bulk_update(notes, [Note.price], batch_size=7), 20)
    same(Note.get(Note.body == "n9").price, decimal.Decimal("9.00"))


@case
def arrays_and_json():
    same(Note.select().where(Note.tags.contains("a")).count(), 1)
    same(Note.select().where(Note.tags.contains_any("z", "b")).count(), 1)
    same(Note.select().where(Note.meta.contains({"k": [1]})).count(), 1)
    same(Note.select(Note.meta["k"][0]).where(Note.meta["k"].is_null(False)).tuples()[0], ("1",))
    same(Note.select().where(Note.meta.has_key("k")).count(), 1)


@case
def transactions():
    with db.atomic():
        Person.create(name="kept")
        try:
            with db.atomic():
                Person.create(name="kept")
        except IntegrityError:
            pass
    with db.atomic() as transaction:
        Person.create(name="gone")
        transaction.rollback()
    same(Person.select().where(Person.name.in_(["kept", "gone"])).count(), 1)


@case
def errors():
    raises(IntegrityError, lambda: Person.create(name="Ada"))
    raises(IntegrityError, lambda: Note.create(person=Person.get(name="Ada"), body="x", stars=-1))
    raises(IntegrityError, lambda: Note.create(person=999, body="x"))
    raises(IntegrityError, lambda: Note.create(person=Person.get(name="Ada"), body=None))


@case
def vectors():
    same([n.body for n in Note.select().order_by(Note.embedding.l2_distance([0, 7.1, 1])).limit(2)], ["n7", "n8"])
    same(Note.select().order_by(Note.embedding.cosine_distance([2, 0, 0])).limit(1)[0].body, "engine")
    same(Note.select().order_by(Note.embedding.max_inner_product([0, 1, 0])).limit(1)[0].body, "n19")
    same(Note.select().where(Note.embedding.l1_distance([1, 0, 0]) < 1).count(), 1)


@case
def vector_index():
    Note.add_index("embedding vector_l2_ops", using="hnsw")
    db.execute_sql("CREATE INDEX pw_near ON pw_notes USING hnsw (embedding vector_l2_ops)")
    assert "pw_near" in {i.name for i in db.get_indexes("pw_notes")}


@case
def server_side_cursor():
    from playhouse.postgres_ext import ServerSide
    same(sum(1 for _ in ServerSide(Note.select())), 21)


@case
def generated_models():
    models = generate_models(db, table_names=["pw_notes", "pw_people"])
    same(sorted(models), ["pw_notes", "pw_people"])
    fields = {name: type(f).__name__ for name, f in models["pw_notes"]._meta.fields.items()}
    same((fields["body"], fields["price"], fields["meta"], fields["key"], fields["person"]),
         ("TextField", "DecimalField", "BinaryJSONField", "UUIDField", "ForeignKeyField"))
    same(models["pw_people"].select().count(), 4)


@case
def migrations():
    m = PostgresqlMigrator(db)
    migrate(m.add_column("pw_people", "age", IntegerField(default=7)),
            m.add_column("pw_people", "boss_id", ForeignKeyField(Person, field=Person.id, null=True)),
            m.rename_column("pw_people", "born", "birth"), m.add_index("pw_people", ("age",), False),
            m.drop_not_null("pw_people", "name"), m.add_not_null("pw_people", "name"),
            m.alter_column_type("pw_people", "age", BigIntegerField()))
    columns = {c.name: c for c in db.get_columns("pw_people")}
    same((columns["age"].data_type, "birth" in columns, columns["age"].null), ("bigint", True, False))
    migrate(m.drop_index("pw_people", "pw_people_age"), m.drop_column("pw_people", "boss_id"),
            m.rename_column("pw_people", "birth", "born"), m.rename_table("pw_people", "pw_persons"),
            m.rename_table("pw_persons", "pw_people"))
    same([c.name for c in db.get_columns("pw_people")], ["id", "name", "born", "age"])


@case
def views_and_sequences():
    db.execute_sql("CREATE OR REPLACE VIEW pw_view AS SELECT id, body FROM pw_notes")
    same([v.name for v in db.get_views() if v.name == "pw_view"], ["pw_view"])
    db.execute_sql("DROP VIEW pw_view")
    assert db.sequence_exists("pw_notes_id_seq")


@case
def values_list():
    values = ValuesList([(1, "one"), (2, "two")], columns=("n", "word"), alias="v")
    same(list(values.select(values.c.n, values.c.word).order_by(values.c.n).tuples().bind(db)), [(1, "one"), (2, "two")])


@case
def deletes():
    same(Note.delete().where(Note.stars > 15).execute(), 4)
    Person.get(name="Ada").delete_instance()
    same(Note.select().where(Note.body == "engine").count(), 0)


@case
def truncate_and_drop():
    Note.truncate_table(restart_identity=True, cascade=True)
    same(Note.select().count(), 0)
    same(Note.create(person=Person.get(name="Bob"), body="first").id, 1)
    db.drop_tables(TABLES, cascade=True)
    same(Note.table_exists(), False)


run("peewee", db.rollback)
