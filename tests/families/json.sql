-- json and jsonb: operators, functions, paths, building, SQL/JSON.

-- setup
CREATE TABLE docs (id int PRIMARY KEY, j json, b jsonb);
INSERT INTO docs VALUES (1, '{"a": 1, "b": {"c": [1, 2, {"d": "x"}]}, "e": null}', '{"a": 1, "b": {"c": [1, 2, {"d": "x"}]}, "e": null}'), (2, '[1, "two", 3.5, true, null, [], {}]', '[1, "two", 3.5, true, null, [], {}]'), (3, '"text"', '"text"'), (4, '42', '42'), (5, NULL, NULL), (6, '{"tags": ["red", "blue"], "price": 12.50, "name": "pen", "stock": {"n": 3}}', '{"tags": ["red", "blue"], "price": 12.50, "name": "pen", "stock": {"n": 3}}'), (7, '{"tags": ["green"], "price": 3, "name": "ink"}', '{"tags": ["green"], "price": 3, "name": "ink"}');

-- try
SELECT id, j FROM docs ORDER BY id;
SELECT id, b FROM docs ORDER BY id;
SELECT '{"b": 1,   "a": [1 , 2], "a": 3}'::json;
SELECT '{"b": 1,   "a": [1 , 2], "a": 3}'::jsonb;
SELECT '1.50'::jsonb;
SELECT '1e3'::jsonb;
SELECT '-0'::jsonb;
SELECT '1E-5'::jsonb;
SELECT '12345678901234567890.5'::jsonb;
SELECT '"\u00e9\n"'::jsonb;
SELECT 'null'::jsonb;
SELECT '" "'::jsonb;
SELECT '{"aa": 1, "b": 2, "c": {"z": 1, "y": 2}}'::jsonb;
SELECT '[]'::jsonb;
SELECT '{}'::jsonb;
SELECT '[[1],[2]]'::jsonb;
SELECT '  [1 ,2]  '::json;
SELECT '{a: 1}'::jsonb;
SELECT '{"a": }'::json;
SELECT '[1, 2'::jsonb;
SELECT ''::jsonb;
SELECT 'nope'::json;
SELECT '"\u0000"'::jsonb;
SELECT '{"a": 1} x'::jsonb;
SELECT '01'::json;
SELECT id, j -> 'a', j ->> 'a', b -> 'a', b ->> 'a' FROM docs WHERE id < 3 ORDER BY id;
SELECT b -> 'b' -> 'c' -> 0, b -> 'b' -> 'c' -> 2 ->> 'd', b #> '{b,c,1}', b #>> '{b,c,2,d}', b #> '{}', b -> 'x', b ->> 'e', b -> 'e' FROM docs WHERE id = 1;
SELECT j -> 0, j -> -1, j ->> 1, j -> 10, j ->> 4, j -> 'a' FROM docs WHERE id = 2;
SELECT b -> 0, b -> -1, b ->> 1, b -> 10, b ->> 4, b -> 'a' FROM docs WHERE id = 2;
-- differs: refused
SELECT b['a'], b['b']['c'][1], b['nothing'], b['b']['c'][-1]['d'] FROM docs WHERE id = 1;
-- differs: numeric-scale
SELECT (b ->> 'price')::numeric * 2, (b -> 'price')::numeric, (b -> 'stock' ->> 'n')::int + 1 FROM docs WHERE id = 6;
SELECT id FROM docs WHERE b @> '{"name": "pen"}';
SELECT id FROM docs WHERE b @> '{"tags": ["red"]}';
SELECT id FROM docs WHERE b -> 'tags' ? 'green';
SELECT id FROM docs WHERE b ? 'a' OR b ? 'name' ORDER BY id;
SELECT id FROM docs WHERE b ?| ARRAY['a', 'price'] ORDER BY id;
SELECT id FROM docs WHERE b ?& ARRAY['name', 'stock'] ORDER BY id;
SELECT id FROM docs WHERE '{"name": "ink", "x": 1, "tags": ["green"], "price": 3}' @> b;
SELECT id FROM docs WHERE b <@ '{"name": "ink", "x": 1, "tags": ["green", "blue"], "price": 3}';
SELECT id FROM docs WHERE b ->> 'name' LIKE 'p%';
SELECT id FROM docs WHERE (b ->> 'price')::float > 5;
SELECT id FROM docs WHERE b -> 'price' > '5' ORDER BY id;
SELECT id FROM docs WHERE b = '42';
SELECT id FROM docs WHERE b -> 'e' = 'null' OR b ->> 'e' IS NULL AND b ? 'e';
SELECT id FROM docs ORDER BY b -> 'price' NULLS LAST, id;
SELECT id FROM docs WHERE b IS NOT NULL ORDER BY b;
SELECT '[1,2,3]'::jsonb @> '[3,1]';
SELECT '[1,2]'::jsonb @> '1';
SELECT '{"a":{"b":1}}'::jsonb @> '{"a":{}}';
SELECT '[1,[2]]'::jsonb @> '[[2]]';
SELECT '"a"'::jsonb @> '"a"';
SELECT '[]'::jsonb <@ '[1]';
SELECT '{"a":1}'::jsonb = '{"a":1.0}';
SELECT '{"a":1,"b":2}'::jsonb = '{"b":2,"a":1}';
SELECT '[1]'::jsonb < '[2]';
SELECT '{}'::jsonb > '[]';
SELECT 'null'::jsonb < '"a"';
SELECT 'true'::jsonb > '5';
SELECT '["a","b"]'::jsonb ? 'a';
SELECT '"a"'::jsonb ? 'a';
SELECT '[1]'::jsonb ? '1';
SELECT '{"a":{"b":1}}'::jsonb ? 'b';
SELECT '{"a":1}'::jsonb || '{"b":2}';
SELECT '{"a":1}'::jsonb || '{"a":2}';
SELECT '[1]'::jsonb || '[2]';
SELECT '[1]'::jsonb || '2';
SELECT '1'::jsonb || '2';
SELECT '{"a":1}'::jsonb || '[]';
SELECT '{}'::jsonb || NULL;
SELECT '{"a":1,"b":2}'::jsonb - 'a';
SELECT '{"a":1,"b":2}'::jsonb - ARRAY['a','b'];
SELECT '["a","b","a"]'::jsonb - 'a';
SELECT '[1,2,3]'::jsonb - 1;
SELECT '[1,2,3]'::jsonb - -1;
SELECT '{"a":{"b":1,"c":2}}'::jsonb #- '{a,b}';
SELECT '[1,[2,3]]'::jsonb #- '{1,0}';
SELECT '{"a":1}'::jsonb - 0;
SELECT '1'::jsonb - 'a';
SELECT '{"a":1}'::json || '{}'::json;
-- differs: accepted
SELECT '{"a":1}'::json = '{"a":1}'::json;
SELECT to_json('a'::text);
SELECT to_json(1.50);
SELECT to_json(true);
SELECT to_json(NULL::text);
SELECT to_json(ARRAY[1, 2]);
SELECT to_json(date '2024-01-01');
SELECT to_json(timestamp '2024-01-01 10:00');
SELECT to_json(row(1, 'a'));
SELECT to_json('"q"\n'::text);
SELECT to_jsonb('a'::text);
SELECT to_jsonb(1.50);
SELECT to_jsonb(ARRAY['x', NULL]);
SELECT to_jsonb(timestamptz '2024-01-01 10:00+00');
SELECT to_jsonb('{"a":1}'::json);
SELECT to_jsonb(interval '1 day');
SELECT to_jsonb('NaN'::float8);
SELECT row_to_json(row(1, 'a', NULL)), row_to_json(d) FROM (SELECT 1 AS x, 'y' AS y) d;
-- differs: functions
SELECT row_to_json(d, true) FROM (SELECT 1 AS x, 'y' AS y) d;
-- differs: dimensions
SELECT array_to_json(ARRAY[[1, 2], [3, 4]]);
SELECT array_to_json(ARRAY['a', 'b']);
SELECT array_to_json('{}'::int[]);
SELECT json_build_object('a', 1, 'b', 'x', 'c', NULL, 'd', ARRAY[1, 2], 'e', true);
SELECT jsonb_build_object('b', 1, 'a', 2.50);
SELECT json_build_object();
SELECT jsonb_build_object('n', jsonb_build_object('m', 1));
SELECT json_build_array(1, 'a', NULL, true, '{"x":1}'::jsonb);
SELECT jsonb_build_array(1, 2.5, ARRAY[1]);
SELECT json_build_array();
SELECT json_build_object('a');
SELECT jsonb_build_object(NULL, 1);
SELECT json_object('{a,1,b,2}');
SELECT json_object('{a,b}', '{1,2}');
SELECT jsonb_object('{a,1,b,NULL}');
-- differs: dimensions
SELECT json_object('{{a,1},{b,2}}');
SELECT json_object('{a,1,b}');
SELECT json_array_length('[1,2,[3]]');
SELECT jsonb_array_length('[]');
SELECT jsonb_array_length('[1,{"a":2}]');
SELECT jsonb_array_length('{"a":1}');
SELECT json_typeof('{}');
SELECT json_typeof('[]');
SELECT json_typeof('"a"');
SELECT json_typeof('1');
SELECT json_typeof('true');
SELECT json_typeof('null');
SELECT jsonb_typeof('1.5');
SELECT jsonb_typeof(NULL);
SELECT * FROM json_each('{"a": 1, "b": "x"}');
SELECT * FROM jsonb_each('{"b": {"c": 1}, "a": [1]}');
SELECT * FROM jsonb_each_text('{"a": 1, "b": "x", "c": null, "d": {"e": 1}}');
SELECT key, value FROM docs, jsonb_each_text(b) WHERE id = 7 ORDER BY key;
SELECT json_object_keys('{"b": 1, "a": 2}');
SELECT jsonb_object_keys('{"b": 1, "a": 2, "cc": 3}');
-- differs: order-of-sets
SELECT id, k FROM docs, jsonb_object_keys(b) k WHERE id IN (6, 7) ORDER BY id, k;
SELECT * FROM json_array_elements('[1, "a", null, {"x": 1}]');
SELECT * FROM jsonb_array_elements('[1, "a", null, [2]]') WITH ORDINALITY;
SELECT * FROM jsonb_array_elements_text('[1, "a", null, {"x": 1}]');
-- differs: order-of-sets
SELECT id, t FROM docs CROSS JOIN LATERAL jsonb_array_elements_text(b -> 'tags') t WHERE id > 5 ORDER BY id, t;
SELECT jsonb_array_elements('{"a":1}');
-- differs: error-code
SELECT jsonb_each('[1]');
-- differs: column-types
SELECT json_extract_path('{"a":{"b":1}}', 'a', 'b');
SELECT json_extract_path_text('{"a":["x"]}', 'a', '0');
SELECT jsonb_extract_path('{"a":{"b":[5]}}', 'a', 'b', '0');
SELECT jsonb_extract_path_text('{"a":null}', 'a');
SELECT jsonb_set('{"a":1}', '{a}', '2');
SELECT jsonb_set('{"a":1}', '{b}', '2');
SELECT jsonb_set('{"a":1}', '{b}', '2', false);
SELECT jsonb_set('{"a":[1,2]}', '{a,1}', '"x"');
SELECT jsonb_set('{"a":[1,2]}', '{a,-1}', '9');
SELECT jsonb_set('{"a":[1]}', '{a,5}', '9');
SELECT jsonb_set('[1]', '{0}', '{"b":1}');
SELECT jsonb_set('{"a":{}}', '{a,b,c}', '1');
SELECT jsonb_set('{"a":1}', '{a}', NULL);
-- differs: functions
SELECT jsonb_set_lax('{"a":1}', '{a}', NULL);
-- differs: functions
SELECT jsonb_set_lax('{"a":1}', '{a}', NULL, true, 'delete_key');
SELECT jsonb_insert('{"a":[0,1]}', '{a,1}', '"new"');
SELECT jsonb_insert('{"a":[0,1]}', '{a,1}', '"new"', true);
SELECT jsonb_insert('{"a":1}', '{b}', '2');
SELECT jsonb_insert('[1,2]', '{-1}', '9');
SELECT jsonb_insert('{"a":1}', '{a}', '2');
SELECT jsonb_pretty('{"a":[1,{"b":2}],"c":{}}');
SELECT jsonb_pretty('[]');
SELECT jsonb_pretty('1');
SELECT jsonb_strip_nulls('{"a":null,"b":[null,{"c":null}],"d":1}');
-- differs: json-values
SELECT json_strip_nulls('{"a":null,"b":1}');
SELECT jsonb_agg(id ORDER BY id), json_agg(b -> 'name' ORDER BY id) FROM docs WHERE id > 5;
SELECT jsonb_object_agg(b ->> 'name', b -> 'price') FROM docs WHERE id > 5;
SELECT json_object_agg(k, v) FROM (VALUES ('a', 1), ('b', NULL)) t (k, v);
SELECT jsonb_agg(t) FROM (SELECT id, b ->> 'name' AS name FROM docs WHERE id > 5 ORDER BY id) t;
SELECT json_agg(row_to_json(t)) FROM (SELECT 1 AS a, ARRAY[1,2] AS b) t;
-- differs: error-code
SELECT jsonb_object_agg(NULL, 1);
SELECT * FROM json_to_record('{"a": 1, "b": "x", "c": [1,2]}') AS t (a int, b text, c int[]);
SELECT * FROM jsonb_to_record('{"a": 1.5, "b": {"c": 1}}') AS t (a numeric, b jsonb, missing text);
SELECT * FROM jsonb_to_recordset('[{"a": 1, "b": "x"}, {"a": 2}]') AS t (a int, b text) ORDER BY a;
SELECT * FROM json_to_recordset('[{"d": "2024-01-01"}]') AS t (d date);
CREATE TABLE shape (a int, b text, c int[]);
-- differs: functions
SELECT * FROM jsonb_populate_record(NULL::shape, '{"a": 1, "b": "x", "c": [1, 2]}');
-- differs: functions
SELECT * FROM jsonb_populate_recordset(NULL::shape, '[{"a": 1}, {"b": "y"}]') ORDER BY a;
-- differs: functions
SELECT * FROM json_populate_record(ROW(9, 'z', NULL)::shape, '{"a": 1}');
-- differs: functions
INSERT INTO shape SELECT * FROM jsonb_populate_record(NULL::shape, '{"a": 5, "b": "ins"}') RETURNING *;

