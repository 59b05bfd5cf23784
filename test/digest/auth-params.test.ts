import t from 'tap'
import { PLACES, readAuthParams } from '../../src/digest/auth-params.js'
import { createCodeReader } from '../../src/digest/codes.js'

const codesOf = createCodeReader(100)

function read(text: string): unknown {
  const params = readAuthParams(text, codesOf(text), 0)
  if (typeof params === 'string') return params
  const entries = Object.entries(PLACES).map(([name, place]) => [name, params.values[place]])
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

t.test('parameters are tokens or quoted strings, in any order and case, with white space round = and ,', async (t) => {
  const expected = { realm: 'a b', nc: '1' }
  for (const text of ['realm="a b",nc=1', 'NC = "1" , Realm\t=\t"a b"', ' nc="1"\t,\t realm="a b" ']) {
    t.strictSame(read(text), expected, text)
  }
})

t.test('empty list elements are passed over (RFC 9110 section 5.6.1.2)', async (t) => {
  for (const text of ['', ' ', ',', ' , ,\t,']) t.strictSame(read(text), {}, text)
  t.strictSame(read(',,realm="x",, ,nc=1,'), { realm: 'x', nc: '1' })
})

t.test('escapes are undone, of any character', async (t) => {
  t.strictSame(read('realm="\\"\\\\\\a,=\\ "'), { realm: '"\\a,= ' })
})

t.test('characters above ASCII stay as they are in quoted strings and stand in no token', async (t) => {
  t.strictSame(read('realm="J\u00e4s\u00f8n\u0080\u00ff"'), { realm: 'J\u00e4s\u00f8n\u0080\u00ff' })
  t.equal(read('realm=J\u00e4'), 'realm must be followed by a comma or nothing')
  t.equal(read('r\u00e4=1'), 'a parameter must be followed by an equals sign')
})

t.test('parameters that nobody asked for are passed over, even twice, and even if named like a property', async (t) => {
  t.strictSame(read('x=1,x="2",__proto__=3,constructor=4,realm=r'), { realm: 'r' })
})

t.test('a parameter that was asked for may stand once', async (t) => {
  t.equal(read('realm=a,REALM=a'), 'realm must not be given twice')
  t.equal(read('nc=1,realm=a,nc=2'), 'nc must not be given twice')
})

t.test('whatever is no list of parameters is refused, in words that name the field and repeat nothing', async (t) => {
  const faults: Record<string, readonly string[]> = {
    'a parameter must begin with a name that is a token': [
      '="x"',
      '"realm"="x"',
      'realm=x,@',
      '\u0000realm=x',
      'a=b,\r\n',
    ],
    'a parameter must be followed by an equals sign': ['x', 'x y', 'Basic abc', 'x:1'],
    'realm must be followed by an equals sign': ['realm', 'realm,nc=1', 'realm "x"', 'realm\u00a0=x'],
    'realm must have a token or a quoted string as its value': [
      'realm=',
      'realm=,nc=1',
      'realm= ',
      'realm==x',
      'realm=\r\nx',
    ],
    'a parameter must have a token or a quoted string as its value': ['x=', 'x=/path'],
    'realm must end its quotes and hold no control character': [
      'realm="',
      'realm="x',
      'realm="x\\"',
      'realm="x\\',
      'realm="x\ty"',
      'realm="\u0000"',
      'realm="\\\n"',
      'realm="x\r\n y"',
      'realm="\u007f"',
      'realm="\u001f"',
    ],
    'realm must be followed by a comma or nothing': [
      'realm="x"y',
      'realm=x y',
      'realm="x" nc=1',
      'realm=x;nc=1',
      'realm=x\u0000',
    ],
    'a parameter must be followed by a comma or nothing': ['x=sip:bob'],
    'uri must be followed by a comma or nothing': ['uri=sip:bob'],
  }
  for (const [fault, texts] of Object.entries(faults)) {
    for (const text of texts) t.equal(read(text), fault, JSON.stringify(text))
  }
})
