import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { LATENCY } from './latency.js'
import { OVERVIEW } from './overview.js'
import { buildPanel, DATASOURCE, type PanelPlan } from './panel.js'
import { PROCESS } from './process.js'
import { STORES } from './stores.js'
import { VERDICTS } from './verdicts.js'

/** The dashboard's rows in their order, by title. */
const ROWS: Readonly<Record<string, readonly PanelPlan[]>> = {
  'At a glance': OVERVIEW,
  Verdicts: VERDICTS,
  Latency: LATENCY,
  'Mirror and stores': STORES,
  Process: PROCESS,
}

/** The dashboard as Grafana imports it; `sipauthd.json` beside this file is what it builds. */
export function buildDashboard(): Dashboard {
  const dashboard = new DashboardBuilder('sipauthd')
    .uid('sipauthd')
    .description('SIP digest authentication: verdicts, latency, mirror, stores.')
    .tags(['sip', 'sipauthd'])
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(labelVariable('job', 'Job', 'label_values(sipauthd_store_up, job)'))
    .withVariable(
      labelVariable('instance', 'Node', 'label_values(sipauthd_store_up{job="$job"}, instance)')
        .multi(true)
        .includeAll(true)
        .current({ text: 'All', value: '$__all' }),
    )
  let id = 0
  for (const [title, plans] of Object.entries(ROWS)) {
    dashboard.withRow(new RowBuilder(title).id(++id))
    for (const plan of plans) dashboard.withPanel(buildPanel(plan, ++id))
  }
  return dashboard.build()
}

/** A choice among the values of a label, read anew whenever the time range changes. */
function labelVariable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
}
