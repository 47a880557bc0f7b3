-- Numbers: arithmetic, rounding, functions, formats, ranges of types, random, bits.

-- setup
CREATE TABLE nums (id int, i int, b bigint, n numeric, n2 numeric(10,2), f float8, r real);
INSERT INTO nums VALUES (1, 7, 7, 7.5, 7.55, 7.5, 7.5), (2, -7, -7, -7.5, -7.55, -7.5, -7.5), (3, 0, 0, 0, 0, 0, 0), (4, NULL, NULL, NULL, NULL, NULL, NULL), (5, 123456, 123456789012, 123456.789, 99999999.99, 1.5e10, 0.1);

-- try
-- one function over a column of each type, NULL among them
SELECT id, abs(i), abs(n), abs(f) FROM nums ORDER BY id;
SELECT id, abs(n2), abs(r) FROM nums ORDER BY id;
SELECT id, sign(i), sign(n), sign(f) FROM nums ORDER BY id;
SELECT id, sign(n2), sign(r) FROM nums ORDER BY id;
SELECT id, ceil(i), ceil(n), ceil(f) FROM nums ORDER BY id;
SELECT id, ceil(n2), ceil(r) FROM nums ORDER BY id;
SELECT id, ceiling(i), ceiling(n), ceiling(f) FROM nums ORDER BY id;
SELECT id, ceiling(n2), ceiling(r) FROM nums ORDER BY id;
SELECT id, floor(i), floor(n), floor(f) FROM nums ORDER BY id;
SELECT id, floor(n2), floor(r) FROM nums ORDER BY id;
SELECT id, round(i), round(n), round(f) FROM nums ORDER BY id;
SELECT id, round(n2), round(r) FROM nums ORDER BY id;
SELECT id, trunc(i), trunc(n), trunc(f) FROM nums ORDER BY id;
SELECT id, trunc(n2), trunc(r) FROM nums ORDER BY id;

SELECT id, -i, -n, -f, +i FROM nums ORDER BY id;
SELECT id, i + b, i + n, i + f, n + f FROM nums ORDER BY id;
-- differs: real
SELECT id, i * 2, n * 2, n2 * 1.5, f * 2, r * 2 FROM nums ORDER BY id;
SELECT id, i / 2, n / 2, n2 / 3, f / 2, b / 3 FROM nums ORDER BY id;
-- differs: numeric-scale
SELECT id, i % 3, n % 3, n2 % 2.5, mod(i, 3), mod(b, 4) FROM nums ORDER BY id;
SELECT id, round(n, 1), round(n2, -1), trunc(n, 1), round(n2, 1) FROM nums ORDER BY id;
SELECT id, sqrt(abs(f)), cbrt(f), exp(i / 10) FROM nums WHERE id < 5 ORDER BY id;
SELECT id, pg_typeof(i + b), pg_typeof(i + n), pg_typeof(i + f), pg_typeof(n + f), pg_typeof(r + n), pg_typeof(r + f) FROM nums WHERE id = 1;

-- literals and types of results
SELECT 1;
SELECT 1.0;
SELECT 1.5e3;
SELECT .001;
SELECT 1e-5;
SELECT 2147483648;
-- differs: refused
SELECT 9223372036854775808;
SELECT pg_typeof(1);
SELECT pg_typeof(2147483648);
-- differs: numbers
SELECT pg_typeof(9223372036854775808);
SELECT pg_typeof(1.5);
SELECT pg_typeof(1e3);
SELECT pg_typeof(1::smallint + 1::smallint);
SELECT pg_typeof(1 + 1::bigint);
SELECT pg_typeof(1 * 1.5);
SELECT pg_typeof(1::real * 2);
SELECT pg_typeof(2 ^ 3);
-- differs: numeric-functions
SELECT pg_typeof(2::numeric ^ 3);
SELECT pg_typeof(sqrt(2));
-- differs: numeric-functions
SELECT pg_typeof(sqrt(2::numeric));
SELECT pg_typeof(abs(-1));
SELECT pg_typeof(round(1.5));
SELECT pg_typeof(round(1.5::float8));
SELECT pg_typeof(ceil(1));
SELECT pg_typeof(power(2, 3));
SELECT 0x10;
SELECT 0o17;
SELECT 0b11;
SELECT 1_000;
SELECT 0xFFFFFFFFFF;

