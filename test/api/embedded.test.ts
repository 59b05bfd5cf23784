import t from 'tap'
import { testAccess } from './access.js'
import { startApi } from './running-api.js'
import { testTwilioClient } from './twilio-client.js'
import { testTwilioDomains } from './twilio-domains.js'
import { testVobiz } from './vobiz.js'

const api = await startApi(t, 'embedded')

t.test('the official client works against the embedded database', (t) => testTwilioClient(t, api))
t.test('domains work through the official client over the embedded database', (t) => testTwilioDomains(t, api))
t.test('accounts are kept apart over the embedded database', (t) => testAccess(t, api))
t.test("Vobiz's dialect works over the embedded database", (t) => testVobiz(t, api))
