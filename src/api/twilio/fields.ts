import { Type } from 'typebox'
import { ALGORITHMS, type HashAlgorithm } from '../../digest/algorithm.js'
import { Refusal } from '../../errors.js'
import { isRealm, isUsername, normalizeRealm, REALM_LENGTH_MAX, REALM_RULE, USERNAME_RULE } from '../../names.js'
import { ACCOUNT_STATUSES, type AccountStatus } from '../../store/accounts.js'
import { CodedRefusal } from './errors.js'
import { defineField } from './field.js'

const USERNAME_LENGTH_MAX = 32
const PASSWORD_LENGTH_MIN = 12
const PASSWORD_LENGTH_MAX = 256

/** Twilio's code for a user name that is too long and for a weak password, though a credential's own is another. */
const LONG_NAME_OR_WEAK_PASSWORD = 21240

/** Length in characters: a pair of surrogates is one. */
function countCharacters(text: string): number {
  return [...text].length
}

function defineFriendlyName(lengthMin: 0 | 1, lengthMax: number) {
  const schema = Type.String({
    minLength: lengthMin,
    maxLength: lengthMax,
    description: 'A name for people.',
    examples: ['Phones'],
  })
  return defineField('FriendlyName', schema, (text, name) => {
    const length = countCharacters(text)
    if (length < lengthMin || length > lengthMax) {
      throw new Refusal(
        'invalid',
        name,
        `${lengthMin === 0 ? 'must not exceed' : 'must be 1 to'} ${lengthMax} characters`,
      )
    }
    if (/\p{Cc}/u.test(text)) throw new Refusal('invalid', name, 'must not hold control characters')
    return text
  })
}

/** Name of an account or a credential list. */
export const friendlyName = defineFriendlyName(1, 64)

/** Name of a domain, which may have none. */
export const friendlyNameOrNone = defineFriendlyName(0, 64)

/** Name of an IP access control list or of an address in it. */
export const longFriendlyName = defineFriendlyName(1, 255)

const accountStatusSchema = Type.Enum(ACCOUNT_STATUSES, { description: 'Status of the account.' })

/** Status of an account. */
export const accountStatus = defineField('Status', accountStatusSchema, (text, name): AccountStatus => {
  const status = ACCOUNT_STATUSES.find((known) => known === text)
  if (status) return status
  throw new Refusal('invalid', name, `must be one of ${ACCOUNT_STATUSES.join(', ')}`)
})

const realmSchema = Type.String({
  minLength: 1,
  maxLength: REALM_LENGTH_MAX,
  description: "Host name that the list's users are challenged with (RFC 3261 section 22.1), in any case.",
  examples: ['sip.example.com'],
})

/** Realm of a credential list, in lower case. */
export const realm = defineField('Realm', realmSchema, (text, name) => {
  if (isRealm(text)) return normalizeRealm(text)
  throw new Refusal('invalid', name, `must be ${REALM_RULE}`)
})

const ALGORITHMS_NOTE = `What challenges offer, in this order (RFC 8760): some of ${Object.keys(ALGORITHMS).join(', ')}, with commas.`

const algorithmsSchema = Type.String({ description: ALGORITHMS_NOTE, examples: ['SHA-256,MD5'] })

function parseAlgorithms(text: string, name: string): HashAlgorithm[] {
  const names = text.split(',')
  const known = names.filter((each): each is HashAlgorithm => Object.hasOwn(ALGORITHMS, each))
  if (known.length === names.length && new Set(known).size === known.length) return known
  throw new Refusal('invalid', name, `must be some of ${Object.keys(ALGORITHMS).join(', ')}, each once, with commas`)
}

/** What a realm's challenges offer: names separated by commas, in the order of the challenges. */
export const algorithms = defineField('Algorithms', algorithmsSchema, parseAlgorithms)

const algorithmsOrDefaultSchema = Type.String({
  description: `${ALGORITHMS_NOTE} Empty: the server's default.`,
  examples: ['SHA-256,MD5'],
})

/** Like `algorithms`; null, written as an empty text, where the server's default is to be offered again. */
export const algorithmsOrDefault = defineField('Algorithms', algorithmsOrDefaultSchema, (text, name) =>
  text === '' ? null : parseAlgorithms(text, name),
)

const usernameSchema = Type.String({
  minLength: 1,
  maxLength: USERNAME_LENGTH_MAX,
  description: `User name: ${USERNAME_RULE}. Its case matters.`,
  examples: ['alice'],
})

/** A credential's user name. */
export const username = defineField('Username', usernameSchema, (text, name) => {
  if (countCharacters(text) > USERNAME_LENGTH_MAX) {
    throw new CodedRefusal(LONG_NAME_OR_WEAK_PASSWORD, name, `must not exceed ${USERNAME_LENGTH_MAX} characters`)
  }
  if (isUsername(text)) return text
  throw new Refusal('invalid', name, `must be 1 to ${USERNAME_LENGTH_MAX} characters out of ${USERNAME_RULE}`)
})

const passwordSchema = Type.String({
  format: 'password',
  minLength: PASSWORD_LENGTH_MIN,
  maxLength: PASSWORD_LENGTH_MAX,
  description: 'Password: a digit, a lower-case and an upper-case letter among its characters. It is never shown.',
})

/** A credential's password: Twilio's policy. */
export const password = defineField('Password', passwordSchema, (text, name) => {
  const length = countCharacters(text)
  if (length > PASSWORD_LENGTH_MAX) {
    throw new Refusal('invalid', name, `must not exceed ${PASSWORD_LENGTH_MAX} characters`)
  }
  const strong = length >= PASSWORD_LENGTH_MIN && [/[0-9]/, /\p{Ll}/u, /\p{Lu}/u].every((part) => part.test(text))
  if (strong) return text
  const parts = 'a digit, a lower-case and an upper-case letter'
  const rule = `must be at least ${PASSWORD_LENGTH_MIN} characters, among them ${parts}`
  throw new CodedRefusal(LONG_NAME_OR_WEAK_PASSWORD, name, rule)
})
