import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answerAsGateway } from '../gateway.testing.ts'
import { openTestWorld } from '../world.testing.ts'

describe('ls --refresh', () => {
  it('finds what others have made since the folders above were listed', async () => {
    await using test = await openTestWorld()
    const asked: string[] = []
    const known = new Set(['/'])
    await using _gateway = await answerAsGateway(test, (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x')
      const at = searchParams.get('at') ?? ''
      asked.push(`${pathname.slice('/api/v1/'.length)} ${at}`)
      if (pathname.endsWith('/children')) for (const path of ['/a', '/a/b']) known.add(path)
      const folder = { kind: 'folder', id: 1, name: 'x', path: at }
      const isThere = known.has(at)
      const body = pathname.endsWith('/nodes')
        ? { node: folder }
        : { folder, folders: [], files: [], ageMs: 0 }
      response.writeHead(isThere ? 200 : 404)
      response.end(JSON.stringify(isThere ? body : { code: 'not-found', message: 'no', requestId: '1' }))
    })
    assert.equal((await test.run(['ls', '/a/b'])).exit, 4)
    assert.deepEqual(asked.splice(0), ['nodes /a/b'])
    assert.equal((await test.run(['ls', '--refresh', '/a/b'])).exit, 0)
    assert.deepEqual(asked, [
      'nodes /a/b',
      'nodes /a',
      'children /',
      'nodes /a',
      'children /a',
      'nodes /a/b',
      'children /a/b',
    ])
  })
})
