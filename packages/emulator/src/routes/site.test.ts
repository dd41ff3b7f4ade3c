import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startEmulator } from '../emulator.ts'
import { ask, call } from '../testing/client.ts'

describe('a public folder', () => {
  it('is given as JSON, as an object, as CSV and as a page', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/pub/a.txt', Buffer.from('hello'))
    const folder_id = emulator.account.mkdir('/pub')
    const { json } = await call(emulator, 'folder/share', { folder_id, share: 1 })
    const url = String(json['url'])
    assert.match(url, /^https:\/\/1fichier\.com\/dir\/[A-Za-z0-9]{8}$/)
    const entry = { link, filename: 'a.txt', size: 5, password: 0, acl: 0 }
    const array = await ask(emulator, `${url}?json=1`)
    assert.equal(array.headers['content-type'], 'application/json; charset=utf-8')
    assert.deepEqual(JSON.parse(array.body.toString()), [entry])
    const object = await ask(emulator, `${url.replace('/dir/', '/fr/dir/')}?json=2`)
    assert.deepEqual(JSON.parse(object.body.toString()), { '0': entry })
    assert.match((await ask(emulator, `${url}?e=1`)).body.toString(), /;a\.txt;5\n$/)
    assert.match((await ask(emulator, url)).body.toString(), /<table>/)
    await call(emulator, 'folder/share', { folder_id, share: 0 })
    assert.equal((await ask(emulator, `${url}?json=1`)).status, 404)
  })

  it('asks for its password in a form', async () => {
    await using emulator = await startEmulator()
    const folder_id = emulator.account.mkdir('/pub')
    const { json } = await call(emulator, 'folder/share', { folder_id, share: 1, pass: 'sesame' })
    const url = String(json['url'])
    assert.match((await ask(emulator, `${url}?json=1`)).body.toString(), /name="pass"/)
    const open = await ask(emulator, url, { method: 'POST', body: 'json=1&pass=sesame' })
    assert.equal(open.body.toString(), '[]')
    const other = await ask(emulator, `${url}?json=1`, { method: 'POST', body: 'pass=sesame' })
    assert.equal(other.body.toString(), '[]')
  })
})

describe('the link check', () => {
  it('has a line for each link', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a.txt', Buffer.from('hello'))
    const hidden = await emulator.account.putForeign({ name: 'b', bytes: Buffer.from('x'), pass: 'sesame' })
    const gone = 'https://1fichier.com/?nonesuchnonesuch'
    const form = new URLSearchParams()
    for (const url of [link, hidden, gone, 'nonsense']) form.append('links[]', url)
    const answer = await ask(emulator, 'https://1fichier.com/check_links.pl', {
      method: 'POST',
      body: form.toString(),
    })
    assert.deepEqual(answer.body.toString().trim().split('\n'), [
      `${link};a.txt;5`,
      `${hidden};;;PRIVATE`,
      `${gone};;;NOT FOUND`,
      'nonsense;;;BAD LINK',
    ])
    emulator.fault({ at: 'check_links.pl', kind: 'flood', scope: 'ip' })
    const locked = await ask(emulator, 'https://1fichier.com/check_links.pl', { method: 'POST' })
    assert.equal(locked.body.toString(), 'IP Locked')
  })
})

describe('the page of a file', () => {
  it('is found by both forms of link, on its own domain only', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a<b>.txt', Buffer.from('hello'))
    const id = new URL(link).search.slice(1)
    for (const url of [link, `${link}&af=1`, `https://${id}.1fichier.com/`]) {
      assert.match((await ask(emulator, url)).body.toString(), /a&#60;b&#62;\.txt/, url)
    }
    assert.equal((await ask(emulator, `https://megadl.fr/?${id}`)).status, 404)
    assert.equal((await ask(emulator, 'https://1fichier.com/')).status, 200)
  })
})
