-- Regular expressions: ~ and its kin, regexp_ functions, SIMILAR TO, flags, classes, errors.

-- setup
CREATE TABLE lines (id int, s text);
INSERT INTO lines VALUES (1, 'GET /index.html 200'), (2, 'POST /api/items?id=7 404'), (3, ''), (4, NULL), (5, E'two\nlines'), (6, 'ann@example.org, bob@example.com'), (7, '2024-02-29T13:14:15'), (8, 'aaa bbb aaa');

-- try
-- matching
SELECT 'abc' ~ 'b';
SELECT 'abc' ~ '^b';
SELECT 'abc' ~ 'c$';
SELECT 'abc' ~ 'B';
SELECT 'abc' ~ 'a.c';
SELECT 'abc' ~ '^a.*c$';
SELECT 'abc' ~ 'a|x';
SELECT 'abc' ~ '(ab)+';
SELECT 'ab12' ~ '\d+';
SELECT 'ab12' ~ '[[:digit:]]{2}';
SELECT 'a b' ~ '\s';
SELECT 'a_b' ~ '\w+';
SELECT 'foo.bar' ~ '\.';
SELECT 'abc' ~ '[^a-c]';
SELECT 'aaa' ~ 'a{3}';
SELECT 'aaa' ~ 'a{4,}';
SELECT 'aaa' ~ '^a{2,3}$';
SELECT 'ab' ~ 'a?b';
SELECT 'word one' ~ '\mone\M';
SELECT 'word one' ~ '\yon\y';
-- differs: unsupported
SELECT 'abab' ~ '(ab)\1';
SELECT '' ~ '^$';
SELECT 'abc' ~ '';
SELECT E'a\\b' ~ '\\';
SELECT 'ABC' ~ '(?i)abc';
SELECT 'é' ~ '^.$';
SELECT 'tab' ~ '[[:alpha:]]+';
SELECT 'x-y' ~ '[a-z-]+';
SELECT 'a]b' ~ '[]]';
SELECT 'a^b' ~ '[\^]';
-- differs: unsupported
SELECT 'abc' ~ '(?=b)';
-- differs: unsupported
SELECT 'abc' ~ 'a(?!c)';
-- differs: unsupported
SELECT 'abc' ~ '(?<=a)b';
SELECT 'abc' ~ 'a(?:b)c';
SELECT 'x' ~ '\x78';
SELECT 'ab' ~ '\Aab\Z';
SELECT 'ABC' ~* 'b';
SELECT 'ABC' !~ 'b';
SELECT 'ABC' !~* 'b';
SELECT NULL ~ 'a';
SELECT 'a' ~ NULL;
SELECT E'a\nb' ~ 'a.b';
SELECT E'a\nb' ~ '^b';
SELECT E'a\nb' ~ '(?n)^b';
SELECT E'a\nb' ~ '(?s)a.b';
SELECT 'a b' ~ '(?x)a b';
SELECT 'abc' ~ '***=b';
SELECT 'a.c' ~ '***=a.c';
SELECT 'abc' ~ '***=a.c';
SELECT id FROM lines WHERE s ~ '^(GET|POST)' ORDER BY id;
SELECT id FROM lines WHERE s ~ '\d{4}-\d{2}-\d{2}' ORDER BY id;
SELECT id FROM lines WHERE s !~ 'a' ORDER BY id;
SELECT id FROM lines WHERE s ~* 'get|HTML' ORDER BY id;
SELECT id FROM lines WHERE s ~ 'two.lines' ORDER BY id;
-- differs: unsupported
SELECT id FROM lines WHERE s ~ ANY (ARRAY['^GET', 'bbb']) ORDER BY id;
SELECT id FROM lines WHERE s ~ ('^' || 'a+') ORDER BY id;

