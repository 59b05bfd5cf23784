import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { importAll } from '../../src/bulk/importer.js'
import { SourceFault, type SourceItem } from '../../src/bulk/source-row.js'
import type { ImportProvision } from '../../src/provision/imports.js'
import { Secret } from '../../src/secret.js'

const REALM = 'example.com'
const TARGET = { accountSid: 'AC1', realm: REALM, sid: 'CL1', friendlyName: 'list' }

function row(line: number): SourceItem {
  const texts = { enabled: '', description: undefined, account: '', list: '' }
  return { line, username: `user${line}`, realm: REALM, password: new Secret('Correct-Horse-42'), ha1s: {}, ...texts }
}

/** So many rows, and then the end, or a fault. */
async function* source(rows: number, fault?: Error): AsyncGenerator<SourceItem> {
  for (let line = 1; line <= rows; line++) yield row(line)
  if (fault) throw fault
}

/** Imports rows into a provision whose every step takes turns of the event loop, and tells what went on. */
function stage(run: (usernames: readonly string[]) => Promise<void> = async () => undefined) {
  const counts = { read: 0, created: 0, updated: 0, unchanged: 0, refused: 0 }
  const underWay = { written: 0, writtenMost: 0, published: 0, publishedMost: 0 }
  const names: string[] = []

  async function publish(): Promise<void> {
    underWay.publishedMost = Math.max(underWay.publishedMost, ++underWay.published)
    for (let turn = 0; turn < 20; turn++) await setImmediate()
    underWay.published--
  }

  const imports: Pick<ImportProvision, 'run'> = {
    async run(_, inputs) {
      underWay.writtenMost = Math.max(underWay.writtenMost, ++underWay.written)
      try {
        for (let turn = 0; turn < 5; turn++) await setImmediate()
        await run(inputs.map(({ username }) => username))
      } finally {
        underWay.written--
      }
      names.push(...inputs.map(({ username }) => username))
      return { outcomes: inputs.map(() => 'created'), published: publish() }
    },
  }

  return {
    counts,
    underWay,
    names,
    run: (items: AsyncIterable<SourceItem>) =>
      importAll(items, {
        imports: { ...imports, rehearse: () => Promise.reject(new Error('this is no rehearsal')) },
        targets: { find: async () => TARGET },
        realms: {},
        ...{ update: false, dryRun: false, counts },
        report: { refuse: () => undefined, close: () => undefined },
        onProgress: () => undefined,
      }),
  }
}

t.test(
  'rows are written in their order, one batch at a time, and at most two batches are mirrored at once',
  async (t) => {
    const { run, names, counts, underWay } = stage()
    await run(source(4_500))
    t.same(
      names,
      Array.from({ length: 4_500 }, (_, index) => `user${index + 1}`),
    )
    t.match(counts, { read: 4_500, created: 4_500 })
    t.same(underWay, { written: 0, writtenMost: 1, published: 0, publishedMost: 2 })
  },
)

t.test('a source that cannot be read any further ends it when nothing is on its way any more', async (t) => {
  const { run, counts, underWay } = stage()
  await t.rejects(run(source(2_300, new SourceFault('is torn'))), { message: 'is torn' })
  t.match(counts, { read: 2_300, created: 2_000 }, 'what was written is counted')
  t.match(underWay, { written: 0, published: 0 })
})

t.test('a batch that cannot be written ends it, and no later one is written', async (t) => {
  const { run, names, counts, underWay } = stage(async (usernames) => {
    if (usernames.includes('user1500')) throw new Error('the database is gone')
  })
  await t.rejects(run(source(4_500)), { message: 'the database is gone' })
  t.equal(names.length, 1_000)
  t.match(counts, { created: 1_000 })
  t.match(underWay, { written: 0, published: 0 })
})

t.test('the last batch counts too where it cannot be written', async (t) => {
  const { run, counts } = stage(async (usernames) => {
    if (usernames.includes('user1500')) throw new Error('the database is gone')
  })
  await t.rejects(run(source(1_500)), { message: 'the database is gone' })
  t.match(counts, { read: 1_500, created: 1_000 })
})
