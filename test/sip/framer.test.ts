import fc from 'fast-check'
import t from 'tap'
import { createFramer, type Frame } from '../../src/sip/framer.js'
import { LIMITS } from '../../src/sip/limits.js'
import { sipRequest } from './request.js'

/** All frames of a stream that arrives in these chunks. */
function frames(...chunks: readonly string[]): Frame[] {
  const framer = createFramer()
  const found: Frame[] = []
  for (const chunk of chunks) {
    framer.push(Buffer.from(chunk, 'latin1'))
    for (let frame = framer.next(); frame; frame = framer.next()) found.push(frame)
  }
  return found
}

function text({ head, body }: Frame): string {
  return `${head.toString('latin1')}\r\n\r\n${body.toString('latin1')}`
}

t.test('a stream is cut into the same messages however it arrives', async (t) => {
  const messages = [
    sipRequest('OPTIONS'),
    sipRequest('MESSAGE', { body: 'a\r\n\r\nb' }),
    sipRequest('INVITE', { body: 'v=0' }),
  ]
  const stream = `\r\n\r\n${messages.join('\r\n\r\n')}\r\n\r\n`
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
      const ends = [...cuts, stream.length].sort((a, b) => a - b)
      const found = frames(...ends.map((end, i) => stream.slice(ends[i - 1] ?? 0, end)))
      return found.map(text).join('|') === messages.join('|')
    }),
  )
  t.same(frames(...stream).map(text), messages, 'also byte by byte')
})

const faults: [what: string, length: string, status: number][] = [
  ['without Content-Length', '', 400],
  ['with two Content-Length', 'Content-Length: 1\r\nl: 1\r\n', 400],
  ['with a Content-Length that is no number', 'Content-Length: abc\r\n', 400],
  ['with a list as Content-Length', 'Content-Length: 5, 5\r\n', 400],
  ['with a negative Content-Length', 'Content-Length: -5\r\n', 400],
  ['with an empty Content-Length', 'l:\r\n', 400],
  ['with a folded Content-Length', 'l:\r\n 5\r\n', 400],
  ['over 16 KB', `l: ${LIMITS.message}\r\n`, 513],
]
for (const [what, length, status] of faults) {
  t.test(`a message ${what} ends the stream with ${status}, whatever follows`, async (t) => {
    const stream = sipRequest('OPTIONS').replace(/Content-Length: 0\r\n/, length)
    const found = frames(stream + sipRequest('OPTIONS'))
    t.equal(found[0]?.fault?.status, status)
    t.equal(found.length, 1)
  })
}

t.test('a head without end is refused as soon as it is over 12 KB', async (t) => {
  const framer = createFramer()
  framer.push(Buffer.alloc(LIMITS.head, 'a'))
  t.equal(framer.next(), undefined)
  framer.push(Buffer.from('a'))
  t.equal(framer.next()?.fault?.status, 513)
  t.notOk(framer.pending, 'nothing of it is kept')
})

t.test('line ends between messages are passed over and leave nothing pending', async (t) => {
  const framer = createFramer()
  for (let i = 0; i < 1000; i++) {
    framer.push(Buffer.from('\r\n\r\n'))
    if (framer.next()) t.fail('there was a message')
  }
  t.notOk(framer.pending)
})
