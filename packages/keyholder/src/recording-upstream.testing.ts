import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A TLS server that stands where 1fichier is and writes down who asked. For tests. */
export interface RecordingUpstream extends AsyncDisposable {
  readonly port: number
  readonly caFile: string
  readonly server: Server
  /** Every request whose head arrived, oldest first. */
  readonly requests: IncomingMessage[]
  /** Answers from now on. */
  reply(listener: RequestListener): void
}

export interface TestDirectory extends Disposable {
  readonly path: string
}

export function testDirectory(): TestDirectory {
  const path = mkdtempSync(join(tmpdir(), 'guichet-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Its certificate is good for `names`, and is signed by an authority that nobody else knows. */
export async function startUpstream(
  names: readonly string[] = ['api.1fichier.com', '*.1fichier.com'],
): Promise<RecordingUpstream> {
  const directory = testDirectory()
  const { caFile, keyFile, certFile } = makeCertificates(directory.path, names)
  const requests: IncomingMessage[] = []
  let listener: RequestListener = answerNode
  const server = createServer(
    { key: readFileSync(keyFile), cert: readFileSync(certFile) },
    (request, response) => {
      requests.push(request)
      listener(request, response)
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    caFile,
    server,
    requests,
    reply: (next) => {
      listener = next
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      directory[Symbol.dispose]()
    },
  }
}

/** The default: names a node, takes uploads, says OK to the rest. */
function answerNode(request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  request.on('end', () => {
    const isLookup = request.url?.endsWith('/get_upload_server.cgi') === true
    response.setHeader('content-type', 'application/json')
    response.end(isLookup ? '{"url":"up2.1fichier.com","id":"ExampleTok"}' : '{"status":"OK"}')
  })
}

function makeCertificates(
  directory: string,
  names: readonly string[],
): { caFile: string; keyFile: string; certFile: string } {
  const at = (name: string): string => join(directory, name)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-subj',
    '/CN=test',
    '-days',
    '2',
  )
  openssl(
    ...[
      'req',
      '-x509',
      ...key,
      '-keyout',
      at('key.pem'),
      '-out',
      at('cert.pem'),
      '-subj',
      '/CN=test',
      '-days',
      '2',
    ],
    ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`],
  )
  return { caFile: at('ca.pem'), keyFile: at('key.pem'), certFile: at('cert.pem') }
}
