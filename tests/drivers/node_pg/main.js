// The behaviours of README.md by node-postgres and pgvector's adapter for it. One line for each:
// `ok NAME` or `not ok NAME: why`.
const assert = require('node:assert/strict');
const net = require('node:net');
const { pipeline: piped } = require('node:stream/promises');
const { Readable } = require('node:stream');
const { Client, types } = require('pg');
const Cursor = require('pg-cursor');
const { from: copyFrom, to: copyTo } = require('pg-copy-streams');
const pgvector = require('pgvector/pg');

const SLOW = 'SELECT count(*) FROM generate_series(1, 100000) AS a(x), generate_series(1, 1000000) AS b(y)'
  + ' WHERE (x + y) % 7 = 1';
// name, type, a parameter, and what comes back
const COLUMNS = [
  ['b', 'bool', true, true],
  ['i2', 'int2', -32768, -32768],
  ['i4', 'int4', 2147483647, 2147483647],
  ['i8', 'int8', '-9223372036854775808', '-9223372036854775808'],
  ['f4', 'float4', 1.5, 1.5],
  ['f8', 'float8', 0.1, 0.1],
  ['n', 'numeric(12,4)', '-12345.67', '-12345.6700'],
  ['t', 'text', "naïve 'quoted' \\ text", "naïve 'quoted' \\ text"],
  ['v', 'varchar(10)', 'ten chars!', 'ten chars!'],
  ['c', 'char(5)', 'ab', 'ab   '],
  ['y', 'bytea', Buffer.from([0, 1, 255, 39]), Buffer.from([0, 1, 255, 39])],
  ['tz', 'timestamptz', new Date('2024-06-01T12:00:00.123Z'), new Date('2024-06-01T12:00:00.123Z')],
  ['u', 'uuid', '12345678-1234-5678-1234-567812345678', '12345678-1234-5678-1234-567812345678'],
  ['j', 'json', { a: [1, null, 'x'] }, { a: [1, null, 'x'] }],
  ['jb', 'jsonb', { b: { c: true } }, { b: { c: true } }],
];
const DEFINITION = COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ');
const MARKS = COLUMNS.map((_, at) => `$${at + 1}`).join(', ');

const table = async (c, name, columns) => {
  await c.query(`DROP TABLE IF EXISTS ${name}`);
  await c.query(`CREATE TABLE ${name} (${columns})`);
};
const fails = (code, action) => assert.rejects(action, (error) => {
  assert.equal(error.code, code, error.message);
  return true;
});
const rows = async (c, text, values) => (await c.query({ text, values, rowMode: 'array' })).rows;

