import t from 'tap'
import { namesSameResource } from '../../src/auth/digest-uri.js'
import { createRig } from './rig.js'

t.test(
  'two URIs name the same resource whatever the case of scheme and host, ports by default and parameters',
  async (t) => {
    const same: readonly (readonly [string, string])[] = [
      ['sip:example.com', 'SIP:EXAMPLE.com'],
      ['sip:example.com', 'sip:example.com:5060'],
      ['sips:example.com', 'sips:example.com:5061'],
      ['sip:alice@example.com', 'sip:alice@example.com;transport=tcp'],
      ['sip:alice:pw@example.com', 'sip:alice@example.com'],
      ['sip:example.com?subject=x', 'sip:example.com'],
      ['sip:a@b@example.com', 'sip:a@b@EXAMPLE.com:5060;transport=udp'],
      ['sip:[2001:DB8::1]:5060', 'sip:[2001:db8::1]'],
      ['tel:+15550100', 'tel:+15550100'],
    ]
    for (const [digest, request] of same) {
      t.ok(namesSameResource(digest, request), `${digest} ${request}`)
      t.ok(namesSameResource(request, digest), `${request} ${digest}`)
    }
  },
)

t.test('another user, host, port or scheme is another resource', async (t) => {
  const different: readonly (readonly [string, string])[] = [
    ['sip:alice@example.com', 'sip:Alice@example.com'],
    ['sip:alice@example.com', 'sip:example.com'],
    ['sip:example.com', 'sip:example.org'],
    ['sip:example.com', 'sip:example.com:5061'],
    ['sip:example.com', 'sips:example.com'],
    ['sip:a@b@example.com', 'sip:a@example.com'],
    ['sip:a@b@example.com', 'sip:a@c@example.com'],
    ['sip:alice;x=1@example.com', 'sip:alice@example.com'],
    ['tel:+15550100', 'tel:+15550101'],
    ['*', 'sip:example.com'],
    ['nonsense', 'Nonsense'],
  ]
  for (const [digest, request] of different) {
    t.notOk(namesSameResource(digest, request), `${digest} ${request}`)
    t.notOk(namesSameResource(request, digest), `${request} ${digest}`)
  }
})

t.test(
  'a uri that names another resource than the Request-URI is refused, and none given is not compared',
  async (t) => {
    const rig = createRig()
    t.equal(await rig.attempt({ uri: 'sip:example.com' }, { uri: 'sip:example.com:5060;lr' }), 'ok')
    t.equal(await rig.attempt({ uri: 'sip:example.com' }, { uri: 'sip:example.org' }), 'uri_mismatch')
    t.equal(await rig.attempt({ uri: 'sip:127.0.0.1:5060' }, { uri: undefined }), 'ok')
  },
)
