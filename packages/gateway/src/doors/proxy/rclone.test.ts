import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { it } from 'node:test'
import { type OpenDoor, openDoor, run, SECRET, withoutTool } from './door.testing.ts'

const RCLONE = withoutTool('rclone')

it('an unmodified rclone lists and downloads through the proxy', { skip: RCLONE }, async () => {
  const asked: string[] = []
  await using open = await openDoor({
    serve(request, response, { principal, host }) {
      asked.push(`${principal.name} ${request.method} ${host}${request.url}`)
      answer(request, response)
    },
  })
  const { code, stdout, stderr } = await rclone(open, SECRET, ['cat', ':fichier:hello.txt'])
  assert.equal(stderr, '')
  assert.deepEqual([code, stdout], [0, 'hello, world'])
  assert.deepEqual([...new Set(asked)].sort(), [
    'tunneller GET a-4.1fichier.com/p105',
    'tunneller POST api.1fichier.com/v1/download/get_token.cgi',
    'tunneller POST api.1fichier.com/v1/file/ls.cgi',
    'tunneller POST api.1fichier.com/v1/folder/ls.cgi',
  ])
})

it('rclone shows a person what is missing', { skip: RCLONE }, async () => {
  await using open = await openDoor()
  const { code, stderr } = await rclone(open, 'wrong', ['lsf', ':fichier:'])
  assert.notEqual(code, 0)
  assert.match(
    stderr,
    /Proxy Authentication Required: the proxy needs a virtual key \(send one as the password/,
  )
})

function rclone(open: OpenDoor, secret: string, args: readonly string[]) {
  return run(
    'rclone',
    [
      ...['--config', '/dev/null', '--ca-cert', open.caPath, '--retries', '1', '--low-level-retries', '1'],
      ...['--fichier-api-key', 'x'.repeat(32), ...args],
    ],
    { HTTPS_PROXY: `http://any:${secret}@127.0.0.1:${open.port}`, NO_PROXY: '', no_proxy: '' },
  )
}

/** As little of 1fichier as rclone needs to read one file. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const file = {
    url: 'https://1fichier.com/?abcdefghij0123456789',
    filename: 'hello.txt',
    size: 12,
    date: '2026-01-02 03:04:05',
    'content-type': 'text/plain',
    checksum: '0'.repeat(128),
  }
  const json = (value: object): void => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ status: 'OK', ...value }))
  }
  request.resume()
  const answers: Readonly<Record<string, object>> = {
    '/v1/folder/ls.cgi': { folder_id: 0, name: '/', sub_folders: [] },
    '/v1/file/ls.cgi': { items: [file] },
    '/v1/download/get_token.cgi': { url: 'https://a-4.1fichier.com/p105' },
  }
  const known = answers[request.url ?? '']
  if (known === undefined) response.end('hello, world')
  else json(known)
}
