import { createHash } from 'node:crypto'
import t from 'tap'
import { ALGORITHMS, type HashAlgorithm } from '../../src/digest/algorithm.js'
import { hashHex } from '../../src/digest/hash.js'

t.test('each hash has the published value for "abc", in lower-case hex', async (t) => {
  // RFC 1321 appendix A.5 and the example values that NIST publishes for FIPS 180-4.
  t.equal(hashHex('MD5', 'abc'), '900150983cd24fb0d6963f7d28e17f72')
  t.equal(hashHex('SHA-256', 'abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  t.equal(hashHex('SHA-512-256', 'abc'), '53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23')
})

t.test('a hash has as many hex digits as its algorithm says', async (t) => {
  for (const algorithm of Object.keys(ALGORITHMS) as HashAlgorithm[]) {
    t.equal(hashHex(algorithm, '').length, ALGORITHMS[algorithm].hexLength)
  }
})

t.test('a string is hashed as its UTF-8 bytes', async (t) => {
  const text = 'J\u00e4s\u00f8n \u20ac'
  t.equal(hashHex('SHA-256', text), hashHex('SHA-256', Buffer.from(text, 'utf8')))
  t.not(hashHex('SHA-256', text), hashHex('SHA-256', Buffer.from(text, 'latin1')))
  t.equal(hashHex('SHA-256', text), createHash('sha256').update(text, 'utf8').digest('hex'))
})
