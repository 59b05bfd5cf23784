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
const SETTING = /^([^=]+?)\s*(\+?)=>?\s*(.*)$/

/**
 * Reads Asterisk's configuration format (docs.asterisk.org, "Asterisk Configuration Files"): sections of one name many
 * times over, `=`, `=>` and `+=`, templates `[name](!)`, inheritance `[name](a,b)`, additions `[name](+)`, comments from
 * `;` to the line's end unless it is written `\;`, and block comments from `;--` to `--;`.
 */
export function readAsteriskConfig(text: string): { sections: readonly Section[]; faults: readonly ConfigFault[] } {
  const sections: Draft[] = []
  const faults: ConfigFault[] = []
  let current: Draft | undefined
  for (const { line, content } of withoutComments(text)) {
    const header = HEADER.exec(content)
    if (header) {
      const opened = openSection(sections, line, header[1] ?? '', header[2] ?? '')
      current = 'fault' in opened ? undefined : opened
      if ('fault' in opened) faults.push(opened)
    } else if (content.startsWith('#')) {
      faults.push({ line, fault: `${content.split(/\s/, 1)[0]} is not followed: import that file by itself` })
    } else {
      const setting = SETTING.exec(content)
      if (!setting) faults.push({ line, fault: 'is neither a section nor a setting' })
      else if (current) addSetting(current, setting)
    }
  }
  return { sections, faults }
}

function addSetting({ settings }: Draft, [, name = '', plus, value = '']: readonly string[]): void {
  const key = name.toLowerCase()
  const before = plus ? settings.findLastIndex((setting) => setting.key === key) : -1
  const there = settings[before]
  if (there) settings[before] = { key, value: there.value + value }
  else settings.push({ key, value })
}

/** Names are compared without regard to case, and the first section of a name is the one that is meant. */
function openSection(sections: Draft[], line: number, name: string, options: string): Draft | ConfigFault {
  const words = options.split(',').map((word) => word.trim())
  const isNamed = (wanted: string) => (section: Draft) => section.name.toLowerCase() === wanted.toLowerCase()
  const addition = words.find((word) => word.startsWith('+'))
  if (addition !== undefined) {
    const candidates = sections.filter(isNamed(name))
    const added = candidates.find((section) => fitsFilter(section, addition.slice(1)))
    return added ?? { line, fault: 'adds to a section that is not above it' }
  }
  const section: Draft = { name, line, isTemplate: words.includes('!'), settings: [] }
  for (const parent of words.filter((word) => word !== '' && word !== '!')) {
    const inherited = sections.find(isNamed(parent))
    if (!inherited) return { line, fault: 'inherits from a section that is not above it' }
    section.settings.push(...inherited.settings)
  }
  sections.push(section)
  return section
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
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    let content = ''
    for (let at = 0; at < raw.length; ) {
      if (depth > 0 && raw.startsWith('--;', at)) {
        depth--
        at += 3
      } else if (raw.startsWith(';--', at) && raw[at + 3] !== '-') {
        depth++
        at += 3
      } else if (depth === 0 && raw[at] === '\\' && raw[at + 1] === ';') {
        content += ';'
        at += 2
      } else if (depth === 0 && raw[at] === ';') {
        break
      } else {
        if (depth === 0) content += raw[at]
        at++
      }
    }
    if (content.trim() !== '') yield { line: index + 1, content: content.trim() }
  }
}
