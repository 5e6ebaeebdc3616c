import type { components } from './schema'

export type Problem = components['schemas']['Problem']

/** Thrown for every answer that is not a success: problem+json of the server, or a stand-in when there was no answer at all. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail || problem.title)
    this.status = problem.status
    this.code = problem.code
    this.problem = problem
  }

  /** Messages by input: "body.rails.canary.percent" becomes "rails.canary.percent". */
  fields(): Record<string, string> {
    const out: Record<string, string> = {}
    for (const e of this.problem.errors ?? []) {
      out[e.location.replace(/^body\./, '')] ??= e.message
    }
    return out
  }
}

export const noAnswer = (cause: unknown): ApiError =>
  new ApiError({
    title: 'No answer',
    status: 0,
    code: 'no_answer',
    detail: cause instanceof Error ? cause.message : 'the server did not answer',
  })

const refusals = [401, 403, 404]

/**
 * Whether an error is all that there is to show: nothing was read before it, or the server said no. While it merely does not answer, what
 * is on the page stays; the header says that it is not live.
 */
export const blocks = (query: { error: unknown; data: unknown }): boolean =>
  Boolean(query.error) && (query.data === undefined || (query.error instanceof ApiError && refusals.includes(query.error.status)))

/** Splits an error into messages for the inputs that a form has and one for all that has no input. */
export function sortErrors(error: unknown, inputs: readonly string[]): { fields: Record<string, string>; rest: string } {
  if (!(error instanceof ApiError)) return { fields: {}, rest: error instanceof Error ? error.message : String(error) }
  const fields: Record<string, string> = {}
  const rest: string[] = []
  for (const [at, message] of Object.entries(error.fields())) {
    const input = inputs.find((i) => at === i || at.startsWith(`${i}.`))
    if (input) fields[input] ??= message
    else rest.push(at ? `${at}: ${message}` : message)
  }
  if (Object.keys(fields).length === 0 && rest.length === 0) rest.push(error.message)
  return { fields, rest: rest.join('; ') }
}
