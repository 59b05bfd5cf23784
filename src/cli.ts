#!/usr/bin/env node
import { type Command, UsageError } from './commands/command.js'
import { type Config, ConfigError, readConfig } from './config.js'
import { Refusal, Unavailable } from './errors.js'
import { createLog } from './log.js'
import { readServeConfig, readWorkerConfig } from './serve-config.js'
import { DataDirInUse } from './store/embedded.js'

/** Each is loaded when it is called: a short one need not wait for the libraries of the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve.js')).runServe,
  worker: async () => (await import('./commands/worker.js')).runWorker,
  migrate: async () => (await import('./commands/migrate.js')).runMigrate,
  account: async () => (await import('./commands/account.js')).runAccount,
  audit: async () => (await import('./commands/audit.js')).runAudit,
  ban: async () => (await import('./commands/ban.js')).runBan,
  mirror: async () => (await import('./commands/mirror.js')).runMirror,
  import: async () => (await import('./commands/import.js')).runImport,
  export: async () => (await import('./commands/export.js')).runExport,
}

/** Where a command reads its configuration in another way than the others. */
const CONFIG_READERS: Readonly<Record<string, () => Config | Promise<Config>>> = {
  serve: readServeConfig,
  worker: readWorkerConfig,
}

const HELP = `sipauthd serve                   answer requests, until SIGTERM
sipauthd migrate                 bring the database's schema up to date
sipauthd account create NAME     create an account; prints its token, once
sipauthd account list [--status active|suspended|closed]
sipauthd account suspend SID     its credentials authenticate nowhere any more, its token opens nothing
sipauthd account activate SID    undoes that
sipauthd account close SID       like suspend, for an account that is given up
sipauthd account rotate-token SID [--overlap 24h]
                                 prints a new token, once; the one before stays good for the overlap
sipauthd audit                   who changed what, newest first; --account SID, --resource SID, --action WORD,
                                 --since and --until (2026-11-22, 24h), --limit 100 (0 for all), --json
sipauthd ban list [--json]       whom the throttle refuses at this moment, and for how long
sipauthd ban lift ADDRESS [--user NAME --realm REALM]
                                 lets an address and the users behind it try again at once; exits 1 if nobody was banned
sipauthd ban lift --all          the same for everybody
sipauthd mirror check            compare every credential in PostgreSQL and Redis
sipauthd mirror rebuild          make Redis hold what PostgreSQL holds
sipauthd mirror leave [--lost]   let servers start without Redis again; --lost where it is gone for good
sipauthd import SOURCE [--dry-run] …   bring users over from a subscriber table (postgres://…, mysql://…),
                                 a CSV file or a pjsip.conf: see docs/migrating.md
sipauthd export [--account SID] [--list SID|NAME] [--output FILE]
                                 every credential as CSV, with its HA1s: whoever has them can log in
sipauthd help                    show this

Everything else is configured by variables: see README.md and .env.example.
Exit codes: 0 done, 1 failed (or differences found), 2 called or configured wrongly.
`

const HELP_FLAGS = ['--help', '-h']

/** What whoever called can mend: no stack trace helps. */
const CALLERS_FAULTS = [UsageError, ConfigError, DataDirInUse, Refusal]

async function run([name = 'help', ...args]: readonly string[]): Promise<number> {
  if (name === 'help' || HELP_FLAGS.some((flag) => name === flag || args.includes(flag))) return print(HELP)
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  try {
    if (!load) throw new UsageError(`there is no command ${JSON.stringify(name)}; sipauthd help lists them`)
    const command = await load()
    const config = await (CONFIG_READERS[name] ?? readConfig)()
    return await command({ config, log: createLog(config.LOG_LEVEL), args, print })
  } catch (error) {
    const isCallersFault = CALLERS_FAULTS.some((kind) => error instanceof kind)
    process.stderr.write(`sipauthd: ${describe(error, isCallersFault)}\n`)
    return isCallersFault ? 2 : 1
  }
}

/** What a server or the system refused has a code, and says all in its message; only a fault of ours needs its stack. */
function describe(error: unknown, isCallersFault: boolean): string {
  if (!(error instanceof Error)) return String(error)
  if (isCallersFault || error instanceof Unavailable) return error.message
  if (error.name === 'ReplyError') return `Redis refuses: ${error.message}`
  return 'code' in error ? error.message || String(error.code) : (error.stack ?? error.message)
}

function print(text: string): 0 {
  process.stdout.write(text)
  return 0
}

// Ended by hand: a timer or socket of a library must not keep a process that is done.
run(process.argv.slice(2)).then((code) => process.exit(code))
