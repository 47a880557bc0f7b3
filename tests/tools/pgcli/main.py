"""pgcli: what it asks to complete names, and its backslash commands."""

import logging
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import psycopg
from cases import DATABASE, HOST, PASSWORD, PORT, USER, case, raises, run, same
from pgcli.completion_refresher import CompletionRefresher
from pgcli.pgexecute import PGExecute
from pgcli.pgcompleter import PGCompleter
from pgspecial.main import PGSpecial
from prompt_toolkit.document import Document

executor = PGExecute(DATABASE, USER, PASSWORD, HOST, PORT, None)
special = PGSpecial()


def sql(text):
    """The rows, the tag and the columns of one statement or backslash command."""
    (result,) = executor.run(text, pgspecial=special)
    title, rows, headers, status, _, success, _ = result
    if not success:
        raise AssertionError(str(rows or status))
    return [list(row) for row in rows or []], headers, status


def names(text, column=1):
    return {row[column] for row in sql(text)[0]}


@case
def select():
    rows, headers, status = sql("SELECT 1 AS one, 'x' AS letter")
    same((rows, headers, status), ([[1, "x"]], ["one", "letter"], "SELECT 1"))


@case
def several_statements():
    same(len(list(executor.run("SELECT 1; SELECT 2", pgspecial=special))), 2)


@case
def error():
    logging.disable(logging.CRITICAL)
    told = raises(psycopg.errors.UndefinedColumn, lambda: list(executor.run("SELECT nothing", pgspecial=special)))
    logging.disable(logging.NOTSET)
    assert 'column "nothing" does not exist' in str(told), told


@case
def goes_on_after_error():
    same(sql("SELECT 2")[0], [[2]])


@case
def schemata():
    assert {"public", "pg_catalog", "information_schema", "pc"} <= set(executor.schemata())


@case
def search_path():
    assert "public" in executor.search_path()


@case
def tables():
    assert ("pc", "people") in set(executor.tables())


@case
def views():
    assert ("pc", "grown") in set(executor.views())


@case
def table_columns():
    got = {c[2]: (c[3], c[4]) for c in executor.table_columns() if tuple(c[:2]) == ("pc", "people")}
    same(got, {"id": ("integer", True), "name": ("character varying", False), "born": ("date", False), "e": ("vector", False)})


@case
def default_of_a_column():
    got = {c[2]: c[5] for c in executor.table_columns() if tuple(c[:2]) == ("pc", "people")}
    assert "nextval" in got["id"], got


@case
def view_columns():
    same([c[2] for c in executor.view_columns() if tuple(c[:2]) == ("pc", "grown")], ["id", "name"])


@case
def databases():
    assert DATABASE in set(executor.databases())


@case
def full_databases():
    assert DATABASE in {row[0] for row in executor.full_databases()[0]}


@case
def foreign_keys():
    got = [tuple(key) for key in executor.foreignkeys()]
    assert ("pc", "people", "id", "pc", "orders", "person") in got, got


@case
def functions():
    assert "l2_distance" in {function.func_name for function in executor.functions()}


@case
def datatypes():
    assert ("pc", "mood") in {tuple(ty) for ty in executor.datatypes()}


@case
def view_definition():
    assert "people" in executor.view_definition("pc.grown")


@case
def is_superuser():
    same(executor.superuser, True)


@case
def timezone():
    assert executor.get_timezone()


@case
def completion():
    refreshed = []
    refresher = CompletionRefresher()
    refresher.refresh(executor, special, lambda completer: refreshed.append(completer))
    refresher._completer_thread.join(60)
    completer = refreshed[0]
    assert isinstance(completer, PGCompleter)
    document = Document("SELECT * FROM pc.", 17)
    found = {c.text for c in completer.get_completions(document, None)}
    assert {"people", "orders", "grown"} <= found, found


@case
def list_tables():
    assert {"people", "orders"} <= names("\\dt pc.*")


@case
def list_views():
    assert "grown" in names("\\dv pc.*")


@case
def list_indexes():
    assert "people_pkey" in names("\\di pc.*")


@case
def list_sequences():
    assert "people_id_seq" in names("\\ds pc.*")


@case
def list_schemas():
    assert "pc" in names("\\dn", 0)


@case
def list_roles():
    assert USER in names("\\du", 0)


@case
def list_databases():
    assert DATABASE in names("\\l", 0)


@case
def list_types():
    assert any("mood" in str(name) for name in names("\\dT pc.*"))


@case
def list_functions():
    sql("\\df pg_catalog.lower")


@case
def list_extensions():
    assert "vector" in names("\\dx", 0)


@case
def describe_table():
    rows, headers, status = sql("\\d pc.people")
    same([row[0] for row in rows], ["id", "name", "born", "e"])
    assert "people_pkey" in status and "TABLE \"pc.orders\"" in status.replace("pc.orders", "\"pc.orders\"").replace('""', '"'), status


@case
def describe_table_fully():
    rows, headers, status = sql("\\d+ pc.orders")
    assert "orders_person_fkey" in status, status


@case
def describe_view():
    rows, _, _ = sql("\\d pc.grown")
    same([row[0] for row in rows], ["id", "name"])


@case
def privileges():
    assert "people" in names("\\dp pc.*")


@case
def tables_with_sizes():
    assert "people" in names("\\dt+ pc.*")


@case
def show_function():
    sql("\\sf pg_catalog.version")


@case
def copy_to_file():
    path = f"/tmp/pgcli-{os.getpid()}.csv"
    try:
        sql(f"\\copy pc.people TO '{path}' CSV")
        with open(path) as file:
            same(len(file.readlines()), 2)
    finally:
        os.path.exists(path) and os.remove(path)


@case
def transaction():
    same(executor.valid_transaction(), False)
    sql("BEGIN")
    same(executor.valid_transaction(), True)
    sql("ROLLBACK")


@case
def notices():
    sql("DROP TABLE IF EXISTS pc.nothing_at_all")


@case
def connect_again():
    again = executor.copy()
    again.connect()
    same(list(again.run("SELECT 3", pgspecial=special))[0][5], True)


for statement in [
    "CREATE EXTENSION IF NOT EXISTS vector",
    "DROP SCHEMA IF EXISTS pc CASCADE",
    "CREATE SCHEMA pc",
    "CREATE TYPE pc.mood AS ENUM ('sad', 'happy')",
    "CREATE TABLE pc.people (id serial PRIMARY KEY, name varchar(40) NOT NULL, born date, e vector(3))",
    "CREATE TABLE pc.orders (id int PRIMARY KEY, person int REFERENCES pc.people (id))",
    "CREATE VIEW pc.grown AS SELECT id, name FROM pc.people WHERE born < '2000-01-01'",
    "INSERT INTO pc.people (name, born) VALUES ('Ann', '1990-01-01'), ('Bob', '2010-01-01')",
]:
    sql(statement)
run("pgcli")
