import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, ConfigError } from './config.js'
import type { Secret } from './secret.js'
import { accountSid, fileContents, nonceSecrets, token } from './settings.js'
import { createSid, createToken } from './sid.js'

/** What must be secret or must never change by itself: configured, or generated once and kept. */
export type Secrets = {
  readonly masterAccountSid: string
  readonly masterAuthToken: Secret
  readonly proxyToken: Secret
  /** Opens `/v1/ha1` alone; undefined: the proxy token does. */
  readonly ha1Token: Secret | undefined
  /** Newest first. */
  readonly nonceSecrets: readonly Secret[]
}

/** The secrets with what the first start tells about them. */
export type LoadedSecrets = {
  readonly secrets: Secrets
  /** Where generated ones are kept, as a file that a shell can read. */
  readonly path: string
  /** Those that were generated just now, to be shown once. */
  readonly generated: readonly { readonly name: string; readonly value: string }[]
  /** Names of those that come from the file. */
  readonly kept: readonly string[]
}

const GENERATORS = {
  MASTER_ACCOUNT_SID: () => createSid('account'),
  MASTER_AUTH_TOKEN: createToken,
  PROXY_TOKEN: createToken,
  NONCE_SECRET: () => randomBytes(32).toString('hex'),
} as const

type Generated = keyof typeof GENERATORS

/** Takes the secrets from the configuration, and what is not there from `<DATA_DIR>/secrets.env`, generating it once. */
export async function loadSecrets(config: Config): Promise<LoadedSecrets> {
  const path = join(config.DATA_DIR, 'secrets.env')
  const nonceSecretFile = config.NONCE_SECRET_FILE
  const configured: Record<Generated, boolean> = {
    MASTER_ACCOUNT_SID: config.MASTER_ACCOUNT_SID !== undefined,
    MASTER_AUTH_TOKEN: config.MASTER_AUTH_TOKEN !== undefined,
    PROXY_TOKEN: config.PROXY_TOKEN !== undefined,
    NONCE_SECRET: config.NONCE_SECRET !== undefined || nonceSecretFile !== undefined,
  }
  const names = (Object.keys(GENERATORS) as Generated[]).filter((name) => !configured[name])
  const { values, generated } = await readOrGenerate(path, names)
  const kept = (name: Generated) => values.get(name) ?? ''
  return {
    path,
    generated,
    kept: names,
    secrets: {
      masterAccountSid: config.MASTER_ACCOUNT_SID ?? accountSid(kept('MASTER_ACCOUNT_SID')),
      masterAuthToken: config.MASTER_AUTH_TOKEN ?? token(kept('MASTER_AUTH_TOKEN')),
      proxyToken: config.PROXY_TOKEN ?? token(kept('PROXY_TOKEN')),
      ha1Token: config.HA1_TOKEN,
      nonceSecrets: nonceSecretFile
        ? readNonceSecretFile(nonceSecretFile)
        : (config.NONCE_SECRET ?? nonceSecrets(kept('NONCE_SECRET'))),
    },
  }
}

/** Reads `NONCE_SECRET_FILE`: secrets separated by commas or line ends, newest first. Throws a `ConfigError`. */
export function readNonceSecretFile(path: string): readonly Secret[] {
  try {
    return nonceSecrets(
      fileContents(path)
        .trim()
        .split(/[\n,]+/)
        .join(','),
    )
  } catch (error) {
    throw new ConfigError([`NONCE_SECRET_FILE ${error instanceof Error ? error.message : error}`])
  }
}

async function readOrGenerate(path: string, names: readonly Generated[]) {
  const values = new Map<string, string>()
  if (names.length === 0) return { values, generated: [] }
  for (const line of (await readIfThere(path)).split('\n')) {
    const [, name, value] = /^([A-Z_]+)='([^']*)'$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) values.set(name, value)
  }
  const generated = names.filter((name) => !values.has(name))
  for (const name of generated) values.set(name, GENERATORS[name]())
  if (generated.length > 0) await keep(path, values)
  return { values, generated: generated.map((name) => ({ name, value: values.get(name) ?? '' })) }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

async function keep(path: string, values: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
  const lines = [...values].map(([name, value]) => `${name}='${value}'\n`)
  await writeFile(path, lines.join(''), { mode: 0o600 })
}
