import { svelte } from '@sveltejs/vite-plugin-svelte'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const SERVER = process.env['STUDYHUB_URL'] ?? 'http://127.0.0.1:8000'

/** Writes `/sw.js`: the service worker of src/offline with the names of all files that the page needs. */
function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const built = Object.keys(bundle).filter((name) => /\.(js|css|woff2|svg)$/.test(name) && !/\b(docs|account|qr)-/.test(name))
      const files = ['/', ...built.map((name) => `/${name}`), ...readdirSync('public').map((name) => `/${name}`)]
      const version = createHash('sha256')
      for (const file of Object.values(bundle)) version.update(file.type === 'chunk' ? file.code : file.source)
      for (const name of readdirSync('public')) version.update(readFileSync(`public/${name}`))
      const source = readFileSync('src/offline/worker.js', 'utf8')
        .replace('__VERSION__', version.digest('hex').slice(0, 12))
        .replace("['__FILES__']", JSON.stringify(files))
      this.emitFile({ type: 'asset', fileName: 'sw.js', source })
    },
  }
}

export default defineConfig({
  plugins: [svelte(), serviceWorker()],
  build: {
    outDir: '../collab/static',
    emptyOutDir: true,
    target: 'es2022',
    manifest: 'manifest.json',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: ['index.html', 'account.html', 'docs.html'] }, // all but the first work online only
    chunkSizeWarningLimit: 700, // scripts/size.mjs holds the budget
  },
  server: {
    proxy: {
      '/api': SERVER,
      // The server takes sockets of its own origin only.
      '/collab': { target: SERVER, ws: true, changeOrigin: true, rewriteWsOrigin: true },
    },
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
})
