import { type Account, type FileHost, GatewayError } from '@guichet/core'
import { callApi, type Wire } from './call.ts'
import type { Fields } from './fields.ts'

type AccountCalls = Pick<FileHost, 'account' | 'changeAccount'>

/** What user/info.cgi lets one change (wire.md §9). */
const SETTINGS: ReadonlySet<string> = new Set([
  'ftp_mode',
  'ftp_did',
  'ftp_report',
  'ru_report',
  'default_domain',
  'page_limit',
  'default_port',
  'default_port_files',
  'use_cdn',
  'download_menu',
])

/** By the digit that `offer` holds. */
const OFFERS: readonly Account['offer'][] = ['free', 'premium', 'access', 'gold']

/** `/v1/user/info.cgi`, which reads and writes (wire.md §9). */
export function accountCalls(wire: Wire): AccountCalls {
  return {
    async account(call) {
      return accountOf(await callApi(wire, 'user/info', {}, call))
    },

    async changeAccount(changes, call) {
      const names = Object.keys(changes)
      const unknown = names.filter((name) => !SETTINGS.has(name))
      if (unknown.length > 0) {
        throw new GatewayError('invalid', `1fichier has no setting ${unknown.join(', ')}`, {
          hint: `choose from ${[...SETTINGS].join(' ')}`,
        })
      }
      if (names.length > 0) await callApi(wire, 'user/info', changes, call)
    },
  }
}

function accountOf(reply: Fields): Account {
  return {
    email: reply.findText('email'),
    offer: OFFERS.find((_, digit) => reply.findText('offer') === String(digit)) ?? 'unknown',
    subscriptionEndMs: reply.findMoment('subscription_end'),
    cdnCreditsGb: reply.findNumber('cdn'),
    hotBytes: reply.findNumber('hot_storage'),
    coldBytes: reply.findNumber('cold_storage'),
    // What is left, or below zero the excess; one client reads it as the total (wire.md §15.6).
    availableBytes: reply.findNumber('available_storage'),
    availableColdBytes: reply.findNumber('available_cold_storage'),
    isOverQuota: reply.flag('overquota'),
    isUploadForbidden: reply.flag('upload_forbidden'),
    raw: reply.raw,
  }
}
