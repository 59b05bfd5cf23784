import t from 'tap'
import { formatDate } from '../../../src/api/twilio/date.js'

t.test("a date is shown as in RFC 2822, in UTC, as in Twilio's documents", async (t) => {
  t.equal(formatDate(new Date(Date.UTC(2015, 7, 19, 19, 48, 45))), 'Wed, 19 Aug 2015 19:48:45 +0000')
  t.equal(formatDate(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 999))), 'Fri, 02 Jan 2026 03:04:05 +0000')
})
