import { parseQuery } from './encoded.js'
import { filled, ParameterFault } from './parameters.js'

/** How the answer is wanted. */
export type VerifyFormat = {
  /** The header lines alone, instead of JSON. */
  readonly text: boolean
  /** HTTP 200 always, whatever the verdict. */
  readonly http200: boolean
}

const AS_JSON: VerifyFormat = { text: false, http200: false }
const AS_TEXT: VerifyFormat = { text: true, http200: false }

/**
 * Reads the query of a request's URL, and its Accept, which counts where the query says nothing. Throws a
 * `ParameterFault` for what is not understood.
 */
export function readVerifyFormat(url: string, accept: string | undefined): VerifyFormat {
  if (!url.includes('?')) return prefersText(accept) ? AS_TEXT : AS_JSON
  const parameters = parseQuery(url)
  const format = filled(parameters, 'format')
  if (format !== undefined && format !== 'text' && format !== 'json') {
    throw new ParameterFault('format must be text or json')
  }
  const http = filled(parameters, 'http')
  if (http !== undefined && http !== '200') throw new ParameterFault('http must be 200 or absent')
  return { text: format === undefined ? prefersText(accept) : format === 'text', http200: http !== undefined }
}

function prefersText(accept: string | undefined): boolean {
  return accept?.trim().toLowerCase().startsWith('text/plain') ?? false
}
