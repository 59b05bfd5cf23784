import t from 'tap'
import { ALGORITHMS } from '../../src/digest/algorithm.js'
import { AUTHORIZATION_LENGTH_MAX, parseAuthorization } from '../../src/digest/authorization.js'

/** RFC 3261 section 22.4. */
const RFC3261 = `Digest username="bob",
  realm="biloxi.com",
  nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
  uri="sip:bob@biloxi.com",
  qop=auth, nc=00000001, cnonce="0a4f113b",
  response="6629fae49393a05397450978507c4ef1",
  opaque="5ccc069c403ebaf9f0171e9517f40e41"`.replace(/\n */g, ' ')

const PARSED = {
  username: 'bob',
  realm: 'biloxi.com',
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  uri: 'sip:bob@biloxi.com',
  response: '6629fae49393a05397450978507c4ef1',
  algorithm: 'MD5',
  session: false,
  qop: 'auth',
  nc: { text: '00000001', count: 1 },
  cnonce: '0a4f113b',
  opaque: '5ccc069c403ebaf9f0171e9517f40e41',
}

/** The header of RFC 3261 with one parameter written anew; `undefined` leaves it out. */
function withParam(name: string, text: string | undefined): string {
  const kept = RFC3261.slice('Digest '.length)
    .split(', ')
    .filter((param) => !param.startsWith(`${name}=`))
  return `Digest ${[...kept, ...(text === undefined ? [] : [`${name}=${text}`])].join(', ')}`
}

function malformed(detail: string) {
  return { kind: 'malformed', detail }
}

t.test('the header of RFC 3261 section 22.4 is read', async (t) => {
  t.strictSame(parseAuthorization(RFC3261), { kind: 'digest', authorization: PARSED })
})

t.test('the header of RFC 7616 section 3.9.1 is read', async (t) => {
  const response = '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'
  const header = `Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=SHA-256,
    nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,
    cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="${response}",
    opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`.replace(/\n */g, ' ')
  t.match(parseAuthorization(header), {
    kind: 'digest',
    authorization: { username: 'Mufasa', algorithm: 'SHA-256', session: false, response, nc: { count: 1 } },
  })
})

t.test('the scheme is Digest in any case, with white space before and after', async (t) => {
  for (const scheme of ['digest ', 'DIGEST\t', '  dIgEsT   ']) {
    t.match(parseAuthorization(RFC3261.replace('Digest ', scheme)), { kind: 'digest', authorization: PARSED })
  }
})

t.test('another scheme is told apart, and is not malformed', async (t) => {
  t.strictSame(parseAuthorization('Basic Ym9iOnNlY3JldA=='), { kind: 'other_scheme', scheme: 'Basic' })
  t.strictSame(parseAuthorization('Negotiate'), { kind: 'other_scheme', scheme: 'Negotiate' })
  t.strictSame(parseAuthorization('Bearer\ta.b\t"c'), { kind: 'other_scheme', scheme: 'Bearer' })
  t.strictSame(parseAuthorization('Digests username="bob"'), { kind: 'other_scheme', scheme: 'Digests' })
})

t.test('a value without a scheme, or with something else behind it than a space, is malformed', async (t) => {
  for (const value of ['', ' ', ',Digest', '"Digest" realm=x', '\r\nDigest']) {
    t.strictSame(parseAuthorization(value), malformed('the value must begin with a scheme'), value)
  }
  for (const value of ['Digest,username=bob', 'username="bob"', 'Digest\n', 'Digest\u0000', '<null>x', 'Basic/1']) {
    t.match(parseAuthorization(value), { kind: 'malformed', detail: /scheme/ }, value)
  }
})

t.test('a control character in another scheme is malformed too', async (t) => {
  for (const char of ['\u0000', '\r', '\n', '\u007f', '\u0001']) {
    t.strictSame(parseAuthorization(`Basic abc${char}`), malformed('the value must hold no control character'))
  }
})

