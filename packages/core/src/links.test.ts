import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DOMAINS, findFileLink, findPublicFolder, isUpstreamHost, linkText, parseFileLink } from './links.ts'

const ID = '2zk52quqlm0cbjr93ri5'

describe('a link to a file', () => {
  it('is read in every form that is met, under every domain', () => {
    for (const domain of DOMAINS) {
      const forms = [
        `https://${domain}/?${ID}`,
        `http://${domain}/?${ID}`,
        `https://www.${domain}/?${ID}`,
        `https://${domain}:443/?${ID}`,
        `https://${domain}?${ID}`,
        `${domain}/?${ID}`,
        `HTTPS://${domain.toUpperCase()}/?${ID}`,
        ` https://${domain}/?${ID}\n`,
        `https://${domain}/?${ID}&af=62851`,
        `https://${domain}/?${ID}&af=62851&x=https://example.com/?y`,
        `https://${domain}/?${ID}&inline=1`,
        `https://${domain}/?${ID}#top`,
        `https://${ID}.${domain}`,
        `https://${ID}.${domain}/`,
        `http://www.${ID}.${domain}/`,
        `https://${ID}.${domain}:443/`,
        `https://${ID}.${domain}/?`,
        `https://${ID}.${domain}/?af=62851`,
        `https://${ID}.${domain}/?&af=62851`,
        `https://${ID}.${domain}/&af=62851`,
        `https://${ID}.${domain}/#top`,
      ]
      for (const form of forms) assert.deepEqual(findFileLink(form), { domain, id: ID }, form)
    }
  })

  it('is nothing else', () => {
    const others = [
      '',
      ID,
      'https://1fichier.com/',
      'https://1fichier.com/?',
      'https://1fichier.com/?abcd',
      `https://1fichier.com/?${ID}x`,
      `https://1fichier.com/?${ID.toUpperCase()}`,
      `https://1fichier.com/?${ID}/name.zip`,
      `https://1fichier.com/x?${ID}`,
      `https://${ID}.1fichier.com/?abcde12345`,
      `https://${ID}.1fichier.com/abcde12345`,
      `https://${ID}.1fichier.com&af=1`,
      `https://example.com/?${ID}`,
      `https://1fichier.com.example.com/?${ID}`,
      `https://1fichier.com@example.com/?${ID}`,
      `https://example.com#1fichier.com/?${ID}`,
      `ftp://1fichier.com/?${ID}`,
      'https://www.1fichier.com/',
      'https://up2.1fichier.com/',
      'https://a-4.1fichier.com/p1058755667',
      'https://1fichier.com/dir/abDEf123',
      '/folder/1fichier.com',
    ]
    for (const text of others) assert.equal(findFileLink(text), undefined, text)
  })

  it('comes back from its text', () => {
    const ids = fc.stringMatching(/^[a-z0-9]{5,20}$/)
    fc.assert(
      fc.property(fc.constantFrom(...DOMAINS), ids, (domain, id) => {
        assert.deepEqual(parseFileLink(linkText({ domain, id: parseFileLink(`1fichier.com/?${id}`).id })), {
          domain,
          id,
        })
      }),
    )
  })

  it('is looked for in any text without delay', () => {
    const parts = fc.constantFrom('https://', 'www.', '1fichier.com', '.', '/', '?', '&', '#', ':1', 'a', '-')
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 2_000 }), (pieces) => {
        const link = findFileLink(pieces.join(''))
        if (link !== undefined) assert.match(link.id, /^[a-z0-9]{5,20}$/)
      }),
    )
  })
})

describe('the address of a public folder', () => {
  it('is read with a language, a suffix, or without a scheme', () => {
    const forms = [
      'https://1fichier.com/dir/abDEf123',
      'https://1fichier.com/dir/abDEf123/',
      'https://1fichier.com/fr/dir/abDEf123',
      'https://www.alterupload.com/dir/abDEf123',
      'HTTPS://1FICHIER.COM/dir/abDEf123',
      '1fichier.com:443/dir/abDEf123',
      'https://1fichier.com/dir/abDEf123?json=1',
      'https://1fichier.com/dir/abDEf123/?e=1',
      'https://1fichier.com/dir/abDEf123&af=62851',
      'https://1fichier.com/dir/abDEf123#top',
    ]
    for (const form of forms) assert.equal(findPublicFolder(form), 'abDEf123', form)
  })

  it('is nothing else', () => {
    const others = [
      'https://example.com/dir/abDEf123',
      'https://1fichier.com/dir/',
      'https://1fichier.com/dir/abc',
      'https://1fichier.com/dir/abDEf123/x',
      'https://1fichier.com/x/dir/abDEf123',
      '/dir/abDEf123',
    ]
    for (const text of others) assert.equal(findPublicFolder(text), undefined, text)
  })
})

describe('a host of 1fichier', () => {
  it('is a domain or a name below one, and no other', () => {
    for (const host of ['1fichier.com', 'api.1fichier.com', 'A-4.1FICHIER.COM', 'x.dl4free.com']) {
      assert.ok(isUpstreamHost(host), host)
    }
    for (const host of ['', 'com', 'x1fichier.com', '1fichier.com.example.com', '1fichier.com.']) {
      assert.ok(!isUpstreamHost(host), host)
    }
  })
})
