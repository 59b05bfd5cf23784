import { Fault } from './fault.js'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const NAME_SHOWN_MAX = 64

/** A string of a JSON text, with the colon behind it that makes it a member's name; or a bracket. */
const TOKEN = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\]]/g

/**
 * Parses a JSON text (RFC 8259). Throws `malformed` for what is none, for bytes that are not UTF-8, and for an object
 * that names a member twice, at whatever depth: which of the two values counts would be a guess (section 4).
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  const value = parse(text)
  const repeated = findRepeatedName(text)
  if (repeated !== undefined) {
    throw new Fault('malformed', `${repeated.slice(0, NAME_SHOWN_MAX)} must not be repeated`)
  }
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw new Fault('malformed', 'The body must be UTF-8') // a fatal decoder throws for nothing else
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('malformed', 'The body must be JSON') // the parser's own words quote the body, passwords included
  }
}

/** The first name that stands twice in one object of a text that is known to be JSON. */
function findRepeatedName(text: string): string | undefined {
  const open: Set<string>[] = []
  for (const [token, string, colon] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(new Set())
    else if (token === '}' || token === ']') open.pop()
    else if (string !== undefined && colon !== undefined) {
      const name = JSON.parse(string) as string
      const names = open.at(-1)
      if (names?.has(name)) return name
      names?.add(name)
    }
  }
  return undefined
}
