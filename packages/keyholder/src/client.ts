import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { Readable } from 'node:stream'
import {
  type Exchange,
  GatewayError,
  type HttpRequest,
  type HttpResponse,
  isErrorCode,
  type Secret,
  type SignedCheckpoint,
  type Witness,
  type WitnessedLedger,
} from '@guichet/core'
import type { KeyholderStatus } from './keyholder.ts'
import { wishBody } from './ledger-witness.ts'
import type { WayChange } from './ways.ts'

/** The gateway's end of the socket. Calls may overlap. */
export interface KeyholderClient extends AsyncDisposable, Witness {
  /** Carries a request to 1fichier; the keyholder adds the API key and refuses what is not on its closed list. */
  readonly exchange: Exchange
  status(): Promise<KeyholderStatus>
  seal(): Promise<KeyholderStatus>
  /** Without a passphrase the keyholder reads its configured unlock file or credential again. */
  unseal(passphrase?: Secret): Promise<KeyholderStatus>
  /** Rejects with `account-refused` when 1fichier does not take the new key: then the old one stays. */
  rotate(newKey: Secret, options: RotateOptions): Promise<KeyholderStatus>
  /** Changes how the vault can be opened; `secret` opens it now. Works while it is sealed, too. */
  changeWays(secret: Secret, change: WayChange): Promise<KeyholderStatus>
  /** Ends every call under way. */
  close(): Promise<void>
}

export interface RotateOptions {
  /** Try the new key with one call first. */
  readonly check: boolean
  /** Opens the vault; a sealed keyholder needs it. */
  readonly secret?: Secret | undefined
}

const ERROR_BYTES_MAX = 65_536

export function connectKeyholder(options: { readonly socketPath: string }): KeyholderClient {
  const { socketPath } = options
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 16 })
  const control = async <Answer = KeyholderStatus>(
    method: 'GET' | 'POST',
    path: string,
    value: unknown,
  ): Promise<Answer> => {
    const body = Buffer.from(JSON.stringify(value))
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    // A connection of its own: a seal never waits behind other calls.
    const response = await send({ socketPath, path, method, headers, agent: new Agent() }, body)
    return JSON.parse(await readAll(response))
  }
  const close = async (): Promise<void> => agent.destroy()
  return {
    exchange: (call) => exchangeOver(socketPath, agent, call),
    status: () => control('GET', '/status', {}),
    seal: () => control('POST', '/seal', {}),
    unseal: (passphrase) => control('POST', '/unseal', { passphrase: passphrase?.expose() }),
    rotate: (newKey, { check, secret }) =>
      control('POST', '/rotate', { newKey: newKey.expose(), check, secret: secret?.expose() }),
    changeWays: (secret, change) =>
      control('POST', '/ways', { ...bodyOfChange(change), secret: secret.expose() }),
    witnessed: () => control<WitnessedLedger>('GET', '/ledger/checkpoint', {}),
    signCheckpoint: (wish) => control<SignedCheckpoint>('POST', '/ledger/checkpoint', wishBody(wish)),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function bodyOfChange(change: WayChange): object {
  if (change.act === 'remove') return change
  if (change.act === 'replace')
    return { act: change.act, newSecret: change.secret?.expose(), cost: change.cost }
  const { act, way, cost } = change
  return { act, name: way.name, kind: way.kind, newSecret: way.secret.expose(), cost }
}

interface Sent {
  readonly socketPath: string
  readonly path: string
  readonly method: string
  readonly headers: OutgoingHttpHeaders
  readonly agent: Agent
  readonly signal?: AbortSignal | undefined
}

async function exchangeOver(socketPath: string, agent: Agent, call: HttpRequest): Promise<HttpResponse> {
  const { url, method, signal, body } = call
  if (url.protocol !== 'https:' || url.port !== '' || url.username !== '' || url.password !== '') {
    throw new GatewayError('forbidden', 'the keyholder only speaks TLS on port 443', {
      hint: "use the plain https address of 1fichier's interface",
      facts: { sent: false },
    })
  }
  const path = `/forward/${url.hostname}${url.pathname}${url.search}`
  const headers: OutgoingHttpHeaders = { ...call.headers }
  if (body instanceof Uint8Array) headers['content-length'] = body.length
  const response = await send({ socketPath, path, method, headers, agent, signal }, body)
  const names = Object.entries(response.headersDistinct)
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(names.map(([name, values]) => [name, (values ?? []).join(', ')])),
    body: bodyOf(response, signal),
  }
}

