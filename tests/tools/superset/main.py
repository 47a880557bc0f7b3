"""Apache Superset without its web server: its API in this process adds a database, datasets and charts, and runs SQL
Lab. What it stores of its own is in SQLite."""

import datetime
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from cases import DATABASE, HOST, PASSWORD, PORT, USER, case, run, same, url

home = tempfile.TemporaryDirectory()
config = pathlib.Path(home.name, "superset_config.py")
config.write_text(f"""
SECRET_KEY = "only for tests, and longer than thirty-two bytes"
SQLALCHEMY_DATABASE_URI = "sqlite:///{home.name}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
FEATURE_FLAGS = {{"ESTIMATE_QUERY_COST": True, "ENABLE_TEMPLATE_PROCESSING": True}}
ESTIMATE_QUERY_COST = True
LOG_LEVEL = "CRITICAL"
""")
os.environ["SUPERSET_CONFIG_PATH"] = str(config)
os.environ["SUPERSET_HOME"] = home.name

import logging

logging.disable(logging.CRITICAL)
import flask_migrate
import psycopg2
from superset.app import create_app

app = create_app()
with app.app_context():
    migrations = pathlib.Path(sys.modules["superset"].__file__).parent / "migrations"
    flask_migrate.upgrade(str(migrations))
    from superset import appbuilder, security_manager

    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    admin = security_manager.find_role("Admin")
    security_manager.add_user("admin", "A", "B", "a@example.org", admin, password="admin")

client = app.test_client()
token = client.post("/api/v1/security/login", json={
    "username": "admin", "password": "admin", "provider": "db"}).json["access_token"]
ids = {}


def call(method, path, **more):
    answer = client.open(f"/api/v1/{path}", method=method, headers={"Authorization": f"Bearer {token}"}, **more)
    if answer.status_code >= 300:
        raise AssertionError(f"{answer.status_code} {answer.get_data(as_text=True)[:500]}")
    return answer.json


def get(path, **more):
    return call("GET", path, **more)


def post(path, **body):
    return call("POST", path, json=body)


def lab(sql, schema="ss", **more):
    """What SQL Lab shows of a query: its columns' types and its rows. The schema is its search path."""
    done = post("sqllab/execute/", database_id=ids["database"], sql=sql, runAsync=False, schema=schema, queryLimit=1000, client_id=os.urandom(5).hex(), **more)
    return {c["column_name"]: c["type"] for c in done["columns"]}, [list(row.values()) for row in done["data"]]


def chart(dataset="orders", kind="full", **query):
    """The rows of a chart."""
    context = {"datasource": {"id": ids[dataset], "type": "table"}, "force": True, "result_format": "json",
               "result_type": kind, "queries": [{"row_limit": 1000, **query}]}
    [result] = post("chart/data", **context)["result"]
    if result.get("error"):
        raise AssertionError(result["error"])
    return result["data"]


def metric(aggregate, column, label):
    return {"expressionType": "SIMPLE", "aggregate": aggregate, "column": {"column_name": column}, "label": label}


def sql_metric(sql, label):
    return {"expressionType": "SQL", "sqlExpression": sql, "label": label}


def grain(duration, **query):
    """Counts of rows by a part of time."""
    at = {"columnType": "BASE_AXIS", "sqlExpression": "at", "label": "at", "expressionType": "SQL",
          "timeGrain": duration}
    rows = chart(columns=[at], metrics=["count"], orderby=[["count", False]], extras={"time_grain_sqla": duration},
                 granularity="at", **query)
    moment = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).strftime("%m-%d %H:%M")
    return sorted((moment(row["at"]), row["count"]) for row in rows)


def encoded(value):
    import prison

    return prison.dumps(value)


