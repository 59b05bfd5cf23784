import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Log } from '../log.js'
import { addCircuit, type Circuit } from './circuit.js'
import { writeTogether } from './one-write.js'
import { keepReconnecting } from './reconnect.js'

/** A connection to Redis or Valkey in any of their arrangements. */
export type RedisClient = (Redis | Cluster) & Circuit

/** Longest wait for one command's answer; what takes longer counts as an outage. A proxy waits a second in all. */
const COMMAND_TIMEOUT_MS = 250
const CONNECT_TIMEOUT_MS = 1_000

/**
 * Nothing is queued for a server that is away: the caller turns to PostgreSQL at once. Reconnecting goes on for ever,
 * at most a second apart. A server that has become a replica is left, in case that its address leads elsewhere by now.
 */
const OPTIONS = {
  protocol: 2,
  connectTimeout: CONNECT_TIMEOUT_MS,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
  // Redis 6 has it in the middle of the message, where a script met it.
  reconnectOnError: (error: Error) => /\bREADONLY\b/.test(error.message),
  connectionName: 'sipauthd',
} as const satisfies RedisOptions

/**
 * Connects to `redis://`, `rediss://`, `unix://path`, `redis+cluster://host:port,…` or
 * `redis+sentinel://host:port,…/master`; user and password stand before an `@`, a database number in the path. A
 * `unix://` takes them in its query: `?db=1&username=…&password=…`. Returns at once; connecting goes on by itself.
 * `now` is in milliseconds.
 */
export function connectRedis(url: string, log: Log, now: () => number = Date.now): RedisClient {
  const opened = writeTogether(open(url))
  // A cluster asks its nodes for itself too, so each of them has a limit of its own.
  const client = addCircuit(opened, { now, limitMs: opened.isCluster ? undefined : COMMAND_TIMEOUT_MS })
  client.on('error', (error) => log.debug({ err: error }, 'the connection to Redis failed'))
  return client
}

function open(url: string): Redis | Cluster {
  const scheme = url.slice(0, url.indexOf('://'))
  if (scheme === 'unix') return openUnix(url)
  if (scheme === 'redis+cluster') return openCluster(url)
  if (scheme === 'redis+sentinel') return openSentinel(url)
  return new Redis(url, OPTIONS)
}

function openUnix(url: string): Redis {
  const { pathname, searchParams } = new URL(url.replace('unix:', 'redis:'))
  const [db, username, password] = ['db', 'username', 'password'].map((name) => searchParams.get(name))
  return new Redis({
    ...OPTIONS,
    ...(username && { username }),
    ...(password && { password }),
    path: decodeURIComponent(pathname),
    db: Number(db ?? 0),
  })
}

function openCluster(url: string): Cluster {
  const { hosts, ...login } = readHosts(url)
  return new Cluster(hosts, {
    redisOptions: { ...OPTIONS, commandTimeout: COMMAND_TIMEOUT_MS, ...login.credentials },
    enableOfflineQueue: false,
    clusterRetryStrategy: OPTIONS.retryStrategy,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
  })
}

function openSentinel(url: string): Redis {
  const { hosts, name, ...login } = readHosts(url)
  return keepReconnecting(
    new Redis({
      ...OPTIONS,
      ...login.credentials,
      sentinels: hosts,
      name: name || 'mymaster',
      failoverDetector: true,
      sentinelRetryStrategy: OPTIONS.retryStrategy,
      // One that hangs is left for the next one.
      sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
    }),
  )
}

/** Takes `scheme://user:password@host:port,host:port/name` apart. */
function readHosts(url: string) {
  const [, login, list = '', name] = /^[^:]+:\/\/(?:([^@/]*)@)?([^/]*)(?:\/(.*))?$/.exec(url) ?? []
  const [username = '', password = ''] = login?.split(':') ?? []
  const hosts = list.split(',').map((entry) => {
    const { hostname, port } = new URL(`redis://${entry}`)
    return { host: hostname, port: Number(port || 6379) }
  })
  return { hosts, name, credentials: credentials(username, password) }
}

function credentials(username: string, password: string): Pick<RedisOptions, 'username' | 'password'> {
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  }
}
