/** A request that another reader could understand otherwise. */
export interface Smuggled {
  readonly name: string
  /** What goes over the wire, byte for byte (latin1). */
  readonly text: string
}

/**
 * Requests that hide a second one from somebody: after the corpora of request smuggling (lengths against chunks, odd
 * line ends, odd spaces, old and new versions).
 *
 * `inner` is the request to hide: none of these may lead to it being answered, or to anything being done for the outer
 * one. Each is refused with one answer or none, and its connection ends.
 */
export function smuggledRequests(options: {
  /** Of a request that would be answered by itself: `POST /path`. */
  readonly line: string
  /** Its headers, each with its line end, without a length. */
  readonly headers: string
  readonly inner: string
}): readonly Smuggled[] {
  const { line, headers, inner } = options
  const head = `${line} HTTP/1.1\r\n${headers}`
  const chunked = 'Transfer-Encoding: chunked\r\n'
  const chunks = '2\r\n{}\r\n0\r\n\r\n'
  const body = (lengths: string): string => `${head}${lengths}\r\n{}${inner}`
  const inChunks = (encodings: string, rest = chunks): string => `${head}${encodings}\r\n${rest}${inner}`
  const [method = '', path = ''] = line.split(' ')
  const texts: Readonly<Record<string, string>> = {
    'a length and then chunks': inChunks(`Content-Length: 4\r\n${chunked}`),
    'chunks and then a length': inChunks(`${chunked}Content-Length: 4\r\n`),
    'chunks and a length of nothing': inChunks(`${chunked}Content-Length: 0\r\n`),
    'chunks by a wrong name': inChunks('Transfer-Encoding: xchunked\r\n'),
    'chunks in quotes': inChunks('Transfer-Encoding: "chunked"\r\n'),
    'chunks after another encoding': inChunks('Transfer-Encoding: gzip, chunked\r\n'),
    'chunks before another encoding': inChunks('Transfer-Encoding: chunked, gzip\r\n'),
    'chunks twice': inChunks(`${chunked}${chunked}`),
    'chunks twice in one': inChunks('Transfer-Encoding: chunked, chunked\r\n'),
    'chunks and identity': inChunks(`${chunked}Transfer-Encoding: identity\r\n`),
    'identity and chunks': inChunks(`Transfer-Encoding: identity\r\n${chunked}`),
    'chunks behind a space before the colon': inChunks('Transfer-Encoding : chunked\r\n'),
    'chunks behind a vertical tab': inChunks('Transfer-Encoding:\x0bchunked\r\n'),
    'chunks before a zero byte': inChunks('Transfer-Encoding: chunked\0\r\n'),
    'chunks in a folded line': inChunks('Transfer-Encoding:\r\n chunked\r\n'),
    'chunks behind a bare CR': inChunks('X: a\rTransfer-Encoding: chunked\r\nContent-Length: 4\r\n'),
    'chunks behind a bare LF': inChunks('X: a\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n'),
    'chunks in HTTP/1.0': inChunks(chunked).replace('HTTP/1.1', 'HTTP/1.0'),
    'two equal lengths': body('Content-Length: 2\r\nContent-Length: 2\r\n'),
    'two lengths': body(`Content-Length: 2\r\nContent-Length: ${2 + inner.length}\r\n`),
    'a list of lengths': body('Content-Length: 2, 2\r\n'),
    'a length with a sign': body('Content-Length: +2\r\n'),
    'a negative length': body('Content-Length: -2\r\n'),
    'a length in hexadecimal': body('Content-Length: 0x2\r\n'),
    'an empty length': body('Content-Length:\r\n'),
    'a length beyond 64 bits': body('Content-Length: 18446744073709551618\r\n'),
    'a length in two words': body('Content-Length: 2 2\r\n'),
    'a length behind a space before the colon': body('Content-Length : 2\r\n'),
    'bare LF for all line ends': body('Content-Length: 2\r\n').replaceAll('\r\n', '\n'),
    'bare LF at the end of the headers': `${head}Content-Length: 2\r\n\n{}${inner}`,
    'bare CR at the end of the headers': `${head}Content-Length: 2\r\n\r{}${inner}`,
    'two CR at the end of a line': body('X: a\r\r\nContent-Length: 2\r\n'),
    'a folded header': body('X: a\r\n b\r\nContent-Length: 2\r\n'),
    'a first header that is folded': `${line} HTTP/1.1\r\n Host: other\r\n${headers}Content-Length: 2\r\n\r\n{}${inner}`,
    'a zero byte in a value': body('X: a\0b\r\nContent-Length: 2\r\n'),
    'a zero byte in a name': body('X\0: a\r\nContent-Length: 2\r\n'),
    'a header without a name': body(': a\r\nContent-Length: 2\r\n'),
    'a header without a colon': body('Foo\r\nContent-Length: 2\r\n'),
    'more headers than there is room for': body(`${'a: b\r\n'.repeat(4_000)}Content-Length: 2\r\n`),
    'a chunk extension without end': inChunks(chunked, `2;${'a'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n`),
    'a chunk extension that ends in a bare LF': inChunks(chunked, '2;a\n{}\r\n0\r\n\r\n'),
    'chunks that end in a bare LF': inChunks(chunked, '2\n{}\n0\n\n'),
    'a chunk size with 0x': inChunks(chunked, '0x2\r\n{}\r\n0\r\n\r\n'),
    'a chunk size with a space': inChunks(chunked, '2 \r\n{}\r\n0\r\n\r\n'),
    'a negative chunk size': inChunks(chunked, '-2\r\n{}\r\n0\r\n\r\n'),
    'a chunk size beyond 64 bits': inChunks(chunked, '10000000000000002\r\n{}\r\n0\r\n\r\n'),
    'a chunk longer than its size': inChunks(chunked, '2\r\n{}xx\r\n0\r\n\r\n'),
    'a length in the trailer': inChunks(chunked, `2\r\n{}\r\n0\r\nContent-Length: ${inner.length}\r\n\r\n`),
    'an encoding in the trailer': inChunks(chunked, `2\r\n{}\r\n0\r\n${chunked}\r\n`),
    'two hosts': body('Host: other\r\nContent-Length: 2\r\n'),
    'two keys': body('Authorization: Bearer other\r\nContent-Length: 2\r\n'),
    'two types': body('Content-Type: text/plain\r\nContent-Length: 2\r\n'),
    'no host': `${line} HTTP/1.1\r\n${headers.replace(/^Host:.*\r\n/m, '')}Content-Length: 2\r\n\r\n{}${inner}`,
    ...Object.fromEntries(
      ['a b', 'a@b', 'a/b', 'a,b', 'a:b', ''].map((host) => [
        `the host ${JSON.stringify(host)}`,
        body('Content-Length: 2\r\n').replace(/^Host:.*$/m, `Host: ${host}`),
      ]),
    ),
    'a Connection that takes the key away': body('Connection: authorization\r\nContent-Length: 2\r\n'),
    'a Connection that takes the length away': body(
      'Connection: close, Content-Length\r\nContent-Length: 2\r\n',
    ),
    'an expectation that nobody knows': body('Expect: 200-ok\r\nContent-Length: 2\r\n'),
    'HTTP/0.9': `GET ${path}\r\n\r\n${inner}`,
    'HTTP/1.2': body('Content-Length: 2\r\n').replace('HTTP/1.1', 'HTTP/1.2'),
    'HTTP/2.0': body('Content-Length: 2\r\n').replace('HTTP/1.1', 'HTTP/2.0'),
    'HTTP/9.9': body('Content-Length: 2\r\n').replace('HTTP/1.1', 'HTTP/9.9'),
    'the preface of HTTP/2': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${inner}`,
    'a method in small letters': body('Content-Length: 2\r\n').replace(method, method.toLowerCase()),
    'a tab behind the method': body('Content-Length: 2\r\n').replace(`${method} `, `${method}\t`),
    'a path without a slash': body('Content-Length: 2\r\n').replace(' /', ' '),
    'a whole address': body('Content-Length: 2\r\n').replace(' /', ' http://other.example/'),
    'a whole address of 1fichier': body('Content-Length: 2\r\n').replace(' /', ' https://api.1fichier.com/'),
    'an address with a fragment': body('Content-Length: 2\r\n').replace(path, `${path}#/x`),
    'a path with a zero byte': body('Content-Length: 2\r\n').replace(path, `${path}\0`),
    'a path with bytes beyond ASCII': body('Content-Length: 2\r\n').replace(path, `${path}\xff`),
    'a CONNECT with a body': `CONNECT 1fichier.com:443 HTTP/1.1\r\n${headers}Content-Length: ${inner.length}\r\n\r\n${inner}`,
    'a CONNECT in chunks': `CONNECT 1fichier.com:443 HTTP/1.1\r\n${headers}${chunked}\r\n${chunks}${inner}`,
  }
  return Object.entries(texts).map(([name, text]) => ({ name, text }))
}
