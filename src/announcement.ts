import type { Config } from './config.js'
import type { Bound } from './doors.js'
import { firstSteps } from './first-steps.js'
import type { LoadedSecrets } from './secrets.js'

/** What a start prints below its `ready` line: the first one what was generated, once; every one the first steps. */
export function announce(config: Config, { generated, path, kept }: LoadedSecrets, bound: Bound): string {
  const {
    ALGORITHMS: [algorithm = 'MD5'],
    QOP,
  } = config
  const steps = firstSteps({ ...bound, algorithm, hasQop: QOP.includes('auth'), secretsPath: path, kept })
  if (generated.length === 0) return `${steps}\n`
  const shown = generated.filter(({ name }) => name !== 'NONCE_SECRET').map(({ name, value }) => `  ${name}=${value}`)
  return ['', `generated and kept in ${path}, shown this once:`, ...shown, steps, ''].join('\n')
}
