/** How the names of our variables begin, where no other program's are likely to. */
const OURS = /^(THROTTLE|NEAR_CACHE|NONCE|SIP|API|REPLAY|AUDIT)_/

/** What Kubernetes sets for a service, which may well be called sip or api. */
const SERVICES = /_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))/

/** Changes of a letter that a slip of the pen makes at most. */
const SLIPS_MAX = 3

/** A variable that looks like one of ours and is none, and the one of ours that is most like it. */
export type UnknownVariable = { readonly name: string; readonly meant: string | undefined }

/** Finds what is set and would be passed over in silence. */
export function findUnknownVariables(env: NodeJS.ProcessEnv, known: readonly string[]): readonly UnknownVariable[] {
  const unknown = Object.keys(env).filter((name) => OURS.test(name) && !SERVICES.test(name) && !known.includes(name))
  return unknown.sort().map((name) => ({ name, meant: findNearest(name, known) }))
}

function findNearest(name: string, known: readonly string[]): string | undefined {
  const measured = known.map((other) => ({ other, slips: countSlips(name, other) }))
  const [nearest] = measured.sort((one, other) => one.slips - other.slips)
  return nearest && nearest.slips <= SLIPS_MAX ? nearest.other : undefined
}

/** The Levenshtein distance: letters put in, left out or changed. */
function countSlips(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1]
    for (const [column, other] of [...to].entries()) {
      const changed = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
