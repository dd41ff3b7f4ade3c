import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { childEnvironment, reachableUrl } from './environment.ts'

const FACTS = { url: 'http://127.0.0.1:8474', key: 'gch_key', bundlePath: '/tmp/ca.pem' }

describe('the environment of a child', () => {
  it('shows the way to the gateway, and nothing else of ours', () => {
    const env = childEnvironment(
      {
        PATH: '/bin',
        GUICHET_KEY: 'gch_of-the-parent',
        GUICHET_HOME: '/secret',
        GUICHET_UNLOCK_FILE: '/secret/unlock',
        ALL_PROXY: 'socks5://other',
        https_proxy: 'http://other',
        NO_PROXY: '*.1fichier.com',
        NODE_COMPILE_CACHE: '/opt/guichet/node_modules/.cache/guichet',
      },
      FACTS,
    )
    assert.equal(env['PATH'], '/bin')
    assert.equal(env['HTTPS_PROXY'], 'http://guichet:gch_key@127.0.0.1:8474')
    assert.equal(env['https_proxy'], env['HTTPS_PROXY'])
    assert.equal(env['NO_PROXY'], 'localhost,127.0.0.1,::1')
    assert.equal(env['GUICHET_KEY'], 'gch_key')
    assert.equal(env['RCLONE_FICHIER_API_KEY'], 'gch_key')
    assert.equal(env['SSL_CERT_FILE'], '/tmp/ca.pem')
    const ours = Object.keys(env).filter((name) => name.startsWith('GUICHET_'))
    assert.deepEqual(ours.sort(), ['GUICHET_KEY', 'GUICHET_URL'])
    assert.equal(env['ALL_PROXY'], undefined)
    assert.equal(env['NODE_USE_ENV_PROXY'], '1')
    assert.equal(env['NODE_COMPILE_CACHE'], undefined)
    const own = childEnvironment({ NODE_COMPILE_CACHE: '/var/cache/node' }, FACTS)
    assert.equal(own['NODE_COMPILE_CACHE'], '/var/cache/node')
  })

  it('has an address that can be connected to', () => {
    assert.equal(reachableUrl('127.0.0.1:8474'), 'http://127.0.0.1:8474')
    assert.equal(reachableUrl('http://0.0.0.0:8474'), 'http://127.0.0.1:8474')
    assert.equal(reachableUrl('[::]:8474'), 'http://[::1]:8474')
  })
})
