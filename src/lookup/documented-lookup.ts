import { type TSchema, Type } from 'typebox'
import { REASONS, type Reason } from '../auth/verdict.js'
import { ALGORITHMS } from '../digest/algorithm.js'
import type { DocumentedAnswer, DocumentedDoor, DocumentedRoute } from '../openapi/door.js'
import { HA1_PATH } from './fault.js'

const Fault = Type.Object({
  error: Type.String({ description: 'What is wrong with the request itself. Never a verdict.' }),
})
const fault = { 'application/json': Type.Ref('LookupFault#') }

const TOKEN = [['proxyToken'], ['proxyTokenAsPassword']]

const text = (description: string, more: object = {}) => Type.String({ description, ...more })

const VerifyFields = Type.Object({
  method: text('SIP method of the request.', { examples: ['REGISTER'] }),
  realm: Type.Optional(
    text('Realm to challenge with; required without `authorization` and `domain`.', { examples: ['sip.example.com'] }),
  ),
  domain: Type.Optional(text("Host of the request's address; a SIP domain of that name decides realm and rights.")),
  authorization: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String())], {
      description: 'Value of Authorization or Proxy-Authorization; repeated where there are several.',
    }),
  ),
  uri: Type.Optional(text("Request-URI; the digest's `uri` must name the same resource.")),
  body: Type.Optional(text('Message body, for `qop=auth-int`.')),
  proxy: Type.Optional(text('`1`: 407 and Proxy-Authenticate instead of 401 and WWW-Authenticate.')),
  identity: Type.Optional(text("User part of From or To, which must be the digest's user.")),
  source_ip: Type.Optional(text('Address that the request came from.', { examples: ['192.0.2.7'] })),
  user_agent: Type.Optional(text('User-Agent of the request.')),
  call_id: Type.Optional(text('Call-ID of the request.')),
})

const VerifyQuery = Type.Object({
  format: Type.Optional(Type.Enum(['json', 'text'], { description: '`text`: the header lines alone.' })),
  http: Type.Optional(Type.Enum(['200'], { description: 'HTTP 200 always; the verdict is in `status` alone.' })),
})

/** A JSON verdict with one of the reasons that REASONS answers in this way. */
function verdict(answer: 200 | 'challenge' | 400 | 403 | 503, more: Record<string, TSchema>) {
  const reasons = (Object.keys(REASONS) as Reason[]).filter((reason) => REASONS[reason] === answer)
  const statuses = answer === 'challenge' ? [401, 407] : [answer]
  return Type.Object({
    status: Type.Enum(statuses, { description: 'SIP status to send.' }),
    reason: Type.Enum(reasons),
    headers: Type.Array(Type.String(), { description: 'Header lines for the SIP reply.' }),
    hdr: Type.String({ description: 'The same lines, each ended by CRLF.' }),
    ...more,
  })
}

const Authenticated = verdict(200, {
  username: Type.Optional(Type.String({ description: 'Absent for who is let in by address alone.' })),
  realm: Type.String(),
  account_sid: Type.String(),
  credential_list_sid: Type.Optional(Type.String()),
  credential_sid: Type.Optional(Type.String()),
  domain_sid: Type.Optional(Type.String()),
})
const Challenged = verdict('challenge', {})
const detail = { detail: Type.String({ description: 'Which field broke which rule.' }) }
const Refused = verdict(403, detail)
const Malformed = verdict(400, detail)
const Retry = verdict(503, {})

const lines = { 'text/plain': Type.String({ description: 'Header lines alone, each ended by CRLF.' }) }
const json = (schema: TSchema) => ({ 'application/json': schema, ...lines })
const orFault = (schema: TSchema) => json(Type.Union([schema, Type.Ref('LookupFault#')]))

