import { SourceFault } from './source-row.js'

/** One section of an Asterisk configuration file, with what it inherits before what it says itself. */
export type Section = {
  readonly name: string
  /** Line of its header, counted from 1. */
  readonly line: number
  /** `[name](!)`: only inherited from. */
  readonly isTemplate: boolean
  /** In the order in which they count: of two with one key the later counts, unless the option takes several. */
  readonly settings: readonly Setting[]
}

export type Setting = { readonly key: string; readonly value: string }

/** A line that could not be made use of. */
export type ConfigFault = { readonly line: number; readonly fault: string }

type Draft = { name: string; line: number; isTemplate: boolean; settings: Setting[] }

const HEADER = /^\[([^\]]*)\](?:\(([^)]*)\))?/

/** The marks of comments: an escaped semicolon, both ends of a block, and a comment to the line's end. */
const MARKS = /\\;|;--(?!-)|--;|;/g

/** Lines that say what Asterisk is to read as well. Others are not shown: they may be settings with a # before them. */
const DIRECTIVES = ['#include', '#tryinclude', '#exec'] as const

/** Settings that a section may have, with those that it inherits. */
const SECTION_SETTINGS_MAX = 1_000

/** Inherited settings that are kept of one file: templates that inherit from templates may be many times its size. */
const INHERITED_MAX = 4_000_000

const SECTIONS_MAX = 500_000

/** Lines of no meaning after which the file is taken for something else. */
const FAULTS_MAX = 10_000

/**
 * Reads Asterisk's configuration format (docs.asterisk.org, "Asterisk Configuration Files"): sections of one name many
 * times over, `=`, `=>` and `+=`, templates `[name](!)`, inheritance `[name](a,b)`, additions `[name](+)`, comments from
 * `;` to the line's end unless it is written `\;`, and block comments from `;--` to `--;`. Throws a `SourceFault` where
 * the file is none, or holds more than is kept in memory.
 */
export function readAsteriskConfig(text: string): { sections: readonly Section[]; faults: readonly ConfigFault[] } {
  const sections = new Sections()
  const faults: ConfigFault[] = []
  let current: Draft | undefined
  for (const { line, content } of withoutComments(text)) {
    const header = HEADER.exec(content)
    const done = header
      ? sections.open(line, header[1] ?? '', header[2] ?? '')
      : content.startsWith('#')
        ? { line, fault: describeDirective(content) }
        : readSetting(current, line, content)
    if (done && 'fault' in done) faults.push(done)
    if (header) current = done && 'fault' in done ? undefined : done
    if (faults.length > FAULTS_MAX)
      throw new SourceFault(`is no configuration of Asterisk: ${FAULTS_MAX} lines are wrong`)
  }
  return { sections: sections.all, faults }
}

