import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import type { ApiLedger, ApiLedgerEntry } from '@guichet/sdk'
import { upstreamCalls, without } from './clients.ts'
import { askOwner, call, LAUNCHER, type Ran, run, type Stand, startStand } from './stand.ts'
import { until } from './until.ts'

describe('the ledger, from outside', () => {
  it('is verified, shown and exported, and a stranger verifies the export (K17)', async () => {
    await using stand = await startStand()
    const { key, id } = await stand.issue('list')
    await call(stand, key, 'folder/ls', {})
    await call(stand, key, 'folder/mkdir', { name: 'not allowed' })
    await call(stand, 'nobody', 'folder/ls', {})
    const denied = JSON.parse(
      (await ok(stand.guichet(['ledger', 'show', '--json', '--decision', 'deny', '--since', '1h']))).stdout,
    ).entries.map(({ key: who, verb, door }: ApiLedgerEntry) => [who, verb, door])
    assert.deepEqual(denied, [
      [id, 'mkdir', 'native'],
      ['nobody', 'authenticate', 'native'],
    ])
    assert.match((await ok(stand.guichet(['ledger', 'show', '--key', id]))).stdout, /native +mkdir +deny +/)

    await stand.kill('SIGTERM')
    const { stdout } = await ok(stand.guichet(['ledger', 'verify']))
    assert.match(stdout, /entries, every one as it was recorded/)
    assert.match(stdout, /checkpoints?, the last over \d+ on/)
    const { stdout: publicKey } = await ok(stand.guichet(['ledger', 'show', '--public-key']))
    assert.match(publicKey, /^guichet\/ledger\/[0-9a-f]{16}\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}\n$/)

    const exported = path.join(stand.work, 'ledger.jsonl')
    await writeFile(exported, (await ok(stand.guichet(['ledger', 'export']))).stdout)
    const strange = { env: { GUICHET_HOME: path.join(stand.work, 'nowhere') } }
    const check = ['ledger', 'verify', '--export', exported, '--public-key', publicKey.trim()]
    await ok(stand.guichet(check, strange))
    const text = await readFile(exported, 'utf8')
    await writeFile(exported, text.replace('"verb":"mkdir"', '"verb":"list"'))
    const edited = await stand.guichet(check, strange)
    assert.equal(edited.code, 8, edited.stderr)
    assert.match(
      edited.stderr,
      /error: the ledger is not what was recorded: entry \d+ is not what was recorded/,
    )
    const lines = text.trimEnd().split('\n')
    const cut = lines.findIndex((line) => line.startsWith('{"checkpoint"')) - 1
    await writeFile(exported, `${lines.toSpliced(cut, 1).join('\n')}\n`)
    assert.match((await stand.guichet(check, strange)).stderr, /ends too early/)
  })

  it('is read and verified by the commands of its document, as they stand', async () => {
    await using stand = await startStand()
    await ok(stand.guichet(['mkdir', '/one']))
    await stand.kill('SIGTERM')
    const text = await readFile(path.join(import.meta.dirname, '..', 'docs', 'ledger.md'), 'utf8')
    const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
    assert.ok(blocks.length >= 4)
    const bin = path.join(stand.work, 'bin')
    await mkdir(bin)
    await symlink(LAUNCHER, path.join(bin, 'guichet'))
    const env = {
      PATH: `${bin}:${path.dirname(process.execPath)}:${process.env['PATH']}`,
      HOME: stand.work,
      GUICHET_HOME: stand.home,
    }
    for (const block of blocks) {
      const script = block.replaceAll('/tmp/', `${stand.work}/`)
      const ran = await run('bash', ['-euc', script], { env, cwd: stand.work })
      assert.equal(ran.code, 0, `${script}\n${ran.stdout}${ran.stderr}`)
    }
  })

  it('is for the owner alone on the API, and every look at it stands in it (K17)', async () => {
    await using stand = await startStand()
    const { key } = await stand.issue('all')
    for (const route of ['ledger', 'ledger/checkpoint']) {
      const answer = await fetch(`${stand.url}/api/v1/${route}`, {
        headers: { authorization: `Bearer ${key}` },
      })
      assert.equal(answer.status, 403, route)
    }
    const { entries }: { entries: readonly ApiLedgerEntry[] } = JSON.parse(
      await askOwner(stand, 'GET', '/ledger?decision=deny&limit=2'),
    )
    assert.deepEqual(
      entries.map(({ target }) => target),
      ['GET /ledger/checkpoint', 'GET /ledger'],
    )
    const state: ApiLedger = JSON.parse(await askOwner(stand, 'GET', '/ledger/checkpoint'))
    assert.equal(state.entries, (entries[0]?.sequence ?? 0) + 2)
    for (const query of ['limit=1001', 'decision=maybe', 'what=else', 'before=-1'])
      assert.match(await askOwner(stand, 'GET', `/ledger?${query}`), /"code":"invalid"/, query)
  })

  it('that is an old copy put back is noticed at the start: nothing is served until the owner accepts it (R7)', async () => {
    await using stand = await startStand()
    const { key } = await stand.issue('all')
    await ok(stand.guichet(['mkdir', '/one']))
    await stand.kill('SIGTERM')
    const copy = path.join(stand.work, 'copy')
    await saveDatabase(stand, copy)
    await stand.start()
    const seenBefore = await witnessed(stand)
    await ok(stand.guichet(['mkdir', '/two']))
    await until('the look of the keyholder', async () => (await witnessed(stand)) > seenBefore)
    await stand.kill()

    await restoreDatabase(stand, copy)
    const before = upstreamCalls(stand)
    await stand.start()
    const refused = await stand.guichet(['ls', '/', '--refresh'])
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /the ledger is not trusted, so nothing is done: .*an old copy was put back/)
    assert.match(refused.stderr, /hint: .*guichet ledger accept/)
    assert.equal((await call(stand, key, 'folder/ls', {})).status, 503)
    assert.equal((await fetch(`${stand.url}/healthz`)).status, 503)
    const status = JSON.parse(await askOwner(stand, 'GET', '/status'))
    assert.equal(status.ledger.distrust.alarm, 'ledger-cut')
    assert.match((await stand.guichet(['status'])).stdout, /not trusted: the ledger has/)
    assert.ok(stand.output.some((line) => /"alarm":"ledger-cut".*the ledger is not trusted/.test(line)))
    assert.equal(upstreamCalls(stand), before, 'nothing went to 1fichier')

    const busy = await stand.guichet(['ledger', 'accept', '--reason', 'too early'])
    assert.equal(busy.code, 5, 'not while the gateway runs')
    await stand.kill('SIGTERM')
    const verified = await stand.guichet(['ledger', 'verify'])
    assert.equal(verified.code, 8)
    assert.match(verified.stderr, /ends too early|changed after/)
    await ok(stand.guichet(['ledger', 'accept', '--reason', 'the disk failed, this is the copy of before']))
    assert.ok((await readdir(stand.home)).some((name) => name.startsWith('ledger-checkpoint.replaced-')))
    await stand.start()
    await ok(stand.guichet(['ls', '/', '--refresh']))
    const { stdout } = await ok(stand.guichet(['ledger', 'show', '--target', 'the disk failed']))
    assert.match(stdout, /accept the ledger of \d+ entries as it is: the disk failed/)
    await ok(stand.guichet(['ledger', 'verify']))
  })

  it('that was edited, cut or filled up past the triggers is found by verify and by the next start (K17)', async () => {
    await using stand = await startStand()
    await stand.issue('list')
    for (const name of ['a', 'b', 'c']) await ok(stand.guichet(['mkdir', `/${name}`]))
    await stand.kill('SIGTERM')
    const kept = path.join(stand.work, 'kept')
    await saveDatabase(stand, kept)
    const witness = await readFile(path.join(stand.home, 'ledger-checkpoint'))

    for (const [sql, finding] of [
      ["UPDATE ledger SET target = '/else' WHERE sequence = 3", /entry 3 is not what was recorded/],
      ["UPDATE ledger SET decision = 'deny' WHERE sequence = 2", /entry 2 is not what was recorded/],
      ['DELETE FROM ledger WHERE sequence = 3', /entry 3 is missing/],
      ['DELETE FROM ledger WHERE sequence > 3', /ends too early: (entry|entries) 4 .*missing/],
      [
        'UPDATE ledger SET sequence = -3 WHERE sequence = 3; UPDATE ledger SET sequence = 3 WHERE sequence = 4; UPDATE ledger SET sequence = 4 WHERE sequence = -3',
        /entry 3 is not what was recorded/,
      ],
      [
        "INSERT INTO ledger (at_ms, request_id, key, door, verb, target, decision, reason) SELECT at_ms, request_id, key, door, verb, 'put in', decision, reason FROM ledger LIMIT 1",
        /was put in by another program/,
      ],
      [
        "UPDATE ledger_checkpoints SET note = replace(note, 'guichet', 'guichat')",
        /checkpoint of \d+ entries is/,
      ],
    ] as const) {
      await restoreDatabase(stand, kept)
      tamper(stand, sql)
      const found = await stand.guichet(['ledger', 'verify'])
      assert.equal(found.code, 8, sql)
      assert.match(found.stderr, finding, sql)
      const elsewhere = path.join(stand.work, 'elsewhere')
      await saveDatabase(stand, elsewhere)
      const args = ['ledger', 'verify', '--database', path.join(elsewhere, 'guichet.db')]
      assert.equal((await stand.guichet(args, { env: { GUICHET_HOME: stand.work } })).code, 8, sql)
    }

    // Without the checkpoints in the database only one that is kept elsewhere tells of a cut, and that suffices.
    await restoreDatabase(stand, kept)
    tamper(
      stand,
      `DELETE FROM ledger WHERE sequence > 3; DELETE FROM ledger_checkpoints; UPDATE sqlite_sequence SET seq = 3 WHERE name = 'ledger'`,
    )
    const usb = path.join(stand.work, 'checkpoint')
    await writeFile(usb, witness)
    const alone = ['ledger', 'verify', '--database', path.join(stand.home, 'guichet.db')]
    await ok(stand.guichet(alone))
    assert.match((await stand.guichet([...alone, '--checkpoint', usb])).stderr, /ends too early.*says /)
    await stand.start()
    assert.equal((await call(stand, 'nobody', 'folder/ls', {})).status, 401, 'a stranger learns nothing')
    assert.match((await stand.guichet(['ls', '/'])).stderr, /the ledger is not trusted/)
    await stand.kill('SIGTERM')

    await restoreDatabase(stand, kept)
    tamper(stand, "UPDATE ledger SET target = '/else' WHERE sequence = 3")
    await stand.start()
    const edited = async (): Promise<boolean> =>
      JSON.parse(await askOwner(stand, 'GET', '/status')).ledger.distrust?.alarm === 'ledger-edited'
    await until('the walk over the ledger', edited)
    assert.match(
      (await stand.guichet(['ls', '/'])).stderr,
      /not trusted, so nothing is done: entry 3 is not what/,
    )
  })

  it('that cannot be written stops all: nothing reaches 1fichier (K17) (R2)', {
    skip: without('prlimit'),
  }, async () => {
    await using stand = await startStand()
    const { key } = await stand.issue('all')
    await ok(stand.guichet(['mkdir', '/before']))
    const { pid } = stand.gateway
    assert.ok(pid !== undefined)
    const before = upstreamCalls(stand)
    // From here on every write of the gateway to a file fails, as on a disk that is full or broken.
    limitFiles(pid, '1:')
    for (const args of [
      ['ls', '/'],
      ['ls', '/', '--refresh'],
      ['mkdir', '/during'],
      ['rm', '-r', '--yes', '/before'],
      ['key', 'list'],
    ]) {
      const { code, stderr } = await stand.guichet(args)
      assert.notEqual(code, 0, args.join(' '))
      assert.match(stderr, /the ledger cannot be written.*, so nothing is done/, args.join(' '))
    }
    for (const who of [key, 'nobody'])
      assert.ok((await call(stand, who, 'folder/ls', {})).status >= 500, 'not even a stranger is turned away')
    assert.equal(upstreamCalls(stand), before)
    limitFiles(pid, 'unlimited:')
    await ok(stand.guichet(['mkdir', '/after']))
    await stand.kill('SIGTERM')
    await ok(stand.guichet(['ledger', 'verify']))
  })
})

