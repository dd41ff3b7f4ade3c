import type { Service } from '../service.ts'
import type { Voucher } from '../state/belongings.ts'
import type { ApiCall } from '../transport/call.ts'
import { Refusal, type Reply } from '../transport/reply.ts'
import { success } from './entries.ts'
import { neededText } from './fields.ts'

const MONTH_MS = 30 * 86_400_000

export function listVouchers(service: Service): Reply {
  const { vouchers } = service.account.belongings()
  return success(service, { count: vouchers.length, data: vouchers })
}

export function checkVoucher(service: Service, call: ApiCall): Reply {
  return success(service, { service: namedVoucher(service, call).service })
}

/** Uses up the voucher; for the account's own address its subscription goes on for 30 days. */
export function applyVoucher(service: Service, call: ApiCall): Reply {
  const voucher = namedVoucher(service, call)
  const email = neededText(call.json, 'user_email')
  const { vouchers, subscriptionEndMs } = service.account.belongings()
  const isOwn = email === service.account.identity.email
  service.account.changeBelongings({
    vouchers: vouchers.filter((known) => known !== voucher),
    subscriptionEndMs: isOwn ? subscriptionEndMs + MONTH_MS : subscriptionEndMs,
  })
  return success(service, { message: 'Voucher used' })
}

function namedVoucher(service: Service, { json: request }: ApiCall): Voucher {
  const code = neededText(request, 'voucher')
  const voucher = service.account.belongings().vouchers.find((known) => known.voucher === code)
  if (!voucher) throw new Refusal('Voucher not found #350', 200)
  return voucher
}
