import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type LoadResult, serveLoad } from './load.js'
import { createRegisterTemplate } from './register-template.js'

/** Authenticated REGISTERs over UDP: a socket for each phone, one request in flight on each. */
export type RegisterLoad = {
  readonly port: number
  readonly realm: string
  readonly password: string
  readonly usernames: readonly string[]
}

/** Phones are let in one by one before the load begins: a server that has just started has done nothing yet. */
const FIRST_MS = 5_000

/** A phone asks again when an answer has not come for so long: a datagram may be lost. */
const LOST_MS = 500

/** What is in flight at the end of a run is answered before the next begins. */
const SETTLE_MS = 200

serveLoad(async ({ port, realm, password, usernames }: RegisterLoad) => {
  const count = { good: 0, bad: 0, example: undefined as string | undefined }
  let running = false
  const phones = await Promise.all(
    usernames.map(async (username) => {
      const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
      socket.connect(port, '127.0.0.1')
      await once(socket, 'connect')
      const phone = { username, realm, password, port: socket.address().port }
      let register = createRegisterTemplate(phone)
      let asked = 0
      const ask = () => {
        asked = Date.now()
        socket.send(register.next())
      }
      socket.on('message', (answer) => {
        // After `SIP/2.0 `; the rest is of no interest.
        const status = answer.toString('latin1', 8, 11)
        if (status === '200') count.good++
        else if (status === '401') register = createRegisterTemplate({ ...phone, challenge: answer.toString('latin1') })
        else {
          count.bad++
          count.example = answer.toString('latin1')
        }
        if (running) ask()
      })
      return { socket, ask, askAgain: () => (Date.now() - asked > LOST_MS ? ask() : undefined) }
    }),
  )
  for (const { socket, ask } of phones) {
    const answered = () => once(socket, 'message', { signal: AbortSignal.timeout(FIRST_MS) })
    await Promise.all([answered(), ask()]) // is challenged
    await Promise.all([answered(), ask()])
  }
  return async (ms) => {
    Object.assign(count, { good: 0, bad: 0 })
    running = true
    const start = process.hrtime.bigint()
    for (const { ask } of phones) ask()
    const again = setInterval(() => {
      for (const { askAgain } of phones) askAgain()
    }, LOST_MS)
    await new Promise((resolve) => setTimeout(resolve, ms))
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    running = false
    clearInterval(again)
    const result = { ...count, seconds } satisfies LoadResult
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    return result
  }
})
