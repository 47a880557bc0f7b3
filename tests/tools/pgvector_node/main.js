// pgvector-node: what its README and its tests show with node-postgres, Knex, Objection, Kysely, Sequelize, pg-promise
// and Postgres.js, and its examples, with embeddings made here.
const { assert, fails, options, run, same, url } = require('../cases.js')
process.removeAllListeners('warning')
const pg = require('pg')
const { SparseVector, ...pgvector } = require('pgvector')
const { registerTypes, toSql } = require('pgvector/pg')
const vectors = [[1, 1, 1], [2, 2, 2], [1, 1, 2]]
let client, knex, Item, kysely, sequelize, Model, promises, sql

const fresh = async name => client.query(`DROP TABLE IF EXISTS ${name} CASCADE`)
const columns = table => {
  table.increments('id')
  table.vector('embedding', 3)
  table.halfvec('half_embedding', 3)
  table.bit('binary_embedding', { length: 3 })
  table.sparsevec('sparse_embedding', 3)
}
// What an embedding model makes, so that the same text has the same vector.
const embed = (text, dimensions) => {
  const vector = new Array(dimensions).fill(0)
  for (const word of text.toLowerCase().match(/\w+/g)) vector[[...word].reduce((h, c) => (h * 31 + c.charCodeAt(0)) % dimensions, 7)] += 1
  const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0))
  return vector.map(x => x / norm)
}
const texts = ['The dog is barking', 'The cat is purring', 'The bear is growling']

