// Hocuspocus as its README starts it; FLUSH_DELAY (ms) replaces the default of one flush per turn of the event loop.
import { Server } from '@hocuspocus/server'

const { PORT, FLUSH_DELAY } = process.env
const flush = FLUSH_DELAY ? { flushDelay: Number(FLUSH_DELAY) } : {}
await new Server({ address: '127.0.0.1', port: Number(PORT), quiet: true, ...flush }).listen()
