// Builds the test SPA with service workers, into ../../target/spa/NAME: node build-workers.mjs
import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { build } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'

const angular = 'node_modules/@angular/service-worker'
const worker = { workbox: { globPatterns: ['**/*.{js,css,html,svg}'] }, manifest: false }

// Asks before it takes over, and reloads the tab when it has: what the plugin's own documents tell one to write.
const prompt = {
  plugin: () => VitePWA({ ...worker, registerType: 'prompt' }),
  register: "import { registerSW } from 'virtual:pwa-register'\nregisterSW({ onNeedRefresh() {} })",
}
// Takes over at once; the plugin adds a script that registers it.
const auto = { plugin: () => VitePWA({ ...worker, registerType: 'autoUpdate' }), register: '' }
const ngsw = { register: "navigator.serviceWorker.register('/ngsw-worker.js')" }

process.chdir(import.meta.dirname)
await make('prompt-v1', 'v1', prompt, 1)
await make('prompt-v2', 'v2', prompt, 1)
// The page is that of version 1 to the byte.
await make('prompt-v1-settings', 'v1', prompt, 2)
await make('auto-v1', 'v1', auto, 1)
await make('auto-v2', 'v2', auto, 1)
for (const mode of ['v1', 'v2']) {
  const dir = await make(`angular-${mode}`, mode, ngsw, 1)
  // Its paths are relative, whatever they look like.
  execFileSync(process.execPath, [`${angular}/ngsw-config.js`, dir, 'ngsw-config.json'])
  copyFileSync(`${angular}/ngsw-worker.js`, `${dir}/ngsw-worker.js`)
}

async function make(name, mode, { plugin, register }, settings) {
  const outDir = `../../target/spa/${name}`
  await build({
    mode,
    build: { outDir, emptyOutDir: true },
    plugins: [extras(register, settings), plugin && plugin()],
  })
  return outDir
}

// Another script without a hash in its name, and what the browser tests count by.
function extras(register, settings) {
  return {
    name: 'extras',
    enforce: 'pre',
    transform: {
      filter: { id: /src\/main\.js$/ },
      handler: (code) => `${code}\nsessionStorage.loads = +(sessionStorage.loads ?? 0) + 1\n${register}\n`,
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'settings.js', source: `window.settings = ${settings}\n` })
    },
    transformIndexHtml: {
      order: 'post',
      // The harness adds `watch.js`; in a page that a worker has the hash of, it could not add the tag.
      handler: (html) =>
        html.replace('<head>', '<head><script src="/watch.js"></script><script src="/settings.js"></script>'),
    },
  }
}
