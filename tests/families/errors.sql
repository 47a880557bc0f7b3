-- What goes wrong and how it is told: one statement, one error, of every class people meet.

-- setup
CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, n numeric(5,2), d date, v varchar(3), arr int[], CONSTRAINT small CHECK (n < 100));
INSERT INTO t VALUES (1, 'one', 1.5, '2024-01-01', 'abc', '{1}');
CREATE TABLE child (id int REFERENCES t);
CREATE VIEW view_of_t AS SELECT id, name FROM t;
CREATE SEQUENCE seq;

-- try
-- differs: syntax
SELECT;
SELECT *;
SELECT * FROM;
SELECT 1 FROM t WHERE;
SELECT 1 2;
SELECT 'unterminated;
SELECT "unterminated;
SELECT (1;
SELECT 1);
SELECT * FORM t;
SELECT id, FROM t;
SELECT id name extra FROM t;
SELECT * FROM t WHERE id = ;
SELECT * FROM t GROUP BY;
SELECT * FROM t ORDER id;
SELECT * FROM t LIMIT;
SELECT * FROM t LIMIT x;
-- differs: error-words
SELECT * FROM t LIMIT 1, 2;
SELECT id AS select FROM t;
-- differs: unsupported
SELECT user.name FROM t;
SELECT count(* FROM t;
-- differs: error-words
SELECT CASE WHEN true THEN 1;
SELECT CAST(1 AS);
SELECT 1 ==  1;
SELECT 1 =! 2;
SELECT a FROM (SELECT 1);
SELECT NOT;
-- differs: syntax
SELECT 1 AND;
FOO;
123;
'text';
CREATE;
CREATE TABLE;
CREATE TABLE x;
-- differs: error-words
CREATE TABLE x (id);
CREATE TABLE x (id int PRIMARY);
CREATE INDEX;
DROP;
DROP TABLE;
ALTER TABLE t;
ALTER TABLE t ADD;
ALTER TABLE t RENAME;
INSERT INTO t VALUES;
INSERT INTO t VALUES ();
INSERT INTO t (id) VALUES (1;
UPDATE t;
UPDATE t SET;
UPDATE t SET id;
UPDATE SET id = 1;
DELETE t WHERE id = 1;
DELETE FROM;
GRANT SELECT t TO x;
BEGIN WORK NOW;
SET;
SET x;
SHOW;
EXPLAIN;
VALUES 1;
VALUES (1), (1, 2);
TABLE;
WITH x SELECT 1;
WITH x AS SELECT 1;
SELECT * FROM nothing;
SELECT * FROM nothing.t;
SELECT * FROM public.nothing;
SELECT * FROM other.public.t;
SELECT nothing FROM t;
SELECT t.nothing FROM t;
SELECT u.id FROM t;
SELECT t.id FROM t AS u;
SELECT ID, Nothing FROM t;
SELECT "ID" FROM t;
SELECT id FROM t, child;
SELECT * FROM t WHERE nothing = 1;
SELECT * FROM t ORDER BY nothing;
SELECT * FROM t GROUP BY nothing;
SELECT id FROM t GROUP BY name;
SELECT id, count(*) FROM t;
-- differs: error-words
SELECT * FROM t HAVING id = 1;
SELECT count(*) FROM t WHERE count(*) > 0;
SELECT count(count(*)) FROM t;
SELECT sum(id) OVER () FROM t GROUP BY name;
SELECT nothing(1);
SELECT pg_catalog.nothing(1);
SELECT nothing.f(1);
-- differs: error-words
SELECT lower(1, 2);
-- differs: error-words
SELECT lower();
-- differs: error-words
SELECT substring(1, 2);
SELECT date_trunc(1, now());
SELECT 1 + 'a';
SELECT 1 + true;
SELECT 'a' + 1;
SELECT 'a'::text + 1;
SELECT date '2024-01-01' + date '2024-01-01';
SELECT now() + 1;
SELECT true AND 1;
-- differs: error-words
SELECT NOT 1;
SELECT 1 AND true;
-- differs: error-code
SELECT -'a';
-- differs: error-code
SELECT -'a'::text;
-- differs: error-words
SELECT @ 'a'::text;
SELECT 1 <-> 2;
-- differs: unsupported
SELECT 1 @> 2;
SELECT ARRAY[1] + 1;
SELECT '{}'::jsonb + 1;
SELECT 1 LIKE 'a';
SELECT 1 BETWEEN 'a' AND 2;
SELECT 1 IN ('a');
SELECT 1 IN (SELECT 'a'::text);
-- differs: error-words
SELECT id FROM t WHERE id;
-- differs: error-words
SELECT id FROM t WHERE name;
SELECT CASE WHEN 1 THEN 2 END;
SELECT CASE WHEN true THEN 1 ELSE 'x' END;
SELECT coalesce(1, 'x');
SELECT nullif(1, 'x');
SELECT greatest(1, 'x');
SELECT ARRAY[1, 'x'];
SELECT 1 UNION SELECT 'x';
-- differs: error-words
SELECT 1, 2 UNION SELECT 1;
SELECT 'x'::int;
SELECT ''::int;
SELECT '1.5'::int;
SELECT '99999999999'::int;
SELECT 99999999999::int;
SELECT 'x'::numeric;
SELECT 'x'::float8;
SELECT 'x'::bool;
SELECT 'x'::date;
SELECT '2024-02-30'::date;
SELECT '2024-99-99'::date;
SELECT 'x'::timestamp;
SELECT 'x'::timestamptz;
SELECT 'x'::time;
SELECT '25:00'::time;
SELECT 'x'::interval;
SELECT 'x'::uuid;
SELECT 'x'::json;
SELECT '{"a"}'::jsonb;
SELECT '\x0'::bytea;
SELECT '\xzz'::bytea;
-- differs: column-names
SELECT 'x'::bit(3);
SELECT '{x}'::int[];
SELECT 'x'::int[];
SELECT 'x'::vector;
SELECT 'x'::nothing;
SELECT 1::nothing;
SELECT 'x'::regclass;
-- differs: error-words
SELECT date 5;
SELECT 1::date;
SELECT true::date;
SELECT now()::int;
SELECT '{}'::jsonb::int;
SELECT ARRAY[1]::int;
SELECT 1::int[];
SELECT 1 / 0;
SELECT 1 % 0;
SELECT 1.0 / 0;
SELECT 1::float8 / 0;
SELECT mod(1, 0);
SELECT 2147483647 + 1;
SELECT 2147483647::bigint * 9223372036854775807;
SELECT 32768::smallint;
-- differs: refused
SELECT 1e400;
-- differs: error-words
SELECT 1e400::float8;
SELECT 1e308::float8 * 10;
SELECT sqrt(-1);
SELECT ln(0);
SELECT log(-1);
SELECT 0 ^ -1;
SELECT (-1) ^ 0.5;
SELECT factorial(-1);
SELECT chr(-1);
-- differs: error-code
SELECT substring('a', 1, -1);
-- differs: error-code
SELECT split_part('a', 'b', 0);
SELECT to_date('x', 'YYYY');
SELECT date_trunc('x', now());
SELECT extract(x FROM now());
SELECT now() AT TIME ZONE 'x';
SELECT make_date(2024, 13, 1);
SELECT generate_series(1, 2, 0);
SELECT 'a' ~ '(';
SELECT decode('x', 'hex');
SELECT encode('x', 'nothing');
SELECT jsonb_array_length('{}');
SELECT jsonb_set('1', '{a}', '2');
SELECT (SELECT 1, 2);
SELECT (SELECT id FROM generate_series(1, 2) id);
SELECT 1 = (SELECT id FROM generate_series(1, 2) id);
SELECT 1 IN (SELECT 1, 2);
-- differs: unsupported
SELECT (1, 2) = (1, 2, 3);
SELECT (1, 2) IN (SELECT 1);
SELECT ROW(1, 2) = ROW(1, 'x');
INSERT INTO t VALUES (1, 'dup');
INSERT INTO t VALUES (2, NULL);
INSERT INTO t (id) VALUES (2);
INSERT INTO t VALUES (2, 'two', 200);
INSERT INTO t VALUES (2, 'two', 99999);
INSERT INTO t VALUES (2, 'two', 1, 'x');
INSERT INTO t VALUES (2, 'two', 1, NULL, 'abcd');
INSERT INTO t VALUES (2, 'two', 1, NULL, NULL, '{x}');
INSERT INTO t VALUES (2, 'two', 1, NULL, NULL, NULL, NULL);
INSERT INTO t (id, nothing) VALUES (2, 1);
INSERT INTO t (id, id) VALUES (2, 1);
INSERT INTO t (id, name) VALUES (2);
INSERT INTO t (id) VALUES (2, 3);
INSERT INTO t (id, name) VALUES (now(), 'x');
INSERT INTO t (id, name) SELECT 'a'::text, 'b';
INSERT INTO nothing VALUES (1);
INSERT INTO child VALUES (99);
INSERT INTO seq VALUES (1);
UPDATE t SET nothing = 1;
UPDATE t SET id = NULL;
UPDATE t SET id = 'x';
UPDATE t SET id = name;
UPDATE t SET n = 500;
UPDATE t SET id = 1, id = 2;
UPDATE nothing SET id = 1;
UPDATE seq SET last_value = 1;
DELETE FROM nothing;
DELETE FROM t WHERE nothing;
DELETE FROM seq;
CREATE TABLE t (id int);
CREATE TABLE x (id int, id int);
CREATE TABLE x (id nothing);
CREATE TABLE x (id int DEFAULT nothing);
CREATE TABLE x (id int REFERENCES nothing);
-- differs: error-code
CREATE TABLE x (id int CHECK (nothing > 1));
CREATE TABLE nothing.x (id int);
CREATE VIEW t AS SELECT 1;
CREATE VIEW x AS SELECT nothing;
CREATE INDEX ON nothing (id);
CREATE INDEX ON t (nothing);
CREATE SCHEMA public;
CREATE SCHEMA pg_x;
CREATE SEQUENCE seq;
-- differs: unsupported
CREATE DATABASE redkite;
CREATE EXTENSION nothing;
-- differs: accepted
CREATE EXTENSION vector;
CREATE TYPE t AS ENUM ('a');
CREATE TYPE e AS ENUM ('a', 'a');
CREATE FUNCTION f() RETURNS nothing LANGUAGE sql AS 'SELECT 1';
DROP TABLE nothing;
DROP TABLE view_of_t;
DROP TABLE seq;
DROP VIEW t;
DROP VIEW nothing;
DROP INDEX nothing;
DROP INDEX t_pkey;
DROP SEQUENCE nothing;
DROP SCHEMA nothing;
DROP SCHEMA pg_catalog;
DROP TYPE nothing;
-- differs: error-code
DROP TYPE int4;
DROP FUNCTION nothing();
DROP ROLE nothing;
-- differs: unsupported
DROP DATABASE nothing;
-- differs: unsupported
DROP DATABASE redkite;
DROP EXTENSION nothing;
DROP TABLE t;
ALTER TABLE nothing ADD COLUMN x int;
ALTER TABLE t ADD COLUMN id int;
ALTER TABLE t DROP COLUMN nothing;
ALTER TABLE t DROP COLUMN id;
ALTER TABLE t RENAME nothing TO x;
ALTER TABLE t RENAME TO child;
ALTER TABLE t ALTER COLUMN nothing SET NOT NULL;
-- differs: unsupported
ALTER TABLE t ALTER COLUMN name TYPE int;
ALTER TABLE t ADD PRIMARY KEY (name);
ALTER TABLE t DROP CONSTRAINT nothing;
-- differs: error-words
ALTER TABLE view_of_t ADD COLUMN x int;
ALTER SEQUENCE nothing RESTART;
ALTER ROLE nothing SET work_mem = '1MB';
TRUNCATE nothing;
TRUNCATE t;
TRUNCATE view_of_t;
SET nothing = 1;
SET work_mem = 'x';
SET TimeZone = 'x';
SET DateStyle = 'x';
SET search_path = 1, 2;
RESET search_path;
SHOW nothing;
RESET nothing;
SET transaction_isolation = 'x';
COMMENT ON TABLE nothing IS 'x';
EXECUTE nothing;
DEALLOCATE nothing;
FETCH nothing;
CLOSE nothing;
DECLARE c CURSOR FOR SELECT 1;
SAVEPOINT s;
-- differs: accepted
LOCK TABLE t;
GRANT nothing TO nothing;
GRANT SELECT ON nothing TO PUBLIC;
GRANT SELECT ON t TO nothing;
SELECT nextval('nothing');
-- differs: error-words
SELECT nextval('t');
SELECT currval('seq');
SELECT lastval();
SELECT setval('seq', 0);
SELECT pg_get_viewdef('nothing'::regclass);
SELECT current_setting('nothing');
SELECT set_config('nothing', 'x', false);
-- differs: accepted
SELECT has_table_privilege('nothing', 'SELECT');
-- differs: accepted
SELECT has_table_privilege('t', 'NOTHING');
SELECT '[1,2]'::vector <-> '[1]'::vector;
SELECT '[1]'::vector + 1;
-- differs: error-code
SELECT $1;
-- differs: error-code
SELECT :x;
-- differs: error-words
SELECT ?;
SELECT @x;
-- differs: error-words
SELECT `id` FROM t;
-- differs: accepted
SELECT [1, 2];
SELECT {1};
SELECT id FROM t FOR UPDATE OF nothing;
SELECT DISTINCT ON (id) name FROM t ORDER BY name;
SELECT DISTINCT name FROM t ORDER BY id;
SELECT id FROM t ORDER BY 5;
SELECT id FROM t GROUP BY 5;
SELECT id FROM t LIMIT -1;
SELECT id FROM t LIMIT 'x';
-- differs: unsupported
SELECT rank() OVER (ORDER BY id) FROM t WHERE rank() OVER () = 1;
-- differs: error-code
SELECT generate_series(1, 2) FROM t WHERE generate_series(1, 2) = 1;
-- differs: error-words
SELECT sum(generate_series(1, 2));
-- differs: error-code
SELECT * FROM generate_series(1, 'x');
-- differs: accepted
SELECT * FROM lower('x') AS t (a, b);
-- differs: error-code
SELECT * FROM t AS t (a, b, c, d, e, f, g);
SELECT * FROM t JOIN child ON nothing = 1;
SELECT * FROM t JOIN child USING (nothing);
SELECT * FROM t, t;
SELECT * FROM t NATURAL JOIN;
MERGE INTO t USING child ON true;
COPY nothing TO STDOUT;
COPY t TO STDOUT (FORMAT nothing);
REFRESH MATERIALIZED VIEW t;
REINDEX TABLE nothing;
VACUUM nothing;
ANALYZE nothing;
LISTEN;
PREPARE p AS SELECT nothing;
-- differs: unsupported
CALL nothing();
DO 'not plpgsql' LANGUAGE nothing;
