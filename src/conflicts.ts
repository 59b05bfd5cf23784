import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { type Config, generatedNames } from './config.js'
import { isAlgorithmAvailable } from './digest/algorithm.js'

/**
 * The broken rules that more than one variable makes, or a variable and the machine; empty where there is none. `isSet`
 * tells which variables do not have their defaults.
 */
export function findConflicts(config: Config, isSet: (name: keyof Config) => boolean): string[] {
  const faults: string[] = []
  const tlsOn = config.SIP_TLS_PORT !== undefined && config.SIP_TLS_PORT !== 'off'
  for (const name of ['SIP_TLS_CERT', 'SIP_TLS_KEY'] as const) {
    if (tlsOn && config[name] === undefined) faults.push(`${name} must be set where SIP_TLS_PORT is`)
  }
  if (config.SIP_TLS_CERT && config.SIP_TLS_KEY) faults.push(...findTlsFaults(config.SIP_TLS_CERT, config.SIP_TLS_KEY))
  if (needsDataDir(config)) faults.push(...findDataDirFaults(config.DATA_DIR))
  if (config.HA1_TOKEN && config.PROXY_TOKEN && config.HA1_TOKEN.reveal() === config.PROXY_TOKEN.reveal()) {
    faults.push('HA1_TOKEN must differ from PROXY_TOKEN')
  }
  if (config.NONCE_SECRET_FILE && config.NONCE_SECRET) {
    faults.push('NONCE_SECRET must not be set beside NONCE_SECRET_FILE')
  }
  // The default gives way to a short life by itself.
  if (isSet('NONCE_SECRET_DELAY') && config.NONCE_SECRET_DELAY > config.NONCE_TTL / 10) {
    const limit = config.NONCE_TTL / 10
    faults.push(`NONCE_SECRET_DELAY must be a tenth of NONCE_TTL (${config.NONCE_TTL}) at most, which is ${limit}`)
  }
  for (const algorithm of config.ALGORITHMS ?? []) {
    if (!isAlgorithmAvailable(algorithm))
      faults.push(`ALGORITHMS holds ${algorithm}, which this Node.js does not offer`)
  }
  if (config.THROTTLE_BAN_MAX < config.THROTTLE_BAN) faults.push('THROTTLE_BAN_MAX must not be below THROTTLE_BAN')
  if (config.REPLAY_GUARD === 'strict' && config.REDIS_URL === undefined) {
    faults.push('REPLAY_GUARD must not be strict without REDIS_URL: there is no record of uses that all share')
  }
  if (config.WORKERS > 1) faults.push(...findUnshared(config))
  faults.push(...findTakenTwice(config))
  return faults
}

function findTlsFaults(cert: string, key: string): string[] {
  try {
    createSecureContext({ cert, key })
    return []
  } catch (error) {
    const why = error instanceof Error && 'reason' in error ? error.reason : 'not PEM'
    return [`SIP_TLS_CERT and SIP_TLS_KEY must be a certificate and its key, without a passphrase (${why})`]
  }
}

/** What several processes cannot share. */
function findUnshared(config: Config): string[] {
  const faults: string[] = []
  if (config.DATABASE_URL === undefined) {
    faults.push('WORKERS above 1 needs DATABASE_URL: the embedded database belongs to one process')
  }
  if (config.REDIS_URL === undefined) {
    faults.push('WORKERS above 1 needs REDIS_URL: without it the mirror is in one process')
  }
  return faults
}

function needsDataDir(config: Config): boolean {
  return config.DATABASE_URL === undefined || generatedNames(config).length > 0
}

/** Whether DATA_DIR is a folder that can be written to, or can be made one. */
function findDataDirFaults(dataDir: string): string[] {
  for (let folder = resolve(dataDir); ; folder = dirname(folder)) {
    try {
      if (!statSync(folder).isDirectory()) return [`DATA_DIR must be a folder: ${folder} is none`]
      accessSync(folder, constants.W_OK | constants.X_OK)
      return []
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : error
      if (code === 'ENOTDIR') continue
      if (code !== 'ENOENT') return [`DATA_DIR must be a folder that can be written to (${code} at ${folder})`]
    }
  }
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
