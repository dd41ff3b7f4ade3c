import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FileChanges, parseFileLink, parseFolderId, ROOT } from '@guichet/core'
import { failureOf, hostThatGets, unaskedHost } from './answering.testing.ts'

const A = parseFileLink('https://1fichier.com/?aaaaa11111bbbbb22222')
const B = parseFileLink('https://1fichier.com/?bbbbb22222ccccc33333')
const C = parseFileLink('https://alterupload.com/?ccccc33333ddddd44444')
const A_TEXT = 'https://1fichier.com/?aaaaa11111bbbbb22222'
const B_TEXT = 'https://1fichier.com/?bbbbb22222ccccc33333'
const C_TEXT = 'https://alterupload.com/?ccccc33333ddddd44444'

const ENTRY = { url: A_TEXT, filename: 'a.txt', size: 12, date: '2021-06-22 14:57:25' }

describe('a list of files', () => {
  it('keeps names as they are, and strips what follows a link', async () => {
    const name = 'é\u0301t\u00e9 <b>"$\\ 📷 '
    const item = { ...ENTRY, url: `${A_TEXT}&af=12345`, filename: name }
    const [file] = await hostThatGets({ body: { items: [item] } }).host.listFiles(ROOT, {}, {})
    assert.equal(file?.name, name)
    assert.deepEqual(file?.link, A)
  })

  it('has no hash where 1fichier has none yet, and a lower-case one where it has', async () => {
    const whirlpool = 'ABCDEF0123456789'.repeat(8)
    const items = [
      ENTRY,
      { ...ENTRY, checksum: '' },
      { ...ENTRY, checksum: null },
      { ...ENTRY, checksum: whirlpool },
    ]
    const files = await hostThatGets({ body: { items } }).host.listFiles('all', {}, {})
    assert.deepEqual(
      files.map((file) => file.whirlpool),
      [undefined, undefined, undefined, whirlpool.toLowerCase()],
    )
  })

  it('has the date 0 where 1fichier says "never", and refuses a date that does not exist', async () => {
    const never = await hostThatGets({ body: { items: [{ ...ENTRY, date: '' }] } }).host.listFiles(
      ROOT,
      {},
      {},
    )
    assert.equal(never[0]?.dateMs, 0)
    const { host } = hostThatGets({ body: { items: [{ ...ENTRY, date: '2021-02-30 10:00:00' }] } })
    const failure = await failureOf(host.listFiles(ROOT, {}, {}))
    assert.equal(failure.code, 'upstream-changed')
    assert.match(failure.message, /file\/ls items\[0\]: "date"/)
  })

  it('names the field that is missing', async () => {
    for (const field of ['url', 'filename', 'size']) {
      const { host } = hostThatGets({ body: { items: [{ ...ENTRY, [field]: undefined }] } })
      const failure = await failureOf(host.listFiles(ROOT, {}, {}))
      assert.equal(failure.code, 'upstream-changed')
      assert.equal(failure.facts['field'], field)
    }
  })

  it('is asked for a window in French time, cut outwards to seconds', async () => {
    const { host, seen } = hostThatGets({ body: {} })
    const window = {
      sentAfterMs: Date.parse('2021-06-22T12:00:00.500Z'),
      sentBeforeMs: Date.parse('2021-12-22T12:00:00.500Z'),
    }
    await host.listFiles('all', window, {})
    assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), {
      folder_id: -1,
      sent_after: '2021-06-22 14:00:00',
      sent_before: '2021-12-22 13:00:01',
    })
  })
})

