import { client } from './generated/client.gen'
import { asProblem } from './problem'

// Hides the bearer scheme: the browser shows its cookie by itself.
client.setConfig({ baseUrl: '', auth: () => undefined, credentials: 'same-origin' })

type Answer<T> = { data?: T; error?: unknown; response?: Response }

const signedOut = new Set<() => void>()

/** Calls `listener` when the session has ended; returns how to stop that. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener)
  return () => void signedOut.delete(listener)
}

/** The data of a request made by the generated client; throws a Problem. */
export async function ask<T>(request: Promise<Answer<T>>): Promise<T> {
  const answer = await request.catch((error: unknown) => ({ error }) as Answer<T>)
  if (answer.error === undefined) return answer.data as T
  const problem = asProblem(answer.error)
  if (problem.code === 'auth.invalid' || problem.code === 'auth.missing') for (const tell of signedOut) tell()
  throw problem
}
