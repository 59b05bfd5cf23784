import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { createRig } from '../auth/rig.js'
import { checkAnswer } from '../fixtures/documented.js'
import { projectPath } from '../fixtures/project.js'
import { openLookup } from '../lookup/in-process.js'
import { createUnconnectedApi, renderDocument } from './rendered.js'

const text = readFileSync(projectPath('docs/openapi.json'), 'utf8')
const document: { openapi: string; paths: Record<string, object>; servers: object[] } = JSON.parse(text)

/** `GET /path/{Name}` of every route of a server, but for HEAD, which goes with GET, and the documentation itself. */
function routesOf(server: FastifyInstance): string[] {
  const folders: string[] = []
  return server
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^(.*?[├└]── )(\S*) \((.*)\)$/.exec(line) ?? []
      folders.splice(indent.length / 4 - 1, Infinity, part)
      const path = folders.join('').replaceAll(/:(\w+)/g, '{$1}')
      return methods.split(', ').map((method) => `${method} ${path}`)
    })
    .filter((route) => / \//.test(route) && !/^HEAD | \/docs/.test(route))
}

t.test('docs/openapi.json is what the routes say now; npm run openapi writes it', async (t) => {
  t.equal(await renderDocument(), text)
})

t.test('it is a valid OpenAPI 3.1 document', async (t) => {
  const result = await new Validator().validate(JSON.parse(text))
  t.match(result, { valid: true }, JSON.stringify(result))
  t.match(document.openapi, /^3\.1\./)
})

t.test('it has every route of both servers, and no other', async (t) => {
  const api = await createUnconnectedApi()
  const { server: lookup } = await openLookup(t, createRig())
  await api.ready()
  const routes = [...routesOf(api), ...routesOf(lookup)]
  await api.close()
  t.ok(routes.includes('GET /v1/ha1') && routes.length > 20, 'routes are seen')
  const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  t.strictSame(documented.sort(), routes.sort())
})

t.test('the documentation is open to anybody, and needs nothing from elsewhere', async (t) => {
  const api = await createUnconnectedApi()
  t.teardown(() => api.close())
  for (const path of ['/docs', '/docs/']) {
    const page = await api.inject(path)
    t.match(page, { statusCode: 200, headers: { 'content-type': /^text\/html/ } }, path)
    t.match(page.headers['content-security-policy'], /default-src 'none'.*script-src 'self';/)
    t.notMatch(page.headers['content-security-policy'], /https?:|unsafe-eval/)
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link)
    t.ok(links.length > 3)
    for (const link of links) {
      const { pathname, origin } = new URL(link, `http://api.test${path}`)
      t.equal(origin, 'http://api.test', `${link} lies here`)
      t.equal((await api.inject(pathname)).statusCode, 200, pathname)
    }
  }
  const yaml = await api.inject('/docs/yaml')
  t.match(yaml, { statusCode: 200, headers: { 'content-type': /yaml/ } })
  t.match((await api.inject('/docs/static/none')).json(), { status: 404, code: 20404 })
  const posted = await api.inject({ method: 'POST', url: '/docs/json' })
  t.match(posted, { statusCode: 405, headers: { allow: 'GET, HEAD' } })
})

t.test('the documentation is made once, and sent to nobody who has it already', async (t) => {
  const api = await createUnconnectedApi()
  t.teardown(() => api.close())
  const kept = {
    '/docs': 'no-cache',
    '/docs/json': 'no-cache',
    '/docs/yaml': 'no-cache',
    '/docs/static/swagger-ui-bundle.js': 'public, max-age=3600',
  }
  for (const [url, cacheControl] of Object.entries(kept)) {
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => api.inject(url)))
    t.match(first, { statusCode: 200, headers: { 'cache-control': cacheControl, etag: /^"[\w-]{43}"$/ } }, url)
    const etag = String(first?.headers.etag)
    for (const other of others) t.match(other, { statusCode: 200, headers: { etag } })
    t.equal((await api.inject(`${url}?again=1`)).headers.etag, etag, 'whatever its query')
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`]) {
      const again = await api.inject({ url, headers: { 'if-none-match': known } })
      t.match(again, { statusCode: 304, body: '', headers: { etag } }, known)
    }
    t.equal((await api.inject({ url, headers: { 'if-none-match': '"x"' } })).statusCode, 200)
  }
  t.match(await api.inject('/docs/static/none'), { statusCode: 404, headers: { 'cache-control': 'no-store' } })
})

t.test('an answer that the document does not describe fails the test that got it', (t) => {
  const json = 'application/json; charset=utf-8'
  const answered = (method: string, url: string, status: number, body: unknown, contentType = json) => {
    checkAnswer(
      { method, url, status, contentType, text: body === undefined ? '' : JSON.stringify(body) },
      'management',
    )
  }
  const failure = (status: number) => ({ code: 20000 + status, message: 'm', more_info: 'i', status })
  const list = '/2010-04-01/Accounts/AC1/SIP/CredentialLists/CL1.json'
  t.doesNotThrow(() => answered('GET', list, 404, failure(404)))
  t.doesNotThrow(() => answered('DELETE', `http://api.test:8080${list}?x=y`, 204, undefined))
  t.doesNotThrow(() => answered('PATCH', list, 405, failure(405)))
  t.doesNotThrow(() => answered('GET', '/nowhere', 404, failure(404)))
  t.throws(() => answered('GET', list, 404, { ...failure(404), more: 1 }), /must NOT have additional properties/)
  t.throws(() => answered('GET', list, 404, { code: 20404 }), /must have required property 'message'/)
  t.throws(() => answered('GET', list, 200, failure(404)), /is not as documented/)
  t.throws(() => answered('GET', list, 404, failure(404), 'text/html'), /is text\/html, which is not documented/)
  t.throws(() => answered('GET', list, 418, failure(418)), /is not in docs\/openapi.json/, 'a status')
  t.throws(() => answered('PATCH', list, 200, {}), /is not in docs\/openapi.json/, 'a method')
  t.throws(() => answered('GET', '/2010-04-01/Nothing.json', 200, {}), /is not in docs\/openapi.json/, 'a path')
  t.throws(() => answered('DELETE', list, 204, {}), /should have no body/)
  t.throws(() => answered('GET', '/api/v1/nothing', 404, failure(404)), /is not as documented/, "another's failure")
  t.end()
})
