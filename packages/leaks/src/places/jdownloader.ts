import { createCipheriv, createDecipheriv } from 'node:crypto'
import { mayBeApiKey } from '@guichet/core'
import type { Format } from './place.ts'
import { sightAgain } from './sightings.ts'

/** From JDownloader's source, `AccountSettings.java`: the same on every machine, so it hides nothing. */
const KEY = Buffer.from([1, 6, 4, 5, 2, 7, 4, 3, 12, 61, 14, 75, 254, 249, 212, 33])

export const JDOWNLOADER_ACCOUNTS = 'org.jdownloader.settings.AccountSettings.accounts.ejs'

/**
 * JDownloader's accounts: JSON by host, encrypted with AES-128 in CBC mode; its fixed key is the first block as well.
 * The account of 1fichier has the API key as its password.
 */
export const JDOWNLOADER: Format = {
  open(content) {
    try {
      const cipher = createDecipheriv('aes-128-cbc', KEY, KEY)
      const text = Buffer.concat([cipher.update(content), cipher.final()]).toString('latin1')
      JSON.parse(text)
      return { text }
    } catch {
      return {
        problem: 'it is not what JDownloader 2 writes',
        hint: 'put a virtual key into its account settings by hand: `guichet key create --name jdownloader --verbs read,account`',
      }
    }
  },

  close(text) {
    const cipher = createCipheriv('aes-128-cbc', KEY, KEY)
    return Buffer.concat([cipher.update(text, 'latin1'), cipher.final()])
  },

  find(text) {
    const hosts: unknown = JSON.parse(text)
    const keys = new Set(accountsOf(hosts).flatMap(textsOf).filter(mayBeApiKey))
    return [...keys]
      .flatMap((key) => sightAgain(text, key, []))
      .map((found) => ({ ...found, at: 'the account of 1fichier.com' }))
  },
}

function accountsOf(hosts: unknown): readonly unknown[] {
  if (typeof hosts !== 'object' || hosts === null) return []
  return Object.entries(hosts)
    .filter(([host]) => /(^|\.)1fichier\.com$/.test(host))
    .flatMap(([, accounts]: [string, unknown]) => (Array.isArray(accounts) ? accounts : []))
}

function textsOf(account: unknown): readonly string[] {
  if (typeof account !== 'object' || account === null) return []
  return ['password', 'user'].map((name) => String(Reflect.get(account, name) ?? ''))
}
