#!/usr/bin/env bash
# postgres_fdw and dblink: another PostgreSQL, the system's own, reads and writes tables of the server as foreign ones.
. "$(dirname "$0")/../cases.sh"
programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
echo "version $("$programs/postgres" --version | sed 's/.* \([0-9][0-9.]*\) .*/\1/')"

# The other PostgreSQL, on a socket of its own; it refuses to run as root. What follows is asked of it by `here_ask`,
# of the server by `ask`.
own=()
[ "$(id -u)" != 0 ] || own=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
mkdir -p "$here/data" "$here/socket"
chmod 755 "$here"
[ "$(id -u)" != 0 ] || chown nobody "$here/data" "$here/socket"
"${own[@]}" "$programs/initdb" -U here -A trust -E UTF8 --no-locale -D "$here/data" >"$here/initdb" 2>&1 || cat "$here/initdb" >&2
env -i LC_ALL=C.UTF-8 setpriv --pdeathsig KILL "${own[@]}" "$programs/postgres" -D "$here/data" -k "$here/socket" -p 5432 \
    -c listen_addresses= -c fsync=off >"$here/log" 2>&1 </dev/null &
server=$!
trap 'kill -INT $server; wait $server; rm -rf "$here"' EXIT
here_ask() { PGHOST=$here/socket PGPORT=5432 PGUSER=here PGDATABASE=postgres ask "$@"; }
for _ in $(seq 100); do here_ask -c 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.2; done

# here_same EXPECTED SQL: what the other PostgreSQL answers
here_same() { same "$(here_ask -c "$2" | tr '\n' ' ')" "$1 "; }
# pushed WORDS SQL: the words are in the statement that the plan sends, where joining here is dear
pushed() {
    local plan
    plan=$(here_ask -c 'SET enable_hashjoin = off' -c 'SET enable_mergejoin = off' -c 'SET enable_nestloop = off' \
        -c "EXPLAIN (VERBOSE, COSTS OFF) $2" | grep 'Remote SQL')
    [[ $plan == *"$1"* ]] || { printf '%q is not in %q\n' "$1" "$plan"; return 1; }
}
fails() { # fails SQLSTATE SQL
    here_ask -v VERBOSITY=sqlstate -c "$2" >"$here/error" 2>&1 && { echo 'no error'; return 1; }
    grep -q "$1" "$here/error" || { cat "$here/error"; return 1; }
}

ask <<'S' >/dev/null 2>&1
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS fw;
DROP TABLE IF EXISTS fw.orders, fw.people, fw.kinds, fw.items, fw.bulk CASCADE;
CREATE TABLE fw.people (id int PRIMARY KEY, name varchar(20) NOT NULL, age int, born date);
CREATE TABLE fw.orders (id bigint PRIMARY KEY, person int REFERENCES fw.people (id), price numeric(10, 2) DEFAULT 0, at timestamptz);
CREATE TABLE fw.kinds (b bool, s int2, i int4, l int8, f float4, d float8, t text, c char(4), y bytea, k date, m time, ts timestamp,
    tz timestamptz, n numeric(12, 3), u uuid, j jsonb, iv interval, ia int[], ta text[], v varbit(8));
CREATE TABLE fw.items (id int PRIMARY KEY, e vector(3));
CREATE TABLE fw.bulk (id int PRIMARY KEY, t text);
INSERT INTO fw.people VALUES (1, 'ada', 36, '1815-12-10'), (2, 'bob', NULL, NULL), (3, 'cy', 20, '2004-02-29'), (4, 'dan', 50, '1974-01-01');
INSERT INTO fw.orders SELECT n, n % 3 + 1, n * 1.25, timestamptz '2024-01-01 00:00:00+00' + n * interval '1 day' FROM generate_series(1, 300) AS g(n);
INSERT INTO fw.items VALUES (1, '[1,0,0]'), (2, '[0,1,0]'), (3, '[0,0,1]');
S

