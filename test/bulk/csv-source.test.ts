import t from 'tap'
import { csvItems } from './items.js'

const HA1 = '0123456789abcdef0123456789abcdef'

t.test("a dump of Kamailio's subscriber table is read by its header, whatever else it holds", async (t) => {
  const dump = `\ufeff"id","username","domain","password","ha1","ha1b","email_address"\r
1,alice,sip.example.com,"pa,ss ""word""","","",a@example.com\r
2,bob,sip.example.com,,${HA1},${HA1},\r
`
  t.same(await csvItems(dump), [
    { line: 2, username: 'alice', realm: 'sip.example.com', password: 'pa,ss "word"' },
    { line: 3, username: 'bob', realm: 'sip.example.com', ha1s: { ha1: HA1, ha1b: HA1 } },
  ])
})

t.test("OpenSIPS's columns of SHA hashes are read, and so are those of an export", async (t) => {
  const [sha256, sha512t256] = ['a'.repeat(64), 'b'.repeat(64)]
  const subscriber = `username,domain,ha1,ha1_sha256,ha1_sha512t256\nalice,a.example,${HA1},${sha256},${sha512t256}`
  const ha1s = { ha1: HA1, ha1_sha256: sha256, ha1_sha512_256: sha512t256 }
  t.same(await csvItems(subscriber), [{ line: 2, username: 'alice', realm: 'a.example', ha1s }])
  const exported = `account,list,username,realm,enabled,description,ha1,ha1b_sha256
AC1,phones,alice,a.example,false,"two
lines",${HA1},${sha256}
`
  t.same(await csvItems(exported), [
    {
      ...{ line: 2, account: 'AC1', list: 'phones', username: 'alice', realm: 'a.example', enabled: 'false' },
      ...{ description: 'two\nlines', ha1s: { ha1: HA1, ha1b_sha256: sha256 } },
    },
  ])
})

t.test('the separator is the one that stands most often in the first line, or the one that is given', async (t) => {
  for (const separator of [',', ';', '\t', '|']) {
    const items = await csvItems(`username${separator}password\nalice${separator}a,b;c\n`.replace('a,b;c', 'secret'))
    t.same(items, [{ line: 2, username: 'alice', password: 'secret' }], JSON.stringify(separator))
  }
  t.same(await csvItems('username;password\nalice;a,b\n'), [{ line: 2, username: 'alice', password: 'a,b' }])
  t.same(await csvItems('username:password\nalice:a,b\n', { separator: ':' }), [
    { line: 2, username: 'alice', password: 'a,b' },
  ])
})

t.test('a file without a header is read by the columns that are given', async (t) => {
  const form = { columns: ['id', 'username', 'domain', 'password'] }
  t.same(await csvItems('1,alice,a.example,secret\n', form), [
    { line: 1, username: 'alice', realm: 'a.example', password: 'secret' },
  ])
})

t.test("MySQL's way of writing is read: backslashes escape, quoted or not, and \\N is nothing", async (t) => {
  const columns = ['username', 'password', 'ha1']
  const tabs = 'alice\ta\\tb\\\\c"d\t\\N\nbob\t"e\t\n'
  t.same(await csvItems(tabs, { columns, separator: '\t', backslashes: true }), [
    { line: 1, username: 'alice', password: 'a\tb\\c"d' },
    { line: 2, username: 'bob', password: '"e' },
  ])
  t.same(await csvItems('"carol","e\\"f",\\N\ndave,g"h\\,i,\n', { columns, backslashes: true }), [
    { line: 1, username: 'carol', password: 'e"f' },
    { line: 2, fault: 'has 4 fields instead of 3' },
  ])
})

t.test('a row with fields too many or too few is told by its line, and stops nothing', async (t) => {
  t.same(await csvItems('username,password\nalice\n\nbob,secret\ncarol,one,two\n'), [
    { line: 2, fault: 'has 1 fields instead of 2' },
    { line: 4, username: 'bob', password: 'secret' },
    { line: 5, fault: 'has 3 fields instead of 2' },
  ])
})

t.test('a record over several lines is told by the one where it begins, and so is the next', async (t) => {
  for (const end of ['\n', '\r\n']) {
    const lines = ['username,description,password', 'alice,"one', 'two', 'three",x', '', 'bob,,x', 'carol,"a', 'b"', '']
    const items = (await csvItems(lines.join(end))) as { line: number }[]
    t.same(
      items.map(({ line }) => line),
      [2, 6, 7],
      JSON.stringify(end),
    )
  }
})

t.test('what is no CSV of users is refused as a whole, and nothing of it is shown', async (t) => {
  const faults: readonly (readonly [string, RegExp])[] = [
    ['', /^is empty$/],
    ['name,password\nalice,secret\n', /^has no column username$/],
    ['username,secret\nalice,secret\n', /^has neither a column password nor ha1$/],
    ['username,domain,realm,password\n', /^has more than one column for realm$/],
    ['username,password\nalice,"secret\nbob,secret\n', /^is no CSV at line 3 \(CSV_QUOTE_NOT_CLOSED\)$/],
    ['username,password\nalice,secret\nbob,sec"ret\n', /^is no CSV at line 3 \(INVALID_OPENING_QUOTE\)$/],
    [`username,password\nalice,"${'x'.repeat(70_000)}"\n`, /^is no CSV at line 2 \(CSV_MAX_RECORD_SIZE\)$/],
  ]
  for (const [text, message] of faults) {
    await t.rejects(csvItems(text), { name: 'SourceFault', message })
  }
})

t.test('a file that breaks off in the middle of a read is an error, not an end', async (t) => {
  async function* broken() {
    yield Buffer.from('username,password\nalice,secret\n')
    throw new Error('input/output error')
  }
  const { readCsv } = await import('../../src/bulk/csv-source.js')
  const read = async () => {
    for await (const _ of readCsv(broken(), {}));
  }
  await t.rejects(read(), { message: 'input/output error' })
})
