import type { Cluster, Redis } from 'ioredis'

/** Why a server is not there, as its last connection told. */
export type Absence = {
  /** In words, where it refuses whoever connects; undefined where it does not. */
  readonly refusal: string | undefined
  /** In words, whatever it is. */
  readonly whyAway: string
}

const REFUSALS = /^(WRONGPASS|NOAUTH|NOPERM|ERR .*(AUTH|password))/

/** Keeps in mind what the client's last connection failed with, until one is ready. */
export function followAbsence(client: Redis | Cluster): Absence {
  let failure: string | undefined
  client.on('error', (error: Error & { readonly lastNodeError?: Error }) => {
    failure = (error.lastNodeError ?? error).message
  })
  client.on('ready', () => {
    failure = undefined
  })
  return {
    get refusal() {
      const isRefused = failure !== undefined && REFUSALS.test(failure)
      return isRefused ? `Redis refuses the user or password of REDIS_URL (${failure})` : undefined
    },
    get whyAway() {
      return this.refusal ?? `Redis at REDIS_URL does not answer${failure ? ` (${failure})` : ''}`
    },
  }
}
