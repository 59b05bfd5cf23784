import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { projectPath } from '../fixtures/project.js'

/** One service of docker-compose.yml, as far as it concerns other files. */
export type Service = {
  image?: string
  build?: string
  command?: string[]
  environment?: Record<string, string | number>
  volumes?: string[]
  ports?: string[]
  networks: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  restart: string
}

/** docker-compose.yml, with its anchors resolved and its variables as they stand. */
export type Composition = {
  services: Record<string, Service>
  networks: Record<string, unknown>
  volumes: Record<string, unknown>
}

/** Text of a file of the project. */
export function readText(path: string): string {
  return readFileSync(projectPath(path), 'utf8')
}

/** A YAML file of the project. */
export function readYaml(path: string): unknown {
  return parse(readText(path), { merge: true })
}

/** The composition; `service` throws for one that is not in it. */
export function readComposition(): Composition & { service(name: string): Service } {
  const composition = readYaml('docker-compose.yml') as Composition
  return {
    ...composition,
    service(name) {
      const service = composition.services[name]
      if (!service) throw new Error(`there is no service ${name}`)
      return service
    },
  }
}

/** A variable as it stands in the composition: its name, and whether the composition refuses to start without it. */
export type Reference = { readonly name: string; readonly required: boolean }

const REFERENCE = /\$\{(\w+)(?::([-?])([^}]*))?\}/g

/** The variables in a text that docker compose replaces. */
export function references(text: string): Reference[] {
  return [...text.matchAll(REFERENCE)].map(([, name = '', kind]) => ({ name, required: kind === '?' }))
}

/** Replaces variables as docker compose does: `:-` has a default, `:?` ends it with an error that is thrown here. */
export function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(REFERENCE, (_, name: string, kind: string | undefined, rest = '') => {
    if (env[name]) return env[name]
    if (kind === '?') throw new Error(`${name}: ${rest}`)
    return kind === '-' ? rest : ''
  })
}
