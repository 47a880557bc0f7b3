-- Casts between types, the text that values come back as, pg_typeof, conversions that fail.

-- try
-- a value of each type as text and its type
-- differs: pg-typeof
SELECT true AS v, pg_typeof(true), true::text;
-- differs: pg-typeof
SELECT 1::smallint AS v, pg_typeof(1::smallint), 1::smallint::text;
-- differs: pg-typeof
SELECT 1 AS v, pg_typeof(1), 1::text;
-- differs: pg-typeof
SELECT 1::bigint AS v, pg_typeof(1::bigint), 1::bigint::text;
-- differs: pg-typeof
SELECT 1.50 AS v, pg_typeof(1.50), 1.50::text;
-- differs: pg-typeof
SELECT 1.5::real AS v, pg_typeof(1.5::real), 1.5::real::text;
-- differs: pg-typeof
SELECT 1.5::float8 AS v, pg_typeof(1.5::float8), 1.5::float8::text;
-- differs: pg-typeof
SELECT 'a'::text AS v, pg_typeof('a'::text), 'a'::text::text;
-- differs: pg-typeof
SELECT 'a'::varchar(3) AS v, pg_typeof('a'::varchar(3)), 'a'::varchar(3)::text;
-- differs: pg-typeof
SELECT 'a'::char(3) AS v, pg_typeof('a'::char(3)), 'a'::char(3)::text;
-- differs: pg-typeof
SELECT '\xff00'::bytea AS v, pg_typeof('\xff00'::bytea), '\xff00'::bytea::text;
-- differs: pg-typeof
SELECT date '2024-02-29' AS v, pg_typeof(date '2024-02-29'), date '2024-02-29'::text;
-- differs: pg-typeof
SELECT time '10:11:12.5' AS v, pg_typeof(time '10:11:12.5'), time '10:11:12.5'::text;
-- differs: pg-typeof
SELECT timestamp '2024-02-29 10:11:12' AS v, pg_typeof(timestamp '2024-02-29 10:11:12'), timestamp '2024-02-29 10:11:12'::text;
-- differs: pg-typeof
SELECT timestamptz '2024-02-29 10:11:12+00' AS v, pg_typeof(timestamptz '2024-02-29 10:11:12+00'), timestamptz '2024-02-29 10:11:12+00'::text;
-- differs: pg-typeof
SELECT interval '1 year 2 days 03:04:05' AS v, pg_typeof(interval '1 year 2 days 03:04:05'), interval '1 year 2 days 03:04:05'::text;
-- differs: pg-typeof
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS v, pg_typeof('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid::text;
-- differs: pg-typeof
SELECT '{"a": 1}'::json AS v, pg_typeof('{"a": 1}'::json), '{"a": 1}'::json::text;
-- differs: pg-typeof
SELECT '{"a": 1}'::jsonb AS v, pg_typeof('{"a": 1}'::jsonb), '{"a": 1}'::jsonb::text;
-- differs: pg-typeof
SELECT B'101' AS v, pg_typeof(B'101'), B'101'::text;
-- differs: pg-typeof
SELECT B'101'::bit varying AS v, pg_typeof(B'101'::bit varying), B'101'::bit varying::text;
-- differs: pg-typeof
SELECT ARRAY[1, 2] AS v, pg_typeof(ARRAY[1, 2]), ARRAY[1, 2]::text;
-- differs: pg-typeof
SELECT ARRAY['a', NULL] AS v, pg_typeof(ARRAY['a', NULL]), ARRAY['a', NULL]::text;
-- differs: pg-typeof
SELECT ROW(1, 'x') AS v, pg_typeof(ROW(1, 'x')), ROW(1, 'x')::text;
-- differs: pg-typeof
SELECT NULL AS v, pg_typeof(NULL), NULL::text;
-- differs: types
SELECT '1,2'::point AS v, pg_typeof('1,2'::point), '1,2'::point::text;
-- differs: types
SELECT '192.168.0.1'::inet AS v, pg_typeof('192.168.0.1'::inet), '192.168.0.1'::inet::text;
-- differs: types
SELECT '08:00:2b:01:02:03'::macaddr AS v, pg_typeof('08:00:2b:01:02:03'::macaddr), '08:00:2b:01:02:03'::macaddr::text;
-- differs: types
SELECT '[1,5)'::int4range AS v, pg_typeof('[1,5)'::int4range), '[1,5)'::int4range::text;
-- differs: text-search
SELECT 'a b'::tsvector AS v, pg_typeof('a b'::tsvector), 'a b'::tsvector::text;
-- differs: pg-typeof
SELECT 1::oid AS v, pg_typeof(1::oid), 1::oid::text;
-- differs: pg-typeof
SELECT 'pg_class'::regclass AS v, pg_typeof('pg_class'::regclass), 'pg_class'::regclass::text;
-- differs: pg-typeof
SELECT 'int4'::regtype AS v, pg_typeof('int4'::regtype), 'int4'::regtype::text;
-- differs: pg-typeof
SELECT 'x'::name AS v, pg_typeof('x'::name), 'x'::name::text;
-- differs: types
SELECT '12.34'::money AS v, pg_typeof('12.34'::money), '12.34'::money::text;
-- differs: pg-typeof
SELECT '<a/>'::text AS v, pg_typeof('<a/>'::text), '<a/>'::text::text;
-- differs: types
SELECT '10:00+02'::timetz AS v, pg_typeof('10:00+02'::timetz), '10:00+02'::timetz::text;
-- differs: pg-typeof
SELECT '[1,2]'::vector AS v, pg_typeof('[1,2]'::vector), '[1,2]'::vector::text;
-- differs: accepted
SELECT 'sum'::regproc AS v, pg_typeof('sum'::regproc), 'sum'::regproc::text;
-- differs: types
SELECT '$.a'::jsonpath AS v, pg_typeof('$.a'::jsonpath), '$.a'::jsonpath::text;
-- differs: accepted
SELECT 1::xid AS v, pg_typeof(1::xid), 1::xid::text;
-- differs: types
SELECT '0/16B3748'::pg_lsn AS v, pg_typeof('0/16B3748'::pg_lsn), '0/16B3748'::pg_lsn::text;
-- the matrix of casts that people write
SELECT true::boolean;
SELECT true::integer;
SELECT true::bigint;
SELECT true::numeric;
SELECT true::double precision;
SELECT true::text;
-- differs: refused
SELECT true::varchar(2);
SELECT true::char(4);
SELECT true::date;
SELECT true::timestamp;
SELECT true::jsonb;
SELECT 42::boolean;
SELECT 42::integer;
SELECT 42::bigint;
SELECT 42::numeric;
SELECT 42::double precision;
SELECT 42::text;
SELECT 42::varchar(2);
SELECT 42::char(4);
SELECT 42::date;
SELECT 42::timestamp;
SELECT 42::jsonb;
SELECT 42::bigint::boolean;
SELECT 42::bigint::integer;
SELECT 42::bigint::bigint;
SELECT 42::bigint::numeric;
SELECT 42::bigint::double precision;
SELECT 42::bigint::text;
SELECT 42::bigint::varchar(2);
SELECT 42::bigint::char(4);
SELECT 42::bigint::date;
SELECT 42::bigint::timestamp;
SELECT 42::bigint::jsonb;
SELECT 42::smallint::boolean;
SELECT 42::smallint::integer;
SELECT 42::smallint::bigint;
SELECT 42::smallint::numeric;
SELECT 42::smallint::double precision;
SELECT 42::smallint::text;
SELECT 42::smallint::varchar(2);
SELECT 42::smallint::char(4);
SELECT 42::smallint::date;
SELECT 42::smallint::timestamp;
SELECT 42::smallint::jsonb;
SELECT 42.7::boolean;
SELECT 42.7::integer;
SELECT 42.7::bigint;
SELECT 42.7::numeric;
SELECT 42.7::double precision;
SELECT 42.7::text;
SELECT 42.7::varchar(2);
SELECT 42.7::char(4);
SELECT 42.7::date;
SELECT 42.7::timestamp;
SELECT 42.7::jsonb;
SELECT 42.7::float8::boolean;
SELECT 42.7::float8::integer;
SELECT 42.7::float8::bigint;
SELECT 42.7::float8::numeric;
SELECT 42.7::float8::double precision;
SELECT 42.7::float8::text;
SELECT 42.7::float8::varchar(2);
SELECT 42.7::float8::char(4);
SELECT 42.7::float8::date;
SELECT 42.7::float8::timestamp;
SELECT 42.7::float8::jsonb;
SELECT 42.7::real::boolean;
SELECT 42.7::real::integer;
SELECT 42.7::real::bigint;
SELECT 42.7::real::numeric;
SELECT 42.7::real::double precision;
SELECT 42.7::real::text;
SELECT 42.7::real::varchar(2);
SELECT 42.7::real::char(4);
SELECT 42.7::real::date;
SELECT 42.7::real::timestamp;
SELECT 42.7::real::jsonb;
SELECT '42'::text::boolean;
SELECT '42'::text::integer;
SELECT '42'::text::bigint;
SELECT '42'::text::numeric;
SELECT '42'::text::double precision;
SELECT '42'::text::text;
SELECT '42'::text::varchar(2);
SELECT '42'::text::char(4);
-- differs: error-code
SELECT '42'::text::date;
-- differs: error-code
SELECT '42'::text::timestamp;
SELECT '42'::text::jsonb;
SELECT date '2024-02-29'::boolean;
SELECT date '2024-02-29'::integer;
SELECT date '2024-02-29'::bigint;
SELECT date '2024-02-29'::numeric;
SELECT date '2024-02-29'::double precision;
SELECT date '2024-02-29'::text;
SELECT date '2024-02-29'::varchar(2);
SELECT date '2024-02-29'::char(4);
SELECT date '2024-02-29'::date;
SELECT date '2024-02-29'::timestamp;
SELECT date '2024-02-29'::jsonb;
SELECT timestamp '2024-02-29 10:11:12'::boolean;
SELECT timestamp '2024-02-29 10:11:12'::integer;
SELECT timestamp '2024-02-29 10:11:12'::bigint;
SELECT timestamp '2024-02-29 10:11:12'::numeric;
SELECT timestamp '2024-02-29 10:11:12'::double precision;
SELECT timestamp '2024-02-29 10:11:12'::text;
SELECT timestamp '2024-02-29 10:11:12'::varchar(2);
SELECT timestamp '2024-02-29 10:11:12'::char(4);
SELECT timestamp '2024-02-29 10:11:12'::date;
SELECT timestamp '2024-02-29 10:11:12'::timestamp;
SELECT timestamp '2024-02-29 10:11:12'::jsonb;
SELECT timestamptz '2024-02-29 10:11:12+00'::boolean;
SELECT timestamptz '2024-02-29 10:11:12+00'::integer;
SELECT timestamptz '2024-02-29 10:11:12+00'::bigint;
SELECT timestamptz '2024-02-29 10:11:12+00'::numeric;
SELECT timestamptz '2024-02-29 10:11:12+00'::double precision;
SELECT timestamptz '2024-02-29 10:11:12+00'::text;
SELECT timestamptz '2024-02-29 10:11:12+00'::varchar(2);
SELECT timestamptz '2024-02-29 10:11:12+00'::char(4);
SELECT timestamptz '2024-02-29 10:11:12+00'::date;
SELECT timestamptz '2024-02-29 10:11:12+00'::timestamp;
SELECT timestamptz '2024-02-29 10:11:12+00'::jsonb;
SELECT time '10:11:12'::boolean;
SELECT time '10:11:12'::integer;
SELECT time '10:11:12'::bigint;
SELECT time '10:11:12'::numeric;
SELECT time '10:11:12'::double precision;
SELECT time '10:11:12'::text;
SELECT time '10:11:12'::varchar(2);
SELECT time '10:11:12'::char(4);
SELECT time '10:11:12'::date;
SELECT time '10:11:12'::timestamp;
SELECT time '10:11:12'::jsonb;
SELECT interval '1 day 02:03'::boolean;
SELECT interval '1 day 02:03'::integer;
SELECT interval '1 day 02:03'::bigint;
SELECT interval '1 day 02:03'::numeric;
SELECT interval '1 day 02:03'::double precision;
SELECT interval '1 day 02:03'::text;
SELECT interval '1 day 02:03'::varchar(2);
SELECT interval '1 day 02:03'::char(4);
SELECT interval '1 day 02:03'::date;
SELECT interval '1 day 02:03'::timestamp;
SELECT interval '1 day 02:03'::jsonb;

-- spellings and types of expressions
SELECT CAST('42' AS int);
SELECT int '42';
SELECT int4 '42';
SELECT '42'::int4;
SELECT integer '42';
SELECT '42'::pg_catalog.int4;
SELECT CAST(42 AS text);
SELECT float8 '1.5';
SELECT bool 't';
-- differs: functions
SELECT date('2024-01-01');
-- differs: functions
SELECT text(42);
-- differs: functions
SELECT int8(42.5);
SELECT 'yes'::bool;
SELECT 'on'::bool;
SELECT 'off'::bool;
SELECT 'n'::bool;
SELECT 'TRUE'::bool;
SELECT ' t '::bool;
SELECT '1'::bool;
SELECT '0'::bool;
SELECT 'tr'::bool;
SELECT 'o'::bool;
SELECT '2'::bool;
-- differs: pg-typeof
SELECT pg_typeof(1 = 1);
-- differs: pg-typeof
SELECT pg_typeof(1 + 1.5);
-- differs: pg-typeof
SELECT pg_typeof('a' || 'b');
-- differs: pg-typeof
SELECT pg_typeof(now());
-- differs: pg-typeof
SELECT pg_typeof(current_date - current_date);
-- differs: pg-typeof
SELECT pg_typeof(now() - now());
-- differs: pg-typeof
SELECT pg_typeof(ARRAY[1]);
-- differs: pg-typeof
SELECT pg_typeof(CASE WHEN true THEN 1 ELSE 2.0 END);
-- differs: pg-typeof
SELECT pg_typeof(coalesce(NULL, 'x'));
-- differs: pg-typeof
SELECT pg_typeof(NULL);
-- differs: pg-typeof
SELECT pg_typeof('x');
-- differs: pg-typeof
SELECT pg_typeof(ROW(1));
-- differs: pg-typeof
SELECT pg_typeof(count(*));
-- differs: pg-typeof
SELECT pg_typeof(sum(1));
-- differs: pg-typeof
SELECT pg_typeof(avg(1.5));
-- differs: pg-typeof
SELECT pg_typeof(lower('A'));
-- differs: pg-typeof
SELECT pg_typeof(length('a'));
-- differs: pg-typeof
SELECT pg_typeof(position('a' IN 'b'));
-- differs: pg-typeof
SELECT pg_typeof(current_user);
-- differs: pg-typeof
SELECT pg_typeof(version());
-- differs: pg-typeof
SELECT pg_typeof(extract(year FROM now()));
-- differs: pg-typeof
SELECT pg_typeof(date_trunc('day', now()));
-- differs: pg-typeof
SELECT pg_typeof(to_char(1, '9'));
-- differs: types
SELECT pg_typeof(1::money * 2);
-- differs: pg-typeof
SELECT pg_typeof(random());
-- differs: pg-typeof
SELECT pg_typeof(gen_random_uuid());
-- differs: pg-typeof
SELECT pg_typeof(md5('a'));
-- differs: pg-typeof
SELECT pg_typeof(to_json(1));
-- differs: pg-typeof
SELECT pg_typeof(string_to_array('a', 'b'));
-- differs: functions
SELECT pg_typeof(age(now()));
-- differs: pg-typeof
SELECT pg_typeof(B'1' || B'0');
-- differs: pg-typeof
SELECT pg_typeof(1::"char");
-- differs: pg-typeof
SELECT pg_typeof(pg_typeof(1));
SELECT '  42  '::int;
SELECT ' 1.5 '::numeric;
SELECT '1e2'::numeric;
SELECT '+5'::int;
SELECT '-0'::int;
SELECT '1_000'::int;
SELECT '0b101'::int;
SELECT 'Infinity'::float8;
-- differs: numeric-special
SELECT 'nan'::numeric;
SELECT '.5'::numeric;
SELECT '5.'::numeric;
SELECT '1e-3'::float8;
SELECT 1.0::float8::text;
SELECT 1e6::float8::text;
SELECT 1e20::float8;
SELECT 123456.789::float8;
SELECT 0.1::real;
SELECT 1e-7::real;
SELECT 100000000::real;
SELECT 3.0::real;
-- differs: numeric-scale
SELECT 1.0::numeric;
-- differs: numeric-scale
SELECT 1.10::numeric;
SELECT 1e3::numeric;
SELECT 1e-3::numeric;
SELECT 0.00001::numeric;
SELECT 12345678901234567890.123456789::numeric;
SELECT 'abc'::char(2);
SELECT 'abc'::varchar(2);
SELECT 'ab'::char(4) || '|';
SELECT length('ab'::char(4));
SELECT 'ab  '::char(4) = 'ab';
SELECT 'a'::"char";
SELECT 'abc'::name;
SELECT 'abcdef'::varchar(3)::text;
SELECT '\x4142'::bytea::text;
SELECT 'AB'::bytea;
SELECT convert_from('\x4142'::bytea, 'UTF8');
-- differs: syntax
SELECT encode('AB'::bytea, 'escape');
SELECT '\x41'::bytea::bit(8);
-- differs: values
SELECT 65::bytea;
-- differs: refused
SELECT '\x00000041'::bytea::int;
-- differs: column-names
SELECT 5::bit(4);
SELECT 5::bit(8)::text;
SELECT B'0101'::int;
-- differs: column-names
SELECT B'101'::bit(5);
-- differs: column-names
SELECT B'10101'::bit(3);
-- differs: column-names
SELECT B'101'::bit varying(2);
-- differs: column-names
SELECT '101'::bit(3);
SELECT X'1F';
SELECT X'1F'::int;
-- differs: column-names
SELECT 'x1f'::bit(8);
SELECT '1 day'::interval::text;
SELECT '36:00'::interval;
-- differs: refused
SELECT interval '1 day'::time;
SELECT time '10:00'::interval;
SELECT interval '90 min'::text;
SELECT extract(epoch FROM '1 day'::interval)::int;
SELECT 3600 * interval '1 second';
SELECT '10:00'::time::text;
SELECT '2024-02-29'::date::text;
SELECT '2024-02-29 10:00'::timestamp::date;
SELECT '2024-02-29'::date::timestamp;
SELECT '2024-02-29 10:00:00.100'::timestamp;
-- differs: time-precision
SELECT '2024-02-29 10:00:00.123456'::timestamp(3);
SELECT '2024-02-29 10:00+05'::timestamptz;
SELECT '2024-02-29 23:59:59.9999999'::timestamp;
SELECT 20240229::text::date;
SELECT '2024-02-29T10:00:00Z'::timestamptz;
SELECT '{1,2}'::int[];
SELECT ARRAY[1, 2]::text[];
SELECT '{1,2}'::text[]::int[];
-- differs: refused
SELECT ARRAY[1.5]::int[];
SELECT '{a}'::char(2)[];
SELECT '{t}'::bool[];
SELECT ARRAY['2024-01-01']::date[];
SELECT '(1,2)'::text;
SELECT ROW(1, 2)::text;
SELECT ROW('a b', NULL, 'c"d', '')::text;
SELECT ROW(1, ROW(2, 'x'))::text;
SELECT ROW(ARRAY[1, 2])::text;
SELECT '1'::jsonb::int;
SELECT '"a"'::jsonb::text;
SELECT '1.5'::jsonb::numeric;
SELECT 'true'::jsonb::bool;
SELECT '[1]'::jsonb::json;
SELECT '{"a":1}'::json::jsonb;
SELECT '{"a": 1}'::text::json;
SELECT to_jsonb(42);
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid = 'A0EEBC999C0B4EF8BB6D6BB9BD380A11';
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid::text;
-- differs: functions
SELECT uuid_extract_version('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
-- differs: functions
SELECT uuid_extract_timestamp('018f4f5e-0000-7000-8000-000000000000');
SELECT uuidv4() IS NOT NULL;
-- differs: functions
SELECT uuidv7() IS NOT NULL;
-- differs: regclass
SELECT 'pg_class'::regclass;
SELECT 'pg_class'::regclass::oid = 1259;
-- differs: regclass
SELECT 1259::regclass;
-- differs: column-types
SELECT 'integer'::regtype;
SELECT 'int8'::regtype::oid;
-- differs: column-types
SELECT 23::regtype;
-- differs: column-types
SELECT 'public'::regnamespace;
-- differs: types
SELECT 'upper(text)'::regprocedure;
-- differs: column-types
SELECT 'now'::regproc;
-- differs: types
SELECT '=(int,int)'::regoperator;
-- differs: column-types
SELECT to_regclass('nowhere');
-- differs: column-types
SELECT to_regtype('nosuch');
-- differs: column-types
SELECT to_regtype('varchar');
SELECT current_user::regrole IS NOT NULL;
SELECT 'nowhere'::regclass;
SELECT 'nosuch'::regtype;
-- differs: error-code
SELECT 'nosuch'::regproc;
SELECT 1::date;
SELECT 'x'::nosuchtype;
SELECT CAST(1 AS nosuchtype);
SELECT 1::int(5);
SELECT 'abc'::varchar(0);
-- differs: unsupported
SELECT '1'::numeric(5,6);
SELECT '12345'::numeric(3);
SELECT NULL::int;
SELECT NULL::text;
SELECT NULL::int[];
SELECT NULL::date IS NULL;
SELECT CAST(NULL AS numeric(5,2));
SELECT 1 = '1';
SELECT 1.5 = '1.5';
SELECT date '2024-01-01' = '2024-01-01';
SELECT true = 't';
SELECT 'a'::text = 'a';
SELECT '1'::text = 1::text;
SELECT 1 = 'x';
SELECT '1'::text = 1;
SELECT date '2024-01-01' = 1;
SELECT true = 1;
SELECT 1 || 'a';
SELECT 'a' || 1;
SELECT 1::text || 1;
SELECT true || 'x';
SELECT NULL || 'a';
SELECT ARRAY[1] || 2;
SELECT 'a' || ARRAY['b'];
-- differs: error-code
SELECT 1 || 2;
-- differs: accepted
SELECT length(123);
SELECT length(123::text);
-- differs: functions
SELECT round('1.5');
-- differs: functions
SELECT abs('-1');
SELECT upper(NULL);
-- differs: error-code
SELECT sum('1');
SELECT greatest(1, '2');
SELECT coalesce(1, '2');
SELECT nullif(1, '1');
SELECT CASE WHEN true THEN '1' ELSE 2 END;
SELECT ARRAY[1, '2'];
SELECT 1 IN ('1', '2');
SELECT 3 BETWEEN '1' AND '5';
SELECT coalesce(1, 'x');
SELECT CASE WHEN true THEN 1 ELSE 'x' END;
-- differs: error-code
SELECT CASE WHEN true THEN 1 ELSE true END;
SELECT '2024-01-01' - interval '1 day';
SELECT '1 day' + interval '1 day';
-- differs: accepted
SELECT date '2024-01-01' + '1 day';
-- differs: accepted
SELECT now() - '1 day' < now();
SELECT '10' + 5;
SELECT '2024-01-05'::date - '2024-01-01';
