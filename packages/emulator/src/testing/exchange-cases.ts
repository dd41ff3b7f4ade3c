import { manualTimers } from '../timers.ts'
import { ask, call } from './client.ts'
import {
  type Case,
  direct,
  EICAR,
  existing,
  FILE,
  fault,
  foreign,
  HELLO,
  idOf,
  inFolder,
  linkTo,
  OTHER,
  sent,
  theirs,
  withFtpUser,
  withVoucher,
} from './exchange-worlds.ts'

const own = inFolder('/docs', { 1234: '/target' })
const folders = inFolder('/docs', { 3361075: '/docs', 12: '/empty', 1: '/empty' })
const moving: Case = {
  arrange: async ({ account }) => ({ 123: account.mkdir('/top/a'), 456: account.mkdir('/b') }),
}
const shared = (fields: object = {}): Case => ({
  arrange: async (emulator) => {
    const names = await own.arrange?.(emulator)
    await emulator.account.putFile('/docs/b;c.bin', HELLO)
    const folder_id = emulator.account.mkdir('/docs')
    const { json } = await call(emulator, 'folder/share', { folder_id, share: 1, ...fields })
    return { ...names, 3361075: folder_id, abDEf123: String(json['url']).split('/dir/')[1] ?? '' }
  },
})
const remote = (remoteDelayMs: number): Case => ({
  options: { readings: { remoteDelayMs, pendingExecutionDate: 'empty' } },
  arrange: async (emulator) => {
    const urls = ['https://example.com/a.bin', 'https://example.com/missing']
    const { json } = await call(emulator, 'remote/request', { urls })
    return { 123: Number(json['id']) }
  },
})

