import { type Cluster, type Command, type Redis, ReplyError } from 'ioredis'
import { type Absence, followAbsence } from './absence.js'

/** How long a server that did not answer in time is left alone. */
const REST_MS = 1_000

/** What ioredis says too of a command that took longer than its `commandTimeout`. */
const TIMED_OUT = 'Command timed out'

/** What ioredis says of a command for which there is no connection. */
const NOT_CONNECTED = /enableOfflineQueue options is false/

/** How often it is looked at what was not answered. */
const LOOK_MS = 25

/** Whether a server is asked at all, and why it is away if it is. */
export type Circuit = Absence & {
  /** False for a second after a command that was not answered in time: until then commands fail at once. */
  readonly answering: boolean
}

/** Whether commands of a name have a key; to find their keys takes longer than to write them. */
const KEYED = new Map<string, boolean>()

function hasKey(command: Command): boolean {
  const known = KEYED.get(command.name)
  if (known !== undefined) return known
  const has = command.getKeys().length > 0
  KEYED.set(command.name, has)
  return has
}

/**
 * Spares whoever comes next the wait for a server that hangs: after a command that was not answered in time, commands
 * fail at once for a second; then one goes through and tells for all. Any answer, a late one too, ends that. Commands
 * without a key always go through: those that open a connection, and PING, which asks how it is. `now` is in ms. For
 * each command that is not sent the client emits `unasked`.
 *
 * `limitMs` rejects each command that is not answered by then or a moment later; undefined leaves that to the client's
 * `commandTimeout`, whose timer for each command costs a lookup a twentieth of its time.
 */
export function addCircuit<Client extends Redis | Cluster>(
  client: Client,
  { now, limitMs }: { readonly now: () => number; readonly limitMs: number | undefined },
): Client & Circuit {
  let restUntil: number | undefined
  const send = client.sendCommand.bind(client) as (command: Command, ...rest: unknown[]) => unknown
  const waiting = createWaiting(limitMs)
  const absence = followAbsence(client)
  const isResting = () => restUntil !== undefined && now() < restUntil
  const rest = () => {
    restUntil = now() + REST_MS
  }
  const end = () => {
    restUntil = undefined
  }

  client.sendCommand = (command: Command, ...more: unknown[]) => {
    const keyed = hasKey(command)
    if (keyed && isResting()) {
      client.emit('unasked')
      command.reject(new Error('Redis did not answer a moment ago'))
      return command.promise
    }
    // The first one after the rest goes ahead alone.
    if (keyed && restUntil !== undefined) rest()
    const { resolve, reject } = command
    command.resolve = (answer) => {
      waiting.delete(command)
      if (keyed && restUntil !== undefined) end()
      resolve(answer)
    }
    command.reject = (error) => {
      waiting.delete(command)
      if (keyed && error.message === TIMED_OUT) rest()
      // That it refuses, or does not know a script, is an answer too.
      if (keyed && error instanceof ReplyError) end()
      reject(NOT_CONNECTED.test(error.message) ? new Error(absence.refusal ?? 'Redis is not connected') : error)
    }
    waiting.add(command)
    return send(command, ...more)
  }
  client.on('ready', end)
  return Object.defineProperties(client, {
    answering: { get: () => !isResting() },
    refusal: { get: () => absence.refusal },
    whyAway: { get: () => absence.whyAway },
  }) as Client & Circuit
}

/** Commands without an answer, oldest first, looked at by one timer for all. */
function createWaiting(limitMs: number | undefined) {
  const untilMs = new Map<Command, number>()
  let timer: NodeJS.Timeout | undefined

  /** A process that stood still reads first what came meanwhile. */
  function look(): void {
    setImmediate(giveUp)
  }

  function giveUp(): void {
    const nowMs = performance.now()
    for (const [command, until] of untilMs) {
      if (until > nowMs) return
      command.reject(new Error(TIMED_OUT))
    }
    if (untilMs.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    add(command: Command): void {
      if (limitMs === undefined) return
      untilMs.set(command, performance.now() + limitMs)
      timer ??= setInterval(look, LOOK_MS)
    },
    delete(command: Command): void {
      untilMs.delete(command)
    },
  }
}
