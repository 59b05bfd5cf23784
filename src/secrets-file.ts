import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError } from './config.js'

/** What a secrets file holds at one moment. */
export type SecretsFile = {
  /** Whole, as it stands there; undefined where there is no file. */
  readonly text: string | undefined
  /** The value of every name that was asked for and is there. */
  readonly values: ReadonlyMap<string, string>
}

/** `NAME=value` as a shell reads it where nothing is to be expanded: in single quotes, in double ones, or plain. */
const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_]\w*)=(?:'([^']*)'|"([^"\\$`]*)"|([^\s'"\\$`#;&|<>()]*))(?:\s+#.*)?$/
const LINE_END = /\r\n|\n|\r/

/**
 * Reads the named values from a file of `NAME='value'` lines. Rejects with a `ConfigError` that names every line that
 * begins with one of the names and cannot be understood: to pass it over would be to lose the value.
 */
export async function readSecretsFile(path: string, names: readonly string[]): Promise<SecretsFile> {
  const text = await readIfThere(path)
  const values = new Map<string, string>()
  const faults: string[] = []
  for (const [index, raw] of (text ?? '').split(LINE_END).entries()) {
    const line = raw.trim()
    const [, name, single, double, plain] = ASSIGNMENT.exec(line) ?? []
    const value = single ?? double ?? plain
    if (name !== undefined && value !== undefined) {
      if (names.includes(name)) values.set(name, value)
    } else {
      const [, meant = ''] = /^(?!#)(?:export\s+)?\W*(\w+)/.exec(line) ?? []
      if (names.includes(meant)) faults.push(`line ${index + 1} of ${path} must be ${meant}='value'`)
    }
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return { text, values }
}

/**
 * Adds values below what the file holds, mode 0600, whole or not at all. False, with nothing written, where it was to be
 * new and another process has made it meanwhile.
 */
export async function addToSecretsFile(
  path: string,
  { text }: SecretsFile,
  added: readonly { readonly name: string; readonly value: string }[],
): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const whole = endLine(text ?? '') + added.map(({ name, value }) => `${name}='${value}'\n`).join('')
  try {
    await writeWhole(path, whole, text === undefined ? link : rename)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/**
 * Gives a name that the file holds another value, mode 0600, whole or not at all; every other line and comment stays.
 * The value must not hold both kinds of quotes.
 */
export async function replaceInSecretsFile(path: string, name: string, value: string): Promise<void> {
  const { text = '' } = await readSecretsFile(path, [name])
  const quoted = value.includes("'") ? `"${value}"` : `'${value}'`
  // A capturing split keeps what ends the lines, so that joining restores them.
  const lines = text.split(new RegExp(`(${LINE_END.source})`)).map((line) => {
    const isMeant = ASSIGNMENT.exec(line.trim())?.[1] === name
    return isMeant ? `${/^\s*export\s/.test(line) ? 'export ' : ''}${name}=${quoted}` : line
  })
  await writeWhole(path, lines.join(''), rename)
}

/** Writes a file beside the path and puts it into its place. */
async function writeWhole(path: string, text: string, put: (draft: string, path: string) => Promise<void>) {
  const draft = `${path}.${randomBytes(8).toString('hex')}`
  try {
    const file = await open(draft, 'wx', 0o600)
    await file.writeFile(text)
    await file.sync()
    await file.close()
    await put(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
