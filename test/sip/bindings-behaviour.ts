import { BINDINGS_MAX, type Bindings, type BindingsChange, type ContactChange } from '../../src/sip/bindings.js'

/** The part of a tap test that is used here. */
type Assertions = { same(found: unknown, wanted: unknown, ...message: [] | [string]): unknown }

/** A store under test, with the clock that it was given. */
export type Stage = { readonly bindings: Bindings; advance(milliseconds: number): void }

type Behaviour = readonly [title: string, run: (t: Assertions, stage: Stage) => Promise<void>]

const BOB = { realm: 'example.com', username: 'bob' }

function contact(name: string, expiresSeconds = 100, q?: number): ContactChange {
  return { uri: `sip:bob@${name}`, key: `key of ${name}`, expiresSeconds, ...(q === undefined ? {} : { q }) }
}

function change(cseq: number, contacts: BindingsChange['contacts'], callId = 'c1'): BindingsChange {
  return { callId, cseq, contacts }
}

async function uris(bindings: Bindings, address = BOB): Promise<string[]> {
  return (await bindings.list(address)).map(({ uri }) => uri).sort()
}

/** What every store of bindings does, RFC 3261 section 10.3. */
export const BINDINGS_BEHAVIOUR: readonly Behaviour[] = [
  [
    'an address of record that was never registered has no bindings',
    async (t, { bindings }) => {
      t.same(await bindings.list(BOB), [])
      t.same(await bindings.update(BOB, change(1, '*')), { outcome: 'done', bindings: [] })
    },
  ],
  [
    'a binding keeps its URI, q, Call-ID, CSeq and the time of its end',
    async (t, { bindings }) => {
      const result = await bindings.update(BOB, change(1, [contact('a', 100, 0.125)]))
      const [binding] = result.outcome === 'done' ? result.bindings : []
      const { expiresAt = 0, ...rest } = binding ?? {}
      t.same(rest, { uri: 'sip:bob@a', key: 'key of a', q: 0.125, callId: 'c1', cseq: 1 })
      t.same(expiresAt % 1000, 123, 'to the millisecond')
      t.same(await bindings.list(BOB), [binding])
    },
  ],
  [
    'each address of record has bindings of its own',
    async (t, { bindings }) => {
      await bindings.update(BOB, change(1, [contact('a')]))
      t.same(await uris(bindings, { ...BOB, realm: 'other.com' }), [])
      t.same(await uris(bindings, { ...BOB, username: 'BOB' }), [])
    },
  ],
  [
    'a higher CSeq of the same Call-ID renews and adds',
    async (t, { bindings }) => {
      await bindings.update(BOB, change(1, [contact('a', 60)]))
      await bindings.update(BOB, change(2, [contact('a', 600), contact('b')]))
      t.same(await uris(bindings), ['sip:bob@a', 'sip:bob@b'])
    },
  ],
  [
    'the same or a lower CSeq of the same Call-ID changes nothing, not even what would be new',
    async (t, { bindings }) => {
      await bindings.update(BOB, change(5, [contact('a')]))
      const late = { outcome: 'out_of_order' }
      t.same(await bindings.update(BOB, change(5, [contact('b'), contact('a', 0)])), late)
      t.same(await bindings.update(BOB, change(4, [contact('a', 0)])), late)
      t.same(await bindings.update(BOB, change(5, '*')), late)
      t.same(await uris(bindings), ['sip:bob@a'])
    },
  ],
  [
    'another Call-ID changes a binding whatever its CSeq',
    async (t, { bindings }) => {
      await bindings.update(BOB, change(5, [contact('a'), contact('b')]))
      await bindings.update(BOB, change(1, [contact('a', 0)], 'c2'))
      t.same(await uris(bindings), ['sip:bob@b'])
      await bindings.update(BOB, change(2, '*', 'c2'))
      t.same(await uris(bindings), [])
    },
  ],
  [
    'a contact that one request names twice is there once',
    async (t, { bindings }) => {
      await bindings.update(BOB, change(1, [contact('a'), contact('a', 200)]))
      await bindings.update(BOB, change(2, [contact('b'), contact('b', 0), contact('b')]))
      t.same(await uris(bindings), ['sip:bob@a', 'sip:bob@b'])
    },
  ],
  [
    'removing what is not there is no fault',
    async (t, { bindings }) => {
      t.same(await bindings.update(BOB, change(1, [contact('a', 0)])), { outcome: 'done', bindings: [] })
    },
  ],
  [
    'a binding ends with its time, its CSeq is then forgotten, and others stay',
    async (t, { bindings, advance }) => {
      await bindings.update(BOB, change(5, [contact('a', 60), contact('b', 120)]))
      advance(59_999)
      t.same(await uris(bindings), ['sip:bob@a', 'sip:bob@b'])
      advance(1)
      t.same(await uris(bindings), ['sip:bob@b'])
      await bindings.update(BOB, change(1, [contact('a')]))
      t.same(await uris(bindings), ['sip:bob@a', 'sip:bob@b'])
      advance(120_000)
      t.same(await uris(bindings), [])
    },
  ],
  [
    `${BINDINGS_MAX} contacts are taken; one more is refused and changes nothing`,
    async (t, { bindings }) => {
      const many = Array.from({ length: BINDINGS_MAX }, (_, i) => contact(`h${i}`))
      await bindings.update(BOB, change(1, many))
      t.same(await bindings.update(BOB, change(2, [contact('h0', 0), contact('x'), contact('y')])), {
        outcome: 'too_many',
      })
      t.same((await uris(bindings)).length, BINDINGS_MAX)
      await bindings.update(BOB, change(3, [contact('h0', 0), contact('x')]))
      t.same(
        (await uris(bindings)).filter((uri) => /@(?:x|h0)$/.test(uri)),
        ['sip:bob@x'],
      )
    },
  ],
  [
    'of changes at one moment with one CSeq, one is made',
    async (t, { bindings }) => {
      const all = await Promise.all(Array.from({ length: 8 }, () => bindings.update(BOB, change(1, [contact('a')]))))
      t.same(all.filter(({ outcome }) => outcome === 'done').length, 1)
    },
  ],
  [
    'quotes, backslashes, slashes and letters beyond ASCII come back as they were',
    async (t, { bindings }) => {
      const uri = 'sip:b"o\\b/\u00fc@a;x=\u20ac'
      await bindings.update(BOB, change(1, [{ uri, key: uri, expiresSeconds: 60 }], 'c"\\/1'))
      const [binding] = await bindings.list(BOB)
      t.same([binding?.uri, binding?.callId], [uri, 'c"\\/1'])
    },
  ],
]
