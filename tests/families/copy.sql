-- COPY to and from the client.

-- setup
CREATE TABLE t (id int PRIMARY KEY, name text, n numeric(8,2), d date, ok boolean, tags text[]);
CREATE TABLE plain (a text, b text, c text);
CREATE TABLE defs (id int, v text DEFAULT 'dflt', made int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE checked (id int CHECK (id > 0), v text NOT NULL);
CREATE TABLE auto (id serial, v text);

-- try
COPY t FROM STDIN;
1	one	1.50	2024-01-01	t	{a,b}
2	two	\N	\N	f	{}
3	\N	3	2024-02-29	\N	\N
\.
COPY t (id, name) FROM STDIN;
4	with\ttab
5	back\\slash
6	new\nline
\.
SELECT * FROM t ORDER BY id;
COPY t TO STDOUT;
COPY (SELECT id, name FROM t ORDER BY id) TO STDOUT;
COPY (SELECT * FROM t WHERE id < 3 ORDER BY id) TO STDOUT WITH (FORMAT csv);
COPY (SELECT * FROM t WHERE id < 4 ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER);
COPY (SELECT id, name FROM t ORDER BY id) TO STDOUT WITH (FORMAT csv, DELIMITER ';', NULL 'nil');
COPY (SELECT id, name FROM t ORDER BY id) TO STDOUT WITH (DELIMITER '|', NULL '-');
COPY (SELECT id, name FROM t ORDER BY id) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE (name));
COPY (SELECT id, name FROM t ORDER BY id) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE *);
COPY (SELECT id, name FROM t ORDER BY id) TO STDOUT WITH (FORMAT csv, QUOTE '''', ESCAPE '\');
COPY (SELECT id, name FROM t ORDER BY id LIMIT 2) TO STDOUT WITH (HEADER);
COPY t (name, id) TO STDOUT;
COPY t (id) TO STDOUT CSV HEADER;
COPY t (id) TO STDOUT WITH CSV;
COPY t (id, name) TO STDOUT DELIMITER ',' NULL 'x';
COPY t (id, name) TO STDOUT (FORMAT text, ENCODING 'UTF8');
COPY (VALUES (1, 'a'), (2, 'b')) TO STDOUT;
COPY (SELECT 'quote " inside', 'comma, inside', E'line\nbreak', '', NULL, ' space ') TO STDOUT WITH (FORMAT csv);
COPY (SELECT E'tab\there', E'back\\slash', E'cr\rhere', '\N', '') TO STDOUT;
COPY (SELECT 1.50, 1e10::float8, true, date '2024-01-01', timestamp '2024-01-01 10:00', interval '1 day', '\x01ff'::bytea, '{"a":1}'::jsonb, ARRAY['a b', NULL], '[1,2]'::vector) TO STDOUT;
-- differs: unsupported
COPY (INSERT INTO auto (v) VALUES ('x'), ('y') RETURNING id, v) TO STDOUT;
-- differs: unsupported
COPY (UPDATE auto SET v = upper(v) WHERE id = 1 RETURNING *) TO STDOUT;
-- differs: unsupported
COPY (DELETE FROM auto WHERE id = 2 RETURNING v) TO STDOUT;
COPY (WITH w AS (SELECT 5 AS five) SELECT * FROM w) TO STDOUT;
COPY plain FROM STDIN WITH (FORMAT csv);
a,b,c
"quoted","with ""quote""","with, comma"
,"",x
"multi
line",b,c
\.
SELECT * FROM plain ORDER BY a, b;
TRUNCATE plain;
COPY plain FROM STDIN WITH (FORMAT csv, HEADER);
a,b,c
1,2,3
\.
COPY plain FROM STDIN WITH (FORMAT csv, HEADER MATCH);
a,b,c
4,5,6
\.
COPY plain FROM STDIN WITH (FORMAT csv, HEADER MATCH);
a,x,c
4,5,6
\.
COPY plain FROM STDIN WITH (FORMAT csv, DELIMITER ';', NULL 'nil', QUOTE '''');
x;nil;'y;z'
\.
COPY plain FROM STDIN WITH (FORMAT csv, FORCE_NULL (b), FORCE_NOT_NULL (c));
x,"",
\.
COPY plain FROM STDIN WITH (NULL '?', DELIMITER ',');
p,?,q
\.
COPY plain FROM STDIN CSV;
old,syntax,here
\.
COPY plain (c, a) FROM STDIN;
c1	a1
\.
SELECT a, b, c FROM plain ORDER BY a, c;
SELECT count(*) FROM plain WHERE b IS NULL;
TRUNCATE plain;
COPY plain FROM STDIN;
\x41\t\101	oct\054hex	\b\f\v
\.
SELECT a, b, c FROM plain;
COPY plain FROM STDIN;
\.
COPY defs (id) FROM STDIN;
1
2
\.
SELECT * FROM defs ORDER BY id;
-- differs: unsupported
COPY defs (id, v) FROM STDIN WITH (DEFAULT '\D');
3	\D
\.
COPY defs (id, made) FROM STDIN;
4	8
\.
COPY auto (v) FROM STDIN;
copied
\.
SELECT id > 0, v FROM auto WHERE v = 'copied';
COPY t FROM STDIN WHERE id > 10;
9	nine	1	2024-01-01	t	{}
11	eleven	1	2024-01-01	t	{}
\.
SELECT id FROM t WHERE id > 8 ORDER BY id;
COPY t (id, name) FROM STDIN WITH (ON_ERROR ignore);
20	ok
x	bad
21	ok too
\.
SELECT id FROM t WHERE id >= 20 ORDER BY id;
-- differs: accepted
COPY t (id) FROM STDIN WITH (FREEZE);
30
\.
COPY t (id) FROM STDIN;
1
\.
COPY t (id, n) FROM STDIN;
40	notnum
\.
COPY t (id, d) FROM STDIN;
40	2024-02-30
\.
COPY t (id, name) FROM STDIN;
40
\.
COPY t (id) FROM STDIN;
40	extra
\.
COPY t (id, ok) FROM STDIN;
40	maybe
\.
COPY t (id, tags) FROM STDIN;
40	{a
\.
COPY checked FROM STDIN;
0	x
\.
COPY checked FROM STDIN;
1	\N
\.
COPY checked (id) FROM STDIN;
1
\.
COPY plain FROM STDIN WITH (FORMAT csv);
"unterminated,b,c
\.
SELECT count(*) FROM t WHERE id = 40;
BEGIN;
COPY t (id, name) FROM STDIN;
50	fifty
51	fifty one
\.
SELECT name FROM t WHERE id >= 50 ORDER BY id;
ROLLBACK;
SELECT count(*) FROM t WHERE id >= 50;
COPY nowhere FROM STDIN;
\.
COPY nowhere TO STDOUT;
-- differs: error-words
COPY t (nothing) TO STDOUT;
-- differs: accepted
COPY t (id, id) TO STDOUT;
COPY t TO STDOUT WITH (FORMAT nosuch);
COPY t TO STDOUT WITH (DELIMITER 'ab');
COPY t TO STDOUT WITH (FORMAT csv, QUOTE 'ab');
COPY t TO STDOUT WITH (QUOTE '"');
COPY t TO STDOUT WITH (NOSUCH 1);
COPY t TO STDOUT WITH (FORMAT csv, FORMAT text);
COPY t TO STDOUT WITH (FORCE_QUOTE (name));
COPY t TO STDOUT WITH (FORMAT csv, FORCE_NULL (name));
COPY t TO STDOUT WITH (DELIMITER 'a');
-- differs: accepted
COPY t TO STDOUT WITH (HEADER match);
COPY (SELECT nothing) TO STDOUT;
COPY (CREATE TABLE x (id int)) TO STDOUT;
-- differs: error-words
COPY (DELETE FROM auto) TO STDOUT;
COPY t TO STDOUT WHERE id > 1;
CREATE VIEW v AS SELECT id FROM t;
-- differs: accepted
COPY v TO STDOUT;
COPY (SELECT * FROM v ORDER BY id LIMIT 2) TO STDOUT;
COPY v FROM STDIN;
1
\.
COPY (SELECT id, name FROM t ORDER BY id LIMIT 1) TO STDOUT WITH (FORMAT csv, HEADER true, DELIMITER E'\t');
COPY (SELECT g, g * 2 FROM generate_series(1, 5) g ORDER BY g) TO STDOUT WITH (FORMAT csv);
COPY (SELECT row(1, 'a'), ARRAY[1, 2]) TO STDOUT CSV;
COPY (SELECT NULL::text, '') TO STDOUT WITH (FORMAT csv, NULL '');
COPY (SELECT '\.') TO STDOUT WITH (FORMAT csv);
COPY (SELECT 'a' AS "Col A", 'b' AS "col,b") TO STDOUT WITH (FORMAT csv, HEADER);
COPY t TO STDOUT WITH (FORMAT binary, DELIMITER ',');
COPY t TO 'relative/path';
COPY t;
COPY FROM STDIN;
\.
