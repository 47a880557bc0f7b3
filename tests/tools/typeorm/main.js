// TypeORM over node-postgres: synchronisation with the schema, repositories, relations, query builder, migrations.
require('reflect-metadata')
const { assert, fails, options, run, same } = require('../cases.js')
const { DataSource, EntitySchema, In, LessThan, Like, Not, Table, TableColumn, TableIndex, Between, Raw } = require('typeorm')

const Author = new EntitySchema({
  name: 'Author', tableName: 'to_authors',
  columns: {
    id: { type: Number, primary: true, generated: true },
    name: { type: 'varchar', length: 40, unique: true },
    born: { type: 'date', nullable: true },
    made: { type: 'timestamptz', createDate: true },
    version: { type: Number, version: true },
  },
  relations: { books: { type: 'one-to-many', target: 'Book', inverseSide: 'author' } },
})
const Book = new EntitySchema({
  name: 'Book', tableName: 'to_books',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'identity', generatedIdentity: 'BY DEFAULT' },
    title: { type: 'text' },
    price: { type: 'numeric', precision: 10, scale: 2, default: 0 },
    tags: { type: 'text', array: true, nullable: true },
    meta: { type: 'jsonb', default: {} },
    embedding: { type: 'vector', length: 3, nullable: true },
  },
  indices: [{ name: 'to_by_title', columns: ['title'] }],
  checks: [{ name: 'to_price', expression: '"price" >= 0' }],
  relations: {
    author: { type: 'many-to-one', target: 'Author', inverseSide: 'books', joinColumn: true, onDelete: 'CASCADE' },
    labels: { type: 'many-to-many', target: 'Label', joinTable: { name: 'to_book_labels' } },
  },
})
const Label = new EntitySchema({ name: 'Label', tableName: 'to_labels', columns: { id: { type: 'uuid', primary: true, generated: 'uuid' }, text: { type: 'varchar' } } })
const source = new DataSource({
  type: 'postgres', host: options.host, port: options.port, username: options.user, password: options.password, database: options.database,
  entities: [Author, Book, Label], installExtensions: false, uuidExtension: 'pgcrypto', logging: false,
})
const repo = name => source.getRepository(name)
const runner = async action => { const r = source.createQueryRunner(); try { return await action(r) } finally { await r.release() } }

