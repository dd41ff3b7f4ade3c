import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createKeyText } from '@guichet/core'
import { openTestWorld, type TestWorld } from '../world.testing.ts'

const API_KEY = 'k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'
const VIRTUAL_KEY = createKeyText((count) => randomBytes(count))

async function put(test: TestWorld, name: string, text: string): Promise<void> {
  const path = join(test.folder, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, text)
}

describe('guichet scan', () => {
  it('tells each place, shows no key, and exits with 1 (K19)', async () => {
    await using test = await openTestWorld()
    await put(test, 'a/.env', `X=1\nFICHIER_API_KEY=${API_KEY}\n`)
    await put(test, 'a/log.txt', `Authorization: Basic ${btoa(`any:${VIRTUAL_KEY}`)}\n`)
    const { exit, output, errors } = await test.run(['scan', 'a'])
    assert.equal(exit, 1)
    assert.equal(
      output,
      `a/.env:2:17: 1fichier-tool-setting k7…fA\na/log.txt:1:22: guichet-virtual-key gch_…${VIRTUAL_KEY.slice(-2)} (base64)\n`,
    )
    assert.match(errors, /^looked through 2 contents \(\d+ B\)$/m)
    assert.match(errors, /^warning: 2 keys in 2 places$/m)
    for (const shown of [output, errors])
      for (const secret of [API_KEY, VIRTUAL_KEY, btoa(VIRTUAL_KEY).slice(6, 30)])
        assert.ok(!shown.includes(secret))
  })

  it('exits with 0 when there is nothing, and looks at the current folder when none is named', async () => {
    await using test = await openTestWorld()
    await put(test, 'readme', 'nothing about 1fichier\n')
    assert.deepEqual(await test.run(['scan', '--quiet']), { exit: 0, output: '', errors: '' })
    await put(test, 'b', `FICHIER_API_KEY=${API_KEY}`)
    assert.equal((await test.run(['scan', '--quiet'])).output, 'b:1:17: 1fichier-tool-setting k7…fA\n')
  })

  it('reads the standard input (K19)', async () => {
    await using test = await openTestWorld()
    const { exit, output } = await test.run(
      ['scan', '-', '--json'],
      `curl -H 'Authorization: Bearer ${API_KEY}' https://api.1fichier.com/v1/user/info.cgi\n`,
    )
    assert.equal(exit, 1)
    const { found, looked } = JSON.parse(output)
    assert.deepEqual(
      { ...found[0], fingerprint: '' },
      {
        ...{ path: '-', line: 1, column: 32, kind: 'api-key', rule: '1fichier-request' },
        ...{ confidence: 'high', encoding: 'plain', masked: 'k7…fA', fingerprint: '' },
      },
    )
    assert.equal(looked.contents, 1)
    assert.ok(!output.includes(API_KEY))
  })

  it('looks where tools keep keys (K19)', async () => {
    await using test = await openTestWorld()
    await put(test, '.config/rclone/rclone.conf', `[one]\ntype = fichier\napi_key = ${API_KEY}\n`)
    await put(
      test,
      '.bash_history',
      `curl -H "Authorization: Bearer ${VIRTUAL_KEY}" http://127.0.0.1:8474/v1/user/info.cgi\n`,
    )
    await put(test, 'jd2/cfg/other.json', `FICHIER_API_KEY=${API_KEY}`)
    const { exit, output } = await test.run(['scan', '--places'])
    assert.equal(exit, 1)
    const places = output.split('\n').map((line) => line.slice(test.folder.length).split(':')[0])
    assert.deepEqual(places.sort(), ['', '/.bash_history', '/.config/rclone/rclone.conf'])
  })

  it('prints SARIF that names each place (K19)', async () => {
    await using test = await openTestWorld()
    await put(test, 'a b/x', `FICHIER_API_KEY=${API_KEY}`)
    const { output } = await test.run(['scan', '--sarif'])
    const [{ results, tool }] = JSON.parse(output).runs
    assert.equal(tool.driver.rules[0].id, '1fichier-tool-setting')
    assert.deepEqual(results[0].locations[0].physicalLocation, {
      artifactLocation: { uri: 'a%20b/x' },
      region: { startLine: 1, startColumn: 17 },
    })
    assert.ok(!output.includes(API_KEY))
  })

  it('prints its rules for other scanners (K19)', async () => {
    await using test = await openTestWorld()
    const rules = join(import.meta.dirname, '../../../../rules')
    for (const [tool, file] of [
      ['gitleaks', 'gitleaks.toml'],
      ['trufflehog', 'trufflehog.yaml'],
    ] as const) {
      const { exit, output } = await test.run(['scan', '--export', tool])
      assert.equal(exit, 0)
      assert.equal(output, await readFile(join(rules, file), 'utf8'))
    }
  })

  it('keeps keys out of commits with its hook (K19)', async () => {
    await using test = await openTestWorld()
    const env = { PATH: '/usr/bin:/bin', HOME: test.folder }
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], {
        ...{ cwd: test.folder, encoding: 'utf8', stdio: 'pipe', env },
      })
    git('init', '--quiet')
    const { output } = await test.run(['scan', '--install-hook'])
    assert.match(output, /^installed .*\.git\/hooks\/pre-commit$/m)
    await put(test, '.env', `FICHIER_API_KEY=${API_KEY}`)
    git('add', '.env')
    assert.throws(
      () => git('commit', '--quiet', '-m', 'x'),
      (failure: { stdout: string; stderr: string }) => {
        const said = `${failure.stdout}${failure.stderr}`
        assert.match(said, /\.env:1:17: 1fichier-tool-setting k7…fA/)
        assert.ok(!said.includes(API_KEY))
        return true
      },
    )
    await put(test, '.env', 'FICHIER_API_KEY=$KEY')
    git('add', '.env')
    git('commit', '--quiet', '-m', 'x')
  })
})
