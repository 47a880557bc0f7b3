-- Subqueries of every kind, WITH, WITH RECURSIVE.

-- setup
CREATE TABLE dept (id int PRIMARY KEY, name text, boss int);
INSERT INTO dept VALUES (1, 'dev', 10), (2, 'ops', 12), (3, 'empty', NULL);
CREATE TABLE emp (id int PRIMARY KEY, name text, dept_id int, salary int, manager int);
INSERT INTO emp VALUES (10, 'Ann', 1, 500, NULL), (11, 'Bob', 1, 300, 10), (12, 'Cid', 2, 450, 10), (13, 'Dan', 2, 200, 12), (14, 'Eve', NULL, 250, 12), (15, 'Fay', 1, 300, 11);
CREATE TABLE edges (a int, b int);
INSERT INTO edges VALUES (1, 2), (2, 3), (3, 4), (4, 2), (1, 5), (6, 7);
CREATE TABLE parts (part text, sub text, n int);
INSERT INTO parts VALUES ('bike', 'wheel', 2), ('bike', 'frame', 1), ('wheel', 'spoke', 30), ('wheel', 'rim', 1), ('frame', 'tube', 4);

-- try
SELECT (SELECT 1);
SELECT (SELECT max(salary) FROM emp), (SELECT min(salary) FROM emp);
SELECT (SELECT name FROM emp WHERE id = 99);
SELECT name, (SELECT d.name FROM dept d WHERE d.id = e.dept_id) FROM emp e ORDER BY e.id;
SELECT name, (SELECT count(*) FROM emp e WHERE e.dept_id = d.id) AS n FROM dept d ORDER BY d.id;
SELECT name, salary - (SELECT avg(salary) FROM emp x WHERE x.dept_id = e.dept_id) AS off FROM emp e ORDER BY id;
SELECT name FROM emp WHERE salary = (SELECT max(salary) FROM emp);
SELECT name FROM emp e WHERE salary > (SELECT avg(salary) FROM emp x WHERE x.dept_id = e.dept_id) ORDER BY id;
SELECT name FROM emp WHERE dept_id IN (SELECT id FROM dept WHERE name = 'dev') ORDER BY id;
SELECT name FROM emp WHERE dept_id NOT IN (SELECT id FROM dept WHERE name = 'dev') ORDER BY id;
SELECT name FROM dept WHERE id NOT IN (SELECT dept_id FROM emp);
SELECT name FROM dept d WHERE NOT EXISTS (SELECT 1 FROM emp e WHERE e.dept_id = d.id);
SELECT name FROM dept d WHERE EXISTS (SELECT * FROM emp e WHERE e.dept_id = d.id AND e.salary > 400) ORDER BY id;
SELECT name, EXISTS (SELECT 1 FROM emp e WHERE e.dept_id = d.id) FROM dept d ORDER BY id;
-- differs: quantified
SELECT name FROM emp WHERE salary > ALL (SELECT salary FROM emp WHERE dept_id = 2) ORDER BY id;
SELECT name FROM emp WHERE salary >= ALL (SELECT salary FROM emp WHERE dept_id = 99) ORDER BY id;
-- differs: quantified
SELECT name FROM emp WHERE salary > ANY (SELECT salary FROM emp WHERE dept_id = 2) ORDER BY id;
SELECT name FROM emp WHERE salary = SOME (SELECT salary FROM emp WHERE id = 11) ORDER BY id;
SELECT name FROM emp WHERE salary < ANY (SELECT NULL::int) ORDER BY id;
SELECT name FROM emp WHERE (dept_id, salary) IN (SELECT dept_id, max(salary) FROM emp GROUP BY dept_id) ORDER BY id;
-- differs: syntax
SELECT name FROM emp WHERE (dept_id, salary) = (SELECT 1, 500);
-- differs: syntax
SELECT name FROM emp WHERE ROW(dept_id, salary) <> (SELECT 1, 500) ORDER BY id;
SELECT name FROM emp WHERE (dept_id, name) NOT IN (SELECT id, 'Bob' FROM dept) ORDER BY id;
SELECT 1 IN (SELECT 1), 1 IN (SELECT NULL::int), 1 NOT IN (SELECT 2), 1 NOT IN (SELECT NULL::int), 1 IN (SELECT 1 WHERE false);
SELECT NULL IN (SELECT 1), NULL NOT IN (SELECT 1 WHERE false);
SELECT ARRAY(SELECT name FROM emp ORDER BY id);
SELECT ARRAY(SELECT salary FROM emp WHERE false);
SELECT d.name, ARRAY(SELECT e.name FROM emp e WHERE e.dept_id = d.id ORDER BY e.salary DESC, e.id) FROM dept d ORDER BY d.id;
SELECT * FROM (SELECT id, name FROM emp) e WHERE id > 13 ORDER BY id;
SELECT e.n FROM (SELECT name FROM emp WHERE id = 10) AS e (n);
SELECT * FROM (SELECT * FROM (SELECT id FROM emp WHERE id < 13) a WHERE id > 10) b ORDER BY id;
SELECT avg(n) FROM (SELECT count(*) AS n FROM emp GROUP BY dept_id) s;
SELECT * FROM (SELECT dept_id, sum(salary) AS total FROM emp GROUP BY dept_id) s WHERE total > 300 ORDER BY 1;
SELECT * FROM (SELECT name FROM emp ORDER BY salary DESC, id LIMIT 3) s ORDER BY name;
SELECT count(*) FROM (SELECT DISTINCT salary FROM emp) s;
SELECT e.name, t.total FROM emp e JOIN (SELECT dept_id, sum(salary) AS total FROM emp GROUP BY dept_id) t USING (dept_id) ORDER BY e.id;
SELECT name FROM emp ORDER BY (SELECT d.name FROM dept d WHERE d.id = emp.dept_id) DESC NULLS LAST, id;
-- differs: unsupported
SELECT name FROM emp ORDER BY id LIMIT (SELECT count(*) FROM dept);
SELECT CASE WHEN EXISTS (SELECT 1 FROM emp WHERE salary > 1000) THEN 'rich' ELSE 'poor' END;
SELECT name, CASE WHEN dept_id IN (SELECT id FROM dept WHERE boss = 10) THEN 'under Ann' ELSE 'other' END FROM emp ORDER BY id;
SELECT coalesce((SELECT name FROM emp WHERE id = 99), 'nobody');
SELECT (SELECT (SELECT (SELECT 42)));
SELECT (SELECT name FROM emp e2 WHERE e2.id = e.manager) AS manager, (SELECT count(*) FROM emp e3 WHERE e3.manager = e.id) AS reports FROM emp e ORDER BY id;
SELECT name FROM emp e WHERE 1 < (SELECT count(*) FROM emp x WHERE x.salary = e.salary) ORDER BY id;
SELECT name FROM emp e WHERE salary = (SELECT salary FROM emp x WHERE x.dept_id = e.dept_id ORDER BY salary DESC LIMIT 1) ORDER BY id;
SELECT name FROM emp e WHERE 2 > (SELECT count(DISTINCT salary) FROM emp x WHERE x.dept_id = e.dept_id AND x.salary > e.salary) ORDER BY id;
SELECT d.name, s.* FROM dept d LEFT JOIN LATERAL (SELECT e.name AS top, e.salary FROM emp e WHERE e.dept_id = d.id ORDER BY salary DESC LIMIT 1) s ON true ORDER BY d.id;
SELECT d.name, s.n FROM dept d CROSS JOIN LATERAL (SELECT count(*) n FROM emp e WHERE e.dept_id = d.id AND e.salary > d.id * 200) s ORDER BY d.id;
SELECT d.id, x.v FROM dept d, LATERAL (VALUES (d.id * 2), (d.id * 3)) x (v) ORDER BY 1, 2;
SELECT d.id, x.v FROM dept d, LATERAL (SELECT d.id UNION ALL SELECT -d.id) x (v) ORDER BY 1, 2;
SELECT name FROM emp e WHERE EXISTS (SELECT 1 FROM dept d WHERE d.boss = e.id AND EXISTS (SELECT 1 FROM emp x WHERE x.dept_id = d.id AND x.salary < 250)) ORDER BY id;
SELECT dept_id, count(*) FROM emp GROUP BY dept_id HAVING count(*) > (SELECT count(*) FROM emp WHERE dept_id = 2) ORDER BY 1;
SELECT dept_id, (SELECT name FROM dept WHERE id = dept_id) FROM emp GROUP BY dept_id ORDER BY dept_id;
SELECT sum((SELECT count(*) FROM emp x WHERE x.manager = e.id)) FROM emp e;
SELECT (SELECT sum(e.salary) FROM dept WHERE id = 1) FROM emp e WHERE id = 10;
SELECT name FROM emp WHERE salary BETWEEN (SELECT min(salary) FROM emp) AND (SELECT avg(salary) FROM emp) ORDER BY id;
SELECT id FROM emp WHERE id = (SELECT min(id) FROM emp) OR id IN (SELECT boss FROM dept) ORDER BY id;
SELECT name FROM emp WHERE name LIKE (SELECT 'A%');
SELECT row_to_json(s) FROM (SELECT id, name FROM dept WHERE id = 1) s;
SELECT (SELECT row_to_json(d) FROM dept d WHERE d.id = 1);
SELECT (SELECT json_agg(e.name ORDER BY e.id) FROM emp e WHERE e.dept_id = d.id) FROM dept d ORDER BY d.id;
SELECT s.id FROM emp s WHERE (SELECT true);
SELECT id FROM emp WHERE (SELECT count(*) FROM dept) = 3 AND id < 12 ORDER BY id;
WITH a AS (SELECT 1 AS x) SELECT * FROM a;
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b;
WITH a (x, y) AS (VALUES (1, 'one'), (2, 'two')) SELECT y FROM a ORDER BY x DESC;
WITH rich AS (SELECT * FROM emp WHERE salary > 280) SELECT d.name, count(*) FROM rich r JOIN dept d ON d.id = r.dept_id GROUP BY d.name ORDER BY 1;
WITH t AS (SELECT salary FROM emp) SELECT (SELECT max(salary) FROM t) - (SELECT min(salary) FROM t) AS span;
WITH t AS MATERIALIZED (SELECT * FROM emp) SELECT count(*) FROM t a JOIN t b ON a.id = b.manager;
WITH t AS NOT MATERIALIZED (SELECT * FROM emp) SELECT count(*) FROM t WHERE id = 10;
WITH emp AS (SELECT 1 AS id) SELECT * FROM emp;
WITH x AS (SELECT 1), y AS (SELECT 2) SELECT * FROM x UNION ALL SELECT * FROM y ORDER BY 1;
SELECT * FROM (WITH w AS (SELECT 5 AS n) SELECT n * 2 AS m FROM w) s;
SELECT (WITH w AS (SELECT max(id) AS m FROM emp) SELECT m FROM w);
SELECT name FROM emp WHERE id IN (WITH w AS (SELECT boss FROM dept) SELECT boss FROM w WHERE boss > 10);
WITH w AS (WITH v AS (SELECT 1 AS a) SELECT a + 1 AS b FROM v) SELECT b FROM w;
WITH w AS (SELECT id, name FROM emp ORDER BY id LIMIT 2) SELECT * FROM w ORDER BY id DESC;
WITH w AS (TABLE dept) SELECT count(*) FROM w;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n ORDER BY i;
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT sum(i), count(*) FROM n;
WITH RECURSIVE f (a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 50) SELECT a FROM f ORDER BY a, b;
WITH RECURSIVE chain AS (SELECT id, name, manager, 0 AS depth FROM emp WHERE manager IS NULL UNION ALL SELECT e.id, e.name, e.manager, c.depth + 1 FROM emp e JOIN chain c ON e.manager = c.id) SELECT name, depth FROM chain ORDER BY depth, name;
WITH RECURSIVE up AS (SELECT id, name, manager FROM emp WHERE id = 15 UNION ALL SELECT e.id, e.name, e.manager FROM emp e JOIN up ON e.id = up.manager) SELECT name FROM up ORDER BY id;
WITH RECURSIVE t AS (SELECT id, name::text AS path FROM emp WHERE manager IS NULL UNION ALL SELECT e.id, t.path || '/' || e.name FROM emp e JOIN t ON e.manager = t.id) SELECT path FROM t ORDER BY path;
WITH RECURSIVE reach (n) AS (SELECT 1 UNION SELECT e.b FROM edges e JOIN reach r ON e.a = r.n) SELECT n FROM reach ORDER BY n;
WITH RECURSIVE walk AS (SELECT a, b, ARRAY[a, b] AS path FROM edges WHERE a = 1 UNION ALL SELECT e.a, e.b, w.path || e.b FROM edges e JOIN walk w ON e.a = w.b WHERE e.b <> ALL (w.path)) SELECT path FROM walk ORDER BY path;
-- differs: syntax
WITH RECURSIVE s (a, b) AS (SELECT a, b FROM edges WHERE a = 1 UNION ALL SELECT e.a, e.b FROM edges e JOIN s ON e.a = s.b) CYCLE b SET is_cycle USING path SELECT a, b, is_cycle FROM s ORDER BY a, b, is_cycle;
WITH RECURSIVE s AS (SELECT part, sub, n FROM parts WHERE part = 'bike' UNION ALL SELECT p.part, p.sub, p.n * s.n FROM parts p JOIN s ON p.part = s.sub) SELECT sub, sum(n) FROM s GROUP BY sub ORDER BY sub;
-- differs: syntax
WITH RECURSIVE s AS (SELECT part, sub FROM parts WHERE part = 'bike' UNION ALL SELECT p.part, p.sub FROM parts p JOIN s ON p.part = s.sub) SEARCH DEPTH FIRST BY sub SET ord SELECT sub FROM s ORDER BY ord;
-- differs: syntax
WITH RECURSIVE s AS (SELECT part, sub FROM parts WHERE part = 'bike' UNION ALL SELECT p.part, p.sub FROM parts p JOIN s ON p.part = s.sub) SEARCH BREADTH FIRST BY sub SET ord SELECT sub FROM s ORDER BY ord;
SET statement_timeout = '2s';
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 3;
RESET statement_timeout;
WITH RECURSIVE d AS (SELECT date '2024-01-30' AS day UNION ALL SELECT day + 1 FROM d WHERE day < '2024-02-02') SELECT day FROM d ORDER BY day;
WITH RECURSIVE x AS (SELECT 1 AS a), y AS (SELECT a + 1 AS b FROM x) SELECT * FROM y;
WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n * 2 FROM t WHERE n < 20) SELECT array_agg(n ORDER BY n) FROM t;
CREATE TABLE log (id int, what text);
WITH ins AS (INSERT INTO log VALUES (1, 'a'), (2, 'b') RETURNING id) SELECT count(*) FROM ins;
WITH ins AS (INSERT INTO log SELECT 3, 'c' RETURNING *) SELECT * FROM ins;
WITH upd AS (UPDATE log SET what = upper(what) WHERE id < 3 RETURNING *) SELECT * FROM upd ORDER BY id;
WITH del AS (DELETE FROM log WHERE id = 1 RETURNING *) INSERT INTO log SELECT id + 10, what FROM del;
WITH src AS (SELECT 20 AS id, 'z' AS what) INSERT INTO log SELECT * FROM src RETURNING *;
WITH t AS (SELECT 20 AS id) UPDATE log SET what = 'y' FROM t WHERE log.id = t.id RETURNING log.*;
WITH t AS (SELECT 20 AS id) DELETE FROM log USING t WHERE log.id = t.id;
WITH a AS (UPDATE log SET what = 'q' WHERE id = 2 RETURNING what) SELECT a.what, l.what FROM a, log l WHERE l.id = 2;
WITH a AS (DELETE FROM log) SELECT count(*) FROM log;
SELECT count(*) FROM log;
SELECT (SELECT id, name FROM emp WHERE id = 10);
SELECT (SELECT id FROM emp);
SELECT name FROM emp WHERE id = (SELECT id FROM emp);
-- differs: error-words
SELECT name FROM emp WHERE id IN (SELECT id, name FROM emp);
-- differs: error-code
SELECT * FROM (SELECT 1, 2) s (a, b, c);
WITH a AS (SELECT 1) SELECT * FROM b;
-- differs: error-code
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a;
-- differs: error-code
WITH a (x, y) AS (SELECT 1) SELECT * FROM a;
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT 'x' FROM n) SELECT * FROM n;
WITH RECURSIVE n AS (SELECT i FROM n) SELECT * FROM n;
SET statement_timeout = '2s';
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT count(*)::int FROM n) SELECT * FROM n;
RESET statement_timeout;
WITH n AS (SELECT 1 AS i UNION ALL SELECT i FROM n) SELECT * FROM n;
SELECT name FROM emp WHERE EXISTS (SELECT nowhere FROM dept);
SELECT (SELECT max(x.salary) FROM emp x WHERE x.nothing = e.id) FROM emp e;
-- differs: error-words
SELECT * FROM (SELECT 1 AS a) s, (SELECT s.a) t;
-- differs: error-code
WITH a AS (INSERT INTO log VALUES (1, 'x')) SELECT * FROM a;