run('pgvector', {
  async pg_register () {
    client = new pg.Client(options)
    await client.connect()
    await client.query('CREATE EXTENSION IF NOT EXISTS vector')
    await registerTypes(client)
  },
  async pg_table () {
    await fresh('nv_pg')
    await client.query('CREATE TABLE nv_pg (id serial PRIMARY KEY, embedding vector(3), half_embedding halfvec(3), binary_embedding bit(3), sparse_embedding sparsevec(3))')
    const insert = 'INSERT INTO nv_pg (embedding, half_embedding, binary_embedding, sparse_embedding) VALUES ($1, $2, $3, $4), ($5, $6, $7, $8), ($9, $10, $11, $12)'
    await client.query(insert, [
      toSql([1, 1, 1]), toSql([1, 1, 1]), '000', new SparseVector([1, 1, 1]), toSql([2, 2, 2]), toSql([2, 2, 2]), '101', new SparseVector([2, 2, 2]),
      toSql([1, 1, 2]), toSql([1, 1, 2]), '111', new SparseVector([1, 1, 2])])
    await client.query('INSERT INTO nv_pg (embedding) VALUES ($1)', [null])
  },
  async pg_nearest () {
    const { rows } = await client.query('SELECT * FROM nv_pg ORDER BY embedding <-> $1 LIMIT 5', [toSql([1, 1, 1])])
    same(rows.map(v => v.id), [1, 3, 2, 4])
    same([rows[0].embedding, rows[0].half_embedding, rows[0].binary_embedding, rows[0].sparse_embedding.toArray(), rows[3].embedding], [[1, 1, 1], [1, 1, 1], '000', [1, 1, 1], null])
  },
  async pg_other_types () {
    const ids = async (column, operator, value) => (await client.query(`SELECT id FROM nv_pg WHERE ${column} IS NOT NULL ORDER BY ${column} ${operator} $1 LIMIT 5`, [value])).rows.map(r => r.id)
    same(await ids('half_embedding', '<->', toSql([1, 1, 1])), [1, 3, 2])
    same(await ids('binary_embedding', '<~>', '101'), [2, 3, 1])
    same(await ids('sparse_embedding', '<->', new SparseVector([1, 1, 1])), [1, 3, 2])
    same(await ids('embedding', '<+>', toSql([1, 1, 1])), [1, 3, 2])
  },
  async pg_indexes () {
    await client.query('CREATE INDEX ON nv_pg USING hnsw (embedding vector_l2_ops)')
    await client.query('CREATE INDEX ON nv_pg USING ivfflat (embedding vector_l2_ops) WITH (lists = 100)')
    await client.query('SET ivfflat.probes = 100')
    same((await client.query('SELECT id FROM nv_pg ORDER BY embedding <-> $1 LIMIT 2', [toSql([1, 1, 1])])).rows.map(r => r.id), [1, 3])
  },
  async pg_pool () {
    const pool = new pg.Pool({ ...options, max: 2 })
    pool.on('connect', client => registerTypes(client))
    const { rows } = await pool.query('SELECT * FROM nv_pg ORDER BY embedding <-> $1 LIMIT 1', [toSql([1, 1, 1])])
    same(rows[0].id, 1)
    await pool.end()
  },
  async knex_schema () {
    require('pgvector/knex')
    knex = require('knex')({ client: 'pg', connection: { ...options } })
    await knex.schema.createExtensionIfNotExists('vector')
    await knex.schema.dropTableIfExists('nv_knex')
    await knex.schema.createTable('nv_knex', columns)
  },
  async knex_insert () {
    await knex('nv_knex').insert(vectors.map((e, i) => ({ embedding: pgvector.toSql(e), half_embedding: pgvector.toSql(e), binary_embedding: ['000', '101', '111'][i], sparse_embedding: new SparseVector(e) })))
    await knex('nv_knex').insert({ embedding: null })
  },
  async knex_nearest () {
    const ids = async order => (await knex('nv_knex').whereNotNull('embedding').orderBy(order).limit(5)).map(v => v.id)
    same(await ids(knex.l2Distance('embedding', [1, 1, 1])), [1, 3, 2])
    same((await ids(knex.maxInnerProduct('embedding', [1, 1, 1]))), [2, 3, 1])
    same((await ids(knex.cosineDistance('embedding', [1, 1, 1])))[2], 3)
    same(await ids(knex.l1Distance('embedding', [1, 1, 1])), [1, 3, 2])
    same(await ids(knex.hammingDistance('binary_embedding', '101')), [2, 3, 1])
    same(await ids(knex.jaccardDistance('binary_embedding', '101')), [2, 3, 1])
    same(await ids(knex.l2Distance('half_embedding', [1, 1, 1])), [1, 3, 2])
    same(await ids(knex.l2Distance('sparse_embedding', new SparseVector([1, 1, 1]))), [1, 3, 2])
  },
  async knex_aggregates_and_index () {
    same(pgvector.fromSql((await knex('nv_knex').avg('embedding').first()).avg).map(x => Math.round(x * 100)), [133, 133, 167])
    await knex.schema.alterTable('nv_knex', table => { table.index([knex.raw('embedding vector_l2_ops')], 'nv_knex_near', 'hnsw') })
    assert((await knex('nv_knex').where(knex.l2Distance('embedding', [1, 1, 1]), '<', 1.5).count())[0].count === '2')
  },
  async objection () {
    const { Model } = require('objection')
    const { l2Distance, cosineDistance, hammingDistance, l1Distance, maxInnerProduct } = require('pgvector/objection')
    Model.knex(knex)
    Item = class extends Model { static get tableName () { return 'nv_knex' } }
    const made = await Item.query().insert({ embedding: pgvector.toSql([9, 9, 9]) })
    assert(made.id > 4)
    const ids = async order => (await Item.query().whereNotNull('binary_embedding').orderBy(order).limit(5)).map(v => v.id)
    same(await ids(l2Distance('embedding', [1, 1, 1])), [1, 3, 2])
    same(await ids(maxInnerProduct('embedding', [1, 1, 1])), [2, 3, 1])
    same((await ids(cosineDistance('embedding', [1, 1, 1])))[2], 3)
    same(await ids(l1Distance('embedding', [1, 1, 1])), [1, 3, 2])
    same(await ids(hammingDistance('binary_embedding', '101')), [2, 3, 1])
    same(await Item.query().deleteById(made.id), 1)
  },
  async kysely_schema () {
    const { Kysely, PostgresDialect, sql } = require('kysely')
    kysely = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool(options) }) })
    await sql`CREATE EXTENSION IF NOT EXISTS vector`.execute(kysely)
    await kysely.schema.dropTable('nv_kysely').ifExists().execute()
    await kysely.schema.createTable('nv_kysely').addColumn('id', 'serial', c => c.primaryKey()).addColumn('embedding', sql`vector(3)`)
      .addColumn('half_embedding', sql`halfvec(3)`).addColumn('binary_embedding', sql`bit(3)`).addColumn('sparse_embedding', sql`sparsevec(3)`).execute()
    await kysely.schema.createIndex('nv_kysely_near').on('nv_kysely').using('hnsw').expression(sql`embedding vector_l2_ops`).execute()
  },
  async kysely_insert () {
    await kysely.insertInto('nv_kysely').values(vectors.map((e, i) => ({ embedding: pgvector.toSql(e), half_embedding: pgvector.toSql(e), binary_embedding: ['000', '101', '111'][i], sparse_embedding: new SparseVector(e) }))).execute()
  },
  async kysely_nearest () {
    const k = require('pgvector/kysely')
    const ids = async order => (await kysely.selectFrom('nv_kysely').selectAll().orderBy(order).limit(5).execute()).map(v => v.id)
    same(await ids(k.l2Distance('embedding', [1, 1, 1])), [1, 3, 2])
    same(await ids(k.maxInnerProduct('embedding', [1, 1, 1])), [2, 3, 1])
    same((await ids(k.cosineDistance('embedding', [1, 1, 1])))[2], 3)
    same(await ids(k.l1Distance('embedding', [1, 1, 1])), [1, 3, 2])
    same(await ids(k.hammingDistance('binary_embedding', '101')), [2, 3, 1])
    same(await ids(k.jaccardDistance('binary_embedding', '101')), [2, 3, 1])
  },
  async kysely_within () {
    const { l2Distance } = require('pgvector/kysely')
    const found = await kysely.selectFrom('nv_kysely').select(['id', l2Distance('embedding', [1, 1, 1]).as('distance')]).where(l2Distance('embedding', [1, 1, 1]), '<', 1.5).orderBy('distance').execute()
    same(found.map(v => [v.id, v.distance]), [[1, 0], [3, 1]])
    const { sql } = require('kysely')
    const average = await kysely.selectFrom('nv_kysely').select(sql`avg(embedding)`.as('average')).executeTakeFirst()
    same(pgvector.fromSql(average.average).length, 3)
  },
  async sequelize_schema () {
    require('pgvector/sequelize')
    const { DataTypes, Sequelize } = require('sequelize')
    sequelize = new Sequelize(url, { logging: false })
    await sequelize.authenticate()
    await sequelize.query('CREATE EXTENSION IF NOT EXISTS vector')
    Model = sequelize.define('Item', {
      embedding: { type: DataTypes.VECTOR(3) }, half_embedding: { type: DataTypes.HALFVEC(3) }, binary_embedding: { type: 'BIT(3)' }, sparse_embedding: { type: DataTypes.SPARSEVEC(3) },
    }, { modelName: 'Item', tableName: 'nv_sequelize', underscored: true, timestamps: false, indexes: [{ fields: ['embedding'], using: 'hnsw', operator: 'vector_l2_ops' }] })
    await Model.sync({ force: true })
  },
  async sequelize_insert () {
    for (const [i, e] of vectors.entries()) await Model.create({ embedding: e, half_embedding: e, binary_embedding: ['000', '101', '111'][i], sparse_embedding: new SparseVector(e) })
    await Model.bulkCreate([{ embedding: null }, { embedding: [7, 7, 7] }])
    same((await Model.findByPk(5)).embedding, [7, 7, 7])
    await Model.destroy({ where: { id: [4, 5] } })
  },
  async sequelize_nearest () {
    const s = require('pgvector/sequelize')
    const ids = async order => (await Model.findAll({ order, limit: 5 })).map(v => v.id)
    same(await ids(s.l2Distance('embedding', [1, 1, 1], sequelize)), [1, 3, 2])
    same(await ids(s.maxInnerProduct('embedding', [1, 1, 1], sequelize)), [2, 3, 1])
    same((await ids(s.cosineDistance('embedding', [1, 1, 1], sequelize)))[2], 3)
    same(await ids(s.l1Distance('embedding', [1, 1, 1], sequelize)), [1, 3, 2])
    same(await ids(s.hammingDistance('binary_embedding', '101', sequelize)), [2, 3, 1])
    const [first] = await Model.findAll({ order: s.l2Distance('sparse_embedding', new SparseVector([1, 1, 1]), sequelize), limit: 1 })
    same([first.half_embedding, first.sparse_embedding.toArray()], [[1, 1, 1], [1, 1, 1]])
  },
  async sequelize_update () {
    await Model.update({ embedding: [3, 3, 3] }, { where: { id: 2 } })
    same((await Model.findOne({ where: { id: 2 } })).embedding, [3, 3, 3])
    const error = await fails(Model.create({ embedding: [1, 2] }))
    assert(/expected 3 dimensions/.test(error.message), error.message)
  },
  async pg_promise () {
    const pgp = require('pg-promise')({ noWarnings: true, async connect (e) { await require('pgvector/pg-promise').default.registerTypes(e.client) } })
    promises = pgp(options)
    await promises.none('DROP TABLE IF EXISTS nv_promise')
    await promises.none('CREATE TABLE nv_promise (id serial PRIMARY KEY, embedding vector(3))')
    await promises.none('INSERT INTO nv_promise (embedding) VALUES ($1), ($2), ($3)', vectors.map(toSql))
    const set = new pgp.helpers.ColumnSet(['embedding'], { table: 'nv_promise' })
    await promises.none(pgp.helpers.insert([{ embedding: toSql([4, 4, 4]) }, { embedding: toSql([5, 5, 5]) }], set))
    const found = await promises.any('SELECT * FROM nv_promise ORDER BY embedding <-> $1 LIMIT 3', [toSql([1, 1, 1])])
    same(found.map(v => [v.id, v.embedding]), [[1, [1, 1, 1]], [3, [1, 1, 2]], [2, [2, 2, 2]]])
    await promises.$pool.end()
  },
  async postgres_js () {
    sql = require('postgres')(url, { max: 2, onnotice () {} })
    await sql`DROP TABLE IF EXISTS nv_postgres`
    await sql`CREATE TABLE nv_postgres (id serial PRIMARY KEY, embedding vector(3))`
    await sql`INSERT INTO nv_postgres ${sql(vectors.map(e => ({ embedding: pgvector.toSql(e) })), 'embedding')}`
    const found = await sql`SELECT * FROM nv_postgres ORDER BY embedding <-> ${pgvector.toSql([1, 1, 1])} LIMIT 5`
    same(found.map(v => [v.id, v.embedding]), [[1, '[1,1,1]'], [3, '[1,1,2]'], [2, '[2,2,2]']])
  },
  async example_embeddings () { // OpenAI's and Transformers.js's
    await fresh('nv_documents')
    await client.query('CREATE TABLE nv_documents (id bigserial PRIMARY KEY, content text, embedding vector(384))')
    for (const text of texts) await client.query('INSERT INTO nv_documents (content, embedding) VALUES ($1, $2)', [text, toSql(embed(text, 384))])
    const { rows } = await client.query('SELECT content FROM nv_documents WHERE id != $1 ORDER BY embedding <=> (SELECT embedding FROM nv_documents WHERE id = $1) LIMIT 5', [1])
    same(rows.length, 2)
    same((await client.query('SELECT content FROM nv_documents ORDER BY embedding <=> $1 LIMIT 1', [toSql(embed('purring cat', 384))])).rows[0].content, texts[1])
  },
  async example_binary () { // Cohere's, and Morgan fingerprints with RDKit
    await fresh('nv_bits')
    await client.query('CREATE TABLE nv_bits (id bigserial PRIMARY KEY, content text, embedding bit(1536))')
    const bits = text => embed(text, 1536).map(x => x > 0 ? '1' : '0').join('')
    for (const text of texts) await client.query('INSERT INTO nv_bits (content, embedding) VALUES ($1, $2)', [text, bits(text)])
    same((await client.query('SELECT content FROM nv_bits ORDER BY embedding <~> $1 LIMIT 5', [bits('the bear is growling')])).rows[0].content, texts[2])
    same((await client.query('SELECT content FROM nv_bits ORDER BY embedding <%> $1 LIMIT 5', [bits('the dog is barking')])).rows[0].content, texts[0])
  },
  async example_sparse () { // Text Embeddings Inference's
    await fresh('nv_sparse')
    await client.query('CREATE TABLE nv_sparse (id bigserial PRIMARY KEY, content text, embedding sparsevec(30522))')
    const sparse = text => new SparseVector(Object.fromEntries(embed(text, 30522).map((x, i) => [i, x]).filter(([, x]) => x)), 30522)
    for (const text of texts) await client.query('INSERT INTO nv_sparse (content, embedding) VALUES ($1, $2)', [text, sparse(text)])
    same((await client.query('SELECT content FROM nv_sparse ORDER BY embedding <#> $1 LIMIT 5', [sparse('purring cat')])).rows[0].content, texts[1])
  },
  async example_recommendations () { // Disco's
    await fresh('nv_users, nv_movies')
    await client.query('CREATE TABLE nv_users (id integer PRIMARY KEY, factors vector(20))')
    await client.query('CREATE TABLE nv_movies (name text PRIMARY KEY, factors vector(20))')
    for (let id = 1; id <= 20; id++) await client.query('INSERT INTO nv_users (id, factors) VALUES ($1, $2)', [id, toSql(embed(`user ${id}`, 20))])
    for (let id = 1; id <= 20; id++) await client.query('INSERT INTO nv_movies (name, factors) VALUES ($1, $2)', [`movie ${id}`, toSql(embed(`movie ${id}`, 20))])
    const near = await client.query('SELECT name FROM nv_movies WHERE name != $1 ORDER BY factors <=> (SELECT factors FROM nv_movies WHERE name = $1) LIMIT 5', ['movie 7'])
    same(near.rows.length, 5)
    same((await client.query('SELECT name FROM nv_movies ORDER BY factors <#> (SELECT factors FROM nv_users WHERE id = $1) LIMIT 5', [12])).rows.length, 5)
  },
  async example_loading () { // bulk loading: COPY, then an index
    await fresh('nv_loading')
    await client.query('CREATE TABLE nv_loading (id bigserial, embedding vector(128))')
    const rows = Array.from({ length: 1000 }, (_, i) => toSql(embed(`row ${i} of ${i * 7}`, 128)))
    const writer = require('postgres')(url, { max: 1, onnotice () {} })
    const stream = await writer`COPY nv_loading (embedding) FROM STDIN`.writable()
    await new Promise((resolve, reject) => { stream.on('error', reject); stream.on('finish', resolve); for (const row of rows) stream.write(row + '\n'); stream.end() })
    await writer.end()
    await client.query("SET maintenance_work_mem = '64MB'")
    await client.query('SET max_parallel_maintenance_workers = 2')
    await client.query('CREATE INDEX ON nv_loading USING hnsw (embedding vector_cosine_ops)')
    await client.query('ANALYZE nv_loading')
    const found = await client.query('SELECT id FROM nv_loading ORDER BY embedding <=> $1 LIMIT 1', [rows[500]])
    same((await client.query('SELECT embedding = $1 AS same FROM nv_loading WHERE id = $2', [rows[500], found.rows[0].id])).rows[0].same, true)
  },
  async example_hybrid_search () {
    await fresh('nv_hybrid')
    await client.query('CREATE TABLE nv_hybrid (id bigserial PRIMARY KEY, content text, embedding vector(384))')
    await client.query("CREATE INDEX ON nv_hybrid USING gin (to_tsvector('english', content))")
    for (const text of texts) await client.query('INSERT INTO nv_hybrid (content, embedding) VALUES ($1, $2)', [text, toSql(embed(text, 384))])
    const { rows } = await client.query(`WITH semantic_search AS (
        SELECT id, RANK () OVER (ORDER BY embedding <=> $2) AS rank FROM nv_hybrid ORDER BY embedding <=> $2 LIMIT 20),
      keyword_search AS (
        SELECT id, RANK () OVER (ORDER BY ts_rank_cd(to_tsvector('english', content), query) DESC) FROM nv_hybrid, plainto_tsquery('english', $1) query
        WHERE to_tsvector('english', content) @@ query ORDER BY ts_rank_cd(to_tsvector('english', content), query) DESC LIMIT 20)
      SELECT COALESCE(semantic_search.id, keyword_search.id) AS id, COALESCE(1.0 / ($3 + semantic_search.rank), 0.0) + COALESCE(1.0 / ($3 + keyword_search.rank), 0.0) AS score
      FROM semantic_search FULL OUTER JOIN keyword_search ON semantic_search.id = keyword_search.id ORDER BY score DESC LIMIT 5`, ['growling bear', toSql(embed('growling bear', 384)), 60])
    same(rows[0].id, '3')
  },
}, async () => {
  await client.end()
  await knex.destroy()
  await kysely.destroy()
  await sequelize.close()
  await sql.end()
})
