import { type ImportCounts, importAll } from '../bulk/importer.js'
import { createFileReport, createSpokenReport, type Report } from '../bulk/report.js'
import { readSource, SOURCE_FORMATS, type SourceForm } from '../bulk/source.js'
import { SourceFault, type SourceItem } from '../bulk/source-row.js'
import { isDatabaseUrl } from '../bulk/subscriber-source.js'
import { createTargets, LIST_NAME_LENGTH_MAX } from '../bulk/targets.js'
import { isRealm, REALM_RULE } from '../names.js'
import { isSid } from '../sid.js'
import { hasChangesUpTo, newestChange } from '../store/outbox.js'
import { type CommandContext, UsageError } from './command.js'
import { readOptions } from './options.js'
import { type Tools, withTools } from './tools.js'

const RULE =
  'sipauthd import takes a source, and --account, --list, --realm, --default-realm, --format, --table, --separator, ' +
  '--columns, --backslashes, --report, --update, --dry-run: see docs/migrating.md'

const OPTIONS = {
  account: { type: 'string' },
  list: { type: 'string' },
  realm: { type: 'string' },
  'default-realm': { type: 'string' },
  format: { type: 'string' },
  table: { type: 'string', default: 'subscriber' },
  separator: { type: 'string' },
  columns: { type: 'string' },
  backslashes: { type: 'boolean', default: false },
  report: { type: 'string' },
  update: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
} as const

type Options = ReturnType<typeof readImportOptions>

/** Separators that a shell makes hard to write. */
const SEPARATOR_NAMES: Readonly<Record<string, string>> = { tab: '\t', '\\t': '\t' }

const PROGRESS_MS = 1_000
/** How long an import waits at its end for what earlier ones have left to be mirrored. */
const SETTLE_MS = 10_000
const SETTLE_POLL_MS = 50

/**
 * `sipauthd import SOURCE`: brings users over from a table, a CSV file or a pjsip.conf. Exit codes: 0 all are taken, 1
 * some were refused or it failed, 2 called wrongly.
 */
export async function runImport(context: CommandContext): Promise<number> {
  const options = readImportOptions(context.args)
  return withTools(context, (tools) => runWith(tools, options))
}

function readImportOptions(args: readonly string[]) {
  const config = { args: [...args], options: OPTIONS, allowPositionals: true } as const
  const { values, positionals } = readOptions(config, RULE)
  const [source, ...rest] = positionals
  if (source === undefined || rest.length > 0) throw new UsageError(RULE)
  if (isUrl(source) && !isDatabaseUrl(source)) {
    throw new UsageError('the source is no address of a database: postgres://…, mysql://…, with %XX for odd characters')
  }
  const { account, list, realm, table, backslashes, report, update } = values
  const format = SOURCE_FORMATS.find((known) => known === values.format)
  if (values.format !== undefined && !format) throw new UsageError(`--format is one of ${SOURCE_FORMATS.join(', ')}`)
  if (account !== undefined && !isSid('account', account)) throw new UsageError('--account takes an account SID')
  const otherwise = values['default-realm']
  for (const [name, given] of Object.entries({ realm, 'default-realm': otherwise })) {
    if (given !== undefined && !isRealm(given)) throw new UsageError(`--${name} takes ${REALM_RULE}`)
  }
  if (list !== undefined && (list === '' || [...list].length > LIST_NAME_LENGTH_MAX)) {
    throw new UsageError(`--list takes a SID, or a name of 1 to ${LIST_NAME_LENGTH_MAX} characters`)
  }
  const separator = SEPARATOR_NAMES[values.separator ?? ''] ?? values.separator
  if (separator !== undefined && separator.length !== 1) throw new UsageError('--separator takes a character, or tab')
  const form: SourceForm = { format, separator, table, backslashes, columns: values.columns?.split(',') }
  return {
    source,
    form,
    account,
    list,
    realms: { always: realm, otherwise },
    update,
    dryRun: values['dry-run'],
    report,
  }
}

