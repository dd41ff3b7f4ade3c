import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ApiApproval } from '@guichet/sdk'
import { call, type Ran, type Stand, startStand } from './stand.ts'

async function waiting(stand: Stand): Promise<readonly ApiApproval[]> {
  return JSON.parse((await stand.guichet(['approve', 'list', '--json'])).stdout).approvals
}

describe('a large deletion', () => {
  it('waits for a person, by the real program; a restart is a no (K14)', { timeout: 120_000 }, async () => {
    await using stand = await startStand({ timeScale: 200 })
    for (const name of ['a', 'b', 'c'])
      await stand.emulator.account.putFile(`/inside/${name}`, Buffer.from(name))
    const key = await stand.issue('files', ['--approve-deletes-over', '1', '--approve-deletes-over', '1GB'])
    const shown = await stand.guichet(['key', 'show', key.id])
    assert.match(shown.stdout, /asks a person +to delete more than 1 file, or more than 1\.0 GiB a day/)
    const rm = (): Promise<Ran> =>
      stand.guichet(['rm', '-r', '/inside', '--yes'], {
        env: { GUICHET_URL: stand.url, GUICHET_KEY: key.key },
      })
    const refused = rm()
    let [one] = await waiting(stand)
    while (one === undefined) [one] = await waiting(stand)
    assert.match(
      (await stand.guichet(['approve', 'show', one.id])).stdout,
      /3 files of 3 B, 1 folder\n[\s\S]*\/inside\/a/,
    )
    assert.equal((await stand.guichet(['approve', 'no', one.id])).code, 0)
    const { code, stderr } = await refused
    assert.equal(code, 3)
    assert.match(stderr, /the owner has refused to delete 3 files/)

    // On the native door, as rclone uses it, nobody waits.
    const { json } = await call(stand, key.key, 'file/ls', { folder_id: await insideOf(stand, key.key) })
    const files = (json['items'] as { url: string }[]).map(({ url }) => ({ url }))
    const told = await call(stand, key.key, 'file/rm', { files })
    assert.equal(told.status, 403)
    await stand.kill()
    await stand.start()
    assert.deepEqual(await waiting(stand), [])
    assert.equal((await call(stand, key.key, 'file/rm', { files })).status, 403)
    const [asked] = await waiting(stand)
    assert.equal((await stand.guichet(['approve', 'yes', String(asked?.id)])).code, 0)
    assert.equal((await call(stand, key.key, 'file/rm', { files })).status, 200)
    assert.equal(stand.emulator.account.files().length, 0)
  })
})

async function insideOf(stand: Stand, key: string): Promise<number> {
  const { json } = await call(stand, key, 'folder/ls', { folder_id: 0 })
  const [inside] = json['sub_folders'] as { id: number }[]
  return inside?.id ?? -1
}
