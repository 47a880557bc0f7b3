-- Views and materialized views.

-- setup
CREATE TABLE base (id int PRIMARY KEY, name text, qty int, price numeric(8,2), made date);
INSERT INTO base VALUES (1, 'a', 1, 1.50, '2024-01-01'), (2, 'b', 2, 2.50, '2024-01-02'), (3, 'c', 3, NULL, '2024-02-01'), (4, 'd', NULL, 4.00, NULL);
CREATE TABLE other (id int, tag text);
INSERT INTO other VALUES (1, 'x'), (1, 'y'), (3, 'z');

-- try
CREATE VIEW v1 AS SELECT id, name FROM base;
SELECT * FROM v1 ORDER BY id;
CREATE VIEW v1 AS SELECT 1;
CREATE OR REPLACE VIEW v1 AS SELECT id, name, qty FROM base WHERE id > 1;
SELECT * FROM v1 ORDER BY id;
CREATE OR REPLACE VIEW v1 AS SELECT id FROM base;
CREATE OR REPLACE VIEW v1 AS SELECT id, qty, name FROM base;
CREATE VIEW v2 (a, b) AS SELECT id, qty * 2 FROM base;
SELECT b FROM v2 WHERE a = 2;
CREATE VIEW v3 AS SELECT b.id, o.tag FROM base b LEFT JOIN other o ON o.id = b.id;
SELECT * FROM v3 ORDER BY id, tag;
CREATE VIEW v4 AS SELECT name, count(*) AS n, sum(qty) AS total FROM base GROUP BY name HAVING count(*) > 0;
SELECT * FROM v4 ORDER BY name;
CREATE VIEW v5 AS SELECT v3.id, count(tag) AS tags FROM v3 GROUP BY v3.id;
SELECT * FROM v5 ORDER BY id;
CREATE VIEW v6 AS SELECT * FROM base ORDER BY id DESC LIMIT 2;
SELECT id FROM v6;
CREATE VIEW v7 AS WITH w AS (SELECT max(id) AS m FROM base) SELECT m FROM w;
SELECT * FROM v7;
CREATE VIEW v8 AS SELECT 1 AS one UNION ALL SELECT 2;
SELECT * FROM v8 ORDER BY one;
CREATE VIEW v9 AS VALUES (1, 'x'), (2, 'y');
SELECT * FROM v9 ORDER BY column1;
CREATE VIEW v10 AS SELECT id, rank() OVER (ORDER BY price DESC NULLS LAST) AS r FROM base;
SELECT * FROM v10 ORDER BY r, id;
CREATE VIEW v11 AS SELECT id, CASE WHEN qty > 1 THEN 'many' ELSE 'few' END AS amount, coalesce(price, 0) AS price FROM base;
-- differs: numeric-scale
SELECT * FROM v11 ORDER BY id;
CREATE VIEW v12 WITH (security_invoker = true) AS SELECT id FROM base;
CREATE VIEW v13 AS SELECT * FROM base WHERE EXISTS (SELECT 1 FROM other WHERE other.id = base.id);
SELECT id FROM v13 ORDER BY id;
CREATE TEMP VIEW tv AS SELECT 1 AS x;
SELECT * FROM tv;
-- differs: unsupported
CREATE RECURSIVE VIEW counting (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM counting WHERE n < 4;
-- differs: follows
SELECT * FROM counting ORDER BY n;
-- differs: check-option
CREATE VIEW low AS SELECT * FROM base WHERE qty < 10 WITH CHECK OPTION;
-- differs: follows
INSERT INTO low (id, qty) VALUES (50, 5) RETURNING id;
-- differs: error-code
INSERT INTO low (id, qty) VALUES (51, 50);
-- differs: column-types
DELETE FROM base WHERE id >= 50;
CREATE VIEW simple AS SELECT id, name, qty FROM base;
-- differs: refused
INSERT INTO simple VALUES (10, 'via', 10) RETURNING *;
-- differs: refused
UPDATE simple SET qty = qty + 1 WHERE id = 10 RETURNING qty;
-- differs: refused
DELETE FROM simple WHERE id = 10;
UPDATE v4 SET n = 1;
INSERT INTO v3 VALUES (1, 'x');
DELETE FROM v8;
-- differs: deparse
SELECT pg_get_viewdef('v2'::regclass);
-- differs: deparse
SELECT pg_get_viewdef('v2'::regclass, true);
-- differs: deparse
SELECT pg_get_viewdef('v3'::regclass, true);
-- differs: deparse
SELECT pg_get_viewdef('v4'::regclass, true);
-- differs: deparse
SELECT pg_get_viewdef('v7'::regclass, true);
-- differs: deparse
SELECT pg_get_viewdef('v8'::regclass, true);
-- differs: deparse
SELECT pg_get_viewdef('v11'::regclass, true);
-- differs: deparse
SELECT definition FROM pg_views WHERE viewname = 'simple';
-- differs: deparse
SELECT view_definition FROM information_schema.views WHERE table_name = 'simple';
SELECT viewname FROM pg_views WHERE schemaname = 'public' AND viewname LIKE 'v1%' ORDER BY 1;
SELECT table_name, table_type FROM information_schema.tables WHERE table_name IN ('v1', 'base') ORDER BY 1;
SELECT relkind FROM pg_class WHERE relname = 'v1';
SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'v4' ORDER BY ordinal_position;
ALTER VIEW v2 RENAME TO v2b;
SELECT count(*) FROM v2b;
-- differs: refused
ALTER VIEW v2b RENAME COLUMN a TO first;
-- differs: follows
SELECT first FROM v2b ORDER BY first LIMIT 1;
ALTER VIEW v2b SET (security_barrier = true);
ALTER VIEW v2b OWNER TO CURRENT_USER;
-- differs: refused
ALTER VIEW v2b ALTER COLUMN first SET DEFAULT 5;
ALTER VIEW IF EXISTS nothing RENAME TO x;
ALTER VIEW nothing RENAME TO x;
COMMENT ON VIEW v2b IS 'doubled';
SELECT obj_description('v2b'::regclass);
ALTER TABLE base RENAME COLUMN qty TO quantity;
SELECT * FROM v1 ORDER BY id LIMIT 1;
-- differs: deparse
SELECT pg_get_viewdef('v2b'::regclass, true);
ALTER TABLE base RENAME TO basis;
SELECT count(*) FROM v3;
ALTER TABLE basis RENAME TO base;
ALTER TABLE base RENAME COLUMN quantity TO qty;
ALTER TABLE base ADD COLUMN extra int;
SELECT * FROM v6 ORDER BY id;
ALTER TABLE base DROP COLUMN name;
ALTER TABLE base ALTER COLUMN qty TYPE bigint;
DROP TABLE base;
DROP VIEW v3;
DROP VIEW v5;
DROP VIEW v3;
DROP VIEW v3;
DROP VIEW IF EXISTS v3;
DROP VIEW v1, v2b;
DROP TABLE v4;
CREATE VIEW bad AS SELECT * FROM nowhere;
CREATE VIEW bad AS SELECT nothing FROM base;
CREATE VIEW bad AS SELECT 1 AS a, 2 AS a;
CREATE VIEW bad (a, b, c) AS SELECT 1, 2;
-- differs: unsupported
CREATE VIEW bad AS INSERT INTO base VALUES (1);
CREATE VIEW base AS SELECT 1;
CREATE VIEW unnamed AS SELECT 1, 'x', count(*) FROM base;
SELECT * FROM unnamed;
CREATE MATERIALIZED VIEW m1 AS SELECT id, price FROM base WHERE price IS NOT NULL;
SELECT * FROM m1 ORDER BY id;
INSERT INTO base (id, price) VALUES (20, 9.99);
SELECT count(*) FROM m1;
REFRESH MATERIALIZED VIEW m1;
SELECT count(*) FROM m1;
REFRESH MATERIALIZED VIEW CONCURRENTLY m1;
CREATE UNIQUE INDEX m1_id ON m1 (id);
DELETE FROM base WHERE id = 20;
REFRESH MATERIALIZED VIEW CONCURRENTLY m1;
SELECT * FROM m1 ORDER BY id DESC LIMIT 1;
CREATE MATERIALIZED VIEW m1 AS SELECT 1;
CREATE MATERIALIZED VIEW IF NOT EXISTS m1 AS SELECT 1;
CREATE MATERIALIZED VIEW m2 (k, v) AS SELECT id, sum(price) FROM base GROUP BY id WITH NO DATA;
SELECT * FROM m2;
REFRESH MATERIALIZED VIEW m2;
SELECT * FROM m2 ORDER BY k;
REFRESH MATERIALIZED VIEW m2 WITH NO DATA;
SELECT * FROM m2;
SELECT matviewname, ispopulated FROM pg_matviews ORDER BY 1;
SELECT relkind FROM pg_class WHERE relname = 'm1';
-- differs: deparse
SELECT definition FROM pg_matviews WHERE matviewname = 'm1';
INSERT INTO m1 VALUES (1, 1);
UPDATE m1 SET price = 1;
DELETE FROM m1;
TRUNCATE m1;
ALTER MATERIALIZED VIEW m1 RENAME TO m1b;
ALTER MATERIALIZED VIEW m1b RENAME COLUMN price TO cost;
SELECT cost FROM m1b ORDER BY id LIMIT 1;
CREATE VIEW over_m AS SELECT max(cost) AS top FROM m1b;
SELECT * FROM over_m;
DROP MATERIALIZED VIEW m1b;
DROP VIEW m1b;
DROP MATERIALIZED VIEW m1b CASCADE;
DROP MATERIALIZED VIEW IF EXISTS m1b;
REFRESH MATERIALIZED VIEW base;
DROP TABLE base CASCADE;
SELECT count(*) FROM pg_views WHERE schemaname = 'public' AND viewname IN ('v4', 'simple', 'low', 'v8');