const behaviours = {
  async connect_options() {
    const c = new Client({ options: '-c statement_timeout=1234 -c TimeZone=Asia/Tokyo', application_name: 'drivers' });
    await c.connect();
    assert.deepEqual(await rows(c, 'SHOW statement_timeout'), [['1234ms']]);
    assert.deepEqual(await rows(c, 'SHOW TimeZone'), [['Asia/Tokyo']]);
    assert.deepEqual(await rows(c, 'SHOW application_name'), [['drivers']]);
    await c.end();
  },
  async types_text(c) {
    await table(c, 'd_node_types', DEFINITION);
    await c.query(`INSERT INTO d_node_types VALUES (${MARKS})`, COLUMNS.map((column) => column[2]));
    const [row] = await rows(c, 'SELECT * FROM d_node_types');
    COLUMNS.forEach(([name, , , expected], at) => assert.deepEqual(row[at], expected, name));
  },
  async nulls(c) {
    await table(c, 'd_node_nulls', DEFINITION);
    await c.query(`INSERT INTO d_node_nulls VALUES (${MARKS})`, COLUMNS.map(() => null));
    assert.deepEqual(await rows(c, 'SELECT * FROM d_node_nulls'), [COLUMNS.map(() => null)]);
  },
  async arrays(c) {
    await table(c, 'd_node_arrays', 'i int4[], t text[], f float8[]');
    const row = [[1, null, 3], ['a', 'quo"te', 'com,ma', null, ''], [0.5, -1.25]];
    await c.query('INSERT INTO d_node_arrays VALUES ($1, $2, $3)', row);
    assert.deepEqual(await rows(c, 'SELECT * FROM d_node_arrays'), [row]);
    assert.deepEqual(await rows(c, 'SELECT count(*) FROM generate_series(1, 10) AS g(x) WHERE x = ANY($1)', [[2, 3, 99]]), [['2']]);
  },
  async prepared(c) {
    for (let value = 0; value < 10; value += 1) {
      const { rows: [row] } = await c.query({ name: 'plus', text: 'SELECT $1::int4 + 1 AS n', values: [value] });
      assert.deepEqual(row, { n: value + 1 });
    }
  },
  async parameters(c) {
    await table(c, 'd_node_parameters', 'id int8 PRIMARY KEY, t text, p float8');
    for (let i = 0; i < 20; i += 1) {
      await c.query('INSERT INTO d_node_parameters VALUES ($1, $2, $3)', [i, `t${i}`, i / 4]);
    }
    const text = 'SELECT t FROM d_node_parameters WHERE id > $1 AND p < $2 ORDER BY id LIMIT $3 OFFSET $4';
    assert.deepEqual(await rows(c, text, [3, 4.5, 2, 1]), [['t5'], ['t6']]);
    assert.equal((await c.query('UPDATE d_node_parameters SET t = $1 WHERE id = $2', ['new', 7])).rowCount, 1);
    assert.deepEqual(await rows(c, 'DELETE FROM d_node_parameters WHERE id = $1 RETURNING t', [7]), [['new']]);
  },
  async fetch_size(c) {
    const cursor = c.query(new Cursor('SELECT x FROM generate_series(1, $1::int4) AS g(x)', [1000]));
    assert.equal((await cursor.read(7)).length, 7);
    assert.equal((await cursor.read(100)).length, 100);
    assert.equal((await cursor.read(5000)).length, 893);
    assert.equal((await cursor.read(1)).length, 0);
    await cursor.close();
    assert.deepEqual(await rows(c, 'SELECT 1'), [[1]]);
  },
  async several_statements(c) {
    const results = await c.query("SELECT 1 AS a; SELECT 2 AS b; SHOW server_version_num");
    assert.equal(results.length, 3);
    assert.deepEqual([results[0].rows[0].a, results[1].rows[0].b], [1, 2]);
  },
  async error_sqlstate(c) {
    await fails('42P01', c.query('SELECT * FROM nothing_here'));
    await fails('42601', c.query('SELEC 1'));
    await fails('22P02', c.query('SELECT $1::int4', ['x']));
    await fails('22003', c.query('SELECT 2147483647 + $1::int4', [1]));
    await fails('22012', c.query('SELECT 1 / 0'));
    await assert.rejects(c.query('SELECT 1 +'), (error) => error.severity === 'ERROR' && error.position !== undefined);
  },
  async error_recovery(c) {
    await c.query('BEGIN');
    await fails('42P01', c.query('SELECT * FROM nothing_here'));
    await fails('25P02', c.query('SELECT 1'));
    await c.query('ROLLBACK');
    assert.deepEqual(await rows(c, 'SELECT 1'), [[1]]);
  },
  async copy_text(c) {
    await table(c, 'd_node_copy', 'id int8, t text, f float8');
    const data = '1\ttab\\tnew\\nline\t0.5\n2\t\\N\t-1\n';
    const into = c.query(copyFrom('COPY d_node_copy FROM STDIN'));
    await piped(Readable.from([data.slice(0, 9), data.slice(9)]), into);
    assert.equal(into.rowCount, 2);
    let out = '';
    for await (const chunk of c.query(copyTo('COPY (SELECT * FROM d_node_copy ORDER BY id) TO STDOUT'))) out += chunk;
    assert.equal(out, data);
  },
  async copy_csv(c) {
    await table(c, 'd_node_csv', 'id int8, t text');
    const data = 'id,t\n1,"com,ma ""quoted"""\n2,\n';
    await piped(Readable.from([data]), c.query(copyFrom('COPY d_node_csv FROM STDIN (FORMAT csv, HEADER)')));
    let out = '';
    for await (const chunk of c.query(copyTo('COPY (SELECT * FROM d_node_csv ORDER BY id) TO STDOUT (FORMAT csv, HEADER)'))) out += chunk;
    assert.equal(out, data);
  },
  async cancel(c) {
    // node-postgres has no call for it: what psql's ^C sends, by hand
    const cancelled = new Promise((resolve, reject) => {
      setTimeout(() => {
        const socket = net.connect(Number(process.env.PGPORT), process.env.PGHOST, () => {
          const request = Buffer.alloc(16);
          [16, 80877102, c.processID, c.secretKey].forEach((n, at) => request.writeInt32BE(n, at * 4));
          socket.end(request);
        });
        socket.on('close', resolve).on('error', reject).resume();
      }, 500);
    });
    await fails('57014', c.query(SLOW));
    await cancelled;
    assert.deepEqual(await rows(c, 'SELECT 1'), [[1]]);
  },
  async vectors(c) {
    await c.query('CREATE EXTENSION IF NOT EXISTS vector');
    await pgvector.registerTypes(c);
    await table(c, 'd_node_vectors', 'id int8 PRIMARY KEY, e vector(3)');
    for (let i = 0; i < 10; i += 1) {
      await c.query('INSERT INTO d_node_vectors VALUES ($1, $2)', [i, pgvector.toSql([i, i / 2, -i])]);
    }
    assert.deepEqual(await rows(c, 'SELECT e FROM d_node_vectors WHERE id = 3'), [[[3, 1.5, -3]]]);
    assert.deepEqual(
      await rows(c, 'SELECT id FROM d_node_vectors ORDER BY e <-> $1 LIMIT 3', [pgvector.toSql([4.1, 2, -4])]),
      [['4'], ['5'], ['3']],
    );
  },
  async notices(c) {
    const got = [];
    c.on('notice', (notice) => got.push([notice.severity, notice.message]));
    await c.query('DROP TABLE IF EXISTS nothing_here');
    assert.deepEqual(got, [['NOTICE', 'table "nothing_here" does not exist, skipping']]);
  },
  async large_results(c) {
    const got = await rows(c, "SELECT x, repeat('x', 100) FROM generate_series(1, 200000) AS g(x)");
    assert.equal(got.reduce((sum, [x]) => sum + x, 0), 200000 * 200001 / 2);
  },
  async unicode(c) {
    for (const text of ['žluťoučký kůň', '日本語', '🪁🐦', 'e\u0301', ' \t\n', 'back\\slash']) {
      assert.deepEqual(await rows(c, 'SELECT $1::text', [text]), [[text]]);
    }
  },
};

async function main() {
  types.setTypeParser(types.builtins.BPCHAR, (text) => text);
  for (const [name, behaviour] of Object.entries(behaviours)) {
    const c = new Client();
    let limit;
    try {
      await c.connect();
      const late = new Promise((_, reject) => {
        limit = setTimeout(() => reject(new Error('no answer for a minute')), 60000);
      });
      await Promise.race([behaviour(c), late]);
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name}: ${String(error.message || error).replace(/\s+/g, ' ')}`);
    }
    clearTimeout(limit);
    await Promise.race([c.end().catch(() => {}), new Promise((done) => { setTimeout(done, 2000); })]);
  }
  process.exit(0);
}

main();
