import { type Authenticator, createAuthenticator } from './auth/authenticator.js'
import { type CredentialReader, createCredentialSource, type MirrorReader } from './auth/credential-source.js'
import { createDecoy } from './auth/decoy.js'
import { createHa1Lookup, type Ha1Lookup } from './auth/ha1-lookup.js'
import { createMemoryFailureRecord } from './auth/memory-failure-record.js'
import { createMemoryUseRecord } from './auth/memory-use-record.js'
import { createReplayGuard } from './auth/replay-guard.js'
import { createThrottle } from './auth/throttle.js'
import type { Config } from './config.js'
import { createNonces } from './digest/nonce.js'
import { speedUpStrings } from './fast-strings.js'
import type { Log } from './log.js'
import type { Metrics } from './metrics.js'
import type { RedisClient } from './redis/client.js'
import { createRedisFailureRecord } from './redis/failure-record.js'
import type { Invalidations } from './redis/invalidations.js'
import { createNearBans } from './redis/near-bans.js'
import { createRedisUseRecord } from './redis/use-record.js'
import type { Secret } from './secret.js'

/** Everything that the doors ask. */
export type Checks = {
  readonly authenticator: Authenticator
  readonly ha1Lookup: Ha1Lookup
  /** Puts other secrets in force at once, newest first. */
  rotateNonceSecrets(secrets: readonly Secret[]): void
}

/** Wires the hot path. Without Redis, uses and failures are recorded in this process alone. */
export function createChecks(deps: {
  readonly config: Config
  readonly redis: RedisClient | undefined
  /** Redis's word on what has changed, not started yet; where there is none, nothing of Redis is held near. */
  readonly invalidations?: Invalidations | undefined
  readonly mirror: MirrorReader
  readonly database: CredentialReader
  readonly decoySecret: string
  readonly nonceSecrets: readonly Secret[]
  readonly metrics: Metrics
  readonly log: Log
  readonly now: () => number
}): Checks {
  speedUpStrings()
  const { config, redis, invalidations, mirror, database, metrics, log, now } = deps
  const source = createCredentialSource({ mirror, database, metrics, log, now })
  const decoy = createDecoy(deps.decoySecret)
  const nonces = createNonces({
    ...{ secrets: reveal(deps.nonceSecrets), lifetimeSeconds: config.NONCE_TTL, now },
    // Without Redis nobody remembers which nonce counts were spent before this process began.
    notBeforeMs: redis ? undefined : now(),
  })
  const replayGuard = createReplayGuard({
    shared: redis && createRedisUseRecord({ redis, now }),
    local: createMemoryUseRecord({ alone: redis === undefined }),
    strict: config.REPLAY_GUARD === 'strict',
    ...{ metrics, log, now },
  })
  const nearBans = redis && invalidations && createNearBans({ redis, invalidations, log, now })
  const throttle = createThrottle({
    shared: redis && createRedisFailureRecord({ redis, near: nearBans, now }),
    local: createMemoryFailureRecord({ now }),
    limits: {
      userFailures: config.THROTTLE_USER_FAILURES,
      sourceFailures: config.THROTTLE_SOURCE_FAILURES,
      windowMs: config.THROTTLE_WINDOW * 1000,
      retryFailures: config.THROTTLE_RETRY_FAILURES,
      retryWindowMs: config.THROTTLE_RETRY_WINDOW * 1000,
      banMs: config.THROTTLE_BAN * 1000,
      banMaxMs: config.THROTTLE_BAN_MAX * 1000,
    },
    ...{ metrics, now, log },
  })
  const offer = { algorithms: config.ALGORITHMS, qop: config.QOP }
  return {
    authenticator: createAuthenticator({ source, nonces, replayGuard, throttle, decoy, metrics, log, ...offer }),
    ha1Lookup: createHa1Lookup({ source, decoy }),
    rotateNonceSecrets: (secrets) => nonces.rotate(reveal(secrets)),
  }
}

function reveal(secrets: readonly Secret[]): readonly string[] {
  return secrets.map((secret) => secret.reveal())
}