extension() { here_ask -c 'CREATE EXTENSION postgres_fdw' -c 'CREATE EXTENSION dblink'; }
server_and_user() {
    here_ask -c "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$PGHOST', port '$PGPORT', dbname '$PGDATABASE', updatable 'true')" \
        -c "CREATE USER MAPPING FOR here SERVER far OPTIONS (user '$PGUSER', password '${PGPASSWORD//\'/\'\'}')"
}
import() {
    here_ask -c 'CREATE SCHEMA far' -c 'IMPORT FOREIGN SCHEMA fw EXCEPT (items) FROM SERVER far INTO far' &&
        here_same 'bulk kinds orders people' "SELECT relname FROM pg_class WHERE relkind = 'f' ORDER BY 1" &&
        here_same 'id|integer|t name|character varying(20)|t age|integer|f born|date|f' \
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 'far.people'::regclass AND attnum > 0 ORDER BY attnum"
}
import_limited() {
    here_ask -c 'CREATE SCHEMA part' -c "IMPORT FOREIGN SCHEMA fw LIMIT TO (people, orders) FROM SERVER far INTO part OPTIONS (import_default 'true', import_not_null 'false')" &&
        here_same 'orders people' "SELECT relname FROM pg_class WHERE relnamespace = 'part'::regnamespace ORDER BY 1" &&
        here_same '1' "SELECT count(*) FROM pg_attrdef WHERE adrelid = 'part.orders'::regclass"
}
select_all() { here_same '1|ada|36|1815-12-10 2|bob|| 3|cy|20|2004-02-29 4|dan|50|1974-01-01' 'SELECT * FROM far.people ORDER BY id'; }
where() {
    pushed 'WHERE ((age > 20))' 'SELECT name FROM far.people WHERE age > 20' &&
        here_same 'ada dan' 'SELECT name FROM far.people WHERE age > 20 ORDER BY id' &&
        here_same '2' "SELECT count(*) FROM far.people WHERE name IN ('ada', 'cy') AND born IS NOT NULL AND name LIKE '%a%' OR name ~~ 'c_'" &&
        here_same '3' "SELECT count(*) FROM far.people WHERE age = ANY (ARRAY[36, 20, 50]) AND NOT (id = 99)" &&
        here_same '30' "SELECT count(*) FROM far.orders WHERE at >= timestamptz '2024-02-01 00:00:00+00' AND at < timestamptz '2024-03-02 00:00:00+00'"
}
order_and_limit() {
    pushed 'ORDER BY' 'SELECT id FROM far.orders ORDER BY price DESC, id LIMIT 3 OFFSET 1' &&
        pushed 'LIMIT 3' 'SELECT id FROM far.orders ORDER BY id LIMIT 3' &&
        here_same '299 298 297' 'SELECT id FROM far.orders ORDER BY price DESC, id LIMIT 3 OFFSET 1' &&
        here_same 'ada|36 bob|' 'SELECT name, age FROM far.people ORDER BY age NULLS LAST, name LIMIT 2 OFFSET 1' ||
        here_same 'ada|36 dan|50' 'SELECT name, age FROM far.people ORDER BY age NULLS LAST, name LIMIT 2 OFFSET 1'
}
joins() {
    pushed 'INNER JOIN' 'SELECT count(*) FROM far.people p JOIN far.orders o ON o.person = p.id WHERE p.age > 20' &&
        here_same 'ada|300 bob|298 cy|299' 'SELECT p.name, o.id FROM far.people p JOIN far.orders o ON o.person = p.id WHERE o.price > 372 ORDER BY p.name' &&
        here_same 'dan' 'SELECT p.name FROM far.people p LEFT JOIN far.orders o ON o.person = p.id WHERE o.id IS NULL' &&
        here_same '4' 'SELECT count(*) FROM far.people p FULL JOIN (SELECT * FROM far.orders WHERE id < 4) o ON o.person = p.id' &&
        here_same 'dan' 'SELECT name FROM far.people p WHERE NOT EXISTS (SELECT 1 FROM far.orders o WHERE o.person = p.id)'
}
aggregates() {
    pushed 'GROUP BY' 'SELECT person, count(*), sum(price) FROM far.orders GROUP BY person' &&
        here_same '1|100|18937.50|189.3750000000000000 2|100|18687.50|186.8750000000000000 3|100|18812.50|188.1250000000000000' \
            'SELECT person, count(*), sum(price), avg(price) FROM far.orders GROUP BY person ORDER BY person' &&
        here_same '300|1.25|375.00' 'SELECT count(*), min(price), max(price) FROM far.orders' &&
        here_same '2' 'SELECT person FROM far.orders WHERE id < 10 GROUP BY person HAVING sum(id) < 13 ORDER BY 1' &&
        here_same '3' 'SELECT count(DISTINCT person) FROM far.orders'
}
whole_rows() {
    here_same '(1,ada,36,1815-12-10)' 'SELECT p FROM far.people p WHERE id = 1' &&
        here_same '(3,cy,20,2004-02-29)|300' 'SELECT p, o.id FROM far.people p JOIN far.orders o ON o.person = p.id - 2 AND o.id = 300' &&
        here_same 'fw.people' "SELECT 'fw.' || relname FROM pg_class WHERE oid = (SELECT tableoid FROM far.people LIMIT 1)"
}
with_local_tables() {
    here_ask -c 'CREATE TABLE local (id int, note text)' -c "INSERT INTO local VALUES (1, 'x'), (3, 'y')" &&
        here_same 'x|ada y|cy' 'SELECT l.note, p.name FROM local l JOIN far.people p USING (id) ORDER BY 1' &&
        here_same 'ada cy' 'SELECT name FROM far.people WHERE id IN (SELECT id FROM local) ORDER BY 1'
}
cursors() { # more than one FETCH 100, and a scan that starts again
    here_same '300|45150' 'SELECT count(*), sum(id) FROM (SELECT id FROM far.orders OFFSET 0) s' &&
        here_ask -c "ALTER SERVER far OPTIONS (fetch_size '7')" && here_same '300' 'SELECT count(*) FROM (SELECT id FROM far.orders OFFSET 0) s' &&
        here_same '300' 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
            SELECT count(*) FROM (SELECT * FROM far.orders OFFSET 0) o JOIN (SELECT * FROM far.people OFFSET 0) p ON p.id = o.person' &&
        here_ask -c "ALTER SERVER far OPTIONS (DROP fetch_size)" &&
        here_same '1 2 3' 'BEGIN; DECLARE c CURSOR FOR SELECT id FROM far.orders ORDER BY id; FETCH 3 FROM c; CLOSE c; COMMIT'
}
parameters() {
    here_ask -c 'PREPARE p (int) AS SELECT name FROM far.people WHERE id = $1' -c 'EXECUTE p(1)' -c 'EXECUTE p(3)' >"$here/got" && same "$(tr '\n' ' ' <"$here/got")" 'ada cy ' &&
        here_same 'ada|100 bob|100 cy|100 dan|0' 'SELECT name, (SELECT count(*) FROM far.orders o WHERE o.person = p.id) FROM far.people p ORDER BY id'
}
all_types() {
    here_ask -c "INSERT INTO far.kinds VALUES (true, -32768, 2147483647, -9223372036854775808, 1.5, 0.1, E'é\\t\"\\\\', 'ab', '\\x00ff', '2024-02-29', '23:59:59.123456',
        '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+02', -0.125, '0191d3a0-0000-7000-8000-000000000001', '{\"a\": [1, null]}',
        '1 year 2 mons -3 days 04:05:06', '{1,NULL,3}', '{a,\"b,c\",NULL}', B'101')" -c 'INSERT INTO far.kinds (b) VALUES (NULL)' &&
        here_same "t|-32768|2147483647|-9223372036854775808|1.5|0.1|ab  |\\x00ff|2024-02-29|23:59:59.123456|2024-02-29 12:34:56.789|-0.125|{\"a\": [1, null]}|1 year 2 mons -3 days +04:05:06|{1,NULL,3}|{a,\"b,c\",NULL}|101" \
            'SELECT b, s, i, l, f, d, c, y, k, m, ts, n, j, iv, ia, ta, v FROM far.kinds WHERE b' &&
        here_same '2024-02-29 10:34:56.789+00|t' "SET TimeZone = 'UTC'; SELECT tz, t = E'é\\t\"\\\\' FROM far.kinds WHERE d = 0.1::float8 AND u = '0191d3a0-0000-7000-8000-000000000001'" &&
        here_same '1' 'SELECT count(*) FROM far.kinds WHERE b IS NULL'
}
insert() {
    here_ask -c "INSERT INTO far.people VALUES (5, 'eve', 1, '2020-01-01'), (6, 'fay', NULL, NULL)" && here_same 'eve fay' 'SELECT name FROM far.people WHERE id > 4 ORDER BY id' &&
        here_same '7|gus' "INSERT INTO far.people (id, name) VALUES (7, 'gus') RETURNING id, name"
}
insert_many() {
    here_ask -c "INSERT INTO far.bulk SELECT n, 't' || n FROM generate_series(1, 500) AS g(n)" && here_same '500' 'SELECT count(*) FROM far.bulk' &&
        here_ask -c "ALTER SERVER far OPTIONS (batch_size '100')" -c "INSERT INTO far.bulk SELECT n, 't' || n FROM generate_series(501, 1000) AS g(n)" \
            -c 'ALTER SERVER far OPTIONS (DROP batch_size)' && here_same '1000' 'SELECT count(*) FROM far.bulk'
}
copy_in() { here_ask -c "\\copy far.bulk FROM PROGRAM 'seq -f %g,c 2001 2100' CSV" && here_same '100' "SELECT count(*) FROM far.bulk WHERE t = 'c'"; }
update() { # as one statement of the server's
    pushed 'UPDATE fw.people' 'UPDATE far.people SET age = age + 1 WHERE id = 1' &&
        here_ask -c 'UPDATE far.people SET age = age + 1 WHERE age IS NOT NULL AND id < 4' && here_same '37 21' 'SELECT age FROM far.people WHERE id IN (1, 3) ORDER BY id' &&
        here_same '4|51' 'UPDATE far.people SET age = 51 WHERE id = 4 RETURNING id, age'
}
update_rows() { # row by row, by ctid
    pushed 'WHERE ctid = ' 'UPDATE far.people SET name = name WHERE random() < 2 AND id = 1' &&
        here_ask -c "UPDATE far.people SET name = upper(name) || (random() < 2)::int WHERE id IN (1, 2)" && here_same 'ADA1 BOB1' 'SELECT name FROM far.people WHERE id < 3 ORDER BY id' &&
        here_ask -c "UPDATE far.people p SET name = l.note FROM local l WHERE l.id = p.id" && here_same 'x y' 'SELECT name FROM far.people WHERE id IN (1, 3) ORDER BY id'
}
update_by_join() {
    here_ask -c 'UPDATE far.orders o SET price = 0 FROM far.people p WHERE p.id = o.person AND p.name = $$x$$' && here_same '100' 'SELECT count(*) FROM far.orders WHERE price = 0'
}
delete() {
    pushed 'DELETE FROM fw.people' 'DELETE FROM far.people WHERE id = 7' && here_same '7|gus' 'DELETE FROM far.people WHERE id = 7 RETURNING id, name' &&
        here_ask -c 'DELETE FROM far.bulk WHERE id > 1000' && here_same '1000' 'SELECT count(*) FROM far.bulk'
}
delete_rows() {
    here_ask -c 'DELETE FROM far.bulk WHERE random() < 2 AND id <= 10' && here_same '990' 'SELECT count(*) FROM far.bulk' &&
        here_ask -c 'CREATE TABLE gone AS SELECT generate_series(11, 20) AS id' -c 'DELETE FROM far.bulk USING gone WHERE gone.id = bulk.id' && here_same '980' 'SELECT count(*) FROM far.bulk'
}
truncate() { here_ask -c 'TRUNCATE far.bulk' && here_same '0' 'SELECT count(*) FROM far.bulk'; }
on_conflict() {
    here_ask -c "INSERT INTO far.people VALUES (1, 'no') ON CONFLICT DO NOTHING" && here_same 'x' 'SELECT name FROM far.people WHERE id = 1' &&
        fails 23505 "INSERT INTO far.people VALUES (1, 'no')"
}
transactions() {
    here_ask -c 'BEGIN' -c "INSERT INTO far.people VALUES (20, 'in')" -c 'COMMIT' && here_ask -c 'BEGIN' -c "INSERT INTO far.people VALUES (21, 'out')" -c 'ROLLBACK' &&
        here_same '20' 'SELECT id FROM far.people WHERE id >= 20'
}
savepoints() {
    here_ask -c 'BEGIN' -c "INSERT INTO far.people VALUES (30, 'a')" -c 'SAVEPOINT s' -c "INSERT INTO far.people VALUES (31, 'b')" -c 'ROLLBACK TO s' \
        -c "INSERT INTO far.people VALUES (32, 'c')" -c 'RELEASE s' -c 'COMMIT' && here_same '30 32' 'SELECT id FROM far.people WHERE id >= 30 ORDER BY id'
}
own_writes() {
    here_ask -c 'BEGIN' -c "INSERT INTO far.people VALUES (40, 'me')" -c 'SELECT name FROM far.people WHERE id = 40' -c 'ROLLBACK' >"$here/got" && same "$(cat "$here/got")" me
}
one_snapshot() { # a transaction there reads one snapshot, whatever is committed meanwhile
    { echo 'BEGIN; SELECT count(*) FROM far.items_ids;'; sleep 1; ask -c 'INSERT INTO fw.items (id) VALUES (50)'; echo 'SELECT count(*) FROM far.items_ids; COMMIT; SELECT count(*) FROM far.items_ids;'; } |
        here_ask >"$here/got"
    same "$(tr '\n' ' ' <"$here/got")" '3 3 4 '
}
columns_chosen() { here_ask -c "CREATE FOREIGN TABLE far.items_ids (number int OPTIONS (column_name 'id')) SERVER far OPTIONS (schema_name 'fw', table_name 'items')" && here_same '1 2 3' 'SELECT number FROM far.items_ids ORDER BY 1'; }
vectors_as_text() { # pgvector is not here: vectors come as text, and a view there searches
    ask -c "CREATE OR REPLACE VIEW fw.near AS SELECT id, e::text AS e, e <-> '[0,0.9,0.1]' AS distance FROM fw.items WHERE e IS NOT NULL ORDER BY e <-> '[0,0.9,0.1]' LIMIT 2" &&
        here_ask -c "IMPORT FOREIGN SCHEMA fw LIMIT TO (near) FROM SERVER far INTO far" && here_same '2|[0,1,0] 3|[0,0,1]' 'SELECT id, e FROM far.near ORDER BY distance' &&
        here_ask -c "CREATE FOREIGN TABLE far.items_text (id int, e text) SERVER far OPTIONS (schema_name 'fw', table_name 'items')" && here_same '[1,0,0]' 'SELECT e FROM far.items_text WHERE id = 1'
}
analyze() { here_ask -c 'ANALYZE far.orders' && here_same '300' "SELECT reltuples FROM pg_class WHERE oid = 'far.orders'::regclass"; }
remote_estimate() {
    here_ask -c "ALTER SERVER far OPTIONS (use_remote_estimate 'true')" && here_ask -c 'EXPLAIN SELECT * FROM far.orders o JOIN far.people p ON p.id = o.person WHERE o.price > 5 ORDER BY o.id' | grep -q 'Foreign Scan' &&
        here_same '300' 'SELECT count(*) FROM far.orders o JOIN far.people p ON p.id = o.person' && here_ask -c "ALTER SERVER far OPTIONS (DROP use_remote_estimate)"
}
asynchronous() {
    here_ask -c "ALTER SERVER far OPTIONS (async_capable 'true')" && here_same '2' "SELECT count(*) FROM (SELECT id FROM far.people WHERE id = 1 UNION ALL SELECT id FROM far.people WHERE id = 3) s"
}
errors() {
    here_ask -c "CREATE FOREIGN TABLE far.nothing (id int) SERVER far OPTIONS (schema_name 'fw', table_name 'nothing')" && fails 42P01 'SELECT * FROM far.nothing' &&
        fails 23503 'INSERT INTO far.orders VALUES (1000, 999)' && fails 22P02 'SELECT id FROM (SELECT id, e::int AS x FROM far.items_text OFFSET 0) s WHERE x > 0' && here_same '1' 'SELECT count(*) FROM far.people WHERE id = 1'
}
sampled() { here_same '4' 'SELECT count(*) FROM far.people WHERE id < 5'; }
connections() {
    here_ask -c 'SELECT 1 FROM far.people LIMIT 1' -c 'SELECT server_name, valid FROM postgres_fdw_get_connections()' -c "SELECT postgres_fdw_disconnect('far')" >"$here/got" && same "$(tr '\n' ' ' <"$here/got")" '1 far|t t '
}
link() { echo "host=$PGHOST port=$PGPORT dbname=$PGDATABASE user=$PGUSER password='$(printf %s "$PGPASSWORD" | sed "s/['\\\\]/\\\\&/g")'"; }
dblink_query() { here_ask -v link="$(link)" -At <<<"SELECT * FROM dblink(:'link', 'SELECT id, name FROM fw.people WHERE id IN (1, 3) ORDER BY id') AS t (id int, name text)" >"$here/got" && same "$(tr '\n' ' ' <"$here/got")" '1|x 3|y '; }
dblink_execute() {
    here_ask -v link="$(link)" -At <<'S' >"$here/got" && same "$(tr '\n' ' ' <"$here/got")" 'OK BEGIN INSERT 0 1 1|linked COMMIT OK '
SELECT dblink_connect('l', :'link');
SELECT dblink_exec('l', 'BEGIN');
SELECT dblink_exec('l', 'INSERT INTO fw.bulk VALUES (1, ''linked'')');
SELECT * FROM dblink('l', 'SELECT id, t FROM fw.bulk') AS t (id int, t text);
SELECT dblink_exec('l', 'COMMIT');
SELECT dblink_disconnect('l');
S
}
dblink_cursor() {
    here_ask -v link="$(link)" -At <<'S' >"$here/got" && same "$(tr '\n' ' ' <"$here/got")" 'OK OK 1 2 OK 3 4 OK OK '
SELECT dblink_connect('l', :'link');
SELECT dblink_open('l', 'c', 'SELECT id FROM fw.orders ORDER BY id');
SELECT * FROM dblink_fetch('l', 'c', 2) AS t (id int);
SELECT 'OK';
SELECT * FROM dblink_fetch('l', 'c', 2) AS t (id int);
SELECT dblink_close('l', 'c');
SELECT dblink_disconnect('l');
S
}

for name in extension server_and_user import import_limited select_all where order_and_limit joins aggregates whole_rows with_local_tables \
    cursors parameters all_types insert insert_many copy_in update update_rows update_by_join delete delete_rows truncate on_conflict transactions \
    savepoints own_writes columns_chosen one_snapshot vectors_as_text analyze remote_estimate asynchronous errors connections dblink_query \
    dblink_execute dblink_cursor; do
    case_of $name $name
done
