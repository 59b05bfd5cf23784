import { Type } from 'typebox'
import { AUTH_ID_PATTERN } from '../../sid.js'
import type { DialectManual } from '../dialect.js'
import { FailureBody } from './errors.js'

/** What the documentation of Vobiz's dialect says of all its operations. */
export const VOBIZ_MANUAL: DialectManual = {
  title: "Vobiz's dialect",
  description: 'Credentials as Vobiz publishes them. They are the same as those of the other dialect.',
  security: {
    authId: { type: 'apiKey', in: 'header', name: 'X-Auth-ID', description: "An account's `MA_…` id." },
    authToken: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: "The account's auth token." },
  },
  parameters: {
    auth_id: Type.String({ pattern: AUTH_ID_PATTERN }),
    credential_id: Type.String({ format: 'uuid' }),
  },
  failure: { name: 'VobizFailure', schema: FailureBody },
  failures: [400, 401, 404, 429, 500, 503],
}
