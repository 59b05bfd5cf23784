import type { DialectManual } from '../dialect.js'
import { FailureBody } from './errors.js'
import { sidSchema } from './sid-schema.js'

/** What the documentation of Twilio's dialect says of all its operations. */
export const TWILIO_MANUAL: DialectManual = {
  title: "Twilio's dialect",
  description: 'Accounts and the SIP resources of the API that Twilio publishes, version 2010-04-01.',
  security: {
    account: { type: 'http', scheme: 'basic', description: "An account's SID and its auth token (RFC 7617)." },
  },
  // A mapping is named by the SID of the list that it maps.
  parameters: {
    AccountSid: sidSchema('account'),
    CredentialListSid: sidSchema('credentialList'),
    CredentialSid: sidSchema('credential'),
    DomainSid: sidSchema('domain'),
    IpAccessControlListSid: sidSchema('ipAccessControlList'),
    IpAddressSid: sidSchema('ipAddress'),
  },
  failure: { name: 'TwilioFailure', schema: FailureBody },
  failures: [400, 401, 404, 429, 500, 503],
}
