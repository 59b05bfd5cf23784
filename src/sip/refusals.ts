import { hash } from 'node:crypto'
import { createKeptAnswers } from './kept-answers.js'
import type { Limits } from './limits.js'

/** Answers to Authorizations that were wrong, by transaction and Authorization. */
export type Refusals = {
  find(key: string, authorizations: readonly string[]): string | undefined
  keep(key: string, authorizations: readonly string[], answer: string): void
}

/**
 * Keeps what was answered to one attempt to be let in. A phone that is challenged and tries again without a new CSeq or
 * branch breaks RFC 3261 section 22.2, but is not sent away with its old answer.
 */
export function createRefusals(deps: {
  readonly limits: Pick<Limits, 'refusals' | 'refusalBytes'>
  readonly now: () => number
}): Refusals {
  const { limits, now } = deps
  const bounds = { most: limits.refusals, mostBytes: limits.refusalBytes, now }
  const answers = createKeptAnswers(bounds)
  // Nearly every request is of a transaction that was refused nothing: it is spared the hash of its Authorizations.
  const transactions = createKeptAnswers(bounds)

  return {
    find: (key, authorizations) =>
      transactions.find(key) === undefined ? undefined : answers.find(attemptKey(key, authorizations)),
    keep(key, authorizations, answer) {
      transactions.keep(key, '')
      answers.keep(attemptKey(key, authorizations), answer)
    },
  }
}

function attemptKey(key: string, authorizations: readonly string[]): string {
  return hash('sha256', [key, ...authorizations].join('\n'), 'base64')
}
