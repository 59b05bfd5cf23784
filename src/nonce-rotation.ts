import type { Config } from './config.js'
import type { Log } from './log.js'
import { nonceSecretId } from './nonce-secret-id.js'
import type { Secret } from './secret.js'

/**
 * Changes the nonce secrets of a running node. A new one is good for checking at once, and signs only when it has been
 * known for a while: by then the other nodes have been told of it too, and none refuses what another has signed. Where
 * it stands is logged at its beginning, at each change, and when another secret begins to sign.
 */
export type NonceRotation = {
  /** Takes other secrets, newest first. One that is left out is good for nothing from now on. */
  take(secrets: readonly Secret[]): void
  close(): void
}

/**
 * How long a new secret is known before it signs. A tenth of a nonce's life at most, so that an old secret that is taken
 * out a nonce's life after the new one came in is missed by few: what is configured is no longer, the default may be.
 */
export function signingDelayMs(config: Pick<Config, 'NONCE_SECRET_DELAY' | 'NONCE_TTL'>): number {
  return 1_000 * Math.min(config.NONCE_SECRET_DELAY, config.NONCE_TTL / 10)
}

/** Begins with secrets that all nodes know; `apply` puts secrets in force, of which the first signs. */
export function createNonceRotation(deps: {
  readonly secrets: readonly Secret[]
  readonly delayMs: number
  readonly apply: (secrets: readonly Secret[]) => void
  readonly log: Log
  readonly now: () => number
}): NonceRotation {
  const { delayMs, apply, log, now } = deps
  /** Since when each is known, ms since 1970. */
  let knownSince = new Map(deps.secrets.map((secret) => [secret.reveal(), Number.NEGATIVE_INFINITY]))
  let secrets = deps.secrets
  let timer: NodeJS.Timeout | undefined

  function ageMs(secret: Secret): number {
    return now() - (knownSince.get(secret.reveal()) ?? now())
  }

  function order(what: string): void {
    clearTimeout(timer)
    // Where none is known for long, the oldest is the one that most nodes know.
    const signing = secrets.find((secret) => ageMs(secret) >= delayMs) ?? secrets.at(-1)
    apply(secrets.toSorted((a, b) => Number(b === signing) - Number(a === signing)))
    const [newest] = secrets
    const waitMs = newest && newest !== signing ? Math.max(1, delayMs - ageMs(newest)) : undefined
    tell(what, signing, waitMs)
    if (waitMs !== undefined) timer = setTimeout(order, waitMs, 'another nonce secret signs from now on')
  }

  function tell(what: string, signing: Secret | undefined, waitMs: number | undefined): void {
    const [newest] = secrets
    if (!newest || !signing) return
    const standing = { secrets: secrets.length, signs: nonceSecretId(signing) }
    // By the calendar, for whoever reads it beside another node's log.
    const from = waitMs === undefined ? undefined : new Date(Date.now() + waitMs).toISOString()
    log.info(from === undefined ? standing : { ...standing, next: nonceSecretId(newest), from }, what)
  }

  tell('nonce secrets in force', secrets[0], undefined)
  return {
    take(changed) {
      const texts = changed.map((secret) => secret.reveal())
      knownSince = new Map(texts.map((text) => [text, knownSince.get(text) ?? now()]))
      secrets = changed
      order('nonce secrets read again')
    },
    close: () => clearTimeout(timer),
  }
}
