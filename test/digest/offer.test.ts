import fc from 'fast-check'
import t from 'tap'
import { ALGORITHMS, type HashAlgorithm } from '../../src/digest/algorithm.js'
import { createOfferCodec, decodeOffer, encodeOffer, type Offer } from '../../src/digest/offer.js'

const NAMES = Object.keys(ALGORITHMS) as HashAlgorithm[]

const offers = fc.record<Offer>(
  { algorithms: fc.shuffledSubarray(NAMES), qop: fc.shuffledSubarray(['auth', 'auth-int'] as const) },
  { noNullPrototype: true },
)

t.test('an offer is two bytes, from which the same algorithms and qops come back in the same order', async (t) => {
  fc.assert(fc.property(offers, (offer) => t.strictSame(decodeOffer(...encodeOffer(offer)), offer)))
})

t.test('no two pairs of bytes stand for the same offer', async (t) => {
  const bytes = [...Array(256).keys()]
  for (const algorithms of bytes) {
    for (const qop of [0, 1, 2, 6, 9]) {
      const offer = decodeOffer(algorithms, qop)
      if (offer !== undefined) t.strictSame(encodeOffer(offer), [algorithms, qop])
    }
  }
  t.equal(bytes.filter((byte) => decodeOffer(byte, 0) !== undefined).length, 1 + 3 + 9 + 27)
})

t.test('bytes that no offer is written as are none', async (t) => {
  t.equal(decodeOffer(0b000100, 0), undefined, 'an empty first place')
  t.equal(decodeOffer(0b01000001, 0), undefined, 'a fourth place')
  t.equal(decodeOffer(0, 0b11), undefined, 'a qop that there is not')
})

t.test('an offer of more than three algorithms is the caller’s mistake', async (t) => {
  t.throws(() => encodeOffer({ algorithms: ['MD5', 'MD5', 'MD5', 'MD5'], qop: [] }), RangeError)
})

t.test('what was encoded or decoded before does not show', async (t) => {
  const codec = createOfferCodec()
  fc.assert(
    fc.property(fc.array(offers, { maxLength: 4 }), (some) => {
      for (const offer of [...some, ...some, ...some.toReversed()]) {
        const { algorithms, qop } = codec.encode(offer)
        t.strictSame([algorithms, qop], encodeOffer(offer))
        t.strictSame(codec.encode(offer), { algorithms, qop })
        t.strictSame(codec.encode({ ...offer, qop: [] }), { algorithms, qop: 0 })
        t.strictSame(codec.encode({ ...offer, algorithms: [] }), { algorithms: 0, qop })
        t.strictSame(codec.decode(algorithms, qop), offer)
      }
      return codec.decode(0b000100, 0) === undefined
    }),
  )
})
