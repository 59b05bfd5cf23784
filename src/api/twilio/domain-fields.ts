import { Type } from 'typebox'
import { Refusal } from '../../errors.js'
import { isDomainName, normalizeRealm, REALM_LENGTH_MAX, REALM_RULE } from '../../names.js'
import { CodedRefusal } from './errors.js'
import { defineField, type Field } from './field.js'
import { friendlyNameOrNone } from './fields.js'

/** Twilio's code for a domain name that is no host name; for one that is taken it is the same. */
const INVALID_DOMAIN_NAME = 21232

const URL_LENGTH_MAX = 2_048
const METHODS = ['GET', 'POST'] as const

const domainNameSchema = Type.String({
  minLength: 1,
  maxLength: REALM_LENGTH_MAX,
  description:
    'Host name of the domain, in any case. It is in use by nobody else, and so is what lies above and under it.',
  examples: ['acme.example.com'],
})

/** Name of a domain, in lower case. */
export const domainName = defineField('DomainName', domainNameSchema, (text, name) => {
  if (isDomainName(text)) return normalizeRealm(text)
  throw new CodedRefusal(INVALID_DOMAIN_NAME, name, `must be ${REALM_RULE}, and no address`)
})

function defineUrl(name: string, description: string): Field<string> {
  const schema = Type.String({ format: 'uri', maxLength: URL_LENGTH_MAX, description })
  return defineField(name, schema, (text) => {
    // What a URL may not hold, a URL parser strips or encodes; whoever reads the stored text may do neither.
    const isClean = !/[\s\p{Cc}]/u.test(text)
    const isUrl = isClean && URL.canParse(text) && /^https?:\/\//i.test(text) && text.length <= URL_LENGTH_MAX
    if (isUrl || text === '') return text
    throw new Refusal('invalid', name, `must be an http or https URL of at most ${URL_LENGTH_MAX} characters, or empty`)
  })
}

function defineMethod(name: string, url: string): Field<string> {
  const schema = Type.Enum(METHODS, { default: 'POST', description: `HTTP method for ${url}.` })
  return defineField(name, schema, (text) => {
    const method = METHODS.find((known) => known === text)
    if (method) return method
    throw new Refusal('invalid', name, `must be one of ${METHODS.join(', ')}`)
  })
}

function defineFlag(name: string, description: string): Field<boolean> {
  return defineField(name, Type.Boolean({ default: false, description }), (text) => {
    // Some of Twilio's clients write them with a capital letter.
    if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true'
    throw new Refusal('invalid', name, 'must be true or false')
  })
}

function defineForeignSid(name: string, prefix: string, description: string): Field<string> {
  const pattern = `^(${prefix}[0-9a-f]{32})?$`
  return defineField(name, Type.String({ pattern, description }), (text) => {
    if (new RegExp(pattern).test(text)) return text
    throw new Refusal('invalid', name, `must be ${prefix} and 32 hex digits, or empty`)
  })
}

/** What a domain keeps for those who ask for it; all of it may be left out. */
export const SETTINGS_FIELDS = {
  friendlyName: friendlyNameOrNone.optional,
  voiceUrl: defineUrl('VoiceUrl', 'Where a call is reported; kept and shown.').optional,
  voiceMethod: defineMethod('VoiceMethod', 'VoiceUrl').optional,
  voiceFallbackUrl: defineUrl('VoiceFallbackUrl', 'Used where VoiceUrl fails; kept and shown.').optional,
  voiceFallbackMethod: defineMethod('VoiceFallbackMethod', 'VoiceFallbackUrl').optional,
  voiceStatusCallbackUrl: defineUrl('VoiceStatusCallbackUrl', "Where a call's end is reported; kept and shown.")
    .optional,
  voiceStatusCallbackMethod: defineMethod('VoiceStatusCallbackMethod', 'VoiceStatusCallbackUrl').optional,
  sipRegistration: defineFlag('SipRegistration', 'Kept and shown; the mappings decide who may register.').optional,
  emergencyCallingEnabled: defineFlag('EmergencyCallingEnabled', 'Kept and shown.').optional,
  secure: defineFlag('Secure', 'Whether calls are to be encrypted; kept and shown.').optional,
  byocTrunkSid: defineForeignSid('ByocTrunkSid', 'BY', "A trunk's SID; kept and shown.").optional,
  emergencyCallerSid: defineForeignSid('EmergencyCallerSid', 'PN', "A phone number's SID; kept and shown.").optional,
}