async function runWith({ print, log, database, provision, relay, masterSid }: Tools, options: Options) {
  const { source, form, account, list, update, dryRun } = options
  const say = (text: string) => void process.stderr.write(text)
  const choice = { account, defaultAccount: masterSid, list, dryRun }
  const { credentialLists, imports } = provision
  const targets = await createTargets({ pool: database.pool, credentialLists, choice })
  const realms = { ...options.realms, otherwise: options.realms.otherwise ?? targets.home?.realm }
  const report = options.report === undefined ? createSpokenReport(say) : openReport(options.report)
  const counts = { read: 0, created: 0, updated: 0, unchanged: 0, refused: 0 }
  const progress = createProgress(say, Date.now)
  try {
    const deps = { imports, targets, realms, update, dryRun, report, counts, onProgress: progress }
    await importAll(tellingFaults(source, readSource(source, form)), deps)
    if (relay && !dryRun && !(await settle({ database, relay }))) {
      log.warn('not all changes are mirrored yet; the servers, or the next import, go on with them')
    }
    print(`${dryRun ? 'dry run, nothing is written: ' : ''}${describe(counts)}\n`)
    return counts.refused === 0 ? 0 : 1
  } catch (error) {
    if (counts.read > 0) say(`broken off after ${describe(counts)}\n`)
    if (counts.read > 0 && !dryRun) say('what was written stays, and the same import, run again, completes it\n')
    throw error
  } finally {
    report.close()
  }
}

function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source)
}

function openReport(path: string): Report {
  try {
    return createFileReport(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown'
    throw new UsageError(`--report names a file that cannot be written: ${code}`)
  }
}

/**
 * What a source gives. Its own faults are the caller's to mend, those of the stores that it goes to are not: they look
 * alike, and come out elsewhere. The address of a database may hold a password, and is not shown.
 */
async function* tellingFaults(source: string, items: AsyncIterable<SourceItem>): AsyncGenerator<SourceItem> {
  const isDatabase = isDatabaseUrl(source)
  try {
    yield* items
  } catch (error) {
    const name = isDatabase ? 'the table' : source
    if (error instanceof SourceFault) throw new UsageError(`${name} ${error.message}`)
    const isOfFile = error instanceof Error && 'syscall' in error && ['open', 'read'].includes(String(error.syscall))
    if (!isDatabase && isOfFile && 'code' in error) throw new UsageError(`${name} cannot be read: ${error.code}`)
    throw error
  }
}

function describe({ read, created, updated, unchanged, refused }: Readonly<ImportCounts>): string {
  return `${read} rows: ${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused`
}

/** Says every second how far it is, and how fast since the second before. */
function createProgress(say: (text: string) => void, now: () => number) {
  let last = { at: now(), done: 0 }
  return (counts: Readonly<ImportCounts>) => {
    const seconds = (now() - last.at) / 1_000
    if (seconds * 1_000 < PROGRESS_MS) return
    const done = counts.created + counts.updated + counts.unchanged + counts.refused
    say(`${describe(counts)}; ${Math.round((done - last.done) / seconds)} rows/s\n`)
    last = { at: now(), done }
  }
}

/**
 * Mirrors what is in the outbox by now, whoever left it there: where no server runs, an import that was killed between
 * the commit and the mirror is completed by the next one. Answers whether that is done.
 */
async function settle({ database, relay }: Pick<Tools, 'database'> & { relay: NonNullable<Tools['relay']> }) {
  const newest = await newestChange(database.pool)
  if (newest === undefined) return true
  relay.start()
  try {
    for (const deadline = Date.now() + SETTLE_MS; Date.now() < deadline; ) {
      if (!(await hasChangesUpTo(database.pool, newest))) return true
      await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS))
    }
    return false
  } finally {
    await relay.close()
  }
}
