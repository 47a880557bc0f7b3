#!/usr/bin/env bash
# pg_dump, pg_restore, pg_dumpall: a database out, and in again, on the same server and on $OTHER, a
# database of a real PostgreSQL.
. "$(dirname "$0")/../cases.sh"
echo "version $(pg_dump --version | sed 's/.* \([0-9][0-9.]*\).*/\1/')"
export PGOPTIONS="${PGOPTIONS-} -c client_min_messages=warning"

drop() {
    ask "$@" -c 'DROP VIEW IF EXISTS du_totals' -c 'DROP TABLE IF EXISTS du_orders, du_people, du_types CASCADE' -c 'DROP SCHEMA IF EXISTS du_place CASCADE' \
        -c 'DROP SEQUENCE IF EXISTS du_counter'
}
setup() {
    drop && ask <<'S'
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE du_people (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(40) NOT NULL UNIQUE,
    born date DEFAULT '2000-01-01',
    tags text[] DEFAULT '{}',
    e vector(3),
    h halfvec(2),
    s sparsevec(5)
);
CREATE TABLE du_orders (
    id bigserial PRIMARY KEY,
    person int NOT NULL CONSTRAINT du_by REFERENCES du_people ON DELETE CASCADE,
    amount numeric(10,2) DEFAULT 0 CHECK (amount >= 0),
    doubled numeric(10,2) GENERATED ALWAYS AS (amount * 2) STORED,
    UNIQUE (person, amount)
);
CREATE TABLE du_types (b bool, i2 int2, i8 int8, f4 float4, f8 float8, n numeric(12,4), t text, c char(3), y bytea, d date, ti time,
    ts timestamp, tz timestamptz, iv interval, u uuid, j json, jb jsonb, ia int4[], bi bit(3), vb bit varying(5));
CREATE INDEX du_by_amount ON du_orders (amount DESC);
CREATE INDEX du_lower ON du_people (lower(name)) WHERE born IS NOT NULL;
CREATE INDEX du_near ON du_people USING hnsw (e vector_l2_ops) WITH (m = 8);
CREATE VIEW du_totals AS SELECT person, sum(amount) AS total FROM du_orders GROUP BY person;
COMMENT ON TABLE du_people IS 'who buys';
COMMENT ON COLUMN du_people.name IS 'full name';
CREATE SEQUENCE du_counter START 5 INCREMENT 2;
SELECT nextval('du_counter'), nextval('du_counter');
CREATE SCHEMA du_place;
CREATE TABLE du_place.there (a int PRIMARY KEY, "odd Name" text);
GRANT SELECT ON du_people TO PUBLIC;
ALTER TABLE du_place.there ENABLE ROW LEVEL SECURITY;
CREATE POLICY du_some ON du_place.there FOR SELECT USING (a > 0);
INSERT INTO du_people (name, tags, e, h, s) VALUES ('Ada', '{x,"y z"}', '[1,2,3]', '[1,2]', '{1:1,5:2}/5'), ('Bob', NULL, NULL, NULL, NULL);
INSERT INTO du_orders (person, amount) VALUES (1, 10), (1, 2.5), (2, 3);
INSERT INTO du_place.there VALUES (1, E'tab\there'), (2, NULL);
INSERT INTO du_types VALUES (true, -1, 9223372036854775807, 1.5, 0.1, 12.34, E'a\\b\nc', 'ab', '\x00ff', '2024-02-29', '01:02:03.5',
    '1999-12-31 23:59:59', '2024-06-01 12:00+00', '1 mon 2 days', '12345678-1234-5678-1234-567812345678', '{"a" : 1}', '{"b": 2}',
    '{1,NULL}', '101', '1101'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
S
}
# all that there is to see, the same before and after
state() {
    ask "$@" <<'S'
SELECT * FROM du_people ORDER BY id;
SELECT * FROM du_orders ORDER BY id;
SELECT * FROM du_totals ORDER BY person;
SET TimeZone = 'UTC';
SELECT * FROM du_types ORDER BY i8;
SELECT * FROM du_place.there ORDER BY a;
SELECT conname, contype FROM pg_constraint WHERE contype <> 'n' AND conname LIKE 'du%' ORDER BY conname;
SELECT indexname FROM pg_indexes WHERE tablename LIKE 'du%' ORDER BY 1;
SELECT obj_description('du_people'::regclass), col_description('du_people'::regclass, 2);
SELECT last_value FROM du_counter;
S
}
# what a program of the dumps writes, without what tells one run from the other
plain() { grep -v '^--\|^\\restrict\|^\\unrestrict\|^SET \|^$' "$1"; }
restored() { # restored: the state is as at first
    state >"$here/after" 2>&1
    diff "$here/before" "$here/after"
}
load() { psql -X -q -v ON_ERROR_STOP=1 "$@" >"$here/loaded" 2>&1 || { grep -v '^$' "$here/loaded"; return 1; }; }

objects=(-t 'du_*' -t 'du_place.*')
dump_plain() { pg_dump "${objects[@]}" >"$here/plain.sql" && grep -q 'CREATE TABLE public.du_people' "$here/plain.sql"; }
dump_all() { pg_dump >"$here/all.sql" && grep -q 'CREATE EXTENSION IF NOT EXISTS vector' "$here/all.sql" && grep -q 'CREATE SCHEMA du_place' "$here/all.sql"; }
columns() { grep -q 'e public.vector(3)' "$here/all.sql" && grep -q "born date DEFAULT '2000-01-01'::date" "$here/all.sql" &&
    grep -q 'doubled numeric(10,2) GENERATED ALWAYS AS ((amount \* .*2.*)) STORED' "$here/all.sql"; }
identities() { grep -q 'ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY' "$here/all.sql"; }
serials() { grep -q "ALTER TABLE ONLY public.du_orders ALTER COLUMN id SET DEFAULT nextval('public.du_orders_id_seq'::regclass)" "$here/all.sql" &&
    grep -q 'ALTER SEQUENCE public.du_orders_id_seq OWNED BY public.du_orders.id' "$here/all.sql"; }
sequence_values() { grep -q "SELECT pg_catalog.setval('public.du_counter', 7, true)" "$here/all.sql"; }
keys() { grep -q 'ADD CONSTRAINT du_people_pkey PRIMARY KEY (id)' "$here/all.sql" && grep -q 'ADD CONSTRAINT du_people_name_key UNIQUE (name)' "$here/all.sql"; }
foreign_keys() { grep -q 'ADD CONSTRAINT du_by FOREIGN KEY (person) REFERENCES public.du_people(id) ON DELETE CASCADE' "$here/all.sql"; }
checks() { grep -q 'CONSTRAINT du_orders_amount_check CHECK ((amount >= .*0.*))' "$here/all.sql"; }
indexes() { grep -q "CREATE INDEX du_near ON public.du_people USING hnsw (e public.vector_l2_ops) WITH (m='8')" "$here/all.sql" &&
    grep -q 'CREATE INDEX du_by_amount ON public.du_orders USING btree (amount DESC)' "$here/all.sql" &&
    grep -q 'CREATE INDEX du_lower ON public.du_people USING btree (lower(.*name.*)) WHERE (born IS NOT NULL)' "$here/all.sql"; }
views() { grep -q 'CREATE VIEW public.du_totals AS' "$here/all.sql"; }
comments() { grep -q "COMMENT ON TABLE public.du_people IS 'who buys'" "$here/all.sql"; }
grants() { grep -q 'GRANT SELECT ON TABLE public.du_people TO PUBLIC' "$here/all.sql"; }
policies() { grep -q 'CREATE POLICY du_some ON du_place.there FOR SELECT USING ((a > 0))' "$here/all.sql" && grep -q 'ENABLE ROW LEVEL SECURITY' "$here/all.sql"; }
rows() { grep -q '^1	Ada	2000-01-01	{x,"y z"}	\[1,2,3\]	\[1,2\]	{1:1,5:2}/5$' "$here/all.sql"; }
schema_only() { pg_dump -s >"$here/schema.sql" && ! grep -q '^COPY' "$here/schema.sql"; }
data_only() { pg_dump -a >"$here/data.sql" && ! grep -q '^CREATE' "$here/data.sql"; }
one_table() { pg_dump -t du_types >"$here/one.sql" && ! grep -q du_people "$here/one.sql"; }
excluding() { pg_dump -T 'du_types' --exclude-schema du_place >"$here/few.sql" && ! grep -q 'du_types\|du_place' "$here/few.sql"; }
create() { pg_dump -C >"$here/create.sql" && grep -q '^CREATE DATABASE' "$here/create.sql"; }
parallel() { rm -rf "$here/jobs" && pg_dump -Fd -j 2 -f "$here/jobs" && [ -f "$here/jobs/toc.dat" ]; }
globals() { pg_dumpall -g >"$here/globals.sql" && grep -q 'CREATE ROLE' "$here/globals.sql"; }
dump_everything() { pg_dumpall >"$here/everything.sql" && grep -q 'CREATE TABLE public.du_people' "$here/everything.sql"; }
restore_plain() { drop && load -f "$here/all.sql" && restored; }
restore_again() { pg_dump >"$here/again.sql" && diff <(plain "$here/all.sql") <(plain "$here/again.sql"); }
restore_clean() { pg_dump --clean --if-exists "${objects[@]}" >"$here/clean.sql" && load -f "$here/clean.sql" && restored; }
dump_custom() { pg_dump -Fc -f "$here/dump" && pg_restore -l "$here/dump" | grep -q 'TABLE public du_people'; }
dump_directory() { pg_dump -Fd -f "$here/folder" && [ -f "$here/folder/toc.dat" ]; }
dump_tar() { pg_dump -Ft -f "$here/tar"; }
dump_inserts() { pg_dump --column-inserts >"$here/inserts.sql" && grep -q "INSERT INTO public.du_orders (id, person, amount) VALUES (2, 1, 2.50)\|VALUES (2, 1, 2.50, DEFAULT)" "$here/inserts.sql"; }
restore_inserts() { drop && load -f "$here/inserts.sql" && restored; }
restore_custom() { drop && pg_restore -d "$PGDATABASE" --exit-on-error "$here/dump" && restored; }
restore_directory() { drop && pg_restore -d "$PGDATABASE" -j 2 "$here/folder" && restored; }
restore_tar() { drop && pg_restore -d "$PGDATABASE" -1 "$here/tar" && restored; }
restore_data_only() { ask -c 'TRUNCATE du_orders, du_people, du_types, du_place.there' && pg_restore -a --disable-triggers -d "$PGDATABASE" "$here/dump" && restored; }
restore_on_postgresql() { drop -d "$OTHER" && load -d "$OTHER" -f "$here/all.sql" && state -d "$OTHER" >"$here/after" 2>&1 && diff "$here/before" "$here/after"; }
restore_from_postgresql() { pg_dump -d "$OTHER" >"$here/theirs.sql" && drop && load -f "$here/theirs.sql" && restored; }

case_of setup setup
state >"$here/before" 2>&1
for name in dump_plain dump_all columns identities serials sequence_values keys foreign_keys checks indexes views comments grants policies rows schema_only \
    data_only one_table excluding create parallel globals dump_everything dump_custom \
    dump_directory dump_tar dump_inserts restore_plain restore_again restore_clean restore_inserts restore_custom \
    restore_directory restore_tar restore_data_only restore_on_postgresql restore_from_postgresql; do
    case_of $name $name
done
drop >/dev/null 2>&1
drop -d "$OTHER" >/dev/null 2>&1
exit 0
