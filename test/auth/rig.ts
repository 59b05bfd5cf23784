import type { AuthRequest } from '../../src/auth/auth-request.js'
import type { Verdict } from '../../src/auth/verdict.js'
import { type Checks, createChecks } from '../../src/checks.js'
import { readConfig } from '../../src/config.js'
import type { Challenge } from '../../src/digest/challenge.js'
import { createLog } from '../../src/log.js'
import { createMetrics, type Metrics } from '../../src/metrics.js'
import { computeHa1s } from '../../src/provision/ha1s.js'
import type { RedisClient } from '../../src/redis/client.js'
import { Secret } from '../../src/secret.js'
import type { SipDomain } from '../../src/sip-domain.js'
import { type Answer, answer, DOMAIN, PASSWORD, REALM, URI, USERNAME } from './phone.js'
import { type ScriptedMirror, type ScriptedStore, scriptedMirror, scriptedStore } from './scripted-store.js'

/** The hot path as the program wires it, over scripted stores and a clock of the test's own. */
export type Rig = {
  readonly checks: Checks
  readonly metrics: Metrics
  readonly mirror: ScriptedMirror
  readonly database: ScriptedStore
  advance(milliseconds: number): void
  /** Puts a credential into both stores; without a password it is disabled. */
  add(username: string, password?: string, realm?: string): void
  /** Puts the SIP domain `DOMAIN` into both stores, or the given ones: in alice's realm, with nothing mapped but this. */
  addDomain(domain?: Partial<SipDomain>, stores?: readonly ScriptedStore[]): void
  verify(request?: Partial<AuthRequest>): Promise<Verdict>
  /** The challenges that a request without Authorization gets. */
  challenges(realm?: string): Promise<readonly Challenge[]>
  /** A fresh challenge answered, and the reason of the verdict. */
  attempt(how?: Answer, request?: Partial<AuthRequest>): Promise<Verdict['reason']>
  /** Answers to a challenge that has been given, and the reason of the verdict. */
  reply(challenge: Challenge, how?: Answer, request?: Partial<AuthRequest>): Promise<Verdict['reason']>
}

const UNMAPPED = {
  ...{ name: DOMAIN, sid: 'SD1', accountSid: 'AC1', realm: REALM, active: true },
  ...{ calls: [], registrations: [], ipRanges: undefined },
}

const START = Date.UTC(2026, 0, 1)

/**
 * Wires the checks; alice may log in. `env` holds variables of the configuration; `laterMs` is when the process began,
 * after the first one.
 */
export function createRig(env: Readonly<Record<string, string>> = {}, redis?: RedisClient, laterMs = 0): Rig {
  let time = START + laterMs
  let domainVersion = 0
  const [mirror, database, metrics] = [scriptedMirror(), scriptedStore(), createMetrics()]
  const checks = createChecks({
    config: readConfig(env),
    ...{ redis, mirror, database, metrics },
    decoySecret: 'a decoy secret',
    nonceSecrets: [new Secret('a nonce secret')],
    log: createLog('silent'),
    now: () => time,
  })
  const verify: Rig['verify'] = async (request) =>
    checks.authenticator.verify('http', { method: 'REGISTER', realm: REALM, authorizations: [], ...request })

  async function challenges(realm = REALM): Promise<readonly Challenge[]> {
    const verdict = await verify({ realm })
    if (!('challenges' in verdict)) throw new Error(`no challenge: ${verdict.reason}`)
    return verdict.challenges
  }

  const reply: Rig['reply'] = async (challenge, how, request) =>
    (await verify({ uri: how?.uri ?? URI, authorizations: [answer(challenge, how)], ...request })).reason

  const rig: Rig = {
    ...{ checks, metrics, mirror, database, verify, challenges, reply },
    advance(milliseconds) {
      time += milliseconds
    },
    add(username, password, realm = REALM) {
      const ha1s = password === undefined ? {} : computeHa1s(username, realm, password)
      for (const store of [mirror, database]) store.credentials.set(`${realm} ${username}`, ha1s)
    },
    addDomain(domain, stores = [mirror, database]) {
      domainVersion++
      for (const { domains } of stores) domains.set(DOMAIN, { ...UNMAPPED, version: `${domainVersion}`, ...domain })
    },
    attempt: async (how, request) => reply(first(await challenges(request?.realm)), how, request),
  }
  rig.add(USERNAME, PASSWORD)
  return rig
}

/** The first of several, which must be there. */
export function first<T>(items: readonly T[]): T {
  const [item] = items
  if (item === undefined) throw new Error('there is none')
  return item
}
