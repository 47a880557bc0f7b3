-- String functions and operators, bytea, encoding, formatting.

-- setup
CREATE TABLE words (id int, w text);
INSERT INTO words VALUES (1, 'Redkite'), (2, ''), (3, NULL), (4, '  spaced  '), (5, 'ünïcödé'), (6, 'a,b,,c');

-- try
SELECT id, length(w), char_length(w), octet_length(w), bit_length(w) FROM words ORDER BY id;
-- differs: letters
SELECT id, upper(w), lower(w), initcap(w) FROM words ORDER BY id;
SELECT id, reverse(w), left(w, 3), right(w, 3) FROM words ORDER BY id;
SELECT id, trim(w), ltrim(w), rtrim(w), btrim(w, ' R') FROM words ORDER BY id;
SELECT id, substr(w, 2, 3), substring(w, 3), substring(w FROM 2 FOR 2) FROM words ORDER BY id;
SELECT id, position('e' IN w), strpos(w, 'k') FROM words ORDER BY id;
SELECT id, lpad(w, 10, '*'), rpad(w, 10, 'xy') FROM words ORDER BY id;
SELECT id, w || '!' , '<' || w || '>' FROM words ORDER BY id;
SELECT id, replace(w, 'e', 'EE'), translate(w, 'aek', '12') FROM words ORDER BY id;
SELECT id, split_part(w, ',', 2), split_part(w, ',', -1) FROM words ORDER BY id;
SELECT id, string_to_array(w, ',') FROM words ORDER BY id;
SELECT id, md5(w) FROM words ORDER BY id;
SELECT id, quote_literal(w), quote_nullable(w) FROM words ORDER BY id;
SELECT id, ascii(w) FROM words ORDER BY id;
SELECT id, repeat(w, 2) FROM words ORDER BY id;
SELECT 'a' || 'b';
SELECT 'a' || 1;
SELECT 1 || 'a';
SELECT 'a' || 1.50;
SELECT 'x' || true;
SELECT 'd' || date '2024-01-01';
SELECT 'a' || NULL;
SELECT NULL || 'a';
SELECT concat('a', 1, NULL, true, 2.50);
SELECT concat(NULL);
-- differs: accepted
SELECT concat();
SELECT concat_ws(', ', 'a', NULL, 'b', 3);
SELECT concat_ws(NULL, 'a', 'b');
SELECT concat_ws('-', 'only');
SELECT left('abcde', -2);
SELECT right('abcde', -2);
SELECT left('abc', 10);
SELECT left('abc', 0);
SELECT substr('abcdef', 0, 3);
SELECT substr('abcdef', -2, 5);
SELECT substr('abcdef', 10);
SELECT substr('abcdef', 3);
SELECT substring('abcdef', -1, 4);
SELECT substring('Thomas' FROM 2);
SELECT substring('Thomas' FOR 2);
SELECT substring('foobar' FROM 'o.b');
SELECT substring('foobar' FROM 'o(.)b');
-- differs: syntax
SELECT substring('foobar' SIMILAR 'f#"oo#"_+' ESCAPE '#');
-- differs: error-code
SELECT substr('abc', 2, -1);
SELECT overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4);
SELECT overlay('abcdef' PLACING 'ZZ' FROM 3);
SELECT trim(BOTH 'x' FROM 'xxabcxx');
SELECT trim(LEADING 'x' FROM 'xxabc');
-- differs: syntax
SELECT trim(TRAILING FROM 'abc  ');
SELECT trim('xy' FROM 'yxabcxy');
-- differs: syntax
SELECT trim(BOTH FROM '  a  ');
SELECT ltrim('zzzytest', 'xyz');
SELECT rtrim('testxxzx', 'xyz');
SELECT lpad('hi', 5);
SELECT lpad('hello', 3);
SELECT lpad('hi', 7, 'xy');
SELECT rpad('hi', 5, '');
SELECT lpad('', 2, '0');
SELECT repeat('ab', 3);
SELECT repeat('a', 0);
SELECT repeat('a', -1);
SELECT reverse('añb');
SELECT initcap('hi THOMAS the-great o''neil');
SELECT initcap('a1b c_d');
SELECT ascii('x');
SELECT ascii('é');
SELECT chr(65);
SELECT chr(8364);
SELECT chr(233);
SELECT chr(0);
SELECT translate('12345', '143', 'ax');
SELECT translate('abc', 'abc', '');
SELECT replace('abcabc', 'b', '');
SELECT replace('', 'a', 'b');
SELECT split_part('abc~@~def~@~ghi', '~@~', 2);
SELECT split_part('a,b,c', ',', 5);
SELECT split_part('a,b,c', ',', -2);
SELECT split_part('abc', '', 1);
-- differs: error-code
SELECT split_part('a,b', ',', 0);
SELECT string_to_array('xx~^~yy~^~zz', '~^~');
SELECT string_to_array('a,b,,d', ',', '');
SELECT string_to_array('abc', NULL);
SELECT string_to_array('', ',');
SELECT string_to_array('abc', '');
SELECT array_to_string(ARRAY['a', NULL, 'c'], ',');
SELECT array_to_string(ARRAY['a', NULL, 'c'], ',', '*');
SELECT array_to_string(ARRAY[1, 2], '-');
SELECT string_to_table('a,b,c', ',');
SELECT * FROM string_to_table('a,b,,c', ',', '') AS s ORDER BY 1;
SELECT regexp_split_to_array('hello world again', '\s+');
SELECT regexp_split_to_table('a1b2c', '\d');
SELECT format('Hello %s, %1$s', 'World');
SELECT format('%s %s', 1, NULL);
SELECT format('%I %L', 'Tab le', 'it''s');
SELECT format('%%');
SELECT format('%L', NULL);
SELECT format('|%10s|', 'foo');
SELECT format('|%-10s|', 'foo');
-- differs: refused
SELECT format('|%*s|', 10, 'foo');
SELECT format('|%2$s %1$s|', 'a', 'b');
SELECT format('%I', 'select');
SELECT format('%s');
SELECT format('%d', 1);
SELECT quote_ident('abc');
SELECT quote_ident('Abc');
SELECT quote_ident('a b');
SELECT quote_ident('select');
SELECT quote_literal('a''b');
SELECT quote_literal(E'a\\b');
SELECT quote_literal(42.5);
SELECT md5('abc');
SELECT md5('');
SELECT sha256('abc');
SELECT encode(sha224('abc'), 'hex');
SELECT encode(sha512('abc'), 'hex');
SELECT encode(sha384('abc'), 'base64');
SELECT encode('abc', 'base64');
SELECT encode('\x00ff', 'hex');
SELECT encode('a\\b', 'escape');
SELECT decode('YWJj', 'base64');
SELECT decode('00ff', 'hex');
SELECT decode('a\\000b', 'escape');
SELECT decode('zz', 'hex');
SELECT decode('!', 'base64');
SELECT encode('abc', 'rot13');
SELECT to_hex(255);
SELECT to_hex(-1);
SELECT to_hex(9223372036854775807);
SELECT to_bin(10);
SELECT to_oct(64);
SELECT starts_with('alphabet', 'alph');
-- differs: unsupported
SELECT 'alphabet' ^@ 'bet';
SELECT starts_with('a', NULL);
SELECT strpos('high', 'ig');
SELECT strpos('a', '');
SELECT strpos('', 'a');
SELECT position('' IN 'abc');
SELECT char_length('日本語');
SELECT octet_length('日本語');
SELECT left('日本語', 2);
-- differs: letters
SELECT upper('straße');
-- differs: letters
SELECT lower('ÄÖ');
SELECT length('abc'::char(10));
SELECT length('abc   '::varchar);
-- differs: values
SELECT octet_length('abc'::char(10));
SELECT 'abc'::char(5) || '|';
SELECT 'a' < 'b';
SELECT 'a' < 'B';
SELECT 'Z' < 'a';
SELECT '' < 'a';
SELECT 'abc' > 'ab';
SELECT 'a' = 'a ';
SELECT 'a '::char(5) = 'a'::char(2);
SELECT 'a '::text = 'a'::text;
-- differs: values
SELECT 'a '::varchar = 'a'::char(3);
SELECT 'abc' LIKE 'a%';
SELECT 'abc' LIKE '_b_';
SELECT 'abc' LIKE 'B%';
SELECT 'abc' ILIKE 'B%';
SELECT 'a%c' LIKE 'a\%c';
SELECT 'a_c' LIKE 'a$_c' ESCAPE '$';
SELECT 'abc' NOT LIKE 'a%';
SELECT 'abc' ~~ 'a%';
SELECT 'abc' !~~ 'a%';
SELECT 'ABC' ~~* 'a%';
SELECT 'ABC' !~~* 'a%';
SELECT NULL LIKE 'a';
SELECT 'a\b' LIKE 'a\\b';
SELECT 'a' LIKE 'a\';
SELECT 'abc' LIKE '%';
SELECT '' LIKE '%';
SELECT '' LIKE '_';
SELECT 'ab' LIKE '%%b';
SELECT 'aXbXc' LIKE 'a%X%c';
SELECT 'abc' SIMILAR TO 'abc';
SELECT 'abc' SIMILAR TO 'a';
SELECT 'abc' SIMILAR TO '%(b|d)%';
SELECT 'abc' SIMILAR TO '(b|c)%';
SELECT 'abc' NOT SIMILAR TO 'x%';
SELECT like_escape('a#%', '#');
SELECT btrim('xyxtrimyyx', 'xyz');
SELECT btrim('  x ');
SELECT btrim(NULL);
SELECT btrim('abc', '');
SELECT to_char(125, '999');
SELECT to_char(-125, '999');
SELECT to_char(125.8, '999D9');
SELECT to_char(1234567, '9,999,999');
-- differs: functions
SELECT normalize('é', NFD) = 'é';
-- differs: functions
SELECT normalize(U&'\0061\0308bc', NFC);
-- differs: unsupported
SELECT 'x' IS NORMALIZED;
SELECT is_normalized('a', NFKC);
SELECT unistr('d\0061t\+000061');
SELECT U&'d\0061t\+000061';
-- differs: syntax
SELECT U&'d!0061t' UESCAPE '!';
SELECT E'\n\t\\';
SELECT E'\x41';
SELECT E'\101';
SELECT E'\u0041';
SELECT E'it\'s';
SELECT casefold('HELLO');
SELECT parse_ident('"SomeSchema".someTable');
SELECT parse_ident('a.b.c');
SELECT parse_ident('1bad');
SELECT pg_client_encoding();
SELECT convert_to('é', 'UTF8');
-- differs: functions
SELECT convert_from('\xc3a9', 'UTF8');
-- differs: functions
SELECT convert('abc', 'UTF8', 'LATIN1');
SELECT convert_to('é', 'LATIN1');
-- differs: error-code
SELECT convert_from('\xff', 'UTF8');
SELECT '\x41'::bytea || '\x42';
SELECT length('\x4142'::bytea);
SELECT octet_length('\x414243'::bytea);
SELECT substring('\x414243'::bytea FROM 2 FOR 1);
SELECT get_byte('\x1234'::bytea, 1);
SELECT set_byte('\x1234'::bytea, 0, 255);
SELECT get_bit('\x1234'::bytea, 3);
SELECT set_bit('\x00'::bytea, 2, 1);
SELECT get_byte('\x12'::bytea, 5);
SELECT position('\x42'::bytea IN '\x414243'::bytea);
SELECT trim('\x00'::bytea FROM '\x004100'::bytea);
SELECT overlay('\x414243'::bytea PLACING '\x5a'::bytea FROM 2);
SELECT reverse('\x0102'::bytea);
SELECT '\x01'::bytea < '\x02';
SELECT '\x'::bytea = '';
SELECT bit_count('\xff0f'::bytea);
SELECT md5('\x00'::bytea);
-- differs: functions
SELECT crc32('abc');
-- differs: functions
SELECT crc32c('abc');
SELECT 'abc'::bytea;
SELECT E'\\000'::bytea;
SELECT '\x4'::bytea;
SELECT 'ab\000c'::bytea;
SELECT '\'::bytea;
SELECT char_length(NULL);
SELECT upper(NULL);
SELECT concat('a', NULL);
SELECT lpad(NULL, 3);
SELECT replace('a', NULL, 'b');
SELECT string_agg(c, '' ORDER BY c) FROM regexp_split_to_table('hello', '') AS c;
SELECT array_to_string(ARRAY(SELECT chr(g) FROM generate_series(97, 101) g), '');
SELECT 'x'::name;
SELECT pg_typeof('x'::name);
SELECT length('x'::name);
SELECT 'abc'::"char";
SELECT 'a'::char;
SELECT 'abc'::char;
SELECT 'abc'::char(2);
SELECT 'abc'::varchar(2);
SELECT pg_typeof('a'::char(3));
SELECT cast('abc' AS varchar(2));
SELECT cast('abc' AS char(5));
SELECT text 'x';
SELECT varchar 'y';
SELECT char(3) 'z';
SELECT 'abc' COLLATE "C" < 'abd';
SELECT upper('i' COLLATE "C");
-- differs: accepted
SELECT 'a' COLLATE "nosuch";
-- differs: accepted
SELECT length(5);
-- differs: error-words
SELECT upper(5);
-- differs: error-code
SELECT lpad('a', 'b');
-- differs: accepted
SELECT substr('abc', 'x');
SELECT 'a' + 'b';
SELECT 'a' - 1;
SELECT nosuch('a');
SELECT to_number('12,454.8-', '99G999D9S');
-- differs: numeric-scale
SELECT to_number('$1,234.50', 'L9,999.99');
SELECT to_number('  12', '9999');
SELECT to_ascii('x');
SELECT regexp_count('abcabc', 'b');
SELECT regexp_instr('abcabc', 'b', 3);
SELECT regexp_like('ABC', 'b', 'i');
SELECT regexp_substr('abc123', '\d+');
-- differs: accepted
SELECT levenshtein('a', 'b');
SELECT similarity('a', 'b');
SELECT soundex('a');
SELECT strpos('😀x', 'x');
SELECT length('😀');
SELECT octet_length('😀');
SELECT reverse('a😀');
SELECT string_agg(w, '' ORDER BY id) FROM words WHERE w <> '';
SELECT max(w), min(w) FROM words WHERE length(w) > 0;
SELECT id FROM words ORDER BY w NULLS FIRST, id;
SELECT id FROM words WHERE w ~ '^\s' OR w = '';
SELECT count(*) FROM words WHERE w LIKE '%e%';
SELECT count(DISTINCT upper(w)) FROM words;
SELECT length(repeat('x', 100000));
SELECT hashtext('a') = hashtext('a');
SELECT hashtext('abc');
SELECT strpos(lower('HAYSTACK'), 'stack');
SELECT coalesce(nullif(trim('  '), ''), 'blank');
SELECT right('0000' || 42, 5);
SELECT lpad(42::text, 5, '0');
SELECT to_char(42, 'FM00000');
SELECT initcap(lower('THE QUICK'));
SELECT upper(left('word', 1)) || substr('word', 2);
SELECT length(replace('banana', 'a', ''));
SELECT (length('banana') - length(replace('banana', 'an', ''))) / length('an');
-- differs: error-code
SELECT overlay('abc' PLACING 'x' FROM 0);
SELECT bit_length('abc');
SELECT char_length('');
SELECT lower(upper('MiXed'));
SELECT ascii('');
SELECT ltrim('   x');
SELECT rtrim(E'x\n', E'\n');
SELECT trim(E'\t x ');
-- differs: syntax
SELECT trim(both from E'\tx');
SELECT 'abc'::text[1:2];
SELECT ('abc')[1];
SELECT 'x' IN ('x', 'y');
SELECT 'z' NOT IN ('x', 'y');
SELECT 'b' BETWEEN 'a' AND 'c';
SELECT greatest('a', 'b', 'B');
SELECT least('a', '', NULL);
SELECT cast(1.5 AS text);
SELECT 1.50::text;
SELECT true::text;
SELECT NULL::text;
SELECT (1.0 / 3)::text;
SELECT 1e20::float8::text;
SELECT 1e-7::float8::text;
SELECT string_to_array('1,2,3', ',')::int[];
SELECT array_to_string('{1,2}'::int[], ';');
SELECT text(5);
SELECT text('x');
SELECT "left"('abc', 1);
SELECT char_length('x'::varchar);
