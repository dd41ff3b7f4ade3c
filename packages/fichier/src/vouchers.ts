import type { Vouchers } from '@guichet/core'
import { callApi, type Wire } from './call.ts'

/** `/v1/vouchers/*.cgi` (wire.md §12). */
export function voucherCalls(wire: Wire): Vouchers {
  return {
    async list(call) {
      const reply = await callApi(wire, 'vouchers/ls', {}, call)
      return reply.objects('data').map((item) => ({
        voucher: item.text('voucher'),
        service: item.text('service'),
      }))
    },

    async check(voucher, call) {
      return (await callApi(wire, 'vouchers/check', { voucher }, call)).text('service')
    },

    async use(voucher, email, call) {
      await callApi(wire, 'vouchers/use', { voucher, user_email: email }, call)
    },
  }
}
