import { isIP } from 'node:net'
import { GatewayError } from '@guichet/core'
import { type CertificateFiles, readCertificate } from './certificate.ts'

export interface Listen {
  readonly host: string
  readonly port: number
}

/** Loopback only: nobody else can reach it. */
export const DEFAULT_LISTEN = '127.0.0.1:8474'

/** `HOST:PORT`, with `[…]` around an IPv6 address. */
export function parseHostPort(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  const host = match?.[1] ?? match?.[2]
  return host === undefined || port > 65_535 ? undefined : { host, port }
}

/** Where nobody but this machine can connect to. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** The files of the certificate, if both are given; what is wrong with them is one more problem. */
export function checkCertificate(
  { certFile, keyFile }: { readonly [Name in keyof CertificateFiles]: string | undefined },
  problems: string[],
): CertificateFiles | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined || keyFile === undefined) {
    problems.push('tls: a certificate needs both files, --tls-cert and --tls-key')
    return undefined
  }
  try {
    readCertificate({ certFile, keyFile })
  } catch (failure) {
    const { message, hint } = GatewayError.from(failure)
    problems.push(`tls: ${message}${hint === undefined ? '' : ` (${hint})`}`)
  }
  return { certFile, keyFile }
}

/** `isSafe`: other machines may connect. */
export function parseListen(text: string, isSafe: boolean, problems: string[]): Listen {
  const listen = parseHostPort(text)
  if (listen === undefined) {
    problems.push(`listen: ${JSON.stringify(text)} is not HOST:PORT (for example ${DEFAULT_LISTEN})`)
    return { host: '127.0.0.1', port: 0 }
  }
  if (!isLoopbackHost(listen.host) && !isSafe) {
    problems.push(
      `listen: ${listen.host} can be reached from other machines, and keys would travel there without TLS; give a certificate (--tls-cert, --tls-key), put a TLS proxy in front, or accept it with --plain-http`,
    )
  }
  return listen
}
