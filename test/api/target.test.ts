import t from 'tap'
import { parseTarget, splitTarget } from '../../src/api/target.js'

t.test('a target is split into its path as it was sent and its query', async (t) => {
  const targets = {
    '/a/b.json': { path: '/a/b.json', query: '' },
    '/a?': { path: '/a', query: '' },
    '/%41?b=?&c': { path: '/%41', query: 'b=?&c' },
    'http://host:8080/a?b': { path: '/a', query: 'b' },
    'HTTPS://host?b': { path: '', query: 'b' },
    '*': { path: '*', query: '' },
  }
  for (const [url, target] of Object.entries(targets)) {
    t.strictSame(splitTarget(url), target)
    t.strictSame(parseTarget(url), target)
  }
})

t.test('a path that is not percent-encoded UTF-8 is malformed; a query is for its reader to judge', async (t) => {
  for (const url of ['/%', '/%zz', '/%ff', '/\xff', '/%00', '/a#b', '/a?b#c']) {
    t.throws(() => parseTarget(url), { code: 'malformed' }, url)
  }
  t.strictSame(parseTarget('/a?%'), { path: '/a', query: '%' })
})
