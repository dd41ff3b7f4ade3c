/** What the child gets to know of us. */
export interface ChildFacts {
  /** `http://127.0.0.1:8474`, as it can be reached from here. */
  readonly url: string
  readonly key: string
  readonly bundlePath: string
}

/** How programs and libraries are told which certificates to trust. */
export const BUNDLE_NAMES = [
  'RCLONE_CA_CERT',
  'CURL_CA_BUNDLE',
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'NODE_EXTRA_CA_CERTS',
  'GIT_SSL_CAINFO',
  'AWS_CA_BUNDLE',
] as const

const LOOPBACK = 'localhost,127.0.0.1,::1'

/** The environment of a child: ours, without anything of Guichet's, and with the way to the gateway. */
export function childEnvironment(
  parent: Readonly<Record<string, string | undefined>>,
  { url, key, bundlePath }: ChildFacts,
): Record<string, string> {
  const kept = Object.entries(parent).filter(
    // A proxy for everything would be asked before ours; exceptions of the parent could name 1fichier.
    ([name, value = '']) =>
      !/^GUICHET_/i.test(name) &&
      !/^(?:all|https|no)_proxy$/i.test(name) &&
      // The launcher's own: no program of somebody else keeps its code there.
      !(name === 'NODE_COMPILE_CACHE' && /[\\/]\.cache[\\/]guichet$/.test(value)),
  )
  const environment: Record<string, string> = {}
  for (const [name, value] of kept) if (value !== undefined) environment[name] = value
  const { protocol, host } = new URL(url)
  const proxy = `${protocol}//guichet:${key}@${host}`
  for (const name of BUNDLE_NAMES) environment[name] = bundlePath
  return {
    ...environment,
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    NO_PROXY: LOOPBACK,
    no_proxy: LOOPBACK,
    // Without it `fetch` of Node looks at no proxy.
    NODE_USE_ENV_PROXY: '1',
    GUICHET_URL: url,
    GUICHET_KEY: key,
    RCLONE_FICHIER_API_KEY: key,
  }
}

/** An address to listen at, as one to connect to: what listens everywhere is reached on loopback. */
export function reachableUrl(address: string): string {
  const url = new URL(address.startsWith('http') ? address : `http://${address}`)
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1'
  if (url.hostname === '[::]') url.hostname = '[::1]'
  return url.origin
}
