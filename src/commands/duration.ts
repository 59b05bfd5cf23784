const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** How a duration is written, in words fit for an error message. */
export const DURATION_RULE = 'a whole number with s, m, h or d behind it, like 24h'

/** Seconds of a duration like `90s`, `30m`, `24h`, `7d`, or `0`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (digits === undefined) return text === '0' ? 0 : undefined
  return Number(digits) * (SECONDS[unit] ?? 0)
}
