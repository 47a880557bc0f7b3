-- MERGE.

-- setup
CREATE TABLE target (id int PRIMARY KEY, qty int DEFAULT 7, note text);
INSERT INTO target VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three'), (4, 40, NULL);
CREATE TABLE source (id int, qty int, note text);
INSERT INTO source VALUES (1, 1, 'a'), (2, -20, 'b'), (5, 50, 'e'), (6, NULL, 'f');
CREATE TABLE doubled (id int, qty int);
INSERT INTO doubled VALUES (1, 1), (1, 2);
CREATE TABLE keyless (k text, v int);
INSERT INTO keyless VALUES ('a', 1), ('b', 2), ('b', 3);
CREATE TABLE checked (id int PRIMARY KEY, v int NOT NULL CHECK (v > 0));
INSERT INTO checked VALUES (1, 1);
CREATE TABLE gen (id int, a int, b int GENERATED ALWAYS AS (a + 1) STORED);
INSERT INTO gen VALUES (1, 1);

-- try
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET qty = t.qty + s.qty;
SELECT * FROM target ORDER BY id;
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.qty, s.note);
SELECT * FROM target ORDER BY id;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED AND t.qty = 0 THEN DELETE;
SELECT * FROM target ORDER BY id;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED AND t.qty > 40 THEN DELETE WHEN MATCHED THEN UPDATE SET note = s.note WHEN NOT MATCHED THEN INSERT (id, note) VALUES (s.id, s.note);
SELECT * FROM target ORDER BY id;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED AND s.qty > 10 THEN INSERT (id, qty) VALUES (s.id, s.qty * 2);
SELECT * FROM target ORDER BY id;
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN UPDATE SET note = 'orphan';
SELECT * FROM target ORDER BY id;
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED BY SOURCE AND t.id = 4 THEN DELETE;
SELECT * FROM target ORDER BY id;
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED BY TARGET THEN INSERT (id) VALUES (s.id);
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET qty = 1 RETURNING t.id, t.qty;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET qty = 2 RETURNING merge_action(), t.*;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET qty = 3 RETURNING *;
MERGE INTO target t USING (VALUES (7, 70), (1, 100)) AS v (id, qty) ON t.id = v.id WHEN MATCHED THEN UPDATE SET qty = v.qty WHEN NOT MATCHED THEN INSERT (id, qty) VALUES (v.id, v.qty) RETURNING merge_action(), t.id, t.qty;
MERGE INTO target t USING (SELECT 7 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE RETURNING merge_action(), t.id;
MERGE INTO target t USING (SELECT id, sum(qty) AS total FROM source GROUP BY id) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET qty = s.total RETURNING t.id, qty;
MERGE INTO target USING source ON target.id = source.id WHEN MATCHED THEN UPDATE SET note = source.note || target.id RETURNING target.note;
MERGE INTO target AS t USING source AS s ON (t.id = s.id AND s.qty IS NOT NULL) WHEN MATCHED THEN UPDATE SET qty = s.qty RETURNING t.id;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET (qty, note) = (s.qty, 'row') RETURNING t.*;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET qty = DEFAULT RETURNING t.id, t.qty;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET qty = (SELECT count(*) FROM source) RETURNING t.qty;
MERGE INTO target t USING source s ON t.id = s.id + 100 WHEN NOT MATCHED THEN INSERT VALUES (s.id + 100, DEFAULT, 'hundred') RETURNING t.*;
MERGE INTO target t USING source s ON false WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id + 200) RETURNING t.id;
MERGE INTO target t USING source s ON true WHEN MATCHED AND t.id = 1 AND s.id = 1 THEN UPDATE SET note = 'exactly' RETURNING t.note;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED AND s.note = 'a' THEN UPDATE SET note = 'A' WHEN MATCHED AND s.note = 'b' THEN UPDATE SET note = 'B' WHEN MATCHED THEN DO NOTHING RETURNING t.id, t.note;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET qty = 5 RETURNING old.qty, new.qty, merge_action();
WITH w AS (SELECT 300 AS id) MERGE INTO target t USING w ON t.id = w.id WHEN NOT MATCHED THEN INSERT (id, note) VALUES (w.id, 'with') RETURNING t.id;
WITH m AS (MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET qty = 6 RETURNING t.id) SELECT count(*) FROM m;
MERGE INTO target t USING target s ON t.id = s.id WHEN MATCHED AND s.id >= 100 THEN DELETE;
SELECT id, qty, note FROM target ORDER BY id;
MERGE INTO keyless k USING (VALUES ('b')) AS v (k) ON k.k = v.k WHEN MATCHED THEN UPDATE SET v = k.v * 10 RETURNING k.*;
MERGE INTO keyless k USING (VALUES ('c', 9)) AS v (k, v) ON k.k = v.k WHEN NOT MATCHED THEN INSERT VALUES (v.k, v.v) RETURNING k.k;
MERGE INTO keyless k USING (SELECT 1) AS one ON k.v > 15 WHEN MATCHED THEN DELETE RETURNING k.v;
SELECT * FROM keyless ORDER BY k, v;
MERGE INTO gen USING (VALUES (1), (2)) AS s (id) ON gen.id = s.id WHEN MATCHED THEN UPDATE SET a = 10 WHEN NOT MATCHED THEN INSERT (id, a) VALUES (s.id, 20) RETURNING gen.*;
-- differs: syntax
MERGE INTO ONLY target t USING ONLY source s ON t.id = s.id WHEN MATCHED THEN DO NOTHING;
MERGE INTO checked c USING (VALUES (1, -5)) AS s (id, v) ON c.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v;
MERGE INTO checked c USING (VALUES (2, NULL::int)) AS s (id, v) ON c.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v);
MERGE INTO checked c USING (VALUES (9)) AS s (id) ON c.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (1, 1);
MERGE INTO target t USING doubled d ON t.id = d.id WHEN MATCHED THEN UPDATE SET qty = d.qty;
MERGE INTO target t USING doubled d ON t.id = d.id WHEN MATCHED THEN DELETE;
MERGE INTO nowhere t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE;
MERGE INTO target t USING nowhere s ON t.id = s.id WHEN MATCHED THEN DELETE;
MERGE INTO target t USING source s ON t.nothing = s.id WHEN MATCHED THEN DELETE;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET nothing = 1;
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (nothing) VALUES (1);
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, qty) VALUES (1);
-- differs: accepted
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (t.id, 1, 'x');
MERGE INTO target t USING source s ON t.id = s.id WHEN NOT MATCHED THEN UPDATE SET qty = 1;
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN INSERT VALUES (1);
-- differs: accepted
MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN MATCHED THEN DO NOTHING;
MERGE INTO target t USING source s ON t.id = s.id;
-- differs: error-words
MERGE INTO target t USING source t ON true WHEN MATCHED THEN DELETE;
-- differs: error-code
MERGE INTO target t USING source s ON t.id WHEN MATCHED THEN DELETE;
MERGE INTO target t USING source s ON id = 1 WHEN MATCHED THEN DELETE;
-- differs: error-code
SELECT merge_action();
CREATE VIEW target_view AS SELECT * FROM target;
-- differs: refused
MERGE INTO target_view t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET note = 'view' RETURNING t.id;
CREATE TABLE accounts (id int PRIMARY KEY, balance numeric(10,2) NOT NULL DEFAULT 0);
INSERT INTO accounts VALUES (1, 100), (2, 50.5);
CREATE TABLE bookings (account int, amount numeric(10,2));
INSERT INTO bookings VALUES (1, 10.25), (1, -5), (3, 7), (2, -50.5);
MERGE INTO accounts a USING (SELECT account, sum(amount) AS change FROM bookings GROUP BY account) b ON a.id = b.account WHEN MATCHED AND a.balance + b.change = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET balance = a.balance + b.change WHEN NOT MATCHED THEN INSERT VALUES (b.account, b.change) RETURNING merge_action(), a.*;
SELECT * FROM accounts ORDER BY id;
BEGIN;
MERGE INTO accounts a USING (VALUES (1), (8)) v (id) ON a.id = v.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES (v.id);
SELECT * FROM accounts ORDER BY id;
ROLLBACK;
SELECT * FROM accounts ORDER BY id;
PREPARE up (int, numeric) AS MERGE INTO accounts a USING (VALUES ($1, $2)) v (id, b) ON a.id = v.id WHEN MATCHED THEN UPDATE SET balance = v.b WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.b);
EXECUTE up (1, 5);
EXECUTE up (4, 6.5);
SELECT * FROM accounts ORDER BY id;
MERGE INTO accounts a USING generate_series(10, 12) g ON a.id = g WHEN NOT MATCHED THEN INSERT VALUES (g, g * 1.5) RETURNING a.*;
MERGE INTO accounts a USING accounts b ON a.id = b.id + 1 WHEN MATCHED THEN UPDATE SET balance = b.balance RETURNING a.id, a.balance, b.id;
MERGE INTO accounts a USING (SELECT DISTINCT account AS id FROM bookings) b USING (id) WHEN MATCHED THEN DELETE;
MERGE INTO accounts a USING bookings b JOIN (VALUES (1)) v (account) USING (account) ON a.id = b.account AND b.amount > 0 WHEN MATCHED THEN UPDATE SET balance = 0 RETURNING a.id;
EXPLAIN (COSTS OFF) MERGE INTO accounts a USING nowhere n ON true WHEN MATCHED THEN DELETE;

