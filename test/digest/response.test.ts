import t from 'tap'
import type { HashAlgorithm } from '../../src/digest/algorithm.js'
import type { Qop } from '../../src/digest/challenge.js'
import { computeHa1 } from '../../src/digest/ha1.js'
import { hashHex } from '../../src/digest/hash.js'
import { computeResponse, type ResponseInput } from '../../src/digest/response.js'

const RFC2617 = {
  algorithm: 'MD5',
  session: false,
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  method: 'GET',
  uri: '/dir/index.html',
  qop: 'auth',
  nc: '00000001',
  cnonce: '0a4f113b',
  body: undefined,
} as const

t.test('the response of RFC 2617 section 3.5 is computed', async (t) => {
  const ha1 = computeHa1('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life')
  t.equal(computeResponse({ ...RFC2617, ha1 }), '6629fae49393a05397450978507c4ef1')
})

t.test('the response of RFC 2069 section 2.4, without qop, is computed as its erratum 749 corrects it', async (t) => {
  const ha1 = computeHa1('MD5', 'Mufasa', 'testrealm@host.com', 'CircleOfLife')
  const withoutQop = { ...RFC2617, ha1, qop: undefined, nc: undefined, cnonce: undefined }
  t.equal(computeResponse(withoutQop), '1949323746fe6a43ef61f9606e7febea')
})

