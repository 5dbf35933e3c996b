// Makes the minified parts of the client: node build-client.mjs [OUTDIR]
import { mkdir, writeFile } from 'node:fs/promises'
import { build } from 'esbuild'
import { minify } from 'terser'

const source = new URL('../../src/inject/client/', import.meta.url).pathname
const outdir = process.argv[2] ?? source + 'min'

await mkdir(outdir, { recursive: true })
const parts = { client: 'iife', whole: 'iife', worker: 'iife', news: 'esm' }
for (const [name, format] of Object.entries(parts)) {
  const bundle = await build({
    entryPoints: [`${source}${name}.js`],
    format,
    bundle: true,
    minify: true,
    write: false,
    target: 'es2020',
    charset: 'utf8',
    logLevel: 'warning',
  })
  const { code } = await minify(bundle.outputFiles[0].text, {
    ecma: 2020,
    module: format === 'esm',
    compress: { passes: 3, unsafe_arrows: true, unsafe_methods: true },
    format: { ascii_only: true },
  })
  await writeFile(`${outdir}/${name}.js`, code + '\n')
}
