-- Arrays: literals, subscripts, operators, functions, in tables.

-- setup
CREATE TABLE arr (id int PRIMARY KEY, i int[], t text[], n numeric[], d date[]);
INSERT INTO arr VALUES (1, '{1,2,3}', '{a,b,c}', '{1.5,2}', '{2024-01-01}'), (2, '{}', '{}', NULL, NULL), (3, NULL, '{NULL,x}', '{0.1}', '{2024-02-01,2024-01-01}'), (4, '{5,5,1}', '{"with space","quo\"te",NULL,"null",""}', '{1,2,3}', NULL);

-- try
SELECT id, i, t, n, d FROM arr ORDER BY id;
CREATE TABLE grids (id int PRIMARY KEY, m int[][]);
-- differs: dimensions
INSERT INTO grids VALUES (1, '{{1,2},{3,4}}'), (2, '{}'), (3, NULL), (4, '{{9},{8}}');
-- differs: dimensions
SELECT id, m FROM grids ORDER BY id;
SELECT id, i[1], i[2], i[0], i[10], t[1] FROM arr ORDER BY id;
SELECT id, i[1:2], i[2:], i[:2], i[:], t[2:3] FROM arr ORDER BY id;
-- differs: dimensions
SELECT id, m[1][2], m[2][1], m[1], m[1:1][1:2] FROM grids ORDER BY id;
SELECT id, array_length(i, 1), cardinality(i), array_ndims(i), array_dims(i), array_lower(i, 1), array_upper(i, 1) FROM arr ORDER BY id;
-- differs: dimensions
SELECT id, array_length(m, 1), array_length(m, 2), cardinality(m), array_dims(m) FROM grids ORDER BY id;
SELECT id FROM arr WHERE 1 = ANY (i) ORDER BY id;
SELECT id FROM arr WHERE 5 <> ALL (i) ORDER BY id;
SELECT id FROM arr WHERE i @> ARRAY[1, 2] ORDER BY id;
SELECT id FROM arr WHERE i <@ ARRAY[1, 2, 3, 4] ORDER BY id;
SELECT id FROM arr WHERE i && ARRAY[3, 5] ORDER BY id;
SELECT id FROM arr WHERE i = '{1,2,3}' ORDER BY id;
SELECT id FROM arr WHERE t @> '{a}' ORDER BY id;
SELECT id FROM arr WHERE 'x' = ANY (t) ORDER BY id;
SELECT id FROM arr WHERE i IS NULL OR cardinality(i) = 0 ORDER BY id;
SELECT id FROM arr ORDER BY i NULLS FIRST;
-- differs: order-of-sets
SELECT id, unnest(i) FROM arr ORDER BY id, 2;
-- differs: order-of-sets
SELECT a.id, x FROM arr a, unnest(a.t) x ORDER BY a.id, x;
SELECT a.id, x.v, x.n FROM arr a CROSS JOIN LATERAL unnest(a.i) WITH ORDINALITY AS x (v, n) ORDER BY a.id, x.n;
-- differs: order-of-sets
SELECT a.id, x FROM arr a LEFT JOIN LATERAL unnest(a.i) x ON true ORDER BY a.id, x;
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c']) AS u (n, s);
-- differs: dimensions
SELECT unnest(ARRAY[[1, 2], [3, 4]]);
SELECT ARRAY[1, 2, 3];
SELECT ARRAY['a', 'b'];
SELECT ARRAY[1.5, 2];
SELECT ARRAY[true, NULL];
SELECT ARRAY[NULL, 1];
SELECT '{1,2}'::int[];
SELECT ARRAY[]::int[];
SELECT '{}'::text[];
-- differs: dimensions
SELECT ARRAY[[1, 2], [3, 4]];
-- differs: dimensions
SELECT '{{1,2},{3,4}}'::int[];
-- differs: array-values
SELECT ARRAY[ARRAY['a'], ARRAY['b']];
-- differs: dimensions
SELECT '{{{1}}}'::int[][][];
-- differs: dimensions
SELECT ARRAY[[[1],[2]],[[3],[4]]];
SELECT ARRAY[1, 2.5];
SELECT ARRAY[1, '2'];
SELECT ARRAY[date '2024-01-01', '2024-01-02'];
SELECT pg_typeof(ARRAY[1, 2.5]);
SELECT pg_typeof(ARRAY[1, 2]);
SELECT pg_typeof(ARRAY['a']);
SELECT '{a,"b c","d,e","f\"g","h\\i",NULL,"NULL",""}'::text[];
SELECT '{ 1 , 2 }'::int[];
-- differs: array-values
SELECT '[2:4]={1,2,3}'::int[];
SELECT '{"{}"}'::text[];
-- differs: array-values
SELECT ('[2:4]={1,2,3}'::int[])[2];
-- differs: array-values
SELECT array_lower('[2:4]={1,2,3}'::int[], 1);
SELECT (ARRAY[1, 2, 3])[2];
SELECT (ARRAY[1, 2, 3])[2:3];
SELECT (ARRAY[[1, 2], [3, 4]])[2][1];
SELECT (ARRAY['a', 'b'])[3];
SELECT ARRAY[1, 2] || ARRAY[3];
SELECT ARRAY[1, 2] || 3;
SELECT 0 || ARRAY[1];
SELECT ARRAY['a'] || 'b'::text;
SELECT NULL || ARRAY[1];
SELECT ARRAY[1] || NULL;
-- differs: dimensions
SELECT ARRAY[[1, 2]] || ARRAY[3, 4];
SELECT ARRAY[1] || '{}';
SELECT ARRAY[1, 2] = ARRAY[1, 2];
SELECT ARRAY[1, 2] < ARRAY[1, 3];
SELECT ARRAY[1] < ARRAY[1, 2];
SELECT ARRAY[2] > ARRAY[1, 9];
SELECT ARRAY[1, NULL] = ARRAY[1, NULL];
SELECT ARRAY[1] <> ARRAY[2];
SELECT '{}'::int[] < ARRAY[1];
SELECT ARRAY[1, 2, 3] @> ARRAY[2];
SELECT ARRAY[2] <@ ARRAY[1, 2];
SELECT ARRAY[1, 2] && ARRAY[3];
SELECT '{}'::int[] @> '{}';
SELECT ARRAY[1] @> '{}';
-- differs: array-values
SELECT ARRAY[1, NULL] @> ARRAY[NULL]::int[];
SELECT 2 = ANY (ARRAY[1, 2]);
SELECT 2 = ANY ('{1,2}');
SELECT 3 > ALL (ARRAY[1, 2]);
SELECT NULL = ANY (ARRAY[1]);
SELECT 1 = ANY (ARRAY[NULL, 1]);
SELECT 2 = ANY (ARRAY[NULL, 1]);
SELECT 1 = ANY (NULL::int[]);
SELECT 1 = ALL ('{}'::int[]);
SELECT array_append(ARRAY[1], 2);
SELECT array_prepend(0, ARRAY[1]);
SELECT array_cat(ARRAY[1], ARRAY[2, 3]);
SELECT array_append(NULL::int[], 1);
SELECT array_append('{}'::text[], NULL);
SELECT array_remove(ARRAY[1, 2, 1], 1);
SELECT array_replace(ARRAY[1, 2, 1], 1, 9);
SELECT array_remove(ARRAY['a', NULL], NULL);
SELECT array_position(ARRAY['a', 'b', 'a'], 'a');
SELECT array_position(ARRAY[1, 2], 5);
SELECT array_position(ARRAY[1, 2, 1], 1, 2);
SELECT array_positions(ARRAY[1, 2, 1], 1);
SELECT array_position(ARRAY[NULL, 1], NULL);
SELECT array_length(ARRAY[1, 2], 1);
SELECT array_length(ARRAY[1, 2], 2);
SELECT array_length('{}'::int[], 1);
SELECT cardinality('{}'::int[]);
-- differs: dimensions
SELECT cardinality(ARRAY[[1, 2], [3, 4]]);
-- differs: dimensions
SELECT array_ndims(ARRAY[[1]]);
-- differs: dimensions
SELECT array_dims(ARRAY[[1, 2]]);
SELECT array_upper(ARRAY[1, 2, 3], 1);
SELECT array_fill(7, ARRAY[3]);
-- differs: functions
SELECT array_fill('x'::text, ARRAY[2, 2]);
-- differs: functions
SELECT array_fill(0, ARRAY[2], ARRAY[5]);
SELECT trim_array(ARRAY[1, 2, 3], 2);
SELECT array_sort(ARRAY[3, 1, 2]);
SELECT array_sort(ARRAY['b', 'a', NULL]);
SELECT array_reverse(ARRAY[1, 2, 3]);
SELECT trim_array(ARRAY[1], 2);
SELECT array_to_string(ARRAY[1, NULL, 3], ',', '*');
SELECT array_to_string(ARRAY[[1, 2], [3, 4]], ',');
SELECT string_to_array('1,2,3', ',')::int[];
SELECT string_to_array('a||b', '||');
SELECT array_to_string('{}'::int[], ',');
SELECT array_sample(ARRAY[1, 1], 1);
SELECT array_shuffle(ARRAY[2, 2]);
SELECT cardinality(array_shuffle(ARRAY[1, 2, 3]));
SELECT array_agg(x) FROM generate_series(1, 3) x;
SELECT array_agg(x ORDER BY x DESC), array_agg(DISTINCT x % 2) FROM generate_series(1, 4) x;
-- differs: internal
SELECT array_agg(ARRAY[x, x * 2] ORDER BY x) FROM generate_series(1, 2) x;
SELECT ARRAY(SELECT x * x FROM generate_series(1, 4) x ORDER BY x);
SELECT ARRAY(SELECT 1 WHERE false);
-- differs: internal
SELECT ARRAY(SELECT ARRAY[x, 0] FROM generate_series(1, 2) x);
SELECT generate_subscripts(ARRAY['a', 'b'], 1);
SELECT generate_subscripts(ARRAY['a', 'b'], 1, true);
SELECT i, s FROM (SELECT ARRAY['x', 'y'] AS a) q, generate_subscripts(q.a, 1) i, LATERAL (SELECT q.a[i] AS s) z ORDER BY i;
SELECT ARRAY[1, 2]::text[];
SELECT ARRAY['1', '2']::int[];
SELECT ARRAY[1.7]::int[];
SELECT '{1,2}'::text::int[];
SELECT ARRAY[1, 2]::text;
SELECT ARRAY[1, 2]::float8[];
SELECT '{t,f}'::bool[];
SELECT ARRAY[1, 2]::varchar(1)[];
SELECT ARRAY['x']::int[];
SELECT '{1,2'::int[];
SELECT '{1,,2}'::int[];
-- differs: dimensions
SELECT '{{1,2},{3}}'::int[];
-- differs: dimensions
SELECT ARRAY[[1, 2], [3]];
SELECT ARRAY[];
SELECT ARRAY[1, 'x'];
SELECT ARRAY[1] || ARRAY['a'];
SELECT ARRAY[1] = ARRAY['a'::text];
SELECT 1 = ANY (2);
SELECT 'a' = ANY (ARRAY[1]);
SELECT (5)[1];
SELECT array_length(5, 1);
-- differs: error-code
SELECT unnest(5);
-- differs: error-code
SELECT array_append(ARRAY[1], 'x');
-- differs: error-words
SELECT array_cat(ARRAY[1], 2);
SELECT sum(x) FROM unnest(ARRAY[1, 2, 3]) x;
SELECT min(x), max(x) FROM unnest('{b,a,c}'::text[]) x;
SELECT x, count(*) FROM unnest('{a,b,a}'::text[]) x GROUP BY x ORDER BY x;
SELECT array_agg(x ORDER BY x) FROM (SELECT DISTINCT unnest(ARRAY[3, 1, 3]) AS x) s;
SELECT DISTINCT i FROM arr ORDER BY i;
SELECT i, count(*) FROM arr GROUP BY i ORDER BY i NULLS LAST;
SELECT count(*) FROM arr a JOIN arr b ON a.i && b.i;
SELECT id, i || id, array_append(t, id::text) FROM arr ORDER BY id;
SELECT id, (SELECT sum(x) FROM unnest(i) x) FROM arr ORDER BY id;
SELECT id, array_to_string(t, '|', '?') FROM arr ORDER BY id;
SELECT id, CASE WHEN i IS NULL THEN '{}' ELSE i END, coalesce(i, '{0}') FROM arr ORDER BY id;
-- differs: syntax
SELECT id FROM arr WHERE id = ANY (ARRAY(SELECT unnest(i) FROM arr WHERE id = 1)) ORDER BY id;
SELECT id FROM arr WHERE (id, 1) IN (SELECT x, 1 FROM unnest(ARRAY[2, 3]) x) ORDER BY id;
UPDATE arr SET i[2] = 20 WHERE id = 1 RETURNING i;
UPDATE arr SET i[6] = 60 WHERE id = 1 RETURNING i;
-- differs: unsupported
UPDATE arr SET i[1:2] = '{7,8}' WHERE id = 1 RETURNING i;
-- differs: array-values
UPDATE arr SET i = i || 99 WHERE id = 1 RETURNING i;
UPDATE arr SET i[1] = 1 WHERE id = 3 RETURNING i;
-- differs: dimensions
UPDATE grids SET m[1][1] = 100 WHERE id = 1 RETURNING m;
UPDATE arr SET t = array_remove(t, 'b') WHERE 'b' = ANY (t) RETURNING t;
INSERT INTO arr (id, i, t) VALUES (10, ARRAY[1, NULL], ARRAY['a', 'b']) RETURNING i, t;
-- differs: dimensions
INSERT INTO grids (id, m) VALUES (11, ARRAY[[1, 2, 3], [4, 5, 6]]) RETURNING m, m[2][3];
INSERT INTO arr (id, i) VALUES (12, '{1,x}');
INSERT INTO arr (id, i) VALUES (12, 5);
-- differs: functions
SELECT width_bucket(5, ARRAY[1, 3, 6]), percentile_disc(ARRAY[0, 1]) WITHIN GROUP (ORDER BY x) FROM generate_series(1, 3) x;
SELECT ARRAY[ROW(1, 'a')];
SELECT ARRAY['{"a":1}'::jsonb];
SELECT ARRAY[interval '1 day', '2 hours'];
SELECT ARRAY['\x01'::bytea];
SELECT ARRAY[timestamp '2024-01-01 10:00'];
SELECT ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid];
SELECT ARRAY[B'10', B'01'];
SELECT ARRAY['[1,2]'::vector];
SELECT pg_typeof(ARRAY['[1,2]'::vector]);
SELECT pg_typeof('{}'::date[]);
SELECT pg_typeof(ARRAY[]::timestamptz[]);
SELECT pg_typeof(array_agg(1));
SELECT pg_typeof(string_to_array('a', ','));
SELECT '{1,2,3}'::int[] - 1;
SELECT icount('{1}'::int[]);
-- differs: accepted
SELECT array_max('{1}'::int[]);
SELECT ARRAY[1,2,3] IS NOT NULL, ARRAY[NULL]::int[] IS NULL, ARRAY[1] IS DISTINCT FROM ARRAY[1], '{1}' = ARRAY[1];
SELECT data_type, udt_name FROM information_schema.columns WHERE table_name = 'arr' ORDER BY ordinal_position;
SELECT typname, typelem::regtype FROM pg_type WHERE typname IN ('_int4', '_text') ORDER BY 1;
-- differs: unsupported
CREATE FUNCTION first_of(anyarray) RETURNS anyelement LANGUAGE sql AS 'SELECT $1[1]';
SELECT array_length(array_agg(g), 1) FROM generate_series(1, 10000) g;
-- differs: unsupported
SELECT array_agg(v)[1] FROM (VALUES (1)) t (v);
