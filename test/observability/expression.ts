/** What the variables of the dashboard are replaced by before Prometheus is asked. */
const VARIABLES: Readonly<Record<string, string>> = {
  $__rate_interval: '10s',
  $job: 'sipauthd',
  $instance: '.*',
}

/** PromQL as Grafana would send it. Throws for a variable that the dashboard does not have. */
export function fillIn(expression: string): string {
  const filled = Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), expression)
  if (filled.includes('$')) throw new Error(`an unknown variable is left in ${filled}`)
  return filled
}

/** Every selector in an expression, a metric with its matchers: what must exist even where `or` hides that it does not. */
export function selectors(expression: string): string[] {
  return expression.match(/\b(?:up|(?:sipauthd|process|nodejs)_\w+)\b(?:\{[^}]*\})?/g) ?? []
}

/** Values of `reason` that an expression's matchers name. */
export function reasons(expression: string): string[] {
  const values = [...expression.matchAll(/\breason(?:=~|!~|!=|=)"([^"]*)"/g)]
  return values.flatMap(([, value = '']) => value.split('|'))
}
