import type { SoakNode, SoakSite } from './soak-site.js'

/** A fault that comes and goes. */
export type SoakFault = {
  readonly what: string
  begin(site: SoakSite, node: SoakNode): unknown
  end(site: SoakSite, node: SoakNode): unknown
  /** Whether checks get 503 while it lasts, on every node or on the one that is killed. */
  readonly silences?: 'all' | 'one'
}

/**
 * Longest time for which a right password may be answered 503 when a fault begins, and when it ends: see "What an outage
 * means" in docs/operations.md.
 */
export const DISTURBANCE_MS = 3_000

const nothing = () => undefined

/** What stores and processes do in bad nights. */
export const SOAK_FAULTS: readonly SoakFault[] = [
  { what: 'Redis stopped', begin: ({ redis }) => redis.stop(), end: ({ redis }) => redis.restart() },
  { what: 'Redis paused', begin: ({ redis }) => redis.pause(), end: ({ redis }) => redis.resume() },
  { what: 'Redis flushed', begin: ({ redis }) => redis.cli('FLUSHALL'), end: nothing },
  { what: 'Redis replaced by an empty one', begin: ({ redis }) => redis.restart(), end: nothing },
  {
    what: 'Redis out of memory',
    begin: ({ redis }) => redis.cli('CONFIG', 'SET', 'maxmemory', '1'),
    end: ({ redis }) => redis.cli('CONFIG', 'SET', 'maxmemory', '0'),
  },
  {
    what: 'Redis a read-only replica',
    begin: ({ redis }) => redis.cli('REPLICAOF', '127.0.0.1', '1'),
    end: ({ redis }) => redis.cli('REPLICAOF', 'NO', 'ONE'),
  },
  {
    what: 'PostgreSQL stopped',
    begin: ({ postgres }) => postgres.stop(),
    end: ({ postgres }) => postgres.restart(),
  },
  {
    what: 'PostgreSQL crashed',
    begin: ({ postgres }) => postgres.stop('SIGKILL'),
    end: ({ postgres }) => postgres.restart(),
  },
  { what: 'PostgreSQL paused', begin: ({ postgres }) => postgres.pause(), end: ({ postgres }) => postgres.resume() },
  {
    what: 'PostgreSQL out of connections',
    begin: ({ asOwner }) =>
      asOwner(
        'alter role app connection limit 0',
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'`,
      ),
    end: ({ asOwner }) => asOwner('alter role app connection limit -1'),
  },
  {
    what: 'a node killed',
    begin: (site, node) => site.kill(node),
    end: (site, node) => site.revive(node),
    silences: 'one',
  },
  {
    what: 'both stores away',
    begin: ({ redis, postgres }) => Promise.all([redis.stop(), postgres.stop()]),
    end: ({ redis, postgres }) => Promise.all([redis.restart(), postgres.restart()]),
    silences: 'all',
  },
]
