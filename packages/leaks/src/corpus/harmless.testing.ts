import { createHash } from 'node:crypto'
import { KEY_PREFIX } from '@guichet/core'
import { obscureRclone } from '../detect/rclone-obscure.ts'
import type { Leaked } from './leaked.testing.ts'
import { ALNUM, BASE64, DIGITS, type Draw, HEX, KEY_ALPHABET, LOWER, UPPER } from './random.testing.ts'

type Place = (draw: Draw) => string | Leaked

/** What really stands beside 1fichier in files and logs, and has the length or the look of a key. */
export const HARMLESS: Readonly<Record<string, Place>> = {
  'git log': (draw) =>
    `commit ${draw.text(HEX, 40)}\nAuthor: me <me@x.org>\n\n    1fichier: use the new key\n`,
  'md5 near 1fichier': (draw) => `${draw.text(HEX, 32)}  1fichier-backup.tar.gz\n`,
  'md5 named key': (draw) => `1fichier cache key: ${draw.text(HEX, 32)}`,
  uuid: (draw) => `1fichier request id ${uuid(draw)}`,
  'uuid, no dashes': (draw) => `{"host":"1fichier.com","token":"${uuid(draw).replaceAll('-', '')}"}`,
  whirlpool: (draw) =>
    `{"url":"https://1fichier.com/?${draw.text(LOWER + DIGITS, 20)}","whirlpool":"${draw.text(HEX, 128)}"}`,
  'file links': (draw) => `https://1fichier.com/?${draw.text(LOWER + DIGITS, 20)}&af=${draw.text(DIGITS, 7)}`,
  'folder links': (draw) =>
    `see https://1fichier.com/dir/${draw.text(ALNUM, 8)} and https://1fichier.com/dir/${draw.text(ALNUM, 32)}`,
  'direct links': (draw) =>
    `https://a-${draw.upTo(30)}.1fichier.com/${draw.of('p', 'c')}${draw.text(DIGITS, 10)}`,
  'direct links, long': (draw) =>
    `Location: https://o-${draw.upTo(30)}.1fichier.com/${draw.text(ALNUM, 32)}?inline`,
  voucher: (draw) =>
    `{"status":"OK","count":1,"data":[{"voucher":"${draw.text(ALNUM, 32)}","service":"1fichier Premium"}]}`,
  'session cookie': (draw) =>
    `curl https://1fichier.com/console/index.pl -H 'Cookie: SID=${draw.text(`${ALNUM}-_`, 32)}; LG=en'`,
  'upload node': (draw) => `https://up${draw.upTo(99)}.1fichier.com/upload.cgi?id=${draw.text(ALNUM, 32)}`,
  'upload answer': (draw) => `{"url":"up2.1fichier.com","id":"${draw.text(ALNUM, 32)}"}`,
  'npm integrity': (draw) =>
    `"node_modules/1fichier-ts": {\n  "version": "1.0.0",\n  "resolved": "https://registry.npmjs.org/1fichier-ts/-/1fichier-ts-1.0.0.tgz",\n  "integrity": "sha512-${Buffer.from(draw.bytes(64)).toString('base64')}"\n}`,
  'go.sum': (draw) => `github.com/x/1fichier v0.1.0 h1:${draw.bytes(32).toString('base64')}`,
  jwt: (draw) =>
    `1fichier session: eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${draw.text(ALNUM, 32)}.${draw.text(`${ALNUM}-_`, 43)}`,
  'base64 blob': (draw) =>
    `1fichier.png: data:image/png;base64,${draw.bytes(200 + draw.upTo(300)).toString('base64')}`,
  'base64, wrapped': (draw) =>
    `1fichier\n-----BEGIN CERTIFICATE-----\n${Array.from({ length: 8 }, () => draw.text(BASE64, 64)).join('\n')}\n-----END CERTIFICATE-----\n`,
  'base64, short lines': (draw) =>
    `# 1fichier logo\n${Array.from({ length: 5 }, () => draw.text(BASE64, 32)).join('\n')}\n`,
  'minified javascript': (draw) =>
    `!function(e,t){e.oneFichier=t,e.${draw.text(LOWER, 3)}=function(n){return n.apiKey||"1fichier"},e.getAuthorizationHeaderForRequest32=function(){return"${draw.text(LOWER, 5)}"}}(this,{});`,
  'long identifiers': (draw) =>
    `const key = ${draw.of('getOneFichierAuthenticationToken', 'OneFichierAccountSettingsManager2', 'convertUserCredentialsToApiToken', 'My-Long-Header-Name-For-Requests')} // 1fichier`,
  'kebab file names': (draw) =>
    `1fichier upload of Holiday-Pictures-2026-Summer-${draw.text(DIGITS, 4)} done`,
  'release names': (draw) =>
    `1fichier: The_Great_Movie_2026_1080p_x${draw.text(DIGITS, 3)} The-Show-S01E0${draw.upTo(9)}-720p-WEB-DL-x264`,
  placeholders: (draw) =>
    draw.of(
      '[one]\ntype = fichier\napi_key = YOUR-API-KEY-OF-1FICHIER-HERE-32',
      'FICHIER_API_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
      'export RCLONE_FICHIER_API_KEY=ABCDEFGHIJKLMNOPQRSTUVWXYZ012345',
      'curl -H "Authorization: Bearer ExampleKey0123456789abcdefABCDEF" https://api.1fichier.com/v1/user/info.cgi',
      `FICHIER_API_KEY=${'$'}{FICHIER_API_KEY_FROM_THE_SECRETS}`,
      'FICHIER_API_KEY=$(cat /run/secrets/fichier_api_key_2026)',
    ),
  'keys of others beside ours': (draw) =>
    [
      '# downloads',
      `REALDEBRID_API_TOKEN=${draw.text(UPPER + DIGITS, 52)}`,
      `ALLDEBRID_KEY=${draw.text(ALNUM, 20)}`,
      `AUTH0_CLIENT_SECRET=${draw.text(ALNUM, 32)}`,
      `GITHUB_TOKEN=ghp_${draw.text(ALNUM, 36)}`,
      `GOOGLE_API_KEY=AIza${draw.text(`${ALNUM}-_`, 35)}`,
      `STRIPE_KEY=sk_live_${draw.text(ALNUM, 24)}`,
      `SLACK_TOKEN=xoxb-${draw.text(DIGITS, 12)}-${draw.text(ALNUM, 24)}`,
      `RAPIDGATOR_PASSWORD=${draw.text(ALNUM, 32)}`,
      `TORBOX_API_KEY=${draw.text(ALNUM, 32)}`,
      '# the key of 1fichier is in the vault',
      '',
    ].join('\n'),
  'keys of others, one file of settings': (draw) =>
    `hosters:\n  1fichier:\n    enabled: false\n  torbox:\n    api_key: ${draw.text(ALNUM, 32)}\n  premiumize:\n    token: ${draw.text(ALNUM, 32)}\n`,
  'keys of others, json': (draw) =>
    `{"1fichier.com":[],"rapidgator.net":[{"user":"a","password":"${draw.text(ALNUM, 32)}"}],"x.to":[{"apikey":"${draw.text(ALNUM, 32)}"}]}`,
  'keys of others, rclone': (draw) =>
    `[one]\ntype = fichier\napi_key = \n\n[pix]\ntype = pixeldrain\napi_key = ${draw.text(ALNUM, 32)}\n\n[b2]\ntype = b2\nkey = K00${draw.text(ALNUM, 28)}\n`,
  'keys of others, curl': (draw) =>
    `curl https://1fichier.com/?abc\ncurl -H "Authorization: Bearer ${draw.text(ALNUM, 32)}" https://api.example.com/v2/me\n`,
  'keys of others, ours named elsewhere': (draw) =>
    `FICHIER_API_KEY=\nAPI_TOKEN=${draw.text(HEX, 32)}\nSESSION_SECRET=${draw.text(ALNUM, 32)}\nCSRF_TOKEN=${draw.text(ALNUM, 32)}\n`,
  'other API keys, no 1fichier': (draw) =>
    draw.of(
      `api_key = ${draw.text(KEY_ALPHABET, 32)}`,
      `Authorization: Bearer ${draw.text(KEY_ALPHABET, 32)}`,
      `{"apiKey":"${draw.text(ALNUM, 32)}"}`,
      `DB_PASSWORD=${draw.text(ALNUM, 32)}`,
    ),
  'french files': (draw) =>
    `Ce fichier a la clé ${draw.text(ALNUM, 32)} et un fichier de plus.\nfichier = "${draw.text(ALNUM, 32)}"\n`,
  'names of files': (draw) =>
    `{"folders":[],"files":[{"filename":"${draw.text(ALNUM, 32)}","url":"https://1fichier.com/?${draw.text(LOWER + DIGITS, 20)}","size":123}]}`,
  'names of files, listed': (draw) =>
    `guichet ls /\n${draw.text(`${ALNUM}-_`, 32)}.mkv\n1fichier.txt\n${draw.text(ALNUM, 32)}\n`,
  'wrong checksum': (draw) => {
    const key = draw.virtualKey()
    const last = key.at(-1) === '0' ? '1' : '0'
    return draw.of(
      `${key.slice(0, -1)}${last}`,
      KEY_PREFIX + draw.text(ALNUM, 28),
      `Bearer ${key.slice(0, 31)}`,
    )
  },
  'obscured by rclone': (draw) =>
    `[s]\ntype = sftp\nhost = x.org\npass = ${obscureRclone(draw.text(ALNUM, 32), draw.bytes(16))}\n`,
  'passwords of files': (draw) =>
    `[one]\ntype = fichier\nfile_password = ${obscureRclone(draw.text(ALNUM, 12), draw.bytes(16))}\nshared_folder = ${draw.text(ALNUM, 8)}\n`,
  digests: (draw) => {
    const data = draw.bytes(20)
    return `1fichier parts\nsha256 ${createHash('sha256').update(data).digest('hex')}\nsha1 ${createHash('sha1').update(data).digest('base64')}\nmd5 ${createHash('md5').update(data).digest('base64')}\netag: "${draw.text(ALNUM, 32)}"\n`
  },
  'request ids': (draw) =>
    `1fichier call failed, request_id=${draw.text(ALNUM, 32)} trace-id: ${draw.text(HEX, 32)}`,
  ansi: (draw) => `\u001b[32m1fichier\u001b[0m ${'='.repeat(32)} ${'-'.repeat(32)} ${draw.upTo(100)}%`,
}

function uuid(draw: Draw): string {
  return [8, 4, 4, 4, 12].map((length) => draw.text(HEX, length)).join('-')
}