function describeDirective(content: string): string {
  const directive = DIRECTIVES.find((known) => content.split(/[\s"<]/, 1)[0]?.toLowerCase() === known)
  if (directive === undefined) return 'is a directive that is not known'
  return `${directive} is not followed: import that file by itself`
}

/** Adds a line's setting to the section that it stands in, if that is one. */
function readSetting(section: Draft | undefined, line: number, content: string): ConfigFault | undefined {
  const at = content.indexOf('=')
  const left = content.slice(0, Math.max(at, 0)).trimEnd()
  const isAddition = left.endsWith('+')
  const key = (isAddition ? left.slice(0, -1).trimEnd() : left).toLowerCase()
  if (key === '') return { line, fault: 'is neither a section nor a setting' }
  if (section === undefined) return undefined
  const { settings } = section
  const value = content.slice(content[at + 1] === '>' ? at + 2 : at + 1).trimStart()
  const before = isAddition ? settings.findLastIndex((setting) => setting.key === key) : -1
  const there = settings[before]
  if (there) settings[before] = { key, value: there.value + value }
  else if (settings.length < SECTION_SETTINGS_MAX) settings.push({ key, value })
  else return { line, fault: `is beyond the ${SECTION_SETTINGS_MAX} settings that a section may have` }
  return undefined
}

/** The sections of a file, found by their names, which are compared without regard to case. */
class Sections {
  readonly all: Draft[] = []
  readonly #named = new Map<string, Draft[]>()
  #inherited = 0

  /** Opens a section, or goes on with the one that is added to. Of those with one name, the first is inherited from. */
  open(line: number, name: string, options: string): Draft | ConfigFault {
    const words = options.split(',').map((word) => word.trim())
    const addition = words.find((word) => word.startsWith('+'))
    if (addition !== undefined) {
      const added = this.#allNamed(name).find((section) => fitsFilter(section, addition.slice(1)))
      return added ?? { line, fault: 'adds to a section that is not above it' }
    }
    const parents = words.filter((word) => word !== '' && word !== '!').map((parent) => this.#allNamed(parent)[0])
    const inherited: Setting[] = []
    for (const parent of parents) {
      if (!parent) return { line, fault: 'inherits from a section that is not above it' }
      if (inherited.length + parent.settings.length > SECTION_SETTINGS_MAX) {
        return { line, fault: `inherits more than ${SECTION_SETTINGS_MAX} settings` }
      }
      inherited.push(...parent.settings)
    }
    return this.#keep({ name, line, isTemplate: words.includes('!'), settings: inherited })
  }

  #keep(section: Draft): Draft {
    this.#inherited += section.settings.length
    if (this.#inherited > INHERITED_MAX) throw new SourceFault(`inherits more than ${INHERITED_MAX} settings in all`)
    if (this.all.length >= SECTIONS_MAX) throw new SourceFault(`has more than ${SECTIONS_MAX} sections`)
    const named = this.#allNamed(section.name)
    if (named.length === 0) this.#named.set(section.name.toLowerCase(), named)
    named.push(section)
    this.all.push(section)
    return section
  }

  #allNamed(name: string): Draft[] {
    return this.#named.get(name.toLowerCase()) ?? []
  }
}

/** What stands behind the plus picks among sections of one name: `+type=auth`; a template only where that is said. */
function fitsFilter(section: Draft, filter: string): boolean {
  const conditions = filter.split('&').filter((condition) => condition !== '')
  const withTemplates = conditions.some((condition) => /^TEMPLATES=(include|restrict)$/i.test(condition))
  if (section.isTemplate && !withTemplates) return false
  return conditions.every((condition) => {
    const [key = '', value] = condition.split('=').map((part) => part.trim())
    return key === 'TEMPLATES' || lastValue(section, key) === value
  })
}

/** The value that counts of an option that takes one. */
export function lastValue({ settings }: Pick<Section, 'settings'>, key: string): string | undefined {
  return settings.findLast((setting) => setting.key === key)?.value
}

/** The lines that are left when comments and blanks are gone. */
function* withoutComments(text: string): Generator<{ line: number; content: string }> {
  let depth = 0
  for (const { line, raw } of linesOf(text.replace(/^\ufeff/, ''))) {
    const stripped = stripComments(raw, depth)
    depth = stripped.depth
    const content = stripped.content.trim()
    if (content !== '') yield { line, content }
  }
}

function* linesOf(text: string): Generator<{ line: number; raw: string }> {
  for (let line = 1, from = 0; from <= text.length; line++) {
    const end = text.indexOf('\n', from)
    yield { line, raw: text.slice(from, end < 0 ? undefined : end) }
    if (end < 0) return
    from = end + 1
  }
}

/** What of a line is outside comments; `depth` counts the blocks that are open before it, and after it. */
function stripComments(raw: string, depth: number): { content: string; depth: number } {
  const kept: string[] = []
  let open = depth
  for (let at = 0; ; ) {
    MARKS.lastIndex = at
    const mark = MARKS.exec(raw)
    if (open === 0) kept.push(raw.slice(at, mark?.index))
    if (!mark) break
    const [text] = mark
    at = mark.index + text.length
    if (text === ';--') open++
    else if (open > 0) open -= text === '--;' ? 1 : 0
    else if (text === '\\;') kept.push(';')
    else if (text === ';') break
    else {
      // The end of no block: dashes, and then what a semicolon begins.
      kept.push('--')
      at--
    }
  }
  return { content: kept.join(''), depth: open }
}
