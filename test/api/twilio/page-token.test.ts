import t from 'tap'
import { formatPageToken, parsePageToken } from '../../../src/api/twilio/page-token.js'

t.test('a token is read back for its own list, and for no other', async (t) => {
  for (const kind of ['after', 'before'] as const) {
    for (const seq of ['0', '1', '42', '9'.repeat(18)]) {
      const token = formatPageToken('/a.json', { kind, seq })
      t.strictSame(parsePageToken('/a.json', token), { kind, seq })
      t.equal(parsePageToken('/b.json', token), undefined)
      t.equal(encodeURIComponent(token), token, 'it stands in a URI as it is')
    }
  }
})

t.test('a token that is altered in any place is none', async (t) => {
  const token = formatPageToken('/a.json', { kind: 'after', seq: '42' })
  for (let index = 0; index < token.length; index += 1) {
    for (const other of ['0', 'f', 'P', "'", '']) {
      if (token[index] === other) continue
      t.equal(parsePageToken('/a.json', token.slice(0, index) + other + token.slice(index + 1)), undefined)
    }
  }
})
