import t from 'tap'
import '../src/redis/client.js'
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import { speedUpStrings } from '../src/fast-strings.js'

setFlagsFromString('--allow-natives-syntax')
const isFast = runInThisContext('() => %HasFastProperties(String.prototype)') as () => boolean

t.test('the methods of strings are fast again after the libraries are loaded', (t) => {
  speedUpStrings()
  t.equal(isFast(), true)
  t.end()
})
