-- Dates, times, intervals: input, arithmetic, extract, truncation, zones, formatting.

-- setup
CREATE TABLE ev (id int, d date, t time, ts timestamp, tz timestamptz, iv interval);
INSERT INTO ev VALUES (1, '2024-02-29', '13:14:15.678', '2024-02-29 13:14:15.678', '2024-02-29 13:14:15.678+00', '1 year 2 mons 3 days 04:05:06.7'), (2, '1999-12-31', '00:00', '1999-12-31 23:59:59', '1999-12-31 23:59:59+00', '-1 day -02:03:04'), (3, NULL, NULL, NULL, NULL, NULL), (4, '0044-03-15 BC', '23:59:59', '1066-10-14', '2024-07-01 00:00+00', '36 hours');

-- try
-- input
SELECT '2024-02-29'::date;
SELECT '20240229'::date;
SELECT 'Feb 29, 2024'::date;
SELECT '29 Feb 2024'::date;
SELECT 'February 29 2024'::date;
SELECT '2/29/2024'::date;
-- differs: refused
SELECT '2024.060'::date;
-- differs: refused
SELECT 'J2460370'::date;
SELECT '2024-2-9'::date;
SELECT 'epoch'::date;
SELECT 'infinity'::date;
SELECT '-infinity'::date;
SELECT '1 Jan 44 BC'::date;
-- differs: unsupported
SELECT 'today is not'::date;
SELECT '2023-02-29'::date;
SELECT '2024-13-01'::date;
SELECT ''::date;
SELECT '13:14'::time;
SELECT '13:14:15'::time;
SELECT '1:14 PM'::time;
SELECT '12:00 AM'::time;
SELECT '131415'::time;
SELECT '13:14:15.123456'::time;
SELECT '24:00:00'::time;
SELECT '25:00'::time;
SELECT 'noon'::time;
SELECT 'allballs'::time;
SELECT '13:14:60'::time;
SELECT '2024-02-29 13:14:15'::timestamp;
SELECT '2024-02-29T13:14:15.5'::timestamp;
SELECT '2024-02-29'::timestamp;
SELECT 'Thu Feb 29 13:14:15 2024'::timestamp;
SELECT '2024-02-29 13:14:15.123456789'::timestamp;
SELECT '2024-02-29 24:00'::timestamp;
SELECT '2024-02-29 13:14:15 PST'::timestamp;
SELECT '2024-02-30'::timestamp;
SELECT 'infinity'::timestamp;
SELECT '20240229T131415'::timestamp;
SELECT '0001-01-01 BC'::timestamp;
SELECT '294277-01-01'::timestamp;
SELECT 'x'::timestamp;
SELECT '2024-02-29 13:14:15+02'::timestamptz;
SELECT '2024-02-29 13:14:15Z'::timestamptz;
SELECT '2024-02-29 13:14:15 America/New_York'::timestamptz;
SELECT '2024-02-29 13:14:15 PST'::timestamptz;
SELECT '2024-02-29 13:14:15-08:30'::timestamptz;
SELECT '2024-07-01 12:00 Europe/Paris'::timestamptz;
SELECT '2024-02-29 13:14:15 nowhere'::timestamptz;
-- differs: error-code
SELECT '2024-02-29 13:14:15+99'::timestamptz;
SELECT '1 day'::interval;
SELECT '1 year 2 months'::interval;
SELECT '1 week'::interval;
SELECT '3 days ago'::interval;
SELECT '1:02:03'::interval;
SELECT '1.5 hours'::interval;
SELECT '1 mon -3 days +04:05'::interval;
SELECT 'P1Y2M3DT4H5M6S'::interval;
SELECT 'PT36H'::interval;
SELECT 'P1W'::interval;
SELECT '0'::interval;
SELECT '1 decade 2 centuries'::interval;
SELECT '90 minutes'::interval;
SELECT '1-2'::interval;
SELECT '5 04:03:02'::interval;
SELECT '1.5 months'::interval;
SELECT '0.1 second'::interval;
SELECT '-1 day'::interval;
SELECT '@ 1 hour ago'::interval;
SELECT '1 fortnight'::interval;
-- differs: refused
SELECT 'infinity'::interval;
SELECT ''::interval;
SELECT date '2024-02-29';
SELECT time '10:00';
SELECT timestamp '2024-02-29 10:00';
SELECT timestamptz '2024-02-29 10:00+00';
SELECT interval '1 day';
SELECT interval '1' year;
SELECT interval '2-6' year to month;
SELECT interval '1 02:03' day to minute;
SELECT interval '90' second;
-- differs: time-values
SELECT interval '1.5' hour;
SELECT interval '1 day 02:03:04.567'::interval(1);
SELECT timestamp '2024-01-01 00:00:00.5678'::timestamp(2);
SELECT time '10:00:00.999'::time(0);
SELECT timestamp '2024-02-29 13:14:15.678'::date;
SELECT timestamp '2024-02-29 13:14:15.678'::time;
SELECT date '2024-02-29'::timestamp;
SELECT date '2024-02-29'::timestamptz;
SELECT timestamptz '2024-02-29 13:14:15+00'::date;
SELECT timestamptz '2024-02-29 13:14:15+00'::timestamp;
SELECT time '10:00'::interval;
-- differs: refused
SELECT interval '26:00'::time;
SELECT make_date(2024, 2, 29);
SELECT make_time(13, 14, 15.5);
SELECT make_timestamp(2024, 2, 29, 13, 14, 15.5);
SELECT make_timestamptz(2024, 2, 29, 13, 14, 15.5);
SELECT make_timestamptz(2024, 2, 29, 13, 14, 15.5, 'Europe/Berlin');
SELECT make_interval(1, 2, 3, 4, 5, 6, 7.5);
SELECT make_interval(days => 10, hours => 2);
SELECT make_interval(years => 1);
SELECT make_date(-44, 3, 15);
SELECT make_date(2023, 2, 29);
SELECT make_time(25, 0, 0);
SELECT to_timestamp(0);
SELECT to_timestamp(1709212455.5);
SELECT to_timestamp(-1);

