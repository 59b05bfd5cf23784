import type { Cluster, Redis } from 'ioredis'

/**
 * Sends the commands of one turn of the event loop in two writes, however many they are: the first one at once, and all
 * that come after it together at the end of the turn. A write to a socket takes longer than the command itself, and
 * nobody waits for more to come. A cluster's commands go to several sockets and stay as they are.
 */
export function writeTogether<Client extends Redis | Cluster>(client: Client): Client {
  if (client.isCluster) return client
  const single = client as Redis
  const send = single.sendCommand.bind(single)
  /** What this turn has written to, and whether it holds back what comes. */
  let written: Redis['stream'] | undefined
  let holding = false

  function endTurn(): void {
    if (holding) written?.uncork()
    holding = false
    written = undefined
  }

  single.sendCommand = (...command) => {
    if (written === undefined) {
      if (single.status === 'ready') {
        written = single.stream
        setImmediate(endTurn)
      }
    } else if (!holding) {
      holding = true
      written.cork()
    }
    return send(...command)
  }
  return client
}
