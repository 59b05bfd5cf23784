import { createServer } from 'node:http'
import { openBareSpend } from './bare-spend.js'

/** A verifier that says yes: a challenge to whoever has no credentials, 200 to everybody else, in sipauthd's own bytes; with Redis's URL it spends. */
export type AlwaysYes = { readonly challenge: HttpAnswer; readonly yes: HttpAnswer }

export type HttpAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const [, , answers = '', redisUrl] = process.argv
const { challenge, yes } = JSON.parse(answers) as AlwaysYes
const spend = redisUrl ? await openBareSpend(redisUrl) : undefined

const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  let body = ''
  request.setEncoding('latin1').on('data', (chunk: string) => {
    body += chunk
  })
  const send = (answer: HttpAnswer) => response.writeHead(answer.status, answer.headers).end(answer.body)
  request.on('end', () => {
    if (!body.includes('authorization=')) send(challenge)
    else if (spend) spend().then(() => send(yes))
    else send(yes)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`ready ${typeof address === 'object' ? address?.port : ''}\n`)
})