/** Resolves with an answer of 1fichier or of a control call; a refusal of the keyholder rejects. */
async function send(options: Sent, body: HttpRequest['body']): Promise<IncomingMessage> {
  const { signal, headers } = options
  if (signal?.aborted === true) throw cancelled(signal)
  const source = body === undefined || body instanceof Uint8Array ? undefined : exactly(body, headers)
  const outgoing = request({ ...options, ...(signal === undefined ? {} : { signal }) })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.on('error', (failure) => reject(lost(failure, signal)))
    if (source === undefined) outgoing.end(body)
    else {
      const stream = Readable.from(source, { objectMode: false })
      stream.once('error', (failure) => {
        reject(failure)
        outgoing.destroy()
      })
      outgoing.once('response', () => stream.destroy())
      outgoing.once('close', () => stream.destroy())
      stream.pipe(outgoing)
    }
  })
  // An answer before the end of the body: the rest is not wanted, and the connection is not used again.
  response.once('close', () => {
    if (!outgoing.writableFinished) outgoing.destroy()
  })
  if (response.headers['x-guichet-keyholder'] !== 'error') return response
  throw refusalIn(await readAll(response))
}

async function* exactly(
  body: AsyncIterable<Uint8Array>,
  headers: OutgoingHttpHeaders,
): AsyncGenerator<Uint8Array> {
  const lengthBytes = Number(headers['content-length'] ?? Number.NaN)
  let leftBytes = lengthBytes
  for await (const chunk of body) {
    leftBytes -= chunk.length
    if (leftBytes < 0) break
    yield chunk
  }
  if (leftBytes === 0) return
  throw new GatewayError('invalid', 'the body is not as long as its content-length says', {
    hint: 'send an exact content-length with a streamed body',
    facts: { sent: Number.isFinite(lengthBytes) },
  })
}

function bodyOf(response: IncomingMessage, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const chunks: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]()
      return {
        async next() {
          try {
            return await chunks.next()
          } catch (cause) {
            if (signal?.aborted === true) throw cancelled(signal)
            throw new GatewayError('upstream-down', "1fichier's answer broke off", {
              hint: 'ask again',
              facts: { sent: true },
              cause,
            })
          }
        },
        async return() {
          response.destroy()
          return { done: true, value: undefined }
        },
      }
    },
  }
}

function lost(failure: Error, signal: AbortSignal | undefined): GatewayError {
  if (signal?.aborted === true) return cancelled(signal)
  const isUnconnected = 'syscall' in failure && failure.syscall === 'connect'
  return new GatewayError('sealed', `the keyholder ${isUnconnected ? 'is not running' : 'went away'}`, {
    hint: 'look at the output of `guichet serve`; it starts the keyholder',
    facts: { sent: !isUnconnected },
    cause: failure,
  })
}

function cancelled(signal: AbortSignal): GatewayError {
  const { reason } = signal
  if (reason instanceof GatewayError) return reason
  return new GatewayError('cancelled', 'the request was cancelled', { cause: reason })
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > ERROR_BYTES_MAX) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refusalIn(text: string): GatewayError {
  const refusal: { code: string; message: string; hint?: string; facts: GatewayError['facts'] } =
    JSON.parse(text)
  const code = isErrorCode(refusal.code) ? refusal.code : 'internal'
  return new GatewayError(code, refusal.message, { hint: refusal.hint, facts: refusal.facts })
}
