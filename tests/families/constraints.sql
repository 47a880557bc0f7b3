-- Keys, checks, foreign keys: made, kept, changed, and what the catalogs say of them.

CREATE TABLE k (id int PRIMARY KEY, email text UNIQUE, age int CHECK (age >= 0), code text NOT NULL);
INSERT INTO k VALUES (1, 'a@x', 5, 'A');
INSERT INTO k VALUES (1, 'b@x', 5, 'B');
INSERT INTO k VALUES (2, 'a@x', 5, 'B');
INSERT INTO k VALUES (2, 'b@x', -1, 'B');
INSERT INTO k VALUES (2, 'b@x', 1, NULL);
INSERT INTO k VALUES (2, NULL, NULL, 'B'), (3, NULL, NULL, 'C');
SELECT * FROM k ORDER BY id;
INSERT INTO k VALUES (4, 'd@x', 1, 'D'), (4, 'e@x', 1, 'E');
SELECT count(*) FROM k;
UPDATE k SET id = 2 WHERE id = 1;
UPDATE k SET email = 'a@x' WHERE id = 2;
UPDATE k SET age = age - 10 WHERE id = 1;
UPDATE k SET code = NULL;
-- differs: catalog-facts
SELECT conname, contype FROM pg_constraint WHERE conrelid = 'k'::regclass ORDER BY conname;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'k'::regclass AND contype <> 'n' ORDER BY conname;
SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_name = 'k' AND constraint_type <> 'CHECK' ORDER BY 1;
SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = 'k' ORDER BY ordinal_position;
CREATE TABLE named (a int CONSTRAINT a_positive CHECK (a > 0), b int, CONSTRAINT sums CHECK (a + b < 100), CONSTRAINT named_key PRIMARY KEY (a, b));
INSERT INTO named VALUES (0, 1);
INSERT INTO named VALUES (60, 60);
INSERT INTO named VALUES (1, 1), (1, 2);
INSERT INTO named VALUES (1, 1);
INSERT INTO named VALUES (1, NULL);
-- differs: deparse
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'named'::regclass AND contype <> 'n' ORDER BY conname;
CREATE TABLE two_checks (a int CHECK (a > 0) CHECK (a < 10), b text CHECK (length(b) > 1));
INSERT INTO two_checks VALUES (11, 'ab');
INSERT INTO two_checks VALUES (1, 'a');
INSERT INTO two_checks VALUES (NULL, NULL);
SELECT conname FROM pg_constraint WHERE conrelid = 'two_checks'::regclass ORDER BY 1;
CREATE TABLE multi (a int, b int, c int, UNIQUE (a, b), UNIQUE (c));
INSERT INTO multi VALUES (1, 1, 1), (1, 2, 2), (NULL, 1, 3), (NULL, 1, 4), (5, NULL, NULL), (5, NULL, NULL);
INSERT INTO multi VALUES (1, 1, 9);
SELECT conname FROM pg_constraint WHERE conrelid = 'multi'::regclass ORDER BY 1;
CREATE TABLE not_distinct (a int UNIQUE NULLS NOT DISTINCT);
INSERT INTO not_distinct VALUES (NULL);
-- differs: accepted
INSERT INTO not_distinct VALUES (NULL);
CREATE TABLE parent (id int PRIMARY KEY, name text UNIQUE, a int, b int, UNIQUE (a, b));
INSERT INTO parent VALUES (1, 'one', 1, 1), (2, 'two', 2, 2), (3, 'three', 3, 3);
CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent, name text REFERENCES parent (name));
INSERT INTO child VALUES (1, 1, 'one'), (2, NULL, NULL);
INSERT INTO child VALUES (3, 99, NULL);
INSERT INTO child VALUES (3, NULL, 'none');
UPDATE child SET parent_id = 42 WHERE id = 1;
DELETE FROM parent WHERE id = 1;
UPDATE parent SET id = 10 WHERE id = 1;
UPDATE parent SET name = 'ONE' WHERE id = 1;
DELETE FROM parent WHERE id = 3;
DROP TABLE parent;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'child'::regclass AND contype = 'f' ORDER BY conname;
CREATE TABLE casc (id int, p int REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO casc VALUES (1, 2), (2, 2);
UPDATE parent SET id = 20 WHERE id = 2;
SELECT * FROM casc ORDER BY id;
DELETE FROM parent WHERE id = 20;
SELECT count(*) FROM casc;
CREATE TABLE nulls (id int, p int REFERENCES parent (id) ON DELETE SET NULL);
INSERT INTO parent VALUES (5, 'five', 5, 5), (6, 'six', 6, 6), (7, 'seven', 7, 7);
INSERT INTO nulls VALUES (1, 5);
DELETE FROM parent WHERE id = 5;
SELECT * FROM nulls;
CREATE TABLE defs (id int, p int DEFAULT 1 REFERENCES parent (id) ON DELETE SET DEFAULT);
INSERT INTO defs VALUES (1, 6);
DELETE FROM parent WHERE id = 6;
SELECT * FROM defs;
CREATE TABLE restr (id int, p int REFERENCES parent (id) ON DELETE RESTRICT);
INSERT INTO restr VALUES (1, 7);
DELETE FROM parent WHERE id = 7;
CREATE TABLE composite (x int, y int, FOREIGN KEY (x, y) REFERENCES parent (a, b));
INSERT INTO composite VALUES (1, 1), (1, NULL);
INSERT INTO composite VALUES (1, 7);
-- differs: match-full
CREATE TABLE matchfull (x int, y int, FOREIGN KEY (x, y) REFERENCES parent (a, b) MATCH FULL);
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree);
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2);
INSERT INTO tree VALUES (5, 5);
INSERT INTO tree VALUES (6, 66);
DELETE FROM tree WHERE id = 1;
DELETE FROM tree WHERE id IN (1, 2, 3);
SELECT * FROM tree;
CREATE TABLE deferred (id int PRIMARY KEY, p int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
BEGIN;
INSERT INTO deferred VALUES (1, 500);
INSERT INTO parent VALUES (500, 'fh', 50, 50);
COMMIT;
SELECT * FROM deferred;
BEGIN;
INSERT INTO deferred VALUES (2, 501);
COMMIT;
SELECT count(*) FROM deferred;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
-- differs: accepted
INSERT INTO deferred VALUES (3, 503);
ROLLBACK;
ALTER TABLE k ADD CONSTRAINT short CHECK (length(code) < 5);
INSERT INTO k VALUES (9, NULL, NULL, 'too long');
ALTER TABLE k DROP CONSTRAINT short;
INSERT INTO k VALUES (9, NULL, NULL, 'too long');
ALTER TABLE k ADD CONSTRAINT short CHECK (length(code) < 5);
-- differs: not-valid
ALTER TABLE k ADD CONSTRAINT short CHECK (length(code) < 5) NOT VALID;
-- differs: error-code
ALTER TABLE k VALIDATE CONSTRAINT short;
DELETE FROM k WHERE id = 9;
-- differs: follows
ALTER TABLE k VALIDATE CONSTRAINT short;
ALTER TABLE k DROP CONSTRAINT nothing;
ALTER TABLE k DROP CONSTRAINT IF EXISTS nothing;
-- differs: follows
ALTER TABLE k RENAME CONSTRAINT short TO brief;
ALTER TABLE k ADD UNIQUE (code);
ALTER TABLE k ADD CONSTRAINT code_again UNIQUE (code, age);
INSERT INTO k VALUES (20, NULL, NULL, 'A');
ALTER TABLE k DROP CONSTRAINT k_code_key;
INSERT INTO k VALUES (20, NULL, NULL, 'A');
ALTER TABLE k ADD UNIQUE (code);
ALTER TABLE k DROP CONSTRAINT k_pkey;
INSERT INTO k VALUES (20, NULL, NULL, 'twin');
ALTER TABLE k ADD PRIMARY KEY (id);
UPDATE k SET id = 21 WHERE code = 'twin';
ALTER TABLE k ADD CONSTRAINT k_new PRIMARY KEY (id);
ALTER TABLE k ADD PRIMARY KEY (email);
SELECT conname, contype FROM pg_constraint WHERE conrelid = 'k'::regclass AND contype IN ('p', 'u') ORDER BY 1;
ALTER TABLE child ADD CONSTRAINT later FOREIGN KEY (id) REFERENCES parent (id);
DELETE FROM child WHERE id = 2;
ALTER TABLE child ADD CONSTRAINT later FOREIGN KEY (id) REFERENCES parent (id);
INSERT INTO child VALUES (77);
ALTER TABLE child DROP CONSTRAINT later;
ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES parent (a);
ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES nowhere;
ALTER TABLE child ADD FOREIGN KEY (nothing) REFERENCES parent;
ALTER TABLE child ADD FOREIGN KEY (name) REFERENCES parent (id);
ALTER TABLE child ADD FOREIGN KEY (id, parent_id) REFERENCES parent (id);
-- differs: not-valid
ALTER TABLE child ADD CONSTRAINT nv FOREIGN KEY (id) REFERENCES parent NOT VALID;
-- differs: unsupported
CREATE TABLE excl (a int, EXCLUDE USING gist (a WITH =));
CREATE TABLE bad (a int, PRIMARY KEY (b));
CREATE TABLE bad (a int, UNIQUE (b));
-- differs: accepted
CREATE TABLE bad (a int CHECK (b > 0));
-- differs: error-code
CREATE TABLE bad (a int CHECK (a));
-- differs: error-code
CREATE TABLE bad (a int CHECK (a > (SELECT 1)));
-- differs: error-code
CREATE TABLE bad (a int CHECK (count(*) > 1));
-- differs: error-code
CREATE TABLE bad (a int REFERENCES nowhere);
-- differs: error-code
CREATE TABLE bad (a int REFERENCES parent (nothing));
-- differs: error-code
CREATE TABLE bad (a text REFERENCES parent (id));
-- differs: error-code
CREATE TABLE bad (a int, CONSTRAINT c CHECK (a > 1), CONSTRAINT c CHECK (a > 2));
ALTER TABLE k ADD CHECK (nothing > 1);
-- differs: accepted
ALTER TABLE k ADD CONSTRAINT brief CHECK (true);
CREATE DOMAIN zip AS text CHECK (VALUE ~ '^\d{5}$') NOT NULL;
CREATE TABLE addresses (z zip, extra zip DEFAULT '00000');
INSERT INTO addresses (z) VALUES ('12345') RETURNING *;
INSERT INTO addresses (z) VALUES ('1234');
INSERT INTO addresses (z) VALUES (NULL);
SELECT 'abc'::zip;
ALTER DOMAIN zip DROP CONSTRAINT zip_check;
INSERT INTO addresses (z) VALUES ('free') RETURNING z;
ALTER DOMAIN zip ADD CONSTRAINT five CHECK (length(VALUE) = 5);
CREATE TABLE gen_check (a int, b int GENERATED ALWAYS AS (a * 2) STORED CHECK (b < 10));
INSERT INTO gen_check (a) VALUES (1), (6);
CREATE TABLE ident (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v text CHECK (v IN ('a', 'b')));
INSERT INTO ident (v) VALUES ('a') RETURNING id;
INSERT INTO ident (v) VALUES ('c');
INSERT INTO ident (v) VALUES ('b') RETURNING id;
-- differs: deparse
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'ident'::regclass AND contype = 'c';
CREATE TABLE forms (a int CHECK (a BETWEEN 1 AND 5), b text CHECK (b LIKE 'x%' OR b IS NULL), c date CHECK (c > '2020-01-01'), d numeric CHECK (d > 0 AND d < 1.5), e text[] CHECK (array_length(e, 1) < 3), f text CHECK (lower(f) = f));
-- differs: deparse
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'forms'::regclass ORDER BY conname;
INSERT INTO forms (a) VALUES (6);
INSERT INTO forms (b) VALUES ('y');
INSERT INTO forms (c) VALUES ('2019-12-31');
INSERT INTO forms (e) VALUES ('{1,2,3}');
INSERT INTO forms (f) VALUES ('Upper');
INSERT INTO forms VALUES (1, 'xy', '2021-01-01', 1.2, '{a}', 'low') RETURNING *;
SELECT tc.table_name, kcu.column_name, ccu.table_name AS refers FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu USING (constraint_name) JOIN information_schema.constraint_column_usage ccu USING (constraint_name) WHERE tc.constraint_type = 'FOREIGN KEY' AND tc.table_name = 'casc';
SELECT delete_rule, update_rule FROM information_schema.referential_constraints WHERE constraint_name = 'casc_p_fkey';
DROP TABLE parent CASCADE;
SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'child'::regclass;
INSERT INTO child VALUES (1000, 12345, 'free');
