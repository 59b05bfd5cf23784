/** `npm run grafana`: writes the dashboard to grafana/sipauthd.json. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../src/package-root.js'
import { buildDashboard } from './dashboard.js'

writeFileSync(join(packageRoot(), 'grafana/sipauthd.json'), `${JSON.stringify(buildDashboard(), undefined, 2)}\n`)