describe('the details of a file', () => {
  it('tell who may have it', async () => {
    const acl = { ip: ['192.0.2.0/24'], country: [], email: null, premium: '1' }
    const details = await hostThatGets({ body: { ...ENTRY, acl } }).host.fileInfo(A, {}, {})
    assert.deepEqual(details.access, { addresses: ['192.0.2.0/24'], premiumOnly: true })
    assert.ok(details.isRestricted)
  })

  it('tell of no restriction in every spelling', async () => {
    for (const acl of [undefined, null, 0, '0', '', {}, [], { ip: [], premium: 0 }]) {
      const details = await hostThatGets({ body: { ...ENTRY, acl } }).host.fileInfo(A, {}, {})
      assert.equal(details.isRestricted, false, JSON.stringify(acl))
      assert.equal(details.access, undefined)
    }
  })

  it('give the path from the root', async () => {
    for (const [path, expected] of [
      ['a/b', '/a/b'],
      ['', '/'],
      ['/a/', '/a'],
      [null, undefined],
    ] as const) {
      const details = await hostThatGets({ body: { ...ENTRY, path } }).host.fileInfo(A, {}, {})
      assert.equal(details.path, expected)
    }
  })
})

describe('moving files', () => {
  it('gives the links in the order asked, old ones and new ones', async () => {
    const same = hostThatGets({ body: { status: 'OK', moved: 2, urls: [B_TEXT, A_TEXT] } }).host
    assert.deepEqual(await same.moveFiles([A, B], ROOT, undefined, {}), [A, B])
    const mixed = hostThatGets({ body: { status: 'OK', moved: 2, urls: [C_TEXT, B_TEXT] } }).host
    assert.deepEqual(await mixed.moveFiles([A, B], ROOT, undefined, {}), [C, B])
  })

  it('sends the root as folder 0', async () => {
    const { host, seen } = hostThatGets({ body: { urls: [A_TEXT] } })
    await host.moveFiles([A], ROOT, 'new', {})
    assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), {
      urls: [A_TEXT],
      destination_folder_id: 0,
      rename: 'new',
    })
  })

  it('says when only some were moved', async () => {
    const { host } = hostThatGets({ body: { status: 'OK', moved: 1, urls: [A_TEXT] } })
    const failure = await failureOf(host.moveFiles([A, B], ROOT, undefined, {}))
    assert.equal(failure.code, 'conflict')
    assert.deepEqual(failure.facts, { asked: 2, done: 1, why: 'partial' })
  })

  it('needs the links of the answer', async () => {
    for (const body of [{ status: 'OK', moved: 1 }, { urls: ['nonsense'] }, { urls: [A_TEXT, B_TEXT] }]) {
      const failure = await failureOf(hostThatGets({ body }).host.moveFiles([A], ROOT, undefined, {}))
      assert.equal(failure.code, 'upstream-changed')
    }
  })
})

describe('renaming files', () => {
  const renames = [
    { link: A, name: 'a' },
    { link: B, name: 'b' },
  ]

  it('gives the links in the order asked, old ones and new ones', async () => {
    const urls = [{ url: C_TEXT, old_filename: 'x', new_filename: 'a' }, { url: B_TEXT }]
    const { host } = hostThatGets({ body: { status: 'OK', renamed: 2, urls } })
    assert.deepEqual(await host.renameFiles(renames, {}), [C, B])
  })

  it('takes the old links where the answer names none', async () => {
    for (const urls of [undefined, null, [], [{ url: C_TEXT }], [{ url: null }, { url: 'nonsense' }]]) {
      const { host } = hostThatGets({ body: { status: 'OK', renamed: 2, urls } })
      assert.deepEqual(await host.renameFiles(renames, {}), [A, B])
    }
  })
})