-- each clause alone, over tables made anew
CREATE TABLE m (k int PRIMARY KEY, v text, n int DEFAULT 0);
INSERT INTO m VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3);
CREATE TABLE s (k int, v text);
INSERT INTO s VALUES (2, 'B'), (3, NULL), (4, 'D');
MERGE INTO m USING s ON m.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v RETURNING merge_action(), m.*;
MERGE INTO m USING s ON m.k = s.k WHEN MATCHED AND s.v IS NOT NULL THEN UPDATE SET v = s.v || m.v, n = m.n + 1 RETURNING merge_action(), m.*;
MERGE INTO m USING s ON m.k = s.k WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, lower(s.v)) RETURNING merge_action(), m.*;
MERGE INTO m USING s ON m.k = s.k WHEN NOT MATCHED BY SOURCE AND m.k < 2 THEN UPDATE SET n = -1 RETURNING merge_action(), m.*;
MERGE INTO m USING s ON m.k = s.k WHEN MATCHED AND m.n > 2 THEN DELETE WHEN MATCHED THEN DO NOTHING RETURNING merge_action(), m.*;
SELECT * FROM m ORDER BY k;
MERGE INTO m USING (SELECT k, v FROM s WHERE v IS NOT NULL) s ON m.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v RETURNING merge_action(), m.*;
MERGE INTO m USING (SELECT k, v FROM s WHERE v IS NOT NULL) s ON m.k = s.k WHEN MATCHED AND s.v IS NOT NULL THEN UPDATE SET v = s.v || m.v, n = m.n + 1 RETURNING merge_action(), m.*;
MERGE INTO m USING (SELECT k, v FROM s WHERE v IS NOT NULL) s ON m.k = s.k WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, lower(s.v)) RETURNING merge_action(), m.*;
MERGE INTO m USING (SELECT k, v FROM s WHERE v IS NOT NULL) s ON m.k = s.k WHEN NOT MATCHED BY SOURCE AND m.k < 2 THEN UPDATE SET n = -1 RETURNING merge_action(), m.*;
MERGE INTO m USING (SELECT k, v FROM s WHERE v IS NOT NULL) s ON m.k = s.k WHEN MATCHED AND m.n > 2 THEN DELETE WHEN MATCHED THEN DO NOTHING RETURNING merge_action(), m.*;
SELECT * FROM m ORDER BY k;
MERGE INTO m USING (VALUES (1, 'x'), (9, 'y')) AS s (k, v) ON m.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v RETURNING merge_action(), m.*;
MERGE INTO m USING (VALUES (1, 'x'), (9, 'y')) AS s (k, v) ON m.k = s.k WHEN MATCHED AND s.v IS NOT NULL THEN UPDATE SET v = s.v || m.v, n = m.n + 1 RETURNING merge_action(), m.*;
MERGE INTO m USING (VALUES (1, 'x'), (9, 'y')) AS s (k, v) ON m.k = s.k WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, lower(s.v)) RETURNING merge_action(), m.*;
MERGE INTO m USING (VALUES (1, 'x'), (9, 'y')) AS s (k, v) ON m.k = s.k WHEN NOT MATCHED BY SOURCE AND m.k < 2 THEN UPDATE SET n = -1 RETURNING merge_action(), m.*;
MERGE INTO m USING (VALUES (1, 'x'), (9, 'y')) AS s (k, v) ON m.k = s.k WHEN MATCHED AND m.n > 2 THEN DELETE WHEN MATCHED THEN DO NOTHING RETURNING merge_action(), m.*;
SELECT * FROM m ORDER BY k;
MERGE INTO m USING (SELECT g AS k, 'g' || g AS v FROM generate_series(2, 5) g) s ON m.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v RETURNING merge_action(), m.*;
MERGE INTO m USING (SELECT g AS k, 'g' || g AS v FROM generate_series(2, 5) g) s ON m.k = s.k WHEN MATCHED AND s.v IS NOT NULL THEN UPDATE SET v = s.v || m.v, n = m.n + 1 RETURNING merge_action(), m.*;
MERGE INTO m USING (SELECT g AS k, 'g' || g AS v FROM generate_series(2, 5) g) s ON m.k = s.k WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, lower(s.v)) RETURNING merge_action(), m.*;
MERGE INTO m USING (SELECT g AS k, 'g' || g AS v FROM generate_series(2, 5) g) s ON m.k = s.k WHEN NOT MATCHED BY SOURCE AND m.k < 2 THEN UPDATE SET n = -1 RETURNING merge_action(), m.*;
MERGE INTO m USING (SELECT g AS k, 'g' || g AS v FROM generate_series(2, 5) g) s ON m.k = s.k WHEN MATCHED AND m.n > 2 THEN DELETE WHEN MATCHED THEN DO NOTHING RETURNING merge_action(), m.*;
SELECT * FROM m ORDER BY k;
