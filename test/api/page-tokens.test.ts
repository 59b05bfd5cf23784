import t from 'tap'
import { createPageTokens } from '../../src/api/page-tokens.js'

const tokens = createPageTokens('a secret')

t.test('a token is read back for its own list, and for no other', async (t) => {
  for (const kind of ['after', 'before'] as const) {
    for (const seq of ['0', '1', '42', '9'.repeat(18)]) {
      const token = tokens.format('/a.json', { kind, seq })
      t.strictSame(tokens.parse('/a.json', token), { kind, seq })
      t.equal(tokens.parse('/b.json', token), undefined)
      t.equal(encodeURIComponent(token), token, 'it stands in a URI as it is')
    }
  }
})

t.test('a token that is altered in any place is none', async (t) => {
  const token = tokens.format('/a.json', { kind: 'after', seq: '42' })
  for (let index = 0; index < token.length; index += 1) {
    for (const other of ['0', 'f', 'P', "'", '']) {
      if (token[index] === other) continue
      t.equal(tokens.parse('/a.json', token.slice(0, index) + other + token.slice(index + 1)), undefined)
    }
  }
})

t.test('a token is good on every node with the same secret, and tells nobody else a number', async (t) => {
  const cursor = { kind: 'after', seq: '42' } as const
  const token = tokens.format('/a.json', cursor)
  t.strictSame(createPageTokens('a secret').parse('/a.json', token), cursor)
  t.equal(createPageTokens('another').parse('/a.json', token), undefined)
  const next = tokens.format('/a.json', { ...cursor, seq: '43' })
  const same = [...token].filter((character, index) => character === next[index]).length
  t.ok(same < token.length / 2, 'of two rows beside each other the tokens have nothing in common')
})
