#!/usr/bin/env bash
# psql: its commands that describe, its tab completion, its variables, copies and scripts.
. "$(dirname "$0")/../cases.sh"
echo "version $(psql --version | sed 's/.* \([0-9][0-9.]*\).*/\1/')"
export PGOPTIONS="${PGOPTIONS-} -c client_min_messages=warning"

setup() {
    ask <<'S'
CREATE EXTENSION IF NOT EXISTS vector;
DROP TABLE IF EXISTS ps_orders, ps_people CASCADE;
DROP SCHEMA IF EXISTS ps_place CASCADE;
DROP SEQUENCE IF EXISTS ps_counter;
CREATE TABLE ps_people (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(40) NOT NULL UNIQUE,
    born date DEFAULT '2000-01-01',
    tags text[] DEFAULT '{}',
    e vector(3)
);
CREATE TABLE ps_orders (
    id bigserial PRIMARY KEY,
    person int NOT NULL REFERENCES ps_people ON DELETE CASCADE,
    amount numeric(10,2) DEFAULT 0 CHECK (amount >= 0),
    doubled numeric(10,2) GENERATED ALWAYS AS (amount * 2) STORED
);
CREATE INDEX ps_by_amount ON ps_orders (amount DESC);
CREATE INDEX ps_lower ON ps_people (lower(name)) WHERE born IS NOT NULL;
CREATE INDEX ps_near ON ps_people USING hnsw (e vector_l2_ops) WITH (m = 8);
CREATE VIEW ps_totals AS SELECT person, sum(amount) AS total FROM ps_orders GROUP BY person;
COMMENT ON TABLE ps_people IS 'who buys';
COMMENT ON COLUMN ps_people.name IS 'full name';
CREATE SEQUENCE ps_counter START 5 INCREMENT 2;
CREATE SCHEMA ps_place;
CREATE TABLE ps_place.there (a int);
INSERT INTO ps_people (name, e) VALUES ('Ada', '[1,2,3]'), ('Bob', NULL);
INSERT INTO ps_orders (person, amount) VALUES (1, 10), (1, 2.5), (2, 3);
S
}
case_of setup setup

