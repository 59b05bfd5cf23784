import { isAlgorithmAvailable } from './digest/algorithm.js'
import * as settings from './settings.js'
import { Fault, type Parser } from './settings.js'

/** Every variable that is read, with its default as it would be written; see the README's table. */
const VARIABLES = {
  HOST: [settings.text, '127.0.0.1'],
  API_PORT: [settings.port, '8080'],
  AUTH_PORT: [settings.port, '8081'],
  SIP_PORT: [settings.portOrOff, '5060'],
  SIP_TLS_PORT: [settings.portOrOff, 'off'],
  SIP_WS_PORT: [settings.portOrOff, 'off'],
  SIP_TLS_CERT: [settings.pemFile],
  SIP_TLS_KEY: [settings.pemFile],
  SIP_NEXT_HOP: [settings.sipUri],
  DATABASE_URL: [settings.url('postgres', 'postgresql')],
  REDIS_URL: [settings.url('redis', 'rediss', 'unix', 'redis+cluster', 'redis+sentinel')],
  DATA_DIR: [settings.text, './data'],
  SIP_DOMAIN: [settings.sipDomain, 'sip.localhost'],
  MASTER_ACCOUNT_SID: [settings.accountSid],
  MASTER_AUTH_TOKEN: [settings.token],
  PROXY_TOKEN: [settings.token],
  HA1_TOKEN: [settings.token],
  NONCE_SECRET: [settings.nonceSecrets],
  NONCE_SECRET_FILE: [settings.text],
  NONCE_TTL: [settings.integer(1, 86_400, 'a number of seconds from 1 to 86400'), '300'],
  QOP: [settings.qop, 'auth'],
  ALGORITHMS: [settings.algorithms, 'MD5'],
  THROTTLE_USER_FAILURES: [settings.integer(0, 10_000), '10'],
  THROTTLE_SOURCE_FAILURES: [settings.integer(0, 10_000), '100'],
  THROTTLE_WINDOW: [settings.integer(1, 86_400, 'a number of seconds from 1 to 86400'), '60'],
  THROTTLE_BAN: [settings.integer(1, 86_400, 'a number of seconds from 1 to 86400'), '60'],
  THROTTLE_BAN_MAX: [settings.integer(1, 86_400, 'a number of seconds from 1 to 86400'), '3600'],
  LOG_LEVEL: [settings.oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']), 'info'],
} as const satisfies Readonly<Record<string, readonly [Parser<unknown>, string?]>>

type Name = keyof typeof VARIABLES
type Value<N extends Name> = ReturnType<(typeof VARIABLES)[N][0]>
type Defaulted = { [N in Name]: (typeof VARIABLES)[N] extends readonly [unknown, string] ? N : never }[Name]

/** The configuration by the variables' own names; those without a default may be undefined. */
export type Config = { readonly [N in Defaulted]: Value<N> } & {
  readonly [N in Exclude<Name, Defaulted>]: Value<N> | undefined
}

/** A wrong configuration: every fault at once, each naming the variable and the rule. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(readonly faults: readonly string[]) {
    super(`the configuration is wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
  }
}

/**
 * Reads the configuration; a variable that is empty counts as not set. The only reader of the environment.
 * Throws a `ConfigError` that names all faults.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, [parse, fallback]] of Object.entries<readonly [Parser<unknown>, string?]>(VARIABLES)) {
    const text = env[name]?.trim() || fallback
    if (text === undefined) continue
    try {
      values[name] = parse(text)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      faults.push(`${name} ${error.message}`)
    }
  }
  const config = values as Config
  faults.push(...findConflicts(config))
  if (faults.length > 0) throw new ConfigError(faults)
  return config
}

/** Rules that more than one variable makes. */
function findConflicts(config: Config): string[] {
  const faults: string[] = []
  const tlsOn = config.SIP_TLS_PORT !== undefined && config.SIP_TLS_PORT !== 'off'
  for (const name of ['SIP_TLS_CERT', 'SIP_TLS_KEY'] as const) {
    if (tlsOn && config[name] === undefined) faults.push(`${name} must be set where SIP_TLS_PORT is`)
  }
  if (config.HA1_TOKEN && config.PROXY_TOKEN && config.HA1_TOKEN.reveal() === config.PROXY_TOKEN.reveal()) {
    faults.push('HA1_TOKEN must differ from PROXY_TOKEN')
  }
  if (config.NONCE_SECRET_FILE && config.NONCE_SECRET) {
    faults.push('NONCE_SECRET must not be set beside NONCE_SECRET_FILE')
  }
  for (const algorithm of config.ALGORITHMS ?? []) {
    if (!isAlgorithmAvailable(algorithm))
      faults.push(`ALGORITHMS holds ${algorithm}, which this Node.js does not offer`)
  }
  if (config.THROTTLE_BAN_MAX < config.THROTTLE_BAN) faults.push('THROTTLE_BAN_MAX must not be below THROTTLE_BAN')
  faults.push(...findTakenTwice(config))
  return faults
}

function findTakenTwice(config: Config): string[] {
  const names = ['API_PORT', 'AUTH_PORT', 'SIP_PORT', 'SIP_TLS_PORT', 'SIP_WS_PORT'] as const
  const owners = new Map<number, string>()
  const faults: string[] = []
  for (const name of names) {
    const port = config[name]
    if (typeof port !== 'number' || port === 0) continue
    const owner = owners.get(port)
    if (owner) faults.push(`${name} must differ from ${owner}`)
    else owners.set(port, name)
  }
  return faults
}