-- each place for a subquery, correlated and not
SELECT e.name, (SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id) FROM emp e ORDER BY e.id;
SELECT e.name FROM emp e WHERE e.id > (SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id) ORDER BY e.id;
SELECT e.name FROM emp e WHERE (SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id) IS NOT NULL ORDER BY e.id;
SELECT e.name FROM emp e WHERE e.salary IN (SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id) ORDER BY e.id;
SELECT e.name, e.salary > ALL (SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id) FROM emp e ORDER BY e.id;
-- differs: exists-aggregate
SELECT e.name, EXISTS (SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id) FROM emp e ORDER BY e.id;
SELECT e.name, coalesce((SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id), -1) + 1 FROM emp e ORDER BY e.id;
SELECT e.name, s.v FROM emp e LEFT JOIN LATERAL (SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id) s (v) ON true ORDER BY e.id, s.v;
SELECT e.name FROM emp e ORDER BY (SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id) NULLS FIRST, e.id;
SELECT count(*) FROM emp e WHERE e.salary BETWEEN 0 AND (SELECT max(x.salary) FROM emp x WHERE x.dept_id = e.dept_id);
SELECT e.name, (SELECT count(*) FROM emp x WHERE x.salary > e.salary) FROM emp e ORDER BY e.id;
SELECT e.name FROM emp e WHERE e.id > (SELECT count(*) FROM emp x WHERE x.salary > e.salary) ORDER BY e.id;
SELECT e.name FROM emp e WHERE (SELECT count(*) FROM emp x WHERE x.salary > e.salary) IS NOT NULL ORDER BY e.id;
SELECT e.name FROM emp e WHERE e.salary IN (SELECT count(*) FROM emp x WHERE x.salary > e.salary) ORDER BY e.id;
SELECT e.name, e.salary > ALL (SELECT count(*) FROM emp x WHERE x.salary > e.salary) FROM emp e ORDER BY e.id;
SELECT e.name, EXISTS (SELECT count(*) FROM emp x WHERE x.salary > e.salary) FROM emp e ORDER BY e.id;
SELECT e.name, coalesce((SELECT count(*) FROM emp x WHERE x.salary > e.salary), -1) + 1 FROM emp e ORDER BY e.id;
SELECT e.name, s.v FROM emp e LEFT JOIN LATERAL (SELECT count(*) FROM emp x WHERE x.salary > e.salary) s (v) ON true ORDER BY e.id, s.v;
SELECT e.name FROM emp e ORDER BY (SELECT count(*) FROM emp x WHERE x.salary > e.salary) NULLS FIRST, e.id;
SELECT count(*) FROM emp e WHERE e.salary BETWEEN 0 AND (SELECT count(*) FROM emp x WHERE x.salary > e.salary);
SELECT e.name, (SELECT min(id) FROM dept) FROM emp e ORDER BY e.id;
SELECT e.name FROM emp e WHERE e.id > (SELECT min(id) FROM dept) ORDER BY e.id;
SELECT e.name FROM emp e WHERE (SELECT min(id) FROM dept) IS NOT NULL ORDER BY e.id;
SELECT e.name FROM emp e WHERE e.salary IN (SELECT min(id) FROM dept) ORDER BY e.id;
-- differs: unsupported
SELECT e.name, e.salary > ALL (SELECT min(id) FROM dept) FROM emp e ORDER BY e.id;
SELECT e.name, EXISTS (SELECT min(id) FROM dept) FROM emp e ORDER BY e.id;
SELECT e.name, coalesce((SELECT min(id) FROM dept), -1) + 1 FROM emp e ORDER BY e.id;
SELECT e.name, s.v FROM emp e LEFT JOIN LATERAL (SELECT min(id) FROM dept) s (v) ON true ORDER BY e.id, s.v;
SELECT e.name FROM emp e ORDER BY (SELECT min(id) FROM dept) NULLS FIRST, e.id;
SELECT count(*) FROM emp e WHERE e.salary BETWEEN 0 AND (SELECT min(id) FROM dept);
SELECT e.name, (SELECT d.boss FROM dept d WHERE d.id = e.dept_id) FROM emp e ORDER BY e.id;
SELECT e.name FROM emp e WHERE e.id > (SELECT d.boss FROM dept d WHERE d.id = e.dept_id) ORDER BY e.id;
SELECT e.name FROM emp e WHERE (SELECT d.boss FROM dept d WHERE d.id = e.dept_id) IS NOT NULL ORDER BY e.id;
SELECT e.name FROM emp e WHERE e.salary IN (SELECT d.boss FROM dept d WHERE d.id = e.dept_id) ORDER BY e.id;
SELECT e.name, e.salary > ALL (SELECT d.boss FROM dept d WHERE d.id = e.dept_id) FROM emp e ORDER BY e.id;
SELECT e.name, EXISTS (SELECT d.boss FROM dept d WHERE d.id = e.dept_id) FROM emp e ORDER BY e.id;
SELECT e.name, coalesce((SELECT d.boss FROM dept d WHERE d.id = e.dept_id), -1) + 1 FROM emp e ORDER BY e.id;
SELECT e.name, s.v FROM emp e LEFT JOIN LATERAL (SELECT d.boss FROM dept d WHERE d.id = e.dept_id) s (v) ON true ORDER BY e.id, s.v;
SELECT e.name FROM emp e ORDER BY (SELECT d.boss FROM dept d WHERE d.id = e.dept_id) NULLS FIRST, e.id;
SELECT count(*) FROM emp e WHERE e.salary BETWEEN 0 AND (SELECT d.boss FROM dept d WHERE d.id = e.dept_id);
