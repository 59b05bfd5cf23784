import { findConflicts } from './conflicts.js'
import * as settings from './settings.js'
import { Fault, type Parser } from './settings.js'
import { findUnknownVariables, type UnknownVariable } from './unknown-variables.js'

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
  MASTER_AUTH_TOKEN: [settings.tokens],
  PROXY_TOKEN: [settings.token],
  HA1_TOKEN: [settings.token],
  NONCE_SECRET: [settings.nonceSecrets],
  NONCE_SECRET_FILE: [settings.nonceSecretFile],
  NONCE_SECRET_DELAY: [settings.integer(0, 3_600, 'a number of seconds from 0 to 3600'), '10'],
  NONCE_TTL: [settings.integer(1, 86_400, 'a number of seconds from 1 to 86400'), '300'],
  QOP: [settings.qop, 'auth'],
  ALGORITHMS: [settings.algorithms, 'MD5'],
  REPLAY_GUARD: [settings.oneOf(['strict', 'available']), 'available'],
  THROTTLE_USER_FAILURES: [settings.integer(0, 10_000), '10'],
  THROTTLE_SOURCE_FAILURES: [settings.integer(0, 10_000), '100'],
  THROTTLE_WINDOW: [settings.integer(1, 86_400, 'a number of seconds from 1 to 86400'), '60'],
  THROTTLE_RETRY_FAILURES: [settings.integer(0, 10_000), '20'],
  THROTTLE_RETRY_WINDOW: [settings.integer(1, 86_400, 'a number of seconds from 1 to 86400'), '3600'],
  THROTTLE_BAN: [settings.integer(1, 86_400, 'a number of seconds from 1 to 86400'), '60'],
  THROTTLE_BAN_MAX: [settings.integer(1, 86_400, 'a number of seconds from 1 to 86400'), '3600'],
  NEAR_CACHE_SIZE: [settings.integer(0, 10_000_000), '100000'],
  API_RATE_LIMIT: [settings.integer(0, 1_000_000), '1000'],
  API_AUTH_FAILURES: [settings.integer(0, 1_000_000), '100'],
  API_TRUSTED_PROXIES: [settings.networks],
  AUDIT_RETENTION_DAYS: [settings.integer(0, 36_500, 'a number of days from 0 to 36500'), '400'],
  DRAIN_DELAY: [settings.integer(0, 3_600, 'a number of seconds from 0 to 3600'), '0'],
  WORKERS: [settings.integer(1, 64, 'a number of processes from 1 to 64'), '1'],
  LOG_LEVEL: [settings.oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']), 'info'],
} as const satisfies Readonly<Record<string, readonly [Parser<unknown>, string?]>>

/** Names of all variables that are read. */
export const VARIABLE_NAMES: readonly string[] = Object.keys(VARIABLES)

type Name = keyof typeof VARIABLES
type Value<N extends Name> = ReturnType<(typeof VARIABLES)[N][0]>
type Defaulted = { [N in Name]: (typeof VARIABLES)[N] extends readonly [unknown, string] ? N : never }[Name]

/** The configuration by the variables' own names; those without a default may be undefined. */
export type Config = { readonly [N in Defaulted]: Value<N> } & {
  readonly [N in Exclude<Name, Defaulted>]: Value<N> | undefined
}

/** Names of the variables whose values are generated once and kept where they are not set. */
const GENERATED = ['MASTER_ACCOUNT_SID', 'MASTER_AUTH_TOKEN', 'PROXY_TOKEN', 'NONCE_SECRET'] as const

export type GeneratedName = (typeof GENERATED)[number]

/** The generated variables that this configuration leaves to DATA_DIR. */
export function generatedNames(config: Config): readonly GeneratedName[] {
  return GENERATED.filter(
    (name) => config[name] === undefined && !(name === 'NONCE_SECRET' && config.NONCE_SECRET_FILE !== undefined),
  )
}

/** A wrong configuration: every fault at once, each naming the variable and the rule. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(readonly faults: readonly string[]) {
    super(`the configuration is wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
  }
}

/**
 * Reads the configuration; a variable that is empty counts as not set. Throws a `ConfigError` that names all faults.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const { config, faults } = examineConfig(env)
  if (faults.length > 0) throw new ConfigError(faults)
  return config
}

/**
 * Reads what can be read and names every fault; the config lacks the variables that are faulty.
 */
export function examineConfig(env: NodeJS.ProcessEnv = process.env): { config: Config; faults: string[] } {
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
  faults.push(...findConflicts(config, (name) => Boolean(env[name]?.trim())))
  return { config, faults }
}

/** Finds the variables that look like ours and are none. */
export function unknownVariables(env: NodeJS.ProcessEnv = process.env): readonly UnknownVariable[] {
  return findUnknownVariables(env, VARIABLE_NAMES)
}
