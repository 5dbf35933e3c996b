// An app with features that proxies often break: server-sent events, long polls, responses during uploads, and
// WebSockets.
//
//   node live.mjs PORT
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'

const [port] = process.argv.slice(2)

// Recorded events, for GET /seen.
const seen = []
const streams = new Set()
const waiting = new Set()
let last = 0

let release = 1

const answers = {
  'GET /': (request, response) => {
    const head = `<head><title>App</title><script src="/app-${release}.js"></script></head>`
    const page = `<!doctype html><html lang=en>${head}<body><p id=app>An app</p></body></html>`
    response.writeHead(200, { 'content-type': 'text/html' }).end(page)
  },

  'POST /deploy': (request, response) => {
    release += 1
    response.end()
  },

  'GET /seen': (request, response) => json(response, seen),

  'GET /fields': (request, response) => json(response, request.headers),

  'GET /events': (request, response) => {
    seen.push(`events open ${request.headers['last-event-id'] ?? 'anew'}`)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
    response.write('retry: 100\n\n')
    streams.add(response)
    response.on('close', () => {
      streams.delete(response)
      seen.push('events closed')
    })
  },

  // Ends all event streams, as a deploy of the app does.
  'POST /hangup': (request, response) => {
    streams.forEach((stream) => stream.end())
    response.end()
  },

  // Sends the body to all event streams and long polls.
  'POST /push': async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString()
    last += 1
    streams.forEach((stream) => stream.write(`id: ${last}\ndata: ${text}\n\n`))
    waiting.forEach((wait) => wait.end(text))
    waiting.clear()
    json(response, last)
  },

  'GET /wait': (request, response) => {
    seen.push('waits')
    waiting.add(response)
  },

  'POST /echo': (request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    request.pipe(response)
  },
}

function json(response, value) {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

const server = createServer((request, response) => {
  const answer = answers[`${request.method} ${request.url}`]
  if (answer) answer(request, response)
  else if (request.url === `/app-${release}.js`) response.writeHead(200, { 'content-type': 'text/javascript' }).end()
  else response.writeHead(404).end()
})

server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  seen.push(`socket open ${request.url}`)
  socket.on('error', () => {})
  socket.on('end', () => socket.end())
  socket.on('close', () => seen.push(`socket closed ${request.url}`))
  let unread = Buffer.alloc(0)
  socket.on('data', (data) => {
    unread = Buffer.concat([unread, data])
    for (let frame; (frame = next(unread)); unread = frame.rest) {
      socket.write(frame.echo)
      if (frame.closes) socket.end()
    }
  })
})

// Echoes the first frame (RFC 6455, section 5.2) without the mask. A ping becomes a pong.
function next(bytes) {
  if (bytes.length < 2) return undefined
  const short = bytes[1] & 0x7f
  const extra = { 126: 2, 127: 8 }[short] ?? 0
  const mask = 2 + extra
  if (bytes.length < mask + 4) return undefined
  const length = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  const end = mask + 4 + length
  if (bytes.length < end) return undefined
  const payload = Buffer.from(bytes.subarray(mask + 4, end))
  payload.forEach((byte, at) => (payload[at] = byte ^ bytes[mask + (at % 4)]))
  const head = Buffer.from(bytes.subarray(0, mask))
  head[1] &= 0x7f
  const opcode = head[0] & 0x0f
  if (opcode === 9) head[0] += 1
  return { echo: Buffer.concat([head, payload]), closes: opcode === 8, rest: bytes.subarray(end) }
}

server.listen(Number(port), '127.0.0.1')
