import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { GatewayError, HOUR_MS, type HttpRequest, type HttpResponse, Secret } from '@guichet/core'
import { connectKeyholder, type KeyholderClient } from './client.ts'
import { Keyholder } from './keyholder.ts'
import type { Disk } from './private-file.ts'
import { type RecordingUpstream, startUpstream, testDirectory } from './recording-upstream.testing.ts'
import { serveKeyholder } from './server.ts'
import { Upstream } from './upstream.ts'
import { createVault } from './vault.ts'

export const KEY = 'canary-key-0123456789-abcdef_=ZZ'
export const NEXT_KEY = 'next-key-0123456789-abcdefgh_=ZZ'
export const PASSPHRASE: Secret = new Secret('a passphrase of the tests')
const COST = { passes: 2, memoryKiB: 19_456, parallelism: 1 }
export const LISTING = 'https://api.1fichier.com/v1/folder/ls.cgi'
export const LOOKUP = 'https://api.1fichier.com/v1/upload/get_upload_server.cgi'
export const UPLOAD = 'https://up2.1fichier.com/upload.cgi?id=ExampleTok'

/** An open keyholder with a client on one side and a recording upstream on the other. For tests. */
export interface World extends AsyncDisposable {
  readonly client: KeyholderClient
  readonly upstream: RecordingUpstream
  readonly socketPath: string
  readonly vaultPath: string
  readonly time: { monotonicMs: number }
}

export async function startWorld(
  options: { names?: readonly string[]; port?: number; silenceMs?: number; disk?: Disk } = {},
): Promise<World> {
  await using opened = new AsyncDisposableStack()
  const directory = opened.use(testDirectory())
  const upstream = opened.use(await startUpstream(options.names))
  const vaultPath = join(directory.path, 'vault')
  await createVault(vaultPath, {
    apiKey: new Secret(KEY),
    ways: [{ name: 'passphrase', kind: 'passphrase', secret: PASSPHRASE }],
    nowMs: 0,
    cost: COST,
  })
  const time = { monotonicMs: 0 }
  const keyholder = opened.use(
    new Keyholder({
      home: directory.path,
      ...(options.disk !== undefined && { disk: options.disk }),
      upstream: opened.use(
        new Upstream({
          connect: { host: '127.0.0.1', port: options.port ?? upstream.port },
          ca: readFileSync(upstream.caFile, 'utf8'),
          ...(options.silenceMs !== undefined && { silenceMs: () => options.silenceMs ?? 0 }),
        }),
      ),
      unlockSecret: async () => PASSPHRASE,
      nowMs: () => 3.5 * 24 * HOUR_MS,
      monotonicMs: () => time.monotonicMs,
    }),
  )
  const socketPath = join(directory.path, 'run', 'keyholder.sock')
  opened.use(await serveKeyholder(keyholder, socketPath))
  const client = opened.use(connectKeyholder({ socketPath }))
  await client.unseal()
  const owned = opened.move()
  return { client, upstream, socketPath, vaultPath, time, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export function post(
  client: KeyholderClient,
  url: string,
  rest: Partial<HttpRequest> = {},
): Promise<HttpResponse> {
  const body = Buffer.from('{"folder_id":0}')
  return client.exchange({
    method: 'POST',
    url: new URL(url),
    headers: { 'content-type': 'application/json' },
    body,
    ...rest,
  })
}

export async function textOf(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Speaks HTTP to the socket itself, past the client. */
export async function raw(socketPath: string, lines: readonly string[], body = ''): Promise<string> {
  const socket = connect(socketPath)
  socket.write(`${[...lines, 'Host: x', 'Connection: close'].join('\r\n')}\r\n\r\n${body}`)
  let answer = ''
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk
  return answer
}

export async function refusal(work: Promise<unknown>): Promise<GatewayError> {
  const failure = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  assert.ok(failure instanceof GatewayError, String(failure))
  return failure
}
