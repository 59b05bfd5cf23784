import type { Redis } from 'ioredis'

const RETRY_MS = 250

/**
 * Connects a client anew that has ended although nobody closed it. ioredis goes on by itself when a connection is lost,
 * but gives up for good where a Sentinel tells of a failover while it is asking that Sentinel for the master's address.
 */
export function keepReconnecting<Client extends Redis>(client: Client): Client {
  let isWanted = true
  /** The connection that is being left already: a server that hangs does not even take its end. */
  let left: Redis['stream'] | undefined
  const disconnect = client.disconnect.bind(client)
  client.disconnect = (reconnect = false) => {
    if (!reconnect) isWanted = false
    // Each time adds a listener to the connection, for as long as that does not close.
    else if (client.stream && client.stream === left) return
    left = client.stream
    disconnect(reconnect)
  }

  async function connect(): Promise<void> {
    if (!isWanted) return
    // The client emits the error as well, and ends once more.
    await client.connect().catch(() => undefined)
  }

  client.on('end', () => {
    setTimeout(connect, RETRY_MS).unref()
  })
  return client
}
