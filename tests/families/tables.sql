-- CREATE, ALTER and DROP of tables, schemas and types, COMMENT.

CREATE TABLE a (id int);
CREATE TABLE a (id int);
CREATE TABLE IF NOT EXISTS a (other text);
CREATE TABLE kinds (s smallint, i integer, b bigint, r real, d double precision, n numeric, n2 numeric(10), n3 numeric(10,2), m boolean, c char, c5 character(5), v varchar, v5 character varying(5), t text, by bytea, da date, ti time, ti3 time(3), ts timestamp, ts0 timestamp(0), tz timestamptz, tz2 timestamp with time zone, iv interval, u uuid, j json, jb jsonb, bi bit, b8 bit(8), vb bit varying(8), ia int[], ta text[][], f3 float(3), f40 float(40), de decimal(5,1));
SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale FROM information_schema.columns WHERE table_name = 'kinds' ORDER BY ordinal_position;
-- differs: catalog-facts
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'kinds'::regclass AND attnum > 0 ORDER BY attnum;
-- differs: types
CREATE TABLE timetz_kind (t timetz);
-- differs: types
CREATE TABLE money_kind (m money);
-- differs: types
CREATE TABLE net_kind (i inet, c cidr, m macaddr);
-- differs: types
CREATE TABLE range_kind (r int4range, t tstzrange);
-- differs: types
CREATE TABLE geometry_kind (p point, b box);
-- differs: text-search
CREATE TABLE search_kind (v tsvector, q tsquery);
CREATE TABLE oid_kind (o oid, r regclass, n name);
CREATE TABLE char_kind (c "char");
-- differs: types
CREATE TABLE xml_kind (x xml);
CREATE TABLE pair (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE with_default (id int DEFAULT 5, t text DEFAULT 'x' || 'y', d date DEFAULT CURRENT_DATE, n timestamptz DEFAULT now(), u uuid DEFAULT gen_random_uuid(), a int[] DEFAULT '{1,2}');
-- differs: refused
INSERT INTO with_default DEFAULT VALUES RETURNING id, t, a, d = CURRENT_DATE;
-- differs: deparse
SELECT column_name, column_default FROM information_schema.columns WHERE table_name = 'with_default' ORDER BY ordinal_position;
CREATE TABLE copied AS SELECT 1 AS id, 'x'::text AS t;
CREATE TABLE copied AS SELECT 2;
CREATE TABLE IF NOT EXISTS copied AS SELECT 2;
SELECT * FROM copied;
CREATE TABLE renamed (n, word) AS SELECT 1, 'one';
SELECT * FROM renamed;
CREATE TABLE no_rows AS SELECT * FROM copied WITH NO DATA;
SELECT count(*) FROM no_rows;
CREATE TABLE from_values AS VALUES (1, 'a'), (2, 'b');
SELECT * FROM from_values ORDER BY column1;
CREATE TABLE from_execute AS TABLE copied;
CREATE TABLE wide AS SELECT g AS id, g * 1.5 AS n, 'r' || g AS t FROM generate_series(1, 100) g;
SELECT count(*), sum(id), sum(n) FROM wide;
CREATE TABLE like_it (LIKE kinds);
CREATE TABLE like_all (LIKE pair INCLUDING ALL, extra text);
SELECT column_name FROM information_schema.columns WHERE table_name = 'like_all' ORDER BY ordinal_position;
CREATE UNLOGGED TABLE fast (id int);
CREATE TEMP TABLE scratch (id int);
INSERT INTO scratch VALUES (1);
SELECT * FROM scratch;
CREATE TEMPORARY TABLE scratch2 ON COMMIT PRESERVE ROWS AS SELECT 5 AS five;
SELECT five FROM scratch2;
DROP TABLE scratch;
CREATE TABLE stored (id int) WITH (fillfactor = 70);
CREATE TABLE in_space (id int) TABLESPACE pg_default;
CREATE TABLE "Mixed Case" ("Col One" int, "select" text);
INSERT INTO "Mixed Case" VALUES (1, 'x');
SELECT "Col One", "select" FROM "Mixed Case";
CREATE TABLE a_very_long_name_that_is_longer_than_sixty_three_bytes_and_will_be_cut (id int);
SELECT relname FROM pg_class WHERE relname LIKE 'a_very_long%';
CREATE TABLE none ();
SELECT * FROM none;
-- differs: partitions
CREATE TABLE parted (id int, v text) PARTITION BY RANGE (id);
-- differs: partitions
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (10);
-- differs: inheritance
CREATE TABLE heir (extra int) INHERITS (from_values);
CREATE TABLE generated (w int, h int, area int GENERATED ALWAYS AS (w * h) STORED);
-- differs: unsupported
CREATE TABLE virtual (w int, twice int GENERATED ALWAYS AS (w * 2) VIRTUAL);
INSERT INTO generated VALUES (2, 3) RETURNING area;
CREATE TABLE collated (t text COLLATE "C");
SELECT 1 FROM collated ORDER BY t COLLATE "C";
ALTER TABLE a ADD COLUMN name text;
ALTER TABLE a ADD COLUMN name text;
ALTER TABLE a ADD COLUMN IF NOT EXISTS name text;
ALTER TABLE a ADD age int DEFAULT 30;
INSERT INTO a VALUES (1, 'x') RETURNING *;
ALTER TABLE a ADD COLUMN since date NOT NULL DEFAULT '2020-01-01';
SELECT * FROM a;
ALTER TABLE a ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED;
SELECT id, twice FROM a;
ALTER TABLE a ADD COLUMN required int NOT NULL;
ALTER TABLE a ADD COLUMN x int, ADD COLUMN y int, DROP COLUMN age;
SELECT * FROM a;
ALTER TABLE a DROP COLUMN x;
ALTER TABLE a DROP COLUMN x;
ALTER TABLE a DROP COLUMN IF EXISTS x;
ALTER TABLE a DROP COLUMN twice RESTRICT;
ALTER TABLE a RENAME COLUMN name TO title;
ALTER TABLE a RENAME y TO z;
ALTER TABLE a RENAME COLUMN nothing TO q;
ALTER TABLE a RENAME COLUMN z TO title;
SELECT title, z FROM a;
ALTER TABLE a ALTER COLUMN title SET DEFAULT 'none';
INSERT INTO a (id) VALUES (2) RETURNING title;
ALTER TABLE a ALTER title DROP DEFAULT;
INSERT INTO a (id) VALUES (3) RETURNING title;
ALTER TABLE a ALTER COLUMN title SET NOT NULL;
UPDATE a SET title = 'y' WHERE title IS NULL;
ALTER TABLE a ALTER COLUMN title SET NOT NULL;
INSERT INTO a (id, title) VALUES (4, NULL);
ALTER TABLE a ALTER COLUMN title DROP NOT NULL;
ALTER TABLE a ALTER COLUMN id TYPE bigint;
SELECT pg_typeof(id) FROM a LIMIT 1;
ALTER TABLE a ALTER COLUMN id TYPE text;
ALTER TABLE a ALTER COLUMN id TYPE int USING id::int;
ALTER TABLE a ALTER COLUMN title TYPE int;
ALTER TABLE a ALTER COLUMN title SET DATA TYPE varchar(10) USING upper(title);
SELECT id, title FROM a ORDER BY id;
ALTER TABLE a ALTER COLUMN since TYPE timestamp;
SELECT since FROM a WHERE id = 1;
ALTER TABLE a ALTER COLUMN title SET STATISTICS 100;
ALTER TABLE a ALTER COLUMN title SET STORAGE EXTERNAL;
ALTER TABLE a SET (fillfactor = 80);
ALTER TABLE a RESET (fillfactor);
ALTER TABLE a OWNER TO CURRENT_USER;
ALTER TABLE a RENAME TO b;
SELECT count(*) FROM a;
SELECT count(*) FROM b;
ALTER TABLE IF EXISTS a RENAME TO c;
ALTER TABLE nowhere ADD COLUMN x int;
ALTER TABLE IF EXISTS nowhere ADD COLUMN x int;
ALTER TABLE b ADD PRIMARY KEY (id);
INSERT INTO b (id, title) VALUES (1, 'dup');
-- differs: unsupported
ALTER TABLE b ADD COLUMN serial_id serial;
-- differs: follows
SELECT id, serial_id FROM b ORDER BY id;
ALTER TABLE b ALTER COLUMN z ADD GENERATED BY DEFAULT AS IDENTITY;
ALTER TABLE b ALTER COLUMN z DROP IDENTITY IF EXISTS;
ALTER TABLE b DISABLE TRIGGER ALL;
ALTER TABLE b CLUSTER ON b_pkey;
ALTER TABLE b ENABLE ROW LEVEL SECURITY;
ALTER TABLE b DISABLE ROW LEVEL SECURITY;
ALTER TABLE b SET UNLOGGED;
ALTER TABLE b REPLICA IDENTITY FULL;
CREATE SCHEMA s1;
CREATE SCHEMA s1;
CREATE SCHEMA IF NOT EXISTS s1;
CREATE TABLE s1.t (id int);
INSERT INTO s1.t VALUES (1);
SELECT * FROM s1.t;
ALTER TABLE s1.t SET SCHEMA public;
SELECT * FROM public.t;
-- differs: unsupported
CREATE SCHEMA s2 CREATE TABLE inner_table (id int) CREATE VIEW inner_view AS SELECT id FROM inner_table;
-- differs: follows
SELECT * FROM s2.inner_view;
-- differs: error-code
DROP SCHEMA s2;
-- differs: follows
DROP SCHEMA s2 CASCADE;
ALTER SCHEMA s1 RENAME TO s3;
DROP SCHEMA s1;
DROP SCHEMA IF EXISTS s1;
DROP SCHEMA s3;
SET search_path = nowhere;
SELECT count(*) FROM b;
SHOW search_path;
CREATE TABLE lost (id int);
RESET search_path;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE moods (m mood);
INSERT INTO moods VALUES ('ok'), ('sad'), ('happy');
SELECT m FROM moods ORDER BY m;
SELECT m FROM moods WHERE m > 'sad' ORDER BY m DESC;
INSERT INTO moods VALUES ('angry');
ALTER TYPE mood ADD VALUE 'great' AFTER 'ok';
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'great';
SELECT enum_range(NULL::mood), enum_first(NULL::mood), enum_last(NULL::mood);
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
SELECT min(m), max(m) FROM moods;
DROP TYPE mood;
DROP TYPE mood CASCADE;
-- differs: unsupported
CREATE TYPE address AS (street text, zip int);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE domains (p positive, q positive NOT NULL);
INSERT INTO domains VALUES (1, 2), (0, 1);
INSERT INTO domains VALUES (5, NULL);
SELECT 7::positive, -1::positive;
ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000);
SELECT 5000::positive;
DROP DOMAIN positive;
DROP DOMAIN positive CASCADE;
COMMENT ON TABLE b IS 'a table';
COMMENT ON COLUMN b.id IS 'the key';
SELECT obj_description('b'::regclass), col_description('b'::regclass, 1);
COMMENT ON TABLE b IS NULL;
SELECT obj_description('b'::regclass);
COMMENT ON TABLE nowhere IS 'x';
COMMENT ON COLUMN b.nothing IS 'x';
DROP TABLE b;
DROP TABLE b;
DROP TABLE IF EXISTS b;
DROP TABLE copied, renamed;
DROP TABLE kinds RESTRICT;
DROP TABLE pair CASCADE;
DROP VIEW wide;
DROP INDEX wide;
CREATE TABLE bad (id int, id text);
CREATE TABLE bad (id nosuchtype);
-- differs: accepted
CREATE TABLE bad (id int DEFAULT 'x');
-- differs: follows
CREATE TABLE bad (id int DEFAULT other);
CREATE TABLE bad (id varchar(0));
CREATE TABLE bad (id numeric(0));
CREATE TABLE bad (id numeric(5,2000));
-- differs: error-code
CREATE TABLE bad (id int PRIMARY KEY, other int PRIMARY KEY);
-- differs: error-code
CREATE TABLE bad (id int GENERATED ALWAYS AS (other) STORED);
CREATE TABLE bad (id int DEFAULT 1 DEFAULT 2);
CREATE TABLE bad (id int NOT NULL NULL);
CREATE TABLE bad (id int,);
CREATE TABLE bad id int;
-- differs: error-words
CREATE TABLE pg_catalog.bad (id int);
CREATE TABLE nowhere.bad (id int);
CREATE TABLE select (id int);
-- differs: error-code
CREATE TABLE bad (xmin int);
-- differs: error-code
CREATE TABLE bad AS SELECT 1 AS a, 2 AS a;
-- differs: error-code
CREATE TABLE bad (a, b) AS SELECT 1;
-- differs: refused
CREATE TABLE bad (a) AS SELECT 1, 2;
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'b%';
