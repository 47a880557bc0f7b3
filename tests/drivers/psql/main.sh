#!/usr/bin/env bash
# The behaviours of README.md by psql. One line for each: `ok NAME` or `not ok NAME: why`.
# Every expected text is what psql prints on PostgreSQL.
set -u
export PGCONNECT_TIMEOUT=30
slow="SELECT count(*) FROM generate_series(1, 100000) AS a(x), generate_series(1, 1000000) AS b(y) WHERE (x + y) % 7 = 1"
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

export PGOPTIONS='-c client_min_messages=warning'
ask() { psql -X -q -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -At "$@" 2>&1; }

# same NAME GOT EXPECTED
same() {
    if [ "$2" = "$3" ]; then echo "ok $1"; else
        echo "not ok $1: got $(printf '%q' "$2"), expected $(printf '%q' "$3")"
    fi
}

same connect_options "$(PGOPTIONS='-c statement_timeout=1234 -c TimeZone=Asia/Tokyo' PGAPPNAME=drivers \
    ask -c 'SHOW statement_timeout' -c 'SHOW TimeZone' -c 'SHOW application_name')" "1234ms
Asia/Tokyo
drivers"

same types_text "$(ask -c "DROP TABLE IF EXISTS d_psql_types" -c "CREATE TABLE d_psql_types (b bool, i2 int2,
    i4 int4, i8 int8, f4 float4, f8 float8, n numeric(12,4), t text, v varchar(10), c char(5), y bytea, d date,
    ti time, ts timestamp, tz timestamptz, iv interval, u uuid, j json, jb jsonb)" \
    -c "INSERT INTO d_psql_types VALUES (true, -32768, 2147483647, -9223372036854775808, 1.5, 1e-10, -12345.67,
    'it''s', 'ten chars!', 'ab', '\\x0001ff', '2024-02-29', '23:59:59.999999', '1999-12-31 23:59:59.5',
    '2024-06-01 12:00+00', '1 mon 3 days 04:00:00.5', '12345678-1234-5678-1234-567812345678', '{\"a\" : 1}', '{\"b\" : [1,2]}')" \
    -c "SET TimeZone = 'UTC'" -c "SELECT * FROM d_psql_types")" \
    "t|-32768|2147483647|-9223372036854775808|1.5|1e-10|-12345.6700|it's|ten chars!|ab   |\\x0001ff|2024-02-29|23:59:59.999999|1999-12-31 23:59:59.5|2024-06-01 12:00:00+00|1 mon 3 days 04:00:00.5|12345678-1234-5678-1234-567812345678|{\"a\" : 1}|{\"b\": [1, 2]}"

same nulls "$(ask -P null=NULL -c "SELECT NULL, '', NULL::int4, NULL::vector, NULL::text[]")" "NULL||NULL|NULL|NULL"

same arrays "$(ask -c "SELECT '{1,NULL,3}'::int4[], ARRAY['a', 'quo\"te', 'com,ma', NULL, ''], '{}'::int8[]")" \
    '{1,NULL,3}|{a,"quo\"te","com,ma",NULL,""}|{}'

same prepared "$(ask -c "PREPARE plus AS SELECT \$1::int4 + 1" -c "EXECUTE plus(1)" -c "EXECUTE plus(41)")" "2
42"

same fetch_size "$(ask -v FETCH_COUNT=100 -c "SELECT x FROM generate_series(1, 1000) AS g(x)" | tail -1)" 1000

same several_statements "$(ask -c "SELECT 1; SELECT 'a;b'; SELECT 3")" "1
a;b
3"

same error_sqlstate "$(ask -v ON_ERROR_STOP=0 <<'SQL'
SELECT * FROM nothing_here;
SELEC 1;
SELECT 'x'::int4;
SELECT 2147483647 + 1;
SELECT 1 / 0;
SELECT nothing_here FROM (VALUES (1)) AS t(a);
SELECT 'fine';
SQL
)" "ERROR:  42P01
ERROR:  42601
ERROR:  22P02
ERROR:  22003
ERROR:  22012
ERROR:  42703
fine"

