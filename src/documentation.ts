import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Documentation } from './api/server.js'
import { DOCUMENTED_LOOKUP } from './lookup/documented-lookup.js'
import { packageRoot } from './package-root.js'

/** What the management API's documentation tells of beside itself. */
export const DOCUMENTATION: Documentation = { version: readVersion(), others: [DOCUMENTED_LOOKUP] }

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }
  return version
}
