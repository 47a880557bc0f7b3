-- Aggregates, GROUP BY, HAVING, grouping sets.

-- setup
CREATE TABLE sales (id int PRIMARY KEY, region text, product text, quantity int, price numeric(8,2), weight double precision, sold date, paid boolean, tags text[]);
INSERT INTO sales VALUES
 (1, 'north', 'pen', 10, 1.50, 0.1, '2024-01-01', true, '{a,b}'), (2, 'north', 'ink', 2, 8.00, 0.5, '2024-01-02', true, '{b}'),
 (3, 'south', 'pen', 7, 1.25, 0.1, '2024-01-02', false, '{}'), (4, 'south', 'desk', 1, 180.00, 25.5, '2024-02-01', NULL, NULL),
 (5, 'east', 'lamp', 3, 35.00, 2.25, '2024-02-03', true, '{c}'), (6, 'east', 'pen', NULL, 1.50, NULL, '2024-02-04', false, '{a}'),
 (7, NULL, 'ink', 5, 7.75, 0.5, '2024-03-01', true, '{a,c}'), (8, 'north', 'pen', 10, NULL, 0.1, NULL, true, NULL);
CREATE TABLE nothing (i int, n numeric, f float8, t text, b boolean, d date);
CREATE TABLE points (x float8, y float8);
INSERT INTO points VALUES (1, 2), (2, 4.1), (3, 5.9), (4, 8.2), (5, 9.8);
CREATE TABLE ints (s smallint, i int, b bigint);
INSERT INTO ints VALUES (1, 10, 100), (2, 20, 200), (-3, 30, NULL), (32767, 2147483647, 9223372036854775807);

