// What the Node.js tools' programs share: a case is an async function that fails by an exception;
// each prints a line, `ok NAME` or `not ok NAME: why`.
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')

exports.same = (got, expected) => assert.deepStrictEqual(got, expected)
exports.assert = assert
exports.options = {
  host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER,
  password: process.env.PGPASSWORD, database: process.env.PGDATABASE,
}
exports.url = `postgresql://${encodeURIComponent(process.env.PGUSER)}:${encodeURIComponent(process.env.PGPASSWORD)}` +
  `@${process.env.PGHOST}:${process.env.PGPORT}/${process.env.PGDATABASE}`

// Fails unless the promise is rejected; gives the error.
exports.fails = async promise => {
  try { await promise } catch (error) { return error }
  throw new Error('no error')
}

// Runs `cases`, an object of functions, in its order; then `end`.
exports.run = async (name, cases, end) => {
  const folder = process.env.NODE_PATH.split(path.delimiter).find(f => fs.existsSync(path.join(f, name)))
  console.log('version ' + JSON.parse(fs.readFileSync(path.join(folder, name, 'package.json'))).version)
  for (const [title, body] of Object.entries(cases)) {
    let timer
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('no answer in 60 s')), 60000) })
    try {
      await Promise.race([body(), late])
      console.log('ok ' + title)
    } catch (error) {
      const cause = (error.cause ? ` (${error.cause.message})` : '') + String(error.stderr ?? '').slice(0, 400)
      console.log(`not ok ${title}: ` + `${error.message}${cause}`.replace(/\s+/g, ' ').slice(0, 500))
    }
    clearTimeout(timer)
  }
  if (end) await end()
  process.exit(0)
}
