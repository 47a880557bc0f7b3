"""What DBeaver, Metabase, Grafana, Tableau, Power BI and pgAdmin ask of the catalog: queries.sql."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import psycopg
from cases import url

c = psycopg.connect(url("postgresql"), autocommit=True)
for statement in (
        "CREATE EXTENSION IF NOT EXISTS vector", "DROP TABLE IF EXISTS gui_orders, gui_people CASCADE",
        "CREATE TABLE gui_people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(40) NOT NULL UNIQUE, e vector(3))",
        "CREATE TABLE gui_orders (id bigserial PRIMARY KEY, person int NOT NULL REFERENCES gui_people, amount numeric(10,2) "
        "CHECK (amount >= 0), made timestamptz DEFAULT now())",
        "CREATE INDEX gui_by_amount ON gui_orders (amount)", "CREATE VIEW gui_view AS SELECT id, name FROM gui_people",
        "COMMENT ON TABLE gui_orders IS 'what was sold'", "INSERT INTO gui_people (name) VALUES ('Ada')",
        "INSERT INTO gui_orders (person, amount) VALUES (1, 10)"):
    c.execute(statement)
print("version 2026")
text = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "queries.sql")).read()
for name, least, query in re.findall(r"^-- (\w+) (\d+)\n(.+)$", text, re.M):
    try:
        rows = c.execute(query.replace(":table", "'gui_orders'")).fetchall()
        if len(rows) < int(least):
            raise AssertionError(f"{len(rows)} rows, expected {least} at least")
        print(f"ok {name}")
    except Exception as error:
        why = " ".join(str(error).split())
        print(f"not ok {name}: {why[:400]}")
c.execute("DROP VIEW gui_view")
c.execute("DROP TABLE gui_orders, gui_people")
