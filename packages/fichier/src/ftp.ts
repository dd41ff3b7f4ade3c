import { type FtpUsers, parseName } from '@guichet/core'
import { callApi, type Wire } from './call.ts'
import { isRecord, type JsonObject } from './fields.ts'

/** `/v1/ftp/*.cgi` (wire.md §11). No source shows an answer of these, so the list takes every likely shape. */
export function ftpCalls(wire: Wire): FtpUsers {
  return {
    async process(call) {
      await callApi(wire, 'ftp/process', {}, call)
    },

    async list(call) {
      return usersOf((await callApi(wire, 'ftp/users/ls', {}, call)).raw)
    },

    async add(user, call) {
      const fields = { user: parseName(user.name), pass: user.pass, folder_id: user.folder }
      await callApi(wire, 'ftp/users/add', fields, call)
    },

    async remove(name, call) {
      await callApi(wire, 'ftp/users/rm', { user: parseName(name) }, call)
    },
  }
}

/** The first list in the answer; a bare name counts as a user. */
function usersOf(reply: JsonObject): readonly JsonObject[] {
  const list = Object.values(reply).find((value) => Array.isArray(value)) ?? []
  return list.flatMap((item: unknown) =>
    isRecord(item) ? [item] : typeof item === 'string' ? [{ user: item }] : [],
  )
}