-- replacing
SELECT regexp_replace('foobarbaz', 'b..', 'X');
SELECT regexp_replace('foobarbaz', 'b..', 'X', 'g');
SELECT regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g');
SELECT regexp_replace('abc', '(a)(b)', '\2\1');
SELECT regexp_replace('abc', 'b', '[\&]');
SELECT regexp_replace('abc', 'x', 'y');
SELECT regexp_replace('ABC', 'b', 'x', 'i');
SELECT regexp_replace('a.b.c', '\.', '', 'g');
SELECT regexp_replace('  trim  ', '^\s+|\s+$', '', 'g');
SELECT regexp_replace('abc', '', '-', 'g');
SELECT regexp_replace('a\b', '\\', '/');
SELECT regexp_replace('x', 'x', '\\');
SELECT regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 0, 'i');
SELECT regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 3, 'i');
SELECT regexp_replace('abcabc', 'b', 'X', 3);
SELECT regexp_replace('abc', '(?<x>b)', 'y');
SELECT regexp_replace(NULL, 'a', 'b');
SELECT regexp_replace('a', NULL, 'b');
SELECT regexp_replace('a', 'a', NULL);
SELECT regexp_replace('', '^$', 'empty');
-- differs: regex
SELECT regexp_replace('aaa', 'a*', 'x', 'g');
SELECT regexp_replace('aaa', 'a*?', 'x');
SELECT id, regexp_replace(s, '[aeiou]', '*', 'g') FROM lines ORDER BY id;
SELECT id, regexp_replace(s, '(\w+)@(\w+)\.(\w+)', '\2 at \1', 'g') FROM lines WHERE id = 6;
SELECT regexp_replace('abc', 'b', 'x', 'z');
SELECT regexp_replace('abc', 'b', 'x', 0);

-- finding
SELECT regexp_match('foobarbequebaz', 'bar.*que');
SELECT regexp_match('foobarbequebaz', '(bar)(beque)');
SELECT regexp_match('abc', 'x');
SELECT regexp_match('abc', '(x)?c');
SELECT regexp_match('ABC', 'b', 'i');
SELECT (regexp_match('k=v', '(\w)=(\w)'))[2];
SELECT regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g');
SELECT regexp_matches('abc', 'x');
SELECT regexp_matches('a1b2', '\d', 'g');
SELECT m[1], m[2] FROM regexp_matches('a=1,b=2', '(\w)=(\d)', 'g') AS m ORDER BY 1;
SELECT id, (regexp_match(s, '(\d{3})$'))[1] AS status FROM lines ORDER BY id;
SELECT id, m FROM lines, regexp_matches(s, '\w+@\w+', 'g') m ORDER BY id, m;
SELECT id, (SELECT count(*) FROM regexp_matches(s, 'a+', 'g')) FROM lines ORDER BY id;
SELECT regexp_substr('ABCDEF', 'c(.)(..)');
SELECT regexp_substr('ABCDEF', 'c(.)(..)', 1, 1, 'i');
SELECT regexp_substr('ABCDEF', 'c(.)(..)', 1, 1, 'i', 2);
SELECT regexp_substr('a1b22', '\d+', 1, 2);
SELECT regexp_substr('abc', 'x');
SELECT regexp_instr('number of your street, town zip, FR', '[^,]+', 1, 2);
SELECT regexp_instr('ABCDEFGHI', '(c..)(...)', 1, 1, 0, 'i', 2);
SELECT regexp_instr('abc', 'x');
SELECT regexp_instr('abcb', 'b', 3);
SELECT regexp_instr('abc', 'b', 1, 1, 1);
SELECT regexp_count('ABCABCAXYaxy', 'A.');
SELECT regexp_count('ABCABCAXYaxy', 'A.', 1, 'i');
SELECT regexp_count('abc', '');
SELECT regexp_count('aaa', 'a', 2);
SELECT regexp_count('abc', 'x');
SELECT regexp_like('Hello World', 'world$', 'i');
SELECT regexp_like('a', 'b');
SELECT regexp_like(NULL, 'a');
SELECT substring('foobar' FROM 'o.b');
SELECT substring('foobar' FROM 'o(.)b');
SELECT substring('foobar' FROM 'x');
SELECT substring('abc' FROM '(b)(c)');
SELECT substring('abc', 'b.');
SELECT substring('Thomas' FROM '...$');
-- differs: syntax
SELECT substring('foobar' SIMILAR '%#"o_b#"%' ESCAPE '#');
-- differs: functions
SELECT substring('foobar' FROM '#"o_b#"%' FOR '#');
SELECT id, substring(s FROM '\w+') FROM lines ORDER BY id;
SELECT id, count(*) FROM lines, regexp_split_to_table(s, '\s+') w WHERE w <> '' GROUP BY id ORDER BY id;