t.test('no control character may stand anywhere in a Digest value', async (t) => {
  for (const code of [...Array(0x20).keys(), 0x7f].filter((code) => code !== 0x09)) {
    for (let at = 0; at <= RFC3261.length; at += 7) {
      const value = RFC3261.slice(0, at) + String.fromCharCode(code) + RFC3261.slice(at)
      if (parseAuthorization(value).kind !== 'malformed') t.fail(`code ${code} at ${at} was let through`)
    }
  }
  t.match(parseAuthorization(RFC3261), { kind: 'digest' })
})

t.test('a value of 4096 bytes is read and a longer one is malformed', async (t) => {
  const filler = 'x'.repeat(AUTHORIZATION_LENGTH_MAX - RFC3261.length - ', x=""'.length)
  const longest = `${RFC3261}, x="${filler}"`
  t.equal(longest.length, 4096)
  t.match(parseAuthorization(longest), { kind: 'digest' })
  t.strictSame(parseAuthorization(`${longest} `), malformed('the value must not be longer than 4096 bytes'))
})

t.test('username, realm, nonce, uri and response must each be given', async (t) => {
  for (const name of ['username', 'realm', 'nonce', 'uri', 'response']) {
    t.match(parseAuthorization(withParam(name, undefined)), { kind: 'malformed', detail: `${name} must be given` })
  }
})

t.test('username, nonce and uri must not be empty; a realm may be', async (t) => {
  for (const name of ['username', 'nonce', 'uri']) {
    t.strictSame(parseAuthorization(withParam(name, '""')), malformed(`${name} must be given and not be empty`))
  }
  t.match(parseAuthorization(withParam('realm', '""')), { kind: 'digest', authorization: { realm: '' } })
})

t.test('a known parameter given twice is malformed, as are two joined headers', async (t) => {
  for (const param of RFC3261.slice('Digest '.length).split(', ')) {
    const name = param.slice(0, param.indexOf('='))
    t.strictSame(parseAuthorization(`${RFC3261}, ${param}`), malformed(`${name} must not be given twice`))
  }
  for (const name of ['algorithm', 'userhash']) {
    t.strictSame(parseAuthorization(`${RFC3261}, ${name}=x, ${name}=x`), malformed(`${name} must not be given twice`))
  }
  t.match(parseAuthorization(`${RFC3261}, ${RFC3261}`), { kind: 'malformed' })
})

t.test('the response has exactly the hex digits of its algorithm, and is read in lower case', async (t) => {
  const upper = `"${PARSED.response.toUpperCase()}"`
  t.match(parseAuthorization(withParam('response', upper)), { kind: 'digest', authorization: PARSED })
  for (const [algorithm, { hexLength }] of Object.entries(ALGORITHMS)) {
    const digits = (length: number) => `${withParam('response', `"${'a'.repeat(length)}"`)}, algorithm=${algorithm}`
    t.match(parseAuthorization(digits(hexLength)), { kind: 'digest', authorization: { algorithm } })
    for (const length of [0, hexLength - 1, hexLength + 1, 96 - hexLength]) {
      t.strictSame(parseAuthorization(digits(length)), malformed(`response must be ${hexLength} hex digits`))
    }
  }
  const notHex = withParam('response', `"${PARSED.response.replace('6', 'g')}"`)
  t.strictSame(parseAuthorization(notHex), malformed('response must be 32 hex digits'))
})

t.test('nc is eight hex digits of either case and counts to 4294967295', async (t) => {
  const counts: Record<string, number> = { '0000000a': 10, '0000000A': 10, ffffffff: 4294967295, '"00000002"': 2 }
  for (const [text, count] of Object.entries(counts)) {
    const nc = { text: text.replaceAll('"', ''), count }
    t.match(parseAuthorization(withParam('nc', text)), { kind: 'digest', authorization: { nc } })
  }
  for (const text of ['1', '0000001', '000000001', '0x000001', '0000000g', '""', '" 0000001"', '-0000001']) {
    t.strictSame(parseAuthorization(withParam('nc', text)), malformed('nc must be 8 hex digits'), text)
  }
})

