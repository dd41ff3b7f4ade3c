#!/usr/bin/env node
// Starts Guichet under a Node that can run it (24 or newer), whatever Node the machine has.
// This file must parse on any Node from 12 on: no import, no new syntax.
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { spawn, spawnSync } = require('node:child_process')

const main = path.join(__dirname, '..', 'packages', 'cli', 'src', 'main.ts')
// 1fichier's checksum is Whirlpool, which OpenSSL 3 keeps in its legacy provider.
// The two in the middle keep the memory of content that streams through small (packages/gateway/src/content-garbage.ts).
const flags = [
  '--openssl-legacy-provider',
  '--expose-gc',
  '--max-semi-space-size=1',
  '--disable-warning=ExperimentalWarning',
]
const command = [...flags, main, ...process.argv.slice(2)]

// Without it each process strips the types anew, and keeps 20 MB for that. Where it cannot be written, nothing is kept.
if (!process.env.NODE_COMPILE_CACHE) {
  process.env.NODE_COMPILE_CACHE = path.join(__dirname, '..', 'node_modules', '.cache', 'guichet')
}

function bundledNode() {
  try {
    const root = path.dirname(require.resolve(`node-${process.platform}-${process.arch}/package.json`))
    return path.join(root, 'bin', 'node')
  } catch {
    return undefined // Not installed for this platform: only the machine's own Node is left.
  }
}

/** Whether nobody has compiled ahead into this cache yet; from now on somebody has. */
function isNew(cache) {
  try {
    fs.mkdirSync(cache, { recursive: true })
    fs.writeFileSync(path.join(cache, 'compiled-ahead'), '', { flag: 'wx' })
    return true
  } catch {
    return false // It is there, or this user cannot write to it and goes without.
  }
}

const own = Number(process.versions.node.split('.')[0])
const node = own >= 24 ? process.execPath : bundledNode()
if (node === undefined) {
  process.stderr.write(`error: guichet needs Node 24 or newer, and this is Node ${process.versions.node}\n`)
  process.stderr.write(
    'hint: install Node 24 from https://nodejs.org, or run `npm install` here without `--omit=optional`\n',
  )
  process.exit(1)
}

if (isNew(process.env.NODE_COMPILE_CACHE)) {
  spawnSync(node, [...flags, path.join(__dirname, 'compile-ahead.mjs')], { stdio: 'ignore' })
}

if (typeof process.execve === 'function') {
  process.execve(node, [node, ...command], process.env)
}

// An older Node cannot replace itself. The child watches the IPC channel and stops when this process is gone.
const child = spawn(node, command, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env: process.env })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  process.stderr.write(`error: could not start ${node}: ${error.message}\nhint: run \`npm install\` again\n`)
  process.exit(1)
})
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
