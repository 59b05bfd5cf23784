import { fastify } from 'fastify'
import { openBareSpend } from './bare-spend.js'

/** Reads the same JSON body as `/v1/verify` and answers as many bytes, without looking at either; with Redis's URL it spends. */
const [, , ANSWER = '', redisUrl] = process.argv
const spend = redisUrl ? await openBareSpend(redisUrl) : undefined
const server = fastify({ logger: false, keepAliveTimeout: 75_000 })
server.post('/v1/verify', async (_request, reply) => {
  if (spend) await spend()
  return reply.type('application/json').send(ANSWER)
})
process.stdout.write(`ready ${await server.listen({ host: '127.0.0.1', port: 0 })}\n`)
