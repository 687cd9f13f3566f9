import type { Problem as Details } from './generated'

/** An error as the API tells it (RFC 9457), or what stands for one when nothing came back. */
export class Problem extends Error {
  readonly details: Details

  constructor(details: Details) {
    super(details.detail)
    this.details = details
  }

  get code() {
    return this.details.code
  }

  get hint() {
    return this.details.hint ?? ''
  }
}

const UNREACHABLE: Details = {
  type: 'about:blank',
  title: 'Unreachable',
  status: 0,
  detail: 'The manager does not answer.',
  kind: 'unavailable',
  code: 'console.unreachable',
  hint: 'It is asked again by itself; check your network if this lasts.',
  context: {},
  request_id: '',
}

/** Whatever was thrown or answered, as a Problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (isDetails(error)) return new Problem(error)
  return new Problem(UNREACHABLE)
}

function isDetails(value: unknown): value is Details {
  return typeof value === 'object' && value !== null && 'code' in value && 'detail' in value
}

/** The message for one field of a request that was not valid; undefined if that field was fine. */
export function fieldMessage(problem: Problem | undefined, field: string): string | undefined {
  const fields = problem?.details.context?.fields
  if (!Array.isArray(fields)) return undefined
  return fields.find(one => one.field === field)?.message
}
