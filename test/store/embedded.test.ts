import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { createLog } from '../../src/log.js'
import { openEmbedded } from '../../src/store/embedded.js'
import { lockFolder } from '../../src/store/folder-lock.js'
import { lockInside } from '../../src/store/lock-socket.js'
import { startNode } from '../e2e/node.js'
import { embeddedFolder } from '../fixtures/embedded-folder.js'
import { runProcess } from '../fixtures/process.js'
import { projectPath } from '../fixtures/project.js'
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

t.test('a folder of any length of name is locked, and nothing is left in it', async (t) => {
  const folder = join(await scratchFolder('long'), 'a'.repeat(120))
  await mkdir(folder)
  const lock = await lockFolder(folder)
  t.ok(lock)
  t.equal((await readdir(folder)).length, 1)
  await lock?.release()
  t.same(await readdir(folder), [])
})

t.test('of several that lock a folder at one moment without the gate at most one gets it', async (t) => {
  const folder = await scratchFolder('contended')
  for (let round = 0; round < 10; round++) {
    const locks = await Promise.all(Array.from({ length: 5 }, () => lockInside(folder)))
    const held = locks.filter((lock) => lock !== undefined)
    t.ok(held.length <= 1)
    await Promise.all(held.map((lock) => lock.release()))
  }
  const afterwards = await lockInside(folder)
  t.ok(afterwards)
  await afterwards?.release()
})

t.test('what a killed process has left in a folder is removed', async (t) => {
  const folder = await scratchFolder('left')
  const script = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))"
  const left = join(folder, 'lock-0123456789abcdef.sock')
  await runProcess({ command: process.execPath, args: ['-e', script, left] })
  t.same(await readdir(folder), ['lock-0123456789abcdef.sock'])
  const lock = await lockFolder(folder)
  t.ok(lock)
  t.notOk((await readdir(folder)).includes('lock-0123456789abcdef.sock'))
  await lock?.release()
})

/** As root, or as a user who is root in a namespace of his own; where neither is allowed there is none. */
const unshare = [['-n'], ['-rn']].find((args) => spawnSync('unshare', [...args, 'true']).status === 0)
t.test(
  'a process in another network namespace, as in a second container, is refused too',
  unshare ? {} : { skip: 'this user may not make a network namespace' },
  async (t) => {
    const DATA_DIR = await embeddedFolder()
    const lock = await lockFolder(DATA_DIR)
    const args = [...(unshare ?? []), process.execPath, projectPath('dist-test/src/cli.js'), 'account', 'list']
    const list = () => runProcess({ command: 'unshare', args, env: { DATA_DIR } })
    t.match(await list(), { code: 2, stderr: /is in use by another sipauthd/ })
    await lock?.release()
    t.match(await list(), { code: 0 })
  },
)

t.test(
  'a second process on a DATA_DIR is refused; kill -9 frees it, and loses nothing that was answered',
  async (t) => {
    const DATA_DIR = await embeddedFolder()
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

t.test('what is committed is synced to the disk, and an error of the pool does not end the process', async (t) => {
  const database = await openEmbedded(await embeddedFolder(), createLog('fatal'))
  t.teardown(() => database.close())
  await database.pool.query('create table t (a int)')
  const synced: string[] = []
  const { fsyncSync } = fs
  t.teardown(() => {
    fs.fsyncSync = fsyncSync
    syncBuiltinESMExports()
  })
  fs.fsyncSync = (descriptor) => {
    synced.push(fs.readlinkSync(`/proc/self/fd/${descriptor}`))
    fsyncSync(descriptor)
  }
  syncBuiltinESMExports()
  await database.pool.query('select 1')
  t.same(synced, [], 'reading costs nothing')
  await database.pool.query('insert into t values (1)')
  t.match(synced, [/\/postgres\/pg_wal\/[0-9A-F]{24}$/])
  t.equal(database.pool.emit('error', new Error('broken'), {}), true)
})

t.test('a DATA_DIR that cannot be opened is not left locked', async (t) => {
  const dataDir = await scratchFolder('data')
  await writeFile(join(dataDir, 'postgres'), 'not a folder')
  await t.rejects(openEmbedded(dataDir, createLog('fatal')))
  const lock = await lockFolder(dataDir)
  t.ok(lock)
  await lock?.release()
})
