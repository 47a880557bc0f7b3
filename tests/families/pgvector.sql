-- pgvector's README from its first line to its last: each statement there, and what it says of results.

-- getting started
CREATE EXTENSION IF NOT EXISTS vector;
SELECT extname FROM pg_extension WHERE extname = 'vector';
CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3));
INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]');
SELECT * FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 5;

-- storing
CREATE TABLE later (id bigserial PRIMARY KEY);
ALTER TABLE later ADD COLUMN embedding vector(3);
INSERT INTO later (embedding) VALUES ('[7,8,9]');
INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]') RETURNING id, embedding;
COPY items (embedding) FROM STDIN;
[1,1,1]
[0.5,-2,1e3]
\.
COPY items (embedding) FROM STDIN WITH (FORMAT csv);
"[2,2,2]"
"[3,3,3]"
\.
INSERT INTO items (id, embedding) VALUES (1, '[1,2,3]'), (2, '[4,5,6]') ON CONFLICT (id) DO UPDATE SET embedding = EXCLUDED.embedding;
INSERT INTO items (id, embedding) VALUES (1, '[9,9,9]') ON CONFLICT (id) DO NOTHING;
UPDATE items SET embedding = '[1,2,3]' WHERE id = 1;
DELETE FROM items WHERE id = 2;
DELETE FROM items WHERE id = 6;
SELECT * FROM items ORDER BY id;