-- try
SELECT count(*) FROM sales;
SELECT count(quantity), count(DISTINCT product), count(ALL region) FROM sales;
SELECT sum(quantity), avg(quantity), min(quantity), max(quantity) FROM sales;
SELECT sum(price), avg(price), min(price), max(price) FROM sales;
SELECT sum(weight), avg(weight), min(weight), max(weight) FROM sales;
SELECT min(sold), max(sold) FROM sales;
SELECT min(product), max(product) FROM sales;
SELECT min(sold::timestamp), max(sold + interval '1 hour') FROM sales;
SELECT sum(sold - date '2024-01-01') FROM sales;
SELECT sum(interval '1 day' * quantity), avg(interval '1 day' * quantity) FROM sales;
SELECT min(tags), max(tags) FROM sales;
SELECT bool_and(paid), bool_or(paid), every(paid) FROM sales;
SELECT bit_and(quantity), bit_or(quantity), bit_xor(quantity) FROM sales;
SELECT string_agg(product, ', ' ORDER BY id) FROM sales;
SELECT string_agg(product, ', ' ORDER BY product DESC, id) FROM sales WHERE id < 5;
SELECT string_agg(DISTINCT product, '|' ORDER BY product) FROM sales;
-- differs: unsupported
SELECT string_agg(region, region ORDER BY id) FROM sales;
SELECT array_agg(quantity ORDER BY id) FROM sales;
SELECT array_agg(DISTINCT region ORDER BY region) FROM sales;
SELECT array_agg(DISTINCT region ORDER BY region DESC NULLS LAST) FROM sales;
SELECT array_agg(price ORDER BY price DESC NULLS LAST) FROM sales;
-- differs: array-values
SELECT array_agg(tags ORDER BY id) FROM sales WHERE id IN (5, 6);
SELECT json_agg(product ORDER BY id) FROM sales WHERE id < 4;
SELECT jsonb_agg(quantity ORDER BY id) FROM sales;
SELECT json_object_agg(id, product ORDER BY id) FROM sales WHERE id < 4;
SELECT jsonb_object_agg(id, price) FROM sales WHERE id < 4;
SELECT jsonb_object_agg(product, quantity ORDER BY id) FROM sales;
-- differs: json-values
SELECT json_agg(s ORDER BY id) FROM (SELECT id, region FROM sales WHERE id < 3) s;
SELECT region, count(*) FROM sales GROUP BY region ORDER BY region;
SELECT region, product, sum(quantity) FROM sales GROUP BY region, product ORDER BY region, product;
SELECT region, sum(quantity * price) AS revenue FROM sales GROUP BY region ORDER BY revenue DESC NULLS LAST;
SELECT region, count(*) FROM sales GROUP BY 1 ORDER BY 2 DESC, 1;
SELECT upper(region) AS r, count(*) FROM sales GROUP BY upper(region) ORDER BY r;
SELECT upper(region) AS r, count(*) FROM sales GROUP BY r ORDER BY r;
SELECT extract(month FROM sold) AS month, count(*) FROM sales GROUP BY month ORDER BY month;
SELECT date_trunc('month', sold) AS month, sum(quantity) FROM sales GROUP BY 1 ORDER BY 1;
SELECT quantity > 5 AS many, count(*) FROM sales GROUP BY many ORDER BY many;
SELECT paid, count(*) FROM sales GROUP BY paid ORDER BY paid NULLS FIRST;
SELECT id, product FROM sales GROUP BY id ORDER BY id LIMIT 2;
SELECT region FROM sales GROUP BY region ORDER BY count(*) DESC, region;
SELECT region, count(*) FROM sales GROUP BY region HAVING count(*) > 1 ORDER BY region;
SELECT region FROM sales GROUP BY region HAVING sum(quantity) > 5 AND region IS NOT NULL ORDER BY region;
SELECT count(*) FROM sales HAVING count(*) > 100;
-- differs: refused
SELECT 1 FROM sales HAVING true;
SELECT region, max(price) - min(price) AS span FROM sales GROUP BY region ORDER BY region;
SELECT region, avg(price)::numeric(8,2) FROM sales GROUP BY region ORDER BY region;
SELECT region, round(avg(quantity), 2) FROM sales GROUP BY region ORDER BY region;
SELECT count(*) FILTER (WHERE paid), count(*) FILTER (WHERE NOT paid), count(*) FILTER (WHERE paid IS NULL) FROM sales;
SELECT region, sum(quantity) FILTER (WHERE product = 'pen') FROM sales GROUP BY region ORDER BY region;
SELECT string_agg(product, ',' ORDER BY id) FILTER (WHERE price > 5) FROM sales;
SELECT array_agg(id ORDER BY id) FILTER (WHERE region = 'west') FROM sales;
SELECT sum(DISTINCT quantity), avg(DISTINCT price), count(DISTINCT (region, product)) FROM sales;
SELECT sum(quantity) + count(*) * 2, sum(quantity)::float / count(*) FROM sales;
SELECT sum(CASE WHEN paid THEN quantity ELSE 0 END) FROM sales;
SELECT coalesce(sum(i), 0), sum(i), count(i), avg(i), min(t), max(d), bool_and(b) FROM nothing;
SELECT array_agg(i), string_agg(t, ','), json_agg(i), jsonb_object_agg(t, i) FROM nothing;
-- differs: column-types
SELECT stddev(f), variance(f), corr(f, f), var_pop(n), mode() WITHIN GROUP (ORDER BY i) FROM nothing;
SELECT i, count(*) FROM nothing GROUP BY i;
-- differs: numeric-functions
SELECT stddev(quantity), stddev_pop(quantity), stddev_samp(quantity) FROM sales;
-- differs: numeric-functions
SELECT variance(quantity), var_pop(quantity), var_samp(quantity) FROM sales;
SELECT stddev(weight), var_pop(weight) FROM sales;
-- differs: numeric-functions
SELECT stddev(price), variance(price) FROM sales;
-- differs: numeric-digits
SELECT corr(y, x), covar_pop(y, x), covar_samp(y, x) FROM points;
-- differs: numeric-digits
SELECT regr_slope(y, x), regr_intercept(y, x), regr_r2(y, x), regr_count(y, x) FROM points;
-- differs: numeric-digits
SELECT regr_avgx(y, x), regr_avgy(y, x), regr_sxx(y, x), regr_syy(y, x), regr_sxy(y, x) FROM points;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY weight) FROM sales;
-- differs: numeric-digits
SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY x), percentile_cont(0.9) WITHIN GROUP (ORDER BY y DESC) FROM points;
-- differs: functions
SELECT percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY x) FROM points;
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY quantity) FROM sales;
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY product) FROM sales;
-- differs: refused
SELECT percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY quantity) FROM sales;
SELECT mode() WITHIN GROUP (ORDER BY product) FROM sales;
SELECT region, mode() WITHIN GROUP (ORDER BY quantity) FROM sales GROUP BY region ORDER BY region;
-- differs: functions
SELECT rank(5) WITHIN GROUP (ORDER BY quantity), dense_rank(10) WITHIN GROUP (ORDER BY quantity) FROM sales;
-- differs: functions
SELECT percent_rank(5) WITHIN GROUP (ORDER BY quantity), cume_dist(5) WITHIN GROUP (ORDER BY quantity) FROM sales;
SELECT any_value(region) FROM sales WHERE region = 'north';
-- differs: functions
SELECT range_agg(int4range(quantity, quantity + 2)) FROM sales;
SELECT region, product, count(*) FROM sales GROUP BY ROLLUP (region, product) ORDER BY region, product, 3;
SELECT region, product, count(*) FROM sales GROUP BY CUBE (region, product) ORDER BY region, product, 3;
SELECT region, product, sum(quantity) FROM sales GROUP BY GROUPING SETS ((region), (product), ()) ORDER BY region, product, 3;
SELECT region, grouping(region), count(*) FROM sales GROUP BY ROLLUP (region) ORDER BY grouping(region), region;
SELECT region, product, grouping(region, product) AS g, count(*) FROM sales GROUP BY CUBE (region, product) ORDER BY g, region, product, 4;
SELECT region, paid, count(*) FROM sales GROUP BY region, ROLLUP (paid) ORDER BY region, paid, 3;
SELECT region, count(*) FROM sales GROUP BY ROLLUP (region) HAVING grouping(region) = 1;
-- differs: unsupported
SELECT count(*) FROM sales GROUP BY ();
SELECT count(*) FROM nothing GROUP BY GROUPING SETS ((), ());
-- differs: syntax
SELECT region, product FROM sales GROUP BY DISTINCT ROLLUP (region, product), ROLLUP (region) ORDER BY 1, 2;
SELECT sum(s), sum(i), pg_typeof(sum(s)), pg_typeof(sum(i)) FROM ints;
SELECT sum(b), pg_typeof(sum(b)), avg(b) FROM ints;
SELECT avg(s), avg(i), pg_typeof(avg(i)) FROM ints;
-- differs: real
SELECT sum(1.5), sum(1.5::real), sum(2.5::float8), pg_typeof(sum(1.5::real)) FROM ints;
SELECT max(s), min(b), pg_typeof(max(s)) FROM ints;
SELECT sum(price), pg_typeof(sum(price)), pg_typeof(avg(price)), pg_typeof(avg(weight)) FROM sales;
SELECT avg(x) FROM (VALUES (1), (2), (4)) v (x);
SELECT avg(x) FROM (VALUES (1.0), (2.0)) v (x);
SELECT avg(x) FROM (VALUES (1::real), (2.5)) v (x);
SELECT sum(x) FROM (VALUES ('NaN'::float8), (1)) v (x);
SELECT max(x), min(x) FROM (VALUES ('NaN'::float8), (1), ('-Infinity')) v (x);
SELECT sum(x) FROM (VALUES (0.1), (0.2), (0.3)) v (x);
SELECT sum(x) FROM (VALUES (0.1::float8), (0.2), (0.3)) v (x);
SELECT count(*), sum(g) FROM generate_series(1, 1000) g;
-- differs: numeric-functions
SELECT avg(g), stddev(g) FROM generate_series(1, 100) g;
SELECT g % 3 AS m, count(*), sum(g), min(g), max(g) FROM generate_series(1, 100) g GROUP BY m ORDER BY m;
SELECT region, (SELECT count(*) FROM sales s2 WHERE s2.region = s.region) FROM sales s GROUP BY region ORDER BY region;
SELECT max(total) FROM (SELECT sum(quantity) AS total FROM sales GROUP BY region) t;
SELECT region, sum(quantity), sum(sum(quantity)) OVER (ORDER BY region) FROM sales GROUP BY region ORDER BY region;
SELECT region, rank() OVER (ORDER BY count(*) DESC) FROM sales GROUP BY region ORDER BY 2, 1;
SELECT count(*) OVER () FROM sales GROUP BY region LIMIT 1;
SELECT DISTINCT count(*) FROM sales GROUP BY region ORDER BY 1;
SELECT product, array_agg(region ORDER BY region) AS regions FROM sales GROUP BY product HAVING array_length(array_agg(region), 1) > 1 ORDER BY product;
SELECT product, json_build_object('n', count(*), 'q', sum(quantity)) FROM sales GROUP BY product ORDER BY product;
SELECT sum(quantity) FROM sales WHERE region IN (SELECT region FROM sales GROUP BY region HAVING count(*) > 2);
SELECT region, string_agg(product || ':' || coalesce(quantity::text, '?'), ' ' ORDER BY product, id) FROM sales GROUP BY region ORDER BY region;
SELECT unnest(tags) AS tag, count(*) FROM sales GROUP BY tag ORDER BY tag;
SELECT tag, array_agg(id ORDER BY id) FROM sales, unnest(tags) tag GROUP BY tag ORDER BY tag;
SELECT min(price) FILTER (WHERE region = 'north') AS n, min(price) FILTER (WHERE region = 'south') AS s FROM sales;
SELECT bit_and(b), bit_or(b) FROM (VALUES (B'1100'), (B'1010')) v (b);
SELECT max(t), min(t) FROM (VALUES ('b'), ('a'), ('B'), ('')) v (t);
SELECT max(t COLLATE "C") FROM (VALUES ('b'), ('a'), ('Z')) v (t);
SELECT max(u) FROM (VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid::text)) v (u);
-- differs: intervals
SELECT max(i), min(i) FROM (VALUES (interval '1 month'), (interval '29 days'), (interval '31 days')) v (i);
SELECT max(t), min(t) FROM (VALUES (time '10:00'), ('09:30')) v (t);
SELECT max(b), min(b) FROM (VALUES ('\x01'::bytea), ('\xff')) v (b);
SELECT max(a), min(a) FROM (VALUES (ARRAY[1,2]), (ARRAY[1,3])) v (a);
SELECT max(r) FROM (VALUES (ROW(1, 'a')), (ROW(2, 'b'))) v (r);
SELECT quantity, count(*) FROM sales GROUP BY quantity ORDER BY quantity DESC NULLS LAST;
SELECT region, count(*) AS n FROM sales GROUP BY region ORDER BY n + 0, region;
SELECT region, product FROM sales GROUP BY region;
SELECT region, quantity + sum(quantity) FROM sales GROUP BY region;
SELECT sum(sum(quantity)) FROM sales;
SELECT region FROM sales WHERE sum(quantity) > 1 GROUP BY region;
SELECT region FROM sales GROUP BY region, sum(quantity);
-- differs: error-words
SELECT sum(product) FROM sales;
-- differs: error-words
SELECT avg(paid) FROM sales;
SELECT max(paid) FROM sales;
SELECT count() FROM sales;
-- differs: accepted
SELECT count(DISTINCT *) FROM sales;
-- differs: error-words
SELECT string_agg(product) FROM sales;
SELECT string_agg(quantity, ',') FROM sales;
SELECT region, count(*) FROM sales GROUP BY 3;
SELECT count(*) FROM sales GROUP BY nowhere;
SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY x) FROM points;
-- differs: error-words
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY product) FROM sales;
SELECT grouping(region) FROM sales;
SELECT sum(b + 1) FROM ints;
SELECT nosuch(region) FROM sales;
SELECT upper(product) FILTER (WHERE true) FROM sales;
SELECT id FROM sales ORDER BY sum(quantity);
