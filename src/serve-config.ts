import { type Config, ConfigError, examineConfig, unknownVariables } from './config.js'
import { findListenFaults } from './listen-faults.js'
import type { Log } from './log.js'

/**
 * Reads the configuration of a program that is going to listen. Rejects with a `ConfigError` that names all faults, and
 * the ports that cannot be bound among them, before anything is opened.
 */
export async function readServeConfig(env?: NodeJS.ProcessEnv): Promise<Config> {
  const { config, faults } = examineConfig(env)
  const all = [...faults, ...(await findListenFaults(config))]
  if (all.length > 0) throw new ConfigError(all)
  return config
}

/**
 * Reads what the primary, whose environment a worker shares, has found right. What has become faulty since is a file
 * that no worker reads: only the primary opens native SIP, reads nonce secrets and writes to DATA_DIR.
 */
export function readWorkerConfig(env?: NodeJS.ProcessEnv): Config {
  return examineConfig(env).config
}

/** Warns of variables that look like ours and are read by nobody. */
export function warnOfUnknownVariables(log: Log, env?: NodeJS.ProcessEnv): void {
  const unknown = unknownVariables(env)
  if (unknown.length === 0) return
  const names = unknown.map(({ name, meant }) => (meant ? `${name} (${meant}?)` : name))
  log.warn({ names }, 'variables that look like those of sipauthd are unknown, and have no effect')
}
