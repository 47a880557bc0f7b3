-- UPDATE, DELETE and TRUNCATE.

-- setup
CREATE TABLE stock (id int PRIMARY KEY, item text, qty int NOT NULL DEFAULT 0, price numeric(8,2), tags text[], info jsonb, changed date);
INSERT INTO stock VALUES (1, 'pen', 10, 1.50, '{a,b}', '{"x": 1}', '2024-01-01'), (2, 'ink', 5, 8.00, '{b}', '{"x": 2, "y": [1,2]}', NULL), (3, 'desk', 1, 180.00, NULL, NULL, NULL), (4, 'lamp', 0, 35.00, '{}', '{}', '2024-02-02'), (5, 'rug', 3, NULL, '{c}', '{"x": 5}', NULL);
CREATE TABLE delta (id int, change int, note text);
INSERT INTO delta VALUES (1, 5, 'more'), (2, -1, 'less'), (9, 1, 'none');
CREATE TABLE owners (item text PRIMARY KEY, who text);
INSERT INTO owners VALUES ('pen', 'Ann'), ('ink', 'Bob'), ('rug', NULL);
CREATE TABLE gone (id int, v text);
INSERT INTO gone SELECT g, 'v' || g FROM generate_series(1, 50) g;
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent VALUES (1), (2), (3);
CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent);
INSERT INTO child VALUES (1, 1);
CREATE TABLE gen (a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO gen VALUES (1), (2);

-- try
UPDATE stock SET qty = 11 WHERE id = 1;
UPDATE stock SET qty = qty + 1;
UPDATE stock SET qty = qty * 2, price = price * 1.1 WHERE price < 10;
UPDATE stock SET item = upper(item) WHERE id = 3 RETURNING *;
UPDATE stock SET item = lower(item) WHERE id = 3 RETURNING id, item;
UPDATE stock SET qty = 7 WHERE false;
UPDATE stock SET qty = 7 WHERE id = 99 RETURNING id;
UPDATE stock SET price = NULL WHERE id = 4 RETURNING price;
UPDATE stock SET qty = DEFAULT WHERE id = 4 RETURNING qty;
UPDATE stock SET (qty, price) = (4, 33.333) WHERE id = 4 RETURNING qty, price;
UPDATE stock SET (qty, price) = (SELECT 5, 34.5) WHERE id = 4 RETURNING qty, price;
UPDATE stock SET (qty, price) = ROW (6, DEFAULT) WHERE id = 4 RETURNING qty, price;
UPDATE stock SET qty = (SELECT sum(change) FROM delta) WHERE id = 5 RETURNING qty;
UPDATE stock SET qty = (SELECT d.change FROM delta d WHERE d.id = stock.id) WHERE id = 1 RETURNING qty;
UPDATE stock s SET qty = s.qty + 100 WHERE s.id = 1 RETURNING s.qty;
UPDATE stock AS s SET qty = 1 WHERE s.item = 'pen' RETURNING s.*;
UPDATE stock SET qty = stock.qty + d.change FROM delta d WHERE d.id = stock.id RETURNING stock.id, qty, d.note;
UPDATE stock SET qty = 50 FROM delta d JOIN owners o ON d.note = 'more' WHERE d.id = stock.id AND o.item = stock.item RETURNING o.who, stock.qty;
UPDATE stock SET price = v.p FROM (VALUES (1, 2.25), (2, 9.99)) AS v (id, p) WHERE v.id = stock.id RETURNING stock.id, price;
UPDATE stock SET qty = s.n FROM (SELECT count(*) AS n FROM delta) s WHERE stock.id = 3 RETURNING qty;
UPDATE stock SET qty = 8 WHERE id IN (SELECT id FROM delta) RETURNING id;
UPDATE stock SET qty = 9 WHERE EXISTS (SELECT 1 FROM owners o WHERE o.item = stock.item AND o.who IS NULL) RETURNING id;
UPDATE stock SET tags = array_append(tags, 'z') WHERE id = 1 RETURNING tags;
-- differs: unsupported
UPDATE stock SET tags[1] = 'first' WHERE id = 1 RETURNING tags;
-- differs: unsupported
UPDATE stock SET tags[4] = 'fourth' WHERE id = 1 RETURNING tags;
UPDATE stock SET info = info || '{"z": true}' WHERE id = 1 RETURNING info;
UPDATE stock SET info = jsonb_set(info, '{y,0}', '9') WHERE id = 2 RETURNING info;
-- differs: unsupported
UPDATE stock SET info['w'] = '7' WHERE id = 2 RETURNING info;
-- differs: follows
UPDATE stock SET info = info - 'x' WHERE info ? 'x' RETURNING id, info;
UPDATE stock SET changed = '2024-03-01' WHERE changed IS NULL RETURNING id, changed;
UPDATE stock SET changed = changed + 1 WHERE changed > '2024-02-15' RETURNING id, changed;
UPDATE stock SET item = CASE WHEN qty > 5 THEN item || '+' ELSE item END RETURNING id, item;
UPDATE stock SET item = replace(item, '+', '') RETURNING item;
UPDATE stock SET id = id + 100 WHERE id = 5 RETURNING id;
UPDATE stock SET id = 5 WHERE id = 105;
UPDATE stock SET id = id + 10;
UPDATE stock SET id = id - 10;
UPDATE stock SET qty = 3 WHERE id = 1 RETURNING old.qty, new.qty, qty;
UPDATE stock SET price = round(price) WHERE price IS NOT NULL RETURNING id, old.price - new.price AS change;
WITH w AS (SELECT id FROM stock ORDER BY qty DESC, id LIMIT 1) UPDATE stock SET qty = 0 FROM w WHERE stock.id = w.id RETURNING stock.id;
WITH u AS (UPDATE stock SET qty = qty + 1 WHERE id < 3 RETURNING id, qty) SELECT sum(qty), count(*) FROM u;
UPDATE ONLY stock SET qty = 2 WHERE id = 2;
UPDATE public.stock SET qty = 2 WHERE stock.id = 2 RETURNING qty;
UPDATE gen SET a = a + 10 RETURNING *;
UPDATE gen SET twice = DEFAULT;
UPDATE child SET parent_id = 2 WHERE id = 1 RETURNING *;
-- differs: follows
SELECT id, item, qty, price, info FROM stock ORDER BY id;
DELETE FROM stock WHERE id = 4;
DELETE FROM stock WHERE id = 4 RETURNING *;
DELETE FROM stock WHERE id = 3 RETURNING id, item;
DELETE FROM gone WHERE id > 45;
DELETE FROM gone WHERE id % 2 = 0;
DELETE FROM gone WHERE v LIKE 'v1%' RETURNING id;
DELETE FROM gone g WHERE g.id = 3 RETURNING g.v;
DELETE FROM gone AS g USING delta d WHERE g.id = d.id RETURNING g.id, d.note;
DELETE FROM gone USING stock WHERE gone.id = stock.id + 4 RETURNING gone.id, stock.item;
DELETE FROM gone USING (VALUES (21), (23)) AS x (k) WHERE gone.id = x.k;
DELETE FROM gone WHERE id IN (SELECT id + 16 FROM delta) RETURNING id;
DELETE FROM gone WHERE id = (SELECT max(id) FROM gone) RETURNING id;
DELETE FROM gone g WHERE EXISTS (SELECT 1 FROM gone h WHERE h.id = g.id + 2) AND g.id < 30 RETURNING id;
DELETE FROM gone WHERE id NOT IN (SELECT id FROM gone ORDER BY id DESC LIMIT 5) RETURNING id;
WITH d AS (DELETE FROM gone WHERE id = 41 RETURNING *) SELECT * FROM d;
WITH old_ones AS (SELECT min(id) AS id FROM gone) DELETE FROM gone USING old_ones o WHERE gone.id = o.id RETURNING gone.id;
WITH moved AS (DELETE FROM gone WHERE id < 40 RETURNING *) INSERT INTO delta (id, note) SELECT id, v FROM moved RETURNING id, note;
DELETE FROM ONLY gone WHERE id = 43 RETURNING old.v;
DELETE FROM gone WHERE false;
DELETE FROM gone;
SELECT count(*) FROM gone;
DELETE FROM gone RETURNING *;
INSERT INTO gone VALUES (1, 'x');
TRUNCATE gone;
SELECT count(*) FROM gone;
TRUNCATE TABLE gone, delta;
TRUNCATE gone RESTART IDENTITY;
TRUNCATE ONLY gone CONTINUE IDENTITY;
TRUNCATE parent;
TRUNCATE parent CASCADE;
SELECT (SELECT count(*) FROM parent), (SELECT count(*) FROM child);
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (1, 1), (2, 1);
DELETE FROM parent WHERE id = 1;
DELETE FROM parent WHERE id = 2;
UPDATE parent SET id = 9 WHERE id = 1;
UPDATE child SET parent_id = 77;
UPDATE child SET parent_id = NULL WHERE id = 1 RETURNING parent_id;
UPDATE stock SET id = 1 WHERE id = 2;
UPDATE stock SET id = 7;
UPDATE stock SET qty = NULL;
UPDATE stock SET nothing = 1;
UPDATE stock SET qty = nothing;
UPDATE stock SET qty = 'x';
UPDATE stock SET qty = 'x' || 'y';
UPDATE stock SET qty = 1, qty = 2;
-- differs: unsupported
UPDATE stock SET stock.qty = 1;
UPDATE stock SET price = 12345678.9;
-- differs: error-code
UPDATE stock SET (qty, price) = (1);
UPDATE stock SET (qty, price) = (SELECT 1);
UPDATE stock SET qty = (SELECT id FROM stock);
-- differs: error-words
UPDATE stock SET qty = count(*);
UPDATE stock SET qty = 1 WHERE count(*) > 1;
UPDATE stock SET qty = qty / 0;
UPDATE stock SET qty = 2147483647 + qty;
UPDATE nowhere SET a = 1;
UPDATE stock SET qty = d.change FROM nowhere d;
UPDATE stock SET qty = 1 WHERE nothing = 1;
-- differs: error-words
UPDATE stock s SET qty = 1 WHERE stock.id = 1;
UPDATE gen SET twice = 5;
UPDATE stock SET qty = 1 ORDER BY id;
UPDATE stock SET qty = 1 LIMIT 1;
UPDATE stock qty = 1;
DELETE FROM nowhere;
DELETE FROM stock WHERE nothing = 1;
DELETE FROM stock WHERE id = 'x';
-- differs: error-words
DELETE FROM stock WHERE item;
DELETE FROM stock s USING stock s WHERE true;
DELETE FROM stock LIMIT 1;
DELETE stock;
TRUNCATE nowhere;
CREATE VIEW cheap AS SELECT id, item, qty FROM stock WHERE id < 100;
-- differs: refused
UPDATE cheap SET qty = 77 WHERE id = 1 RETURNING qty;
-- differs: refused
INSERT INTO cheap VALUES (50, 'via view', 1) RETURNING *;
-- differs: refused
DELETE FROM cheap WHERE id = 50 RETURNING item;
CREATE VIEW counted AS SELECT count(*) AS n FROM stock;
-- differs: error-code
DELETE FROM counted;
-- differs: follows
SELECT id, item, qty FROM stock ORDER BY id;

-- one column of each type, changed and given back
CREATE TABLE every_kind (id int PRIMARY KEY, b boolean, i2 smallint, i8 bigint, n numeric(8,3), r real, f float8, t text, v varchar(5), c char(4), d date, ti time, ts timestamp, tz timestamptz, iv interval, u uuid, j jsonb, ba bytea, bi bit(3), a int[], ve vector(2));
INSERT INTO every_kind (id) VALUES (1), (2);
UPDATE every_kind SET b = true WHERE id = 1 RETURNING b;
DELETE FROM every_kind WHERE b = true AND id > 100;
UPDATE every_kind SET i2 = '7' WHERE id = 1 RETURNING i2;
DELETE FROM every_kind WHERE i2 = '7' AND id > 100;
UPDATE every_kind SET i8 = 1e10 WHERE id = 1 RETURNING i8;
DELETE FROM every_kind WHERE i8 = 1e10 AND id > 100;
UPDATE every_kind SET n = 1234.5678 WHERE id = 1 RETURNING n;
DELETE FROM every_kind WHERE n = 1234.5678 AND id > 100;
UPDATE every_kind SET r = 0.1 WHERE id = 1 RETURNING r;
DELETE FROM every_kind WHERE r = 0.1 AND id > 100;
UPDATE every_kind SET f = 1.0 / 3 WHERE id = 1 RETURNING f;
DELETE FROM every_kind WHERE f = 1.0 / 3 AND id > 100;
UPDATE every_kind SET t = 'a' || 1 WHERE id = 1 RETURNING t;
DELETE FROM every_kind WHERE t = 'a' || 1 AND id > 100;
UPDATE every_kind SET v = upper('abc') WHERE id = 1 RETURNING v;
DELETE FROM every_kind WHERE v = upper('abc') AND id > 100;
UPDATE every_kind SET c = 'x' WHERE id = 1 RETURNING c;
DELETE FROM every_kind WHERE c = 'x' AND id > 100;
UPDATE every_kind SET d = '2024-02-28'::date + 1 WHERE id = 1 RETURNING d;
DELETE FROM every_kind WHERE d = '2024-02-28'::date + 1 AND id > 100;
UPDATE every_kind SET ti = '13:14' WHERE id = 1 RETURNING ti;
DELETE FROM every_kind WHERE ti = '13:14' AND id > 100;
UPDATE every_kind SET ts = timestamp '2024-01-01' + interval '36 hours' WHERE id = 1 RETURNING ts;
DELETE FROM every_kind WHERE ts = timestamp '2024-01-01' + interval '36 hours' AND id > 100;
UPDATE every_kind SET tz = '2024-01-01 00:00+02' WHERE id = 1 RETURNING tz;
DELETE FROM every_kind WHERE tz = '2024-01-01 00:00+02' AND id > 100;
UPDATE every_kind SET iv = interval '1 day' * 1.5 WHERE id = 1 RETURNING iv;
DELETE FROM every_kind WHERE iv = interval '1 day' * 1.5 AND id > 100;
UPDATE every_kind SET u = '00000000-0000-0000-0000-00000000000A' WHERE id = 1 RETURNING u;
DELETE FROM every_kind WHERE u = '00000000-0000-0000-0000-00000000000A' AND id > 100;
UPDATE every_kind SET j = jsonb_build_object('k', id) WHERE id = 1 RETURNING j;
DELETE FROM every_kind WHERE j = jsonb_build_object('k', id) AND id > 100;
UPDATE every_kind SET ba = '\x00ff' WHERE id = 1 RETURNING ba;
DELETE FROM every_kind WHERE ba = '\x00ff' AND id > 100;
UPDATE every_kind SET bi = B'101' WHERE id = 1 RETURNING bi;
DELETE FROM every_kind WHERE bi = B'101' AND id > 100;
UPDATE every_kind SET a = ARRAY[id, 2] WHERE id = 1 RETURNING a;
DELETE FROM every_kind WHERE a = ARRAY[id, 2] AND id > 100;
UPDATE every_kind SET ve = '[1,2.5]' WHERE id = 1 RETURNING ve;
DELETE FROM every_kind WHERE ve = '[1,2.5]' AND id > 100;
SELECT * FROM every_kind ORDER BY id;