/** By the name of the file; an exchange that is not here takes place by itself. */
export const CASES: Readonly<Record<string, Case>> = {
  'check-links-locked': fault('check_links.pl', { kind: 'flood', scope: 'ip' }),
  // The last link of the written request is one that cannot be a link.
  'check-links': {
    arrange: async (emulator) => ({
      [FILE]: idOf((await emulator.account.putFile('/test.txt', HELLO)).link),
      aaaaabbbbbcccccddddd: idOf(await foreign(emulator, { pass: 'secret pass' })),
      badbadbad12: 'bad',
    }),
    words: /^\S+;test\.txt;12\n\S+;;;NOT FOUND\n\S+;;;PRIVATE\n\S+;;;BAD LINK\n$/,
  },
  'dir-json': shared(),
  'dir-json-indexes': shared(),
  'dir-password': shared({ pass: 'secret pass' }),
  'dir-with-password': shared({ pass: 'secret pass' }),

  'direct-connections': {
    options: { rules: 'documented' },
    arrange: async (emulator) => {
      const names = await direct(emulator)
      emulator.fault({ at: 'direct', kind: 'stall', times: 30 })
      const url = `https://${names['a-4.1fichier.com']}/${names['p1058755667']}`
      for (let count = 0; count < 30; count += 1) ask(emulator, url).catch(() => undefined)
      while (emulator.faults().length > 0) await new Promise((resolve) => setImmediate(resolve))
      return names
    },
  },
  'direct-expired': {
    arrange: async (emulator) => {
      const names = await direct(emulator)
      emulator.expireDirectLinks()
      return names
    },
  },
  'direct-maintenance': fault('direct', { kind: 'maintenance' }),
  'direct-part': { arrange: direct },
  'direct-professional': fault('direct', { kind: 'refusal', refusal: 'professional-equipment' }),
  'direct-range-ignored': {
    arrange: async (emulator) => {
      emulator.fault({ at: 'direct', kind: 'ignore-range' })
      return await direct(emulator)
    },
  },
  'direct-whole': { arrange: direct },

  'end-csv': { arrange: sent, words: /^test\.txt;12;[a-z0-9]{20};;0;0\n$/ },
  'end-early': fault('end.pl', { kind: 'end-late', shape: 'empty' }),
  'end-json': { arrange: sent },
  'end-json-number': { options: { readings: { reportSize: 'number' } }, arrange: sent },
  'end-wait': fault('end.pl', { kind: 'end-late' }),

  'file-chattr': own,
  'file-chattr-nothing': inFolder('/docs', {}, { inline: 1 }),
  'file-cp': own,
  'file-cp-bad-name': own,
  'file-cp-ip-locked': {
    options: { rules: 'documented' },
    arrange: async (emulator) => {
      emulator.setRules({ limits: { refusals: { count: 1, windowMs: 60_000 } } })
      for (let count = 0; count < 2; count += 1) await call(emulator, 'file/info', { url: linkTo(OTHER) })
      return {}
    },
  },
  'file-info': inFolder(
    '/docs',
    {},
    {
      description: 'an example',
      acl: { ip: ['192.0.2.0/24'], country: ['FR'], email: ['user@example.com'], premium: 1 },
    },
  ),
  'file-info-not-authenticated': fault('file/info', { kind: 'refusal', refusal: 'not-authenticated' }),
  'file-info-other-types': {
    ...own,
    options: {
      readings: {
        mimeKey: 'content_type',
        infoStatus: 'present',
        numbers: 'strings',
        infoAcl: 'null',
        checksumLagMs: 60_000,
      },
    },
  },
  'file-info-owner-locked': fault('file/info', { kind: 'refusal', refusal: 'owner-locked' }),
  'file-info-password-missing': { arrange: async (emulator) => theirs(emulator, { pass: 'secret pass' }) },
  'file-info-password-wrong': { arrange: async (emulator) => theirs(emulator, { pass: 'secret pass' }) },
  'file-info-private': {
    arrange: async (emulator) =>
      theirs(emulator, { acl: { ip: [], country: ['US'], email: [], premium: 0 } }),
  },
  'file-ls-all': own,
  'file-ls-empty': folders,
  'file-ls-empty-absent': { ...folders, options: { readings: { emptyList: 'absent' } }, absent: ['items'] },
  'file-ls-empty-null': { ...folders, options: { readings: { emptyList: 'null' } } },
  'file-ls-one': folders,
  'file-ls-window': {
    options: { timers: manualTimers(Date.UTC(2021, 5, 22, 12, 57, 25)) },
    ...inFolder('/', {}),
  },
  'file-mv': own,
  'file-mv-root-renamed': { ...own, options: { readings: { linkAfterMove: 'new' } } },
  'file-rename': own,
  'file-rename-nothing': own,
  'file-rm': own,
  'file-scan-clean': {
    arrange: async (emulator) => {
      const { link } = await emulator.account.putFile('/test.txt', HELLO)
      await call(emulator, 'file/scan', { url: link })
      return { [FILE]: idOf(link) }
    },
  },
  'file-scan-infected': {
    arrange: async ({ account }) => ({
      [FILE]: idOf((await account.putFile('/bad.com', Buffer.from(EICAR))).link),
    }),
  },

  'folder-ls-bad-token': fault('folder/ls', { kind: 'refusal', refusal: 'bad-token' }),
  'folder-ls-empty-absent': {
    ...folders,
    options: { readings: { numbers: 'strings', emptyList: 'absent' } },
    absent: ['sub_folders', 'items'],
  },
  'folder-ls-empty-null': { ...folders, options: { readings: { emptyList: 'null' } } },
  'folder-ls-files': shared(),
  'folder-ls-flood-200': {
    ...fault('folder/ls', { kind: 'flood', scope: 'ip' }),
    options: { readings: { floodStatus: 200 } },
  },
  'folder-ls-flood-403': fault('folder/ls', { kind: 'flood', scope: 'ip' }),
  'folder-ls-flood-429': {
    ...fault('folder/ls', { kind: 'flood', scope: 'ip' }),
    options: { readings: { floodStatus: 429 } },
  },
  'folder-ls-flood-key': fault('folder/ls', { kind: 'flood', scope: 'key' }),
  'folder-ls-flood-user': fault('folder/ls', { kind: 'flood', scope: 'user' }),
  'folder-ls-locked-page': fault('folder/ls', { kind: 'flood', scope: 'ip', page: true }),
  'folder-ls-no-such-user': fault('folder/ls', { kind: 'refusal', refusal: 'no-such-user' }),
  'folder-ls-not-json': { options: { readings: { notJsonStatus: 200 } }, absent: ['status'] },
  'folder-ls-outage': fault('folder/ls', { kind: 'maintenance' }),
  'folder-ls-root': {
    arrange: async ({ account }) => {
      account.mkdir('/backup.phenix')
      return {}
    },
  },
  'folder-mkdir-exists': { ...existing(), absent: ['folder_id', 'name'] },
  'folder-mkdir-exists-id': { ...existing(), options: { readings: { mkdirExisting: 'error-with-id' } } },
  'folder-mv-both': moving,
  'folder-mv-move': moving,
  'folder-mv-rename': moving,
  'folder-rm': moving,
  'folder-rm-not-empty': {
    options: { readings: { folderRefusalStatus: 403 } },
    arrange: async ({ account }) => {
      await account.putFile('/a/test.txt', HELLO)
      return { 123: account.mkdir('/a') }
    },
  },
  'folder-share-public': moving,
  'folder-share-users': moving,

  'ftp-users-ls': withFtpUser(),
  'ftp-users-rm': withFtpUser(),
  'remote-info': remote(0),
  'remote-info-pending': remote(60_000),
  'remote-ls': remote(60_000),
  'token-customer': { ...own, options: { offer: 0 } },
  'token-customer-200': { ...own, options: { offer: 0, readings: { customerStatus: 200 } } },
  'token-inline-pass': own,
  'token-location': fault('download/get_token', { kind: 'refusal', refusal: 'one-location' }),
  'token-professional': fault('download/get_token', { kind: 'refusal', refusal: 'professional-equipment' }),
  token: { ...own, optional: ['message'] },
  // The written body is a good one: what the node finds no file in is another.
  'upload-no-file-found': { mangle: (body) => body.replace('filename=', 'name-of-file=') },
  'upload-node-storage': fault('upload.cgi', { kind: 'node-cannot-open' }),
  'upload-stored-other-id': { options: { readings: { xid: 'different' } } },
  'user-info-flood': {
    options: { rules: 'documented' },
    arrange: async (emulator) => {
      await call(emulator, 'user/info')
      return {}
    },
  },
  'user-info-numbers': { options: { readings: { userInfoTypes: 'numbers' } } },
  'vouchers-check': withVoucher(),
  'vouchers-ls': withVoucher(),
  'vouchers-use': withVoucher(),
}
