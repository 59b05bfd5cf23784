import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * Puts a free port in the place of each 0. They are held until all are found, so that none is found twice, and are free
 * again when this resolves: whoever wants them must be quick.
 */
export async function fillInPorts(host: string, ports: readonly number[]): Promise<readonly number[]> {
  const holders = await Promise.all(ports.map((port) => (port === 0 ? hold(host) : undefined)))
  const found = ports.map((port, at) => {
    const holder = holders[at]
    return holder ? (holder.address() as AddressInfo).port : port
  })
  await Promise.all(holders.map((holder) => holder && new Promise((resolve) => holder.close(resolve))))
  return found
}

async function hold(host: string) {
  const server = createServer().listen({ host, port: 0, exclusive: true })
  await once(server, 'listening')
  return server
}
