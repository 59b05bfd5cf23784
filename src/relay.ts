import type pg from 'pg'
import type { Log } from './log.js'
import type { Metrics } from './metrics.js'
import type { Mirror, MirrorRecord, Truth } from './mirror/mirror.js'
import type { Publisher } from './provision/publisher.js'
import { inTransaction } from './store/database.js'
import {
  type Change,
  claimChanges,
  deleteChanges,
  hasChangesUpTo,
  measureBacklog,
  type VersionedKey,
} from './store/outbox.js'

/** Younger changes are left to the node that wrote them and is mirroring them at this moment. */
const OWN_WRITER_MS = 250
const BATCH = 500
const POLL_MS = 2_000
const RETRY_MS = 250

/** Brings what was committed into the mirror: at once for this node's writes, later for whatever was left over. */
export type Relay = Publisher & {
  /** Begins to look for left-over changes, at every wake and every few seconds. */
  start(): void
  /** Something was committed, here or elsewhere; looks soon. */
  wake(): void
  /** Takes another node's change into a mirror that is not shared; its writer has the outbox row. */
  follow(change: VersionedKey): Promise<void>
  /** Ends the rounds; one that runs is finished first. */
  close(): Promise<void>
}

export function createRelay(deps: {
  readonly pool: pg.Pool
  readonly mirror: Mirror
  readonly truth: Truth
  readonly metrics: Metrics
  readonly log: Log
}): Relay {
  const { pool, mirror, truth, metrics, log } = deps
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  let closed = false
  /** Newest change of this node's own that could not be mirrored; until it is, nothing is read from the mirror. */
  let failedUpTo: string | undefined

  async function mirrorChanges(changes: readonly VersionedKey[]): Promise<void> {
    await mirror.apply(await toRecords(truth, changes))
  }

  async function publish(changes: readonly Change[]): Promise<void> {
    try {
      for (let start = 0; start < changes.length; start += BATCH) {
        const slice = changes.slice(start, start + BATCH)
        await mirrorChanges(slice)
        await deleteChanges(pool, slice)
      }
    } catch (error) {
      log.warn({ err: error, changes: changes.length }, 'changes could not be mirrored yet; the relay goes on trying')
      failedUpTo = changes.reduce((max, { id }) => (BigInt(id) > BigInt(max) ? id : max), failedUpTo ?? '0')
      mirror.setBehind(true)
      schedule(RETRY_MS)
    }
  }

  /** Mirrors one batch of left-over changes; the answer says whether there may be more. */
  async function relayBatch(): Promise<boolean> {
    return inTransaction(pool, async (tx) => {
      const changes = await claimChanges(tx, BATCH, OWN_WRITER_MS)
      if (changes.length === 0) return false
      await mirrorChanges(changes)
      await deleteChanges(tx, changes)
      log.info({ changes: changes.length }, 'left-over changes mirrored')
      return changes.length === BATCH
    })
  }

  async function runRound(): Promise<void> {
    let next = POLL_MS
    try {
      while (await relayBatch());
      if (failedUpTo !== undefined) {
        if (await hasChangesUpTo(pool, failedUpTo)) next = RETRY_MS
        else {
          failedUpTo = undefined
          mirror.setBehind(false)
        }
      }
      const backlog = await measureBacklog(pool)
      metrics.outboxPending.set(backlog.pending)
      metrics.mirrorLagSeconds.set(backlog.oldestAgeSeconds)
    } catch (error) {
      log.debug({ err: error }, 'the relay could not go on yet')
      next = failedUpTo === undefined ? POLL_MS : RETRY_MS
    }
    round = undefined
    schedule(next)
  }

  function schedule(delayMs: number): void {
    if (closed || round) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      round = runRound()
    }, delayMs)
  }

  return {
    publish,
    start: () => schedule(0),
    wake: () => schedule(OWN_WRITER_MS + 50),
    follow: (change) => mirrorChanges([change]),
    async close() {
      closed = true
      clearTimeout(timer)
      await round
    },
  }
}

/** What the mirror is to hold of the changed keys now; where there is no row any more, a tombstone of the change. */
async function toRecords(truth: Truth, changes: readonly VersionedKey[]): Promise<readonly MirrorRecord[]> {
  const found = await truth.read(changes)
  const known = new Set(found.map(nameOf))
  const gone = changes.filter((change) => !known.has(nameOf(change)))
  return [...found, ...gone.map(toTombstone)]
}

function nameOf({ realm, username }: { readonly realm: string; readonly username: string | undefined }): string {
  return username === undefined ? realm : `${realm}:${username}`
}

function toTombstone({ realm, username, version }: VersionedKey): MirrorRecord {
  if (username === undefined) return { realm, username, version, algorithms: undefined }
  return { realm, username, version, credential: undefined }
}
