import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { LAUNCHER, type Ran, run, startStand } from './stand.ts'

const API_KEY = 'Nonsense-Key_0123456789abcdefgh='
const LISTEN = ['--listen', '127.0.0.1:0']
/** A user of the machine who owns nothing. */
const NOBODY = 65_534
const isRoot = process.getuid?.() === 0

/** A directory with a home in it that is fine, to be broken in one way at a time. */
interface Shop extends AsyncDisposable {
  readonly directory: string
  readonly home: string
  readonly unlock: string
  guichet(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>
}

/** Deriving the keys of a vault is slow on purpose, so one home is made and copied. */
async function openShops(): Promise<{ copy(): Promise<Shop> } & AsyncDisposable> {
  const root = await mkdtemp(path.join(tmpdir(), 'guichet-nonsense-'))
  await chmod(root, 0o755)
  const model = shopAt(path.join(root, 'model'))
  await mkdir(model.directory)
  await writeFile(path.join(model.directory, 'key'), API_KEY)
  const args = ['init', '--key-file', 'key', '--unlock-file', model.unlock]
  const made = await model.guichet(args)
  assert.equal(made.code, 0, made.stderr)
  let count = 0
  return {
    async copy() {
      count += 1
      const shop = shopAt(path.join(root, `shop-${count}`))
      await cp(model.directory, shop.directory, { recursive: true })
      const config = path.join(shop.home, 'config.json')
      await writeFile(config, (await readFile(config, 'utf8')).replace(model.unlock, shop.unlock))
      return shop
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

function shopAt(directory: string): Shop {
  const home = path.join(directory, 'home')
  const guichet: Shop['guichet'] = (args, env = {}) =>
    run(process.execPath, [LAUNCHER, ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: directory, GUICHET_HOME: home, ...env },
      cwd: directory,
    })
  return {
    directory,
    home,
    unlock: path.join(directory, 'unlock'),
    guichet,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

/** Names, modes and contents of everything below a directory. */
async function contentOf(directory: string): Promise<readonly string[]> {
  const lines: string[] = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const place = path.join(entry.parentPath, entry.name)
    const content = entry.isFile() ? (await readFile(place)).toString('base64') : ''
    lines.push(`${place} ${entry.isFile() ? (await stat(place)).mode : ''} ${content}`)
  }
  return lines.sort()
}

/** Processes that have this directory on their command line or in their environment. */
function processesOf(directory: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false
    try {
      const told = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1'))
      return told.some((text) => text.includes(directory))
    } catch {
      return false // It has ended, or is somebody else's.
    }
  })
}

/** One error, with a next step, the right exit code, and no sign of the code that failed. */
function assertClear(ran: Ran, exit: number, words: RegExp): void {
  const text = `${ran.stdout}\n${ran.stderr}`
  assert.match(ran.stderr, words)
  assert.equal(ran.code, exit, text)
  assert.equal(ran.stderr.match(/^error: /gm)?.length, 1, text)
  assert.match(ran.stderr, /^hint: \S/m, text)
  assert.doesNotMatch(text, /^\s+at .*[:(]|node:internal|\.ts:\d+|undefined|\[object/m)
  assert.ok(!text.includes(API_KEY), text)
}

/** Breaks a home in one way; then `guichet serve` must refuse, and leave everything else as it is. */
interface Breakage {
  readonly what: string
  readonly exit: number
  readonly words: RegExp
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  break(shop: Shop): Promise<unknown>
  /** What a refused start may have made: state that the next start takes up. */
  readonly leaves?: RegExp
}

const vaultOf = (shop: Shop): string => path.join(shop.home, 'vault')
const STATE = /home\/(guichet\.db|home\.lock|keys\.pepper|ledger-checkpoint|run)/

const BREAKAGES: readonly Breakage[] = [
  {
    what: 'a vault of zero bytes',
    exit: 2,
    words: /the vault .* is empty/,
    break: (shop) => writeFile(vaultOf(shop), ''),
  },
  {
    what: 'a vault of garbage',
    exit: 2,
    words: /the vault .* is not text/,
    break: (shop) => writeFile(vaultOf(shop), Buffer.from([0, 255, 1, 254])),
  },
  {
    what: 'a vault that is other JSON',
    exit: 2,
    words: /is not a vault/,
    break: (shop) => writeFile(vaultOf(shop), '{}'),
  },
  {
    what: 'a vault that was cut',
    exit: 2,
    words: /the vault .* is (damaged|not a vault)/,
    break: async (shop) => writeFile(vaultOf(shop), (await readFile(vaultOf(shop))).subarray(0, 300)),
  },
  {
    what: 'a vault with one digit changed',
    exit: 3,
    words: /does not open the vault/,
    leaves: STATE,
    async break(shop) {
      const vault = JSON.parse(await readFile(vaultOf(shop), 'utf8'))
      const [first] = vault.slots[0].sealed
      vault.slots[0].sealed = (first === 'A' ? 'B' : 'A') + vault.slots[0].sealed.slice(1)
      await writeFile(vaultOf(shop), `${JSON.stringify(vault, null, 2)}\n`)
    },
  },
  {
    what: 'a vault that is a directory',
    exit: 2,
    words: /the vault .* is not a regular file/,
    break: (shop) => rm(vaultOf(shop)).then(() => mkdir(vaultOf(shop))),
  },
  {
    what: 'a vault that is a symbolic link',
    exit: 2,
    words: /the vault .* is a symbolic link/,
    async break(shop) {
      await rename(vaultOf(shop), path.join(shop.directory, 'elsewhere'))
      await symlink(path.join(shop.directory, 'elsewhere'), vaultOf(shop))
    },
  },
  {
    what: 'a vault that others can read',
    exit: 2,
    words: /the vault .* can be read or written by other users/,
    break: (shop) => chmod(vaultOf(shop), 0o644),
  },
  {
    what: 'no vault',
    exit: 4,
    words: /there is no vault at /,
    break: (shop) => rm(vaultOf(shop)),
  },
  {
    what: 'an unlock file with another secret',
    exit: 3,
    words: /does not open the vault/,
    leaves: STATE,
    break: (shop) => writeFile(shop.unlock, 'another passphrase of good length'),
  },
  {
    what: 'an unlock file that others can read',
    exit: 2,
    words: /the unlock file .* can be read or written by other users/,
    leaves: STATE,
    break: (shop) => chmod(shop.unlock, 0o640),
  },
  {
    what: 'an empty unlock file',
    exit: 2,
    words: /the unlock file .* is empty/,
    leaves: STATE,
    break: (shop) => writeFile(shop.unlock, ''),
  },
  {
    what: 'no unlock file',
    exit: 4,
    words: /there is no unlock file at /,
    leaves: STATE,
    break: (shop) => rm(shop.unlock),
  },
  {
    what: 'every kind of mistake in config.json and around it',
    exit: 2,
    words: /the configuration has 1[0-9] problem/,
    env: {
      GUICHET_UPSTREAM_CONNECT: 'nonsense',
      GUICHET_UPSTREAM_CA: 'no/such/file',
      GUICHET_PLAIN_HTTP: 'perhaps',
    },
    break: (shop) =>
      writeFile(
        path.join(shop.home, 'config.json'),
        JSON.stringify({
          listen: 'nowhere',
          unlock: { kind: 'magic' },
          rules: 'no/such/rules',
          freshMinutes: -1,
          reserveMegabytes: 'many',
          log: 'loud',
          plainHttp: 'yes',
          colour: 'green',
        }),
      ),
  },
  {
    what: 'a config.json that is no JSON',
    exit: 2,
    words: /config\.json: is not JSON/,
    break: (shop) => writeFile(path.join(shop.home, 'config.json'), '{"listen":'),
  },
  {
    what: 'a rules file of garbage',
    exit: 2,
    words: /rules: .*is not JSON/,
    env: { GUICHET_RULES: 'key' },
    break: async () => undefined,
  },
  {
    what: 'a rules file with rules that are none',
    exit: 2,
    words: /rules/,
    env: { GUICHET_RULES: 'rules.json' },
    break: (shop) =>
      writeFile(
        path.join(shop.directory, 'rules.json'),
        '{"rules":[{"id":"x","burst":0,"gapMs":"soon"}],"timeScale":-1}',
      ),
  },
  {
    what: 'GUICHET_UPSTREAM_CONNECT without a port',
    exit: 2,
    words: /GUICHET_UPSTREAM_CONNECT: "localhost:0" is not HOST:PORT/,
    env: { GUICHET_UPSTREAM_CONNECT: 'localhost:0' },
    break: async () => undefined,
  },
  {
    what: 'a CA file that is none',
    exit: 2,
    words: /GUICHET_UPSTREAM_CA: .* holds no certificate/,
    env: { GUICHET_UPSTREAM_CA: 'key' },
    break: async () => undefined,
  },
  {
    what: 'a CA file with a certificate that is none',
    exit: 2,
    words: /certificate/,
    env: { GUICHET_UPSTREAM_CA: 'ca.pem' },
    leaves: STATE,
    break: (shop) =>
      writeFile(
        path.join(shop.directory, 'ca.pem'),
        '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n',
      ),
  },
  {
    what: 'an address that this machine does not have',
    exit: 5,
    words: /cannot listen on 192\.0\.2\.1:8474 \(EADDRNOTAVAIL\)/,
    args: ['--listen', '192.0.2.1:8474', '--plain-http'],
    leaves: STATE,
    break: async () => undefined,
  },
  {
    what: 'a port that is none',
    exit: 2,
    words: /listen: "127\.0\.0\.1:99999" is not HOST:PORT/,
    args: ['--listen', '127.0.0.1:99999'],
    break: async () => undefined,
  },
  {
    what: 'an address for everybody without TLS',
    exit: 2,
    words: /without TLS/,
    args: ['--listen', '0.0.0.0:8474'],
    break: async () => undefined,
  },
  {
    what: 'a database of garbage',
    exit: 2,
    words: /guichet\.db is not a database/,
    leaves: STATE,
    break: (shop) => writeFile(path.join(shop.home, 'guichet.db'), 'garbage '.repeat(1_000)),
  },
  {
    what: 'a damaged file of the hashing secret',
    exit: 2,
    words: /keys\.pepper is damaged/,
    leaves: STATE,
    break: (shop) => writeFile(path.join(shop.home, 'keys.pepper'), 'zz', { mode: 0o600 }),
  },
  {
    what: 'an authority without its key',
    exit: 4,
    words: /the certificate authority is not there/,
    leaves: STATE,
    break: (shop) => rm(path.join(shop.home, 'ca.key')),
  },
]

describe('a home that is broken', () => {
  it(`ends guichet serve with one clear error, in ${BREAKAGES.length} ways`, async (test) => {
    await using shops = await openShops()
    for (const breakage of BREAKAGES) {
      await test.test(breakage.what, async () => {
        await using shop = await shops.copy()
        await breakage.break(shop)
        const before = await contentOf(shop.directory)
        const ran = await shop.guichet(['serve', ...(breakage.args ?? LISTEN)], breakage.env)
        assertClear(ran, breakage.exit, breakage.words)
        const { leaves } = breakage
        const after = await contentOf(shop.directory)
        const isOwed = (line: string): boolean => leaves === undefined || !leaves.test(line)
        assert.deepEqual(after.filter(isOwed), before.filter(isOwed))
        assert.deepEqual(processesOf(shop.directory), [], 'no process is left')
      })
    }
  })

  it('belongs to another user, or cannot be written', {
    skip: isRoot ? false : 'only root can become others',
  }, async () => {
    await using shops = await openShops()
    await using shop = await shops.copy()
    const asNobody = (args: readonly string[], home: string): Promise<Ran> =>
      run(
        'setpriv',
        ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, LAUNCHER, ...args],
        {
          env: { PATH: process.env['PATH'] ?? '', HOME: shop.directory, GUICHET_HOME: home },
          cwd: '/',
        },
      )
    const before = await contentOf(shop.directory)
    await chmod(shop.home, 0o700)
    assertClear(
      await asNobody(['serve', ...LISTEN], shop.home),
      2,
      /the vault .* cannot be opened \(EACCES\)/,
    )
    await chmod(shop.home, 0o755)
    for (const name of await readdir(shop.home)) await chown(path.join(shop.home, name), NOBODY, NOBODY)
    assertClear(
      await asNobody(['serve', ...LISTEN], shop.home),
      1,
      /home.* cannot be (written|opened for writing)/,
    )
    await chown(vaultOf(shop), 0, 0)
    await chmod(vaultOf(shop), 0o600)
    await chown(shop.home, NOBODY, NOBODY)
    assertClear(
      await asNobody(['serve', ...LISTEN], shop.home),
      2,
      /the vault .* cannot be opened \(EACCES\)/,
    )

    const key = path.join(shop.directory, 'key')
    const made = await asNobody(
      ['init', '--key-file', key, '--unlock-file', path.join(shop.directory, 'new-unlock')],
      path.join(shop.directory, 'new'),
    )
    assertClear(made, 3, /a home cannot be made at .*\/new \(EACCES\)/)
    assert.deepEqual(
      (await contentOf(shop.directory)).map((line) => line.split(' ')[0]),
      before.map((line) => line.split(' ')[0]),
    )
    assert.deepEqual(processesOf(shop.directory), [])
  })
})

describe('a home that is in use', () => {
  it('takes no second gateway, and a port no second listener', async () => {
    await using stand = await startStand()
    const second = await stand.guichet(['serve', ...LISTEN])
    assertClear(second, 5, /another gateway uses the home/)
    assert.equal((await stand.status()).keyholder.state, 'ready', 'the first one goes on')

    await using shops = await openShops()
    await using shop = await shops.copy()
    const taken = createServer().listen(0, '127.0.0.1')
    await using _taken = { [Symbol.asyncDispose]: async () => void taken.close() }
    await new Promise((resolve) => taken.once('listening', resolve))
    const address = taken.address()
    assert.ok(address !== null && typeof address === 'object')
    const ran = await shop.guichet(['serve', '--listen', `127.0.0.1:${address.port}`])
    assertClear(ran, 5, /cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/)
    assert.deepEqual(processesOf(shop.directory), [])
  })

  it('stays sealed after a wrong passphrase, says so, and opens with the right one', async () => {
    await using stand = await startStand()
    assert.equal((await stand.guichet(['seal'])).code, 0)
    const unseal = (input: string): Promise<Ran> => stand.guichet(['unseal', '--pass-file', '-'], { input })
    assertClear(await unseal('a wrong passphrase'), 3, /does not open the vault/)
    assertClear(await unseal(''), 2, /is empty/)
    assertClear(await stand.guichet(['ls', '/']), 7, /sealed/)
    assert.equal((await unseal('a passphrase for tests only')).code, 0)
    assert.equal((await stand.guichet(['ls', '/'])).code, 0)
    assertClear(await stand.guichet(['rotate', '--key-file', '-'], { input: 'short' }), 2, /API key/)
    assertClear(
      await stand.guichet(['rotate', '--key-file', '-'], { input: API_KEY }),
      7,
      /refused the new key/,
    )
    assert.equal((await stand.guichet(['ls', '--refresh', '/'])).code, 0, 'the old key is still in use')
  })
})

describe('nonsense on the command line', () => {
  const url = 'http://127.0.0.1:9'
  const key = 'gch_0000000000000000000000000000'
  const cases: readonly (readonly [readonly string[], number, RegExp, Record<string, string>?])[] = [
    [['frobnicate'], 2, /unknown command "frobnicate"/],
    [['lss'], 2, /unknown command "lss"/],
    [['ls', '--frob'], 2, /unknown option "--frob"/],
    [['mkdir'], 2, /missing required argument/],
    [['key', 'create'], 2, /--name/],
    [['key', 'create', '--name', 'x', '--verbs', 'fly'], 2, /unknown verb: fly/],
    [['key', 'create', '--name', 'x', '--expires', 'soon'], 2, /"soon" is not a duration/],
    [['key', 'create', '--name', 'x', '--uses', '0'], 2, /"0" is not a number of uses/],
    [['ls', 'https://example.com/x'], 2, /names nothing on the account/],
    [['ls', '/a/../b'], 2, /contains "\.\."/],
    [['ls', '/'], 6, /no gateway is running/],
    [['init', API_KEY], 2, /too many arguments/],
    [['init', '--key-file', API_KEY, '--unlock-file', 'u'], 4, /does not exist/],
    [['init', '--key-file', 'short', '--unlock-file', 'u'], 2, /holds no API key/],
    [['init'], 2, /there is no terminal to ask on/],
    [['ls'], 2, /GUICHET_KEY is not/, { GUICHET_URL: url }],
    [['ls'], 2, /GUICHET_URL is not/, { GUICHET_KEY: key }],
    [['ls'], 2, /does not hold a virtual key/, { GUICHET_URL: url, GUICHET_KEY: API_KEY }],
    [['ls'], 2, /does not hold a virtual key/, { GUICHET_URL: url, GUICHET_KEY: key }],
    [['run', '--', 'true'], 4, /no certificate of the gateway/],
    [['run'], 2, /no command to run/],
    [['emulator', '--port', '99999'], 2, /port/],
  ]

  it(`is told in one error each, with a hint, ${cases.length} times`, async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'guichet-nonsense-'))
    await using _directory = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
    await writeFile(path.join(directory, 'short'), 'short')
    for (const [args, exit, words, env] of cases) {
      const ran = await run(process.execPath, [LAUNCHER, ...args], {
        env: { PATH: process.env['PATH'] ?? '', HOME: directory, ...env },
        cwd: directory,
      })
      assertClear(ran, exit, words)
      assert.deepEqual(await readdir(directory), ['short'], args.join(' '))
    }
  })
})

