import { API_HOST } from './hosts.ts'
import { API_ROUTES, HOST_ROUTES } from './routes/table.ts'

/** What a request that nothing answers is told: what it was, what is known, and where the missing thing belongs. */
export function explainUnknown(method: string, hostName: string, path: string): string {
  const known = [
    ...[...API_ROUTES].map(
      ([name, { methods }]) => `  ${methods.join('|')} https://${API_HOST}/v1/${name}.cgi`,
    ),
    ...HOST_ROUTES.map(
      ({ methods, kind, path: pattern }) => `  ${methods.join('|')} ${kind} host, path ${pattern.source}`,
    ),
  ]
  return [
    `The emulator does not know this request:`,
    `  ${method} https://${hostName}${path}`,
    '',
    'It knows:',
    ...known,
    '',
    'If 1fichier knows the request, add it to wire.md with its source, then to src/routes/table.ts of @guichet/emulator.',
    'If it does not, the client has a wrong address.',
    '',
  ].join('\n')
}
