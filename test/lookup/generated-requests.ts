import { KNOWN_TOKENS } from '../fixtures/tenant.js'

/** A number below another one, the same in each run of the tests. */
export type Dice = (below: number) => number

/** Park and Miller's generator. */
export function createDice(seed: number): Dice {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

const TOKEN = KNOWN_TOKENS.PROXY_TOKEN
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

/** The parts of a request: of each, first what is usual, then what is not. `@` stands for an Authorization that fits. */
const PARTS = {
  start: ['', '\r\n', '\n', ' '],
  method: ['POST', 'GET', 'post', 'PUT', 'HEAD', 'OPTIONS', 'P\u00d6ST'],
  target: [
    ...['/v1/verify', '/v1/verify?format=text', '/v1/verify?http=200', '/v1/verify?format=text&http=200'],
    ...['/v1/verify?', '/v1/verify?format=xml', '/v1/verify?format=text&format=text', '/v1/verify?http=%zz'],
    ...['/v1/verify/', '/v1/verifyx', '/V1/verify', '/v1/%76erify', '//v1/verify', '/v1/verify#x', '/v1/verify;x=1'],
    ...['http://x/v1/verify', '*', '/v1/ha1?realm=a&username=b', '/v1/verify?format=text HTTP/1.1', ''],
  ],
  version: ['HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', ''],
  host: ['Host: x\r\n', 'host:\r\n', '', 'Host: x\r\nHost: y\r\n', 'Host : x\r\n', 'Host: x\r\n y\r\n', 'Host: x\n'],
  token: [
    ...[`Authorization: Bearer ${TOKEN}\r\n`, `authorization:   ${basic(`kamailio:${TOKEN}`)}\t \r\n`],
    ...['', `Authorization: Bearer ${TOKEN}x\r\n`, `Authorization: ${TOKEN}\r\n`, `Authorization: ${basic(TOKEN)}\r\n`],
    ...[`Authorization: Bearer ${TOKEN}\r\nAuthorization: Bearer x\r\n`, `Authorization: \u00e4\r\n`],
    `Authorization: Bearer x\r\nAuthorization: Bearer ${TOKEN}\r\n`,
  ],
  accept: [
    ...['', 'Accept: */*\r\n', 'Accept: text/plain\r\n', 'ACCEPT: TEXT/plain;q=0.3\r\n', 'Accept:\r\n'],
    ...['Accept: */*\r\nAccept: text/plain\r\n', 'Accept: text/plain\r\nAccept: */*\r\n', 'Accept: \ttext/plain\r\n'],
  ],
  more: [
    ...['', 'User-Agent: curl/7.88.1\r\n', 'Connection: keep-alive\r\n', 'connection: Keep-Alive\r\n', 'X-Empty:\r\n'],
    ...['Connection: close\r\n', 'Connection: keep-alive, x\r\n', 'Connection: upgrade\r\nUpgrade: h2c\r\n'],
    ...['Upgrade: websocket\r\n', 'Proxy-Connection: close\r\n', 'Keep-Alive: timeout=1\r\n', 'TE: trailers\r\n'],
    ...['Trailer: X\r\n', 'Expect: 100-continue\r\n', 'Expect: the-unexpected\r\n', 'Content-Encoding: gzip\r\n'],
    ...[
      'X: \u00e4\r\n',
      'X: a\0b\r\n',
      'X: a\rb\r\n',
      'X: a\nY: b\r\n',
      'X a\r\n',
      ': a\r\n',
      'X\u00e4: a\r\n',
      'X: a\r\n b\r\n',
    ],
    ...[
      ' X: a\r\n',
      'X\t: a\r\n',
      `X: ${'a'.repeat(9_000)}\r\n`,
      `X: ${'a'.repeat(17_000)}\r\n`,
      'X: a\r\n'.repeat(40),
    ],
  ],
  framing: [
    ...['Content-Length: #\r\n', 'content-length:#\r\n', 'Content-Length:\t # \r\n'],
    ...['Content-Length: 0#\r\n', 'Content-Length: +#\r\n', 'Content-Length: -#\r\n', 'Content-Length: # #\r\n'],
    ...['Content-Length: #,#\r\n', 'Content-Length: #, #\r\n', 'Content-Length: #\r\nContent-Length: #\r\n'],
    ...['Content-Length: #\r\nContent-Length: 1\r\n', 'Content-Length: 0x#\r\n', 'Content-Length: #.0\r\n', ''],
    ...['Content-Length:\r\n', 'Content-Length: #\r\n 1\r\n', 'Content-Length : #\r\n', 'Content-Length: 0\r\n'],
    ...['Content-Length: 1#\r\n', 'Content-Length: 99999999999999999999\r\n', 'Content-Length: 65537\r\n'],
    ...['Transfer-Encoding: chunked\r\n', 'Content-Length: #\r\nTransfer-Encoding: chunked\r\n'],
    ...['Transfer-Encoding: chunked\r\nContent-Length: #\r\n', 'Content-Length: #\r\nTransfer-Encoding: identity\r\n'],
    ...['Content-Length: #\r\nTransfer-Encoding : chunked\r\n', 'Content-Length: #\r\nTransfer-Encoding:\tchunked\r\n'],
    ...['Transfer-Encoding: gzip, chunked\r\n', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n'],
    'Content-Length: #\r\nX: a\nTransfer-Encoding: chunked\r\n',
  ],
  type: [
    ...['application/json', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8', 'Application/JSON'],
    ...[
      'application/x-www-form-urlencoded;charset=UTF-8',
      'text/plain',
      'application/json, text/plain',
      ' ',
      'nonsense',
    ],
  ],
  end: ['\r\n', '\n', '\r', '\r\n\r\n', ' \r\n\r\n'],
} as const satisfies Record<string, readonly string[]>

/** Fields of a body; `@` is the Authorization, and a name may stand twice. */
const FIELDS = [
  'method=REGISTER',
  'realm=example.com',
  'authorization=@',
  'uri=sip:example.com',
  'proxy=1',
  'identity=alice',
  'identity=b\u00f6b',
  'source_ip=192.0.2.1',
  'proxy=yes',
  'method=INVITE',
  'realm=',
  'user_agent="}{":,\\',
  'authorization=<null>',
  'domain=x.example',
  'authorization=Digest x',
  'method=',
  'body=\r\n',
  'call_id=a%41+b',
  'uri=sip:other.example',
]

/** How many of the fields above a plain request has. */
const PLAIN = 4

/**
 * Makes one request: mostly as proxies send them, often with one part out of the usual, at times with several. The
 * function takes an Authorization that fits.
 */
export function generateRequest(dice: Dice): (authorization: string) => string {
  const odd = dice(5)
  const names = Object.keys(PARTS) as (keyof typeof PARTS)[]
  const strange = new Set(odd === 0 ? [] : Array.from({ length: odd === 4 ? 3 : 1 }, () => names[dice(names.length)]))
  const usual = { target: 4, accept: 5, more: 5, framing: 3, type: 2, token: 2 } as Partial<Record<string, number>>
  const pick = (name: keyof typeof PARTS): string => {
    const all: readonly string[] = PARTS[name]
    return all[strange.has(name) ? dice(all.length) : dice(usual[name] ?? 1)] ?? ''
  }
  const parts = Object.fromEntries(names.map((name) => [name, pick(name)])) as Record<keyof typeof PARTS, string>
  const asForm = parts.type.toLowerCase().includes('form')
  const fields = FIELDS.filter((_, index) => (index < PLAIN ? dice(12) > 0 : dice(24) === 0))
  const spoil = dice(20)
  const rest = ['', '', '', '', 'x', '\r\n', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', '0\r\n\r\n'][dice(8)] ?? ''
  return (authorization) => {
    const filled = fields.map((field) => {
      const [name = '', value = ''] = field.split(/=(.*)/s)
      return [name, value.replace('@', authorization)] as const
    })
    const body = spoiled(asForm ? writeForm(filled) : writeJson(filled, spoil), spoil)
    const { start, method, target, version, host, token, accept, more, framing, type, end } = parts
    const length = framing.replaceAll('#', `${body.length}`)
    const content = framing.includes('chunked') ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body
    const line = `${method} ${target} ${version}\r\n`
    return `${start}${line}${host}${token}${accept}Content-Type: ${type}\r\n${more}${length}${end}${content}${rest}`
  }
}

function writeForm(fields: readonly (readonly [string, string])[]): string {
  return fields.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
}

/** With names that stand twice, and with blanks between its tokens or without. */
function writeJson(fields: readonly (readonly [string, string])[], style: number): string {
  const [colon, comma] = style % 2 ? [':', ','] : [': ', ', ']
  const text = fields.map(([name, value]) => JSON.stringify(name) + colon + JSON.stringify(value)).join(comma)
  return Buffer.from(`{${text}}`).toString('latin1')
}

function spoiled(body: string, spoil: number): string {
  if (spoil === 1) return body.slice(0, -1)
  if (spoil === 2) return `${body}%`
  if (spoil === 3) return body.replace(/e/, '\u00e9')
  if (spoil === 4) return `${body}${' '.repeat(66_000)}`
  return body
}
