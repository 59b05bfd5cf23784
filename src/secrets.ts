import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { type Config, ConfigError, type GeneratedName, generatedNames } from './config.js'
import type { Secret } from './secret.js'
import { addToSecretsFile, readSecretsFile, replaceInSecretsFile } from './secrets-file.js'
import { accountSid, Fault, nonceSecrets, type Parser, readNonceSecrets, token, tokens } from './settings.js'
import { createSid, createToken } from './sid.js'

/** What must be secret or must never change by itself: configured, or generated once and kept. */
export type Secrets = {
  readonly masterAccountSid: string
  /** All of them are good; newest first. */
  readonly masterAuthTokens: readonly Secret[]
  readonly proxyToken: Secret
  /** Opens `/v1/ha1` alone; undefined: the proxy token does. */
  readonly ha1Token: Secret | undefined
  /** Newest first. */
  readonly nonceSecrets: readonly Secret[]
}

/** The secrets with what the first start tells about them. */
export type LoadedSecrets = {
  readonly secrets: Secrets
  /** Where generated ones are kept, as a file that a shell can read; an absolute path. */
  readonly path: string
  /** Those that were generated just now, to be shown once. */
  readonly generated: readonly { readonly name: string; readonly value: string }[]
  /** Names of those that come from the file. */
  readonly kept: readonly string[]
}

const GENERATORS: Readonly<Record<GeneratedName, () => string>> = {
  MASTER_ACCOUNT_SID: () => createSid('account'),
  MASTER_AUTH_TOKEN: createToken,
  PROXY_TOKEN: createToken,
  NONCE_SECRET: () => randomBytes(32).toString('hex'),
}

/**
 * Takes the secrets from the configuration, and what is not there from `<DATA_DIR>/secrets.env`, generating it once.
 * Rejects with a `ConfigError` where a file holds what cannot be one.
 */
export async function loadSecrets(config: Config): Promise<LoadedSecrets> {
  const path = resolve(config.DATA_DIR, 'secrets.env')
  const kept = generatedNames(config)
  const { values, generated } = await readOrGenerate(path, kept)

  function take<T>(name: GeneratedName, parse: Parser<T>): T {
    return named(`${name} in ${path}`, () => parse(values.get(name) ?? ''))
  }

  return {
    path,
    generated,
    kept,
    secrets: {
      masterAccountSid: config.MASTER_ACCOUNT_SID ?? take('MASTER_ACCOUNT_SID', accountSid),
      masterAuthTokens: config.MASTER_AUTH_TOKEN ?? take('MASTER_AUTH_TOKEN', tokens),
      proxyToken: config.PROXY_TOKEN ?? take('PROXY_TOKEN', token),
      ha1Token: config.HA1_TOKEN,
      nonceSecrets: config.NONCE_SECRET_FILE
        ? readNonceSecretFile(config.NONCE_SECRET_FILE)
        : (config.NONCE_SECRET ?? take('NONCE_SECRET', nonceSecrets)),
    },
  }
}

/** Reads `NONCE_SECRET_FILE`: secrets separated by commas or line ends, newest first. Throws a `ConfigError`. */
export function readNonceSecretFile(path: string): readonly Secret[] {
  return named('NONCE_SECRET_FILE', () => readNonceSecrets(path))
}

/**
 * Puts a new master token first in the file that keeps it; the one before stays second, and no older one stays, unless
 * none is to. Rejects with a `ConfigError` where the file cannot be understood.
 */
export async function rotateKeptMasterToken(path: string, value: string, keepPrevious: boolean): Promise<void> {
  const { values } = await readSecretsFile(path, ['MASTER_AUTH_TOKEN'])
  const [previous] = values.get('MASTER_AUTH_TOKEN')?.split(',') ?? []
  const kept = keepPrevious && previous !== undefined ? [value, previous] : [value]
  await replaceInSecretsFile(path, 'MASTER_AUTH_TOKEN', kept.join(','))
}

/** Gives a broken rule the name of what broke it. */
function named<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof Fault ? new ConfigError([`${name} ${error.message}`]) : error
  }
}

async function readOrGenerate(path: string, names: readonly GeneratedName[]) {
  for (;;) {
    const file =
      names.length === 0 ? { text: '', values: new Map<string, string>() } : await readSecretsFile(path, names)
    const missing = names.filter((name) => !file.values.has(name))
    const generated = missing.map((name) => ({ name, value: GENERATORS[name]() }))
    if (generated.length > 0 && !(await addToSecretsFile(path, file, generated))) continue
    return {
      values: new Map([...file.values, ...generated.map(({ name, value }) => [name, value] as const)]),
      generated,
    }
  }
}
