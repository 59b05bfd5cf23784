import { startProcess } from '../test/fixtures/process.js'
import { projectPath } from '../test/fixtures/project.js'
import type { Deployment } from './deployment.js'
import { startLoad } from './load.js'
import type { RegisterLoad } from './register-load.js'
import type { Row } from './report.js'
import { sideBySide } from './rounds.js'

const MS = 2_000
const ROUNDS = 5

/** Authenticated REGISTERs over UDP beside a socket that echoes the same datagrams; one in flight for each phone. */
export async function benchmarkNativeRegister({ sipauthd, realm, password, usernames }: Deployment): Promise<Row> {
  const bare = await startProcess(undefined, {
    command: process.execPath,
    args: [projectPath('dist-test/benchmarks/bare-echo.js')],
  })
  const [, barePort] = await bare.waitFor(/^ready (\d+)/m)
  const start = (port: number, good: string) =>
    startLoad<RegisterLoad>('register-load', { port, good, realm, password, usernames })
  const ours = await start(sipauthd.sip.port, 'SIP/2.0 200')
  const limit = await start(Number(barePort), 'REGISTER ')
  const figures = await sideBySide(
    () => ours.run(MS),
    () => limit.run(MS),
    ROUNDS,
  )
  await Promise.all([ours.stop(), limit.stop(), bare.stop()])
  return { what: `native REGISTER, UDP, ${usernames.length} phones`, limitIs: 'bare UDP echo', unit: '/s', ...figures }
}