-- arithmetic
SELECT date '2024-02-28' + 1;
SELECT date '2024-03-01' - 1;
SELECT date '2024-03-01' - date '2024-02-01';
SELECT 5 + date '2024-01-01';
SELECT date '2024-01-31' + interval '1 month';
SELECT date '2024-01-31' - interval '1 day';
SELECT date '2024-01-01' + time '10:00';
SELECT date '2024-02-29' + interval '1 year';
SELECT timestamp '2024-01-31 10:00' + interval '1 month';
SELECT timestamp '2024-03-31' - interval '1 month';
SELECT timestamp '2024-01-01' - timestamp '2023-01-01';
SELECT timestamp '2024-01-01 10:00' - timestamp '2024-01-02 11:30';
SELECT timestamptz '2024-03-10 00:00+00' + interval '1 day';
SELECT timestamptz '2024-01-01 00:00+00' - timestamptz '2023-12-31 12:00+00';
SELECT time '10:00' + interval '90 minutes';
SELECT time '01:00' - interval '2 hours';
SELECT time '10:00' - time '08:30';
SELECT interval '1 day' + interval '2 hours';
SELECT interval '1 day' - interval '2 hours';
SELECT interval '1 month' * 2.5;
SELECT interval '1 hour' / 4;
SELECT 2 * interval '1 day';
SELECT -interval '1 day 02:00';
SELECT interval '1 day' * 1.5;
SELECT interval '1 day' = interval '24 hours';
SELECT interval '1 month' = interval '30 days';
SELECT interval '1 year' > interval '360 days';
SELECT interval '1 month' < interval '31 days';
SELECT date '2024-01-01' = timestamp '2024-01-01';
SELECT date '2024-01-01' < timestamptz '2024-01-02';
SELECT date '2024-01-01' > '2023-12-31';
SELECT timestamp '2024-01-01' = '2024-01-01';
SELECT date 'infinity' > date '9999-12-31';
SELECT date '-infinity' < '0001-01-01';
SELECT isfinite(date 'infinity');
SELECT isfinite(interval '1 day');
SELECT isfinite(timestamp '2024-01-01');
SELECT date '2024-01-01' + date '2024-01-02';
SELECT date '2024-01-01' * 2;
SELECT interval '1 day' / 0;
SELECT date '2024-01-01' - 'x';
-- differs: error-code
SELECT date '5874897-12-31' + 1;
-- differs: unsupported
SELECT (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', date '2024-03-01');
-- differs: unsupported
SELECT (date '2024-01-01', interval '10 days') OVERLAPS (date '2024-01-11', interval '1 day');
SELECT age(timestamp '2024-03-01', timestamp '2023-01-15');
SELECT age(timestamp '2000-01-01', timestamp '2024-02-29 12:00');
SELECT age(date '2024-02-29', date '2023-02-28');
SELECT age(timestamp '2024-01-01', timestamp '2024-01-01');
SELECT justify_days(interval '65 days');
SELECT justify_hours(interval '50 hours');
SELECT justify_interval(interval '1 mon -1 hour');
SELECT id, d + 1, d - 1, ts + iv, tz - iv, iv * 2, t + iv FROM ev WHERE id < 4 ORDER BY id;
SELECT id, ts - ts, tz - timestamptz '2000-01-01 00:00+00', d - date '2000-01-01' FROM ev WHERE id < 4 ORDER BY id;
SELECT id, d, t, ts, tz, iv FROM ev ORDER BY id;
SELECT id, iv::text, d::text, ts::text, tz::text, t::text FROM ev ORDER BY id;
SELECT min(d), max(d), min(ts), max(tz), min(iv), max(iv), sum(iv), avg(iv), max(t) FROM ev;
SELECT id FROM ev WHERE d > '2000-01-01' AND ts < '2025-01-01 00:00';
SELECT id FROM ev ORDER BY iv DESC NULLS LAST, id;
SELECT count(*) FROM ev WHERE tz BETWEEN '1999-01-01' AND '2024-03-01';

-- zones
SELECT timestamptz '2024-07-01 12:00+00' AT TIME ZONE 'Europe/Berlin';
SELECT timestamptz '2024-01-01 12:00+00' AT TIME ZONE 'America/New_York';
SELECT timestamptz '2024-01-01 12:00+00' AT TIME ZONE 'UTC';
SELECT timestamp '2024-07-01 12:00' AT TIME ZONE 'Europe/Berlin';
SELECT timestamp '2024-01-01 12:00' AT TIME ZONE 'PST';
SELECT timestamp '2024-01-01 12:00' AT TIME ZONE interval '-3 hours';
-- differs: time-zones
SELECT timestamp '2024-01-01 12:00' AT TIME ZONE '+05:30';
SELECT timezone('Asia/Tokyo', timestamptz '2024-01-01 00:00+00');
SELECT timezone('Asia/Tokyo', timestamp '2024-01-01 00:00');
-- differs: syntax
SELECT timestamptz '2024-01-01 00:00+00' AT LOCAL;
SELECT timestamptz '2024-01-01 00:00+00' AT TIME ZONE 'nowhere';
-- differs: types
SELECT time with time zone '10:00+02';
-- differs: types
SELECT timetz '10:00-05';
SELECT date_trunc('day', timestamptz '2024-02-29 23:30+00', 'Europe/Berlin');
SELECT date_add(timestamptz '2024-03-30 12:00+00', interval '1 day', 'Europe/Berlin');
SELECT date_subtract(timestamptz '2024-03-31 12:00+00', interval '1 day', 'Europe/Berlin');
SET TIME ZONE 'America/New_York';
SELECT timestamptz '2024-07-01 12:00+00';
SELECT timestamptz '2024-01-01 12:00+00';
SELECT '2024-07-01 12:00'::timestamptz;
SELECT timestamp '2024-07-01 12:00'::timestamptz;
SELECT date '2024-07-01'::timestamptz;
SELECT timestamptz '2024-07-01 02:00+00'::date;
-- differs: time-zones
SELECT timestamptz '2024-03-09 12:00' + interval '1 day';
SELECT timestamptz '2024-03-09 12:00' + interval '24 hours';
SELECT date_trunc('day', timestamptz '2024-03-10 12:00+00');
-- differs: time-zones
SELECT extract(timezone FROM timestamptz '2024-07-01 12:00+00');
SELECT extract(hour FROM timestamptz '2024-07-01 12:00+00');
-- differs: to-char
SELECT to_char(timestamptz '2024-07-01 12:00+00', 'HH24:MI TZ OF TZH:TZM');
-- differs: refused
SELECT generate_series(timestamptz '2024-03-09 00:00', '2024-03-12 00:00', '1 day');
SET TIME ZONE 'Asia/Kolkata';
SELECT timestamptz 'epoch';
-- differs: time-zones
SELECT extract(timezone_minute FROM timestamptz '2024-07-01 12:00+00');
SET TIME ZONE 'UTC';
-- differs: follows
SELECT count(*) > 100 FROM pg_timezone_names;
-- differs: follows
SELECT name FROM pg_timezone_names WHERE name = 'Europe/Berlin';

-- the clock
SELECT now() = current_timestamp;
SELECT pg_typeof(now());
SELECT pg_typeof(current_date);
SELECT pg_typeof(localtimestamp);
-- differs: types
SELECT pg_typeof(current_time);
SELECT pg_typeof(localtime);
SELECT pg_typeof(clock_timestamp());
-- differs: functions
SELECT pg_typeof(timeofday());
SELECT current_date - current_date;
SELECT now() - now();
-- differs: unsupported
SELECT 'now'::timestamptz = now();
-- differs: unsupported
SELECT 'today'::date = current_date;
-- differs: unsupported
SELECT 'tomorrow'::date - 'yesterday'::date;
SELECT current_timestamp(0) <= now() + interval '1 s';

-- extract and date_part
SELECT extract(century FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(day FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(decade FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(dow FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(doy FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(epoch FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(hour FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(isodow FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(isoyear FROM timestamp '2024-02-29 13:14:15.678');
-- differs: time-precision
SELECT extract(julian FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(microseconds FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(millennium FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(milliseconds FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(minute FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(month FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(quarter FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(second FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(week FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(year FROM timestamp '2024-02-29 13:14:15.678');
SELECT extract(day FROM date '1999-12-31');
SELECT extract(month FROM date '1999-12-31');
SELECT extract(year FROM date '1999-12-31');
SELECT extract(dow FROM date '1999-12-31');
SELECT extract(doy FROM date '1999-12-31');
SELECT extract(week FROM date '1999-12-31');
SELECT extract(quarter FROM date '1999-12-31');
-- differs: numeric-scale
SELECT extract(epoch FROM date '1999-12-31');
SELECT extract(isoyear FROM date '1999-12-31');
SELECT extract(century FROM date '1999-12-31');
SELECT extract(decade FROM date '1999-12-31');
-- differs: accepted
SELECT extract(hour FROM date '1999-12-31');
SELECT extract(day FROM interval '1 year 2 months 3 days 04:05:06.7');
SELECT extract(month FROM interval '1 year 2 months 3 days 04:05:06.7');
SELECT extract(year FROM interval '1 year 2 months 3 days 04:05:06.7');
SELECT extract(hour FROM interval '1 year 2 months 3 days 04:05:06.7');
SELECT extract(minute FROM interval '1 year 2 months 3 days 04:05:06.7');
SELECT extract(second FROM interval '1 year 2 months 3 days 04:05:06.7');
SELECT extract(epoch FROM interval '1 year 2 months 3 days 04:05:06.7');
SELECT extract(century FROM interval '1 year 2 months 3 days 04:05:06.7');
-- differs: refused
SELECT extract(week FROM interval '1 year 2 months 3 days 04:05:06.7');
SELECT extract(milliseconds FROM interval '1 year 2 months 3 days 04:05:06.7');
SELECT extract(hour FROM time '13:14:15.5');
SELECT extract(epoch FROM time '13:14:15.5');
SELECT extract(second FROM time '13:14:15.5');
-- differs: error-code
SELECT extract(day FROM time '13:14');
SELECT date_part('year', date '2024-02-29');
SELECT date_part('dow', timestamp '2024-02-29 10:00');
SELECT date_part('epoch', timestamptz '2024-02-29 10:00+00');
SELECT date_part('hour', interval '5 hours');
SELECT pg_typeof(date_part('year', date '2024-01-01'));
SELECT pg_typeof(extract(year FROM date '2024-01-01'));
-- differs: error-code
SELECT extract(nothing FROM date '2024-01-01');
-- differs: refused
SELECT extract('year' FROM timestamp '2024-01-01');
SELECT date_part('nothing', timestamp '2024-01-01');
-- differs: time-values
SELECT extract(epoch FROM date 'infinity');
-- differs: refused
SELECT extract(year FROM timestamp '-infinity');
-- differs: refused
SELECT extract(month FROM timestamp 'infinity');
SELECT id, extract(year FROM d), extract(month FROM ts), extract(epoch FROM iv), date_part('hour', t) FROM ev ORDER BY id;

-- truncation
SELECT date_trunc('microseconds', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('milliseconds', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('second', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('minute', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('hour', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('day', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('week', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('month', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('quarter', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('year', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('decade', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('century', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('millennium', timestamp '2024-02-29 13:14:15.6789');
SELECT date_trunc('month', date '2024-02-29');
SELECT date_trunc('hour', timestamptz '2024-02-29 13:14+00');
SELECT date_trunc('day', interval '3 days 04:05');
SELECT date_trunc('year', interval '5 years 3 months');
SELECT pg_typeof(date_trunc('month', date '2024-02-29'));
SELECT date_trunc('nothing', timestamp '2024-01-01');
SELECT date_bin('15 minutes', timestamp '2024-02-29 13:22:15', timestamp '2001-01-01');
SELECT date_bin('1 day', timestamptz '2024-02-29 13:22+00', timestamptz '2001-01-01 06:00+00');
-- differs: accepted
SELECT date_bin('1 month', timestamp '2024-01-01', timestamp '2000-01-01');
SELECT generate_series(date '2024-01-30', date '2024-02-02', '1 day');
SELECT generate_series(timestamp '2024-01-01', '2024-01-02', '8 hours');
SELECT generate_series(timestamp '2024-01-31', '2024-05-31', '1 month');
SELECT g::date FROM generate_series(date '2024-03-03', date '2024-03-01', interval '-1 day') g ORDER BY g DESC;
SELECT date_trunc('week', d) AS week, count(*) FROM generate_series(date '2024-01-01', date '2024-01-20', '1 day') d GROUP BY week ORDER BY week;

-- to_char
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'YYYY-MM-DD');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'HH24:MI:SS');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'HH12:MI:SS AM');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'HH:MI p.m.');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'Day, DD Month YYYY');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'FMDay, FMDD FMMonth YYYY');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'Dy DD Mon YY');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'DY MON');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'D DD DDD');
-- differs: to-char
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'ID IDDD IW IYYY');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'WW W');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'Q CC J');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'MS US');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'FF1 FF3 FF6');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'SSSS SSSSS');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'Y,YYY');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'YYY YY Y');
-- differs: to-char
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'RM rm');
-- differs: to-char
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'FMRM');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'DDth');
-- differs: to-char
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'Ddth DDTH');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', '"Year:" YYYY');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'YYYY"T"HH24');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'AD');
-- differs: to-char
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'b.c.');
-- differs: to-char
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'TZ');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'OF');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'month MONTH');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'mon dy day');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'HH24MISS');
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'FMHH12:FMMI');
-- differs: to-char
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'yyyy-mm-dd hh24:mi:ss.ms');
-- differs: to-char
SELECT to_char(timestamp '2024-02-09 03:04:05.006007', 'TMMonth');
SELECT to_char(date '2024-12-31', 'YYYY-MM-DD');
SELECT to_char(date '2024-12-31', 'DD.MM.YYYY');
SELECT to_char(date '2024-12-31', 'Day');
SELECT to_char(date '2024-12-31', 'HH24');
-- differs: to-char
SELECT to_char(interval '1 year 2 mons 3 days 04:05:06', 'HH24:MI:SS');
-- differs: to-char
SELECT to_char(interval '1 year 2 mons 3 days 04:05:06', 'DD HH24');
-- differs: to-char
SELECT to_char(interval '1 year 2 mons 3 days 04:05:06', 'YY-MM-DD');
-- differs: to-char
SELECT to_char(interval '1 year 2 mons 3 days 04:05:06', 'FMHH24h');
SELECT to_char(timestamp '2024-12-30 00:00', 'IYYY-IW-ID');
-- differs: to-char
SELECT to_char(time '10:11:12', 'HH24:MI');
SELECT to_char(timestamptz '2024-01-01 10:00+00', 'YYYY TZ');
-- differs: to-char
SELECT to_char(timestamp '2024-02-09', '');
SELECT to_char(NULL::timestamp, 'YYYY');
-- to_date and to_timestamp
SELECT to_date('2024-02-29', 'YYYY-MM-DD');
SELECT to_date('29 Feb 2024', 'DD Mon YYYY');
SELECT to_date('20240229', 'YYYYMMDD');
SELECT to_date('February 29, 2024', 'Month DD, YYYY');
SELECT to_date('24-1-5', 'YY-MM-DD');
SELECT to_date('2024060', 'YYYYDDD');
-- differs: to-char
SELECT to_date('2024-09-4', 'IYYY-IW-ID');
-- differs: error-words
SELECT to_date('2024-02-30', 'YYYY-MM-DD');
-- differs: error-words
SELECT to_date('2024-13-01', 'YYYY-MM-DD');
SELECT to_date('abc', 'YYYY');
SELECT to_date('05 Dec 2000', 'DD MON YYYY');
SELECT to_date('2000/12/05', 'YYYY-MM-DD');
SELECT to_date('29Feb2024', 'DDMonYYYY');
-- differs: refused
SELECT to_date('', 'YYYY');
SELECT to_timestamp('2024-02-29 13:14:15', 'YYYY-MM-DD HH24:MI:SS');
SELECT to_timestamp('2024-02-29 01:14 PM', 'YYYY-MM-DD HH:MI PM');
SELECT to_timestamp('2024-02-29 13:14:15.678', 'YYYY-MM-DD HH24:MI:SS.MS');
SELECT to_timestamp('2024-02-29 13:14:15.678901', 'YYYY-MM-DD HH24:MI:SS.US');
-- differs: to-char
SELECT to_timestamp('2024-02-29 13:14 +02', 'YYYY-MM-DD HH24:MI TZH');
SELECT to_timestamp('Thu Feb 29 2024', 'Dy Mon DD YYYY');
-- differs: accepted
SELECT to_timestamp('1709212455', 'SSSS');
-- differs: error-words
SELECT to_timestamp('2024-02-29 25:00', 'YYYY-MM-DD HH24:MI');
SELECT to_timestamp('16-Feb-24 10.30.00', 'DD-Mon-YY HH24.MI.SS');