same error_position "$(psql -X -At -c 'SELECT 1 +' 2>&1 | head -3)" "ERROR:  syntax error at end of input
LINE 1: SELECT 1 +
                  ^"

same error_recovery "$(ask -v ON_ERROR_STOP=0 <<'SQL'
BEGIN;
SELECT * FROM nothing_here;
SELECT 1;
ROLLBACK;
SELECT 'again';
SQL
)" "ERROR:  42P01
ERROR:  25P02
again"

same transaction_status "$(ask -v ON_ERROR_STOP=0 <<'SQL'
BEGIN;
SELECT 'in block';
SELECT 1 / 0;
COMMIT;
SELECT 'idle';
SQL
)" "in block
ERROR:  22012
idle"

ask -c "DROP TABLE IF EXISTS d_psql_copy" -c "CREATE TABLE d_psql_copy (id int8, t text, f float8)" >/dev/null
printf '1\ttab\\tnew\\nline\t0.5\n2\t\\N\t-1\n' >"$here/in.txt"
ask -c "\\copy d_psql_copy FROM '$here/in.txt'" -c "\\copy (SELECT * FROM d_psql_copy ORDER BY id) TO '$here/out.txt'" >"$here/said"
same copy_text "$(cat "$here/said" "$here/out.txt")" "$(cat "$here/in.txt")"

printf 'id,t,f\n3,"com,ma ""quoted""",0.5\n4,,-1\n' >"$here/in.csv"
ask -c "DELETE FROM d_psql_copy" -c "\\copy d_psql_copy FROM '$here/in.csv' CSV HEADER" \
    -c "\\copy (SELECT * FROM d_psql_copy ORDER BY id) TO '$here/out.csv' CSV HEADER" >"$here/said"
same copy_csv "$(cat "$here/said" "$here/out.csv")" "$(cat "$here/in.csv")"

ask -c "\\copy (SELECT * FROM d_psql_copy ORDER BY id) TO '$here/one.bin' (FORMAT binary)" -c "DELETE FROM d_psql_copy" \
    -c "\\copy d_psql_copy FROM '$here/one.bin' (FORMAT binary)" \
    -c "\\copy (SELECT * FROM d_psql_copy ORDER BY id) TO '$here/two.bin' (FORMAT binary)" >"$here/said"
same copy_binary "$(cat "$here/said"; cmp "$here/one.bin" "$here/two.bin" 2>&1 && wc -c <"$here/one.bin")" 96

same copy_errors "$(printf '5\tfine\t1\n6\n' | psql -X -q -c 'COPY d_psql_copy FROM STDIN' 2>&1; ask -c 'SELECT count(*) FROM d_psql_copy')" \
'ERROR:  missing data for column "t"
CONTEXT:  COPY d_psql_copy, line 2: "6"
2'

same copy_where "$(printf '7\ta\t1\n8\tb\t2\n9\tc\t\\N\n' | psql -X -c 'COPY d_psql_copy FROM STDIN WHERE id > 7 AND f > 1' 2>&1; ask -c 'SELECT id FROM d_psql_copy WHERE id > 6')" 'COPY 1
8'

# an interrupted psql sends a CancelRequest
psql -X -q -c "$slow" >"$here/cancelled" 2>&1 &
sleep 0.7
kill -INT $!
wait $!
same cancel "$(tail -1 "$here/cancelled")" "ERROR:  canceling statement due to user request"

same vectors "$(ask -c "CREATE EXTENSION IF NOT EXISTS vector" -c "DROP TABLE IF EXISTS d_psql_vectors" \
    -c "CREATE TABLE d_psql_vectors (id int8 PRIMARY KEY, e vector(3))" \
    -c "INSERT INTO d_psql_vectors VALUES (1, '[1,2,3]'), (2, '[4,5,6]'), (3, NULL)" \
    -c "SELECT id, e, e <-> '[1,2,4]' FROM d_psql_vectors ORDER BY e <-> '[1,2,4]' LIMIT 2")" \
    "1|[1,2,3]|1
