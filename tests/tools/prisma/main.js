// Prisma 7: its client over node-postgres, whose query compiler is WebAssembly. Migrations, push and pull are Prisma
// 6's, which runs its schema engine as WebAssembly too: the binary that Prisma 7 wants comes from no registry.
const { assert, fails, run, same, url } = require('../cases.js')
const { PrismaPg } = require('@prisma/adapter-pg')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const modules = process.env.NODE_PATH
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'prisma-'))
fs.symlinkSync(modules, path.join(folder, 'node_modules'))
const schema = fs.readFileSync(path.join(__dirname, 'schema.prisma'), 'utf8')
fs.writeFileSync(path.join(folder, 'prisma.config.js'), `module.exports = { schema: './schema.prisma', datasource: { url: ${JSON.stringify(url)} } }`)
fs.copyFileSync(path.join(__dirname, 'config.js'), path.join(folder, 'six.config.js'))
const write = text => fs.writeFileSync(path.join(folder, 'schema.prisma'), text)

// The engines' binaries are never run: what is named is there, so nothing is downloaded.
const environment = {
  ...process.env, DATABASE_URL: url, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1', CI: '1',
  PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', PRISMA_QUERY_ENGINE_LIBRARY: '/bin/true',
}
const command = (tool, ...more) => {
  const options = { cwd: folder, encoding: 'utf8', timeout: 25000, env: environment, stdio: ['ignore', 'pipe', 'pipe'] }
  try { return execFileSync('node', [path.join(modules, tool, 'build/index.js'), ...more], options) } catch (error) {
    if (error.code === 'ETIMEDOUT' && error.stdout) return error.stdout // `push` says that it's done and doesn't end
    throw error
  }
}
const seven = (...more) => { write(schema); return command('prisma', ...more) }
const six = (...more) => command('prisma-6', ...more, '--config', 'six.config.js')
const withUrl = text => text.replace('provider   = "postgresql"', 'provider   = "postgresql"\n  url = env("DATABASE_URL")')
const older = withUrl(schema)
const newer = older.replace('  age     Int?\n', '  age     Int?\n  city    String? @default("Praha")\n')

let db
const kind = {
  id: 1, big: 2n ** 62n, small: -32768, real: 0.5, float: 0.1, money: '12345678901234.567891', yes: true,
  bytes: Uint8Array.from([0, 1, 255]), text: 'abc', day: new Date('2024-02-29'), time: new Date('1970-01-01T23:59:59.123Z'),
  stamp: new Date('2024-02-29T12:34:56.789Z'), zoned: new Date('2024-02-29T12:34:56.789Z'), json: { a: [1, null, 'x'] },
  uuid: '0191d3a0-0000-7000-8000-000000000001', ints: [1, -2, 3],
}

