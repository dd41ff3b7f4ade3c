import assert from 'node:assert/strict'
import type { FileHost } from '@guichet/core'

/** A host for tests in which nothing may be asked upstream: every call fails the test. */
export function refusingHost(): FileHost {
  const refuse = (method: string) => (): never => assert.fail(`1fichier was called: ${method}`)
  return {
    listFolder: refuse('listFolder'),
    listFiles: refuse('listFiles'),
    fileInfo: refuse('fileInfo'),
    makeFolder: refuse('makeFolder'),
    renameFolder: refuse('renameFolder'),
    moveFolder: refuse('moveFolder'),
    removeFolder: refuse('removeFolder'),
    shareFolder: refuse('shareFolder'),
    moveFiles: refuse('moveFiles'),
    renameFiles: refuse('renameFiles'),
    copyFiles: refuse('copyFiles'),
    removeFiles: refuse('removeFiles'),
    changeFiles: refuse('changeFiles'),
    scanFile: refuse('scanFile'),
    uploadTarget: refuse('uploadTarget'),
    upload: refuse('upload'),
    uploadReport: refuse('uploadReport'),
    downloadToken: refuse('downloadToken'),
    openDirect: refuse('openDirect'),
    account: refuse('account'),
    changeAccount: refuse('changeAccount'),
    remote: { start: refuse('remote.start'), list: refuse('remote.list'), info: refuse('remote.info') },
    ftp: {
      process: refuse('ftp.process'),
      list: refuse('ftp.list'),
      add: refuse('ftp.add'),
      remove: refuse('ftp.remove'),
    },
    vouchers: {
      list: refuse('vouchers.list'),
      check: refuse('vouchers.check'),
      use: refuse('vouchers.use'),
    },
    publicFolder: refuse('publicFolder'),
    checkLinks: refuse('checkLinks'),
  }
}
