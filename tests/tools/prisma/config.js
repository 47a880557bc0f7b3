// Prisma 6's configuration: its schema engine in WebAssembly, over the driver that Prisma Client has.
// That driver refuses "char", which PostgreSQL's catalogs are full of and the engine reads: here it is told to pass
// it on as a character. The engine's statements are as they are.
const { PrismaPg } = require('@prisma/adapter-pg')
const { ColumnTypeEnum } = require('@prisma/driver-adapter-utils')
const CHAR = 18
const TEXT = 25

const withChar = queryable => {
  const { performIO, queryRaw } = queryable
  return Object.assign(queryable, {
    async performIO (query) {
      const result = await performIO.call(this, query)
      if (!result.fields) return result // of several statements
      this.chars = result.fields.map(field => field.dataTypeID === CHAR)
      result.fields.forEach((field, i) => { if (this.chars[i]) field.dataTypeID = TEXT })
      return result
    },
    async queryRaw (query) {
      const result = await queryRaw.call(this, query)
      return { ...result, columnTypes: result.columnTypes.map((type, i) => this.chars[i] ? ColumnTypeEnum.Character : type) }
    },
  })
}

class Factory extends PrismaPg {
  async connect () { return withChar(await super.connect()) }
  async connectToShadowDb () { return withChar(await super.connectToShadowDb()) }
}

module.exports = {
  schema: './schema.prisma',
  engine: 'js',
  experimental: { adapter: true, extensions: true },
  migrations: { path: './migrations' },
  adapter: async () => new Factory({
    host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, password: process.env.PGPASSWORD, database: process.env.PGDATABASE, allowExitOnIdle: true,
  }),
}
