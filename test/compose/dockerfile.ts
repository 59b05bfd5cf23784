import { readText } from './composition.js'

/** One instruction of a Dockerfile, its continued lines joined. */
export type Instruction = { readonly name: string; readonly text: string }

/** A `COPY`: from the build's folder, or from an earlier stage. */
export type Copy = { readonly from: string | undefined; readonly sources: readonly string[]; readonly target: string }

/** The instructions of a Dockerfile by stage. */
export function readStages(path: string): Instruction[][] {
  const lines = readText(path)
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const stages: Instruction[][] = []
  for (const line of lines) {
    const [, name = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    if (name === 'FROM') stages.push([])
    stages.at(-1)?.push({ name, text })
  }
  return stages
}

/** Texts of all instructions of one name, in their order. */
export function texts(stage: readonly Instruction[], name: string): string[] {
  return stage.filter((instruction) => instruction.name === name).map(({ text }) => text)
}

/** What a stage copies. */
export function copies(stage: readonly Instruction[]): Copy[] {
  return texts(stage, 'COPY').map((text) => {
    const words = text.split(/\s+/)
    const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined
    const target = words.pop() ?? ''
    return { from, sources: words, target }
  })
}

/** Words of an instruction in JSON form, such as `ENTRYPOINT ["node", "…"]`; what stands before it is left out. */
export function words(text: string): string[] {
  return JSON.parse(text.slice(text.indexOf('['))) as string[]
}
