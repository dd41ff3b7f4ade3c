import type { Service } from '../service.ts'
import type { ApiCall, Call } from '../transport/call.ts'
import type { Reply } from '../transport/reply.ts'
import { changeAttributes } from './chattr.ts'
import { serveDirect } from './direct.ts'
import { reportUpload } from './end.ts'
import { copyFiles, moveFiles, removeFiles, renameFiles } from './file-edits.ts'
import { fileInfo, listFiles, scanFile } from './files.ts'
import { listFolder, makeFolder, moveFolder, removeFolder, shareFolder } from './folders.ts'
import { addFtpUser, listFtpUsers, processFtp, removeFtpUser } from './ftp.ts'
import { listRemote, remoteInfo, requestRemote } from './remote.ts'
import { checkLinks, filePage, publicFolder, removalPage } from './site.ts'
import { issueToken } from './tokens.ts'
import { receiveUpload, uploadServer } from './upload.ts'
import { userInfo } from './user.ts'
import { applyVoucher, checkVoucher, listVouchers } from './vouchers.ts'

export interface ApiRoute {
  readonly methods: readonly string[]
  readonly needsKey: boolean
  readonly answer: (service: Service, call: ApiCall) => Reply | Promise<Reply>
}

/** Every endpoint of https://api.1fichier.com/v1/<name>.cgi. */
export const API_ROUTES: ReadonlyMap<string, ApiRoute> = new Map([
  ['upload/get_upload_server', { methods: ['GET', 'POST'], needsKey: false, answer: uploadServer }],
  ['file/ls', post(listFiles)],
  ['file/info', post(fileInfo)],
  ['file/scan', post(scanFile)],
  ['file/rm', post(removeFiles)],
  ['file/mv', post(moveFiles)],
  ['file/rename', post(renameFiles)],
  ['file/cp', post(copyFiles)],
  ['file/chattr', post(changeAttributes)],
  ['folder/ls', post(listFolder)],
  ['folder/mkdir', post(makeFolder)],
  ['folder/mv', post(moveFolder)],
  ['folder/rm', post(removeFolder)],
  ['folder/share', post(shareFolder)],
  ['download/get_token', post(issueToken)],
  ['user/info', post(userInfo)],
  ['remote/request', post(requestRemote)],
  ['remote/ls', post(listRemote)],
  ['remote/info', post(remoteInfo)],
  ['ftp/process', post(processFtp)],
  ['ftp/users/ls', post(listFtpUsers)],
  ['ftp/users/add', post(addFtpUser)],
  ['ftp/users/rm', post(removeFtpUser)],
  ['vouchers/ls', post(listVouchers)],
  ['vouchers/check', post(checkVoucher)],
  ['vouchers/use', post(applyVoucher)],
])

export interface HostRoute {
  readonly endpoint: string
  readonly kind: Call['host']['kind']
  readonly path: RegExp
  readonly methods: readonly string[]
  readonly answer: (service: Service, call: Call) => Reply | Promise<Reply>
}

/** Everything outside /v1, by host and path; the first that fits answers. */
export const HOST_ROUTES: readonly HostRoute[] = [
  {
    endpoint: 'upload.cgi',
    kind: 'upload',
    path: /^\/upload\.cgi$/,
    methods: ['POST'],
    answer: receiveUpload,
  },
  { endpoint: 'end.pl', kind: 'upload', path: /^\/end\.pl$/, methods: ['GET', 'POST'], answer: reportUpload },
  {
    endpoint: 'direct',
    kind: 'download',
    path: /^\/[A-Za-z0-9]+$/,
    methods: ['GET', 'HEAD'],
    answer: serveDirect,
  },
  {
    endpoint: 'dir',
    kind: 'site',
    path: /^(\/[a-z]{2})?\/dir\/[A-Za-z0-9]+\/?$/,
    methods: ['GET', 'POST'],
    answer: publicFolder,
  },
  {
    endpoint: 'check_links.pl',
    kind: 'site',
    path: /^\/check_links\.pl$/,
    methods: ['POST'],
    answer: checkLinks,
  },
  { endpoint: 'remove', kind: 'site', path: /^\/remove\//, methods: ['GET', 'POST'], answer: removalPage },
  { endpoint: 'page', kind: 'site', path: /^\/$/, methods: ['GET', 'HEAD', 'POST'], answer: filePage },
]

function post(answer: ApiRoute['answer']): ApiRoute {
  return { methods: ['POST'], needsKey: true, answer }
}
