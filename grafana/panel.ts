import * as common from '@grafana/grafana-foundation-sdk/common'
import {
  type Panel as BuiltPanel,
  FieldColorBuilder,
  FieldColorModeId,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'

/** What every panel asks: the Prometheus that is chosen at the top of the dashboard. */
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const

/** How a panel draws: its last value, lines, or lines on top of each other. */
export type PanelKind = 'stat' | 'lines' | 'stack'

/** One panel as it is planned; `build` makes Grafana's form of it. */
export type PanelPlan = {
  readonly kind: PanelKind
  readonly title: string
  /** What the panel means, and what to look at next when it looks wrong. */
  readonly description: string
  /** A unit of Grafana's, from `@grafana/grafana-foundation-sdk/units`. */
  readonly unit: string
  /** In Grafana's grid of 24 columns. */
  readonly width: number
  /** PromQL by its legend, in which `{{label}}` stands for a label's value. */
  readonly queries: Readonly<Record<string, string>>
  /** Colour from each value on, ascending; the first colour holds from below. */
  readonly thresholds?: readonly (readonly [colour: string, from: number | null])[]
  /** Largest value that the scale must show. */
  readonly max?: number
  /** Colour of single series, by legend. */
  readonly colours?: Readonly<Record<string, string>>
}

/** Heights in Grafana's grid, of about 30 pixels a row. */
const HEIGHTS: Readonly<Record<PanelKind, number>> = { stat: 4, lines: 8, stack: 8 }

/** Makes Grafana's panel of a plan; `id` is unique on its dashboard. */
export function buildPanel(plan: PanelPlan, id: number): { build(): BuiltPanel } {
  const panel = plan.kind === 'stat' ? buildStat() : buildGraph(plan)
  panel.id(id).title(plan.title).description(plan.description).datasource(DATASOURCE)
  panel.height(HEIGHTS[plan.kind]).span(plan.width).unit(plan.unit).min(0)
  if (plan.max !== undefined) panel.max(plan.max)
  if (plan.thresholds) panel.thresholds(buildThresholds(plan.thresholds))
  for (const [legend, colour] of Object.entries(plan.colours ?? {})) {
    panel.overrideByName(legend, [{ id: 'color', value: { mode: 'fixed', fixedColor: colour } }])
  }
  for (const [index, [legend, expr]] of Object.entries(plan.queries).entries()) {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .expr(expr)
      .legendFormat(legend)
    panel.withTarget(plan.kind === 'stat' ? query.instant() : query.range())
  }
  return panel
}

function buildStat(): stat.PanelBuilder {
  return new stat.PanelBuilder()
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
}

function buildGraph({ kind, thresholds }: PanelPlan): timeseries.PanelBuilder {
  const legend = new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.Table)
    .placement(common.LegendPlacement.Bottom)
    .showLegend(true)
    .calcs(['lastNotNull', 'max'])
  const tooltip = new common.VizTooltipOptionsBuilder()
    .mode(common.TooltipDisplayMode.Multi)
    .sort(common.SortOrder.Descending)
  const panel = new timeseries.PanelBuilder().legend(legend).tooltip(tooltip).showPoints(common.VisibilityMode.Never)
  panel.colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic))
  if (thresholds) {
    panel.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed))
  }
  if (kind !== 'stack') return panel
  return panel.fillOpacity(30).stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal))
}

function buildThresholds(thresholds: NonNullable<PanelPlan['thresholds']>): ThresholdsConfigBuilder {
  const steps: Threshold[] = thresholds.map(([color, value]) => ({ color, value }))
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps)
}