# what \d says, the title not indented
described() { psql -X -c "\\d $1" | sed '1s/^ *//; /^$/d'; }
d_table() {
    described ps_orders | sed 's/  *|/ |/g; s/|  */| /g' | tee "$here/table"
    for line in 'Table "public.ps_orders"' " id | bigint | | not null | nextval('ps_orders_id_seq'::regclass)" \
        ' person | integer | | not null | ' ' amount | numeric(10,2) | | | 0' '    "ps_orders_pkey" PRIMARY KEY, btree (id)' \
        '    "ps_by_amount" btree (amount DESC)' 'Check constraints:' \
        '    "ps_orders_person_fkey" FOREIGN KEY (person) REFERENCES ps_people(id) ON DELETE CASCADE'; do
        grep -qxF -- "$line" "$here/table" || { echo "no line $line"; return 1; }
    done
    grep -q '^ doubled | numeric(10,2) | | | generated always as ((amount \* 2.*)) stored$' "$here/table" &&
        grep -q '^    "ps_orders_amount_check" CHECK (amount >= 0.*)$' "$here/table"
}
d_referenced() {
    psql -X -c '\d ps_people' | tee "$here/people"
    grep -q '"ps_people_name_key" UNIQUE CONSTRAINT, btree (name)' "$here/people" &&
        grep -q '"ps_near" hnsw (e vector_l2_ops) WITH (m=.*8.*)' "$here/people" &&
        grep -q '"ps_lower" btree (lower(name.*)) WHERE (\?born IS NOT NULL' "$here/people" &&
        grep -q 'TABLE "ps_orders" CONSTRAINT "ps_orders_person_fkey" FOREIGN KEY (person) REFERENCES ps_people(id) ON DELETE CASCADE' "$here/people" &&
        grep -q ' id  *| integer  *|  *| not null | generated always as identity' "$here/people"
}
d_plus() { psql -X -c '\d+ ps_people' | tee "$here/plus"; grep -q 'full name' "$here/plus" && grep -q 'Access method: heap' "$here/plus"; }
d_view() { psql -X -c '\d+ ps_totals' | tee "$here/view"; grep -q 'View definition:' "$here/view" && grep -q 'sum(.*amount) AS total' "$here/view"; }
d_index() { same "$(described ps_by_amount)" \
'Index "public.ps_by_amount"
 Column |     Type      | Key? | Definition 
--------+---------------+------+------------
 amount | numeric(10,2) | yes  | amount
btree, for table "public.ps_orders"'; }
d_unique_index() { same "$(described ps_people_name_key | tail -1)" 'unique, btree, for table "public.ps_people"'; }
d_sequence() { same "$(described ps_counter)" \
'Sequence "public.ps_counter"
  Type  | Start | Minimum |       Maximum       | Increment | Cycles? | Cache 
--------+-------+---------+---------------------+-----------+---------+-------
 bigint |     5 |       1 | 9223372036854775807 |         2 | no      |     1'; }
d_owned_sequence() { same "$(described ps_orders_id_seq | tail -1)" 'Owned by: public.ps_orders.id'; }
d_in_schema() { same "$(psql -X -c '\d ps_place.there' | head -1 | xargs)" 'Table ps_place.there'; }
d_nothing() { same "$(psql -X -c '\d ps_nothing' 2>&1)" 'Did not find any relation named "ps_nothing".'; }
dt() { same "$(ask -c '\dt ps_*' | cut -d'|' -f 1-3)" "public|ps_orders|table
public|ps_people|table"; }
dt_plus() { ask -c '\dt+ ps_people' | grep -q 'who buys'; }
dt_schema() { same "$(ask -c '\dt ps_place.*' | cut -d'|' -f 1-3)" "ps_place|there|table"; }
dv() { same "$(ask -c '\dv ps_*' | cut -d'|' -f 1-3)" "public|ps_totals|view"; }
di() { same "$(ask -c '\di ps_*' | cut -d'|' -f 2,3,5 | sort)" "ps_by_amount|index|ps_orders
ps_lower|index|ps_people
ps_near|index|ps_people
ps_orders_pkey|index|ps_orders
ps_people_name_key|index|ps_people
ps_people_pkey|index|ps_people"; }
ds() { same "$(ask -c '\ds ps_counter' | cut -d'|' -f 1-3)" "public|ps_counter|sequence"; }
dn() { ask -c '\dn' | grep -q '^ps_place|' && ask -c '\dn+ ps_place' | grep -q ps_place; }
du() { ask -c '\du' | grep -q "^$(ask -c 'SELECT current_user')|Superuser"; }
dx() { ask -c '\dx' | grep -q '^vector|.*|vector data type and ivfflat and hnsw access methods'; }
d_extension() { psql -X -c '\dx+ vector' | grep -q 'operator <->(vector,vector)'; }
types() { ask -c '\dT vector' | grep -q 'public|vector|' && ask -c '\dT+ int4' | grep -q 'pg_catalog|integer|int4|4|'; }
functions() { ask -c '\df l2_distance' | grep -q 'public|l2_distance|double precision|.*vector'; }
functions_of_system() { ask -c '\df lower' | grep -q 'pg_catalog|lower|text|text|func'; }
aggregates() { ask -c '\da sum' | grep -q 'pg_catalog|sum|bigint|integer'; }
operators() { ask -c '\do <->' | grep -q 'public|<->|vector|vector|double precision'; }
operators_of_system() { ask -c '\do =' | grep -q 'pg_catalog|=|integer|integer|boolean'; }
casts() { ask -c '\dC vector' | grep -q 'vector|real\[\]\|real\[\]|vector\|integer\[\]|vector'; }
access_methods() { ask -c '\dA' | grep -q 'hnsw|Index' && ask -c '\dA' | grep -q 'heap|Table'; }
operator_classes() { ask -c '\dAc hnsw' | grep -q 'hnsw|vector|.*vector_l2_ops'; }
operator_families() { ask -c '\dAf hnsw' | grep -q 'hnsw|vector_l2_ops|'; }
operators_of_families() { ask -c '\dAo hnsw vector_l2_ops' | grep -q '<->'; }
functions_of_families() { ask -c '\dAp hnsw vector_l2_ops' | grep -q 'l2_squared'; }
databases() { ask -c '\l' | grep -q "^$(ask -c 'SELECT current_database()')|.*UTF8"; }
databases_plus() { ask -c '\l+' | grep -q "^$(ask -c 'SELECT current_database()')|.*pg_default"; }
languages() { ask -c '\dL+' | grep -q plpgsql; }
tablespaces() { ask -c '\db' | grep -q '^pg_default|'; }
collations() { ask -c '\dOS' | grep -q 'pg_catalog|"\?C"\?|'; }
conversions() { ask -c '\dc' && ask -c '\dcS'; }
privileges() { ask -c 'GRANT SELECT ON ps_people TO PUBLIC' && ask -c '\dp ps_people' | grep -q '=r/'; }
default_privileges() { psql -X -c '\ddp'; }
settings() { ask -c '\dconfig work_mem' | grep -q '^work_mem|'; }
role_settings() { psql -X -c '\drds'; }
comments() { ask -c 'COMMENT ON CONSTRAINT ps_orders_amount_check ON ps_orders IS '"'why'"; ask -c '\dd ps_orders_amount_check' | grep -q why; }
others() { # what lists nothing here, or what is only asked for
    local command said=0
    for command in '\dD' '\dE' '\des' '\det' '\deu' '\dew' '\dF' '\dFd' '\dFp' '\dFt' '\dg+' '\dl' '\dm' '\dP' '\dPt' '\dRp' '\dRs' '\dX' '\dy' '\sv ps_totals' '\z' '\conninfo' '\dS' '\dS+ pg_class' '\diS+' '\dfS+' '\doS' '\dTS+' '\dvS' '\daS' '\dL' '\du+' '\dn+' '\ds+' '\dv+' '\di+' '\d pg_class' '\d information_schema.columns' '\d pg_stat_activity' '\lo_list'; do
        psql -X -q -v ON_ERROR_STOP=1 -c "$command" >"$here/other" 2>&1 || { echo "$command: $(grep -v '^Did not' "$here/other" | head -3)"; said=1; }
        if grep -q ERROR "$here/other"; then echo "$command: $(head -3 "$here/other")"; said=1; fi
    done
    return $said
}
show_view() { psql -X -c '\sv ps_totals' | grep -q 'CREATE OR REPLACE VIEW public.ps_totals AS'; }
gdesc() { same "$(ask -c "SELECT 1 AS a, 'x'::text AS b, now() AS c \\gdesc")" ""; same "$(echo "SELECT 1 AS a, 'x'::varchar(3) AS b, now() AS c \\gdesc" | ask)" "a|integer
b|character varying(3)
c|timestamp with time zone"; }
gset() { same "$(printf 'SELECT 41 + 1 AS answer \\gset\nSELECT :answer;\n' | ask)" 42; }
gexec() { same "$(printf "SELECT format('SELECT %%s', n) FROM generate_series(1, 3) AS g(n) \\\\gexec\n" | ask)" "1
2
3"; }
crosstabview() { printf "SELECT p.name, o.id, amount FROM ps_orders o JOIN ps_people p ON p.id = person ORDER BY 2 \\\\crosstabview\n" | psql -X | grep -q 'Bob'; }
bind() { same "$(printf 'SELECT :v::int + 1;\n' | ask -v v=4)" 5; }
watching() { same "$(ask -c "SELECT 1 AS x" -c '\echo :ROW_COUNT :SERVER_VERSION_NUM' | head -1)" 1; }
copying() {
    ask -c "\\copy ps_people (id, name, born) TO '$here/p.csv' CSV HEADER" && same "$(head -2 "$here/p.csv" | tail -1)" "1,Ada,2000-01-01" &&
        ask -c 'DROP TABLE IF EXISTS ps_copy' -c 'CREATE TABLE ps_copy (id int, name text, born date)' -c "\\copy ps_copy FROM '$here/p.csv' CSV HEADER" &&
        same "$(ask -c 'SELECT count(*) FROM ps_copy')" 2
}
single_transaction() {
    ! ask -1 -c 'INSERT INTO ps_copy VALUES (9)' -c 'SELECT nothing' && same "$(ask -c 'SELECT count(*) FROM ps_copy WHERE id = 9')" 0
}
on_error_rollback() {
    same "$(printf 'BEGIN;\nINSERT INTO ps_copy VALUES (10);\nSELECT nothing;\nCOMMIT;\nSELECT count(*) FROM ps_copy WHERE id = 10;\n' |
        psql -X -q -At -v ON_ERROR_ROLLBACK=on 2>/dev/null)" 1
}
formats() { ask -c 'SELECT 1 AS a' >/dev/null && psql -X --html -c 'SELECT 1 AS a' | grep -q '<td' && same "$(psql -X --csv -c 'SELECT 1 AS a, 2 AS b')" "a,b
1,2"; }
verbose_errors() { psql -X -v VERBOSITY=verbose -c 'INSERT INTO ps_orders (person) VALUES (99)' 2>&1 | tee "$here/verbose"; grep -q '23503' "$here/verbose" && grep -q 'CONSTRAINT NAME:  ps_orders_person_fkey' "$here/verbose"; }
sizes() { psql -X -c '\dt+ ps_*' | grep -q 'bytes\|kB'; }
listing_of_databases() { psql -X -l -d "$PGDATABASE" | grep -q "$(ask -c 'SELECT current_database()')"; }

for name in d_table d_referenced d_plus d_view d_index d_unique_index d_sequence d_owned_sequence d_in_schema d_nothing dt dt_plus \
    dt_schema dv di ds dn du dx d_extension types functions functions_of_system aggregates operators operators_of_system casts \
    access_methods operator_classes operator_families operators_of_families functions_of_families databases databases_plus languages \
    tablespaces collations conversions privileges default_privileges settings role_settings comments others show_view gdesc gset gexec \
    crosstabview bind watching copying single_transaction on_error_rollback formats verbose_errors sizes listing_of_databases; do
    case_of $name $name
done

# The tab key: the text is typed into a terminal, and a tab.
typed() { python3 "$(dirname "${BASH_SOURCE[0]}")/tab.py" "$1" "$2"; }
case_of tab_table typed 'SELECT * FROM ps_peo' 'FROM ps_people'
case_of tab_column typed 'UPDATE ps_orders SET amo' 'SET amount'
case_of tab_schema typed 'TABLE ps_pla' 'ps_place'
case_of tab_setting typed 'SET work_' 'work_mem'
case_of tab_view typed 'DROP VIEW ps_to' 'VIEW ps_totals'
case_of tab_index typed 'DROP INDEX ps_by' 'INDEX ps_by_amount'
case_of tab_role typed 'SET ROLE pg_read_all_d' 'pg_read_all_data'
case_of tab_function typed 'SELECT * FROM ps_pe' 'ps_people'
case_of tab_describe typed '\d ps_ord' 'ps_orders'
case_of tab_type typed 'ALTER TABLE ps_orders ADD CONST' 'CONSTRAINT'
case_of tab_constraint typed 'ALTER TABLE ps_orders DROP CONSTRAINT ps_orders_am' 'ps_orders_amount_check'
case_of tab_extension typed 'DROP EXTENSION vec' 'EXTENSION vector'

ask -c 'DROP TABLE ps_orders, ps_people, ps_copy CASCADE' -c 'DROP SCHEMA ps_place CASCADE' -c 'DROP SEQUENCE ps_counter' >/dev/null 2>&1
exit 0
