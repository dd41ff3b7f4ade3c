import { GatewayError, MINUTE_MS } from '@guichet/core'
import { API_HOST } from './closed-list.ts'
import { brokenOff } from './forward.ts'
import type { Upstream } from './upstream.ts'

/** A root folder with thousands of sub-folders stays below. */
const CHECK_BYTES_MAX = 8 * 1024 * 1024

/** Makes one cheap call with a key that is not in use yet. Rejects when 1fichier refuses it, or cannot say. */
export async function tryKey(upstream: Upstream, apiKey: Buffer, signal: AbortSignal): Promise<void> {
  const target = { method: 'POST', host: API_HOST, path: '/v1/folder/ls.cgi', kind: 'call' } as const
  const body = '{"folder_id":0}'
  const headers = { 'content-type': 'application/json', 'content-length': body.length }
  const limit = AbortSignal.any([signal, AbortSignal.timeout(MINUTE_MS)])
  const sending = upstream.send(target, headers, apiKey, limit)
  sending.request.end(body)
  const answer = await sending.answer
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length
      if (sizeBytes > CHECK_BYTES_MAX) break
      chunks.push(chunk)
    }
  } catch (failure) {
    throw brokenOff(failure, true, signal)
  }
  requireAcceptance(answer.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))
}

function requireAcceptance(status: number, text: string): void {
  if (status === 200 && !/"status"\s*:\s*"KO"/.test(text)) return
  if (/\b(Flood detected|IP Locked|User Locked)\b/i.test(text)) {
    throw new GatewayError('locked', '1fichier is locked for a while, so the new key could not be tried', {
      hint: 'try again later, or rotate without the check; the old key stays in use',
      facts: { status },
    })
  }
  if (status >= 500) {
    throw new GatewayError('upstream-down', '1fichier has an outage, so the new key could not be tried', {
      hint: 'try again later; the old key stays in use',
      facts: { status },
    })
  }
  throw new GatewayError('account-refused', '1fichier refused the new key', {
    hint: 'copy it again from the console page of 1fichier; the old key stays in use',
    facts: { status },
  })
}