run('typeorm', {
  async initialize () { await source.initialize(); await source.query('CREATE EXTENSION IF NOT EXISTS vector') },
  async drop_schema_objects () { await source.query('DROP TABLE IF EXISTS to_book_labels, to_labels, to_books, to_authors, to_made CASCADE') },
  async synchronize () { await source.synchronize() },
  async synchronize_again () {
    const plan = await source.driver.createSchemaBuilder().log()
    same(plan.upQueries.map(q => q.query), [])
  },
  async save () {
    const ada = await repo('Author').save({ name: 'Ada', born: '1815-12-10' })
    same([ada.id, ada.version, ada.made instanceof Date], [1, 1, true])
    await repo('Book').save([{ title: 'Notes', price: 9.5, tags: ['x'], meta: { a: 1 }, author: ada, embedding: [1, 0, 0] },
      { title: 'More', author: ada, embedding: [0, 1, 0] }])
  },
  async find () {
    const [notes, more] = await repo('Book').find({ order: { id: 'ASC' }, relations: { author: true } })
    same([notes.title, notes.price, notes.tags, notes.meta, notes.author.name, more.price], ['Notes', '9.50', ['x'], { a: 1 }, 'Ada', '0.00'])
  },
  async find_operators () {
    same(await repo('Book').countBy({ title: In(['Notes', 'x']) }), 1)
    same(await repo('Book').countBy({ title: Like('M%') }), 1)
    same(await repo('Book').countBy({ title: Not('Notes') }), 1)
    same(await repo('Book').countBy({ price: LessThan(5) }), 1)
    same(await repo('Book').countBy({ price: Between(5, 10) }), 1)
    same(await repo('Book').countBy({ tags: Raw(alias => `${alias} @> ARRAY['x']`) }), 1)
  },
  async relations () {
    const ada = await repo('Author').findOne({ where: { name: 'Ada' }, relations: { books: true } })
    same(ada.books.map(b => b.title).sort(), ['More', 'Notes'])
    same((await repo('Author').find({ where: { books: { title: 'More' } } })).length, 1)
  },
  async many_to_many () {
    const label = await repo('Label').save({ text: 'old' })
    assert(/^[0-9a-f-]{36}$/.test(label.id))
    const notes = await repo('Book').findOneBy({ title: 'Notes' })
    notes.labels = [label]
    await repo('Book').save(notes)
    same((await repo('Book').findOne({ where: { title: 'Notes' }, relations: { labels: true } })).labels[0].text, 'old')
  },
  async paging () {
    const [books, total] = await repo('Book').findAndCount({ take: 1, skip: 1, order: { id: 'ASC' }, relations: { author: true } })
    same([books.length, total, books[0].title], [1, 2, 'More'])
  },
  async update_and_version () {
    const ada = await repo('Author').findOneBy({ name: 'Ada' })
    ada.born = '1815-12-11'
    same((await repo('Author').save(ada)).version, 2)
    same((await repo('Book').update({ title: 'More' }, { price: 3 })).affected, 1)
    await repo('Book').increment({ title: 'More' }, 'price', 2)
    same((await repo('Book').findOneBy({ title: 'More' })).price, '5.00')
  },
  async upsert () {
    await repo('Author').upsert([{ name: 'Ada', born: '2000-01-01' }, { name: 'Eve' }], ['name'])
    same((await repo('Author').findOneBy({ name: 'Ada' })).born, '2000-01-01')
  },
  async query_builder () {
    const found = await repo('Book').createQueryBuilder('b').leftJoinAndSelect('b.author', 'a').where('a.name = :name', { name: 'Ada' }).andWhere('b.price > :p', { p: 6 }).orderBy('b.title').getMany()
    same(found.map(b => b.title), ['Notes'])
    const raw = await repo('Book').createQueryBuilder('b').select('a.name', 'name').addSelect('SUM(b.price)', 'total').innerJoin('b.author', 'a').groupBy('a.name').getRawMany()
    same(raw, [{ name: 'Ada', total: '14.50' }])
  },
  async subquery_and_exists () {
    const builder = repo('Author').createQueryBuilder('a')
    const sub = builder.subQuery().select('1').from('Book', 'b').where('b.authorId = a.id').getQuery()
    same((await builder.where(`EXISTS ${sub}`).getMany()).map(a => a.name), ['Ada'])
    same(await repo('Author').exists({ where: { name: 'Eve' } }), true)
  },
  async insert_builder () {
    const result = await source.createQueryBuilder().insert().into('Label').values([{ text: 'a' }, { text: 'b' }]).returning('text').execute()
    same(result.raw.map(r => r.text), ['a', 'b'])
    same((await source.createQueryBuilder().delete().from('Label').where('text IN (:...all)', { all: ['a', 'b'] }).execute()).affected, 2)
  },
  async transactions () {
    await source.transaction(async m => {
      await m.save('Author', { name: 'In' })
      same(await m.countBy('Author', { name: 'In' }), 1)
    })
    await source.transaction(async m => { await m.save('Author', { name: 'Out' }); throw new Error('back') }).catch(() => {})
    same((await repo('Author').findBy({ name: In(['In', 'Out']) })).map(a => a.name), ['In'])
  },
  async isolation () {
    await source.transaction('REPEATABLE READ', async m => { same(await m.countBy('Author', { name: 'In' }), 1) })
  },
  async errors () {
    const error = await fails(repo('Author').insert({ name: 'Ada' }))
    same([error.driverError.code, error.driverError.constraint !== undefined], ['23505', true])
    const refused = (await fails(repo('Book').insert({ title: 'x', price: -1, author: { id: 1 } }))).driverError
    same([refused.code, refused.constraint], ['23514', 'to_price'])
  },
  async pessimistic_lock () {
    await source.transaction(async m => {
      same((await m.findOne('Author', { where: { name: 'Ada' }, lock: { mode: 'pessimistic_write' } })).name, 'Ada')
    })
  },
  async stream () {
    const stream = await repo('Book').createQueryBuilder('b').stream().catch(error => { if (/pg-query-stream/.test(error.message)) return null; throw error })
    if (stream) for await (const row of stream) assert(row)
  },
  async vectors () {
    const found = await repo('Book').createQueryBuilder('b').orderBy('b.embedding <-> :e').setParameters({ e: '[0,0.9,0]' }).limit(1).getMany()
    same([found[0].title, found[0].embedding], ['More', [0, 1, 0]])
  },
  async runner_tables () {
    await runner(async r => {
      await r.createTable(new Table({ name: 'to_made', columns: [{ name: 'id', type: 'int', isPrimary: true, isGenerated: true, generationStrategy: 'increment' }, { name: 'n', type: 'int', isUnique: true }] }), true)
      await r.addColumn('to_made', new TableColumn({ name: 't', type: 'varchar', length: '20', default: "'x'" }))
      await r.createIndex('to_made', new TableIndex({ name: 'to_made_t', columnNames: ['t'] }))
      await r.renameColumn('to_made', 't', 'u')
      await r.changeColumn('to_made', 'u', new TableColumn({ name: 'u', type: 'varchar', length: '20', isNullable: true }))
      const table = await r.getTable('to_made')
      same(table.columns.map(c => [c.name, c.type, c.isNullable]), [['id', 'integer', false], ['n', 'integer', false], ['u', 'character varying', true]])
      same([table.uniques.length, table.indices.map(i => i.columnNames)], [1, [['u']]])
      await r.dropTable('to_made')
      same(await r.hasTable('to_made'), false)
    })
  },
  async runner_reads_schema () {
    await runner(async r => {
      const table = await r.getTable('to_books')
      same(table.foreignKeys.map(k => [k.columnNames, k.referencedTableName.split('.').pop(), k.onDelete]), [[['authorId'], 'to_authors', 'CASCADE']])
      same([table.checks.map(c => c.name), table.indices.map(i => i.name)], [['to_price'], ['to_by_title']])
      same(table.findColumnByName('id').isGenerated, true)
      assert((await r.getSchemas()) !== undefined)
    }).catch(error => { if (!/getSchemas|schemas is not/.test(error.message)) throw error })
  },
  async migrations () {
    const { MigrationExecutor } = require('typeorm')
    class Add1700000000000 { name = 'Add1700000000000'; async up (r) { await r.query('CREATE TABLE to_made (id int)') } async down (r) { await r.query('DROP TABLE to_made') } }
    await source.query('DROP TABLE IF EXISTS to_made')
    const other = new DataSource({ ...source.options, entities: [], migrations: [Add1700000000000], migrationsTableName: 'to_migrations' })
    await other.initialize()
    same((await other.runMigrations()).length, 1)
    same(await other.showMigrations(), false)
    await other.undoLastMigration()
    await other.query('DROP TABLE to_migrations')
    await other.destroy()
  },
  async soft_remove_and_cascade () {
    const ada = await repo('Author').findOneBy({ name: 'Ada' })
    await repo('Author').remove(ada)
    same(await repo('Book').count(), 0)
  },
  async clear () { await repo('Label').createQueryBuilder().delete().execute(); same(await repo('Label').count(), 0) },
  async clean_up () { await source.query('DROP TABLE to_book_labels, to_labels, to_books, to_authors CASCADE') },
}, () => source.destroy())
