/** A date as Twilio shows it (RFC 2822 section 3.3), in UTC: `Wed, 19 Aug 2015 19:48:45 +0000`. */
export function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000')
}
