import { Type } from 'typebox'

/** Schema of a date as `formatDate` writes it. */
export const DateText = Type.String({
  pattern: '^[A-Z][a-z]{2}, \\d{2} [A-Z][a-z]{2} \\d{4} \\d{2}:\\d{2}:\\d{2} \\+0000$',
  examples: ['Wed, 19 Aug 2015 19:48:45 +0000'],
})

/** A date as Twilio shows it (RFC 2822 section 3.3), in UTC: `Wed, 19 Aug 2015 19:48:45 +0000`. */
export function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000')
}
