import { Type } from 'typebox'
import { USERNAME_LENGTH_MAX, USERNAME_PATTERN, USERNAME_RULE } from '../../names.js'

const PASSWORD_LENGTH_MIN = 8
const PASSWORD_LENGTH_MAX = 256
const DESCRIPTION_LENGTH_MAX = 255

/** Text that UTF-8 and PostgreSQL can hold: no NUL, no half of a surrogate pair, which JSON's escapes can make. */
const TEXT = '^[^\\u0000\\ud800-\\udfff]*$'

const Username = Type.String({
  pattern: USERNAME_PATTERN,
  description: `a string of 1 to ${USERNAME_LENGTH_MAX} characters out of ${USERNAME_RULE}`,
})

const Password = Type.String({
  minLength: PASSWORD_LENGTH_MIN,
  maxLength: PASSWORD_LENGTH_MAX,
  pattern: TEXT,
  description: `a string of ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters without NUL and lone surrogates`,
})

const Enabled = Type.Boolean({ description: 'true or false' })

const Description = Type.String({
  maxLength: DESCRIPTION_LENGTH_MAX,
  pattern: TEXT,
  description: `a string of at most ${DESCRIPTION_LENGTH_MAX} characters without NUL and lone surrogates`,
})

/** What creates a credential. */
export const NewCredential = Type.Object({
  username: Username,
  password: Password,
  enabled: Type.Optional(Enabled),
  description: Type.Optional(Description),
})

/** What changes one. Its user name never changes; a client that sends it all the same must send the one there is. */
export const CredentialChange = Type.Object({
  username: Type.Optional(Username),
  password: Type.Optional(Password),
  enabled: Type.Optional(Enabled),
  description: Type.Optional(Description),
})

/** A credential as it is shown: these eight fields, as Vobiz's clients refuse any other. */
export const CredentialBody = Type.Object({
  id: Type.String({ format: 'uuid' }),
  account_id: Type.String(),
  username: Type.String(),
  password: Type.Literal('<redacted>'),
  realm: Type.String(),
  enabled: Type.Boolean(),
  created_at: Type.String({ format: 'date-time' }),
  updated_at: Type.String({ format: 'date-time' }),
})

/** Some of an account's credentials. */
export const CredentialPage = Type.Object({
  meta: Type.Object({ limit: Type.Integer(), offset: Type.Integer(), total: Type.Integer() }),
  objects: Type.Array(CredentialBody),
})