async function ok(work: Promise<Ran>): Promise<Ran> {
  const ran = await work
  assert.equal(ran.code, 0, ran.stderr)
  return ran
}

/** How many entries the keyholder knows of. */
async function witnessed(stand: Stand): Promise<number> {
  return Number((await readFile(path.join(stand.home, 'ledger-checkpoint'), 'utf8')).split('\n')[1])
}

/** The database with its side files, while no gateway runs. */
async function saveDatabase(stand: Stand, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await mkdir(to)
  for (const name of await readdir(stand.home))
    if (name.startsWith('guichet.db')) await cp(path.join(stand.home, name), path.join(to, name))
}

async function restoreDatabase(stand: Stand, from: string): Promise<void> {
  for (const name of await readdir(stand.home))
    if (name.startsWith('guichet.db')) await rm(path.join(stand.home, name))
  for (const name of await readdir(from)) await cp(path.join(from, name), path.join(stand.home, name))
}

/** What somebody does who can write the file: the triggers are no obstacle to them. */
function tamper(stand: Stand, sql: string): void {
  const db = new DatabaseSync(path.join(stand.home, 'guichet.db'))
  for (const name of [
    'ledger_keeps_entries',
    'ledger_loses_nothing',
    'ledger_keeps_checkpoints',
    'ledger_loses_no_checkpoint',
  ])
    db.exec(`DROP TRIGGER ${name}`)
  db.exec(sql)
  db.close()
}

function limitFiles(pid: number, soft: string): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${soft}`], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
}