const verify: DocumentedRoute = {
  method: 'POST',
  path: '/v1/verify',
  summary: 'Check one SIP request',
  description:
    'The HTTP status is the SIP status to send; a throttled request is HTTP 429, for which a proxy sends 503. ' +
    'An answer without `status` in its body is a fault of the asking, never a verdict: a proxy takes it for an outage.',
  query: VerifyQuery,
  body: { 'application/x-www-form-urlencoded': VerifyFields, 'application/json': VerifyFields },
  security: TOKEN,
  answers: {
    200: {
      description: 'Authenticated; with `http=200`, any verdict.',
      content: json(Type.Union([Authenticated, Challenged, Refused, Malformed, Retry])),
    },
    400: { description: 'Malformed request, another URI than the digest was made for.', content: orFault(Malformed) },
    401: { description: 'Challenge; without `status`, the token is missing.', content: orFault(Challenged) },
    403: { description: 'Refused for good.', content: json(Refused) },
    407: { description: 'Challenge of a proxy.', content: json(Challenged) },
    413: { description: 'Body over 64 KiB.', content: fault },
    415: { description: 'Neither form nor JSON.', content: fault },
    429: { description: 'Too many wrong passwords; the SIP status is 503.', content: json(Retry) },
    500: { description: 'Internal error.', content: fault },
    503: { description: 'No store can be read.', content: json(Retry) },
  },
}

const nothing: Readonly<Record<string, TSchema>> = { 'text/plain': Type.String({ maxLength: 0 }) }

const ha1: DocumentedRoute = {
  method: 'GET',
  path: HA1_PATH,
  summary: 'Fetch an HA1',
  description: 'For proxies that check responses themselves. A fault is in the header field X-Fault.',
  query: Type.Object({
    realm: text('Realm.', { examples: ['sip.example.com'] }),
    username: text('User name; a plus is a plus.', { examples: ['alice'] }),
    algorithm: Type.Optional(Type.Enum(Object.keys(ALGORITHMS), { default: 'MD5' })),
    decoy: Type.Optional(
      Type.Enum(['0', '1'], { description: '`1`: an unknown user has a stable HA1 that fits nothing.' }),
    ),
  }),
  security: [['ha1Token'], ['ha1TokenAsPassword']],
  answers: {
    200: {
      description: 'The HA1 in lower-case hex and nothing else.',
      content: { 'text/plain': Type.String({ pattern: '^([0-9a-f]{32}|[0-9a-f]{64})$' }) },
    },
    400: { description: 'A parameter is missing, repeated or wrong.', content: nothing },
    401: { description: 'The token is missing.', content: nothing },
    403: { description: 'The credential is disabled.', content: nothing },
    404: { description: 'There is none.', content: nothing },
    500: { description: 'Internal error.', content: nothing },
    503: { description: 'No store can be read.', content: nothing },
  },
}

const State = Type.Object({
  ready: Type.Boolean(),
  stores: Type.Record(Type.String(), Type.Enum(['up', 'down'])),
})
const broken: DocumentedAnswer = { description: 'Internal error.', content: fault }
const open = { method: 'GET', security: [] }

const monitoring: readonly DocumentedRoute[] = [
  {
    ...{ ...open, path: '/healthz', summary: 'Ask whether the process runs' },
    answers: {
      200: { description: 'It does.', content: { 'application/json': Type.Object({ status: Type.Literal('ok') }) } },
    },
  },
  {
    ...{ ...open, path: '/readyz', summary: 'Ask whether checks can be answered' },
    answers: {
      200: { description: 'They can.', content: { 'application/json': State } },
      500: broken,
      503: { description: 'They cannot.', content: { 'application/json': State } },
    },
  },
  {
    ...{ ...open, path: '/metrics', summary: 'Read the metrics' },
    description: 'In the text format of Prometheus.',
    answers: { 200: { description: 'All metrics.', content: { 'text/plain': Type.String() } }, 500: broken },
  },
]

/** The lookup API as its readers see it. */
export const DOCUMENTED_LOOKUP: DocumentedDoor = {
  title: 'Lookup API',
  description:
    'What proxies ask, and monitoring. It has an address of its own (AUTH_PORT): "Try it out" on the page that shows ' +
    'this does not reach it, since the page asks only where it comes from.',
  server: {
    url: 'http://{host}:{port}',
    description: 'AUTH_PORT',
    variables: { host: { default: '127.0.0.1' }, port: { default: '8081' } },
  },
  security: {
    proxyToken: { type: 'http', scheme: 'bearer', description: 'PROXY_TOKEN.' },
    proxyTokenAsPassword: { type: 'http', scheme: 'basic', description: 'Any user, with PROXY_TOKEN as password.' },
    ha1Token: { type: 'http', scheme: 'bearer', description: 'HA1_TOKEN where it is set, PROXY_TOKEN where not.' },
    ha1TokenAsPassword: { type: 'http', scheme: 'basic', description: 'Any user, with that token as password.' },
  },
  schemas: { LookupFault: Fault },
  routes: [verify, ha1, ...monitoring],
}
