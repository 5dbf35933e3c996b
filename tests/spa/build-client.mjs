// Makes the minified parts of the client: node build-client.mjs [OUTDIR]
import { build } from 'esbuild'

const source = new URL('../../src/inject/client/', import.meta.url).pathname
const outdir = process.argv[2] ?? source + 'min'

const parts = { client: 'iife', whole: 'iife', worker: 'iife', news: 'esm' }
for (const [name, format] of Object.entries(parts)) {
  await build({
    entryPoints: [`${source}${name}.js`],
    outfile: `${outdir}/${name}.js`,
    format,
    bundle: true,
    minify: true,
    target: 'es2020',
    charset: 'ascii',
    logLevel: 'warning',
  })
}