-- splitting
SELECT regexp_split_to_array('the quick brown fox', '\s+');
SELECT regexp_split_to_array('abc', '');
SELECT regexp_split_to_array('a,b,,c', ',');
SELECT regexp_split_to_array('abc', 'x');
SELECT regexp_split_to_array('aXbxc', 'x', 'i');
SELECT regexp_split_to_array('', ',');
SELECT regexp_split_to_table('a1b22c', '\d+');
SELECT word, count(*) FROM regexp_split_to_table('b a b', ' ') AS word GROUP BY word ORDER BY word;

-- greediness, classes, quantifiers
SELECT substring('aXbXc' FROM 'a.*X');
SELECT substring('aXbXc' FROM 'a.*?X');
SELECT substring('XY1234Z' FROM 'Y*([0-9]{1,3})');
-- differs: regex
SELECT substring('XY1234Z' FROM 'Y*?([0-9]{1,3})');
SELECT substring('abb' FROM 'ab{1}');
SELECT substring('abbb' FROM 'ab{1,2}?');
SELECT regexp_replace('a1 B2', '[[:upper:]]', 'U', 'g');
SELECT regexp_replace('a1 B2', '[[:space:][:digit:]]', '.', 'g');
SELECT regexp_replace('a-b_c', '\W', '', 'g');
SELECT regexp_replace('a1b2', '\D', '', 'g');
SELECT regexp_replace('a b', '\S', 'x', 'g');
SELECT regexp_replace('ab', '[^b]', 'x');
SELECT regexp_replace('ünï', '[[:alpha:]]', 'x', 'g');
SELECT regexp_replace('a.b', '[.]', 'x');
SELECT regexp_match('aaa', 'a{2}');
SELECT regexp_match('ab', 'a{0,1}b');
SELECT regexp_match('abcabc', '(abc){2}');
SELECT regexp_match('2024-02-29', '(\d+)-(\d+)-(\d+)');
SELECT regexp_match('key: value', '^(\w+):\s*(.*)$');
-- differs: unsupported
SELECT regexp_match('<b>x</b>', '<(\w)>(.*?)</\1>');

-- errors
SELECT 'a' ~ '(';
SELECT 'a' ~ ')';
SELECT 'a' ~ '[a';
SELECT 'a' ~ '*a';
SELECT 'a' ~ 'a{2,1}';
SELECT 'a' ~ 'a**';
SELECT 'a' ~ '\';
SELECT 'a' ~ '[[:nosuch:]]';
SELECT 'a' ~ '(?z)a';
SELECT 'a' ~ '\1';
SELECT regexp_match('a', 'a', 'g');
SELECT regexp_match('a', 'a', 'q');
SELECT regexp_split_to_array('a', 'b', 'g');
-- differs: error-code
SELECT 'a' ~ 5;
-- differs: error-code
SELECT 5 ~ 'a';
-- differs: accepted
SELECT 'a' SIMILAR TO 'a' ESCAPE 'xx';

-- SIMILAR TO
SELECT 'abc' SIMILAR TO 'abc';
SELECT 'abc' SIMILAR TO 'a';
SELECT 'abc' SIMILAR TO '%(b|d)%';
SELECT 'abc' SIMILAR TO '(b|c)%';
SELECT 'abc' SIMILAR TO '_b_';
SELECT 'abc' SIMILAR TO 'a[a-z]c';
SELECT 'aaa' SIMILAR TO 'a{3}';
SELECT 'aaa' SIMILAR TO 'a+';
SELECT '' SIMILAR TO 'a*';
SELECT 'a.c' SIMILAR TO 'a.c';
SELECT 'abc' SIMILAR TO 'a.c';
SELECT 'a%' SIMILAR TO 'a\%';
SELECT 'abc' SIMILAR TO '%c';
SELECT 'foo' SIMILAR TO 'f(o)+';
SELECT 'ab' SIMILAR TO '[^a]b';
SELECT 'AB' SIMILAR TO 'ab';