with psycopg2.connect(host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=DATABASE) as setup:
    setup.autocommit = True
    for statement in """DROP SCHEMA IF EXISTS ss CASCADE; CREATE SCHEMA ss; CREATE EXTENSION IF NOT EXISTS vector;
        CREATE TABLE ss.people (id int PRIMARY KEY, name varchar(20) NOT NULL UNIQUE, born date);
        CREATE TABLE ss.orders (id bigserial PRIMARY KEY, person int REFERENCES ss.people (id), price numeric(10,2),
            at timestamp, zoned timestamptz, tags text[], data jsonb, ok bool, embedding vector(3));
        CREATE INDEX orders_at ON ss.orders (at); COMMENT ON TABLE ss.orders IS 'what was sold';
        COMMENT ON COLUMN ss.orders.price IS 'in euro';
        CREATE VIEW ss.rich AS SELECT * FROM ss.orders WHERE price > 100;
        INSERT INTO ss.people VALUES (1, 'ada', '1815-12-10'), (2, 'bob', NULL), (3, 'cy', '2004-02-29');
        INSERT INTO ss.orders (person, price, at, zoned, tags, data, ok, embedding) SELECT n % 3 + 1, n * 1.5,
            timestamp '2024-01-01 00:00' + n * interval '6 hours', timestamptz '2024-01-01 00:00+00' + n * interval '6 hours',
            ARRAY['t' || n % 2], jsonb_build_object('n', n), n % 2 = 0, ('[' || n || ',1,0]')::vector
            FROM generate_series(0, 119) AS g(n)""".split(";"):
        setup.cursor().execute(statement)
setup.close()


@case
def test_connection():
    post("database/test_connection/", database_name="r", sqlalchemy_uri=url("postgresql+psycopg2"))


@case
def add_database():
    ids["database"] = post("database/", database_name="r", sqlalchemy_uri=url("postgresql+psycopg2"),
                           expose_in_sqllab=True, allow_dml=True, allow_ctas=True)["id"]


@case
def add_by_parameters():
    done = post("database/", database_name="p", engine="postgresql", driver="psycopg2",
                configuration_method="dynamic_form",
                parameters={"host": HOST, "port": PORT, "username": USER, "password": PASSWORD, "database": DATABASE,
                            "query": {}, "encryption": False})
    call("DELETE", f"database/{done['id']}")


@case
def schemas():
    names = get(f"database/{ids['database']}/schemas/")["result"]
    same([name for name in ("information_schema", "public", "ss") if name not in names], [])


@case
def tables():
    found = get(f"database/{ids['database']}/tables/?q={encoded({'schema_name': 'ss', 'force': True})}")["result"]
    same(sorted((one["value"], one["type"]) for one in found), [("orders", "table"), ("people", "table"), ("rich", "view")])


@case
def table_metadata():
    found = get(f"database/{ids['database']}/table_metadata/?name=orders&schema=ss")
    columns = {c["name"]: (c["longType"], c["comment"]) for c in found["columns"]}
    same(columns["id"], ("BIGINT", None))
    same(columns["price"], ("NUMERIC(10, 2)", "in euro"))
    same(columns["at"], ("TIMESTAMP", None))
    same(columns["data"][0][:5], "JSONB")
    same((found["comment"], [key["name"] for key in found["foreignKeys"]]), ("what was sold", ["orders_person_fkey"]))
    same("orders_at" in [index["name"] for index in found["indexes"]], True)


@case
def select_star():
    answer = get(f"database/{ids['database']}/select_star/orders/ss/")
    same("FROM ss.orders" in answer["result"], True)


@case
def add_datasets():
    for name in ("orders", "people", "rich"):
        ids[name] = post("dataset/", database=ids["database"], schema="ss", table_name=name)["id"]
    found = get(f"dataset/{ids['orders']}")["result"]
    same({c["column_name"]: (c["type"], c["is_dttm"]) for c in found["columns"] if c["column_name"] in ("id", "at", "ok", "zoned")},
         {"id": ("BIGINT", False), "at": ("TIMESTAMP WITHOUT TIME ZONE", True), "ok": ("BOOLEAN", False),
          "zoned": ("TIMESTAMP WITH TIME ZONE", True)})


@case
def add_virtual_dataset():
    sql = "SELECT p.name, o.price, o.at FROM ss.orders o JOIN ss.people p ON p.id = o.person"
    ids["virtual"] = post("dataset/", database=ids["database"], schema="ss", table_name="virtual", sql=sql)["id"]
    found = get(f"dataset/{ids['virtual']}")["result"]
    same(sorted(c["column_name"] for c in found["columns"]), ["at", "name", "price"])


@case
def refresh_dataset():
    call("PUT", f"dataset/{ids['orders']}/refresh")