-- SQL/JSON paths
SELECT jsonb_path_query('{"a": [1, 2, 3]}', '$.a[*]');
SELECT jsonb_path_query('{"a": [1, 2, 3]}', '$.a[*] ? (@ > 1)');
SELECT jsonb_path_query_array('{"a": [1, 2, 3]}', '$.a[*] ? (@ >= $min)', '{"min": 2}');
SELECT jsonb_path_query_first('{"a": [1, 2, 3]}', '$.a[last]');
SELECT jsonb_path_exists('{"a": [1, 2, 3]}', '$.a[*] ? (@ > 2)');
SELECT jsonb_path_exists('{"a": 1}', '$.b');
SELECT jsonb_path_match('{"a": 1}', '$.a == 1');
SELECT jsonb_path_match('{"a": [1,2]}', 'exists($.a[*] ? (@ > 1))');
SELECT '{"a": [1, 2, 3]}'::jsonb @? '$.a[*] ? (@ > 2)';
SELECT '{"a": [1, 2, 3]}'::jsonb @@ '$.a[*] > 2';
SELECT '{"a": 1}'::jsonb @? '$.b';
SELECT id FROM docs WHERE b @? '$.tags[*] ? (@ == "red")';
SELECT id FROM docs WHERE b @@ '$.price > 5';
SELECT id FROM docs WHERE jsonb_path_exists(b, '$.tags ? (@.size() > 1)');
SELECT jsonb_path_query(b, '$.b.c[2].d') FROM docs WHERE id = 1;
SELECT jsonb_path_query_array(b, '$.*') FROM docs WHERE id = 7;
SELECT jsonb_path_query_array('[{"x": 1}, {"x": 2}, {"y": 3}]', '$[*].x');
SELECT jsonb_path_query_array('[1, "a", true, null]', '$[*].type()');
SELECT jsonb_path_query_array('{"a": {"b": {"c": 1}}}', '$.**.c');
SELECT jsonb_path_query_array('[1, 2, 3, 4, 5]', '$[1 to 3]');
SELECT jsonb_path_query_array('[1, 2, 3]', '$[0, 2]');
SELECT jsonb_path_query_array('[-1, 2.7]', '$[*].abs()');
SELECT jsonb_path_query_array('[1.2, 2.7]', '$[*].floor()');
SELECT jsonb_path_query_array('["12", "3.5"]', '$[*].double()');
SELECT jsonb_path_query('[1, 2]', '$[0] + $[1]');
SELECT jsonb_path_query('{"a": 7}', '$.a % 4');
SELECT jsonb_path_query('{"a": 2}', '-$.a');
SELECT jsonb_path_query('[3, 4]', '$.size()');
SELECT jsonb_path_query('{"a": 1, "b": 2}', '$.keyvalue()');
SELECT jsonb_path_query_array('["abc", "xyz", "abd"]', '$[*] ? (@ like_regex "^ab")');
SELECT jsonb_path_query_array('["abc", "xyz"]', '$[*] ? (@ starts with "ab")');
SELECT jsonb_path_query_array('["ABC"]', '$[*] ? (@ like_regex "abc" flag "i")');
SELECT jsonb_path_query_array('[1, 2, 3, 4]', '$[*] ? (@ > 1 && @ < 4)');
SELECT jsonb_path_query_array('[1, 2, 3, 4]', '$[*] ? (@ == 1 || @ == 4)');
SELECT jsonb_path_query_array('[1, 2]', '$[*] ? (!(@ == 1))');
SELECT jsonb_path_query_array('[{"a": 1}, {}]', '$[*] ? (exists(@.a))');
SELECT jsonb_path_query_array('[1, null]', '$[*] ? (@ == null)');
SELECT jsonb_path_query_array('["a", 1]', '$[*] ? ((@ > 0) is unknown)');
SELECT jsonb_path_query('{"a": [1, 2]}', 'strict $.a.b');
SELECT jsonb_path_query('{"a": 1}', 'strict $.b');
SELECT jsonb_path_query('{"a": 1}', 'strict $.b', '{}', true);
SELECT jsonb_path_query('[1]', 'lax $[5]');
SELECT jsonb_path_query('{"a": "x"}', '$.a.double()');
SELECT jsonb_path_query('{"a": 1}', '$.a ? (@ > "x")');
SELECT jsonb_path_query('{}', '$.');
-- differs: types
SELECT '$.a[*] ? (@ > 1)'::jsonpath;
-- differs: types
SELECT '$."a b".c'::jsonpath;
SELECT 'strict $[0 to last]'::jsonpath;
-- differs: types
SELECT '$ . a'::jsonpath;
-- differs: error-code
SELECT 'not a path ['::jsonpath;
-- differs: unsupported
SELECT jsonb_path_query_array('["2024-01-01", "2024-02-01"]', '$[*].datetime() ? (@ > "2024-01-15".datetime())');
-- differs: functions
SELECT jsonb_path_query_tz('"2024-01-01 10:00:00+00"', '$.datetime()');
SELECT JSON_VALUE('{"a": 1}', '$.a');
SELECT JSON_VALUE('{"a": "x"}', '$.a' RETURNING text);
SELECT JSON_VALUE('{"a": 5}', '$.a' RETURNING int);
-- differs: syntax
SELECT JSON_VALUE('{}', '$.a' DEFAULT 'none' ON EMPTY);
SELECT JSON_QUERY('{"a": [1,2]}', '$.a');
-- differs: syntax
SELECT JSON_QUERY('{"a": [1,2]}', '$.a[*]' WITH WRAPPER);
SELECT JSON_EXISTS('{"a": 1}', '$.a');
SELECT JSON_EXISTS('{"a": 1}', '$.b');
SELECT JSON_OBJECT('a' : 1, 'b' : 'x');
SELECT JSON_OBJECT('a' VALUE 1 ABSENT ON NULL);
SELECT JSON_ARRAY(1, 'a', NULL);
SELECT JSON_ARRAY(1, NULL NULL ON NULL);
SELECT JSON_OBJECTAGG(k : v), JSON_ARRAYAGG(v ORDER BY k) FROM (VALUES ('a', 1), ('b', 2)) t (k, v);
SELECT '{"a":1}' IS JSON;
SELECT '[1]' IS JSON ARRAY;
SELECT '1' IS JSON SCALAR;
SELECT 'x' IS JSON;
SELECT '{}' IS NOT JSON OBJECT;
-- differs: unsupported
SELECT * FROM JSON_TABLE('[{"a": 1, "b": "x"}, {"a": 2}]', '$[*]' COLUMNS (a int PATH '$.a', b text PATH '$.b', n FOR ORDINALITY)) t;
SELECT JSON('{"a":1}');
SELECT JSON_SCALAR(1);
SELECT JSON_SERIALIZE('{"a":1}' RETURNING text);

