import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { CONSERVATIVE_RULES, GatewayError, LOCK_POLICY } from '@guichet/core'
import { loadConfig } from './config.ts'
import { selfSigned } from './self-signed.testing.ts'

describe('the configuration', () => {
  let home: string
  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'config-'))
  })
  after(() => rm(home, { recursive: true }))
  beforeEach(() => write('config.json', {}))

  const write = (name: string, value: unknown): Promise<void> =>
    writeFile(path.join(home, name), typeof value === 'string' ? value : JSON.stringify(value))
  const load = (env: Record<string, string> = {}, flags = {}) => loadConfig({ home, env, flags })
  const problemsOf = (env: Record<string, string> = {}, flags = {}): readonly string[] => {
    try {
      load(env, flags)
    } catch (failure) {
      assert.ok(failure instanceof GatewayError)
      assert.equal(failure.code, 'invalid')
      return failure.message.split('\n').slice(1)
    }
    return []
  }

  it('has defaults that need nothing', async () => {
    await rm(path.join(home, 'config.json'))
    const config = load()
    assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8474 })
    assert.deepEqual(config.rules, CONSERVATIVE_RULES)
    assert.deepEqual(config.locks, LOCK_POLICY)
    assert.deepEqual(config.unlock, { kind: 'prompt' })
  })

  it('tells all problems at once', async () => {
    await write('config.json', {
      listen: 5,
      color: 'red',
      freshMinutes: -1,
      unlock: { kind: 'magic' },
      trustedProxies: ['home'],
    })
    const problems = problemsOf({
      GUICHET_LOG: 'loud',
      GUICHET_PLAIN_HTTP: 'maybe',
      GUICHET_LISTEN: 'nowhere',
      GUICHET_UPSTREAM_CONNECT: 'x',
      GUICHET_UPSTREAM_CA: '/not/there',
      GUICHET_RULES: '/not/there',
    }).join('\n')
    for (const part of ['listen', 'color', 'freshMinutes', 'unlock', 'loud', 'maybe', 'nowhere', 'home'])
      assert.match(problems, new RegExp(part))
    assert.match(problems, /GUICHET_UPSTREAM_CONNECT: "x"/)
    assert.match(problems, /GUICHET_UPSTREAM_CA: \/not\/there cannot be read \(ENOENT\)/)
    assert.match(problems, /rules: \/not\/there cannot be read/)
  })

  it('gives the owner budgets, too, of all that costs something (K10)', async () => {
    await write('config.json', { ownerBudgets: ['deletes=1000/day', 'down=1TB/month'] })
    assert.deepEqual(load().ownerBudgets, [
      { measure: 'deletes', max: 1_000, per: 'day' },
      { measure: 'down', max: 2 ** 40, per: 'month' },
    ])
    await write('config.json', { ownerBudgets: ['calls=1/day', 'concurrent=1'], log: 'loud' })
    assert.match(problemsOf().join(), /calls=1\/day: the calls of the owner.*concurrent=1/)
    await write('config.json', { ownerBudgets: ['files=1', 'deletes=1'] })
    assert.match(problemsOf().join(), /"files=1".*"deletes=1": the window is missing/)
  })

  it('tells problems of values together with those of the shape of the file', async () => {
    await write('config.json', {
      listen: 'nowhere',
      rules: '/no/such/rules.json',
      freshMinutes: -1,
      colour: 'green',
    })
    const problems = problemsOf().join('\n')
    for (const what of ['listen: "nowhere"', '/no/such/rules.json', 'freshMinutes', 'colour'])
      assert.ok(problems.includes(what), `${what} in\n${problems}`)
  })

  it('lets a later source win: file, environment, flag', async () => {
    await write('config.json', {
      listen: '127.0.0.1:1',
      log: 'warn',
      unlock: { kind: 'file', path: 'unlock' },
    })
    assert.equal(load().listen.port, 1)
    assert.equal(load({ GUICHET_LISTEN: '127.0.0.1:2' }).listen.port, 2)
    assert.equal(load({ GUICHET_LISTEN: '127.0.0.1:2' }, { listen: '[::1]:3' }).listen.host, '::1')
    assert.equal(load().logLevel, 'warn')
    assert.deepEqual(load().unlock, { kind: 'file', path: path.join(home, 'unlock') })
  })

  it('listens for other machines only when told that keys may travel without TLS', () => {
    for (const listen of [
      '0.0.0.0:80',
      '192.168.1.2:80',
      '[::]:80',
      'nas.local:80',
      '127.0.0.1.evil.example:80',
    ]) {
      assert.match(problemsOf({}, { listen }).join(), /can be reached from other machines/, listen)
      assert.deepEqual(problemsOf({}, { listen, plainHttp: true }), [])
    }
    for (const listen of ['127.0.0.1:0', '127.9.9.9:80', 'localhost:80', '[::1]:80']) {
      assert.deepEqual(problemsOf({}, { listen }), [])
    }
    for (const listen of ['', ':80', '127.0.0.1', '127.0.0.1:99999', '127.0.0.1:x', '::1:80', 'a b:80']) {
      assert.match(problemsOf({}, { listen }).join(), /is not HOST:PORT/, listen)
    }
  })

  it('listens for other machines with a certificate whose files fit (U6)', async () => {
    const { cert, key } = await selfSigned(['guichet.example'])
    await writeFile(path.join(home, 'cert.pem'), cert)
    await writeFile(path.join(home, 'key.pem'), key, { mode: 0o600 })
    const tls = { certFile: path.join(home, 'cert.pem'), keyFile: path.join(home, 'key.pem') }
    await write('config.json', { listen: '0.0.0.0:80', tls: { certFile: 'cert.pem', keyFile: 'key.pem' } })
    assert.deepEqual(load().tls, tls)
    await write('config.json', { listen: '0.0.0.0:80' })
    const typed = { tlsCert: tls.certFile, tlsKey: tls.keyFile }
    assert.deepEqual(load({}, typed).tls, tls)
    assert.match(problemsOf({ GUICHET_TLS_CERT: tls.certFile }).join(), /needs both files/)
    await chmod(tls.keyFile, 0o644)
    assert.match(problemsOf({}, typed).join(), /tls: other users can reach the key .*\(run `chmod 600/)
    assert.match(problemsOf({}, { ...typed, tlsKey: '/no/such' }).join(), /tls: \/no\/such cannot be read/)
  })

  it('takes rules from a file, scales them with the time of a stand-in, and keeps the rest', async () => {
    const [first] = CONSERVATIVE_RULES
    assert.ok(first)
    await write('rules.json', {
      timeScale: 50,
      rules: [{ id: first.id, burst: 2, gapMs: 5_000 }],
      locks: { floodMs: 1_000 },
    })
    await write('config.json', { rules: 'rules.json' })
    const { rules, locks, timeScale } = load()
    assert.equal(timeScale, 50)
    const changed = rules.find(({ id }) => id === first.id)
    assert.deepEqual([changed?.burst, changed?.gapMs, changed?.source], [2, 100, 'rules file'])
    assert.deepEqual(changed?.endpoints, first.endpoints)
    assert.deepEqual(
      rules.slice(1).map(({ gapMs }) => gapMs),
      CONSERVATIVE_RULES.slice(1).map(({ gapMs }) => gapMs / 50),
    )
    assert.equal(locks.floodMs, 20)
    assert.equal(locks.lockedMs, LOCK_POLICY.lockedMs / 50)
  })

  it('refuses rules that would quietly do nothing', async () => {
    const [first] = CONSERVATIVE_RULES
    const rule = { id: first?.id, burst: 1, gapMs: 1 }
    await write('config.json', { rules: 'rules.json' })
    for (const [content, problem] of [
      ['{', /is not JSON/],
      ['[]', /expected object/],
      [{ speed: 3 }, /speed/],
      [{ timeScale: 0 }, /timeScale/],
      [{ rules: [{ id: 'no-such', burst: 1, gapMs: 1 }] }, /there is no rule "no-such"/],
      [{ rules: [{ ...rule, endpoints: ['file/list'] }] }, /there is no endpoint "file\/list"/],
      [{ rules: [{ ...rule, endpoints: [] }] }, /endpoints/],
      [{ rules: [rule, rule] }, /stands there twice/],
      [{ rules: [{ ...rule, burst: 0 }] }, /burst/],
      [{ rules: [{ ...rule, gapMs: -1 }] }, /gapMs/],
    ] as const) {
      await write('rules.json', content)
      assert.match(problemsOf().join('\n'), problem)
    }
  })

  it('says what is wrong with a file that is none', async () => {
    for (const [content, problem] of [
      ['not JSON', /config\.json: is not JSON/],
      ['[]', /config\.json: the file: /],
      ['{"__proto__":1}', /config\.json/],
      ['', /config\.json: is not JSON/],
    ] as const) {
      await write('config.json', content)
      assert.match(problemsOf().join('\n'), problem)
    }
    await rm(path.join(home, 'config.json'))
    assert.deepEqual(loadConfig({ home: path.join(home, 'missing'), env: {} }).listen.port, 8474)
  })
})
