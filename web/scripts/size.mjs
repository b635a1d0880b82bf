// Fails when the JavaScript of the first load, gzipped, is above its budget.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const BUDGET = 180 * 1024 // bytes
const OUT = new URL('../../collab/static/', import.meta.url)

const manifest = JSON.parse(readFileSync(new URL('manifest.json', OUT), 'utf8'))
const files = new Set(['theme.js'])

function visit(key) {
  const chunk = manifest[key]
  if (files.has(chunk.file)) return
  files.add(chunk.file)
  for (const imported of chunk.imports ?? []) visit(imported)
}

visit('index.html')
const bytes = [...files].reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, OUT))).length, 0)
const kib = (bytes / 1024).toFixed(1)
console.log(`first load: ${kib} KiB of gzipped JavaScript in ${files.size} files (budget ${BUDGET / 1024} KiB)`)
if (bytes > BUDGET) process.exit(1)
