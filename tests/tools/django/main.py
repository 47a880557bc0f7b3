"""Django: migrations, the ORM over psycopg 3, pgvector's fields, inspectdb."""

import datetime as dt
import decimal
import io
import os
import pathlib
import sys
import tempfile
import uuid

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import DATABASE, HOST, PASSWORD, PORT, USER, case, raises, run, same

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": DATABASE, "USER": USER,
                           "PASSWORD": PASSWORD, "HOST": HOST, "PORT": PORT}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
                    "django.contrib.postgres", "shop"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True, SECRET_KEY="for tests",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
folder = pathlib.Path(tempfile.mkdtemp())
sys.path.insert(0, str(folder))
MODELS = '''
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from pgvector.django import BitField, HalfVectorField, HnswIndex, VectorExtension, VectorField

class Maker(models.Model):
    name = models.CharField(max_length=40, unique=True)
    since = models.DateField(null=True)

class Item(models.Model):
    maker = models.ForeignKey(Maker, models.CASCADE, related_name="items")
    title = models.CharField(max_length=80, db_index=True)
    slug = models.SlugField(unique=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    stock = models.PositiveIntegerField(default=0)
    tags = ArrayField(models.CharField(max_length=20), default=list)
    meta = models.JSONField(default=dict)
    key = models.UUIDField(null=True)
    made = models.DateTimeField(auto_now_add=True)
    took = models.DurationField(null=True)
    raw = models.BinaryField(null=True)
    active = models.BooleanField(default=True)
    embedding = VectorField(dimensions=3, null=True)
    half = HalfVectorField(dimensions=2, null=True)
    labels = models.ManyToManyField("Label")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="shop_price"),
                       models.UniqueConstraint(fields=["maker", "title"], name="shop_maker_title")]
        indexes = [HnswIndex(name="shop_near", fields=["embedding"], m=16, ef_construction=64,
                             opclasses=["vector_l2_ops"]),
                   models.Index(fields=["-price"], name="shop_by_price")]

class Label(models.Model):
    name = models.CharField(max_length=20)
'''
MORE = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("shop", "PREVIOUS")]
    operations = [
        migrations.AddField("item", "note", models.TextField(default="x")),
        migrations.AddField("item", "weight", models.FloatField(null=True, db_index=True)),
        migrations.AlterField("item", "stock", models.BigIntegerField(default=1)),
        migrations.RenameField("item", "weight", "mass"),
        migrations.CreateModel("Extra", [
            ("item", models.OneToOneField("shop.item", models.CASCADE, primary_key=True, serialize=False)),
            ("n", models.IntegerField(unique=True))]),
        migrations.RemoveConstraint("item", "shop_price"),
        migrations.RemoveIndex("item", "shop_by_price"),
        migrations.AlterUniqueTogether("label", {("id", "name")}),
    ]
"""
FILL = """
from django.db import migrations

def fill(apps, schema_editor):
    apps.get_model("shop", "Item").objects.update(note="filled")

