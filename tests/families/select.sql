-- SELECT over one table: select lists, conditions, order, limits.

-- setup
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, city varchar(20), born date, salary numeric(10,2), height real, active boolean);
INSERT INTO people VALUES (1, 'Ada', 'London', '1815-12-10', 1200.50, 1.65, true), (2, 'Alan', 'London', '1912-06-23', 2300.00, 1.78, true), (3, 'Grace', 'New York', '1906-12-09', 3100.25, 1.60, false), (4, 'Edsger', 'Rotterdam', '1930-05-11', NULL, 1.83, true), (5, 'Barbara', NULL, '1939-11-07', 2800.00, NULL, NULL), (6, 'Donald', 'Milwaukee', '1938-01-10', 2800.00, 1.90, false), (7, 'Ken', 'New Orleans', '1943-02-04', 2650.75, 1.75, true), (8, 'Linus', 'Helsinki', '1969-12-28', 1999.99, 1.77, true);
CREATE TABLE empty (a int, b text);
CREATE TABLE numbers (n int, m bigint, f double precision, t text);
INSERT INTO numbers SELECT i, i * 1000000000::bigint, i / 4.0, 'n' || i FROM generate_series(1, 20) i;

-- try
SELECT 1;
SELECT 1, 'two', 3.0, NULL, true;
SELECT 1 AS one, 'two' AS "Two words", 2+2 four;
SELECT * FROM people ORDER BY id;
SELECT name, city FROM people ORDER BY name;
SELECT people.* FROM people WHERE id = 1;
SELECT p.name FROM people p WHERE p.id = 2;
-- differs: error-code
SELECT p.name FROM people AS p (i, name2) WHERE i = 2;
-- differs: syntax
SELECT i, name2 FROM people AS p (i, name2) WHERE i = 2;
SELECT public.people.name FROM public.people WHERE people.id = 3;
SELECT id, id, name FROM people WHERE id = 1;
SELECT id AS x, id AS x FROM people WHERE id < 3 ORDER BY id;
SELECT name || ' of ' || city AS label FROM people WHERE id <> 5 ORDER BY 1;
SELECT name || city FROM people WHERE id = 5;
SELECT concat(name, ' ', city) FROM people WHERE id = 5;
SELECT upper(name), length(name), lower(city) FROM people ORDER BY id LIMIT 3;
SELECT salary * 12 AS year, salary / 3, salary - 0.5, -salary FROM people WHERE id = 1;
SELECT id % 3, id / 2, id * 2.5, id ^ 2 FROM people WHERE id = 5;
SELECT height, height * 100, round(height::numeric, 1) FROM people WHERE id = 2;
SELECT born, born + 1, born - 1, born - date '1900-01-01' FROM people WHERE id = 3;
SELECT active, NOT active, active AND id > 2, active OR id > 2 FROM people ORDER BY id;
SELECT CASE WHEN salary > 2500 THEN 'high' WHEN salary > 1500 THEN 'middle' ELSE 'low' END, name FROM people ORDER BY id;
SELECT CASE city WHEN 'London' THEN 1 WHEN 'Helsinki' THEN 2 END FROM people ORDER BY id;
SELECT coalesce(city, 'nowhere'), nullif(city, 'London') FROM people ORDER BY id;
SELECT greatest(1, 5, 3), least('b', 'a', 'c'), greatest(NULL, 1), least(NULL, NULL);
SELECT id FROM people WHERE city = 'London' ORDER BY id;
SELECT id FROM people WHERE city <> 'London' ORDER BY id;
SELECT id FROM people WHERE city != 'London' AND active ORDER BY id;
SELECT id FROM people WHERE city IS NULL;
SELECT id FROM people WHERE city IS NOT NULL AND salary IS NULL;
SELECT id FROM people WHERE city IS DISTINCT FROM 'London' ORDER BY id;
SELECT id FROM people WHERE active IS NOT DISTINCT FROM NULL;
SELECT id FROM people WHERE active IS TRUE ORDER BY id;
SELECT id FROM people WHERE active IS NOT TRUE ORDER BY id;
SELECT id FROM people WHERE active IS UNKNOWN;
SELECT id FROM people WHERE active IS NOT FALSE ORDER BY id;
SELECT id FROM people WHERE NOT active ORDER BY id;
SELECT id FROM people WHERE salary BETWEEN 2000 AND 2800 ORDER BY id;
SELECT id FROM people WHERE salary NOT BETWEEN 2000 AND 2800 ORDER BY id;
-- differs: syntax
SELECT id FROM people WHERE id BETWEEN SYMMETRIC 5 AND 3 ORDER BY id;
SELECT id FROM people WHERE name BETWEEN 'B' AND 'E' ORDER BY id;
SELECT id FROM people WHERE id IN (1, 3, 5) ORDER BY id;
SELECT id FROM people WHERE id NOT IN (1, 3, 5) ORDER BY id;
SELECT id FROM people WHERE id IN (1, NULL) ORDER BY id;
SELECT id FROM people WHERE id NOT IN (1, NULL) ORDER BY id;
SELECT id FROM people WHERE (city, active) IN (('London', true), ('Milwaukee', false)) ORDER BY id;
SELECT id FROM people WHERE (city, id) = ('London', 2);
SELECT id FROM people WHERE (id, name) > (6, 'A') ORDER BY id;
SELECT id FROM people WHERE (id, name) <= (2, 'Alan') ORDER BY id;
SELECT id FROM people WHERE id = ANY (ARRAY[2, 4, 6]) ORDER BY id;
SELECT id FROM people WHERE id = ANY ('{2,4}') ORDER BY id;
SELECT id FROM people WHERE id <> ALL (ARRAY[2, 4, 6]) ORDER BY id;
SELECT id FROM people WHERE id > SOME (ARRAY[6, 7]) ORDER BY id;
SELECT id FROM people WHERE name LIKE 'A%' ORDER BY id;
SELECT id FROM people WHERE name NOT LIKE '%a%' ORDER BY id;
SELECT id FROM people WHERE name ILIKE 'a%A' ORDER BY id;
SELECT id FROM people WHERE name LIKE '_a%' ORDER BY id;
SELECT id FROM people WHERE name SIMILAR TO '(Ada|Alan)' ORDER BY id;
SELECT id FROM people WHERE name ~ '^[A-C]' ORDER BY id;
SELECT id FROM people WHERE name !~* 'A' ORDER BY id;
SELECT id FROM people WHERE name LIKE ANY (ARRAY['A%', 'L%']) ORDER BY id;
-- differs: functions
SELECT id FROM people WHERE name NOT ILIKE ALL (ARRAY['a%', 'l%']) ORDER BY id;
SELECT id FROM people WHERE starts_with(name, 'Gr');
-- differs: unsupported
SELECT id FROM people WHERE name ^@ 'Don';
SELECT id FROM people WHERE born < '1900-01-01';
SELECT id FROM people WHERE born >= date '1930-01-01' AND born < date '1940-01-01' ORDER BY id;
SELECT id FROM people WHERE extract(month FROM born) = 12 ORDER BY id;
SELECT id FROM people WHERE height > 1.77 ORDER BY id;
SELECT id FROM people WHERE true ORDER BY id LIMIT 1;
SELECT id FROM people WHERE false;
SELECT id FROM people WHERE NULL;
SELECT id FROM people WHERE id = 1 OR id = 2 AND city = 'Nowhere';
SELECT id FROM people WHERE (id = 1 OR id = 2) AND NOT (city = 'Nowhere') ORDER BY id;
SELECT name FROM people ORDER BY salary, name;
SELECT name FROM people ORDER BY salary DESC, name;
SELECT name FROM people ORDER BY salary DESC NULLS LAST, name;
SELECT name FROM people ORDER BY salary ASC NULLS FIRST, name DESC;
SELECT name, salary FROM people ORDER BY 2, 1;
SELECT name AS n FROM people ORDER BY n DESC;
SELECT name FROM people ORDER BY length(name), name;
SELECT name FROM people ORDER BY lower(city) NULLS FIRST, id;
SELECT name FROM people ORDER BY active, id DESC;
SELECT name FROM people ORDER BY id = 3 DESC, id;
SELECT name FROM people ORDER BY CASE WHEN city = 'London' THEN 0 ELSE 1 END, name;
SELECT name, -id AS id FROM people ORDER BY id LIMIT 2;
SELECT name, -id AS id FROM people ORDER BY people.id LIMIT 2;
SELECT -id AS id FROM people ORDER BY id + 0 LIMIT 2;
SELECT name FROM people ORDER BY name COLLATE "C";
-- differs: syntax
SELECT name FROM people ORDER BY name USING >;
SELECT name FROM people ORDER BY id LIMIT 3;
SELECT name FROM people ORDER BY id LIMIT 3 OFFSET 2;
SELECT name FROM people ORDER BY id OFFSET 6;
SELECT name FROM people ORDER BY id LIMIT ALL OFFSET 7;
SELECT name FROM people ORDER BY id LIMIT NULL OFFSET 7;
SELECT name FROM people ORDER BY id LIMIT 0;
SELECT name FROM people ORDER BY id OFFSET 100;
SELECT name FROM people ORDER BY id LIMIT 1 + 1;
-- differs: unsupported
SELECT name FROM people ORDER BY id LIMIT (SELECT 2);
SELECT name FROM people ORDER BY id FETCH FIRST 2 ROWS ONLY;
SELECT name FROM people ORDER BY id FETCH FIRST ROW ONLY;
SELECT name FROM people ORDER BY id OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY;
-- differs: with-ties
SELECT salary FROM people ORDER BY salary DESC NULLS LAST FETCH FIRST 2 ROWS WITH TIES;
SELECT DISTINCT city FROM people ORDER BY city;
SELECT DISTINCT city, active FROM people ORDER BY city NULLS FIRST, active;
SELECT DISTINCT salary > 2500 AS rich FROM people ORDER BY rich;
SELECT DISTINCT ON (city) city, name FROM people ORDER BY city, born DESC;
SELECT DISTINCT ON (active) active, id FROM people ORDER BY active DESC NULLS LAST, id DESC;
-- differs: refused
SELECT DISTINCT ON (1) city FROM people ORDER BY 1;
SELECT ALL city FROM people ORDER BY id;
SELECT count(*) FROM people;
SELECT count(city), count(DISTINCT city), min(born), max(salary) FROM people;
SELECT * FROM empty;
SELECT count(*), sum(a), max(b) FROM empty;
SELECT FROM people WHERE id < 3;
TABLE empty;
TABLE numbers ORDER BY n LIMIT 2;
VALUES (1, 'a'), (2, 'b'), (3, NULL);
VALUES (1), (2) ORDER BY 1 DESC;
VALUES (1, 2.5), (3, 4) LIMIT 1;
SELECT * FROM (VALUES (1, 'one'), (2, 'two')) AS t (n, word) ORDER BY n DESC;
SELECT column1, column2 FROM (VALUES (1, 'x'), (2, 'y')) AS v ORDER BY column1;
SELECT t.n FROM generate_series(1, 5) AS t (n) ORDER BY n;
SELECT * FROM generate_series(10, 1, -3) ORDER BY 1;
SELECT n, m FROM numbers WHERE m > 18000000000 ORDER BY n;
SELECT n FROM numbers WHERE f = 2.5;
SELECT n FROM numbers WHERE f IN (0.25, 0.5, 5) ORDER BY n;
SELECT n FROM numbers WHERE n % 7 = 0 ORDER BY n;
SELECT n & 6, n | 8, n # 3, ~n, n << 2, n >> 1 FROM numbers WHERE n = 5;
SELECT t FROM numbers WHERE t > 'n5' ORDER BY t;
SELECT sum(n), avg(n), sum(m), avg(f) FROM numbers;
SELECT n FROM numbers WHERE n > (SELECT avg(n) FROM numbers) ORDER BY n LIMIT 2;
SELECT n AS "select", m "Mixed Case" FROM numbers WHERE n = 1;
SELECT "n" FROM "numbers" WHERE "t" = 'n3';
-- differs: follows
SELECT people FROM people WHERE id = 1;
SELECT (people).name FROM people WHERE id = 1;
-- differs: syntax
SELECT (p).* FROM people p WHERE id = 8;
SELECT row(1, 'a', NULL);
SELECT ROW(id, name) FROM people WHERE id = 4;
SELECT (1, 2) = (1, 2), (1, 2) < (1, 3), row(1, NULL) IS NULL, row(NULL, NULL) IS NULL;
SELECT p.id, p.name FROM ONLY people p WHERE id = 4;
-- differs: tablesample
SELECT id FROM people TABLESAMPLE SYSTEM (100) ORDER BY id;
-- differs: tablesample
SELECT id FROM people TABLESAMPLE BERNOULLI (0);
SELECT current_schema, current_schema(), 1 AS one;
SELECT 'it''s', E'a\tb', $$dollar 'quoted'$$, $tag$x$tag$, U&'\0041';
-- differs: accepted
SELECT 'a' 'b';
SELECT 'split'
 ' literal';
