#!/usr/bin/env bash
# pgbench: initialisation in all its steps, the built-in scripts in every protocol, scripts of one's own.
. "$(dirname "$0")/../cases.sh"
echo "version $(pgbench --version | sed 's/.* \([0-9][0-9.]*\).*/\1/')"

bench() { # bench ARGUMENT ...: 4 clients; fails unless every transaction is done
    pgbench -n -c 4 -j 2 -t 20 --max-tries=100 "$@" >"$here/bench" 2>&1 || { cat "$here/bench"; return 1; }
    grep -q 'number of failed transactions: 0 ' "$here/bench" || { cat "$here/bench"; return 1; }
}
script() { # script NAME: the script's file, from standard input
    cat >"$here/$1.sql"
}
count() { ask -c "SELECT count(*) FROM $1"; }

initialise() { pgbench -i -q && same "$(count pgbench_accounts)" 100000; }
primary_keys() {
    same "$(ask -c "SELECT conname FROM pg_constraint WHERE contype = 'p' AND conname LIKE 'pgbench%' ORDER BY 1" | tr '\n' ' ')" \
        "pgbench_accounts_pkey pgbench_branches_pkey pgbench_tellers_pkey "
}
scale_two() { pgbench -i -q -s 2 && same "$(count pgbench_accounts) $(count pgbench_branches)" "200000 2"; }
by_the_server() { pgbench -i -q -I dtGvp && same "$(count pgbench_accounts)" 100000; }
foreign_keys() {
    pgbench -i -q --foreign-keys &&
        same "$(ask -c "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE 'pgbench%'")" 5
}
fill_factor() { pgbench -i -q -F 90 -I dtgvp; }
unlogged() { pgbench -i -q --unlogged-tables -I dtgvp; }
partitioned() { pgbench -i -q --partitions=2 -I dtgvp; }
drop_only() { pgbench -i -q -I d && same "$(ask -c "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'pgbench%'")" 0; }

case_of initialise initialise
case_of primary_keys primary_keys
for protocol in simple extended prepared; do
    case_of "tpcb_$protocol" bench -M $protocol -b tpcb-like
    case_of "update_$protocol" bench -M $protocol -b simple-update
    case_of "select_$protocol" bench -M $protocol -b select-only
done
sums_agree() { # what TPC-B keeps: every sum of changes is the same
    same "$(ask -c "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history),
        (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches)")" "t|t"
}
case_of sums_agree sums_agree
case_of by_connection bench -C -b select-only
case_of mixed bench -b select-only@9 -b simple-update@1
case_of vacuum_before pgbench -c 1 -t 5 -b select-only
case_of progress bench --progress=1 -b select-only
case_of report_latencies bench -r -b select-only

script variables <<'S'
\set id random(1, 100000)
\set twice :id * 2
SELECT aid, :twice::int8 AS doubled FROM pgbench_accounts WHERE aid = :id \gset
\if :doubled <> :aid * 2
SELECT 1 / 0;
\endif
S
case_of variables bench -f "$here/variables.sql"
case_of variables_prepared bench -M prepared -f "$here/variables.sql"

script pipeline <<'S'
\set id random(1, 100000)
\startpipeline
BEGIN;
SELECT abalance FROM pgbench_accounts WHERE aid = :id;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, :id, 0, CURRENT_TIMESTAMP);
COMMIT;
\endpipeline
S
case_of pipeline bench -M extended -f "$here/pipeline.sql"
case_of pipeline_prepared bench -M prepared -f "$here/pipeline.sql"

ask -c "CREATE EXTENSION IF NOT EXISTS vector" -c "DROP TABLE IF EXISTS b_vectors" -c "CREATE TABLE b_vectors (id int PRIMARY KEY, e vector(3))" \
    -c "INSERT INTO b_vectors SELECT n, format('[%s,%s,%s]', n % 7, n % 11, n % 13)::vector FROM generate_series(1, 1000) AS g(n)" >/dev/null 2>&1
script vectors <<'S'
\set id random(1, 1000)
SELECT id FROM b_vectors ORDER BY e <-> (SELECT e FROM b_vectors WHERE id = :id) LIMIT 5;
S
case_of vectors bench -M prepared -f "$here/vectors.sql"

script upserts <<'S'
\set id random(1, 20)
INSERT INTO b_vectors (id, e) VALUES (:id, '[1,2,3]') ON CONFLICT (id) DO UPDATE SET e = EXCLUDED.e;
S
case_of upserts bench -M prepared -f "$here/upserts.sql"

case_of fill_factor fill_factor
case_of by_the_server by_the_server
case_of foreign_keys foreign_keys
case_of unlogged unlogged
case_of partitioned partitioned
case_of scale_two scale_two
case_of drop_only drop_only
