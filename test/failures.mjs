/**
 * The failed points of a TAP version 14 document (https://testanything.org/tap-version-14-specification.html), innermost
 * only: each as the path of its subtests and its description, and its YAML diagnostics. A file that ended badly
 * (time limit, signal, exit code) is such a point too.
 *
 * @param {string} text
 * @returns {{ path: string, diagnostics: string }[]}
 */
export function failedPoints(text) {
  const failures = []
  const subtests = [] // the open subtest of each depth
  const failedWithin = [] // whether something has failed below the open point of each depth
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    const [, indent = '', content = ''] = /^((?: {4})*)(.*)$/.exec(line) ?? []
    const depth = indent.length / 4
    const subtest = /^# Subtest: (.*)$/.exec(content)?.[1]
    if (subtest !== undefined) {
      subtests.splice(depth, Number.POSITIVE_INFINITY, subtest)
      failedWithin[depth] = false
    }
    const [, failed, description = ''] = /^(not )?ok \d+(?: - (.*))?$/.exec(content) ?? []
    if (failed === undefined || /# (SKIP|TODO)/i.test(description)) continue
    for (let above = 0; above < depth; above += 1) failedWithin[above] = true
    if (failedWithin[depth]) {
      failedWithin[depth] = false
      continue
    }
    const end = lines.indexOf(`${indent}  ...`, index)
    const hasDiagnostics = lines[index + 1] === `${indent}  ---` && end > index
    failures.push({
      path: [...subtests.slice(0, depth), description.replace(/ # time=.*/, '')].join(' > '),
      diagnostics: hasDiagnostics ? lines.slice(index + 2, end).join('\n') : '',
    })
  }
  return failures
}
