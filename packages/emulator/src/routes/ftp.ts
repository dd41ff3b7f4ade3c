import type { Service } from '../service.ts'
import type { ApiCall } from '../transport/call.ts'
import { Refusal, type Reply } from '../transport/reply.ts'
import { success, writableFolder } from './entries.ts'
import { neededText, numberField } from './fields.ts'

// The bodies of all ftp answers are in no source (wire.md §11); these follow the envelope and the other lists.

export function processFtp(service: Service): Reply {
  return success(service, { message: 'FTP files will be processed' })
}

export function listFtpUsers(service: Service): Reply {
  const users = service.account.belongings().ftpUsers
  const data = users.map(({ user, folderId }) => ({ user, folder_id: folderId }))
  return success(service, { count: data.length, data })
}

export function addFtpUser(service: Service, { json: request }: ApiCall): Reply {
  const user = neededText(request, 'user')
  const pass = neededText(request, 'pass')
  const folderId = writableFolder(service, numberField(request, 'folder_id') ?? 0).id
  const { ftpUsers } = service.account.belongings()
  if (ftpUsers.some((known) => known.user === user)) throw new Refusal('FTP user already exists #340', 200)
  service.account.changeBelongings({ ftpUsers: [...ftpUsers, { user, pass, folderId }] })
  return success(service, { message: 'FTP user added' })
}

export function removeFtpUser(service: Service, { json: request }: ApiCall): Reply {
  const user = neededText(request, 'user')
  const { ftpUsers } = service.account.belongings()
  const rest = ftpUsers.filter((known) => known.user !== user)
  if (rest.length === ftpUsers.length) throw new Refusal('FTP user not found #341', 200)
  service.account.changeBelongings({ ftpUsers: rest })
  return success(service, { message: 'FTP user removed' })
}