-- querying
SELECT * FROM items ORDER BY embedding <-> '[3,1,2]', id LIMIT 5;
SELECT * FROM items ORDER BY embedding <#> '[3,1,2]', id LIMIT 5;
SELECT * FROM items ORDER BY embedding <=> '[3,1,2]', id LIMIT 5;
SELECT * FROM items ORDER BY embedding <+> '[3,1,2]', id LIMIT 5;
SELECT * FROM items WHERE id != 1 ORDER BY embedding <-> (SELECT embedding FROM items WHERE id = 1), id LIMIT 5;
SELECT * FROM items WHERE embedding <-> '[3,1,2]' < 5;
SELECT * FROM items WHERE embedding <-> '[3,1,2]' < 5 ORDER BY embedding <-> '[3,1,2]', id LIMIT 2;
SELECT embedding <-> '[3,1,2]' AS distance FROM items;
SELECT (embedding <#> '[3,1,2]') * -1 AS inner_product FROM items;
SELECT 1 - (embedding <=> '[3,1,2]') AS cosine_similarity FROM items;
SELECT id, embedding <+> '[3,1,2]' AS taxicab FROM items ORDER BY taxicab, id;
SELECT AVG(embedding) FROM items;
SELECT SUM(embedding) FROM items;
ALTER TABLE items ADD COLUMN category_id int;
UPDATE items SET category_id = id % 2;
SELECT category_id, AVG(embedding) FROM items GROUP BY category_id ORDER BY category_id;
SELECT category_id, count(embedding), SUM(embedding) FROM items GROUP BY category_id ORDER BY category_id;
SELECT id FROM items ORDER BY embedding <-> '[3,1,2]' DESC, id LIMIT 2;
SELECT id FROM items ORDER BY embedding <-> '[3,1,2]', id LIMIT 2 OFFSET 2;

-- indexing: HNSW
CREATE INDEX ON items USING hnsw (embedding vector_l2_ops);
CREATE INDEX ON items USING hnsw (embedding vector_ip_ops);
CREATE INDEX ON items USING hnsw (embedding vector_cosine_ops);
CREATE INDEX ON items USING hnsw (embedding vector_l1_ops);
CREATE INDEX hnsw_options ON items USING hnsw (embedding vector_l2_ops) WITH (m = 16, ef_construction = 64);
SELECT id FROM items ORDER BY embedding <-> '[3,1,2]', id LIMIT 3;
SET hnsw.ef_search = 100;
SHOW hnsw.ef_search;
BEGIN;
SET LOCAL hnsw.ef_search = 100;
SELECT id FROM items ORDER BY embedding <-> '[3,1,2]', id LIMIT 1;
COMMIT;
RESET hnsw.ef_search;
SHOW hnsw.ef_search;
SET maintenance_work_mem = '64MB';
SET max_parallel_maintenance_workers = 7;
SELECT phase, round(100.0 * blocks_done / nullif(blocks_total, 0), 1) AS "%" FROM pg_stat_progress_create_index;
CREATE INDEX CONCURRENTLY hnsw_concurrent ON items USING hnsw (embedding vector_l2_ops);
DROP INDEX hnsw_concurrent;
CREATE INDEX hnsw_bad ON items USING hnsw (embedding vector_l2_ops) WITH (m = 1);
CREATE INDEX hnsw_bad ON items USING hnsw (embedding vector_l2_ops) WITH (m = 101);
CREATE INDEX hnsw_bad ON items USING hnsw (embedding vector_l2_ops) WITH (ef_construction = 1001);
CREATE INDEX hnsw_bad ON items USING hnsw (embedding vector_l2_ops) WITH (m = 16, ef_construction = 31);
CREATE INDEX hnsw_bad ON items USING hnsw (embedding vector_l2_ops) WITH (lists = 1);
SET hnsw.ef_search = 0;
SET hnsw.ef_search = 1001;

-- indexing: IVFFlat
CREATE INDEX ON items USING ivfflat (embedding vector_l2_ops) WITH (lists = 1);
CREATE INDEX ON items USING ivfflat (embedding vector_ip_ops) WITH (lists = 1);
CREATE INDEX ON items USING ivfflat (embedding vector_cosine_ops) WITH (lists = 1);
CREATE INDEX ivfflat_bad ON items USING ivfflat (embedding vector_l1_ops) WITH (lists = 1);
CREATE INDEX ivfflat_bad ON items USING ivfflat (embedding vector_l2_ops) WITH (lists = 0);
CREATE INDEX ivfflat_bad ON items USING ivfflat (embedding vector_l2_ops) WITH (lists = 32769);
SET ivfflat.probes = 10;
SHOW ivfflat.probes;
BEGIN;
SET LOCAL ivfflat.probes = 10;
SELECT id FROM items ORDER BY embedding <-> '[3,1,2]', id LIMIT 2;
COMMIT;
SET ivfflat.probes = 0;
SET ivfflat.probes = 32769;
RESET ivfflat.probes;
SHOW ivfflat.probes;

-- filtering
CREATE INDEX ON items (category_id);
CREATE INDEX items_of_two ON items (category_id, id);
SELECT * FROM items WHERE category_id = 1 ORDER BY embedding <-> '[3,1,2]', id LIMIT 5;
CREATE INDEX partial_hnsw ON items USING hnsw (embedding vector_l2_ops) WHERE (category_id = 1);
SELECT id FROM items WHERE category_id = 1 ORDER BY embedding <-> '[3,1,2]', id LIMIT 1;
-- differs: partitions
CREATE TABLE parts (embedding vector(3), category_id int) PARTITION BY LIST(category_id);

-- iterative index scans
SET hnsw.iterative_scan = strict_order;
SHOW hnsw.iterative_scan;
SET hnsw.iterative_scan = relaxed_order;
SET ivfflat.iterative_scan = relaxed_order;
SHOW ivfflat.iterative_scan;
SET hnsw.iterative_scan = sometimes;
SET ivfflat.iterative_scan = strict_order;
WITH relaxed_results AS MATERIALIZED (SELECT id, embedding <-> '[1,2,3]' AS distance FROM items WHERE category_id = 1 ORDER BY distance LIMIT 5) SELECT * FROM relaxed_results ORDER BY distance + 0, id;
WITH nearest_results AS MATERIALIZED (SELECT id, embedding <-> '[1,2,3]' AS distance FROM items ORDER BY distance LIMIT 5) SELECT * FROM nearest_results WHERE distance < 5 ORDER BY distance, id;
SET hnsw.max_scan_tuples = 20000;
SHOW hnsw.max_scan_tuples;
SET hnsw.scan_mem_multiplier = 2;
SHOW hnsw.scan_mem_multiplier;
SET ivfflat.max_probes = 100;
SHOW ivfflat.max_probes;
SET hnsw.max_scan_tuples = 0;
SET hnsw.scan_mem_multiplier = 1001;

-- half-precision vectors
CREATE TABLE halves (id bigserial PRIMARY KEY, embedding halfvec(3));
INSERT INTO halves (embedding) VALUES ('[1,2,3]'), ('[4,5,6]'), ('[0.1,0.2,0.3]') RETURNING embedding;
SELECT * FROM halves ORDER BY embedding <-> '[3,1,2]' LIMIT 2;
SELECT id, embedding <#> '[3,1,2]' AS d FROM halves ORDER BY d;
SELECT id, embedding <=> '[3,1,2]' AS d FROM halves ORDER BY d;
SELECT id, embedding <+> '[3,1,2]' AS d FROM halves ORDER BY d;
SELECT avg(embedding), sum(embedding) FROM halves;
CREATE INDEX ON halves USING hnsw (embedding halfvec_l2_ops);
CREATE INDEX ON halves USING hnsw (embedding halfvec_ip_ops);
CREATE INDEX ON halves USING hnsw (embedding halfvec_cosine_ops);
CREATE INDEX ON halves USING hnsw (embedding halfvec_l1_ops);
CREATE INDEX ON halves USING ivfflat (embedding halfvec_l2_ops) WITH (lists = 1);
CREATE INDEX ON items USING hnsw ((embedding::halfvec(3)) halfvec_l2_ops);
SELECT id FROM items ORDER BY embedding::halfvec(3) <-> '[1,2,3]', id LIMIT 5;

-- binary vectors
CREATE TABLE bits (id bigserial PRIMARY KEY, embedding bit(3));
INSERT INTO bits (embedding) VALUES ('000'), ('111'), ('110');
SELECT * FROM bits ORDER BY embedding <~> '101', id LIMIT 5;
SELECT * FROM bits ORDER BY embedding <%> '101', id LIMIT 5;
SELECT id, embedding <~> '101' AS hamming, embedding <%> '101' AS jaccard FROM bits ORDER BY id;
SELECT id, bit_count(embedding & '101') FROM bits ORDER BY id;
CREATE INDEX ON bits USING hnsw (embedding bit_hamming_ops);
CREATE INDEX ON bits USING hnsw (embedding bit_jaccard_ops);
CREATE INDEX ON bits USING ivfflat (embedding bit_hamming_ops) WITH (lists = 1);
CREATE INDEX bits_bad ON bits USING ivfflat (embedding bit_jaccard_ops) WITH (lists = 1);
INSERT INTO bits (embedding) VALUES ('1111');

-- binary quantization
CREATE INDEX ON items USING hnsw ((binary_quantize(embedding)::bit(3)) bit_hamming_ops);
SELECT id FROM items ORDER BY binary_quantize(embedding)::bit(3) <~> binary_quantize('[1,-2,3]'), id LIMIT 5;
SELECT id FROM items ORDER BY binary_quantize(embedding)::bit(3) <~> binary_quantize('[1,-2,3]'::vector), id LIMIT 5;
SELECT * FROM (SELECT * FROM items ORDER BY binary_quantize(embedding)::bit(3) <~> binary_quantize('[1,-2,3]'::vector), id LIMIT 20) ORDER BY embedding <=> '[1,-2,3]', id LIMIT 5;
SELECT binary_quantize('[1,-2,0,0.5]'::vector), binary_quantize('[1,-2,0,0.5]'::halfvec);

-- sparse vectors
CREATE TABLE sparse (id bigserial PRIMARY KEY, embedding sparsevec(5));
INSERT INTO sparse (embedding) VALUES ('{1:1,3:2,5:3}/5'), ('{1:4,3:5,5:6}/5'), ('{}/5') RETURNING *;
SELECT * FROM sparse ORDER BY embedding <-> '{1:3,3:1,5:2}/5' LIMIT 5;
SELECT id, embedding <#> '{1:3,3:1,5:2}/5' AS d FROM sparse ORDER BY d;
SELECT id, embedding <=> '{1:3,3:1,5:2}/5' AS d FROM sparse WHERE id < 3 ORDER BY d;
SELECT id, embedding <+> '{1:3,3:1,5:2}/5' AS d FROM sparse ORDER BY d;
CREATE INDEX ON sparse USING hnsw (embedding sparsevec_l2_ops);
CREATE INDEX ON sparse USING hnsw (embedding sparsevec_ip_ops);
CREATE INDEX ON sparse USING hnsw (embedding sparsevec_cosine_ops);
CREATE INDEX ON sparse USING hnsw (embedding sparsevec_l1_ops);
CREATE INDEX sparse_bad ON sparse USING ivfflat (embedding sparsevec_l2_ops) WITH (lists = 1);

-- hybrid search
-- differs: text-search
CREATE TABLE documents (id bigserial PRIMARY KEY, content text, embedding vector(3), textsearch tsvector GENERATED ALWAYS AS (to_tsvector('english', content)) STORED);
CREATE TABLE documents_plain (id bigserial PRIMARY KEY, content text, embedding vector(3));
INSERT INTO documents_plain (content, embedding) VALUES ('The dog is barking', '[1,2,3]'), ('The cat is purring', '[2,3,4]'), ('The bear is growling', '[9,9,9]');
-- differs: text-search
SELECT id, content FROM documents_plain, plainto_tsquery('english', 'growling bear') query WHERE to_tsvector('english', content) @@ query ORDER BY ts_rank_cd(to_tsvector('english', content), query) DESC LIMIT 5;
-- differs: text-search
SELECT to_tsvector('english', content) @@ plainto_tsquery('english', 'dogs') FROM documents_plain ORDER BY id;
WITH semantic_search AS (SELECT id, RANK () OVER (ORDER BY embedding <=> '[1,2,3]') AS rank FROM documents_plain ORDER BY embedding <=> '[1,2,3]' LIMIT 20), keyword_search AS (SELECT id, RANK () OVER (ORDER BY id DESC) AS rank FROM documents_plain WHERE content LIKE '%bear%' LIMIT 20) SELECT COALESCE(semantic_search.id, keyword_search.id) AS id, round(COALESCE(1.0 / (60 + semantic_search.rank), 0.0) + COALESCE(1.0 / (60 + keyword_search.rank), 0.0), 6) AS score FROM semantic_search FULL OUTER JOIN keyword_search ON semantic_search.id = keyword_search.id ORDER BY score DESC, id LIMIT 5;

-- indexing subvectors
CREATE INDEX ON items USING hnsw ((subvector(embedding, 1, 2)::vector(2)) vector_cosine_ops);
SELECT id FROM items ORDER BY subvector(embedding, 1, 2)::vector(2) <=> subvector('[1,2,3]'::vector, 1, 2), id LIMIT 5;
SELECT * FROM (SELECT * FROM items ORDER BY subvector(embedding, 1, 2)::vector(2) <=> subvector('[1,2,3]'::vector, 1, 2), id LIMIT 20) ORDER BY embedding <=> '[1,2,3]', id LIMIT 5;
SELECT subvector('[1,2,3,4,5]'::vector, 2, 3), subvector('[1,2,3,4,5]'::halfvec, 4, 9);

-- performance: planning, loading, querying
EXPLAIN (COSTS OFF) SELECT 1;
SET enable_seqscan = off;
SELECT id FROM items ORDER BY embedding <-> '[3,1,2]', id LIMIT 5;
RESET enable_seqscan;
ALTER TABLE items ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE TABLE plain_storage (id int, embedding vector(3) STORAGE EXTERNAL);
ALTER TABLE items SET (parallel_workers = 4);
SET max_parallel_workers_per_gather = 4;
SHOW max_parallel_workers_per_gather;
CREATE TABLE fast_load (id int, embedding vector(3));
COPY fast_load FROM STDIN;
1	[1,0,0]
2	[0,1,0]
3	[0,0,1]
\.
CREATE INDEX ON fast_load USING hnsw (embedding vector_l2_ops);
VACUUM ANALYZE fast_load;
REINDEX INDEX CONCURRENTLY fast_load_embedding_idx;
VACUUM fast_load;
SELECT * FROM fast_load ORDER BY embedding <-> '[0,0.9,0.1]' LIMIT 2;
BEGIN;
SET LOCAL enable_indexscan = off;
SELECT id FROM fast_load ORDER BY embedding <-> '[0,0.9,0.1]' LIMIT 2;
COMMIT;
SELECT pg_size_pretty(0::bigint);
SELECT name, setting FROM pg_settings WHERE name = 'hnsw.ef_search';

-- frequently asked questions
CREATE TABLE any_dimensions (embedding vector, model_id int);
INSERT INTO any_dimensions VALUES ('[1,2,3]', 123), ('[1,2]', 124), ('[3,1,2]', 123);
CREATE INDEX any_dimensions_bad ON any_dimensions USING hnsw (embedding vector_l2_ops);
CREATE INDEX ON any_dimensions USING hnsw ((embedding::vector(3)) vector_l2_ops) WHERE (model_id = 123);
SELECT * FROM any_dimensions WHERE model_id = 123 ORDER BY embedding::vector(3) <-> '[3,1,2]' LIMIT 5;
SELECT embedding <-> '[1,2]' FROM any_dimensions ORDER BY model_id LIMIT 1;
CREATE TABLE doubles (id bigserial PRIMARY KEY, embedding double precision[]);
INSERT INTO doubles (embedding) VALUES ('{1,2,3}'), ('{4,5,6}');
CREATE INDEX ON doubles USING hnsw ((embedding::vector(3)) vector_l2_ops);
SELECT * FROM doubles ORDER BY embedding::vector(3) <-> '[3,1,2]' LIMIT 5;
CREATE TABLE numerics (id bigserial PRIMARY KEY, embedding numeric[]);
INSERT INTO numerics (embedding) VALUES ('{1,2.5,3}');
SELECT embedding::vector(3) FROM numerics;
ALTER TABLE doubles ADD CHECK (vector_dims(embedding::vector) = 3);
INSERT INTO doubles (embedding) VALUES ('{4,5}');
ALTER TABLE doubles ALTER COLUMN embedding TYPE vector(3);
SELECT * FROM doubles ORDER BY id;
SELECT id, embedding FROM items WHERE embedding IS NULL;
INSERT INTO items (embedding) VALUES (NULL);
SELECT count(*) FROM items;
SELECT count(*) FROM (SELECT id FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 100) AS found;

-- reference: vector type and operators
SELECT '[1,2,3]'::vector + '[4,5,6]', '[1,2,3]'::vector - '[4,5,6]', '[1,2,3]'::vector * '[4,5,6]';
SELECT '[1,2,3]'::vector || '[4,5]';
SELECT '[1,2,3]'::vector <-> '[4,5,6]', '[1,2,3]'::vector <#> '[4,5,6]', '[1,2,3]'::vector <=> '[4,5,6]', '[1,2,3]'::vector <+> '[4,5,6]';
SELECT '[1,2,3]'::vector = '[1,2,3]', '[1,2,3]'::vector <> '[1,2,3]', '[1,2,3]'::vector < '[1,2,4]', '[1,2,3]'::vector <= '[1,2]', '[1,2,3]'::vector > '[1]', '[1,2,3]'::vector >= '[1,2,3]';
SELECT binary_quantize('[1,-1,1]'::vector);
SELECT cosine_distance('[1,2,3]'::vector, '[4,5,6]');
SELECT inner_product('[1,2,3]'::vector, '[4,5,6]');
SELECT l1_distance('[1,2,3]'::vector, '[4,5,6]');
SELECT l2_distance('[1,2,3]'::vector, '[4,5,6]');
SELECT l2_normalize('[3,4]'::vector);
SELECT vector_dims('[1,2,3]'::vector), vector_norm('[3,4]'::vector), subvector('[1,2,3]'::vector, 1, 2);
SELECT vector_dims('[1,2,3]');
SELECT avg(v), sum(v) FROM (VALUES ('[1,2]'::vector), ('[3,5]'), (NULL)) AS t (v);
SELECT avg(v), sum(v) FROM (SELECT '[1]'::vector WHERE false) AS t (v);

-- reference: halfvec
SELECT '[1,2,3]'::halfvec + '[4,5,6]', '[1,2,3]'::halfvec - '[4,5,6]', '[1,2,3]'::halfvec * '[4,5,6]', '[1,2]'::halfvec || '[3]';
SELECT '[1,2,3]'::halfvec <-> '[4,5,6]', '[1,2,3]'::halfvec <#> '[4,5,6]', '[1,2,3]'::halfvec <=> '[4,5,6]', '[1,2,3]'::halfvec <+> '[4,5,6]';
SELECT '[1,2]'::halfvec = '[1,2]', '[1,2]'::halfvec < '[1,3]', '[1,2]'::halfvec >= '[1]';
SELECT cosine_distance('[1,2,3]'::halfvec, '[4,5,6]'), inner_product('[1,2,3]'::halfvec, '[4,5,6]'), l1_distance('[1,2,3]'::halfvec, '[4,5,6]'), l2_distance('[1,2,3]'::halfvec, '[4,5,6]');
SELECT l2_norm('[3,4]'::halfvec), l2_normalize('[3,4]'::halfvec), vector_dims('[3,4]'::halfvec), subvector('[1,2,3]'::halfvec, 2, 2);
SELECT '[65504,1e-8]'::halfvec;
SELECT '[65520]'::halfvec;

-- reference: bit
SELECT hamming_distance(B'1010', B'1100'), jaccard_distance(B'1010', B'1100');
SELECT B'1010' <~> B'1100', B'0000' <%> B'0000';
SELECT B'1010' <~> B'110';

-- reference: sparsevec
SELECT '{1:1,3:2}/5'::sparsevec <-> '{1:2}/5', '{1:1,3:2}/5'::sparsevec <#> '{1:2}/5', '{1:1,3:2}/5'::sparsevec <=> '{1:2}/5', '{1:1,3:2}/5'::sparsevec <+> '{1:2}/5';
SELECT '{1:1,3:2}/5'::sparsevec = '{1:1,3:2}/5', '{1:1}/5'::sparsevec < '{2:1}/5', '{1:1}/5'::sparsevec <> '{1:1}/5';
SELECT cosine_distance('{1:1,3:2}/5'::sparsevec, '{1:2}/5'), inner_product('{1:1,3:2}/5'::sparsevec, '{1:2}/5'), l1_distance('{1:1,3:2}/5'::sparsevec, '{1:2}/5'), l2_distance('{1:1,3:2}/5'::sparsevec, '{1:2}/5');
SELECT l2_norm('{1:3,2:4}/5'::sparsevec), l2_normalize('{1:3,2:4}/5'::sparsevec);
SELECT '{ 1:1.5 , 3 : -2 }/5'::sparsevec;
SELECT '{3:1,1:2}/5'::sparsevec;
SELECT '{1:0,2:1}/5'::sparsevec;
SELECT '{1:1,1:2}/5'::sparsevec;
SELECT '{6:1}/5'::sparsevec;
SELECT '{0:1}/5'::sparsevec;
SELECT '{1:1}/0'::sparsevec;
SELECT '{1:1}'::sparsevec;

-- casts
SELECT '[1,2,3]'::vector::halfvec, '[1,2,3]'::halfvec::vector, '[1,0,3]'::vector::sparsevec, '{1:1,3:2}/5'::sparsevec::vector;
SELECT '[1,0,3]'::halfvec::sparsevec, '{1:1,3:2}/5'::sparsevec::halfvec;
SELECT ARRAY[1,2,3]::vector, ARRAY[1.5,2.5]::vector(2), ARRAY[1::float8, 2]::vector, ARRAY[1::real]::vector;
SELECT ARRAY[1,2,3]::halfvec, ARRAY[1,0,3]::sparsevec, '{1,2}'::int[]::vector(2);
SELECT '[1,2,3]'::vector::real[], '[1,2,3]'::halfvec::real[];
SELECT '[1,2,3]'::vector::text, '[1.5,2]'::vector::varchar, '{1:2}/3'::sparsevec::text;
SELECT '[1,2,3]'::vector(2);
SELECT ARRAY[1,2,3]::vector(2);
SELECT '[1,2]'::vector(2)::halfvec(3);
SELECT ARRAY[1,NULL]::int[]::vector;
-- differs: error-code
SELECT ARRAY[[1,2],[3,4]]::vector;
SELECT '{}'::int[]::vector;
SELECT pg_typeof('[1,2]'::vector || '[3]'), pg_typeof('[1,2]'::vector <-> '[3,4]'), pg_typeof(avg('[1]'::vector));

-- errors of input
SELECT '[1,2,3'::vector;
SELECT '1,2,3'::vector;
SELECT '[]'::vector;
SELECT '[1,,2]'::vector;
SELECT '[1,2]x'::vector;
SELECT '[a]'::vector;
SELECT '[NaN]'::vector;
SELECT '[Infinity]'::vector;
SELECT '[1e39]'::vector;
SELECT ' [ 1 , 2 ] '::vector;
SELECT '[1e-46]'::vector;
SELECT '[1,2]'::vector <-> '[1,2,3]';
SELECT '[1,2]'::vector + '[1,2,3]';
SELECT '[3e38]'::vector + '[3e38]';
SELECT '[1e-30]'::vector * '[1e-30]';
SELECT subvector('[1,2,3]'::vector, 1, 0);
SELECT subvector('[1,2,3]'::vector, 4, 1);
SELECT subvector('[1,2,3]'::vector, -1, 3);
SELECT '[1,2]'::vector(0);
-- differs: error-code
SELECT '[1,2]'::vector('a');
SELECT '[1,2]'::vector(16001);
CREATE TABLE bad (v vector(0));
CREATE TABLE bad (v vector(16001));
CREATE TABLE bad (v halfvec(0));
CREATE TABLE bad (v sparsevec(1000000001));
INSERT INTO items (embedding) VALUES ('[1,2]');
INSERT INTO items (embedding) VALUES ('[1,2,3,4]');
UPDATE items SET embedding = '[1]';
SELECT avg(embedding) FROM any_dimensions;
SELECT 0::vector;
-- differs: error-words
SELECT '[1,2,3]'::vector / '[1,2,3]';
SELECT '[0,0]'::vector <=> '[1,1]', l2_normalize('[0,0]'::vector);

-- in the rest of SQL
SELECT DISTINCT embedding FROM fast_load ORDER BY embedding;
SELECT embedding, count(*) FROM fast_load GROUP BY embedding ORDER BY embedding DESC;
SELECT a.id, b.id FROM fast_load a JOIN fast_load b ON a.embedding = b.embedding ORDER BY a.id;
SELECT a.id, n.id, n.distance FROM fast_load a CROSS JOIN LATERAL (SELECT b.id, a.embedding <-> b.embedding AS distance FROM fast_load b WHERE b.id <> a.id ORDER BY distance, b.id LIMIT 1) n ORDER BY a.id;
SELECT id, rank() OVER (ORDER BY embedding <-> '[1,0,0]') FROM fast_load ORDER BY id;
-- differs: functions
SELECT coalesce(NULL::vector, '[1]'), nullif('[1]'::vector, '[1]'), CASE WHEN true THEN '[1]'::vector END;
SELECT array_agg(embedding ORDER BY id) FROM fast_load;
-- differs: unsupported
SELECT (array_agg(embedding ORDER BY id))[2] FROM fast_load;
SELECT min(embedding <-> '[1,0,0]'), max(embedding <=> '[1,0,0]'), avg(embedding <#> '[1,0,0]') FROM fast_load;
CREATE VIEW near_first AS SELECT id, embedding <-> '[1,0,0]' AS distance FROM fast_load;
SELECT * FROM near_first ORDER BY distance, id;
CREATE MATERIALIZED VIEW copies AS SELECT * FROM fast_load;
CREATE INDEX ON copies USING hnsw (embedding vector_cosine_ops);
SELECT id FROM copies ORDER BY embedding <=> '[0,1,0]' LIMIT 1;
PREPARE nearest (vector, int) AS SELECT id FROM fast_load ORDER BY embedding <-> $1 LIMIT $2;
EXECUTE nearest ('[0,0,1]', 1);
DECLARE near CURSOR WITH HOLD FOR SELECT id FROM fast_load ORDER BY embedding <-> '[0,0,1]', id;
FETCH 2 FROM near;
CLOSE near;
CREATE TABLE defaults (id int, v vector(2) DEFAULT '[0,0]' NOT NULL, h halfvec(2)[] );
INSERT INTO defaults (id) VALUES (1) RETURNING *;
INSERT INTO defaults (id, v) VALUES (1, NULL);
CREATE TABLE unique_vectors (v vector(2) UNIQUE);
INSERT INTO unique_vectors VALUES ('[1,2]'), ('[2,1]');
INSERT INTO unique_vectors VALUES ('[1,2]');
SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'items'::regclass AND attname = 'embedding';
SELECT column_name, udt_name, data_type FROM information_schema.columns WHERE table_name = 'bits' ORDER BY ordinal_position;
SELECT indexdef FROM pg_indexes WHERE indexname = 'hnsw_options';
SELECT a.amname FROM pg_am a WHERE a.amname IN ('hnsw', 'ivfflat') ORDER BY 1;
SELECT opcname FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod WHERE a.amname = 'ivfflat' ORDER BY 1;
SELECT opcname FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod WHERE a.amname = 'hnsw' ORDER BY 1;
SELECT typname FROM pg_type WHERE typname IN ('vector', 'halfvec', 'sparsevec') ORDER BY 1;
SELECT oprname, count(*) FROM pg_operator WHERE oprname IN ('<->', '<#>', '<=>', '<+>', '<~>', '<%>') AND oprleft IN ('vector'::regtype, 'halfvec'::regtype, 'sparsevec'::regtype, 'bit'::regtype) GROUP BY oprname ORDER BY oprname;
DROP INDEX hnsw_options;
DROP TABLE items;