run('prisma', {
  async validate () { assert(seven('validate').includes('is valid')) },
  async generate () {
    seven('generate')
    const { PrismaClient } = require(path.join(folder, 'client'))
    db = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })
  },
  async migrate_diff () {
    write(older)
    const sql = six('migrate', 'diff', '--from-empty', '--to-schema-datamodel', 'schema.prisma', '--script')
    assert(sql.includes('CREATE TABLE "posts"') && sql.includes('CREATE TYPE "Role" AS ENUM'))
    fs.mkdirSync(path.join(folder, 'migrations/1_init'), { recursive: true })
    fs.writeFileSync(path.join(folder, 'migrations/1_init/migration.sql'), sql)
    fs.writeFileSync(path.join(folder, 'migrations/migration_lock.toml'), 'provider = "postgresql"\n')
  },
  async migrate_deploy () {
    assert(six('migrate', 'deploy').includes('1_init'))
    assert(six('migrate', 'deploy').includes('No pending migrations'))
  },
  async migrate_status () { assert(six('migrate', 'status').includes('up to date')) },
  async connect () { same(await db.$queryRaw`SELECT 1 AS x`, [{ x: 1 }]) },
  async create () {
    const made = await db.user.create({ data: { name: 'ada', age: 36, role: 'WRITER' } })
    same([made.id, made.name, made.age, made.role], [1, 'ada', 36, 'WRITER'])
    assert(made.at instanceof Date && Math.abs(made.at - Date.now()) < 600000)
  },
  async create_nested () {
    const made = await db.user.create({
      data: { name: 'bob', profile: { create: { bio: 'here' } }, posts: { create: [{ title: 'one', labels: ['x', 'y'], meta: { a: 1, b: { c: 'deep' } } }, { title: 'two', price: '1.50' }] } },
      include: { posts: { orderBy: { id: 'asc' } }, profile: true },
    })
    same(made.posts.map(p => [p.title, p.price.toFixed(2), p.labels]), [['one', '0.00', ['x', 'y']], ['two', '1.50', []]])
    same(made.profile.bio, 'here')
  },
  async create_many () {
    same((await db.user.createMany({ data: [{ name: 'cy', age: 20 }, { name: 'ada' }, { name: 'dan', age: 50 }], skipDuplicates: true })).count, 2)
    const made = await db.post.createManyAndReturn({ data: [{ title: 'three', userId: 1, price: 3 }, { title: 'Four', userId: 1, price: 4, labels: ['x'] }], select: { title: true } })
    same(made.map(p => p.title).sort(), ['Four', 'three'])
  },
  async find_unique () {
    same((await db.user.findUnique({ where: { name: 'ada' } })).age, 36)
    same(await db.user.findUnique({ where: { id: 999 } }), null)
    same((await fails(db.user.findUniqueOrThrow({ where: { id: 999 } }))).code, 'P2025')
    const batch = await Promise.all([1, 2, 999].map(id => db.user.findUnique({ where: { id } })))
    same(batch.map(u => u?.name ?? null), ['ada', 'bob', null])
  },
  async filters () {
    const names = async where => (await db.user.findMany({ where, orderBy: { id: 'asc' } })).map(u => u.name)
    same(await names({ age: { gt: 20 } }), ['ada', 'dan'])
    same(await names({ OR: [{ age: null }, { name: { startsWith: 'c' } }] }), ['bob', 'cy'])
    same(await names({ NOT: { name: { in: ['ada', 'bob'] } } }), ['cy', 'dan'])
    same(await names({ name: { contains: 'A', mode: 'insensitive' } }), ['ada', 'dan'])
    same(await names({ role: { equals: 'WRITER' } }), ['ada'])
    same(await names({ name: { notIn: ['ada'] }, age: { gte: 20, lte: 50 } }), ['cy', 'dan'])
  },
  async filters_of_relations () {
    const names = async where => (await db.user.findMany({ where, orderBy: { id: 'asc' } })).map(u => u.name)
    same(await names({ posts: { some: { price: { gt: 3 } } } }), ['ada'])
    same(await names({ posts: { none: {} } }), ['cy', 'dan'])
    same(await names({ posts: { every: { title: { contains: 'o' } } } }), ['bob', 'cy', 'dan'])
    same(await names({ profile: { is: { bio: 'here' } } }), ['bob'])
    same((await db.post.findMany({ where: { user: { age: { gt: 30 } } }, orderBy: { id: 'asc' } })).map(p => p.title), ['three', 'Four'])
  },
  async filters_of_lists () {
    const titles = async where => (await db.post.findMany({ where, orderBy: { id: 'asc' } })).map(p => p.title)
    same(await titles({ labels: { has: 'y' } }), ['one'])
    same(await titles({ labels: { hasSome: ['x', 'z'] } }), ['one', 'Four'])
    same(await titles({ labels: { hasEvery: ['x', 'y'] } }), ['one'])
    same(await titles({ labels: { isEmpty: false } }), ['one', 'Four'])
    same(await titles({ labels: { equals: ['x', 'y'] } }), ['one'])
  },
  async filters_of_json () {
    const titles = async where => (await db.post.findMany({ where, orderBy: { id: 'asc' } })).map(p => p.title)
    same(await titles({ meta: { path: ['a'], equals: 1 } }), ['one'])
    same(await titles({ meta: { path: ['b', 'c'], string_contains: 'ee' } }), ['one'])
    same(await titles({ meta: { path: ['a'], gt: 0 } }), ['one'])
    same(await titles({ meta: { equals: { a: 1, b: { c: 'deep' } } } }), ['one'])
  },
  async select_and_include () {
    const found = await db.user.findMany({ select: { name: true, posts: { select: { title: true }, orderBy: { title: 'desc' } }, profile: { select: { bio: true } } }, orderBy: { id: 'asc' }, take: 2 })
    same(found, [{ name: 'ada', posts: [{ title: 'three' }, { title: 'Four' }], profile: null }, { name: 'bob', posts: [{ title: 'two' }, { title: 'one' }], profile: { bio: 'here' } }])
  },
  async relations_by_joins () {
    const found = await db.user.findMany({ relationLoadStrategy: 'join', include: { posts: { orderBy: { id: 'asc' }, take: 1 }, profile: true }, orderBy: { id: 'asc' } })
    same(found.map(u => [u.name, u.posts.map(p => [p.title, p.id, p.price.toFixed(2)]), u.profile?.bio ?? null]),
      [['ada', [['three', 3n, '3.00']], null], ['bob', [['one', 1n, '0.00']], 'here'], ['cy', [], null], ['dan', [], null]])
  },
  async counts_of_relations () {
    const found = await db.user.findMany({ include: { _count: { select: { posts: { where: { price: { gt: 0 } } } } } }, orderBy: { id: 'asc' } })
    same(found.map(u => u._count.posts), [2, 1, 0, 0])
    same((await db.user.findMany({ orderBy: [{ posts: { _count: 'desc' } }, { id: 'asc' }], take: 2 })).map(u => u.name), ['ada', 'bob'])
  },
  async order_and_pages () {
    const names = async more => (await db.user.findMany(more)).map(u => u.name)
    same(await names({ orderBy: { age: { sort: 'desc', nulls: 'last' } } }), ['dan', 'ada', 'cy', 'bob'])
    same(await names({ orderBy: { id: 'asc' }, skip: 1, take: 2 }), ['bob', 'cy'])
    same(await names({ orderBy: { id: 'asc' }, cursor: { id: 2 }, skip: 1, take: 1 }), ['cy'])
    same(await names({ orderBy: { id: 'asc' }, take: -2 }), ['cy', 'dan'])
    same((await db.post.findMany({ distinct: ['userId'], orderBy: { id: 'asc' } })).map(p => p.title), ['one', 'three'])
  },
  async aggregates () {
    const found = await db.user.aggregate({ _count: true, _avg: { age: true }, _sum: { age: true }, _min: { age: true }, _max: { name: true } })
    same([found._count, found._avg.age.toFixed(3), found._sum.age, found._min.age, found._max.name], [4, '35.333', 106, 20, 'dan'])
    same(await db.post.count({ where: { price: { gt: 1 } } }), 3)
    same((await db.post.aggregate({ _sum: { price: true } }))._sum.price.toFixed(2), '8.50')
  },
  async group_by () {
    const found = await db.post.groupBy({ by: ['userId'], _count: { _all: true }, _sum: { price: true }, having: { price: { _sum: { gt: 1 } } }, orderBy: { userId: 'asc' } })
    same(found.map(g => [g.userId, g._count._all, g._sum.price.toFixed(2)]), [[1, 2, '7.00'], [2, 2, '1.50']])
  },
  async update () {
    const made = await db.post.update({ where: { id: 3n }, data: { price: { increment: 1.25 }, labels: { push: 'new' }, user: { connect: { id: 2 } } } })
    same([made.price.toFixed(2), made.labels, made.userId], ['4.25', ['new'], 2])
    same((await db.post.updateMany({ where: { price: { gt: 4 } }, data: { meta: { big: true } } })).count, 1)
    same((await db.user.updateManyAndReturn({ where: { age: { not: null } }, data: { age: { multiply: 2 } } })).map(u => u.age).sort(), [100, 40, 72])
    same((await fails(db.user.update({ where: { id: 999 }, data: { age: 1 } }))).code, 'P2025')
  },
  async upsert () {
    const upsert = age => db.user.upsert({ where: { name: 'eve' }, create: { name: 'eve', age }, update: { age } })
    same((await upsert(1)).age, 1)
    same((await upsert(2)).age, 2)
    same(await db.user.count({ where: { name: 'eve' } }), 1)
  },
  async many_to_many () {
    await db.post.update({ where: { id: 1n }, data: { tags: { create: [{ label: 'red' }, { label: 'kite' }] } } })
    await db.post.update({ where: { id: 2n }, data: { tags: { connectOrCreate: { where: { label: 'red' }, create: { label: 'red' } } } } })
    same((await db.tag.findMany({ include: { _count: true, posts: { select: { title: true }, orderBy: { id: 'asc' } } }, orderBy: { label: 'asc' } })).map(t => [t.label, t._count.posts, t.posts.map(p => p.title)]),
      [['kite', 1, ['one']], ['red', 2, ['one', 'two']]])
    await db.post.update({ where: { id: 1n }, data: { tags: { set: [{ label: 'kite' }] } } })
    same((await db.post.findMany({ where: { tags: { some: { label: 'red' } } } })).map(p => p.title), ['two'])
  },
  async types () {
    await db.kind.create({ data: kind })
    const found = await db.kind.findUnique({ where: { id: 1 } })
    same({ ...found, bytes: [...found.bytes], money: found.money.toFixed(), text: found.text.trim() }, { ...kind, bytes: [0, 1, 255] })
    same(await db.kind.count({ where: { big: 2n ** 62n, money: '12345678901234.567891', day: kind.day, zoned: kind.zoned, uuid: kind.uuid, yes: true, ints: { has: -2 } } }), 1)
  },
  async compound_keys () {
    await db.place.createMany({ data: [{ row: 1, column: 1, what: 'a' }, { row: 1, column: 2, what: 'b' }] })
    same((await db.place.findUnique({ where: { row_column: { row: 1, column: 2 } } })).what, 'b')
    await db.place.upsert({ where: { row_column: { row: 1, column: 2 } }, create: { row: 1, column: 2 }, update: { what: 'c' } })
    same((await db.place.delete({ where: { what_row: { what: 'c', row: 1 } } })).column, 2)
  },
  async transactions_of_many () {
    const [a, n] = await db.$transaction([db.user.create({ data: { name: 'fay' } }), db.user.count()])
    same([a.name, n], ['fay', 6])
    await fails(db.$transaction([db.user.create({ data: { name: 'gus' } }), db.user.create({ data: { name: 'ada' } })]))
    same(await db.user.count({ where: { name: 'gus' } }), 0)
  },
  async transactions () {
    await db.$transaction(async t => {
      await t.user.create({ data: { name: 'in' } })
      same(await t.user.count({ where: { name: 'in' } }), 1)
    }, { isolationLevel: 'RepeatableRead' })
    await fails(db.$transaction(async t => { await t.user.create({ data: { name: 'out' } }); throw new Error('no') }))
    same(await db.user.count({ where: { name: { in: ['in', 'out'] } } }), 1)
  },
  async errors () {
    const twice = await fails(db.user.create({ data: { name: 'ada' } }))
    same([twice.code, twice.meta.driverAdapterError.cause.constraint], ['P2002', { index: 'User_name_key' }])
    same((await fails(db.post.create({ data: { title: 'x', userId: 999 } }))).code, 'P2003')
    same((await fails(db.user.create({ data: { name: 'x'.repeat(41) } }))).code, 'P2000')
    same((await fails(db.$queryRaw`SELECT * FROM nothing_here`)).code, 'P2010')
  },
  async raw () {
    const name = 'ada'
    same(await db.$queryRaw`SELECT id, name, age FROM "User" WHERE name = ${name} AND age > ${1}`, [{ id: 1, name: 'ada', age: 72 }])
    same(await db.$executeRaw`UPDATE "User" SET age = ${7} WHERE name = ${name}`, 1)
    same(await db.$queryRawUnsafe('SELECT count(*) AS n, $1::text AS t, $2::timestamptz AS at, $3::numeric(5,2) AS d FROM "User"', 'é', new Date(0), '1.50').then(r => [r[0].n, r[0].t, r[0].at.getTime(), r[0].d.toFixed(2)]), [7n, 'é', 0, '1.50'])
    const { Prisma } = require(path.join(folder, 'client'))
    same((await db.$queryRaw`SELECT name FROM "User" WHERE id IN (${Prisma.join([1, 2])}) ORDER BY ${Prisma.raw('id DESC')}`).map(r => r.name), ['bob', 'ada'])
  },
  async vectors () {
    for (const [id, v] of [[1, '[1,0,0]'], [2, '[0,1,0]'], [3, '[0,0,1]']]) await db.$executeRaw`UPDATE posts SET embedding = ${v}::vector WHERE id = ${id}`
    const query = '[0.1,0.9,0]'
    same(await db.$queryRaw`SELECT id, embedding::text AS e FROM posts WHERE embedding IS NOT NULL ORDER BY embedding <-> ${query}::vector LIMIT 2`, [{ id: 2n, e: '[0,1,0]' }, { id: 1n, e: '[1,0,0]' }])
    const near = await db.$queryRaw`SELECT p.title, u.name, 1 - (p.embedding <=> ${query}::vector) AS similarity FROM posts p JOIN "User" u ON u.id = p.user_id WHERE p.embedding IS NOT NULL ORDER BY similarity DESC LIMIT 1`
    same([near[0].title, near[0].similarity > 0.99], ['two', true])
  },
  async many_parameters () {
    const ids = Array.from({ length: 5000 }, (_, i) => i)
    same(await db.user.count({ where: { id: { in: ids } } }), 7)
    same((await db.place.createMany({ data: ids.map(i => ({ row: 7, column: i, what: `w${i}` })) })).count, 5000)
    same(await db.place.count({ where: { row: 7 } }), 5000)
  },
  async deletes () {
    same((await db.user.delete({ where: { name: 'bob' } })).name, 'bob')
    same([await db.post.count(), await db.profile.count()], [1, 0])
    same((await db.place.deleteMany({ where: { row: 7 } })).count, 5000)
  },
  async push () {
    write(older)
    assert(six('db', 'push', '--skip-generate').includes('in sync'))
  },
  async push_a_column () {
    write(newer)
    assert(six('db', 'push', '--skip-generate').includes('now in sync'))
    same((await db.$queryRaw`SELECT city FROM "User" LIMIT 1`)[0].city, 'Praha')
    write(older)
    assert(six('db', 'push', '--skip-generate', '--accept-data-loss').includes('now in sync'))
  },
  async pull () {
    write(older)
    const text = six('db', 'pull', '--print')
    for (const part of [/model Post \{/, /@relation\(fields: \[userId\], references: \[id\], onDelete: Cascade\)/, /Decimal +@default\(0\) @db\.Decimal\(10, 2\)/, /Unsupported\("vector"\)|Unsupported\("vector\(3\)"\)/, /enum Role/, /@@unique\(\[what, row\]\)/, /@default\(autoincrement\(\)\)/, /String +@unique @db\.VarChar\(40\)/, /@@index\(\[title\]\)/]) {
      assert(part.test(text), `no ${part} in ${text}`)
    }
  },
  async second_migration () {
    fs.mkdirSync(path.join(folder, 'migrations/2_city'), { recursive: true })
    fs.writeFileSync(path.join(folder, 'migrations/2_city/migration.sql'), 'ALTER TABLE "User" ADD COLUMN "city" TEXT DEFAULT \'Brno\';\nCREATE INDEX "User_city_idx" ON "User"("city");\n')
    assert(six('migrate', 'deploy').includes('2_city'))
    assert(six('migrate', 'status').includes('up to date'))
  },
  async failed_migration () {
    fs.mkdirSync(path.join(folder, 'migrations/3_bad'), { recursive: true })
    fs.writeFileSync(path.join(folder, 'migrations/3_bad/migration.sql'), 'ALTER TABLE "Nothing" ADD COLUMN "x" INT;\n')
    const error = await fails((async () => six('migrate', 'deploy'))())
    assert(/No such table: Nothing|42P01/.test(error.stderr), error.stderr)
    six('migrate', 'resolve', '--rolled-back', '3_bad')
    fs.rmSync(path.join(folder, 'migrations/3_bad'), { recursive: true })
    assert(six('migrate', 'status').includes('up to date'))
  },
  async migrate_reset () {
    assert(six('migrate', 'reset', '--force', '--skip-generate', '--skip-seed').includes('reset successful'))
    same((await db.$queryRaw`SELECT count(*)::int AS n FROM "User"`)[0].n, 0)
  },
}, async () => {
  await db?.$disconnect()
  fs.rmSync(folder, { recursive: true, force: true })
})
