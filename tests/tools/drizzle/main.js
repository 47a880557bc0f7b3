// Drizzle over postgres.js and node-postgres: queries, relations, pgvector's columns, drizzle-kit.
const { assert, fails, options, run, same, url } = require('../cases.js')
const { drizzle } = require('drizzle-orm/postgres-js')
const { drizzle: drizzleNode } = require('drizzle-orm/node-postgres')
const { migrate } = require('drizzle-orm/postgres-js/migrator')
const p = require('drizzle-orm/pg-core')
const d = require('drizzle-orm')
const postgres = require('postgres')
const { Pool } = require('pg')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drizzle-'))
const users = p.pgTable('dz_users', {
  id: p.serial('id').primaryKey(),
  name: p.varchar('name', { length: 40 }).notNull().unique(),
  age: p.integer('age'),
  at: p.timestamp('at', { withTimezone: true }).defaultNow(),
})
const posts = p.pgTable('dz_posts', {
  id: p.bigserial('id', { mode: 'number' }).primaryKey(),
  userId: p.integer('user_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
  title: p.text('title').notNull(),
  meta: p.jsonb('meta').$default(() => ({})),
  tags: p.text('tags').array(),
  price: p.numeric('price', { precision: 10, scale: 2 }).default('0'),
  key: p.uuid('key').defaultRandom(),
  embedding: p.vector('embedding', { dimensions: 3 }),
}, t => [p.index('dz_by_title').on(t.title), p.index('dz_near').using('hnsw', t.embedding.op('vector_l2_ops'))])
const usersRelations = d.relations(users, ({ many }) => ({ posts: many(posts) }))
const postsRelations = d.relations(posts, ({ one }) => ({ user: one(users, { fields: [posts.userId], references: [users.id] }) }))
const client = postgres({ ...options, onnotice: () => {}, max: 2 })
const db = drizzle(client, { schema: { users, posts, usersRelations, postsRelations } })

const SCHEMA = `const p = require('drizzle-orm/pg-core')
exports.users = p.pgTable('dz_users', { id: p.serial('id').primaryKey(), name: p.varchar('name', { length: 40 }).notNull().unique(),
  age: p.integer('age'), at: p.timestamp('at', { withTimezone: true }).defaultNow() })
exports.posts = p.pgTable('dz_posts', { id: p.bigserial('id', { mode: 'number' }).primaryKey(),
  userId: p.integer('user_id').notNull().references(() => exports.users.id, { onDelete: 'cascade' }), title: p.text('title').notNull(),
  meta: p.jsonb('meta'), tags: p.text('tags').array(), price: p.numeric('price', { precision: 10, scale: 2 }).default('0'),
  key: p.uuid('key').defaultRandom(), embedding: p.vector('embedding', { dimensions: 3 }) },
  t => [p.index('dz_by_title').on(t.title), p.index('dz_near').using('hnsw', t.embedding.op('vector_l2_ops'))])
`
function kit (command, ...more) {
  const modules = process.env.NODE_PATH
  if (!fs.existsSync(path.join(folder, 'node_modules'))) fs.symlinkSync(modules, path.join(folder, 'node_modules'))
  fs.writeFileSync(path.join(folder, 'schema.js'), SCHEMA)
  fs.writeFileSync(path.join(folder, 'drizzle.config.js'), `module.exports = { dialect: 'postgresql', schema: './schema.js', out: './out',
    tablesFilter: ['dz_*'], dbCredentials: { url: ${JSON.stringify(url)}, ssl: false } }`)
  return execFileSync('node', [path.join(modules, 'drizzle-kit/bin.cjs'), command, ...more], { cwd: folder, encoding: 'utf8', timeout: 60000, stdio: ['ignore', 'pipe', 'pipe'] })
}

run('drizzle-orm', {
  async connect () { same((await db.execute(d.sql`SELECT 1 AS x`))[0].x, 1) },
  async prepare () {
    await db.execute(d.sql`CREATE EXTENSION IF NOT EXISTS vector`)
    await db.execute(d.sql`DROP TABLE IF EXISTS dz_posts, dz_users CASCADE`)
    await db.execute(d.sql`DROP SCHEMA IF EXISTS drizzle CASCADE`)
  },
  async kit_generate () {
    kit('generate')
    assert(fs.readdirSync(path.join(folder, 'out')).some(f => f.endsWith('.sql')))
  },
  async migrations () {
    await migrate(db, { migrationsFolder: path.join(folder, 'out') })
    await migrate(db, { migrationsFolder: path.join(folder, 'out') })
  },
  async insert () {
    const made = await db.insert(users).values([{ name: 'ada', age: 36 }, { name: 'bob' }]).returning()
    same(made.map(u => [u.id, u.name, u.age]), [[1, 'ada', 36], [2, 'bob', null]])
    assert(made[0].at instanceof Date)
  },
  async insert_related () {
    await db.insert(posts).values([
      { userId: 1, title: 'one', meta: { a: 1 }, tags: ['x', 'y'], price: '1.50', embedding: [1, 0, 0] },
      { userId: 1, title: 'two', tags: [], embedding: [0, 1, 0] }, { userId: 2, title: 'three', embedding: [0, 0, 1] }])
  },
  async select_all () {
    const found = await db.select().from(posts).orderBy(posts.id)
    same([found[0].meta, found[0].tags, found[0].price, found[0].embedding], [{ a: 1 }, ['x', 'y'], '1.50', [1, 0, 0]])
  },
  async filters () {
    const titles = async where => (await db.select({ t: posts.title }).from(posts).where(where).orderBy(posts.id)).map(r => r.t)
    same(await titles(d.eq(posts.title, 'two')), ['two'])
    same(await titles(d.and(d.gt(posts.id, 1), d.like(posts.title, 't%'))), ['two', 'three'])
    same(await titles(d.or(d.eq(posts.title, 'one'), d.inArray(posts.userId, [2]))), ['one', 'three'])
    same(await titles(d.not(d.ilike(posts.title, 'T%'))), ['one'])
    same(await titles(d.between(posts.id, 2, 3)), ['two', 'three'])
    same(await titles(d.arrayContains(posts.tags, ['x'])), ['one'])
  },
  async joins () {
    const found = await db.select({ n: users.name, t: posts.title }).from(users).innerJoin(posts, d.eq(posts.userId, users.id)).orderBy(posts.id)
    same(found.map(r => r.n), ['ada', 'ada', 'bob'])
    same((await db.select().from(users).leftJoin(posts, d.eq(posts.userId, users.id))).length, 3)
  },
  async aggregates () {
    const found = await db.select({ n: users.name, c: d.count(posts.id) }).from(users).leftJoin(posts, d.eq(posts.userId, users.id)).groupBy(users.name).orderBy(users.name)
    same(found, [{ n: 'ada', c: 2 }, { n: 'bob', c: 1 }])
    same(await db.$count(posts), 3)
  },
  async relational_queries () {
    const found = await db.query.users.findMany({ with: { posts: { columns: { title: true }, orderBy: (t, { asc }) => asc(t.id) } }, orderBy: (t, { asc }) => asc(t.id) })
    same(found.map(u => u.posts.map(q => q.title)), [['one', 'two'], ['three']])
  },
  async relational_one () {
    const found = await db.query.posts.findFirst({ where: (t, { eq }) => eq(t.title, 'three'), with: { user: true } })
    same(found.user.name, 'bob')
  },
  async subqueries_and_ctes () {
    const sub = db.select({ id: posts.userId, n: d.count().as('n') }).from(posts).groupBy(posts.userId).as('sub')
    same((await db.select({ name: users.name, n: sub.n }).from(users).innerJoin(sub, d.eq(sub.id, users.id)).orderBy(users.id)).map(r => r.n), [2, 1])
    const adult = db.$with('adult').as(db.select().from(users).where(d.gt(users.age, 18)))
    same((await db.with(adult).select().from(adult)).length, 1)
    same((await db.select().from(users).where(d.exists(db.select().from(posts).where(d.and(d.eq(posts.userId, users.id), d.eq(posts.title, 'three')))))).map(u => u.name), ['bob'])
  },
  async set_operations () {
    const { union } = require('drizzle-orm/pg-core')
    same((await union(db.select({ x: users.name }).from(users), db.select({ x: posts.title }).from(posts))).length, 5)
  },
  async update () {
    same((await db.update(posts).set({ price: d.sql`${posts.price} + 1` }).where(d.eq(posts.id, 1)).returning({ p: posts.price }))[0].p, '2.50')
  },
  async upsert () {
    const made = await db.insert(users).values({ name: 'ada', age: 40 }).onConflictDoUpdate({ target: users.name, set: { age: d.sql`excluded.age` } }).returning()
    same(made[0].age, 40)
    await db.insert(users).values({ name: 'ada' }).onConflictDoNothing()
  },
  async transactions () {
    await db.transaction(async t => {
      await t.insert(users).values({ name: 'in' })
      same((await t.select().from(users).where(d.eq(users.name, 'in'))).length, 1)
      await t.transaction(async s => { await s.insert(users).values({ name: 'nested' }); s.rollback() }).catch(() => {})
    })
    await db.transaction(async t => { await t.insert(users).values({ name: 'out' }); t.rollback() }).catch(() => {})
    same((await db.select({ n: users.name }).from(users).where(d.gt(users.id, 2)).orderBy(users.id)).map(r => r.n), ['in'])
  },
  async prepared () {
    const query = db.select({ n: users.name }).from(users).where(d.eq(users.id, d.sql.placeholder('id'))).prepare('dz_by_id')
    same(await query.execute({ id: 1 }), [{ n: 'ada' }])
    same(await query.execute({ id: 2 }), [{ n: 'bob' }])
  },
  async errors () {
    const error = await fails(db.insert(users).values({ name: 'ada' }))
    same((error.cause ?? error).code, '23505')
  },
  async vectors () {
    const near = await db.select({ t: posts.title }).from(posts).orderBy(d.l2Distance(posts.embedding, [0, 0.9, 0])).limit(1)
    same(near[0].t, 'two')
    const similar = d.sql`1 - (${d.cosineDistance(posts.embedding, [1, 0, 0])})`
    same((await db.select({ t: posts.title }).from(posts).where(d.gt(similar, 0.5)))[0].t, 'one')
  },
  async node_postgres () {
    const pool = new Pool(options)
    const other = drizzleNode(pool, { schema: { users, posts, usersRelations, postsRelations } })
    same((await other.query.users.findFirst({ with: { posts: true }, where: (t, { eq }) => eq(t.id, 1) })).posts.length, 2)
    await pool.end()
  },
  async row_lock () {
    await db.transaction(async t => { same((await t.select().from(users).where(d.eq(users.id, 1)).for('update')).length, 1) })
  },
  async deletes () {
    same((await db.delete(users).where(d.eq(users.id, 2)).returning()).length, 1)
    same(await db.$count(posts), 2)
  },
  async kit_push () {
    assert(/No changes|Changes applied/.test(kit('push', '--force')))
  },
  async kit_pull () {
    kit('pull')
    const text = fs.readFileSync(path.join(folder, 'out/schema.ts'), 'utf8')
    for (const part of ['pgTable("dz_posts"', 'onDelete("cascade")|onDelete: "cascade"', 'vector({ dimensions: 3 })|vector("embedding"', 'numeric({ precision: 10, scale:  2 })', 'unique("dz_users_name_unique")']) {
      assert(part.split('|').some(x => text.replaceAll(' ', '').includes(x.replaceAll(' ', ''))), `no ${part} in ${text}`)
    }
  },
  async enums () {
    await db.execute(d.sql`DROP TYPE IF EXISTS dz_mood CASCADE`)
    await db.execute(d.sql`CREATE TYPE dz_mood AS ENUM ('sad', 'happy')`)
    const mood = p.pgEnum('dz_mood', ['sad', 'happy'])
    const moods = p.pgTable('dz_moods', { id: p.integer('id').primaryKey(), mood: mood('mood') })
    await db.execute(d.sql`CREATE TABLE dz_moods (id integer PRIMARY KEY, mood dz_mood)`)
    await db.insert(moods).values({ id: 1, mood: 'happy' })
    same((await db.select().from(moods))[0].mood, 'happy')
    await db.execute(d.sql`DROP TABLE dz_moods`)
    await db.execute(d.sql`DROP TYPE dz_mood`)
  },
  async clean_up () { await db.execute(d.sql`DROP TABLE dz_posts, dz_users`) },
}, () => client.end({ timeout: 5 }))
