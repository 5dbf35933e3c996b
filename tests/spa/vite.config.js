import vue from '@vitejs/plugin-vue'
import { defineConfig, loadEnv } from 'vite'

// One source, two releases: `--mode v1` and `--mode v2` read `.env.v1` and `.env.v2`. The version is part of
// every script, the accent colour is part of every style sheet, so no hashed name is common to both builds.
export default defineConfig(({ mode }) => {
  const env = loadEnv(mode, import.meta.dirname)
  return {
    plugins: [vue(), accent(env.VITE_APP_ACCENT)],
    build: { reportCompressedSize: false },
    logLevel: 'warn',
  }
})

function accent(colour) {
  return {
    name: 'accent',
    enforce: 'pre',
    transform: {
      filter: { id: /\.css(\?|$)|type=style/ },
      handler: (code) => code.replaceAll('__ACCENT__', colour),
    },
  }
}
