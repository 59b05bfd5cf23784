import t from 'tap'
import { createMemoryBindings } from '../../src/sip/memory-bindings.js'
import { BINDINGS_BEHAVIOUR, type Stage } from './bindings-behaviour.js'

function stage(): Stage {
  let time = 1_800_000_000_123
  return {
    bindings: createMemoryBindings({ now: () => time }),
    advance: (milliseconds) => {
      time += milliseconds
    },
  }
}

for (const [title, run] of BINDINGS_BEHAVIOUR) {
  t.test(`in memory, ${title}`, (t) => run(t, stage()))
}
