import { createRequire } from 'node:module'
import { freePort } from '../test/fixtures/ports.js'

/** A request as the `sip` package parses it, so far as it is read here. */
type Request = { readonly headers: { readonly authorization?: unknown; readonly contact?: unknown } }

type SipPackage = {
  start(options: object, onRequest: (request: Request) => void): void
  send(response: object): void
  makeResponse(request: Request, status: number, reason: string, extension?: object): object
}

const sip: SipPackage = createRequire(import.meta.url)('sip')

/**
 * What native SIP costs with the whole of the `sip` package, as its documentation starts it: transport, parser, writer
 * and transactions, with the same hard-coded answers as bare-sip-responder.ts.
 */
const CHALLENGE = { scheme: 'Digest realm="pbx.example.com", nonce="0"', algorithm: 'MD5', qop: '"auth"' }

const port = await freePort()
sip.start({ address: '127.0.0.1', port, tcp: false }, (request) => {
  const { authorization, contact } = request.headers
  if (authorization === undefined) {
    sip.send(sip.makeResponse(request, 401, 'Unauthorized', { headers: { 'www-authenticate': [CHALLENGE] } }))
  } else sip.send(sip.makeResponse(request, 200, 'OK', { headers: { contact } }))
})
process.stdout.write(`ready ${port}\n`)
