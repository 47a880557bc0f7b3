-- Indexes: made, named, kept unique, listed, dropped.

-- setup
CREATE TABLE t (id int PRIMARY KEY, a int, b text, c date, n numeric(8,2), j jsonb, arr int[], ts timestamptz, active boolean);
INSERT INTO t SELECT g, g % 10, 'b' || g, date '2024-01-01' + g, g * 1.5, jsonb_build_object('k', g), ARRAY[g, g + 1], '2024-01-01 00:00+00', g % 2 = 0 FROM generate_series(1, 100) g;
CREATE TABLE u (x int, y int, z text);
INSERT INTO u VALUES (1, 1, 'a'), (1, 2, 'b'), (2, 1, 'A'), (NULL, 1, NULL), (NULL, 1, NULL);

-- try
CREATE INDEX ON t (a);
CREATE INDEX t_b ON t (b);
CREATE INDEX t_b ON t (b);
CREATE INDEX IF NOT EXISTS t_b ON t (b);
CREATE INDEX ON t (a, b);
CREATE INDEX ON t (lower(b));
CREATE INDEX ON t ((a + id));
CREATE INDEX t_desc ON t (a DESC NULLS LAST, b ASC NULLS FIRST);
CREATE INDEX t_hash ON t USING hash (b);
CREATE INDEX t_gin ON t USING gin (j);
CREATE INDEX t_gin_path ON t USING gin (j jsonb_path_ops);
CREATE INDEX t_gin_array ON t USING gin (arr);
CREATE INDEX t_brin ON t USING brin (c);
CREATE INDEX t_gist ON t USING gist (b);
CREATE INDEX t_pattern ON t (b text_pattern_ops);
CREATE INDEX t_collate ON t (b COLLATE "C");
CREATE INDEX t_partial ON t (a) WHERE active;
CREATE INDEX t_partial2 ON t (b) WHERE a > 5 AND b IS NOT NULL;
CREATE INDEX t_include ON t (a) INCLUDE (b, c);
CREATE INDEX t_fill ON t (a) WITH (fillfactor = 70);
CREATE INDEX t_space ON t (a) TABLESPACE pg_default;
CREATE INDEX CONCURRENTLY t_conc ON t (c);
CREATE UNIQUE INDEX t_unique ON t (b);
INSERT INTO t (id, b) VALUES (1000, 'b5');
INSERT INTO t (id, b) VALUES (1000, 'b1000');
CREATE UNIQUE INDEX u_xy ON u (x, y);
INSERT INTO u VALUES (1, 1, 'dup');
INSERT INTO u VALUES (NULL, 1, 'fine');
CREATE UNIQUE INDEX u_y ON u (y);
-- differs: unsupported
CREATE UNIQUE INDEX u_lower ON u (lower(z));
DELETE FROM u WHERE z = 'A';
-- differs: unique-expressions
CREATE UNIQUE INDEX u_lower ON u (lower(z));
-- differs: accepted
INSERT INTO u VALUES (50, 50, 'B');
-- differs: refused
INSERT INTO u VALUES (50, 50, 'Q');
-- differs: partial-unique
CREATE UNIQUE INDEX u_partial ON u (y) WHERE x > 10;
-- differs: accepted
INSERT INTO u VALUES (60, 50, 'r1');
INSERT INTO u VALUES (5, 50, 'r2');
INSERT INTO u VALUES (61, 51, 'r3');
CREATE TABLE flags (id int, main boolean);
-- differs: partial-unique
CREATE UNIQUE INDEX one_main ON flags (main) WHERE main;
INSERT INTO flags VALUES (1, true), (2, false), (3, false);
-- differs: accepted
INSERT INTO flags VALUES (4, true);
-- differs: accepted
UPDATE flags SET main = true WHERE id = 2;
-- differs: refused
INSERT INTO flags VALUES (5, true) ON CONFLICT (main) WHERE main DO NOTHING;
-- differs: refused
INSERT INTO flags VALUES (6, true) ON CONFLICT (main) WHERE main DO UPDATE SET id = 600 RETURNING id;
-- differs: follows
SELECT * FROM flags ORDER BY id;
CREATE UNIQUE INDEX u_nulls ON u (x) NULLS NOT DISTINCT;
INSERT INTO u VALUES (1, 1, 'up') ON CONFLICT (x, y) DO UPDATE SET z = 'upserted' RETURNING z;
-- differs: unsupported
INSERT INTO u VALUES (70, 70, 'b') ON CONFLICT (lower(z)) DO NOTHING RETURNING z;
SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY indexname;
SELECT indexdef FROM pg_indexes WHERE indexname = 't_a_idx';
SELECT indexdef FROM pg_indexes WHERE indexname = 't_lower_idx';
-- differs: deparse
SELECT indexdef FROM pg_indexes WHERE indexname = 't_expr_idx';
SELECT indexdef FROM pg_indexes WHERE indexname = 't_desc';
SELECT indexdef FROM pg_indexes WHERE indexname = 't_hash';
SELECT indexdef FROM pg_indexes WHERE indexname = 't_gin_path';
-- differs: deparse
SELECT indexdef FROM pg_indexes WHERE indexname = 't_partial2';
SELECT indexdef FROM pg_indexes WHERE indexname = 't_include';
SELECT indexdef FROM pg_indexes WHERE indexname = 't_pattern';
SELECT indexdef FROM pg_indexes WHERE indexname = 't_fill';
SELECT indexdef FROM pg_indexes WHERE indexname = 't_pkey';
SELECT indexdef FROM pg_indexes WHERE indexname = 'u_xy';
-- differs: deparse
SELECT indexdef FROM pg_indexes WHERE indexname = 'u_partial';
SELECT pg_get_indexdef('t_include'::regclass);
SELECT pg_get_indexdef('t_a_b_idx'::regclass, 2, true);
SELECT i.relname, x.indisunique, x.indisprimary, x.indkey, x.indnatts FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = 't'::regclass AND i.relname IN ('t_pkey', 't_unique', 't_a_b_idx', 't_include') ORDER BY 1;
SELECT a.amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.relname = 't_gin';
SELECT relkind, relnatts FROM pg_class WHERE relname = 't_b';
SELECT attname FROM pg_attribute WHERE attrelid = 't_a_b_idx'::regclass ORDER BY attnum;
SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indexrelid = 't_partial'::regclass;
SELECT relhasindex FROM pg_class WHERE relname = 't';
SELECT id FROM t WHERE a = 3 AND active ORDER BY id LIMIT 3;
SELECT id FROM t WHERE lower(b) = 'b7';
SELECT id FROM t WHERE j @> '{"k": 9}';
SELECT id FROM t WHERE arr @> ARRAY[50] ORDER BY id;
SELECT id FROM t WHERE b LIKE 'b9%' ORDER BY id;
SELECT count(*) FROM t WHERE c BETWEEN '2024-01-10' AND '2024-01-20';
SET enable_seqscan = off;
SELECT id FROM t WHERE b = 'b42';
RESET enable_seqscan;
ALTER INDEX t_b RENAME TO t_bee;
ALTER INDEX t_b RENAME TO x;
ALTER INDEX IF EXISTS t_b RENAME TO x;
ALTER INDEX t_bee SET (fillfactor = 80);
ALTER INDEX t_bee RESET (fillfactor);
ALTER INDEX t_bee SET TABLESPACE pg_default;
-- differs: syntax
ALTER INDEX t_expr_idx ALTER COLUMN 1 SET STATISTICS 200;
COMMENT ON INDEX t_bee IS 'by b';
SELECT obj_description('t_bee'::regclass);
REINDEX INDEX t_bee;
REINDEX TABLE t;
REINDEX TABLE CONCURRENTLY t;
REINDEX (VERBOSE) INDEX t_bee;
REINDEX INDEX nowhere;
CLUSTER t USING t_pkey;
ANALYZE t;
ANALYZE t (a, b);
VACUUM t;
VACUUM (ANALYZE) t;
-- differs: unsupported
ALTER TABLE t ADD CONSTRAINT t_from_index UNIQUE USING INDEX t_unique;
-- differs: catalog-facts
SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'u';
-- differs: error-code
DROP INDEX t_from_index;
DROP INDEX t_bee;
DROP INDEX t_bee;
DROP INDEX IF EXISTS t_bee;
DROP INDEX CONCURRENTLY t_conc;
DROP INDEX t_hash, t_brin;
DROP INDEX t_pkey;
DROP INDEX t;
CREATE INDEX ON nowhere (a);
CREATE INDEX ON t (nothing);
CREATE INDEX ON t USING nosuch (a);
CREATE INDEX ON t (a nosuch_ops);
CREATE INDEX ON t (b int4_ops);
CREATE INDEX ON t (now());
CREATE INDEX ON t ((random() + a));
CREATE INDEX ON t (a) WHERE random() > 0.5;
CREATE INDEX ON t (a) WHERE nothing;
CREATE INDEX ON t ((count(*)));
CREATE INDEX ON t ((SELECT 1));
CREATE INDEX ON t (a) WITH (nosuch = 1);
CREATE INDEX ON t (a) WITH (fillfactor = 5);
CREATE UNIQUE INDEX ON t USING hash (a);
CREATE UNIQUE INDEX ON t USING gin (arr);
CREATE INDEX ON t USING hash (a, b);
CREATE INDEX ON t ();
CREATE INDEX t ON t (a);
CREATE VIEW v AS SELECT * FROM t;
CREATE INDEX ON v (a);
-- differs: catalog-facts
SELECT count(*) FROM pg_indexes WHERE tablename = 'u';
ALTER TABLE t DROP COLUMN a;
-- differs: catalog-facts
SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY indexname;
DROP TABLE t CASCADE;
SELECT count(*) FROM pg_indexes WHERE tablename = 't';
SELECT to_regclass('t_gin');