t.test('qop needs nc and cnonce', async (t) => {
  t.strictSame(parseAuthorization(withParam('nc', undefined)), malformed('nc must be given with qop'))
  t.strictSame(parseAuthorization(withParam('cnonce', undefined)), malformed('cnonce must be given with qop'))
})

t.test('qop may be quoted, though RFC 7616 section 3.4 asks for a token', async (t) => {
  t.match(parseAuthorization(withParam('qop', '"auth"')), { kind: 'digest', authorization: { qop: 'auth' } })
  t.match(parseAuthorization(withParam('qop', 'auth-int')), { kind: 'digest', authorization: { qop: 'auth-int' } })
})

t.test('without qop, nc means nothing and is not even read', async (t) => {
  const withoutQop = withParam('qop', undefined)
  const expected = { kind: 'digest', authorization: { ...PARSED, qop: undefined, nc: undefined } }
  t.strictSame(parseAuthorization(withoutQop), expected)
  t.strictSame(parseAuthorization(withoutQop.replace('nc=00000001', 'nc=1')), expected)
})

t.test('a session needs cnonce, with qop or without', async (t) => {
  const session = `${withParam('qop', undefined)}, algorithm=md5-SESS`
  t.match(parseAuthorization(session), { kind: 'digest', authorization: { algorithm: 'MD5', session: true } })
  const withoutCnonce = session.replace('cnonce="0a4f113b", ', '')
  t.strictSame(parseAuthorization(withoutCnonce), malformed('cnonce must be given with a -sess algorithm'))
})

t.test('an algorithm or a qop that no response can be computed for is unsupported, not malformed', async (t) => {
  const algorithm = 'algorithm must be one of MD5, SHA-256, SHA-512-256, or one of them with -sess'
  for (const text of ['SHA-512', '"AKAv1-MD5"', '""']) {
    const parsed = parseAuthorization(withParam('algorithm', text))
    t.strictSame(parsed, { kind: 'unsupported', realm: 'biloxi.com', detail: algorithm }, text)
  }
  for (const text of ['auth-conf', '"auth,auth-int"', 'AUTH', '""']) {
    const parsed = parseAuthorization(withParam('qop', text))
    t.strictSame(parsed, { kind: 'unsupported', realm: 'biloxi.com', detail: 'qop must be auth or auth-int' }, text)
  }
})

t.test('a hashed user name is unsupported; userhash=false is what everybody means', async (t) => {
  const unsupported = { kind: 'unsupported', realm: 'biloxi.com', detail: 'userhash must be false' }
  t.strictSame(parseAuthorization(`${RFC3261}, userhash=TRUE`), unsupported)
  t.match(parseAuthorization(`${RFC3261}, userhash=false`), { kind: 'digest', authorization: PARSED })
  t.strictSame(parseAuthorization(`${RFC3261}, userhash=1`), malformed('userhash must be true or false'))
})

t.test('username* (RFC 7616 section 3.4) is malformed, in the place of username and beside it', async (t) => {
  const extended = "username*=UTF-8''bob"
  const expected = malformed('username* must not be used: username is read, in its plain form')
  t.strictSame(parseAuthorization(`${withParam('username', undefined)}, ${extended}`), expected)
  t.strictSame(parseAuthorization(`${RFC3261}, ${extended}`), expected)
})

t.test('a realm or a uri that begins like one that was read before is read as it stands', async (t) => {
  const names = [
    'sip:example.com',
    'sip:example.com',
    'sip:example.comm',
    'sip:example.co',
    'sip:example.com\\"',
    'sip:example.co\u00ff',
    'sip:example.co\u00fe',
  ]
  for (const name of [...names, ...names.toReversed(), ...names]) {
    const realm = name.replace('\\"', '"')
    for (const place of ['realm', 'uri']) {
      const parsed = parseAuthorization(withParam(place, `"${name}"`))
      t.strictSame(parsed, { kind: 'digest', authorization: { ...PARSED, [place]: realm } }, `${place} ${name}`)
    }
  }
})