class Migration(migrations.Migration):
    dependencies = [("shop", "0003_more")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
"""
app = folder / "shop"
app.mkdir()
(app / "__init__.py").write_text("")
(app / "models.py").write_text(MODELS)
(app / "migrations").mkdir()
(app / "migrations" / "__init__.py").write_text("")
(app / "migrations" / "0001_vector.py").write_text(
    "from django.db import migrations\nfrom pgvector.django import VectorExtension\n"
    "class Migration(migrations.Migration):\n    dependencies = []\n    operations = [VectorExtension()]\n")
django.setup()

from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Avg, Count, Exists, F, OuterRef, Q, Subquery, Sum, Window
from django.db.models.functions import Lower, RowNumber, TruncMonth
from pgvector.django import CosineDistance, L1Distance, L2Distance, MaxInnerProduct
from shop.models import Item, Label, Maker


def command(name, *arguments, **options):
    out = io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=out, verbosity=1, **options)
    return out.getvalue()


def introspection(table):
    with connection.cursor() as cursor:
        look = connection.introspection
        return (look.get_table_description(cursor, table), look.get_constraints(cursor, table),
                look.get_relations(cursor, table), look.get_sequences(cursor, table))


@case
def make_migrations():
    assert "Create model Item" in command("makemigrations", "shop")
    same(command("makemigrations", "shop", dry_run=True).strip(), "No changes detected in app 'shop'")


@case
def sql_of_migration():
    assert "CREATE TABLE" in command("sqlmigrate", "shop", "0002")


@case
def migrate():
    out = command("migrate")
    assert "Applying shop.0002" in out and "Applying auth.0012" in out, out


@case
def show_migrations():
    assert "[ ]" not in command("showmigrations")
    same(command("migrate", check_unapplied=True).count("Applying"), 0)


@case
def table_names():
    names = connection.introspection.table_names()
    assert {"shop_item", "shop_maker", "shop_item_labels", "auth_user"} <= set(names), names


@case
def content_types_and_permissions():
    same(ContentType.objects.get_for_model(Item).model, "item")
    same(User._meta.db_table, "auth_user")
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import Permission
    assert Permission.objects.filter(codename="add_item").exists()


@case
def introspect_columns():
    columns = {c.name: c for c in introspection("shop_item")[0]}
    same(columns["title"].display_size, 80)
    same((columns["price"].precision, columns["price"].scale), (10, 2))
    same((columns["key"].null_ok, columns["title"].null_ok), (True, False))


@case
def introspect_constraints():
    found = introspection("shop_item")[1]
    assert found["shop_price"]["check"], found
    same(found["shop_maker_title"]["columns"], ["maker_id", "title"])
    assert found["shop_maker_title"]["unique"]
    same(found["shop_by_price"]["orders"], ["DESC"])
    same([c["columns"] for c in found.values() if c["primary_key"]], [["id"]])
    same([c["foreign_key"] for c in found.values() if c["foreign_key"]], [("shop_maker", "id")])
    same(found["shop_near"]["type"], "hnsw")


@case
def introspect_relations():
    _, _, relations, sequences = introspection("shop_item")
    same({k: v[:2] for k, v in relations.items()}, {"maker_id": ("id", "shop_maker")})
    same([(s["table"], s["column"]) for s in sequences], [("shop_item", "id")])


@case
def inspectdb():
    out = command("inspectdb", "shop_item", "shop_maker")
    for part in ("class ShopItem(models.Model)", "models.ForeignKey('ShopMaker', models.DO_NOTHING)",
                 "models.DecimalField(max_digits=10, decimal_places=2)", "models.UUIDField(", "models.JSONField()",
                 "models.DurationField(", "unique_together = (('maker', 'title'),)", "models.BigAutoField(primary_key=True)"):
        assert part in out, f"no {part} in {out}"


@case
def create_and_get():
    acme = Maker.objects.create(name="Acme", since=dt.date(1900, 1, 1))
    other = Maker.objects.create(name="Other")
    for n, (title, vector) in enumerate((("anvil", [1, 0, 0]), ("rocket", [0, 1, 0]), ("glue", [0, 0, 1]))):
        Item.objects.create(maker=acme if n < 2 else other, title=title, slug=title, price=decimal.Decimal(n * 10),
                            tags=["heavy"] if n == 0 else ["fast", "loud"], meta={"n": n, "in": {"deep": [n]}},
                            key=uuid.UUID(int=n), took=dt.timedelta(hours=n), raw=bytes([n]), embedding=vector,
                            half=[n, 1], stock=n)
    anvil = Item.objects.get(slug="anvil")
    same((anvil.title, anvil.tags, anvil.meta["in"], anvil.key, anvil.took, bytes(anvil.raw)),
         ("anvil", ["heavy"], {"deep": [0]}, uuid.UUID(int=0), dt.timedelta(0), b"\0"))
    same(anvil.embedding.tolist(), [1, 0, 0])


@case
def filters():
    names = lambda query: [i.title for i in query.order_by("id")]
    same(names(Item.objects.filter(price__gt=5, maker__name="Acme")), ["rocket"])
    same(names(Item.objects.filter(Q(title__startswith="a") | Q(title__iexact="GLUE"))), ["anvil", "glue"])
    same(names(Item.objects.exclude(title__contains="o")), ["anvil", "glue"])
    same(names(Item.objects.filter(title__regex="^r.*t$")), ["rocket"])
    same(names(Item.objects.filter(title__iregex="^R")), ["rocket"])
    same(names(Item.objects.filter(made__year=dt.datetime.now(dt.timezone.utc).year)), ["anvil", "rocket", "glue"])
    same(names(Item.objects.filter(pk__in=Item.objects.filter(stock=2).values("pk"))), ["glue"])


@case
def arrays():
    same(Item.objects.filter(tags__contains=["loud"]).count(), 2)
    same(Item.objects.filter(tags__overlap=["heavy", "x"]).count(), 1)
    same(Item.objects.filter(tags__len=2).count(), 2)
    same(Item.objects.filter(tags__0="heavy").count(), 1)
    same(Item.objects.filter(tags__contained_by=["heavy", "old"]).count(), 1)


@case
def json_lookups():
    same(Item.objects.filter(meta__n=1).get().title, "rocket")
    same(Item.objects.filter(meta__in__deep__0=2).get().title, "glue")
    same(Item.objects.filter(meta__contains={"n": 0}).get().title, "anvil")
    same(Item.objects.filter(meta__has_key="n").count(), 3)
    same(Item.objects.filter(meta__has_any_keys=["x", "n"]).count(), 3)
    same(list(Item.objects.filter(meta__n__gte=1).order_by("id").values_list("meta__n", flat=True)), [1, 2])


@case
def aggregates():
    same(Item.objects.aggregate(Sum("stock"), Avg("price"))["stock__sum"], 3)
    found = Maker.objects.annotate(n=Count("items", filter=Q(items__price__gt=0))).order_by("name")
    same([(m.name, m.n) for m in found], [("Acme", 1), ("Other", 1)])
    same(Item.objects.values("maker__name").annotate(total=Sum("price")).order_by("-total")[0]["maker__name"], "Other")
    same(Item.objects.annotate(month=TruncMonth("made")).values("month").distinct().count(), 1)


@case
def windows_and_subqueries():
    ranked = Item.objects.annotate(n=Window(RowNumber(), partition_by=F("maker"), order_by=F("price").desc()))
    same([(i.title, i.n) for i in ranked.order_by("title")], [("anvil", 2), ("glue", 1), ("rocket", 1)])
    same([i.title for i in ranked.filter(n=2)], ["anvil"])
    dearest = Item.objects.filter(maker=OuterRef("pk")).order_by("-price").values("title")[:1]
    same(list(Maker.objects.annotate(d=Subquery(dearest)).order_by("name").values_list("d", flat=True)), ["rocket", "glue"])
    same(Maker.objects.filter(Exists(Item.objects.filter(maker=OuterRef("pk"), stock=0))).get().name, "Acme")


@case
def related():
    same([i.maker.name for i in Item.objects.select_related("maker").order_by("id")], ["Acme", "Acme", "Other"])
    same([[i.title for i in m.items.all()] for m in Maker.objects.prefetch_related(
        models.Prefetch("items", Item.objects.order_by("id"))).order_by("name")], [["anvil", "rocket"], ["glue"]])
    same(Item.objects.filter(maker__items__title="rocket").distinct().count(), 2)


@case
def many_to_many():
    red, old = Label.objects.create(name="red"), Label.objects.create(name="old")
    anvil = Item.objects.get(slug="anvil")
    anvil.labels.add(red, old)
    anvil.labels.add(red)
    same(sorted(anvil.labels.values_list("name", flat=True)), ["old", "red"])
    anvil.labels.set([old])
    same(list(old.item_set.values_list("title", flat=True)), ["anvil"])
    anvil.labels.clear()


@case
def updates():
    same(Item.objects.filter(title="glue").update(price=F("price") + 1, title=Lower("title")), 1)
    same(Item.objects.get(title="glue").price, decimal.Decimal("21.00"))
    item, created = Item.objects.update_or_create(slug="glue", defaults={"stock": 9})
    same((item.stock, created), (9, False))
    maker, created = Maker.objects.get_or_create(name="New")
    same(created, True)
    maker.delete()


@case
def bulk():
    same(len(Label.objects.bulk_create([Label(name=f"l{n}") for n in range(500)])), 500)
    labels = list(Label.objects.filter(name__startswith="l"))
    for label in labels:
        label.name = label.name.upper()
    same(Label.objects.bulk_update(labels, ["name"]), 500)
    same(Label.objects.filter(name__startswith="L").delete()[0], 500)
    Maker.objects.bulk_create([Maker(name="Acme", since=dt.date(2000, 1, 1))], update_conflicts=True,
                              unique_fields=["name"], update_fields=["since"])
    same(Maker.objects.get(name="Acme").since, dt.date(2000, 1, 1))
    Maker.objects.bulk_create([Maker(name="Acme")], ignore_conflicts=True)


@case
def transactions():
    with transaction.atomic():
        Label.objects.create(name="inside")
        try:
            with transaction.atomic():
                Maker.objects.create(name="Acme")
        except IntegrityError:
            pass
        same(Label.objects.filter(name="inside").count(), 1)
    same(Label.objects.filter(name="inside").delete()[0], 1)
    try:
        with transaction.atomic():
            Label.objects.create(name="gone")
            raise KeyError
    except KeyError:
        pass
    same(Label.objects.filter(name="gone").count(), 0)


@case
def constraint_errors():
    acme = Maker.objects.get(name="Acme")
    raises(IntegrityError, lambda: Item.objects.create(maker=acme, title="x", slug="x", price=-1))
    raises(IntegrityError, lambda: Item.objects.create(maker=acme, title="x", slug="anvil"))
    raises(IntegrityError, lambda: Item.objects.create(maker_id=999, title="x", slug="x2"))


@case
def partial_unique():
    condition = models.UniqueConstraint(fields=["key"], condition=Q(active=True), name="shop_active_key")
    with connection.schema_editor() as editor:
        editor.add_constraint(Item, condition)
    acme = Maker.objects.get(name="Acme")
    raises(IntegrityError, lambda: Item.objects.create(maker=acme, title="twin", slug="twin", key=uuid.UUID(int=1)))
    Item.objects.create(maker=acme, title="twin", slug="twin", key=uuid.UUID(int=1), active=False).delete()
    with connection.schema_editor() as editor:
        editor.remove_constraint(Item, condition)


@case
def select_for_update():
    with transaction.atomic():
        same(Item.objects.select_for_update().get(slug="anvil").title, "anvil")
        same(len(Item.objects.select_for_update(skip_locked=True, of=("self",)).select_related("maker")), 3)


@case
def vectors():
    for distance in (L2Distance, CosineDistance, L1Distance):
        found = Item.objects.annotate(d=distance("embedding", [0, 0.9, 0.1])).order_by("d")
        same(found[0].title, "rocket")
    same(Item.objects.order_by(MaxInnerProduct("embedding", [0, 0, 2]))[0].title, "glue")
    same(Item.objects.alias(d=L2Distance("embedding", [1, 0, 0])).filter(d__lt=1).get().title, "anvil")
    same([round(x, 4) for x in Item.objects.aggregate(Avg("embedding"))["embedding__avg"]], [0.3333] * 3)
    same(Item.objects.order_by(L2Distance("half", [2, 1]))[0].title, "glue")


@case
def raw_and_iterator():
    same([m.name for m in Maker.objects.raw("SELECT * FROM shop_maker WHERE name = %s", ["Acme"])], ["Acme"])
    same(len(list(Item.objects.iterator(chunk_size=2))), 3)
    same(Item.objects.filter(slug="anvil").explain()[:0], "")


@case
def users():
    user = User.objects.create_user("ada", "ada@x", "secret")
    user.groups.add(Group.objects.create(name="staff"))
    from django.contrib.auth import authenticate
    same(authenticate(username="ada", password="secret"), user)
    same(User.objects.filter(groups__name="staff").get().username, "ada")


@case
def sessions():
    from django.contrib.sessions.backends.db import SessionStore
    session = SessionStore()
    session["cart"] = [1, 2]
    session.save()
    same(SessionStore(session_key=session.session_key)["cart"], [1, 2])
    session.save()
    session.delete()


@case
def next_migration():
    previous = next(p.stem for p in (app / "migrations").glob("0002*.py"))
    (app / "migrations" / "0003_more.py").write_text(MORE.replace("PREVIOUS", previous))
    # apart, as Django's documentation asks for on PostgreSQL
    (app / "migrations" / "0004_fill.py").write_text(FILL)
    command("migrate", "shop")
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT note FROM shop_item")
        same(cursor.fetchall(), [("filled",)])
    columns = {c.name for c in introspection("shop_item")[0]}
    assert {"note", "mass"} <= columns, columns


@case
def migrate_back():
    command("migrate", "shop", "0002")
    columns = {c.name for c in introspection("shop_item")[0]}
    assert "note" not in columns
    found = introspection("shop_item")[1]
    assert "shop_price" in found and "shop_by_price" in found


@case
def dump_and_load():
    data = command("dumpdata", "shop.maker", "shop.label")
    path = folder / "data.json"
    path.write_text(data)
    assert "Installed 4 object(s)" in command("loaddata", str(path)), data


@case
def server_side():
    same(connection.features.has_select_for_update, True)
    assert connection.pg_version >= 140000
    same(command("check", "shop", databases=["default"]).strip(), "System check identified no issues (0 silenced).")


@case
def reset_sequences():
    assert "setval" in command("sqlsequencereset", "shop")
    with connection.cursor() as cursor:
        for line in connection.ops.sequence_reset_sql(django.core.management.color.no_style(), [Item, Maker]):
            cursor.execute(line)
    before = Maker.objects.order_by("-pk")[0].pk
    maker = Maker.objects.create(name="Next")
    same(maker.pk, before + 1)
    maker.delete()


@case
def flush():
    command("flush", interactive=False)
    same((Item.objects.count(), Maker.objects.count()), (0, 0))


@case
def deletes():
    maker = Maker.objects.create(name="M")
    Item.objects.create(maker=maker, title="a", slug="a")
    same(maker.delete()[0], 2)


@case
def drop_everything():
    command("migrate", "shop", "zero")
    assert "shop_item" not in connection.introspection.table_names()


def between():
    """What a failed case left open is not the next one's."""
    connection.needs_rollback = False
    connection.in_atomic_block = False
    if connection.connection is not None:
        connection.close()


run("django", between)
