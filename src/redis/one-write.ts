import type { Cluster, Redis } from 'ioredis'

/** What is worth a write of its own. */
const ENOUGH_BYTES = 1_024

/**
 * Sends commands in few writes, however many come at a time: one goes out at once where no answer is awaited; all that
 * come while one is go together at the end of the turn of the event loop. A write to a socket takes longer than the
 * command itself, and nobody waits for more to come. A cluster's commands go to several sockets and stay as they are.
 */
export function writeTogether<Client extends Redis | Cluster>(client: Client): Client {
  if (client.isCluster) return client
  const single = client as Redis
  const send = single.sendCommand.bind(single)
  /** What holds back what is written to it until the turn ends. */
  let held: Redis['stream'] | undefined

  function endTurn(): void {
    held?.uncork()
    held = undefined
  }

  /** Before the turn ends, where there is enough: the server is to work while this process makes the rest. */
  function writeEnough(): void {
    if (held === undefined || held.writableLength < ENOUGH_BYTES) return
    held.uncork()
    held.cork()
  }

  single.sendCommand = (...command) => {
    if (held === undefined && single.commandQueue.length > 0 && single.status === 'ready') {
      held = single.stream
      held.cork()
      setImmediate(endTurn)
    }
    const sent = send(...command)
    writeEnough()
    return sent
  }
  return client
}
