import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

/**
 * The dependency rule: arrows point at core, and core points at nothing.
 *
 * A room is a folder whose files may import from themselves and from the rooms and packages named here.
 * `node:` stands for all of Node. Tests may also import the testkit and the assertion tools.
 */
const RULES: Readonly<Record<string, readonly string[]>> = {
  core: [],
  fichier: ['core'],
  keyholder: ['core', 'node:'],
  emulator: ['node:', '@peculiar/x509', 'reflect-metadata', 'hash-wasm'],
  testkit: ['core', 'node:', 'fast-check'],
  sdk: ['core'],

  leaks: ['core', 'leaks/detect', 'leaks/redact', 'leaks/scan', 'leaks/places', 'leaks/rules', 'node:'],
  'leaks/detect': ['core', 'leaks', 'node:'],
  'leaks/redact': ['core', 'leaks', 'leaks/detect', 'node:'],
  'leaks/scan': ['core', 'leaks', 'leaks/detect', 'leaks/places', 'node:'],
  'leaks/places': ['core', 'leaks', 'leaks/detect', 'node:'],
  // For other scanners.
  'leaks/rules': ['core', 'leaks'],
  // The seeded corpus that measures the detectors.
  'leaks/corpus': ['core', 'leaks', 'leaks/detect', 'node:'],

  cli: [
    'core',
    'leaks',
    'sdk',
    'gateway',
    'keyholder',
    'emulator',
    'node:',
    'age-encryption',
    '@bomb.sh/tab',
    '@clack/prompts',
    'cli-progress',
    'commander',
    'picocolors',
    'undici',
  ],

  'gateway/services': ['core', 'leaks', 'sdk', 'gateway', 'gateway/hashing', 'gateway/connections', 'node:'],
  'gateway/hashing': ['core', 'node:', 'hash-wasm'],
  'gateway/stores/sqlite': ['core', 'node:', 'zod'],
  'gateway/stores/disk': ['core', 'node:'],
  'gateway/connections': ['core', 'sdk', 'keyholder', 'gateway', 'node:', 'undici'],
  'gateway/doors': [
    'core',
    'gateway',
    'gateway/services',
    'gateway/doors/native',
    'gateway/doors/api',
    'gateway/doors/proxy',
    'node:',
    'zod',
  ],
  'gateway/doors/native': [
    'core',
    'fichier',
    'gateway/services',
    'gateway/doors',
    'node:',
    'zod',
    '@fastify/busboy',
  ],
  'gateway/doors/api': ['core', 'sdk', 'gateway/services', 'gateway/doors', 'node:', 'zod'],
  'gateway/doors/proxy': [
    'core',
    'leaks',
    'gateway',
    'gateway/services',
    'gateway/stores/disk',
    'node:',
    '@peculiar/x509',
    'reflect-metadata',
  ],
  // The composition root, the configuration and the world.
  gateway: ['*'],
  'gateway/compose': ['*'],
}

const FOR_TESTS = ['node:', 'fast-check', 'testkit', 'core', '@peculiar/x509', 'reflect-metadata']
/** Tests of the gateway use real stores instead of stand-ins, and put services behind real doors. */
const FOR_GATEWAY_TESTS = [
  'gateway/compose',
  'gateway',
  'gateway/services',
  'gateway/doors',
  'gateway/doors/native',
  'gateway/doors/api',
  'gateway/hashing',
  'gateway/stores/sqlite',
  'gateway/stores/disk',
  'sdk',
]
/** What the detectors are measured with. */
const FOR_LEAKS_TESTS = ['leaks/corpus']
const root = import.meta.dirname
const files = globSync('packages/*/src/**/*.ts', { cwd: root }).map((file) => file.replaceAll('\\', '/'))

describe('the dependency rule', () => {
  it('finds files to guard in every package', () => {
    const packages = new Set(files.map((file) => file.split('/')[1]))
    for (const name of globSync('packages/*', { cwd: root }))
      assert.ok(packages.has(path.basename(name)), `${name} has no sources`)
  })

  it('has a rule for every folder', () => {
    const homeless = files.filter((file) => RULES[roomOf(file)] === undefined)
    assert.deepEqual(homeless, [])
  })

  it('is kept by every import', () => {
    assert.deepEqual(files.flatMap(complaintsAbout), [])
  })

  it('names only packages that the importing package depends on', () => {
    assert.deepEqual(files.flatMap(undeclared), [])
  })
})

describe('the version', () => {
  it('is one for all packages and the program', () => {
    const version = manifest('.').version
    const program = readFileSync(path.join(root, 'packages/gateway/src/version.ts'), 'utf8')
    assert.ok(program.includes(`'${version}'`))
    for (const name of globSync('packages/*', { cwd: root }))
      assert.equal(manifest(name).version, version, name)
  })
})

function complaintsAbout(file: string): readonly string[] {
  const room = roomOf(file)
  const own = room.startsWith('gateway') ? FOR_GATEWAY_TESTS : room.startsWith('leaks') ? FOR_LEAKS_TESTS : []
  const forTests = [...FOR_TESTS, ...own]
  const allowed = [...(RULES[room] ?? []), ...(isTest(file) ? forTests : [])]
  const targets = importsOf(file).map((name) => targetOf(file, name))
  return targets
    .filter((target) => target !== room && !allowed.includes('*') && !allowed.includes(target))
    .map((target) => `${file}: ${room} may not import ${target}`)
}

function undeclared(file: string): readonly string[] {
  if (isTest(file)) return []
  const home = file.split('/').slice(0, 2).join('/')
  const { dependencies = {} } = manifest(home)
  return importsOf(file)
    .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
    .map(packageOf)
    .filter((name) => dependencies[name] === undefined)
    .map((name) => `${file}: ${name} is missing in ${home}/package.json`)
}

/** The most exact rule whose folder the file is in. */
function roomOf(file: string): string {
  const [, name = '', , ...rest] = file.split('/')
  const folders = rest.slice(0, -1)
  for (let depth = folders.length; depth > 0; depth -= 1) {
    const room = [name, ...folders.slice(0, depth)].join('/')
    if (RULES[room] !== undefined) return room
  }
  return name === 'gateway' && folders.length > 0 ? [name, ...folders].join('/') : name
}

function targetOf(file: string, name: string): string {
  if (name.startsWith('node:')) return 'node:'
  if (name.startsWith('@guichet/')) return name.slice('@guichet/'.length)
  if (!name.startsWith('.')) return packageOf(name)
  return roomOf(path.posix.join(path.posix.dirname(file), name))
}

function packageOf(name: string): string {
  const parts = name.split('/')
  return parts.slice(0, name.startsWith('@') ? 2 : 1).join('/')
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  return [
    ...text.matchAll(
      /^(?:import|export)\b[^'"`;]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

function isTest(file: string): boolean {
  return file.endsWith('.test.ts') || file.endsWith('.testing.ts')
}

function manifest(folder: string): { version: string; dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'))
}
