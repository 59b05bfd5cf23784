import { Redis } from 'ioredis'
import t from 'tap'
import { keepReconnecting } from '../../src/redis/reconnect.js'
import { startRedis } from '../fixtures/redis.js'
import { until } from '../fixtures/until.js'

t.test(
  'a connection to a server that hangs is left once, however often that is asked for, and then another made',
  async (t) => {
    const server = await startRedis(t)
    const client = keepReconnecting(new Redis(server.url.replace('unix://', ''), { disconnectTimeout: 50 }))
    t.teardown(() => client.disconnect())
    client.on('error', () => undefined)
    await until(() => client.status === 'ready')
    const { stream } = client
    server.pause()
    t.teardown(() => server.resume())
    client.disconnect(true)
    const listeners = stream.listenerCount('close')
    for (let times = 0; times < 20; times++) client.disconnect(true)
    t.equal(stream.listenerCount('close'), listeners)
    server.resume()
    await until(() => client.status === 'ready' && client.stream !== stream)
    client.disconnect(true)
    await until(() => client.status !== 'ready')
    await until(() => client.status === 'ready')
  },
)
