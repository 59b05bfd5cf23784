import { createSocket } from 'node:dgram'
import { createRequire } from 'node:module'
import { openBareSpend } from './bare-spend.js'

/** A request as the `sip` package parses it, so far as it is read here. */
type Request = { readonly headers: { readonly authorization?: unknown; readonly contact?: unknown } }

type SipPackage = {
  parse(message: Buffer): Request | undefined
  makeResponse(request: Request, status: number, reason: string, extension: object): object
  stringify(response: object): string
}

const { parse, makeResponse, stringify }: SipPackage = createRequire(import.meta.url)('sip')

/**
 * What native SIP costs with the `sip` package's parser alone: hard-coded answers, nothing checked, nothing kept. 401
 * with one fixed challenge where there is no Authorization, else 200 with the contact that was sent.
 */
/** As long as a binding that is stored. */
const BINDING = 'x'.repeat(200)

const spend = process.argv[2] ? await openBareSpend(process.argv[2]) : undefined
const CHALLENGE = { scheme: 'Digest realm="pbx.example.com", nonce="0"', algorithm: 'MD5', qop: '"auth"' }

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
socket.on('message', (message, { port, address }) => {
  const request = parse(message)
  if (request === undefined) return
  const { authorization, contact } = request.headers
  const send = (response: object) => socket.send(Buffer.from(stringify(response), 'latin1'), port, address)
  const accept = () => send(makeResponse(request, 200, 'OK', { headers: { contact } }))
  if (authorization === undefined) {
    send(makeResponse(request, 401, 'Unauthorized', { headers: { 'www-authenticate': [CHALLENGE] } }))
  } else if (spend) spend(BINDING).then(accept)
  else accept()
})
socket.bind(0, '127.0.0.1', () => process.stdout.write(`ready ${socket.address().port}\n`))