-- arithmetic
SELECT 2 + 3;
SELECT 2 - 3;
SELECT 2 * 3;
SELECT 7 / 2;
SELECT 7 % 2;
SELECT -7 / 2;
SELECT -7 % 2;
SELECT 7 / -2;
SELECT 7.0 / 2;
SELECT 1.0 / 3;
SELECT 2.0 / 3;
SELECT 10.0 / 4;
SELECT 1 / 3.0;
SELECT 100.00 / 3;
SELECT 7::float8 / 2;
SELECT 1::float8 / 3;
SELECT 1::real / 3;
SELECT 22::float8 / 7;
SELECT 0.1 + 0.2;
SELECT 0.1::float8 + 0.2::float8;
SELECT 0.1::real + 0.2::real;
SELECT 1.10 + 2.205;
SELECT 1.10 * 2.205;
SELECT 1.10 - 2.205;
SELECT 5.00 - 5;
SELECT 1.5 * 2;
SELECT 2 ^ 10;
-- differs: numeric-functions
SELECT 2 ^ 0.5;
SELECT 2 ^ -1;
SELECT (-2) ^ 3;
-- differs: numeric-scale
SELECT 2.5 ^ 2;
SELECT 10 ^ 20;
SELECT |/ 25;
-- differs: numbers
SELECT ||/ 27;
SELECT @ -5;
SELECT @ -5.5;
SELECT 5 & 3;
SELECT 5 | 3;
SELECT 5 # 3;
SELECT ~5;
SELECT 1 << 4;
SELECT 256 >> 4;
SELECT -8 >> 1;
SELECT 5::bigint & 3;
SELECT ~5::bigint;
SELECT 1::bigint << 40;
-- differs: column-types
SELECT 1::smallint << 3;
SELECT 2 + 3 * 4;
SELECT (2 + 3) * 4;
SELECT 2 - 3 - 4;
SELECT 2 ^ 3 ^ 2;
SELECT -2 ^ 2;
SELECT 10 / 3 * 3;
SELECT 5 = 5.0;
SELECT 5 > 4.9;
SELECT 1e0 = 1;
SELECT 0.1 + 0.2 = 0.3;
SELECT 0.1::float8 + 0.2 = 0.3::float8;
SELECT 3 BETWEEN 1 AND 5;
SELECT 5 IN (1, 5.0);
SELECT 5 <> 6;
SELECT 5 != 5;
SELECT 32767::smallint + 1::smallint;
SELECT 2147483647 + 1;
SELECT 2147483647 * 2;
SELECT -2147483648 - 1;
SELECT 9223372036854775807 + 1;
SELECT -9223372036854775808 / -1;
SELECT (-2147483648)::int / -1;
SELECT 1e308::float8 * 10;
SELECT 1 / 0;
SELECT 1.0 / 0;
SELECT 1::float8 / 0;
SELECT 5 % 0;
SELECT 0.0 / 0;
-- differs: refused
SELECT -(-2147483648);
SELECT abs((-2147483648)::int);
-- differs: numeric-functions
SELECT 10 ^ 400::numeric;
SELECT 'NaN'::float8;
SELECT 'Infinity'::float8;
SELECT '-Infinity'::float8;
SELECT 'inf'::float8;
-- differs: numeric-special
SELECT 'NaN'::numeric;
-- differs: numeric-special
SELECT 'Infinity'::numeric;
SELECT 'NaN'::float8 = 'NaN'::float8;
SELECT 'NaN'::float8 > 'Infinity'::float8;
SELECT 'Infinity'::float8 > 1e300;
SELECT 'NaN'::float8 < 1;
SELECT 'Infinity'::float8 - 'Infinity'::float8;
SELECT 'Infinity'::float8 * 0;
SELECT 1 / 'Infinity'::float8;
SELECT 'Infinity'::float8 + 1;
-- differs: numeric-special
SELECT 'Infinity'::numeric + 1;
-- differs: numeric-special
SELECT 'NaN'::numeric = 'NaN'::numeric;
-- differs: numeric-special
SELECT 'Infinity'::numeric - 'Infinity'::numeric;
SELECT 0::float8 = '-0'::float8;
SELECT '-0'::float8;
SELECT -0.0;
SELECT 0 * -1.5;
-- differs: refused
SELECT 12345678901234567890 * 98765432109876543210;
SELECT 12345678901234567890123456789.123456789 + 1;
-- differs: unsupported
SELECT 100!;
SELECT factorial(5);
SELECT factorial(20);
SELECT factorial(0);
SELECT factorial(30);
SELECT factorial(-1);