describe('nonsense over HTTP', () => {
  /** Sends bytes as they are, and resolves with all that comes back until the connection ends. */
  function raw(to: string, bytes: Iterable<string | Buffer>): Promise<string> {
    const { hostname, port } = new URL(to)
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname)
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
      })
      // A server that has said no need not hear the rest.
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(text))
      for (const piece of bytes) socket.write(piece)
      socket.end()
    })
  }

  it('is refused in every door, and the gateway goes on as before', async () => {
    await using stand = await startStand()
    const { key } = await stand.issue('all')
    const large = Buffer.alloc(1024 * 1024, 'a')
    const headers = await raw(stand.url, [
      'GET / HTTP/1.1\r\nx: ',
      ...Array.from({ length: 10 }, () => large),
      '\r\n\r\n',
    ])
    assert.match(headers, /^HTTP\/1\.1 431 |^$/)
    for (const bytes of [
      '\u0000\u0001\u0002',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'CONNECT x HTTP/1.1\r\n\r\n',
      'POST /v1/folder/ls.cgi HTTP/1.1\r\ncontent-length: x\r\n\r\n',
    ])
      assert.match(await raw(stand.url, [bytes]), /^HTTP\/1\.1 4\d\d /, JSON.stringify(bytes))

    const ask = async (target: string, body: string): Promise<Response> =>
      fetch(`${stand.url}/${target}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body,
      })
    for (const [target, body, status] of [
      ['v1/folder/ls.cgi', '{', 400],
      ['v1/folder/ls.cgi', '[]', 400],
      ['v1/folder/ls.cgi', '{"folder_id":"x"}', 400],
      ['v1/folder/ls.cgi', `{"x":"${'y'.repeat(5_000_000)}"}`, 413],
      ['v1/no/such.cgi', '{}', 404],
      ['v1/folder/ls', '{}', 404],
      ['v1/file/ls.cgi', '{"sent_after":"2021-02-30 10:00:00"}', 400],
      ['v1/file/ls.cgi', '{"sent_before":"2021-13-01 10:00:00"}', 400],
      ['v1/file/ls.cgi', '{"sent_before":"tomorrow"}', 400],
      ['api/v1/none', '{}', 404],
      ['api/v1/folders', '{"at":5}', 400],
      ['api/v1/folders', '{"at":"/a/../b"}', 400],
    ] as const) {
      const response = await ask(target, body)
      const text = await response.text()
      assert.equal(response.status, status, `${target} ${body.slice(0, 60)}: ${text.slice(0, 200)}`)
      const { message, status: word, code } = JSON.parse(text)
      assert.ok(word === 'KO' || typeof code === 'string', text)
      assert.doesNotMatch(message, /\n\s+at |node:internal/)
    }
    assert.equal((await stand.status()).keyholder.state, 'ready')
    assert.deepEqual(
      stand.output.filter((line) => line.includes('"level":50')),
      [],
    )
  })

  it('keeps every name that 1fichier would refuse (wire.md §4.10) from being sent there', async () => {
    await using stand = await startStand()
    const { key } = await stand.issue('all')
    const names = ['\\', '<', '>', '"', "'", '$', '`', '/', '\u0000', '\u001f', '\u007f'].map(
      (one) => `a${one}b`,
    )
    for (const name of [...names, ' a', 'a ', '', '.', '..', 'x'.repeat(251), '\ud800']) {
      const response = await fetch(`${stand.url}/v1/folder/mkdir.cgi`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name, folder_id: 0 }),
      })
      const { status, message } = JSON.parse(await response.text())
      assert.equal(response.status, 400, JSON.stringify(name))
      assert.equal(status, 'KO')
      assert.match(message, /Bad filename characters/, JSON.stringify(name))
    }
    for (const name of ['é.txt', '日本.txt', '🙂', 'a;b&c=d?e#f%20', 'a:b*c|d', 'con', 'x'.repeat(200)]) {
      const put = await fetch(`${stand.url}/api/v1/content?at=${encodeURIComponent(`/${name}`)}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${key}` },
        body: name,
      })
      assert.equal(put.status, 201, await put.text())
      assert.deepEqual((await stand.emulator.account.readFile(`/${name}`)).toString(), name)
    }
    assert.equal(stand.emulator.snapshot().calls['folder/mkdir'], undefined)
  })
})

