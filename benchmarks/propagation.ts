import { startNode } from '../test/e2e/node.js'
import { startPostgres } from '../test/fixtures/postgres.js'
import { startRedis } from '../test/fixtures/redis.js'
import type { Row } from './report.js'
import { quantile } from './rounds.js'

const CHANGES = 300
const REALM = 'pbx.example.com'

/**
 * How long a changed password takes from the answer of one node's management API to being in force on another node that
 * holds the old one near. The other node is asked with the old password again and again over HTTP; what counts is when
 * the first refusal is in hand, the check's own time included.
 */
export async function benchmarkPropagation(): Promise<Row[]> {
  const undo: (() => unknown)[] = []
  const owner = { teardown: (work: () => unknown) => undo.push(work) }
  const postgres = await startPostgres(owner)
  const redis = await startRedis(owner)
  const env = { DATABASE_URL: await postgres.createDatabase(), REDIS_URL: redis.url, API_RATE_LIMIT: '0' }
  const [writer, reader] = [await startNode(owner, env), await startNode(owner, env)]
  const list = await writer.createList(REALM)
  const sid = await writer.createUser(list, 'alice', passwordOf(0))
  const nonce = await reader.nonce(REALM)
  let count = 0
  const isIn = async (password: string) =>
    (await reader.present({ realm: REALM, username: 'alice', password }, nonce, ++count)) === 'ok'

  const times: number[] = []
  for (let change = 0; change < CHANGES; change++) {
    const old = passwordOf(change)
    // Twice: the second time it is near.
    if (!(await isIn(old)) || !(await isIn(old))) throw new Error('a right password was refused')
    const refusedAt = (async () => {
      while (await isIn(old));
      return performance.now()
    })()
    await writer.changePassword(list, sid, passwordOf(change + 1))
    const answeredAt = performance.now()
    times.push(Math.max(0, (await refusedAt) - answeredAt))
  }
  for (const work of undo.reverse()) await work()
  const note =
    'The first refusal of the old password on the other node, its own HTTP request included; 0 where that was in hand ' +
    'before the answer of the API.'
  const what = 'a changed password is in force on another node'
  return [
    { what: `${what}, p50`, unit: 'ms', ours: quantile(times, 0.5), target: { atMost: 1_000 }, note },
    { what: `${what}, p99`, unit: 'ms', ours: quantile(times, 0.99), target: { atMost: 1_000 } },
  ]
}

function passwordOf(change: number): string {
  return `Correct-Horse-${change}`
}
