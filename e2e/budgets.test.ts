import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { ApiKey } from '@guichet/sdk'
import { call, startStand } from './stand.ts'

const DOCUMENT = path.join(import.meta.dirname, '..', 'docs', 'budgets.md')

describe('a budget', () => {
  it('is made, used up, told of, and outlives kill -9, by the real program (K10)', {
    timeout: 120_000,
  }, async () => {
    await using stand = await startStand({ timeScale: 200 })
    for (const name of ['a', 'b', 'c'])
      await stand.emulator.account.putFile(`/inside/${name}`, Buffer.from(name))
    const wrong = await stand.guichet([
      'key',
      'create',
      '--name',
      'x',
      '--budget',
      'files=1',
      '--budget',
      'up=2/day',
    ])
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /"files=1": there is no "files" to count/)

    const key = await stand.issue('files', ['--budget', 'deletes=2/month', '--budget', 'down=10GB/month'])
    const { json } = await call(stand, key.key, 'folder/ls', { folder_id: 0 })
    const [inside] = json['sub_folders'] as { id: number }[]
    const { json: list } = await call(stand, key.key, 'file/ls', { folder_id: inside?.id })
    const files = (list['items'] as { url: string }[]).map(({ url }) => ({ url }))
    assert.equal((await call(stand, key.key, 'file/rm', { files: files.slice(0, 1) })).status, 200)
    await stand.kill()
    await stand.start()
    const refused = await call(stand, key.key, 'file/rm', { files: files.slice(1) })
    assert.equal(refused.status, 429)
    assert.match(String(refused.json['message']), /deletes=2\/month; 1 are left, and this takes 2/)
    assert.equal((await call(stand, key.key, 'file/rm', { files: files.slice(1, 2) })).status, 200)

    const shown = await stand.guichet(['key', 'show', key.id])
    assert.match(shown.stdout, /budget +deletes=2\/month: 2 used, 0 left until \d{4}-/)
    assert.match(shown.stdout, /budget +down=10GB\/month: 0 B used, 10\.0 GiB left/)
    const { spends }: ApiKey = JSON.parse((await stand.guichet(['key', 'show', key.id, '--json'])).stdout)
    assert.deepEqual(
      spends?.map(({ used }) => used),
      [2, 0],
    )
    assert.match(
      (await stand.guichet(['status'])).stdout,
      new RegExp(`budgets\\s+${key.id} +deletes=2/month`),
    )
    assert.equal(stand.emulator.account.files().length, 1)
  })
})

describe('the document about budgets', () => {
  it('shows commands that work as they stand, in their order (U9)', { timeout: 120_000 }, async () => {
    await using stand = await startStand({ timeScale: 200 })
    const text = await readFile(DOCUMENT, 'utf8')
    const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
    const lines = blocks.flatMap((block) => block.trim().split('\n'))
    assert.ok(lines.length > 8)
    for (const line of lines) {
      const [program, ...args] = line.split(' ')
      assert.equal(program, 'guichet')
      const { code, stderr } = await stand.guichet(args)
      assert.equal(code, 0, `${line}\n${stderr}`)
    }
  })
})
