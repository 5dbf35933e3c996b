// An app that generates and verifies streamed bodies of any size.
//
//   node bulk.mjs PORT
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'

const [port] = process.argv.slice(2)

// A body consists of blocks of this size, each of which begins with its number.
const size = 65536
const block = Buffer.alloc(size)
block.forEach((_, at) => (block[at] = (at * 31 + (at >> 8) * 17) & 255))

function numbered(number) {
  const copy = Buffer.from(block)
  copy.writeUInt32LE(number)
  return copy
}

function* blocks(bytes) {
  for (let number = 0; number * size < bytes; number += 1) {
    yield numbered(number).subarray(0, bytes - number * size)
  }
}

// Counts the bytes of a body, and compares them with those of `blocks`.
async function check(body) {
  let bytes = 0
  let right = true
  let expected
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      const begin = bytes % size
      if (begin === 0) expected = numbered(bytes / size)
      const length = Math.min(size - begin, chunk.length - at)
      right &&= expected.compare(chunk, at, at + length, begin, begin + length) === 0
      at += length
      bytes += length
    }
  }
  return { bytes, right }
}

function* lines(bytes) {
  yield '<!doctype html>\n<html lang=en><head><title>Long</title></head><body>\n'
  // Many lines per write, since a small write costs as much as a large one.
  for (let number = 0, written = 0; written < bytes; number += 1) {
    const text = `<p class=line title="number ${number}">Line ${number} &amp; <b>more</b></p>\n`.repeat(500)
    written += text.length
    yield text
  }
}

// 64 MiB of zeros; 16 of them decode to a gigabyte.
const zeros = gzipSync(Buffer.alloc(1 << 26))

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://bulk')
  const bytes = Number(searchParams.get('bytes'))
  const fields = { 'content-type': 'application/octet-stream' }
  try {
    if (pathname === '/upload') {
      const found = await check(request)
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found))
    } else if (pathname === '/chunked') {
      response.writeHead(200, fields)
      await pipeline(Readable.from(blocks(bytes)), response)
    } else if (pathname === '/counted') {
      response.writeHead(200, { ...fields, 'content-length': bytes })
      await pipeline(Readable.from(blocks(bytes)), response)
    } else if (pathname === '/page') {
      response.writeHead(200, { 'content-type': 'text/html' })
      await pipeline(Readable.from(lines(bytes)), response)
    } else if (pathname === '/bomb') {
      response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' })
      response.end(Buffer.concat(Array(16).fill(zeros)))
    } else {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Bulk</title><p>Bulk')
    }
  } catch {
    // The client has disconnected.
    response.destroy()
  }
})

server.listen(Number(port), '127.0.0.1')
