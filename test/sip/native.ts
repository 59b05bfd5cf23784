import type { Authenticator } from '../../src/auth/authenticator.js'
import { createLog } from '../../src/log.js'
import { createMetrics, type Metrics } from '../../src/metrics.js'
import type { Bindings } from '../../src/sip/bindings.js'
import { LIMITS, type Limits } from '../../src/sip/limits.js'
import { createMemoryBindings } from '../../src/sip/memory-bindings.js'
import { type BoundSipAddresses, createSipServer, type SipAddresses, type SipServer } from '../../src/sip/server.js'
import { type Phone, type StreamPhone, tcpPhone, udpPhone } from './phone.js'
import { sipRequest } from './request.js'
import { type ScriptedAuthenticator, scriptedAuthenticator } from './scripted-authenticator.js'

/** Whatever can undo a server at its end: a tap test. */
type Owner = { teardown(undo: () => unknown): unknown }

/** A native SIP server on free ports, with what it was built on. */
export type Native = {
  readonly server: SipServer
  readonly authenticator: ScriptedAuthenticator
  readonly metrics: Metrics
  readonly bound: BoundSipAddresses
  readonly port: number
  /** Moves the server's clock. */
  advance(milliseconds: number): void
  phone(): Promise<Phone>
  stream(): Promise<StreamPhone>
  /** The status of an OPTIONS request from a phone of its own: 200 while the server serves. */
  alive(): Promise<number>
}

export type NativeOptions = {
  /** Instead of the scripted one. */
  readonly authenticator?: Authenticator
  readonly bindings?: Bindings
  readonly nextHop?: string
  readonly limits?: Partial<Limits>
  readonly addresses?: Partial<SipAddresses>
}

/** Starts native SIP with a scripted authenticator; closed with its test. */
export async function startNative(t: Owner, options: NativeOptions = {}): Promise<Native> {
  let time = Date.UTC(2026, 0, 1)
  const now = (): number => time
  const authenticator = scriptedAuthenticator()
  const metrics = createMetrics()
  const server = createSipServer({
    authenticator: options.authenticator ?? authenticator,
    bindings: options.bindings ?? createMemoryBindings({ now }),
    nextHop: options.nextHop,
    metrics,
    log: createLog('silent'),
    now,
    limits: { ...LIMITS, ...options.limits },
  })
  const off = { tlsPort: 'off', wsPort: 'off', tls: undefined } as const
  const bound = await server.listen({ host: '127.0.0.1', port: 0, ...off, ...options.addresses })
  t.teardown(() => server.close())
  const port = Number(bound.sip?.split(':')[1])
  const phone = (): Promise<Phone> => udpPhone(t, port)
  return {
    server,
    authenticator,
    metrics,
    bound,
    port,
    advance: (milliseconds) => {
      time += milliseconds
    },
    phone,
    stream: () => tcpPhone(t, port),
    alive: async () => {
      const caller = await phone()
      const { status } = await caller.ask(sipRequest('OPTIONS'))
      caller.close()
      return status
    },
  }
}
