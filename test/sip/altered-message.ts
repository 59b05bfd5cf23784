import fc from 'fast-check'
import { sipRequest } from './request.js'

const SEEDS = [
  sipRequest('REGISTER', {
    lines: ['Contact: "B" <sip:bob@[::1];lr>;expires=60;q=0.1', 'Expires: 60', 'Authorization: Digest a="b"'],
  }),
  sipRequest('INVITE', { lines: ['Via: SIP/2.0/TCP [::1]:5060;branch=z9hG4bKx', 'Require: a, b'], body: 'v=0' }),
]
const HOSTILE = [
  ' ',
  '<',
  '>',
  '"',
  '\\',
  ';',
  ',',
  ':',
  '=',
  '%0d',
  '\r\n',
  '\r\n ',
  '\0',
  ';__proto__',
  '\xff',
  '\n',
  '*',
]

const EDIT = fc.record({
  at: fc.nat(800),
  cut: fc.nat(20),
  put: fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 12 })),
  times: fc.constantFrom(1, 1, 2, 300),
})

/** Requests to which anything was done: cut, put in, repeated. */
export function alteredMessage(): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...SEEDS), fc.array(EDIT, { minLength: 1, maxLength: 6 }))
    .map(([seed, edits]) =>
      edits.reduce(
        (text, { at, cut, put, times }) => text.slice(0, at) + put.repeat(times) + text.slice(at + cut),
        seed,
      ),
    )
}
