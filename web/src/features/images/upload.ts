import { ask } from '@/api/ask'
import { createImage, finishUpload, getUpload, type TaskView } from '@/api/generated'
import { asProblem, Problem } from '@/api/problem'

/** Bytes of one request: what is lost when the connection breaks. */
const PART = 8 * 1024 ** 2
const TRIES = 5
const PAUSE = 1500

/** Brings a file to an image: reserves its name, sends it in parts, goes on where a broken connection left off, and has
 * the manager store it. `progress` is called with bytes sent; `signal` ends it. */
export async function uploadImage(
  name: string,
  file: Blob,
  progress: (sent: number) => void,
  signal: AbortSignal,
): Promise<TaskView> {
  const image = await ask(createImage({ body: { name } }))
  await sendParts(file, progress, signal, {
    arrived: async () => (await ask(getUpload({ path: { ref: image.id } }))).offset,
    send: (part, offset) => put(`/api/v1/images/${image.id}/upload?offset=${offset}`, part, signal),
  })
  return (await ask(finishUpload({ path: { ref: image.id } }))) as TaskView
}

export interface Carrier {
  arrived: () => Promise<number>
  send: (part: Blob, offset: number) => Promise<void>
}

/** All parts in turn. After a failure it asks how much has arrived, and goes on there; several in a row end it. */
export async function sendParts(
  file: Blob,
  progress: (sent: number) => void,
  signal: AbortSignal,
  carrier: Carrier,
  pause = PAUSE,
): Promise<void> {
  let offset = 0
  let failures = 0
  while (offset < file.size) {
    signal.throwIfAborted()
    const end = Math.min(offset + PART, file.size)
    try {
      await carrier.send(file.slice(offset, end), offset)
      offset = end
      failures = 0
    } catch (error) {
      signal.throwIfAborted()
      const { status } = asProblem(error).details
      failures += 1
      if ((status > 0 && status < 500) || failures > TRIES) throw error
      await new Promise(resolve => setTimeout(resolve, pause))
      offset = await carrier.arrived().catch(() => offset)
    }
    progress(offset)
  }
}

async function put(url: string, part: Blob, signal: AbortSignal): Promise<void> {
  const answer = await fetch(url, {
    method: 'PUT',
    body: part,
    signal,
    headers: { 'Content-Type': 'application/octet-stream' },
  })
  if (!answer.ok) throw new Problem(await answer.json())
}