t.test('the responses of RFC 7616 section 3.9.1 are computed, for MD5 and SHA-256', async (t) => {
  const expected = [
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const
  for (const [algorithm, response] of expected) {
    const ha1 = computeHa1(algorithm, 'Mufasa', 'http-auth@example.org', 'Circle of Life')
    const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v'
    const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
    t.equal(computeResponse({ ...RFC2617, algorithm, ha1, nonce, cnonce }), response)
  }
})

t.test('the response of RFC 7616 section 3.9.2 is computed with SHA-512/256, as its errata correct it', async (t) => {
  // The RFC prints ae66e67d…: that is SHA-512 cut to 256 bits, not SHA-512/256 of FIPS 180-4, which begins with other
  // values. The errata list for RFC 7616 gives what is expected here.
  const response = computeResponse({
    ...RFC2617,
    algorithm: 'SHA-512-256',
    ha1: computeHa1('SHA-512-256', 'J\u00e4s\u00f8n Doe', 'api@example.org', 'Secret, or not?'),
    nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK',
    uri: '/doe.json',
    cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
  })
  t.equal(response, '3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5')
})

const INVITE = {
  nonce: '84f1c1ae6cbe5ua9c8e88dfa3ecm3459',
  method: 'INVITE',
  uri: 'sip:bob@sip.example.com',
  nc: '0000000A',
  cnonce: '0a4f113b',
  body: 'v=0\r\ns=caf\u00e9\r\n',
} as const

/** Of alice at sip.example.com with the password "correct horse"; computed with Python's hashlib. */
const RESPONSES: readonly (readonly [HashAlgorithm, session: boolean, Qop | undefined, response: string])[] = [
  ['MD5', false, undefined, '89da6d79e88d94eb21fce01ff99e99a5'],
  ['MD5', false, 'auth', 'ef896502a1222e85bb215af9ecda89fb'],
  ['MD5', false, 'auth-int', '42675a99fe6f9f304760ea61de102b0b'],
  ['MD5', true, undefined, '1b95318d6c94c5edbd89c6da0a4f1497'],
  ['MD5', true, 'auth', '62753262f5c4784258220429ee8f242d'],
  ['MD5', true, 'auth-int', '9fa8e684f377ef3d33ce947f3b3e3abc'],
  ['SHA-256', false, undefined, '917f6fc12ad71a3d0ec43a44784e467d4ae1c4ed3a9e5ec0fe7f6e9c1cfaa893'],
  ['SHA-256', false, 'auth', '8f62f4a80fa8dbe66d64d75010e4c20c9fab4ef6050604b2f976df67f9bd6d5b'],
  ['SHA-256', false, 'auth-int', 'ddfc86ec7cb0fc46818c396493751ac40e991155ead153db97c29013ecb17004'],
  ['SHA-256', true, undefined, '8f1d56e3eb7235fd4505eed5df35a6e51854fb72ced935effe6967a13832c499'],
  ['SHA-256', true, 'auth', 'dd04d2391ba8557d914cf6cf6350245eb56e9c4f0b8e798f9e0ad27cb101f45e'],
  ['SHA-256', true, 'auth-int', '52f0e8026c90a9fa13a5ed7f07f6ff4ff2d29d8b75df698273ae1075b825e962'],
  ['SHA-512-256', false, undefined, 'c2ac8d9c3dc0ccf305a0c3598033f3d1eaa452c27dbc9337b5ffe0e9e5bc2945'],
  ['SHA-512-256', false, 'auth', '3f976000e18bf091b820f7deaa4e18c662cf80523cdacb37f0b74aa043e46b18'],
  ['SHA-512-256', false, 'auth-int', 'c34ae73cded796521e30fda879cea05e0b19aab1b5ae32cd7faa6067f6d10d6d'],
  ['SHA-512-256', true, undefined, '70bdc34ddfbc08189c9ccf5a7562065d6943c0bbfe98b219007ff4f4632e4a9c'],
  ['SHA-512-256', true, 'auth', '1e596eaad56e9ddf44c970da2da318ab968aacabb180b20d851ffb7ee5e30c6d'],
  ['SHA-512-256', true, 'auth-int', '076acd324d2afa1ce37ec97bf0c75bc8188768aa15ddc6f8d7674f8d957cc28d'],
]

function answer(algorithm: HashAlgorithm, session: boolean, qop: Qop | undefined): ResponseInput {
  return { ...INVITE, algorithm, session, qop, ha1: computeHa1(algorithm, 'alice', 'sip.example.com', 'correct horse') }
}

for (const [algorithm, session, qop, response] of RESPONSES) {
  const name = algorithm + (session ? '-sess' : '')
  t.test(`${name} with ${qop ? `qop ${qop}` : 'no qop'} gives what another implementation computed`, async (t) => {
    t.equal(computeResponse(answer(algorithm, session, qop)), response)
  })
}

t.test('a body counts as its bytes for auth-int, an absent one as empty, and none for auth', async (t) => {
  const input = answer('SHA-256', false, 'auth-int')
  t.equal(computeResponse({ ...input, body: Buffer.from(INVITE.body) }), computeResponse(input))
  t.equal(computeResponse({ ...input, body: undefined }), computeResponse({ ...input, body: '' }))
  t.not(computeResponse({ ...input, body: '' }), computeResponse(input))
  const auth = answer('SHA-256', false, 'auth')
  t.equal(computeResponse({ ...auth, body: '' }), computeResponse(auth))
})

t.test('the nonce count enters the response in the case in which it was sent', async (t) => {
  const input = answer('MD5', false, 'auth')
  t.not(computeResponse({ ...input, nc: '0000000a' }), computeResponse(input))
})

t.test('without qop neither the nonce count nor the client nonce enters the response', async (t) => {
  const input = answer('MD5', false, undefined)
  t.equal(computeResponse({ ...input, nc: undefined, cnonce: undefined }), computeResponse(input))
})

t.test('a qop without nc or cnonce and a session without cnonce are the caller’s mistakes', async (t) => {
  t.throws(() => computeResponse({ ...answer('MD5', false, 'auth'), nc: undefined }), TypeError)
  t.throws(() => computeResponse({ ...answer('MD5', false, 'auth'), cnonce: undefined }), TypeError)
  t.throws(() => computeResponse({ ...answer('MD5', true, undefined), cnonce: undefined }), TypeError)
})

t.test('the uri of a REGISTER counts each time, and so do its algorithm and its method', async (t) => {
  const ha1 = '939e7578ed9e3c518a452acee763bce9'
  const rest = { session: false, ha1, nonce: 'n', qop: 'auth', nc: '00000001', cnonce: 'c', body: undefined } as const
  const responses = (['REGISTER', 'INVITE'] as const).flatMap((method) =>
    ['sip:a.example', 'sip:b.example', `sip:${'c'.repeat(300)}`].flatMap((uri) =>
      (['MD5', 'SHA-256', 'SHA-512-256'] as const).map((algorithm) => {
        const ha2 = hashHex(algorithm, `${method}:${uri}`)
        const expected = hashHex(algorithm, `${ha1}:n:00000001:c:auth:${ha2}`)
        const compute = () => computeResponse({ ...rest, algorithm, method, uri })
        t.equal(compute(), expected, `${algorithm} ${method} ${uri}`)
        t.equal(compute(), expected, 'and again')
        return expected
      }),
    ),
  )
  t.equal(new Set(responses).size, 18)
})