describe('a full disk', { skip: cannotMount() }, () => {
  /** A disk of 8 MB that can be filled to its last byte. */
  async function openDisk(
    place?: string,
  ): Promise<{ readonly at: string; fill(): void; free(): Promise<void> } & AsyncDisposable> {
    const at = place ?? (await mkdtemp(path.join(tmpdir(), 'guichet-disk-')))
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=700', 'tmpfs', at]).status, 0)
    const filler = path.join(at, 'filler')
    return {
      at,
      // dd ends with an error, which is what is wanted.
      fill: () => void spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { stdio: 'ignore' }),
      free: () => rm(filler),
      async [Symbol.asyncDispose]() {
        spawnSync('umount', ['-l', at])
        await rm(at, { recursive: true, force: true })
      },
    }
  }

  it('lets init make nothing, not even a part', async () => {
    await using disk = await openDisk()
    await using shops = await openShops()
    await using shop = await shops.copy()
    disk.fill()
    const args = ['init', '--key-file', 'key', '--unlock-file', 'unlock']
    assertClear(await shop.guichet(args, { GUICHET_HOME: path.join(disk.at, 'home') }), 9, /disk .* is full/)
    assertClear(await shop.guichet(args, { GUICHET_HOME: disk.at }), 9, /disk .* is full/)
    assert.deepEqual(await readdir(disk.at), ['filler'])
    await disk.free()
    assert.equal(
      (await shop.guichet(args, { GUICHET_HOME: disk.at })).code,
      0,
      'a volume of its own is a good home',
    )
  })

  it('ends serve with one error', async () => {
    await using disk = await openDisk()
    await using shops = await openShops()
    await using shop = await shops.copy()
    const home = path.join(disk.at, 'home')
    await cp(shop.home, home, { recursive: true })
    disk.fill()
    assertClear(await shop.guichet(['serve', ...LISTEN], { GUICHET_HOME: home }), 9, /disk is full/)
    await disk.free()
  })

  it('refuses uploads before they are acknowledged, and everything that cannot be recorded, until there is room (R2)', async () => {
    await using stand = await startStand()
    await stand.kill('SIGTERM')
    const kept = path.join(stand.work, 'kept')
    await rename(stand.home, kept)
    await mkdir(stand.home)
    await using disk = await openDisk(stand.home)
    await cp(kept, stand.home, { recursive: true })
    const config = JSON.parse(await readFile(path.join(kept, 'config.json'), 'utf8'))
    await writeFile(path.join(stand.home, 'config.json'), JSON.stringify({ ...config, reserveMegabytes: 0 }))
    await stand.start()
    await using _gateway = { [Symbol.asyncDispose]: () => stand.kill('SIGTERM') }

    const { key } = await stand.issue('files')
    const put = async (name: string, sizeBytes: number): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${stand.url}/api/v1/content?at=/${name}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${key}` },
        body: Buffer.alloc(sizeBytes, name),
      })
      return { status: response.status, text: await response.text() }
    }
    assert.equal((await put('first', 1_000)).status, 201)
    const large = await put('large', 20 * 1024 * 1024)
    assert.deepEqual([large.status, /the spool has no room/.test(large.text)], [507, true], large.text)
    disk.fill()
    const unrecorded = await put('small', 64 * 1024)
    assert.equal(unrecorded.status, 507, unrecorded.text)
    assert.match(unrecorded.text, /the ledger cannot be written to the full disk|no room/)
    assertClear(await stand.guichet(['status']), 9, /the ledger cannot be written to the full disk/)
    assert.equal(stand.emulator.account.files().length, 1)
    await disk.free()
    assert.deepEqual(await readdir(path.join(stand.home, 'spool')), [])
    assert.equal((await put('small', 64 * 1024)).status, 201)
    assert.equal(stand.emulator.account.files().length, 2)
  })
})

function cannotMount(): string | false {
  if (!isRoot) return 'only root can mount a disk of 8 MB'
  const at = path.join(tmpdir(), `guichet-mount-${process.pid}`)
  const made = spawnSync('sh', [
    '-c',
    `mkdir ${at} && mount -t tmpfs -o size=1m tmpfs ${at} && umount ${at}; code=$?; rmdir ${at}; exit $code`,
  ])
  return made.status === 0 ? false : 'this system does not let root mount a disk of 8 MB'
}
