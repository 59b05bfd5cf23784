import { ALGORITHMS, type HashAlgorithm, parseAlgorithm } from './algorithm.js'
import { type AuthParams, PLACES, readAuthParams } from './auth-params.js'
import type { Qop } from './challenge.js'
import { type Codes, createCodeReader } from './codes.js'
import { isLowerCaseHex, readHex } from './hex.js'
import { endOfSpace, endOfToken, isFreeOfControls } from './scanner.js'

/** What a request's Authorization or Proxy-Authorization header says, RFC 7616 section 3.4; every field checked. */
export type Authorization = {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  /** Lower-case hex, of the algorithm's length. */
  readonly response: string
  readonly algorithm: HashAlgorithm
  /** Whether the algorithm is a `-sess` one; cnonce is there then. */
  readonly session: boolean
  /** Where it is there, nc and cnonce are too. */
  readonly qop: Qop | undefined
  /** The nonce count, as sent and as a number of 32 bits; undefined without qop. */
  readonly nc: NonceCount | undefined
  readonly cnonce: string | undefined
  readonly opaque: string | undefined
}

/** A nonce count: its eight hex digits as they enter the response, and what they count to. */
export type NonceCount = { readonly text: string; readonly count: number }

/**
 * A header's value, read. `malformed` breaks a rule of its grammar; `unsupported` keeps them all and asks for what no
 * response can be computed for. A `detail` names field and rule and repeats nothing of the value.
 */
export type ParsedAuthorization =
  | { readonly kind: 'digest'; readonly authorization: Authorization }
  | { readonly kind: 'other_scheme'; readonly scheme: string }
  | { readonly kind: 'unsupported'; readonly realm: string; readonly detail: string }
  | { readonly kind: 'malformed'; readonly detail: string }

/** Longest value that is read, in characters; the doors hand over one character for each byte. */
export const AUTHORIZATION_LENGTH_MAX = 4096

const codesOf = createCodeReader(AUTHORIZATION_LENGTH_MAX)

const ALGORITHM_RULE = `algorithm must be one of ${Object.keys(ALGORITHMS).join(', ')}, or one of them with -sess`

const HEX = /^[0-9A-Fa-f]+$/
const LOWER_CASE_HEX = /^[0-9a-f]+$/
const NC_LENGTH = 8

/**
 * Reads the value of one Authorization or Proxy-Authorization header, in linear time and without ever throwing.
 * Values may be tokens or quoted strings, whichever the RFC asks for: phones send both. Characters above ASCII stay as
 * they are.
 */
export function parseAuthorization(value: string): ParsedAuthorization {
  if (value.length > AUTHORIZATION_LENGTH_MAX) {
    return malformed(`the value must not be longer than ${AUTHORIZATION_LENGTH_MAX} bytes`)
  }
  return readAuthorization(value, codesOf(value))
}

/** The same for a value of a length that is read, whose codes are known. */
export function readAuthorization(value: string, codes: Codes): ParsedAuthorization {
  const schemeAt = endOfSpace(codes, 0)
  const schemeEnd = endOfToken(codes, schemeAt)
  const scheme = value.slice(schemeAt, schemeEnd)
  if (scheme === '') return malformed('the value must begin with a scheme')
  const at = endOfSpace(codes, schemeEnd)
  if (at === schemeEnd && at < value.length) return malformed('the scheme must be followed by a space')
  if (scheme !== 'Digest' && scheme.toLowerCase() !== 'digest') {
    const isRight = isFreeOfControls(codes, at, value.length)
    return isRight ? { kind: 'other_scheme', scheme } : malformed('the value must hold no control character')
  }
  const params = readAuthParams(value, codes, at)
  return typeof params === 'string' ? malformed(params) : interpret(params, codes)
}

function interpret({ values, starts }: AuthParams, codes: Codes): ParsedAuthorization {
  const username = values[PLACES.username]
  const realm = values[PLACES.realm]
  const nonce = values[PLACES.nonce]
  const uri = values[PLACES.uri]
  const response = values[PLACES.response]
  const cnonce = values[PLACES.cnonce]
  if (values[PLACES['username*']] !== undefined) {
    return malformed('username* must not be used: username is read, in its plain form')
  }
  if (!username) return malformed('username must be given and not be empty')
  if (realm === undefined) return malformed('realm must be given')
  if (!nonce) return malformed('nonce must be given and not be empty')
  if (!uri) return malformed('uri must be given and not be empty')
  if (response === undefined) return malformed('response must be given')

  const userhash = values[PLACES.userhash]?.toLowerCase() ?? 'false'
  if (userhash === 'true') return unsupported(realm, 'userhash must be false')
  if (userhash !== 'false') return malformed('userhash must be true or false')
  const hashing = parseAlgorithm(values[PLACES.algorithm])
  if (hashing === undefined) return unsupported(realm, ALGORITHM_RULE)
  const { algorithm, session } = hashing
  const qop = values[PLACES.qop]
  let nc: NonceCount | undefined
  // A count without qop means nothing (RFC 7616 section 3.4).
  if (qop !== undefined) {
    if (qop !== 'auth' && qop !== 'auth-int') return unsupported(realm, 'qop must be auth or auth-int')
    const text = values[PLACES.nc]
    if (text === undefined) return malformed('nc must be given with qop')
    const count = text.length === NC_LENGTH ? readHex(text) : undefined
    if (count === undefined) return malformed(`nc must be ${NC_LENGTH} hex digits`)
    if (cnonce === undefined) return malformed('cnonce must be given with qop')
    nc = { text, count }
  }

  const { hexLength } = ALGORITHMS[algorithm]
  const responseAt = starts[PLACES.response] ?? -1
  const isLowerCase =
    responseAt < 0 ? LOWER_CASE_HEX.test(response) : isLowerCaseHex(codes, responseAt, responseAt + response.length)
  if (response.length !== hexLength || !(isLowerCase || HEX.test(response))) {
    return malformed(`response must be ${hexLength} hex digits`)
  }
  if (session && cnonce === undefined) return malformed('cnonce must be given with a -sess algorithm')
  const lowerCase = isLowerCase ? response : response.toLowerCase()
  const opaque = values[PLACES.opaque]
  return {
    kind: 'digest',
    authorization: { username, realm, nonce, uri, response: lowerCase, algorithm, session, qop, nc, cnonce, opaque },
  }
}

function malformed(detail: string): ParsedAuthorization {
  return { kind: 'malformed', detail }
}

function unsupported(realm: string, detail: string): ParsedAuthorization {
  return { kind: 'unsupported', realm, detail }
}
