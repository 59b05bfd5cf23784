import { createServer } from 'node:http'

/** A verifier that says yes: a challenge to whoever has no credentials, 200 to everybody else, in sipauthd's own bytes. */
export type AlwaysYes = { readonly challenge: HttpAnswer; readonly yes: HttpAnswer }

export type HttpAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const { challenge, yes } = JSON.parse(process.argv[2] ?? '') as AlwaysYes

const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  let body = ''
  request.setEncoding('latin1').on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    const answer = body.includes('authorization=') ? yes : challenge
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`ready ${typeof address === 'object' ? address?.port : ''}\n`)
})