-- rounding
SELECT round(2.5);
SELECT round(3.5);
SELECT round(-2.5);
SELECT round(0.5);
SELECT round(1.45, 1);
SELECT round(2.345, 2);
SELECT round(-1.55, 1);
SELECT round(2.5::float8);
SELECT round(3.5::float8);
SELECT round(-2.5::float8);
SELECT round(0.5::float8);
SELECT round(1234.5678, 2);
SELECT round(1234.5678, -2);
SELECT round(1234.5678, 0);
SELECT round(5, 2);
SELECT round(5.1, 5);
SELECT trunc(2.9);
SELECT trunc(-2.9);
SELECT trunc(1234.5678, 2);
SELECT trunc(1234.5678, -2);
SELECT trunc(2.9::float8);
SELECT ceil(2.1);
SELECT ceil(-2.1);
SELECT floor(2.9);
SELECT floor(-2.1);
SELECT ceil(5);
SELECT floor(2.0);
SELECT 2.5::int;
SELECT 3.5::int;
SELECT -2.5::int;
SELECT 2.5::float8::int;
SELECT 3.5::float8::int;
SELECT 0.5::float8::int;
SELECT 1234.5::smallint;
SELECT 99.99::int;
SELECT '42'::int;
SELECT ' 42 '::int;
SELECT '-7'::smallint;
SELECT '1e3'::float8;
SELECT '0x1F'::int;
SELECT 40000::smallint;
SELECT 3e9::int;
SELECT 1e19::bigint;
SELECT 'NaN'::float8::int;
SELECT '1.5'::int;
SELECT ''::int;
SELECT '12abc'::int;
SELECT '99999999999'::int;
SELECT '1e400'::float8;
SELECT '1e39'::real;
SELECT 'abc'::numeric;
SELECT 1.005::numeric(5,2);
SELECT 123.456::numeric(6,1);
SELECT 5::numeric(3,2);
SELECT 0.005::numeric(3,2);
SELECT 12345::numeric(5,0);
SELECT 12345::numeric(3,-2);
SELECT 1000::numeric(5,2);
SELECT 1.1::real;
SELECT 1.1::float8;
SELECT 1.1::real::float8;
SELECT 16777217::real;
SELECT 1e10::real;
SELECT 1e-10::real;
SELECT 123456789::real;
SELECT 1e15::float8;
SELECT 1e16::float8;
SELECT 123456789012345678::float8;
SELECT 1e-4::float8;
SELECT 1e-5::float8;
SELECT 0.1::float8 * 3;
SELECT 1e100::float8;
SELECT 1e22::float8;
SELECT 5e-324::float8;
SELECT 1.7976931348623157e308::float8;
SELECT 3.4028235e38::real;

