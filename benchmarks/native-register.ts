import { startProcess } from '../test/fixtures/process.js'
import { projectPath } from '../test/fixtures/project.js'
import type { Deployment } from './deployment.js'
import { startLoad } from './load.js'
import type { RegisterLoad } from './register-load.js'
import type { Row } from './report.js'
import { sideBySide } from './rounds.js'

const MS = 2_000
const ROUNDS = 5

/** Until V8 has compiled and compiled again what such a load runs through, which is more than a round. */
const WARM_UP_MS = 6_000

/**
 * Authenticated REGISTERs over UDP beside a responder that parses the same datagrams with the `sip` package and answers
 * what is hard coded; one in flight for each phone.
 */
export async function benchmarkNativeRegister({ sipauthd, realm, password, usernames }: Deployment): Promise<Row> {
  const bare = await startProcess(undefined, {
    command: process.execPath,
    args: [projectPath('dist-test/benchmarks/bare-sip-responder.js')],
  })
  const [, barePort] = await bare.waitFor(/^ready (\d+)/m)
  const start = (port: number) => startLoad<RegisterLoad>('register-load', { port, realm, password, usernames })
  const [ours, limit] = [await start(sipauthd.sip.port), await start(Number(barePort))]
  for (const load of [ours, limit]) await load.run(WARM_UP_MS)
  const figures = await sideBySide(
    () => ours.run(MS),
    () => limit.run(MS),
    ROUNDS,
  )
  await Promise.all([ours.stop(), limit.stop(), bare.stop()])
  const what = `native REGISTER, UDP, ${usernames.length} phones`
  return { what, limitIs: 'bare `sip` parser, fixed answers', unit: '/s', target: { atLeast: 0.8 }, ...figures }
}
