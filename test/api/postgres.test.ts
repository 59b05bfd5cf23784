import t from 'tap'
import { testAccess } from './access.js'
import { testDomainValidation } from './domain-validation.js'
import { testIsolation } from './isolation.js'
import { testRaces } from './races.js'
import { startApi } from './running-api.js'
import { testSafety } from './safety.js'
import { testTwilioClient } from './twilio-client.js'
import { testTwilioDomains } from './twilio-domains.js'
import { testValidation } from './validation.js'
import { testVobiz } from './vobiz.js'
import { testVobizHttp } from './vobiz-http.js'

const api = await startApi(t, 'postgres')

t.test('the official client works against the postgres database', (t) => testTwilioClient(t, api))
t.test('domains work through the official client over the postgres database', (t) => testTwilioDomains(t, api))
t.test('accounts are kept apart over the postgres database', (t) => testAccess(t, api))
t.test("no account reaches anything of another's by any route, over the postgres database", (t) =>
  testIsolation(t, api),
)
t.test('of many that want one name at once exactly one gets it', (t) => testRaces(t, api))
t.test('every refusal names the field and the rule, over the postgres database', (t) => testValidation(t, api))
t.test("Vobiz's dialect works over the postgres database", (t) => testVobiz(t, api))
t.test("every request is answered in Vobiz's form below its paths", (t) => testVobizHttp(t, api))
t.test('every refusal around domains names the field and the rule, over the postgres database', (t) =>
  testDomainValidation(t, api),
)
t.test('requests are limited, numbered and written down over the postgres database', (t) => testSafety(t, api))