@case
def lab_types():
    types, rows = lab("SELECT 1 AS a, 'x' AS b, 1.5 AS c, true AS d, date '2024-02-29' AS e, NULL AS f, 2::float8 AS g")
    same([types[name] for name in "abdg"], ["INTEGER", "STRING", "BOOLEAN", "FLOAT"])
    same(rows[0][:2] + rows[0][3:4] + rows[0][5:], [1, "x", True, None, 2.0])


@case
def lab_of_a_table():
    types, rows = lab("SELECT id, price, at, tags, data, embedding FROM ss.orders ORDER BY id LIMIT 2")
    same(types["at"], "DATETIME")
    same((rows[1][0], float(rows[1][1]), rows[1][5]), (2, 1.5, "[1,1,0]"))


@case
def lab_several_statements():
    types, rows = lab("CREATE TABLE ss.made (id int); INSERT INTO ss.made VALUES (1), (2); SELECT count(*) AS n FROM ss.made")
    same(rows, [[2]])


@case
def lab_create_table_as():
    lab("SELECT id, price FROM ss.orders WHERE price > 100", select_as_cta=True, ctas_method="TABLE", tmp_table_name="kept")
    same(lab("SELECT count(*) AS n FROM ss.kept")[1], [[53]])


@case
def lab_templates():
    same(lab("SELECT '{{ \"a\" | upper }}' AS a", templateParams="{}")[1], [["A"]])


@case
def lab_error():
    try:
        lab("SELECT nothing FROM ss.orders")
    except AssertionError as error:
        same("nothing" in str(error), True)
        return
    raise AssertionError("no error")


@case
def lab_nearest():
    same(lab("SELECT id FROM ss.orders ORDER BY embedding <-> '[7,1,0]' LIMIT 3", schema="public")[1][0], [8])


@case
def cost_estimate():
    found = post("sqllab/estimate/", database_id=ids["database"], schema="ss", sql="SELECT * FROM ss.orders")["result"]
    same(sorted(found[0]), ["Start-up cost", "Total cost"])


@case
def raw_records():
    rows = chart(columns=["id", "price", "ok"], orderby=[["id", True]], row_limit=3, row_offset=1)
    same([(row["id"], float(row["price"]), row["ok"]) for row in rows], [(2, 1.5, False), (3, 3.0, True), (4, 4.5, False)])


@case
def big_number():
    [row] = chart(metrics=["count", metric("SUM", "price", "total"), metric("AVG", "price", "mean"), metric("MAX", "id", "last"),
                           metric("COUNT_DISTINCT", "person", "people")], columns=[])
    same([row["count"], float(row["total"]), float(row["mean"]), row["last"], row["people"]], [120, 10710.0, 89.25, 120, 3])


@case
def grouped():
    rows = chart(columns=["person"], metrics=[metric("SUM", "price", "total")], orderby=[[metric("SUM", "price", "total"), False]])
    same([(row["person"], float(row["total"])) for row in rows], [(3, 3630.0), (2, 3570.0), (1, 3510.0)])


@case
def filters():
    count = lambda *filters: chart(columns=[], metrics=["count"], filters=list(filters))[0]["count"]
    same(count({"col": "price", "op": ">", "val": 150}), 19)
    same(count({"col": "person", "op": "IN", "val": [1, 3]}, {"col": "ok", "op": "IS TRUE"}), 40)
    same(count({"col": "person", "op": "NOT IN", "val": [2]}, {"col": "price", "op": "<=", "val": 3}), 2)
    same(count({"col": "at", "op": "IS NOT NULL"}), 120)
    same(count({"col": "at", "op": "TEMPORAL_RANGE", "val": "2024-01-02 : 2024-01-03"}), 4)
    people = lambda op, value: chart("people", columns=["name"], metrics=[], filters=[{"col": "name", "op": op, "val": value}], orderby=[["name", True]])
    same([row["name"] for row in people("LIKE", "%a%")], ["ada"])
    same([row["name"] for row in people("ILIKE", "%C%")], ["cy"])


@case
def having():
    rows = chart(columns=["person"], metrics=["count", sql_metric("sum(price)", "total")], extras={"having": "sum(price) > 3600", "where": "price >= 0"})
    same([row["person"] for row in rows], [3])