-- functions
SELECT sqrt(2);
-- differs: numeric-functions
SELECT sqrt(2.0);
SELECT sqrt(16);
SELECT sqrt(0);
-- differs: numbers
SELECT cbrt(27);
SELECT cbrt(-8);
SELECT sqrt(-1);
SELECT power(2, 10);
-- differs: numeric-functions
SELECT power(2.0, 0.5);
-- differs: numeric-scale
SELECT power(9, 0.5);
SELECT power(0, 0);
SELECT power(2, -2);
SELECT pow(3, 2);
SELECT power(0, -1);
SELECT power(-8, 1.0 / 3);
SELECT exp(1);
-- differs: numeric-functions
SELECT exp(1.0);
SELECT exp(0);
SELECT exp(-1::float8);
-- differs: numeric-functions
SELECT ln(2.718281828);
SELECT ln(1);
-- differs: numeric-functions
SELECT ln(10.0);
SELECT log(100);
-- differs: numeric-functions
SELECT log(1000.0);
SELECT log10(1000);
-- differs: numeric-scale
SELECT log(2, 64);
-- differs: numeric-functions
SELECT log(2.0, 10);
SELECT ln(0);
SELECT ln(-1);
SELECT log(0);
SELECT pi();
SELECT degrees(pi());
SELECT radians(180);
SELECT degrees(0.5);
SELECT radians(45.0);
SELECT sin(1);
SELECT cos(1);
SELECT tan(1);
SELECT cot(1);
SELECT asin(1);
SELECT acos(1);
SELECT atan(1);
SELECT atan2(1, 2);
SELECT sind(30);
SELECT cosd(60);
SELECT tand(45);
SELECT cotd(45);
SELECT asind(0.5);
SELECT acosd(0.5);
SELECT atand(1);
SELECT atan2d(1, 1);
SELECT sinh(1);
SELECT cosh(1);
SELECT tanh(1);
SELECT asinh(1);
SELECT acosh(2);
SELECT atanh(0.5);
SELECT asin(2);
SELECT acosh(0.5);
SELECT div(7, 2);
SELECT div(-7, 2);
SELECT div(7.5, 2);
SELECT mod(7, -2);
SELECT mod(-7, 2);
SELECT mod(7.5, 2);
SELECT mod(5.5, 0.3);
SELECT gcd(12, 18);
SELECT gcd(0, 5);
SELECT gcd(-12, 18);
SELECT lcm(4, 6);
SELECT lcm(0, 5);
SELECT gcd(1071.5, 462);
SELECT lcm(1.5, 2);
SELECT sign(-5);
SELECT sign(0);
SELECT sign(2.5);
SELECT sign(-0.0);
SELECT abs(-5);
SELECT abs(-5.5);
SELECT abs('-5'::bigint);
SELECT scale(8.4100);
SELECT min_scale(8.4100);
SELECT trim_scale(8.4100);
SELECT scale(5);
SELECT trim_scale(10.00);
SELECT width_bucket(5.35, 0.024, 10.06, 5);
SELECT width_bucket(3, 1, 10, 3);
SELECT width_bucket(11, 1, 10, 3);
SELECT width_bucket(0, 1, 10, 3);
SELECT width_bucket(5, ARRAY[1, 3, 6]);
SELECT width_bucket(1, 5, 5, 3);
SELECT greatest(1, 2.5, 3);
SELECT least(1, 2.5);
SELECT greatest(1, NULL);
SELECT greatest('1', 2);
SELECT random() BETWEEN 0 AND 1;
SELECT random(1, 1);
SELECT random(5, 5::bigint);
-- differs: functions
SELECT setseed(0.5) IS NULL;
-- differs: functions
SELECT erf(0.5);
-- differs: functions
SELECT erfc(0.5);
-- differs: functions
SELECT gamma(5);
-- differs: functions
SELECT lgamma(5);
-- differs: functions
SELECT numeric_inc(1);
-- differs: functions
SELECT float8mul(2, 3);
SELECT int4pl(1, 2);
-- differs: functions
SELECT int8mul(3, 4);
SELECT bit_count(B'1011');
SELECT bit_count('\x0f'::bytea);
SELECT to_hex(10);
SELECT to_bin(5);
SELECT to_oct(9);
SELECT to_hex(-1::bigint);
-- differs: column-names
SELECT 17::bit(8);
SELECT B'1010'::int;
-- differs: column-names
SELECT (-1)::bit(4);
SELECT 5::bit(3)::int;
SELECT B'101' || B'01';
SELECT B'1100' & B'1010';
SELECT ~B'101';
SELECT generate_series(1, 5, 2);
SELECT generate_series(5, 1, -2);
SELECT generate_series(1.0, 2.0, 0.5);
SELECT generate_series(1, 5, 0);
SELECT sum(x), avg(x), count(x) FROM generate_series(1, 10) x;
SELECT sum(x * 0.1), avg(x::float8) FROM generate_series(1, 10) x;
-- differs: numeric-functions
SELECT avg(x), stddev(x), variance(x) FROM (VALUES (1.5), (2.5), (4.0)) v (x);
SELECT sum(x) FROM (VALUES (0.1), (0.20), (0.300)) v (x);
SELECT max(x), min(x) FROM (VALUES (1.5), (2), (-3.25)) v (x);
SELECT x FROM (VALUES (1.5), (2), (NULL), (-3.25), (100)) v (x) ORDER BY x;
SELECT x::float8 FROM (VALUES ('NaN'), ('1'), ('-Infinity'), ('Infinity')) v (x) ORDER BY x::float8;
SELECT CASE WHEN true THEN 1 ELSE 2.5 END;
SELECT coalesce(NULL, 1, 2.5);
SELECT nullif(1, 1.0);
SELECT nullif(2.50, 1);
-- differs: types
SELECT 1::money;
-- differs: types
SELECT '12.34'::money;
SELECT pg_size_pretty(1024::bigint);
SELECT pg_size_pretty(10240::bigint);
SELECT pg_size_pretty(1048576::numeric);
SELECT pg_size_pretty(123456789::bigint);
SELECT pg_size_bytes('1 MB');
SELECT pg_size_bytes('2.5kB');
SELECT pg_size_bytes('1 XB');
SELECT isfinite(date '2024-01-01');
SELECT 'Infinity'::float8 = 'Infinity'::float8;
SELECT 1.5::numeric::int;
SELECT 1.5::int::text;
SELECT 1::bool;
SELECT 0::bool;
SELECT true::int;
SELECT 2::int::bool;
SELECT 1.5::bool;
SELECT 1::text || 2::text;
SELECT 1.10::text;
SELECT (1.10 + 1.1)::text;
SELECT 3.0::float8::text;
SELECT 100::float8::text;
-- differs: numeric-scale
SELECT array_agg(x ORDER BY x) FROM (VALUES (2.50), (1.0), (3)) v (x);
SELECT 1.0 = 1.00, 1.0::text = 1.00::text, count(DISTINCT x) FROM (VALUES (1.0), (1.00)) v (x);
-- differs: numeric-scale
SELECT round(avg(x), 2), round(stddev_pop(x), 3) FROM generate_series(1, 7) x;
SELECT round(x::numeric, 2) FROM (VALUES (1.005::float8), (2.675), (1e10)) v (x);
SELECT 3.14159::numeric(4,3);
SELECT pi()::numeric(10,8);
SELECT sqrt(2)::numeric(6,4);
SELECT 2::numeric / 3;
SELECT (2::numeric / 3)::numeric(5,3);
SELECT 1 + '2';
SELECT '3' * 4;
SELECT 10 - '2.5'::numeric;
SELECT '7' / 2;
SELECT 1 + 'x';
SELECT 1 + true;
-- differs: error-code
SELECT abs('x');
-- differs: error-code
SELECT round('a', 1);
-- differs: functions
SELECT sqrt('4');
-- differs: functions
SELECT abs('-3');
-- differs: functions
SELECT round('2.567', 2);
-- differs: functions
SELECT ceil('1.2');
SELECT round(1.5::float8, 1);
-- differs: functions
SELECT power('2', '3');
-- differs: error-code
SELECT mod('7', '2');