-- changes and casts
UPDATE docs SET b = jsonb_set(b, '{price}', '99') WHERE id = 7 RETURNING b;
UPDATE docs SET b = b - 'tags' || '{"sold": true}' WHERE id = 7 RETURNING b;
-- differs: unsupported
UPDATE docs SET b['deep']['er'] = '1' WHERE id = 7 RETURNING b;
-- differs: unsupported
UPDATE docs SET b['stock']['n'] = to_jsonb((b['stock']['n'])::int + 1) WHERE id = 6 RETURNING b -> 'stock';
SELECT '5'::jsonb::int;
SELECT '5.7'::jsonb::numeric;
SELECT 'true'::jsonb::boolean;
SELECT '"x"'::jsonb::text;
SELECT '[1]'::jsonb::text;
SELECT '5'::jsonb::float8;
SELECT '5.5'::jsonb::int;
SELECT '"5"'::jsonb::int;
SELECT 'null'::jsonb::int;
SELECT '{"a":1}'::json::jsonb;
SELECT '{"a": 1}'::jsonb::json;
SELECT '{"a":1}'::text::jsonb;
SELECT '"a"'::jsonb #>> '{}';
SELECT pg_typeof('{}'::jsonb -> 'a');
SELECT pg_typeof('{}'::jsonb ->> 'a');
SELECT jsonb_array_elements_text('["b","a"]') AS v ORDER BY v;
SELECT DISTINCT b -> 'price' FROM docs WHERE id > 5 ORDER BY 1;
SELECT b -> 'name' AS n, count(*) FROM docs WHERE id > 5 GROUP BY b -> 'name' ORDER BY n;
SELECT count(*) FROM docs WHERE jsonb_typeof(b) = 'object';
-- differs: numeric-scale
SELECT sum((b ->> 'price')::numeric), max(b ->> 'name') FROM docs WHERE b ? 'price';
SELECT (SELECT jsonb_agg(x ORDER BY x DESC) FROM jsonb_array_elements('[3,1,2]') x);
SELECT coalesce(b -> 'zz', '"none"') FROM docs WHERE id = 6;
SELECT jsonb_concat('{"a":1}', '{"b":2}');
SELECT jsonb_delete('{"a":1}', 'a');
SELECT jsonb_exists('{"a":1}', 'a');
SELECT jsonb_contains('[1,2]', '[1]');
