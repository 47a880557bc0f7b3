"""dbt with its PostgreSQL adapter: seeds, models of each kind, tests, snapshots, documentation."""

import json
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import psycopg
from cases import DATABASE, HOST, PASSWORD, PORT, USER, case, run, same

os.environ.update(DBT_SEND_ANONYMOUS_USAGE_STATS="false", DBT_VERSION_CHECK="false", DO_NOT_TRACK="1")
from dbt.cli.main import dbtRunner

SCHEMA = "dbt_shop"
folder = pathlib.Path(tempfile.mkdtemp(prefix="dbt-"))
connection = psycopg.connect(host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=DATABASE, autocommit=True)

FILES = {
    "dbt_project.yml": """
name: shop
version: '1.0'
profile: shop
flags: {send_anonymous_usage_stats: false}
seeds: {shop: {orders: {+column_types: {amount: "numeric(10,2)", at: timestamp}}}}
on-run-end: "{% if var('hooked', false) %}create table if not exists {{ target.schema }}.hooked (a int){% endif %}"
""",
    "profiles.yml": f"""
shop:
  target: dev
  outputs:
    dev: {{type: postgres, host: '{HOST}', port: {PORT}, user: '{USER}', password: "{PASSWORD}", dbname: '{DATABASE}',
          schema: {SCHEMA}, threads: 2}}
""",
    "seeds/customers.csv": "id,name,city\n1,Ann,Oslo\n2,Bob,Rome\n3,Cee,Oslo\n",
    "seeds/orders.csv": "id,customer,amount,at,status\n1,1,10.50,2024-01-01 10:00:00,paid\n2,1,5.25,2024-01-02 11:00:00,open\n"
                        "3,2,99.00,2024-01-03 12:00:00,paid\n",
    "models/stage.sql": "{{ config(materialized='view') }}\nselect id, customer, amount, at, status from {{ ref('orders') }}\n",
    "models/cheap.sql": "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('stage') }} where amount < 50\n",
    "models/totals.sql": """{{ config(materialized='table', indexes=[{'columns': ['name'], 'unique': true}]) }}
select c.name, coalesce(sum(o.amount), 0) as total, count(o.id) as n
from {{ ref('customers') }} c left join {{ ref('stage') }} o on o.customer = c.id group by c.name
""",
    "models/few.sql": "select name from {{ ref('totals') }} join {{ ref('cheap') }} on true group by name\n",
    "models/grown.sql": """{{ config(materialized='incremental', unique_key='id') }}
select id, amount, {{ var('tag', 1) }} as tag from {{ ref('stage') }}
{% if is_incremental() %} where id > {{ var('above', 0) }} {% endif %}
""",
    "models/merged.sql": """{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge') }}
select id, amount, {{ var('tag', 1) }} as tag from {{ ref('stage') }}
""",
    "models/appended.sql": """{{ config(materialized='incremental', incremental_strategy='append') }}
select id from {{ ref('stage') }}
""",
    "models/widening.sql": """{{ config(materialized='incremental', unique_key='id', on_schema_change='append_new_columns') }}
select id {% if var('wide', false) %}, amount as extra {% endif %} from {{ ref('stage') }}
""",
    "models/kept.sql": "{{ config(materialized='materialized_view') }}\nselect city, count(*) as n from {{ ref('customers') }} group by city\n",
    "models/promised.sql": "{{ config(materialized='table') }}\nselect 1 as id, 'x'::text as label\n",
    "models/vectors.sql": "{{ config(materialized='table') }}\nselect id, ('[' || id || ',1,2]')::vector(3) as e from {{ ref('customers') }}\n",
    "models/broken.sql": "{{ config(materialized='table', enabled=var('broken', false)) }}\nselect 1 / (id - 1) as x from {{ ref('customers') }}\n",
    "models/schema.yml": """
version: 2
sources:
  - name: raw
    schema: "{{ target.schema }}"
    tables: [{name: orders, loaded_at_field: at, freshness: {error_after: {count: 100000, period: day}}}]
models:
  - name: totals
    description: what each customer's orders come to
    config: {persist_docs: {relation: true, columns: true}}
    columns:
      - {name: name, description: the customer, data_tests: [unique, not_null]}
  - name: stage
    columns:
      - name: status
        data_tests: [{accepted_values: {arguments: {values: [paid, open]}}}]
      - name: customer
        data_tests: [{relationships: {arguments: {to: ref('customers'), field: id}}}]
      - name: amount
        data_tests: [{accepted_values: {arguments: {values: [1], quote: false}, config: {enabled: "{{ var('failing', false) }}"}}}]
  - name: promised
    config: {contract: {enforced: true}}
    columns:
      - {name: id, data_type: int, constraints: [{type: not_null}, {type: primary_key}, {type: check, expression: id > 0}]}
      - {name: label, data_type: text}
unit_tests:
  - name: totals_of_nothing
    model: totals
    given:
      - {input: ref('customers'), rows: [{id: 7, name: Zed, city: x}]}
      - {input: ref('stage'), rows: []}
    expect: {rows: [{name: Zed, total: 0, n: 0}]}
""",
    "tests/no_debts.sql": "select * from {{ ref('totals') }} where total < 0\n",
    "snapshots/checked.sql": """{% snapshot checked %}
{{ config(target_schema=target.schema, unique_key='id', strategy='check', check_cols=['city']) }}
select * from {{ ref('customers') }}
{% endsnapshot %}
""",
    "snapshots/timed.sql": """{% snapshot timed %}
{{ config(target_schema=target.schema, unique_key='id', strategy='timestamp', updated_at='at', hard_deletes='invalidate') }}
select * from {{ ref('orders') }}
{% endsnapshot %}
""",
    "macros/made.sql": """{% macro made(name) %}
{% do run_query('create table ' ~ target.schema ~ '.' ~ name ~ ' (a int)') %}{{ log('made it', info=true) }}
{% endmacro %}
""",
}