describe('copying files', () => {
  it('pairs copies with their sources, whatever the order', async () => {
    const urls = [
      { from_url: B_TEXT, to_url: C_TEXT },
      { from_url: `${A_TEXT}&af=1`, to_url: 'https://1fichier.com/?eeeee55555' },
    ]
    const { host, seen } = hostThatGets({ body: { status: 'OK', copied: 2, urls } })
    const copies = await host.copyFiles([A, B], parseFolderId(7), { pass: 'secret' }, {})
    assert.deepEqual(copies, [parseFileLink('https://1fichier.com/?eeeee55555'), C])
    assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), {
      urls: [A_TEXT, B_TEXT],
      folder_id: 7,
      pass: 'secret',
    })
  })

  it('gives a file that is asked for twice its two copies', async () => {
    const urls = [C_TEXT, 'https://1fichier.com/?eeeee55555'].map((to) => ({ from_url: A_TEXT, to_url: to }))
    const { host } = hostThatGets({ body: { status: 'OK', copied: 2, urls } })
    const copies = await host.copyFiles([A, A], ROOT, {}, {})
    assert.deepEqual(copies, [C, parseFileLink('https://1fichier.com/?eeeee55555')])
  })

  it('refuses an answer about another file', async () => {
    const { host } = hostThatGets({ body: { urls: [{ from_url: B_TEXT, to_url: C_TEXT }] } })
    assert.equal((await failureOf(host.copyFiles([A], ROOT, {}, {}))).code, 'upstream-changed')
  })
})

describe('changing files', () => {
  it('sends only what changes', async () => {
    const cases: readonly (readonly [FileChanges, object])[] = [
      [{ name: 'new' }, { filename: 'new' }],
      [
        { description: '', pass: '' },
        { description: '', pass: '' },
      ],
      [
        { withoutTls: false, inline: true, cdn: false },
        { no_ssl: 0, inline: 1, cdn: 0 },
      ],
      [{ access: {} }, { acl: {} }],
      [{ access: { countries: ['FR'], premiumOnly: false } }, { acl: { country: ['FR'], premium: 0 } }],
    ]
    for (const [changes, sent] of cases) {
      const { host, seen } = hostThatGets({ body: { status: 'OK', updated: 1 } })
      await host.changeFiles([A], changes, {})
      assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), { urls: [A_TEXT], ...sent })
    }
  })

  it('takes "No changes requested" for success, and no other refusal', async () => {
    await hostThatGets({ body: { status: 'KO', message: 'No changes requested #12' } }).host.changeFiles(
      [A],
      { cdn: true },
      {},
    )
    const { host } = hostThatGets({ status: 404, body: { status: 'KO', message: 'Resource not found #469' } })
    assert.equal((await failureOf(host.changeFiles([A], { cdn: true }, {}))).code, 'not-found')
  })
})

describe('scanning a file', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['Win.Test.EICAR_HDB-1 FOUND', 'infected'],
    ['Virus detected #12', 'infected'],
    ['File too big #13', 'too-large'],
    ['Something else #14', 'upstream-changed'],
    ['Flood detected: IP Locked #15', 'locked'],
    ['Resource not found #16', 'not-found'],
  ]
  for (const [message, expected] of cases) {
    it(`takes ${JSON.stringify(message)} for ${expected}`, async () => {
      const { host } = hostThatGets({ body: { status: 'KO', message } })
      const outcome = await host.scanFile(A, {}).then(
        (result) => result.kind,
        (failure: { code: string }) => failure.code,
      )
      assert.equal(outcome, expected)
    })
  }
})

describe('what would be refused anyway', () => {
  it('is refused before anything is sent', async () => {
    const host = unaskedHost()
    const calls = [
      host.renameFiles([{ link: A, name: 'a"b' }], {}),
      host.moveFiles([A, B], ROOT, 'one name for two', {}),
      host.moveFiles([A], ROOT, ' space', {}),
      host.copyFiles([A], ROOT, { rename: 'a/b' }, {}),
      host.changeFiles([A], { pass: 'short' }, {}),
      host.changeFiles([A, B], { name: 'one name for two' }, {}),
    ]
    for (const call of calls) assert.equal((await failureOf(call)).code, 'invalid')
  })

  it('is no call at all where there is nothing to do', async () => {
    const host = unaskedHost()
    await host.renameFiles([], {})
    await host.changeFiles([A], {}, {})
    await host.changeFiles([], { cdn: true }, {})
    assert.deepEqual(await host.moveFiles([], ROOT, undefined, {}), [])
    assert.deepEqual(await host.copyFiles([], ROOT, {}, {}), [])
    assert.equal(await host.removeFiles([], {}), 0)
    assert.deepEqual(await host.checkLinks([], {}), [])
  })
})
