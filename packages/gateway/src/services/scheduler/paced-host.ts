import type { Endpoint, FileHost, FolderId, HostCall, KeyId, Unpaced } from '@guichet/core'
import type { Priority, Scheduler } from './scheduler.ts'

/** On whose behalf calls are made, and how urgent they are. */
export interface PacedCaller {
  readonly key: KeyId | 'owner'
  readonly priority: Priority
  readonly patienceMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Asked when the turn of a call of the API has come, right before it goes out: it may have waited for minutes.
   * What it rejects with is the answer, and nothing is sent.
   */
  readonly recheck?: (() => Promise<void>) | undefined
}

/**
 * The same host with each call of the API in its turn. Calls outside the API are counted, and their locks count as well.
 * A call ends with the caller's signal or with its own, whichever is first.
 */
export function paceHost(host: FileHost, scheduler: Scheduler, caller: PacedCaller): FileHost {
  const signalOf = (call: HostCall): AbortSignal | undefined => {
    if (call.signal === undefined || caller.signal === undefined) return call.signal ?? caller.signal
    return call.signal === caller.signal ? call.signal : AbortSignal.any([call.signal, caller.signal])
  }
  const paced = <T>(
    endpoint: Endpoint,
    call: HostCall,
    run: (call: HostCall) => Promise<T>,
    folder?: FolderId | -1,
  ): Promise<T> => {
    const signal = signalOf(call)
    const { key, priority, patienceMs, recheck } = caller
    return scheduler.run({ call: { endpoint, folder }, key, priority, patienceMs, signal }, async () => {
      await recheck?.()
      return run({ signal })
    })
  }
  const counted = async <T>(
    name: Unpaced,
    call: HostCall,
    run: (call: HostCall) => Promise<T>,
  ): Promise<T> => {
    scheduler.count(name)
    try {
      return await run({ signal: signalOf(call) })
    } catch (failure) {
      await scheduler.learn(failure)
      throw failure
    }
  }

  return {
    listFolder: (folder, call) => paced('folder/ls', call, (own) => host.listFolder(folder, own), folder),
    listFiles: (scope, window, call) =>
      paced('file/ls', call, (own) => host.listFiles(scope, window, own), scope === 'all' ? -1 : scope),
    fileInfo: (link, options, call) => paced('file/info', call, (own) => host.fileInfo(link, options, own)),

    makeFolder: (name, parent, call) =>
      paced('folder/mkdir', call, (own) => host.makeFolder(name, parent, own)),
    renameFolder: (folder, name, parent, call) =>
      paced('folder/mv', call, (own) => host.renameFolder(folder, name, parent, own)),
    moveFolder: (folder, to, call) => paced('folder/mv', call, (own) => host.moveFolder(folder, to, own)),
    removeFolder: (folder, call) => paced('folder/rm', call, (own) => host.removeFolder(folder, own)),
    shareFolder: (folder, sharing, call) =>
      paced('folder/share', call, (own) => host.shareFolder(folder, sharing, own)),

    moveFiles: (links, to, rename, call) =>
      paced('file/mv', call, (own) => host.moveFiles(links, to, rename, own)),
    renameFiles: (renames, call) => paced('file/rename', call, (own) => host.renameFiles(renames, own)),
    copyFiles: (links, to, options, call) =>
      paced('file/cp', call, (own) => host.copyFiles(links, to, options, own)),
    removeFiles: (links, call) => paced('file/rm', call, (own) => host.removeFiles(links, own)),
    changeFiles: (links, changes, call) =>
      paced('file/chattr', call, (own) => host.changeFiles(links, changes, own)),
    scanFile: (link, call) => paced('file/scan', call, (own) => host.scanFile(link, own)),

    uploadTarget: (call) => paced('upload/get_upload_server', call, (own) => host.uploadTarget(own)),
    upload: (target, folder, files, call) =>
      counted('upload.cgi', call, (own) => host.upload(target, folder, files, own)),
    uploadReport: (receipt, call) => counted('end.pl', call, (own) => host.uploadReport(receipt, own)),

    downloadToken: (link, options, call) =>
      paced('download/get_token', call, (own) => host.downloadToken(link, options, own)),
    openDirect: (url, range, call) => counted('direct', call, (own) => host.openDirect(url, range, own)),

    account: (call) => paced('user/info', call, (own) => host.account(own)),
    changeAccount: (changes, call) => paced('user/info', call, (own) => host.changeAccount(changes, own)),

    remote: {
      start: (urls, folder, headers, call) =>
        paced('remote/request', call, (own) => host.remote.start(urls, folder, headers, own)),
      list: (call) => paced('remote/ls', call, (own) => host.remote.list(own)),
      info: (id, call) => paced('remote/info', call, (own) => host.remote.info(id, own)),
    },
    ftp: {
      process: (call) => paced('ftp/process', call, (own) => host.ftp.process(own)),
      list: (call) => paced('ftp/users/ls', call, (own) => host.ftp.list(own)),
      add: (user, call) => paced('ftp/users/add', call, (own) => host.ftp.add(user, own)),
      remove: (name, call) => paced('ftp/users/rm', call, (own) => host.ftp.remove(name, own)),
    },
    vouchers: {
      list: (call) => paced('vouchers/ls', call, (own) => host.vouchers.list(own)),
      check: (voucher, call) => paced('vouchers/check', call, (own) => host.vouchers.check(voucher, own)),
      use: (voucher, email, call) =>
        paced('vouchers/use', call, (own) => host.vouchers.use(voucher, email, own)),
    },

    publicFolder: (id, options, call) => counted('dir', call, (own) => host.publicFolder(id, options, own)),
    checkLinks: (links, call) => counted('check_links', call, (own) => host.checkLinks(links, own)),
  }
}
