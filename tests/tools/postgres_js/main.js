// postgres.js (porsager's): typed parameters, transactions, cursors, COPY, pipelines.
const { assert, fails, options, run, same } = require('../cases.js')
const postgres = require('postgres')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')

const sql = postgres({ ...options, onnotice: () => {}, max: 4 })
const one = async query => (await query)[0]

run('postgres', {
  async connect () { same((await one(sql`SELECT 1 AS x`)).x, 1) },
  async create () {
    await sql`CREATE EXTENSION IF NOT EXISTS vector`
    await sql`DROP TABLE IF EXISTS pj_items`
    await sql`CREATE TABLE pj_items (id serial PRIMARY KEY, name text NOT NULL UNIQUE, price numeric(10,2), tags text[],
      meta jsonb, at timestamptz DEFAULT now(), big int8, raw bytea, e vector(3))`
  },
  async insert_and_return () {
    const row = await one(sql`INSERT INTO pj_items (name, price, tags, meta, big, raw) VALUES
      (${'a'}, ${'1.50'}, ${['x', 'y']}, ${sql.json({ k: [1, null] })}, ${'9007199254740993'}, ${Buffer.from([0, 255])}) RETURNING *`)
    same([row.name, row.price, row.tags, row.meta, row.big], ['a', '1.50', ['x', 'y'], { k: [1, null] }, '9007199254740993'])
    same([...row.raw], [0, 255])
    assert(row.at instanceof Date)
  },
  async insert_helper () {
    const rows = [{ name: 'b', price: 2 }, { name: 'c', price: 3 }]
    same((await sql`INSERT INTO pj_items ${sql(rows, 'name', 'price')} RETURNING name`).map(r => r.name), ['b', 'c'])
  },
  async update_helper () {
    same((await sql`UPDATE pj_items SET ${sql({ price: 9 }, 'price')} WHERE name = ${'c'}`).count, 1)
  },
  async in_list () {
    same((await sql`SELECT name FROM pj_items WHERE name IN ${sql(['a', 'b'])} ORDER BY 1`).map(r => r.name), ['a', 'b'])
  },
  async any_of_array () {
    same((await sql`SELECT name FROM pj_items WHERE name = ANY(${['a', 'c']}) ORDER BY 1`).map(r => r.name), ['a', 'c'])
  },
  async numbers () {
    same(await one(sql`SELECT ${1}::int4 AS a, ${2.5}::float8 AS b, ${'3'}::int8 AS c, ${true}::bool AS d`), { a: 1, b: 2.5, c: '3', d: true })
  },
  async nulls () { same((await one(sql`SELECT ${null}::text AS x`)).x, null) },
  async dates () {
    const at = new Date('2024-02-29T12:34:56.789Z')
    same((await one(sql`SELECT ${at}::timestamptz AS at`)).at.getTime(), at.getTime())
    same((await one(sql`SELECT ${at} < now() AS past`)).past, true)
  },
  async arrays () {
    same((await one(sql`SELECT ${[1, 2, 3]}::int4[] AS a`)).a, [1, 2, 3])
    same((await one(sql`SELECT ${sql.array(['q"u', 'c,d'])}::text[] AS a`)).a, ['q"u', 'c,d'])
  },
  async columns () {
    const result = await sql`SELECT id, name FROM pj_items LIMIT 0`
    same(result.columns.map(c => [c.name, c.type]), [['id', 23], ['name', 25]])
  },
  async describe () {
    const described = await sql`SELECT name FROM pj_items WHERE id = ${1}`.describe()
    same([described.types, described.columns.map(c => c.name)], [[23], ['name']])
  },
  async simple_protocol () {
    same((await sql`SELECT 1 AS a; SELECT 2 AS b`.simple()).map(r => r[0]), [{ a: 1 }, { b: 2 }])
  },
  async unsafe () { same((await sql.unsafe('SELECT $1::int4 + 1 AS x', [4]))[0].x, 5) },
  async errors () {
    const error = await fails(sql`INSERT INTO pj_items (name) VALUES ('a')`)
    same([error.code, error.constraint_name, error.table_name], ['23505', 'pj_items_name_key', 'pj_items'])
    same((await fails(sql`SELECT nothing`)).code, '42703')
  },
  async transactions () {
    await sql.begin(async t => {
      await t`INSERT INTO pj_items (name) VALUES ('in')`
      same((await t`SELECT count(*)::int AS n FROM pj_items WHERE name = 'in'`)[0].n, 1)
    })
    await fails(sql.begin(async t => { await t`INSERT INTO pj_items (name) VALUES ('out')`; throw new Error('back') }))
    same((await sql`SELECT name FROM pj_items WHERE name IN ('in', 'out')`).map(r => r.name), ['in'])
  },
  async savepoints () {
    await sql.begin(async t => {
      await t`INSERT INTO pj_items (name) VALUES ('s1')`
      await t.savepoint(s => s`INSERT INTO pj_items (name) VALUES ('s1')`).catch(() => {})
      await t`INSERT INTO pj_items (name) VALUES ('s2')`
    })
    same((await one(sql`SELECT count(*)::int AS n FROM pj_items WHERE name LIKE 's_'`)).n, 2)
  },
  async isolation () {
    same((await sql.begin('ISOLATION LEVEL REPEATABLE READ', t => t`SHOW transaction_isolation`))[0].transaction_isolation, 'repeatable read')
  },
  async pipelined_transaction () {
    const results = await sql.begin(t => [t`SELECT 1 AS x`, t`SELECT 2 AS x`, t`SELECT 3 AS x`])
    same(results.map(r => r[0].x), [1, 2, 3])
  },
  async concurrently () {
    const found = await Promise.all(Array.from({ length: 50 }, (_, n) => sql`SELECT ${n}::int4 AS n`))
    same(found.map(r => r[0].n), Array.from({ length: 50 }, (_, n) => n))
  },
  async cursor () {
    let seen = 0
    for await (const rows of sql`SELECT * FROM generate_series(1, 1000) AS g(n)`.cursor(100)) seen += rows.length
    same(seen, 1000)
  },
  async for_each () {
    let sum = 0
    await sql`SELECT n FROM generate_series(1, 10) AS g(n)`.forEach(row => { sum += row.n })
    same(sum, 55)
  },
  async raw_and_values () {
    same(await sql`SELECT 1 AS a, 'x' AS b`.values().then(r => [...r]), [[1, 'x']])
    same((await sql`SELECT 'x' AS b`.raw())[0][0].toString(), 'x')
  },
  async copy_in () {
    const writable = await sql`COPY pj_items (name, price) FROM STDIN`.writable()
    await pipeline(Readable.from(['k1\t1\n', 'k2\t2\n']), writable)
    same((await one(sql`SELECT count(*)::int AS n FROM pj_items WHERE name LIKE 'k_'`)).n, 2)
  },
  async copy_out () {
    const readable = await sql`COPY (SELECT name FROM pj_items WHERE name LIKE 'k_' ORDER BY 1) TO STDOUT`.readable()
    let text = ''
    for await (const part of readable) text += part
    same(text, 'k1\nk2\n')
  },
  async cancel () {
    const query = sql`SELECT pg_sleep(20)`
    setTimeout(() => query.cancel(), 200)
    same((await fails(query)).code, '57014')
  },
  async listen () {
    const heard = new Promise((resolve, reject) => { sql.listen('pj_channel', resolve).then(() => sql.notify('pj_channel', 'hello')).catch(reject) })
    same(await Promise.race([heard, new Promise((_, no) => setTimeout(() => no(new Error('nothing heard')), 5000))]), 'hello')
  },
  async vectors () {
    await sql`UPDATE pj_items SET e = ${'[1,2,3]'} WHERE name = 'a'`
    await sql`UPDATE pj_items SET e = ${'[4,5,6]'} WHERE name = 'b'`
    same((await sql`SELECT name FROM pj_items ORDER BY e <-> ${'[4,5,5]'} LIMIT 1`)[0].name, 'b')
  },
  async without_prepare () {
    const other = postgres({ ...options, prepare: false, max: 1 })
    same((await other`SELECT ${1}::int4 AS x`)[0].x, 1)
    await other.end()
  },
}, () => sql.end({ timeout: 5 }))
