import { frenchTime } from '../french-time.ts'
import type { Service } from '../service.ts'
import { changedSettings } from '../state/settings.ts'
import type { ApiCall, JsonObject } from '../transport/call.ts'
import { json, type Reply } from '../transport/reply.ts'

const QUOTA_BYTES = 2e12

/** user/info.cgi: changes the settings that are named, then tells everything (wire.md §9). */
export function userInfo(service: Service, { json: request }: ApiCall): Reply {
  const { account } = service
  const changed = changedSettings(account.settings(), request)
  if (changed) account.changeSettings(changed)
  const settings = account.settings()
  const { identity } = account
  const asText = service.readings().userInfoTypes === 'strings'
  const text = (value: number): string | number => (asText ? String(value) : value)
  return json({
    status: 'OK',
    email: identity.email,
    offer: text(identity.offer),
    subscription_end: frenchTime(account.belongings().subscriptionEndMs),
    '2fa': text(0),
    cdn: asText ? '0.00' : 0,
    mail_rm: text(0),
    use_cdn: text(settings.use_cdn),
    ftp_mode: text(settings.ftp_mode),
    ftp_report: text(settings.ftp_report),
    ru_report: text(settings.ru_report),
    default_port: text(settings.default_port),
    default_port_files: text(settings.default_port_files),
    download_menu: text(settings.download_menu),
    upload_forbidden: text(0),
    default_domain: settings.default_domain,
    ftp_did: settings.ftp_did,
    page_limit: settings.page_limit,
    ...storage(service),
    // Only the source that has numbers knows of these (wire.md §9).
    ...(asText ? {} : { extended_quota: 0, extended_quota_end: '' }),
  })
}

function storage(service: Service): JsonObject {
  const used = service.account.usedBytes()
  const isRest = service.readings().availableColdStorage === 'rest'
  const available = isRest ? QUOTA_BYTES - used : QUOTA_BYTES
  return {
    stats_date: frenchTime(service.timers.nowMs()),
    hot_storage: 0,
    cold_storage: used,
    default_quota: QUOTA_BYTES,
    default_cold_storage_quota: QUOTA_BYTES,
    allowed_cold_storage: QUOTA_BYTES,
    available_storage: available,
    available_cold_storage: available,
    overquota: used > QUOTA_BYTES ? 1 : 0,
  }
}
