-- Window functions and their frames.

-- setup
CREATE TABLE staff (id int PRIMARY KEY, dept text, name text, salary int, hired date, score float8);
INSERT INTO staff VALUES (1, 'dev', 'Ann', 5000, '2020-01-01', 1.5), (2, 'dev', 'Bob', 4200, '2020-03-01', 2.5), (3, 'dev', 'Cid', 5000, '2021-01-01', NULL),
 (4, 'ops', 'Dan', 3500, '2019-05-01', 3.0), (5, 'ops', 'Eve', 3900, '2022-02-01', 4.5), (6, 'hr', 'Fay', 3500, '2023-07-01', 0.5), (7, NULL, 'Gus', NULL, '2018-01-01', 2.0);
CREATE TABLE days (d date PRIMARY KEY, v int);
INSERT INTO days VALUES ('2024-01-01', 3), ('2024-01-02', 5), ('2024-01-04', 2), ('2024-01-05', 8), ('2024-01-09', 1), ('2024-01-10', NULL), ('2024-01-31', 4);
CREATE TABLE ties (k int, v int);
INSERT INTO ties VALUES (1, 10), (2, 10), (3, 20), (4, 20), (5, 20), (6, 30);

-- try
SELECT id, row_number() OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, row_number() OVER (PARTITION BY dept ORDER BY salary DESC, id) AS n FROM staff ORDER BY id;
SELECT id, rank() OVER (ORDER BY salary) FROM staff ORDER BY id;
SELECT id, dense_rank() OVER (ORDER BY salary DESC NULLS LAST) FROM staff ORDER BY id;
SELECT id, rank() OVER (PARTITION BY dept ORDER BY salary DESC) FROM staff ORDER BY id;
SELECT id, percent_rank() OVER (ORDER BY salary) FROM staff ORDER BY id;
SELECT id, cume_dist() OVER (ORDER BY salary) FROM staff ORDER BY id;
SELECT id, ntile(3) OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, ntile(10) OVER (ORDER BY id DESC) FROM staff ORDER BY id;
SELECT id, lag(salary) OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, lead(salary) OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, lag(salary, 2) OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, lag(salary, 1, 0) OVER (PARTITION BY dept ORDER BY id) FROM staff ORDER BY id;
SELECT id, lead(name, 2, 'none') OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, lag(name, -1) OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, lag(id, 0) OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, salary - lag(salary) OVER (ORDER BY hired) AS step FROM staff ORDER BY hired;
SELECT id, first_value(name) OVER (PARTITION BY dept ORDER BY id) FROM staff ORDER BY id;
SELECT id, last_value(name) OVER (PARTITION BY dept ORDER BY id) FROM staff ORDER BY id;
SELECT id, last_value(name) OVER (PARTITION BY dept ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM staff ORDER BY id;
SELECT id, nth_value(name, 2) OVER (PARTITION BY dept ORDER BY id) FROM staff ORDER BY id;
SELECT id, nth_value(name, 2) OVER (PARTITION BY dept ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM staff ORDER BY id;
SELECT id, sum(salary) OVER () FROM staff ORDER BY id;
SELECT id, sum(salary) OVER (PARTITION BY dept) FROM staff ORDER BY id;
SELECT id, sum(salary) OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, sum(salary) OVER (PARTITION BY dept ORDER BY id) FROM staff ORDER BY id;
SELECT id, avg(salary) OVER (PARTITION BY dept) FROM staff ORDER BY id;
SELECT id, round(avg(salary) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), 2) FROM staff ORDER BY id;
SELECT id, count(*) OVER (PARTITION BY dept), count(salary) OVER () FROM staff ORDER BY id;
SELECT id, min(salary) OVER w, max(salary) OVER w FROM staff WINDOW w AS (PARTITION BY dept) ORDER BY id;
SELECT id, sum(salary) OVER w AS s, rank() OVER w AS r FROM staff WINDOW w AS (PARTITION BY dept ORDER BY salary) ORDER BY id;
SELECT id, sum(salary) OVER (w ORDER BY id) FROM staff WINDOW w AS (PARTITION BY dept) ORDER BY id;
SELECT id, sum(salary) OVER w2 FROM staff WINDOW w AS (PARTITION BY dept), w2 AS (w ORDER BY id) ORDER BY id;
SELECT k, sum(v) OVER (ORDER BY v) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY v ROWS UNBOUNDED PRECEDING) >= v FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY k ROWS UNBOUNDED PRECEDING) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY k ROWS 2 PRECEDING) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY k ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY k ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY v RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY v RANGE BETWEEN 10 PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY v RANGE BETWEEN 5 PRECEDING AND 10 FOLLOWING) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY v DESC RANGE BETWEEN 10 PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, sum(k) OVER (ORDER BY v GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, sum(k) OVER (ORDER BY v GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, sum(k) OVER (ORDER BY v GROUPS UNBOUNDED PRECEDING) FROM ties ORDER BY k;
SELECT k, sum(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM ties ORDER BY k;
SELECT k, sum(k) OVER (ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP) FROM ties ORDER BY k;
SELECT k, sum(k) OVER (ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) FROM ties ORDER BY k;
SELECT k, sum(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE NO OTHERS) FROM ties ORDER BY k;
SELECT k, avg(k) OVER (ORDER BY v RANGE UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) FROM ties ORDER BY k;
-- differs: syntax
SELECT d, sum(v) OVER (ORDER BY d RANGE BETWEEN interval '3 days' PRECEDING AND CURRENT ROW) FROM days ORDER BY d;
-- differs: syntax
SELECT d, avg(v) OVER (ORDER BY d RANGE BETWEEN '1 day' PRECEDING AND '1 day' FOLLOWING) FROM days ORDER BY d;
-- differs: syntax
SELECT d, count(v) OVER (ORDER BY d RANGE BETWEEN interval '1 month' PRECEDING AND interval '1 day' PRECEDING) FROM days ORDER BY d;
SELECT d, v, sum(v) OVER (ORDER BY d ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS week FROM days ORDER BY d;
-- differs: numeric-scale
SELECT d, v - avg(v) OVER () AS off FROM days ORDER BY d;
SELECT d, d - lag(d) OVER (ORDER BY d) AS gap FROM days ORDER BY d;
SELECT d, max(v) OVER (ORDER BY d) AS so_far FROM days ORDER BY d;
SELECT d, 100.0 * v / sum(v) OVER () AS percent FROM days WHERE v IS NOT NULL ORDER BY d;
SELECT d, d - row_number() OVER (ORDER BY d)::int AS island FROM days ORDER BY d;
SELECT min(d), max(d), count(*) FROM (SELECT d, d - row_number() OVER (ORDER BY d)::int AS g FROM days) s GROUP BY g ORDER BY 1;
SELECT id, score, sum(score) OVER (ORDER BY score RANGE BETWEEN 1.0 PRECEDING AND 1.0 FOLLOWING) FROM staff ORDER BY id;
SELECT id, array_agg(name) OVER (PARTITION BY dept ORDER BY id) FROM staff ORDER BY id;
SELECT id, string_agg(name, ',') OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, array_agg(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM staff ORDER BY id;
SELECT id, bool_or(salary > 4500) OVER (PARTITION BY dept) FROM staff ORDER BY id;
SELECT id, count(*) FILTER (WHERE salary > 4000) OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT id, sum(salary) FILTER (WHERE dept = 'dev') OVER () FROM staff ORDER BY id;
-- differs: numeric-functions
SELECT id, stddev(salary) OVER (PARTITION BY dept) FROM staff ORDER BY id;
SELECT id, jsonb_agg(name) OVER (PARTITION BY dept ORDER BY id) FROM staff ORDER BY id;
SELECT id, min(hired) OVER (PARTITION BY dept), max(name) OVER (ORDER BY id) FROM staff ORDER BY id;
SELECT dept, sum(salary), rank() OVER (ORDER BY sum(salary) DESC NULLS LAST) FROM staff GROUP BY dept ORDER BY 3, 1;
SELECT dept, sum(sum(salary)) OVER () FROM staff GROUP BY dept ORDER BY dept;
SELECT dept, count(*), sum(count(*)) OVER (ORDER BY dept) FROM staff GROUP BY dept ORDER BY dept;
SELECT * FROM (SELECT id, dept, row_number() OVER (PARTITION BY dept ORDER BY salary DESC NULLS LAST, id) AS n FROM staff) s WHERE n = 1 ORDER BY id;
SELECT * FROM (SELECT id, rank() OVER (ORDER BY salary DESC NULLS LAST) AS r FROM staff) s WHERE r <= 3 ORDER BY r, id;
WITH ranked AS (SELECT *, dense_rank() OVER (ORDER BY salary) AS r FROM staff) SELECT r, count(*) FROM ranked GROUP BY r ORDER BY r;
SELECT DISTINCT dept, count(*) OVER (PARTITION BY dept) FROM staff ORDER BY dept;
SELECT DISTINCT ON (dept) dept, first_value(name) OVER (PARTITION BY dept ORDER BY salary, id) FROM staff ORDER BY dept;
SELECT id FROM staff ORDER BY row_number() OVER (ORDER BY salary DESC NULLS LAST, id DESC);
SELECT id, salary FROM staff ORDER BY rank() OVER (PARTITION BY dept ORDER BY salary), id;
SELECT id, CASE WHEN row_number() OVER (ORDER BY id) % 2 = 0 THEN 'even' ELSE 'odd' END FROM staff ORDER BY id;
SELECT id, coalesce(lag(name) OVER (ORDER BY id), 'first') FROM staff ORDER BY id;
SELECT id, row_number() OVER (ORDER BY id) + rank() OVER (ORDER BY salary) FROM staff ORDER BY id;
SELECT id, row_number() OVER (PARTITION BY dept, salary ORDER BY id) FROM staff ORDER BY id;
-- differs: syntax
SELECT id, row_number() OVER (PARTITION BY salary > 4000 ORDER BY id) FROM staff ORDER BY id;
SELECT id, row_number() OVER (ORDER BY dept NULLS FIRST, salary DESC, id) FROM staff ORDER BY id;
SELECT id, row_number() OVER (ORDER BY length(name), name DESC) FROM staff ORDER BY id;
SELECT g, sum(g) OVER (ORDER BY g) FROM generate_series(1, 5) g ORDER BY g;
SELECT g, lag(g) OVER (PARTITION BY g % 2 ORDER BY g) FROM generate_series(1, 6) g ORDER BY g;
SELECT x, ntile(2) OVER (ORDER BY x) FROM (VALUES (1), (2), (3)) v (x) ORDER BY x;
-- differs: pg-typeof
SELECT id, pg_typeof(row_number() OVER ()), pg_typeof(rank() OVER (ORDER BY id)), pg_typeof(ntile(1) OVER ()), pg_typeof(sum(salary) OVER ()) FROM staff WHERE id = 1;
-- differs: pg-typeof
SELECT id, pg_typeof(percent_rank() OVER (ORDER BY id)), pg_typeof(avg(salary) OVER ()) FROM staff WHERE id = 1;
SELECT row_number() OVER () FROM staff WHERE false;
SELECT sum(salary) OVER (ORDER BY id) FROM staff ORDER BY id LIMIT 2;
SELECT a.id, rank() OVER (ORDER BY b.v) FROM staff a JOIN ties b ON a.id = b.k ORDER BY a.id;
SELECT id, max(salary) OVER (PARTITION BY dept) - salary AS below_best FROM staff ORDER BY id;
SELECT id, first_value(salary) OVER (ORDER BY salary NULLS FIRST) IS NULL FROM staff ORDER BY id;
SELECT id, last_value(salary) OVER (ORDER BY salary) FROM staff ORDER BY id;
SELECT id, nth_value(id, 3) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM staff ORDER BY id;
SELECT id, lead(hired) OVER w - hired AS days FROM staff WINDOW w AS (ORDER BY hired) ORDER BY hired;
SELECT id, sum(salary) OVER (PARTITION BY extract(year FROM hired) ORDER BY id) FROM staff ORDER BY id;
CREATE VIEW ranked_staff AS SELECT id, rank() OVER (PARTITION BY dept ORDER BY salary DESC) AS r FROM staff;
SELECT * FROM ranked_staff WHERE r = 1 ORDER BY id;
-- differs: values
SELECT regr_slope(salary, id) OVER (PARTITION BY dept) FROM staff WHERE dept = 'dev';
SELECT id, cume_dist() OVER (PARTITION BY dept ORDER BY salary DESC) FROM staff ORDER BY id;
SELECT id, percent_rank() OVER (PARTITION BY dept ORDER BY salary) FROM staff ORDER BY id;
-- differs: refused
SELECT id, ntile(NULL) OVER (ORDER BY id) FROM staff ORDER BY id LIMIT 1;
-- differs: accepted
SELECT id, count(DISTINCT dept) OVER () FROM staff;
-- differs: error-code
SELECT rank() FROM staff;
-- differs: unsupported
SELECT rank() OVER (ORDER BY id) FROM staff WHERE rank() OVER (ORDER BY id) = 1;
-- differs: error-code
SELECT sum(row_number() OVER ()) FROM staff;
-- differs: error-code
SELECT dept, row_number() OVER () FROM staff GROUP BY row_number() OVER ();
-- differs: error-code
SELECT id, ntile(0) OVER (ORDER BY id) FROM staff;
-- differs: accepted
SELECT id, nth_value(name, 0) OVER (ORDER BY id) FROM staff;
-- differs: error-code
SELECT id, sum(salary) OVER (ORDER BY id ROWS BETWEEN -1 PRECEDING AND CURRENT ROW) FROM staff;
-- differs: error-code
SELECT id, sum(salary) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED FOLLOWING AND CURRENT ROW) FROM staff;
-- differs: error-code
SELECT id, sum(salary) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM staff;
-- differs: error-code
SELECT id, sum(salary) OVER (ORDER BY dept, id RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM staff;
-- differs: error-code
SELECT id, sum(salary) OVER (GROUPS 1 PRECEDING) FROM staff;
-- differs: error-code
SELECT id, sum(salary) OVER nowhere FROM staff;
-- differs: accepted
SELECT id, upper(name) OVER () FROM staff;
SELECT id, nosuch() OVER () FROM staff;
-- differs: accepted
SELECT id, sum(salary) OVER (w PARTITION BY dept) FROM staff WINDOW w AS (ORDER BY id);

-- each function over each frame
SELECT k, sum(v) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, sum(v) OVER (ORDER BY v GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, count(*) OVER (ORDER BY v GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, min(v) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, min(v) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, min(v) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, min(v) OVER (ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, min(v) OVER (ORDER BY v GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, max(k) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, max(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, max(k) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, max(k) OVER (ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, max(k) OVER (ORDER BY v GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, avg(v) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, avg(v) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, avg(v) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, avg(v) OVER (ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, avg(v) OVER (ORDER BY v GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, first_value(k) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, first_value(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, first_value(k) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, last_value(k) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, last_value(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, last_value(k) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, nth_value(k, 2) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, nth_value(k, 2) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, nth_value(k, 2) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, array_agg(k) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM ties ORDER BY k;
SELECT k, array_agg(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ties ORDER BY k;
SELECT k, array_agg(k) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM ties ORDER BY k;
SELECT k, row_number() OVER (PARTITION BY v ORDER BY k DESC) FROM ties ORDER BY k;
SELECT k, rank() OVER (PARTITION BY v ORDER BY k DESC) FROM ties ORDER BY k;
SELECT k, dense_rank() OVER (PARTITION BY v ORDER BY k DESC) FROM ties ORDER BY k;
SELECT k, percent_rank() OVER (PARTITION BY v ORDER BY k DESC) FROM ties ORDER BY k;
SELECT k, cume_dist() OVER (PARTITION BY v ORDER BY k DESC) FROM ties ORDER BY k;
SELECT k, ntile(2) OVER (PARTITION BY v ORDER BY k DESC) FROM ties ORDER BY k;
SELECT k, lag(k) OVER (PARTITION BY v ORDER BY k DESC) FROM ties ORDER BY k;
SELECT k, lead(k, 2, 0) OVER (PARTITION BY v ORDER BY k DESC) FROM ties ORDER BY k;