-- to_char and to_number
SELECT to_char(0, '9');
SELECT to_char(12, '999');
SELECT to_char(-12, '999');
SELECT to_char(12, '000');
SELECT to_char(12, 'FM000');
SELECT to_char(1234.5, '9999.99');
SELECT to_char(1234.5, 'FM9999.99');
SELECT to_char(1234567.891, '9,999,999.99');
SELECT to_char(-1234.5, '9999.9MI');
SELECT to_char(1234.5, 'S9999.9');
SELECT to_char(-1234.5, '9999.9S');
SELECT to_char(-1234.5, '9999.9PR');
SELECT to_char(0.5, '0.99');
SELECT to_char(0.5, '9.99');
SELECT to_char(0.5, 'FM9.99');
-- differs: to-char
SELECT to_char(1234, '9.99EEEE');
-- differs: to-char
SELECT to_char(0.00012, '9.9EEEE');
SELECT to_char(15, 'RN');
SELECT to_char(1999, 'FMRN');
SELECT to_char(12, '99th');
SELECT to_char(1, '9TH');
SELECT to_char(485, '9 9 9');
-- differs: to-char
SELECT to_char(485, '"Good number:"999');
SELECT to_char(148.5, '999D999');
SELECT to_char(3148.5, '9G999D999');
SELECT to_char(12345, '99');
SELECT to_char(1234.567, '99,99');
-- differs: to-char
SELECT to_char(12.45, '99V99');
SELECT to_char(-0.1, '9.9');
SELECT to_char(1e6, '9999999');
-- differs: to-char
SELECT to_char(1234.5, 'L9999.99');
SELECT to_char(100, '999%');
-- differs: to-char
SELECT to_char(-5, 'SG9');
SELECT to_char(0, 'FM9990.00');
SELECT to_char(12.5, 'FM90.0');
SELECT to_char(NULL, '999');
SELECT to_char(1234.5::float8, '9999.99');
SELECT to_char(1234.5::real, 'FM9999.0');
SELECT to_char(7::bigint, '09');
SELECT to_number('12,345.67', '99,999.99');
SELECT to_number('-12.5', 'S99.9');
SELECT to_number('12.5-', '99.9S');
-- differs: to-char
SELECT to_number('<12>', '99PR');
SELECT to_number('1,000', '9G999');
SELECT to_number('007', '999');
SELECT to_number('12abc', '99');
SELECT to_number('$5', 'L9');
-- differs: to-char
SELECT to_number('1e5', '9');
-- differs: accepted
SELECT to_number('', '9');
-- differs: accepted
SELECT to_number('abc', '99');
