// The least that a server in Node can do: every message goes to everybody else in the room. No document, no checks.
import { WebSocketServer } from 'ws'

const rooms = new Map()

new WebSocketServer({ host: '127.0.0.1', port: Number(process.env.PORT), perMessageDeflate: false }).on(
  'connection',
  (socket, { url }) => {
    const room = rooms.get(url) ?? rooms.set(url, new Set()).get(url)
    room.add(socket)
    socket.on('message', (data) => {
      for (const other of room) if (other !== socket) other.send(data, { binary: true })
    })
    socket.on('close', () => room.delete(socket))
  }
)
