import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createKeyText, Secret } from '@guichet/core'
import fc from 'fast-check'
import { obscureRclone } from '../detect/rclone-obscure.ts'
import { JDOWNLOADER } from './jdownloader.ts'
import type { Place, Tool } from './place.ts'
import { previewPlace, readPlace, rewritePlace } from './read-place.ts'
import { placeAt, usualPlaces } from './usual-places.ts'

const KEY = 'aB3-dE6_gH9=jK2mN5pQ8sT1vW4yZ7bC'
const OTHER = 'zZ9-yY8_xX7=wW6vV5uU4tT3sS2rR1qQ'
const VIRTUAL = createKeyText((count) => new Uint8Array(count).fill(7))
const OBSCURED = obscureRclone(KEY, new Uint8Array(16).fill(3))

const RCLONE = `# mine
[films]
type = fichier
api_key = ${KEY}
shared_folder = abc

[ other:one ]
TYPE=fichier
type=fichier\r
api_key: "${OTHER}"\r

[gdrive]
type = drive
api_key = ${KEY.replace('a', 'b')}
; api_key = commented

[hidden]
api_key = ${OBSCURED}
type = fichier
`

const JD_TEXT = JSON.stringify({
  'rapidgator.net': [{ user: 'me', password: OTHER, enabled: true }],
  '1fichier.com': [
    {
      user: 'me@example.org',
      password: KEY,
      hoster: '1fichier.com',
      enabled: true,
      properties: { note: 'é' },
    },
  ],
})

const PYLOAD = `version: 1

OneFichierCom:
\tme@example.org:${KEY}
\t@time 1:22-3:44
RapidgatorNet:
\tme:${OTHER}
`

function place(tool: Tool, path = '/home/ada/file'): Place {
  return { tool, path }
}

function keysIn(tool: Tool, content: string | Buffer): readonly (readonly [string, string, number])[] {
  const reading = readPlace(place(tool), Buffer.from(content))
  assert.ok('sightings' in reading)
  return reading.sightings.map(({ secret, form, line }) => [secret.expose(), form, line] as const)
}

function rewritten(tool: Tool, content: Buffer): Buffer {
  const reading = readPlace(place(tool), content)
  assert.ok('sightings' in reading)
  const random = (count: number): Uint8Array => new Uint8Array(count).fill(9)
  return rewritePlace(place(tool), content, reading.sightings, { key: new Secret(VIRTUAL), random })
}

describe('the places where tools keep the key (U7)', () => {
  it('rclone.conf: remotes of type fichier, plain or obscured, whatever the order and the spelling (U7)', () => {
    assert.deepEqual(keysIn('rclone', RCLONE), [
      [KEY, 'plain', 4],
      [OTHER, 'plain', 10],
      [KEY, 'obscured', 18],
    ])
    const after = rewritten('rclone', Buffer.from(RCLONE)).toString()
    assert.equal(
      after,
      RCLONE.replace(KEY, VIRTUAL)
        .replace(OTHER, VIRTUAL)
        .replace(OBSCURED, obscureRclone(VIRTUAL, new Uint8Array(16).fill(9))),
    )
  })

  it('an encrypted rclone.conf is left alone, with a word on what to do (U7)', () => {
    const content = Buffer.from('# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nAAAA\n')
    const reading = readPlace(place('rclone'), content)
    assert.ok('problem' in reading)
    assert.match(reading.hint, /rclone config/)
    assert.deepEqual(
      rewritePlace(place('rclone'), content, [], {
        key: new Secret(VIRTUAL),
        random: () => new Uint8Array(),
      }),
      content,
    )
  })

  it('JDownloader: the account of 1fichier in its encrypted settings, and no other (U7)', () => {
    const content = JDOWNLOADER.close(Buffer.from(JD_TEXT).toString('latin1'))
    assert.deepEqual(keysIn('JDownloader', content), [[KEY, 'plain', 1]])
    const opened = JDOWNLOADER.open(rewritten('JDownloader', content))
    assert.ok('text' in opened)
    assert.equal(Buffer.from(opened.text, 'latin1').toString(), JD_TEXT.replace(KEY, VIRTUAL))
    // Made by `openssl enc -aes-128-cbc` with the key of AccountSettings.java as key and first block.
    assert.equal(JDOWNLOADER.close('{}').toString('hex'), '8134be2ea44346cc14719e1e0d2357c1')
  })

  it('JDownloader: whatever is not its own file is left alone (U7)', () => {
    for (const content of [Buffer.from('{}'), Buffer.alloc(0), Buffer.alloc(64, 1)])
      assert.ok('problem' in readPlace(place('JDownloader'), content))
  })

  it('pyLoad: the password of OneFichierCom, and no other (U7)', () => {
    assert.deepEqual(keysIn('pyLoad', PYLOAD), [[KEY, 'plain', 4]])
    assert.equal(rewritten('pyLoad', Buffer.from(PYLOAD)).toString(), PYLOAD.replace(KEY, VIRTUAL))
  })

  it('every mention of a key that was found counts, wherever it stands in the file (U7)', () => {
    const text = `# the key is ${KEY}\n[a]\ntype = fichier\napi_key = ${KEY}\n`
    assert.deepEqual(keysIn('rclone', text), [
      [KEY, 'plain', 1],
      [KEY, 'plain', 4],
    ])
    assert.ok(!rewritten('rclone', Buffer.from(text)).includes(KEY))
  })

  it('a virtual key is no finding (U7)', () => {
    assert.deepEqual(keysIn('rclone', `[a]\ntype = fichier\napi_key = ${VIRTUAL}\n`), [])
    assert.deepEqual(keysIn('rclone', rewritten('rclone', Buffer.from(RCLONE))), [])
  })

  it('a preview shows the lines with masks and never a key (U7)', () => {
    const content = Buffer.from(RCLONE)
    const reading = readPlace(place('rclone'), content)
    assert.ok('sightings' in reading)
    const shown = previewPlace(place('rclone'), content, reading.sightings, {
      before: '<old>',
      after: '<new>',
    })
    assert.deepEqual(shown[0], { line: 4, before: 'api_key = <old>', after: 'api_key = <new>' })
    assert.equal(shown.length, 3)
    for (const secret of [KEY, OTHER, OBSCURED]) assert.ok(!JSON.stringify(shown).includes(secret))
    const long = Buffer.from(`[a]\ntype = fichier\n#${'x'.repeat(500)}\napi_key = ${KEY}${' '.repeat(500)}\n`)
    const found = readPlace(place('rclone'), long)
    assert.ok('sightings' in found)
    const [line] = previewPlace(place('rclone'), long, found.sightings, { before: '<old>', after: '<new>' })
    assert.ok((line?.before.length ?? 999) < 100)
  })
})

