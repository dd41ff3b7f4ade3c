import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startEmulator } from '../emulator.ts'
import { call, listIn } from '../testing/client.ts'
import { manualTimers } from '../timers.ts'

describe('user/info', () => {
  it('has the types that rclone’s strict decoder takes', async () => {
    await using emulator = await startEmulator()
    await emulator.account.putFile('/a', Buffer.from('12345'))
    const { json } = await call(emulator, 'user/info')
    for (const name of [
      'offer',
      '2fa',
      'cdn',
      'use_cdn',
      'ftp_mode',
      'upload_forbidden',
      'subscription_end',
    ]) {
      assert.equal(typeof json[name], 'string', name)
    }
    for (const name of ['cold_storage', 'available_storage', 'page_limit', 'overquota', 'default_domain']) {
      assert.equal(typeof json[name], 'number', name)
    }
    assert.equal(json['cold_storage'], 5)
    emulator.setReadings({ userInfoTypes: 'numbers', availableColdStorage: 'total' })
    const { json: other } = await call(emulator, 'user/info')
    assert.equal(other['offer'], 1)
    assert.equal(Number(other['available_cold_storage']) - Number(json['available_cold_storage']), 5)
  })

  it('changes the settings that a request names', async () => {
    await using emulator = await startEmulator()
    const { json } = await call(emulator, 'user/info', { default_domain: 5, use_cdn: '1', ftp_mode: null })
    assert.deepEqual([json['default_domain'], json['use_cdn'], json['ftp_mode']], [5, '1', '0'])
  })
})

describe('remote uploads', () => {
  it('are pending, and then files or errors', async () => {
    const timers = manualTimers(Date.UTC(2026, 0, 1))
    await using emulator = await startEmulator({ timers })
    const urls = ['https://example.com/a%20b.bin', 'https://example.com/missing']
    const headers = { 'x-CUSTOM-name': 'yes' }
    const folder_id = emulator.account.mkdir('/remote')
    const { json } = await call(emulator, 'remote/request', { urls, headers, folder_id })
    assert.deepEqual(json, {
      status: 'OK',
      id: 1,
      date: '2026-01-01 01:00:00',
      urls,
      headers: { 'X-Custom-Name': 'yes' },
    })
    const pending = listIn((await call(emulator, 'remote/ls')).json, 'data')[0]
    assert.match(String(pending?.['execution_date']), /^1970-01-01/)
    timers.advance(2_000)
    const { json: info } = await call(emulator, 'remote/info', { id: 1 })
    const [done, failed] = listIn(info, 'result')
    assert.deepEqual([done?.['status'], failed?.['status']], ['OK', 'KO'])
    assert.equal(emulator.account.files()[0]?.path, '/remote/a b.bin')
    assert.equal(emulator.account.files()[0]?.link, done?.['download_link'])
    assert.equal((await call(emulator, 'remote/info', { id: 9 })).status, 404)
  })

  it('end in an error when their address or its source is no good, and disturb no other call', async () => {
    const remoteSource = async (url: string): Promise<Uint8Array> => {
      if (url.endsWith('broken')) throw new Error('no route')
      return Buffer.from('content')
    }
    await using emulator = await startEmulator({ remoteSource, readings: { remoteDelayMs: 0 } })
    const urls = ['https://example.com/100%.bin', 'http://exa mple/', 'nowhere', 'https://example.com/broken']
    await call(emulator, 'remote/request', { urls })
    assert.equal((await call(emulator, 'folder/ls')).status, 200)
    const { json } = await call(emulator, 'remote/info', { id: 1 })
    assert.deepEqual(
      listIn(json, 'result').map(({ status }) => status),
      ['OK', 'KO', 'KO', 'KO'],
    )
    assert.deepEqual(
      emulator.account.files().map(({ path }) => path),
      ['/100%.bin'],
    )
  })

  it('take what the given source has, and headers as a list under the other reading', async () => {
    const timers = manualTimers(0)
    await using emulator = await startEmulator({
      timers,
      readings: { remoteHeaders: 'list', pendingExecutionDate: 'empty' },
      remoteSource: async (_url, headers) => Buffer.from(headers['Cookie'] ?? ''),
    })
    const { json } = await call(emulator, 'remote/request', {
      urls: ['http://h/x'],
      headers: ['cookie: a=1'],
    })
    assert.deepEqual(json['headers'], { Cookie: 'a=1' })
    const pending = listIn((await call(emulator, 'remote/ls')).json, 'data')[0]
    assert.equal(pending?.['execution_date'], '')
    timers.advance(2_000)
    await call(emulator, 'remote/ls')
    assert.equal((await emulator.account.readFile('/x')).toString(), 'a=1')
  })

  it('refuse headers with other characters', async () => {
    await using emulator = await startEmulator()
    const bad = await call(emulator, 'remote/request', { urls: ['http://h/x'], headers: { 'a b': 'c' } })
    assert.equal(bad.json['status'], 'KO')
  })
})

describe('FTP users', () => {
  it('are added, listed and removed', async () => {
    await using emulator = await startEmulator()
    assert.equal((await call(emulator, 'ftp/process')).json['status'], 'OK')
    await call(emulator, 'ftp/users/add', { user: 'nas', pass: 'sesame' })
    assert.equal((await call(emulator, 'ftp/users/add', { user: 'nas', pass: 'x' })).json['status'], 'KO')
    assert.deepEqual((await call(emulator, 'ftp/users/ls')).json['data'], [{ user: 'nas', folder_id: 0 }])
    await call(emulator, 'ftp/users/rm', { user: 'nas' })
    assert.deepEqual((await call(emulator, 'ftp/users/ls')).json['data'], [])
    assert.equal((await call(emulator, 'ftp/users/rm', { user: 'nas' })).json['status'], 'KO')
  })
})

describe('vouchers', () => {
  it('are listed, checked and used up', async () => {
    await using emulator = await startEmulator({ timers: manualTimers(Date.UTC(2026, 0, 1)) })
    const voucher = 'v'.repeat(32)
    emulator.account.addVoucher({ voucher, service: '30 days' })
    assert.deepEqual((await call(emulator, 'vouchers/ls')).json, {
      status: 'OK',
      count: 1,
      data: [{ voucher, service: '30 days' }],
    })
    assert.equal((await call(emulator, 'vouchers/check', { voucher })).json['service'], '30 days')
    await call(emulator, 'vouchers/use', { voucher, user_email: 'owner@example.com' })
    assert.equal((await call(emulator, 'user/info')).json['subscription_end'], '2027-01-31 01:00:00')
    assert.equal((await call(emulator, 'vouchers/check', { voucher })).json['status'], 'KO')
  })
})