SELECT 1 -- a comment
 + 1 /* another /* nested */ */ AS two;
SELECT 0x1F, 0b101, 0o17, 1_000_000;
-- differs: refused
SELECT 1e3, .5, 5., 1.5e-3, 12345678901, 12345678901234567890;
SELECT 2147483647 + 1::bigint, -2147483648;
-- differs: column-types
SELECT pg_typeof(1), pg_typeof(1.5), pg_typeof('a'), pg_typeof(NULL), pg_typeof(2147483648), pg_typeof(true);
SELECT pg_typeof(1 + 1.0), pg_typeof(1 / 2), pg_typeof(1::real + 1::float8), pg_typeof(1::smallint + 1);
SELECT 5 / 2, 5 / 2.0, 5 % 2, -5 / 2, -5 % 2, 5.5 % 2;
SELECT 1 = 1.0, '1' = 1, 'a' < 'B', 'a' COLLATE "C" < 'B';
SELECT NULL = NULL, NULL IS NULL, NULL AND false, NULL OR true, NOT NULL;
SELECT 1 < 2 AND 2 < 3, 1 BETWEEN 0 AND 2, 3 NOT IN (1, 2);
-- differs: values
SELECT id ISNULL, name NOTNULL FROM people WHERE id = 1;
SELECT id, row_number() OVER () FROM people WHERE id = 1;
SELECT CURRENT_DATE = now()::date, current_user, session_user;
SELECT id, name INTO copied FROM people WHERE id < 3;
SELECT * FROM copied ORDER BY id;
SELECT count(*) FILTER (WHERE active) AS active, count(*) AS everyone FROM people;
SELECT city FROM people GROUP BY city HAVING count(*) > 1;
SELECT city, count(*) FROM people GROUP BY 1 ORDER BY 2 DESC, 1 NULLS LAST;
SELECT array(SELECT id FROM people WHERE active ORDER BY id);
SELECT EXISTS (SELECT 1 FROM people WHERE city = 'Paris');
SELECT name FROM people WHERE id = 9;
SELECT nothing FROM people;
SELECT p.nothing FROM people p;
SELECT x.name FROM people p;
SELECT people.name FROM people p;
SELECT * FROM nowhere;
SELECT name FROM people ORDER BY 3;
-- differs: error-words
SELECT name FROM people WHERE name;
SELECT name FROM people WHERE id = 'x';
SELECT name, count(*) FROM people;
SELECT DISTINCT name FROM people ORDER BY id;
SELECT name FROM people LIMIT -1;
SELECT name FROM people OFFSET -1;
SELECT id FROM people WHERE count(*) > 1;
SELECT 1 +;
SELECT FROM WHERE;
SELCT 1;
SELECT id FROM people WHERE salary = 'much';
SELECT 1 / 0;
SELECT id / 0 FROM people;
