import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import t from 'tap'
import { ALGORITHMS, type HashAlgorithm, isAlgorithmAvailable, parseAlgorithm } from '../../src/digest/algorithm.js'

const NAMES = Object.keys(ALGORITHMS) as HashAlgorithm[]

t.test('an absent algorithm means MD5 without a session', async (t) => {
  t.strictSame(parseAlgorithm(undefined), { algorithm: 'MD5', session: false })
})

t.test('an algorithm is recognised in any case, with -sess and without', async (t) => {
  for (const algorithm of NAMES) {
    for (const write of [
      (text: string) => text,
      (text: string) => text.toLowerCase(),
      (text: string) => text.toUpperCase(),
    ]) {
      t.strictSame(parseAlgorithm(write(algorithm)), { algorithm, session: false })
      t.strictSame(parseAlgorithm(write(`${algorithm}-sess`)), { algorithm, session: true })
    }
  }
})

t.test('an algorithm that no response can be computed for is none', async (t) => {
  for (const text of [
    '',
    'SHA-512',
    'SHA-512/256',
    'SHA256',
    'MD5-',
    'MD5-sess-sess',
    ' MD5',
    'AKAv1-MD5',
    '__proto__',
  ]) {
    t.equal(parseAlgorithm(text), undefined, text)
  }
})

t.test('every algorithm is available in an ordinary build of Node', async (t) => {
  t.strictSame(NAMES.filter(isAlgorithmAvailable), NAMES)
})

t.test('MD5 is not available where the library refuses it, as in FIPS mode, and the others are', async (t) => {
  const { hash } = crypto
  t.teardown(() => replaceHash(hash))
  replaceHash(((...args: Parameters<typeof hash>) => {
    if (args[0] === 'md5') throw new Error('error:0308010C:digital envelope routines::unsupported')
    return hash(...args)
  }) as typeof hash)
  // The query makes it a module of its own, which probes again.
  const url = new URL('../../src/digest/algorithm.js?fips', import.meta.url).href
  const probed: typeof import('../../src/digest/algorithm.js') = await import(url)
  t.strictSame(NAMES.filter(probed.isAlgorithmAvailable), ['SHA-256', 'SHA-512-256'])
})

function replaceHash(hash: typeof crypto.hash): void {
  crypto.hash = hash
  syncBuiltinESMExports()
}