def dbt(*arguments, fails=False):
    """Runs a command of dbt; its results."""
    places = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--quiet"]
    result = dbtRunner().invoke([*arguments, *places])
    if result.success == fails:
        found = getattr(result.result, "results", None) or []
        said = [f"{r.node.name}: {r.message}" for r in found if str(r.status) not in ("success", "pass")]
        raise AssertionError(f"dbt {arguments[0]}: {result.exception or said}")
    return result.result


def of_nodes(results):
    """The results without those of hooks."""
    return [result for result in results.results if str(result.node.resource_type) != "operation"]


def ask(sql):
    return connection.execute(sql.replace("$", SCHEMA + ".")).fetchall()


@case
def debug():
    dbt("debug")


@case
def seed():
    dbt("seed")
    same(ask("SELECT count(*), sum(amount)::text FROM $orders"), [(3, "114.75")])


@case
def seed_again():
    dbt("seed")
    same(ask("SELECT count(*) FROM $customers"), [(3,)])


@case
def seed_full_refresh():
    dbt("seed", "--full-refresh")
    same(ask("SELECT count(*) FROM $customers"), [(3,)])


@case
def view():
    dbt("run", "-s", "stage")
    same(ask("SELECT count(*) FROM $stage"), [(3,)])
    same(ask(f"SELECT table_type FROM information_schema.tables WHERE table_schema = '{SCHEMA}' AND table_name = 'stage'"),
         [("VIEW",)])


@case
def table():
    dbt("run", "-s", "totals")
    same(ask("SELECT name, total::text, n FROM $totals ORDER BY name"), [("Ann", "15.75", 2), ("Bob", "99.00", 1), ("Cee", "0", 0)])


@case
def table_again():
    dbt("run", "-s", "totals")
    same(ask(f"SELECT count(*) FROM pg_indexes WHERE schemaname = '{SCHEMA}' AND tablename = 'totals'"), [(1,)])
    same(ask(f"SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = '{SCHEMA}'"
             " AND relname LIKE '%dbt_%'"), [(0,)])


@case
def documentation_is_kept():
    same(ask("SELECT obj_description('$totals'::regclass)"), [("what each customer's orders come to",)])


@case
def ephemeral():
    dbt("run", "-s", "few")
    same(ask("SELECT count(*) FROM $few"), [(3,)])


@case
def incremental():
    dbt("run", "-s", "grown")
    dbt("run", "-s", "grown", "--vars", json.dumps({"above": 2, "tag": 2}))
    same(ask("SELECT id, tag FROM $grown ORDER BY id"), [(1, 1), (2, 1), (3, 2)])


@case
def incremental_full_refresh():
    dbt("run", "-s", "grown", "--full-refresh", "--vars", json.dumps({"tag": 3}))
    same(ask("SELECT count(*), min(tag) FROM $grown"), [(3, 3)])


@case
def incremental_merge():
    dbt("run", "-s", "merged")
    dbt("run", "-s", "merged", "--vars", json.dumps({"tag": 4}))
    same(ask("SELECT count(*), min(tag) FROM $merged"), [(3, 4)])


