import assert from 'node:assert/strict'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { without } from './clients.ts'
import { LAUNCHER, run, type Stand, startStand } from './stand.ts'

const docs = path.join(import.meta.dirname, '..', 'docs')

async function blocksOf(file: string): Promise<readonly string[]> {
  const text = await readFile(path.join(docs, file), 'utf8')
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => (match[1] ?? '').trim())
}

/** As a person would type it, in a shell whose `guichet` is this one. */
async function type(stand: Stand, block: string): Promise<void> {
  const bin = path.join(stand.work, 'bin')
  await mkdir(bin, { recursive: true })
  await symlink(LAUNCHER, path.join(bin, 'guichet')).catch(() => undefined) // It is there already.
  const ran = await run('bash', ['-euc', block], {
    cwd: stand.work,
    env: {
      PATH: `${bin}:${path.dirname(process.execPath)}:${process.env['PATH']}`,
      HOME: stand.work,
      GUICHET_HOME: stand.home,
    },
  })
  assert.equal(ran.code, 0, `${block}\n${ran.stdout}${ran.stderr}`)
}

describe('the guides to adopt and doctor', { skip: without('rclone') }, () => {
  it('adopt.md shows commands that work as they stand (U7)', async () => {
    await using stand = await startStand()
    stand.emulator.account.putFile('/a.mkv', Buffer.from('x'))
    const conf = path.join(stand.work, '.rclone.conf')
    const before = `[films]\ntype = fichier\napi_key = ${stand.emulator.apiKey}\n`
    const [dryRun = '', take = '', undo = '', ...others] = await blocksOf('adopt.md')
    assert.deepEqual(others, [])
    await writeFile(conf, before)
    await type(stand, dryRun)
    assert.equal(await readFile(conf, 'utf8'), before)
    await type(stand, take)
    assert.match(await readFile(conf, 'utf8'), /gch_/)
    await writeFile(conf, before)
    await type(stand, take.replace(/^guichet adopt --confirm$/m, ''))
    await type(stand, undo)
    assert.equal(await readFile(conf, 'utf8'), before)
  })

  it('doctor.md shows commands that work as they stand (U6)', async () => {
    await using stand = await startStand()
    for (const block of await blocksOf('doctor.md')) await type(stand, block)
    const report = JSON.parse(await readFile(path.join(stand.work, 'support.json'), 'utf8'))
    assert.equal(report.format, 'guichet-support')
  })
})
