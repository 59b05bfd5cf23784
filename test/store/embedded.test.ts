import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { openEmbedded } from '../../src/store/embedded.js'
import { lockFolder } from '../../src/store/folder-lock.js'
import { startNode } from '../e2e/node.js'
import { scratchFolder } from '../fixtures/scratch.js'
import { runSipauthd } from '../fixtures/sipauthd.js'
import { until } from '../fixtures/until.js'

t.test('a folder is locked for one holder at a time, and free after its release', async (t) => {
  const folder = await scratchFolder('locked')
  const first = await lockFolder(folder)
  t.ok(first)
  t.equal(await lockFolder(folder), undefined)
  t.ok(await lockFolder(await scratchFolder('other')), 'another folder is another lock')
  await first?.release()
  const second = await lockFolder(folder)
  t.ok(second)
  await second?.release()
})

t.test(
  'a second process on a DATA_DIR is refused; kill -9 frees it, and loses nothing that was answered',
  async (t) => {
    const DATA_DIR = await scratchFolder('data')
    const node = await startNode(t, { DATA_DIR })
    const list = await node.createList('example.com')
    const seconds = [['serve'], ['account', 'list']].map((command) =>
      runSipauthd(command, { DATA_DIR, SIP_PORT: 'off' }),
    )
    for (const { code, stderr, stdout } of await Promise.all(seconds)) {
      t.equal(code, 2)
      t.match(
        stderr,
        /^sipauthd: DATA_DIR \S+ is in use by another sipauthd: stop that one, or set another DATA_DIR\n$/,
      )
      t.equal(stdout, '')
    }

    const answered: string[] = []
    const writing = (async () => {
      for (let n = 0; ; n++) {
        await node.createUser(list, `user${n}`)
        answered.push(`user${n}`)
      }
    })().catch(() => undefined)
    await until(() => answered.length >= 5)
    t.equal((await node.process.kill()).signal, 'SIGKILL')
    await writing

    const again = await startNode(t, { DATA_DIR })
    for (const username of answered) t.equal(await again.logIn({ realm: 'example.com', username }), 'ok')
    await t.resolves(again.createUser(list, 'afterwards'))
  },
)

t.test('a DATA_DIR that cannot be opened is not left locked', async (t) => {
  const dataDir = await scratchFolder('data')
  await writeFile(join(dataDir, 'postgres'), 'not a folder')
  await t.rejects(openEmbedded(dataDir))
  const lock = await lockFolder(dataDir)
  t.ok(lock)
  await lock?.release()
})
