import { migrateWhenUp, openDatabase } from '../stores.js'
import { type CommandContext, UsageError } from './command.js'

/** `sipauthd migrate`: brings the schema up to date and ends. */
export async function runMigrate({ config, log, args, print }: CommandContext): Promise<number> {
  if (args.length > 0) throw new UsageError('sipauthd migrate takes no arguments')
  const database = await openDatabase(config, log)
  try {
    const ran = await migrateWhenUp(database, log, Date.now)
    print(ran.length === 0 ? 'the schema is up to date\n' : ran.map((name) => `migrated ${name}\n`).join(''))
    return 0
  } finally {
    await database.close()
  }
}
