import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Kamailio, startKamailio } from '../test/fixtures/kamailio.js'
import { projectPath } from '../test/fixtures/project.js'
import { scratchFolder } from '../test/fixtures/scratch.js'

/** Eight workers, as the shipped configuration has them, and memory for the transactions of some 20 s. */
const KAMAILIO_ARGS = ['-n', '8', '-m', '1024', '-M', '16']

/** Kamailio as it is shipped, asking that lookup API, or what stands in its place. */
export function startAsking(address: string, proxyToken: string): Promise<Kamailio> {
  const defines = { SIPAUTHD_ADDRESS: address, SIPAUTHD_TOKEN: proxyToken }
  return startKamailio(undefined, { config: projectPath('kamailio/kamailio.cfg'), defines, extraArgs: KAMAILIO_ARGS })
}

/** Kamailio with the route of kamailio/README.md that reads Redis itself. */
export function startReadingRedis(socket: string): Promise<Kamailio> {
  const [, redis = ''] = readmeBlocks()
  return startWithRoute(redis.replace('/run/redis/redis-server.sock', socket), 'SIPAUTH_REDIS')
}

/** The same with Kamailio's own table of users, in that PostgreSQL. */
export function startWithAuthDb(databaseUrl: string): Promise<Kamailio> {
  const route = readFileSync(projectPath('benchmarks/kamailio-auth-db.cfg'), 'utf8')
  return startWithRoute(route.replace('DATABASE', `"${databaseUrl}"`), 'SIPAUTH_DB')
}

/**
 * The README's least configuration around a route that authenticates. The phone is answered instead of having its
 * binding stored: that would cost both the same and hide what is compared.
 */
async function startWithRoute(route: string, name: string): Promise<Kamailio> {
  const [least = ''] = readmeBlocks()
  const text = least
    .replace('include_file "sipauth.cfg"', route)
    .replace('route(SIPAUTH);', `route(${name});`)
    .replace(/save\(.*\);/, 't_reply("200", "OK");')
  const folder = await scratchFolder('kamailio-route')
  const config = join(folder, `${name}.cfg`)
  writeFileSync(config, `#!KAMAILIO\n${text}`)
  copyFileSync(projectPath('kamailio/sipauth.cfg'), join(folder, 'sipauth.cfg'))
  return startKamailio(undefined, { config, extraArgs: KAMAILIO_ARGS })
}

/** The configurations that kamailio/README.md shows: the least around the route, and the route that reads Redis. */
function readmeBlocks(): readonly string[] {
  const text = readFileSync(projectPath('kamailio/README.md'), 'utf8')
  return Array.from(text.matchAll(/```kamailio\n(.*?)```/gs), ([, block]) => block ?? '')
}
