// A static site from a directory, like a small Node server: files are read per request, and paths without an extension
// are routes of the app.
//
//   node site.mjs PORT DIR
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'

const [port, dir] = process.argv.slice(2)

const types = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://site')
  const path = extname(pathname) ? normalize(pathname) : '/index.html'
  try {
    const content = await readFile(join(dir, path))
    const etag = `"${createHash('sha1').update(content).digest('hex')}"`
    const known = request.headers['if-none-match'] === etag
    response.writeHead(known ? 304 : 200, { etag, 'content-type': types[extname(path)] ?? 'application/octet-stream' })
    response.end(known ? undefined : content)
  } catch {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not here\n')
  }
})

server.listen(Number(port), '127.0.0.1')