@case
def incremental_append():
    dbt("run", "-s", "appended")
    dbt("run", "-s", "appended")
    same(ask("SELECT count(*) FROM $appended"), [(6,)])


@case
def incremental_new_column():
    dbt("run", "-s", "widening")
    dbt("run", "-s", "widening", "--vars", json.dumps({"wide": True}))
    same(ask("SELECT count(extra) FROM $widening"), [(3,)])


@case
def materialized_view():
    dbt("run", "-s", "kept")
    same(ask("SELECT city, n FROM $kept ORDER BY 1"), [("Oslo", 2), ("Rome", 1)])


@case
def materialized_view_again():
    dbt("run", "-s", "kept")
    same(ask("SELECT count(*) FROM $kept"), [(2,)])


@case
def contract():
    dbt("run", "-s", "promised")
    same(ask("SELECT id, label FROM $promised"), [(1, "x")])
    same(ask(f"SELECT is_nullable FROM information_schema.columns WHERE table_schema = '{SCHEMA}' AND table_name = 'promised'"
             " AND column_name = 'id'"), [("NO",)])


@case
def vectors():
    dbt("run", "-s", "vectors")
    same(ask("SELECT id FROM $vectors ORDER BY e <-> '[2,1,2]' LIMIT 1"), [(2,)])


@case
def data_tests():
    same(len(of_nodes(dbt("test", "--exclude", "test_type:unit"))), 5)


@case
def data_test_that_fails():
    dbt("test", "-s", "stage", "--vars", json.dumps({"failing": True}), fails=True)


@case
def data_test_stores_failures():
    dbt("test", "-s", "stage", "--store-failures", "--vars", json.dumps({"failing": True}), fails=True)
    same(ask(f"SELECT count(*) > 0 FROM information_schema.tables WHERE table_schema = '{SCHEMA}_dbt_test__audit'"), [(True,)])


@case
def unit_tests():
    same(len(of_nodes(dbt("test", "-s", "test_type:unit"))), 1)


@case
def snapshot():
    dbt("snapshot")
    same(ask("SELECT count(*), count(dbt_valid_to) FROM $checked"), [(3, 0)])


@case
def snapshot_of_changes():
    ask_nothing("UPDATE $customers SET city = 'Bern' WHERE id = 2")
    ask_nothing("UPDATE $orders SET status = 'paid', at = '2024-02-02' WHERE id = 2")
    ask_nothing("DELETE FROM $orders WHERE id = 3")
    dbt("snapshot")
    same(ask("SELECT id, city, dbt_valid_to IS NULL FROM $checked WHERE id = 2 ORDER BY dbt_valid_from"),
         [(2, "Rome", False), (2, "Bern", True)])
    same(ask("SELECT id, count(*), count(dbt_valid_to) FROM $timed GROUP BY id ORDER BY id"), [(1, 1, 0), (2, 2, 1), (3, 1, 1)])


def ask_nothing(sql):
    connection.execute(sql.replace("$", SCHEMA + "."))


@case
def source_freshness():
    dbt("source", "freshness")


@case
def documentation():
    dbt("docs", "generate")
    catalog = json.loads((folder / "target/catalog.json").read_text())
    columns = catalog["nodes"]["model.shop.totals"]["columns"]
    same({name: column["type"] for name, column in columns.items()}, {"name": "text", "total": "numeric", "n": "bigint"})


@case
def show():
    (result,) = [of for of in of_nodes(dbt("show", "-s", "totals", "--limit", "1")) if of.node.name == "totals"]
    same(len(result.agate_table.rows), 1)


@case
def inline():
    (result,) = of_nodes(dbt("show", "--inline", "select name from {{ ref('totals') }} order by 1"))
    same([row[0] for row in result.agate_table.rows], ["Ann", "Bob", "Cee"])


@case
def run_operation():
    dbt("run-operation", "made", "--args", "{name: made_by_macro}")
    same(ask("SELECT count(*) FROM $made_by_macro"), [(0,)])


@case
def hooks():
    dbt("run", "-s", "stage", "--vars", json.dumps({"hooked": True}))
    same(ask("SELECT count(*) FROM $hooked"), [(0,)])


@case
def model_that_fails():
    dbt("run", "-s", "broken", "--vars", json.dumps({"broken": True}), fails=True)


@case
def list_models():
    assert "shop.totals" in dbt("ls")


@case
def build():
    dbt("seed", "--full-refresh")
    dbt("build")


connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA}_dbt_test__audit CASCADE")
connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
for name, text in FILES.items():
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.lstrip("\n"))
try:
    run("dbt-postgres")
finally:
    shutil.rmtree(folder)