2|[4,5,6]|4.69041575982343"

same notices "$(PGOPTIONS= psql -X -q -c "DROP TABLE IF EXISTS nothing_here" 2>&1)" 'NOTICE:  table "nothing_here" does not exist, skipping'

same large_results "$(ask -c "SELECT x, repeat('x', 100) FROM generate_series(1, 200000) AS g(x)" | wc -l)" 200000

same unicode "$(ask -c "SELECT 'žluťoučký kůň', '日本語', '🪁🐦'")" "žluťoučký kůň|日本語|🪁🐦"

same describe "$(ask -c "DROP TABLE IF EXISTS d_psql_described" \
    -c "CREATE TABLE d_psql_described (id int8 PRIMARY KEY, t text NOT NULL DEFAULT 'x', e vector(3))" >/dev/null
    psql -X -c '\d d_psql_described' 2>&1)" \
'            Table "public.d_psql_described"
 Column |   Type    | Collation | Nullable |  Default  
--------+-----------+-----------+----------+-----------
 id     | bigint    |           | not null | 
 t      | text      |           | not null | '"'x'::text"'
 e      | vector(3) |           |          | 
Indexes:
    "d_psql_described_pkey" PRIMARY KEY, btree (id)'

same list_tables "$(ask -c '\dt d_psql_desc*')" "public|d_psql_described|table|$(ask -c 'SELECT current_user')"

# every command that lists or describes answers, and about a table all that there is to say
ask -c "DROP VIEW IF EXISTS d_psql_view" -c "CREATE VIEW d_psql_view AS SELECT id, t FROM d_psql_described" \
    -c "CREATE INDEX d_psql_index ON d_psql_described (t)" -c "COMMENT ON TABLE d_psql_described IS 'here'" >/dev/null
commands='\d|\d d_psql_described|\d+ d_psql_described|\d d_psql_view|\d+ d_psql_view|\d d_psql_index|\d d_psql_described_pkey'
commands="$commands|\\dt|\\dt+|\\dv|\\dv+|\\ds|\\ds+|\\di|\\di+|\\dn|\\dn+|\\du|\\du+|\\dg|\\l|\\l+|\\df|\\df lower|\\dx|\\dT|\\dT+ vector"
commands="$commands|\\dp|\\z d_psql_described|\\ddp|\\dconfig|\\dconfig work_mem|\\conninfo|\\dy|\\dc|\\dC|\\dD|\\do|\\db|\\sv d_psql_view"
said=""
while IFS= read -r -d '|' command; do
    said="$said$(psql -X -q -c "$command" 2>&1 >/dev/null | grep -v '^Did not find' | sed "s/^/${command//\\/\\\\}: /")"
done <<<"$commands|"
same backslash_commands "$said" ""
ask -c "DROP VIEW d_psql_view" >/dev/null

# what psql asks at a tab after FROM d_psql_d and after a table's name
same completion "$(ask -c "SELECT c.relname, NULL::pg_catalog.text FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p') AND (c.relname) LIKE 'd\\_psql\\_described%' AND pg_catalog.pg_table_is_visible(c.oid) AND c.relnamespace <> (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'pg_catalog') UNION ALL SELECT NULL::pg_catalog.text, n.nspname FROM pg_catalog.pg_namespace n WHERE n.nspname LIKE 'd\\_psql\\_described%' AND n.nspname NOT LIKE E'pg\\\\_%' LIMIT 1000" \
    -c "SELECT a.attname, NULL::pg_catalog.text FROM pg_catalog.pg_attribute a, pg_catalog.pg_class c WHERE (a.attname) LIKE 'i%' AND a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND (c.relname) = 'd_psql_described' AND pg_catalog.pg_table_is_visible(c.oid) LIMIT 1000" \
    -c "SELECT 'd_psql_described'::regclass, 'int4'::regtype")" "d_psql_described|
id|
d_psql_described|integer"
