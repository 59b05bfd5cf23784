import t from 'tap'
import { computeHa1 } from '../../src/digest/ha1.js'

t.test('HA1 of RFC 2617 section 3.5 and of RFC 7616 section 3.9.1 is what their responses are made of', async (t) => {
  t.equal(computeHa1('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life'), '939e7578ed9e3c518a452acee763bce9')
  t.equal(computeHa1('MD5', 'Mufasa', 'http-auth@example.org', 'Circle of Life'), '3d78807defe7de2157e2b0b6573a855f')
  t.equal(
    computeHa1('SHA-256', 'Mufasa', 'http-auth@example.org', 'Circle of Life'),
    '7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232',
  )
})

t.test('HA1 depends on the case of user name, realm and password', async (t) => {
  const ha1 = computeHa1('MD5', 'alice', 'sip.example.com', 'secret')
  t.not(computeHa1('MD5', 'Alice', 'sip.example.com', 'secret'), ha1)
  t.not(computeHa1('MD5', 'alice', 'SIP.example.com', 'secret'), ha1)
  t.not(computeHa1('MD5', 'alice', 'sip.example.com', 'Secret'), ha1)
})