describe('any file (U7)', () => {
  const tools: readonly Tool[] = ['rclone', 'pyLoad', 'JDownloader', 'environment file', 'script']
  const pieces = fc.constantFrom(
    ...['[a]', 'type = fichier', 'api_key = ', KEY, OTHER, OBSCURED, '\n', '\r\n', '"', '`', '=', ':', '  '],
    ...[
      'OneFichierCom:',
      'me:',
      '\t',
      '#',
      ';',
      'é',
      '\u2028',
      '1fichier',
      'FICHIER_API_KEY=',
      '{',
      '}',
      '\\',
    ],
  )
  const text = fc.oneof(
    fc.array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 30 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary' }),
  )
  const bytes = fc.oneof(
    text.map((content) => Buffer.from(content)),
    fc.uint8Array({ maxLength: 200 }).map((content) => Buffer.from(content)),
    // What JDownloader would write of it.
    text.map((content) =>
      JDOWNLOADER.close(JSON.stringify({ '1fichier.com': [{ password: content }, { password: KEY }] })),
    ),
  )

  it('is read without a fault, and written with every other byte as it was (U7)', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(...tools), (content, tool) => {
        const reading = readPlace(place(tool), content)
        if ('problem' in reading) return
        const after = rewritten(tool, content)
        const parts = (whole: Buffer): readonly string[] => partsOf(tool, whole)
        assert.deepEqual(parts(after), parts(content))
        const again = readPlace(place(tool), after)
        assert.ok('sightings' in again)
        assert.deepEqual(
          again.sightings.filter(({ form }) => form !== 'wrapped'),
          [],
        )
      }),
      { numRuns: 2_000 },
    )
  })

  it('comes back as it was when nothing is replaced (U7)', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(...tools), (content, tool) => {
        const same = rewritePlace(place(tool), content, [], {
          key: new Secret(VIRTUAL),
          random: () => new Uint8Array(16),
        })
        assert.deepEqual(same, content)
      }),
    )
  })

  /** What stands between the keys. */
  function partsOf(tool: Tool, content: Buffer): readonly string[] {
    const opened = tool === 'JDownloader' ? JDOWNLOADER.open(content) : { text: content.toString('latin1') }
    assert.ok('text' in opened)
    const covers = [KEY, OTHER, OBSCURED, VIRTUAL, obscureRclone(VIRTUAL, new Uint8Array(16).fill(9))]
    return opened.text.split(new RegExp(covers.map((cover) => cover.replace(/[=]/g, '\\$&')).join('|')))
  }
})

describe('where to look (U7)', () => {
  it('is where each tool keeps its settings, none twice, the named one first', () => {
    const places = usualPlaces({
      userHome: '/home/ada',
      cwd: '/srv/media',
      env: { RCLONE_CONFIG: '/etc/rclone.conf', XDG_CONFIG_HOME: '/home/ada/.config' },
    })
    const paths = places.map(({ path }) => path)
    assert.equal(new Set(paths).size, paths.length)
    assert.equal(paths[0], '/etc/rclone.conf')
    for (const path of [
      '/home/ada/.config/rclone/rclone.conf',
      '/home/ada/.rclone.conf',
      '/home/ada/.bash_history',
      '/srv/media/docker-compose.yml',
      '/srv/media/.env',
    ])
      assert.ok(paths.includes(path), path)
  })

  it('a file that is named is known by its name, settings of rclone also by their look', () => {
    const toolOf = (path: string, content = ''): Tool => placeAt(path, Buffer.from(content)).tool
    const names = [
      '/a/rclone.conf',
      '/a/.env',
      '/a/docker-compose.prod.yml',
      '/a/backup.sh',
      '/a/accounts.cfg',
    ]
    assert.deepEqual(
      names.map((path) => toolOf(path)),
      ['rclone', 'environment file', 'compose file', 'script', 'pyLoad'],
    )
    assert.equal(toolOf('/a/remotes.txt', '[films]\ntype = fichier\n'), 'rclone')
  })
})
