import { type FileHost, GatewayError } from '@guichet/core'
import type { Arrival, PaceWitness } from './pace-witness.ts'

/** The same host, watched: every call of the API arrives at the witness, and so do locks and permanent refusals. */
export function suspiciousHost(host: FileHost, witness: PaceWitness): FileHost {
  const watched = async <T>(call: Arrival, answer: () => Promise<T>): Promise<T> => {
    witness.send(call)
    witness.arrive(call)
    try {
      return await answer()
    } catch (failure) {
      if (failure instanceof GatewayError && failure.code === 'locked') witness.lock(call)
      if (failure instanceof GatewayError && failure.code === 'account-refused') {
        witness.refuse(call, failure.facts['why'] === 'customer' ? 'customer' : 'account')
      }
      throw failure
    }
  }
  const at = (endpoint: Arrival['endpoint'], folder?: Arrival['folder']): Arrival => ({ endpoint, folder })

  return {
    listFolder: (folder, ...rest) => watched(at('folder/ls', folder), () => host.listFolder(folder, ...rest)),
    listFiles: (scope, ...rest) =>
      watched(at('file/ls', scope === 'all' ? -1 : scope), () => host.listFiles(scope, ...rest)),
    fileInfo: (...asked) => watched(at('file/info'), () => host.fileInfo(...asked)),
    makeFolder: (...asked) => watched(at('folder/mkdir'), () => host.makeFolder(...asked)),
    renameFolder: (...asked) => watched(at('folder/mv'), () => host.renameFolder(...asked)),
    moveFolder: (...asked) => watched(at('folder/mv'), () => host.moveFolder(...asked)),
    removeFolder: (...asked) => watched(at('folder/rm'), () => host.removeFolder(...asked)),
    shareFolder: (...asked) => watched(at('folder/share'), () => host.shareFolder(...asked)),
    moveFiles: (...asked) => watched(at('file/mv'), () => host.moveFiles(...asked)),
    renameFiles: (...asked) => watched(at('file/rename'), () => host.renameFiles(...asked)),
    copyFiles: (...asked) => watched(at('file/cp'), () => host.copyFiles(...asked)),
    removeFiles: (...asked) => watched(at('file/rm'), () => host.removeFiles(...asked)),
    changeFiles: (...asked) => watched(at('file/chattr'), () => host.changeFiles(...asked)),
    scanFile: (...asked) => watched(at('file/scan'), () => host.scanFile(...asked)),
    uploadTarget: (...asked) => watched(at('upload/get_upload_server'), () => host.uploadTarget(...asked)),
    upload: (...asked) => host.upload(...asked),
    uploadReport: (...asked) => host.uploadReport(...asked),
    downloadToken: (...asked) => watched(at('download/get_token'), () => host.downloadToken(...asked)),
    openDirect: (...asked) => host.openDirect(...asked),
    account: (...asked) => watched(at('user/info'), () => host.account(...asked)),
    changeAccount: (...asked) => watched(at('user/info'), () => host.changeAccount(...asked)),
    remote: {
      start: (...asked) => watched(at('remote/request'), () => host.remote.start(...asked)),
      list: (...asked) => watched(at('remote/ls'), () => host.remote.list(...asked)),
      info: (...asked) => watched(at('remote/info'), () => host.remote.info(...asked)),
    },
    ftp: {
      process: (...asked) => watched(at('ftp/process'), () => host.ftp.process(...asked)),
      list: (...asked) => watched(at('ftp/users/ls'), () => host.ftp.list(...asked)),
      add: (...asked) => watched(at('ftp/users/add'), () => host.ftp.add(...asked)),
      remove: (...asked) => watched(at('ftp/users/rm'), () => host.ftp.remove(...asked)),
    },
    vouchers: {
      list: (...asked) => watched(at('vouchers/ls'), () => host.vouchers.list(...asked)),
      check: (...asked) => watched(at('vouchers/check'), () => host.vouchers.check(...asked)),
      use: (...asked) => watched(at('vouchers/use'), () => host.vouchers.use(...asked)),
    },
    publicFolder: (...asked) => host.publicFolder(...asked),
    checkLinks: (...asked) => host.checkLinks(...asked),
  }
}