@case
def sql_metrics():
    [row] = chart(columns=[], metrics=[sql_metric("percentile_cont(0.5) WITHIN GROUP (ORDER BY price)", "median"),
                                       sql_metric("count(*) FILTER (WHERE ok)", "good"), sql_metric("string_agg(DISTINCT tags[1], ',' ORDER BY tags[1])", "tags")])
    same([float(row["median"]), row["good"], row["tags"]], [89.25, 60, "t0,t1"])


@case
def sql_columns():
    size = {"label": "size", "sqlExpression": "CASE WHEN price > 100 THEN 'big' ELSE 'small' END", "expressionType": "SQL"}
    same(sorted((row["size"], row["count"]) for row in chart(columns=[size], metrics=["count"])), [("big", 53), ("small", 67)])


@case
def by_hour():
    same(grain("PT1H")[:2], [("01-01 00:00", 1), ("01-01 06:00", 1)])


@case
def by_minutes():
    same(grain("PT15M", time_range="2024-01-01 : 2024-01-02"), [(f"01-01 {h:02}:00", 1) for h in (0, 6, 12, 18)])
    same(grain("PT30S", time_range="2024-01-01 : 2024-01-02"), [(f"01-01 {h:02}:00", 1) for h in (0, 6, 12, 18)])
    same(grain("PT1M", time_range="2024-01-01 : 2024-01-02"), [(f"01-01 {h:02}:00", 1) for h in (0, 6, 12, 18)])


@case
def by_day():
    same(grain("P1D")[:2] + grain("P1D")[-1:], [("01-01 00:00", 4), ("01-02 00:00", 4), ("01-30 00:00", 4)])


@case
def by_week():
    same(grain("P1W"), [("01-01 00:00", 28), ("01-08 00:00", 28), ("01-15 00:00", 28), ("01-22 00:00", 28), ("01-29 00:00", 8)])


@case
def by_month_quarter_and_year():
    same([grain("P1M"), grain("P3M"), grain("P1Y")], [[("01-01 00:00", 120)]] * 3)


@case
def series_limit():
    at = {"columnType": "BASE_AXIS", "sqlExpression": "at", "label": "at", "expressionType": "SQL", "timeGrain": "P1M"}
    rows = chart(columns=[at, "person"], series_columns=["person"], metrics=["count"], series_limit=2, is_timeseries=True, granularity="at",
                 series_limit_metric=metric("SUM", "price", "total"), extras={"time_grain_sqla": "P1M"}, time_range="2024-01-01 : 2024-03-01")
    same(sorted(row["person"] for row in rows), [2, 3])


@case
def rolling():
    at = {"columnType": "BASE_AXIS", "sqlExpression": "at", "label": "at", "expressionType": "SQL", "timeGrain": "P1D"}
    rows = chart(columns=[at], metrics=["count"], granularity="at", extras={"time_grain_sqla": "P1D"},
                 post_processing=[{"operation": "cum", "options": {"columns": {"count": "count"}, "operator": "sum"}}])
    same(max(row["count"] for row in rows), 120)


@case
def time_offset():
    at = {"columnType": "BASE_AXIS", "sqlExpression": "at", "label": "at", "expressionType": "SQL", "timeGrain": "P1D"}
    rows = chart(columns=[at], metrics=["count"], granularity="at", extras={"time_grain_sqla": "P1D"}, time_range="2024-01-08 : 2024-01-10",
                 filters=[{"col": "at", "op": "TEMPORAL_RANGE", "val": "2024-01-08 : 2024-01-10"}], time_offsets=["1 week ago"])
    same([(row["count"], row["count__1 week ago"]) for row in rows], [(4, 4), (4, 4)])


@case
def virtual_dataset():
    rows = chart("virtual", columns=["name"], metrics=[metric("SUM", "price", "total")], orderby=[["name", True]])
    same([(row["name"], float(row["total"])) for row in rows], [("ada", 3510.0), ("bob", 3570.0), ("cy", 3630.0)])


@case
def of_a_view():
    same(chart("rich", columns=[], metrics=["count"]), [{"count": 53}])


@case
def values_of_a_filter():
    found = get(f"datasource/table/{ids['people']}/column/name/values/")["result"]
    same(sorted(found), ["ada", "bob", "cy"])


@case
def samples():
    same(len(chart(kind="samples", row_limit=5)), 5)


run("apache-superset")
os._exit(0)
