-- pg_catalog, information_schema and the functions on them, as tools and people ask.

-- setup
CREATE SCHEMA app;
CREATE TABLE app.customers (id serial PRIMARY KEY, name varchar(50) NOT NULL, email text UNIQUE, born date DEFAULT '2000-01-01', score numeric(6,2) CHECK (score >= 0), tags text[], data jsonb);
CREATE TABLE app.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES app.customers ON DELETE CASCADE, placed timestamptz DEFAULT now(), total numeric(10,2) NOT NULL DEFAULT 0);
CREATE INDEX orders_customer ON app.orders (customer_id, placed DESC);
CREATE VIEW app.big_orders AS SELECT id, total FROM app.orders WHERE total > 100;
CREATE MATERIALIZED VIEW app.totals AS SELECT customer_id, sum(total) AS total FROM app.orders GROUP BY customer_id;
CREATE SEQUENCE app.counter START 5;
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN app.positive AS int CHECK (VALUE > 0);
COMMENT ON TABLE app.customers IS 'who buys';
COMMENT ON COLUMN app.customers.name IS 'full name';

-- try
SELECT schemaname, tablename, hasindexes FROM pg_tables WHERE schemaname = 'app' ORDER BY tablename;
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'app' ORDER BY table_name;
SELECT column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, udt_name FROM information_schema.columns WHERE table_schema = 'app' AND table_name = 'customers' ORDER BY ordinal_position;
SELECT column_name, data_type, is_identity, identity_generation FROM information_schema.columns WHERE table_schema = 'app' AND table_name = 'orders' ORDER BY ordinal_position;
SELECT relname, relkind, relpersistence, relnatts, relhasindex FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'app' AND relkind IN ('r', 'v', 'm', 'S') ORDER BY relname;
SELECT relname, relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'app' AND relkind = 'i' ORDER BY relname;
SELECT attname, attnum, attnotnull, atthasdef, attlen, attisdropped, attidentity FROM pg_attribute WHERE attrelid = 'app.customers'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'app.customers'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname FROM pg_attribute WHERE attrelid = 'app.customers'::regclass AND attnum < 0 ORDER BY attname;
SELECT a.attname, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = 'app.customers'::regclass ORDER BY a.attnum;
-- differs: deparse
SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'app.customers'::regclass AND contype <> 'n' ORDER BY conname;
SELECT conname, contype, confdeltype, conkey, confkey, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'app.orders'::regclass AND contype <> 'n' ORDER BY conname;
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'app' ORDER BY indexname;
SELECT pg_get_indexdef('app.orders_customer'::regclass), pg_get_indexdef('app.orders_customer'::regclass, 1, true), pg_get_indexdef('app.orders_customer'::regclass, 2, true);
SELECT indisunique, indisprimary, indisvalid, indkey, indoption FROM pg_index WHERE indrelid = 'app.orders'::regclass ORDER BY indisprimary;
-- differs: deparse
SELECT viewname, definition FROM pg_views WHERE schemaname = 'app';
-- differs: deparse
SELECT pg_get_viewdef('app.big_orders'::regclass);
-- differs: deparse
SELECT pg_get_viewdef('app.big_orders', true);
-- differs: deparse
SELECT matviewname, hasindexes, ispopulated, definition FROM pg_matviews WHERE schemaname = 'app';
-- differs: deparse
SELECT table_name, view_definition, is_updatable FROM information_schema.views WHERE table_schema = 'app';
SELECT sequencename, start_value, min_value, max_value, increment_by, data_type::text FROM pg_sequences WHERE schemaname = 'app' ORDER BY sequencename;
SELECT sequence_name, data_type, start_value, maximum_value FROM information_schema.sequences WHERE sequence_schema = 'app' ORDER BY sequence_name;
SELECT t.typname, t.typtype, t.typcategory FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE nspname = 'app' AND typtype IN ('e', 'd') ORDER BY typname;
SELECT enumlabel, enumsortorder FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE typname = 'mood' ORDER BY enumsortorder;
SELECT domain_name, data_type FROM information_schema.domains WHERE domain_schema = 'app';
SELECT nspname FROM pg_namespace WHERE nspname IN ('app', 'public', 'pg_catalog', 'information_schema') ORDER BY nspname;
SELECT schema_name FROM information_schema.schemata WHERE schema_name IN ('app', 'public') ORDER BY 1;
SELECT obj_description('app.customers'::regclass), obj_description('app.customers'::regclass, 'pg_class'), col_description('app.customers'::regclass, 2), col_description('app.customers'::regclass, 1);
SELECT description, objsubid FROM pg_description WHERE objoid = 'app.customers'::regclass ORDER BY objsubid;
SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_schema = 'app' AND constraint_type <> 'CHECK' ORDER BY constraint_name;
SELECT constraint_name, column_name, ordinal_position FROM information_schema.key_column_usage WHERE table_schema = 'app' ORDER BY 1, 3;
SELECT constraint_name, unique_constraint_name, delete_rule, update_rule, match_option FROM information_schema.referential_constraints WHERE constraint_schema = 'app';
SELECT constraint_name, table_name, column_name FROM information_schema.constraint_column_usage WHERE table_schema = 'app' ORDER BY 1, 3;
-- differs: deparse
SELECT constraint_name, check_clause FROM information_schema.check_constraints WHERE constraint_schema = 'app' AND constraint_name LIKE '%score%';
SELECT 'app.customers'::regclass, 'app.customers'::regclass::text, 'app.customers'::regclass::oid = (SELECT oid FROM pg_class WHERE relname = 'customers');
SELECT to_regclass('app.customers'), to_regclass('app.nothing'), to_regclass('customers'), to_regtype('app.mood'), to_regnamespace('app');
SELECT pg_table_is_visible('app.customers'::regclass), pg_type_is_visible('app.mood'::regtype);
SET search_path = app, public;
SELECT 'customers'::regclass, pg_table_is_visible('app.customers'::regclass), current_schema(), current_schemas(false), current_schemas(true);
-- differs: deparse
SELECT pg_get_viewdef('big_orders'::regclass);
SELECT format_type(atttypid, atttypmod), atttypid::regtype FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname = 'score';
RESET search_path;
SELECT current_schemas(true);
SELECT current_database(), current_catalog, current_schema, current_user, session_user, user;
SELECT version() LIKE 'PostgreSQL %', current_setting('server_version_num')::int >= 150000, current_setting('server_encoding');
SELECT pg_backend_pid() > 0, pg_is_in_recovery(), pg_postmaster_start_time() < now(), pg_conf_load_time() <= now();
-- differs: catalog-facts
SELECT inet_client_addr() IS NOT NULL, inet_server_port() > 0, pg_my_temp_schema(), pg_is_other_temp_schema(0);
SELECT datname, datallowconn, datistemplate, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database();
SELECT rolname, rolsuper, rolcanlogin FROM pg_roles WHERE rolname = current_user;
SELECT usename, usesuper FROM pg_user WHERE usename = current_user;
SELECT rolname FROM pg_authid WHERE rolname = current_user;
SELECT rolname FROM pg_roles WHERE rolname LIKE 'pg\_read%' ORDER BY 1;
SELECT spcname FROM pg_tablespace ORDER BY 1;
SELECT amname, amtype FROM pg_am WHERE amname IN ('heap', 'btree', 'hash', 'gin', 'gist', 'brin', 'spgist') ORDER BY 1;
SELECT lanname FROM pg_language ORDER BY lanname;
-- differs: catalog-facts
SELECT extname FROM pg_extension WHERE extname IN ('plpgsql', 'vector') ORDER BY 1;
SELECT name FROM pg_available_extensions WHERE name = 'vector';
SELECT collname FROM pg_collation WHERE collname IN ('C', 'POSIX', 'default', 'ucs_basic') ORDER BY 1;
SELECT typname, typlen, typbyval, typtype, typcategory, typdelim, typelem::regtype, typarray::regtype FROM pg_type WHERE typname IN ('int4', 'text', 'timestamptz', 'numeric', 'bool', '_int4', 'jsonb', 'uuid') ORDER BY typname;
SELECT oid, typname FROM pg_type WHERE typname IN ('bool', 'bytea', 'int8', 'int4', 'text', 'json', 'float8', 'varchar', 'date', 'timestamp', 'timestamptz', 'numeric', 'uuid', 'jsonb', '_text', 'oid', 'name', 'record', 'unknown', 'void') ORDER BY oid;
SELECT format_type(23, NULL), format_type(1043, 14), format_type(1700, 393222), format_type(25, -1), format_type(1007, NULL), format_type(1114, 3), format_type(1186, NULL), format_type(0, NULL), format_type(1042, 9), format_type(1560, 8);
-- differs: catalog-facts
SELECT proname, pronargs, prokind, provolatile, proretset FROM pg_proc WHERE proname IN ('now', 'count', 'generate_series', 'upper', 'row_number', 'random') AND pronamespace = 'pg_catalog'::regnamespace ORDER BY proname, pronargs, provolatile, proretset;
SELECT pg_get_function_identity_arguments('upper(text)'::regprocedure), pg_get_function_result('upper(text)'::regprocedure), pg_get_function_arguments('left(text, integer)'::regprocedure);
SELECT oprname, oprleft::regtype, oprright::regtype, oprresult::regtype FROM pg_operator WHERE oprname = '||' AND oprleft = 'text'::regtype AND oprright = 'text'::regtype;
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast WHERE castsource = 'int4'::regtype AND casttarget IN ('int8'::regtype, 'bool'::regtype, 'numeric'::regtype) ORDER BY 2;
SELECT opcname FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod WHERE amname = 'btree' AND opcname IN ('int4_ops', 'text_ops', 'text_pattern_ops') ORDER BY 1;
SELECT aggfnoid::text FROM pg_aggregate WHERE aggfnoid::text IN ('pg_catalog.sum', 'count', 'string_agg') ORDER BY 1 LIMIT 2;
-- differs: catalog-facts
SELECT name, setting, unit, category IS NOT NULL FROM pg_settings WHERE name IN ('work_mem', 'TimeZone', 'max_connections', 'server_version') AND name <> 'server_version' ORDER BY 1;
-- differs: catalog-facts
SELECT name, vartype, enumvals FROM pg_settings WHERE name IN ('client_min_messages', 'bytea_output') ORDER BY name;
-- differs: catalog-facts
SELECT state, query FROM pg_stat_activity WHERE pid = pg_backend_pid();
SELECT datname, usename, backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid();
SELECT relname, n_live_tup >= 0 FROM pg_stat_user_tables WHERE schemaname = 'app' ORDER BY relname;
SELECT relname, indexrelname FROM pg_stat_user_indexes WHERE schemaname = 'app' ORDER BY indexrelname;
SELECT count(*) FROM pg_stat_database WHERE datname = current_database();
SELECT count(*) >= 0 FROM pg_locks;
-- differs: catalog-facts
SELECT locktype, mode FROM pg_locks WHERE relation = 'pg_locks'::regclass AND pid = pg_backend_pid();
-- differs: catalog-facts
SELECT pg_relation_size('app.customers') >= 0, pg_total_relation_size('app.customers') > 0, pg_table_size('app.customers') >= 0, pg_indexes_size('app.customers') >= 0, pg_database_size(current_database()) > 0;
SELECT reltuples >= -1, relpages >= 0 FROM pg_class WHERE relname = 'customers';
SELECT has_table_privilege('app.customers', 'SELECT'), has_schema_privilege('app', 'USAGE'), has_column_privilege('app.customers', 'name', 'SELECT'), has_sequence_privilege('app.counter', 'USAGE');
SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE relname = 'customers';
SELECT pg_get_serial_sequence('app.customers', 'id'), pg_get_serial_sequence('app.orders', 'id');
SELECT d.refobjid::regclass, d.deptype FROM pg_depend d WHERE d.objid = 'app.customers_id_seq'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a';
SELECT grantee, privilege_type FROM information_schema.table_privileges WHERE table_schema = 'app' AND table_name = 'customers' AND grantee = current_user ORDER BY privilege_type;
SELECT catalog_name FROM information_schema.information_schema_catalog_name;
SELECT table_name FROM information_schema.tables WHERE table_schema = 'information_schema' AND table_name IN ('tables', 'columns', 'triggers', 'routines', 'parameters') ORDER BY 1;
SELECT count(*) FROM information_schema.triggers;
SELECT count(*) FROM information_schema.routines WHERE routine_schema = 'app';
SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal;
SELECT count(*) FROM pg_inherits;
SELECT count(*) FROM pg_partitioned_table;
SELECT count(*) FROM pg_publication;
SELECT count(*) FROM pg_subscription;
SELECT count(*) FROM pg_foreign_table;
SELECT count(*) FROM pg_foreign_server;
SELECT count(*) FROM pg_event_trigger;
SELECT count(*) FROM pg_rules WHERE schemaname = 'app';
SELECT count(*) FROM pg_prepared_xacts;
SELECT count(*) FROM pg_replication_slots;
SELECT count(*) FROM pg_largeobject_metadata;
SELECT count(*) FROM pg_statistic_ext;
SELECT count(*) FROM pg_policies;
SELECT count(*) FROM pg_seclabels;
SELECT count(*) FROM pg_default_acl;
SELECT count(*) FROM pg_user_mappings;
-- differs: text-search
SELECT count(*) FROM pg_ts_config WHERE cfgname = 'english';
-- differs: catalog-facts
SELECT count(*) > 0 FROM pg_stats WHERE schemaname = 'pg_catalog';
SELECT count(*) >= 0 FROM pg_stat_bgwriter;
SELECT count(*) >= 0 FROM pg_stat_replication;
SELECT count(*) >= 0 FROM pg_stat_wal;
SELECT word FROM pg_get_keywords() WHERE word IN ('select', 'name') ORDER BY 1;
SELECT catcode FROM pg_get_keywords() WHERE word = 'select';
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey) WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r' ORDER BY 1, 2;
SELECT kcu.column_name FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu ON kcu.constraint_name = tc.constraint_name AND kcu.table_schema = tc.table_schema WHERE tc.constraint_type = 'PRIMARY KEY' AND tc.table_name = 'orders';
SELECT con.conname, att2.attname AS child, cl.relname AS parent, att.attname AS parent_column FROM (SELECT unnest(conkey) AS k, unnest(confkey) AS f, conname, conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid = 'app.orders'::regclass) con JOIN pg_attribute att ON att.attrelid = con.confrelid AND att.attnum = con.f JOIN pg_class cl ON cl.oid = con.confrelid JOIN pg_attribute att2 ON att2.attrelid = con.conrelid AND att2.attnum = con.k;
SELECT n.nspname, c.relname, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' END AS type, pg_get_userbyid(c.relowner) = current_user AS mine FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'S', '') AND n.nspname !~ '^pg_toast' AND n.nspname = 'app' ORDER BY 1, 2;
SELECT c.oid::regclass::text AS name, array_agg(a.attname ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relname = 'customers' AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.oid;
SELECT tableoid::regclass, count(*) FROM pg_class WHERE relname = 'customers' GROUP BY tableoid;
-- differs: catalog-facts
SELECT count(*) > 300 FROM pg_type;
SELECT count(*) > 1000 FROM pg_proc;
SELECT pg_describe_object('pg_class'::regclass, 'app.customers'::regclass, 0);
-- differs: functions
SELECT pg_identify_object('pg_class'::regclass, 'app.customers'::regclass, 0);
SELECT pg_typeof('pg_class'::regclass), pg_typeof(oid), pg_typeof(relname), pg_typeof(relkind) FROM pg_class LIMIT 1;
-- differs: functions
SELECT txid_current() > 0, pg_current_snapshot() IS NOT NULL, pg_current_wal_lsn() IS NOT NULL;
-- differs: functions
SELECT pg_sleep(0), pg_stat_clear_snapshot();
SELECT pg_cancel_backend(0), pg_terminate_backend(0);
SELECT shobj_description(oid, 'pg_database') IS NULL FROM pg_database WHERE datname = current_database();
SELECT pg_column_size(1), pg_column_size('abc'::text), pg_column_compression('abc'::text);
SELECT pg_indexam_has_property(a.oid, 'can_order') FROM pg_am a WHERE amname = 'btree';
-- differs: functions
SELECT pg_index_column_has_property('app.orders_customer'::regclass, 2, 'desc');
SELECT num_nulls(1, NULL, 'x'), num_nonnulls(1, NULL, 'x');
-- differs: functions
SELECT pg_options_to_table(ARRAY['a=1', 'b=2']);
SELECT * FROM pg_catalog.pg_nothing;
SELECT nothing FROM pg_class;
SELECT pg_nothing();
DROP TABLE pg_class;
SELECT 'pg_catalog.pg_class'::regclass, 'information_schema.tables'::regclass;
SELECT relname FROM pg_class WHERE oid = 'app.customers'::regclass;
-- differs: deparse
SELECT pg_get_constraintdef(oid, true) FROM pg_constraint WHERE conname = 'customers_score_check';
SELECT pg_get_ruledef(0), pg_get_triggerdef(0), pg_get_functiondef(0);
-- differs: catalog-facts
SELECT pg_size_pretty(pg_total_relation_size('pg_class')) IS NOT NULL;
SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname = 'app';
