// Writes honest Yjs traffic for tests/collab/updates: node make-updates-corpus.mjs OUT.bin.gz
// Three authors edit at once, exchange updates late, undo, and some hold back a gap. The file is gzip of
// messages, each with its length before it as 32 bits, little-endian.
import { gzipSync } from 'node:zlib'
import { writeFileSync } from 'node:fs'
import * as Y from 'yjs'

let seed = 20261121
const random = (n) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 2 ** 32) * n)
}
const pick = (list) => list[random(list.length)]
const TEXTS = ['a', 'b', ' ', 'word ', 'é', '漢字', '😀', 'a longer run of text. ', '👩‍🏫x']
const values = () => pick([
  1, -7, 2 ** 40, 1.5, 0.1, NaN, true, null, undefined, 'text', '😀', 123n, new Uint8Array([1, 2, 3]),
  [1, 'two', [3, { four: 4 }]], { a: { b: { c: [null, undefined, -1e-9] } } }
])

// Editors move by whole characters: a position never lies inside a surrogate pair.
const position = (text) => {
  let at = 0
  const positions = [0]
  for (const { insert } of text.toDelta()) {
    for (const character of typeof insert === 'string' ? insert : ' ') positions.push(at += character.length)
  }
  return pick(positions)
}
const range = (text) => {
  const [start, stop] = [position(text), position(text)].sort((a, b) => a - b)
  return [start, stop - start]
}

const steps = [
  (doc) => {
    const text = doc.getText('text')
    text.insert(position(text), pick(TEXTS), pick([undefined, { bold: true }, { link: { href: '/a' } }]))
  },
  (doc) => {
    const text = doc.getText('text')
    if (text.length > 30) text.delete(...range(text))
  },
  (doc) => {
    const text = doc.getText('text')
    text.format(...range(text), pick([{ bold: null }, { em: true }]))
  },
  (doc) => doc.getText('text').insertEmbed(0, pick([{ image: 'x.png' }, { math: { tex: '\\frac{1}{2}' } }])),
  (doc) => doc.getMap('map').set(pick(['a', 'b', 'ключ']), values()),
  (doc) => doc.getMap('map').delete(pick(['a', 'b'])),
  (doc) => doc.getMap('map').set('card', new Y.Map([['front', new Y.Text('front')], ['tags', new Y.Array()]])),
  (doc) => {
    const front = doc.getMap('map').get('card')?.get('front')
    if (front instanceof Y.Text) front.insert(0, pick(TEXTS))
  },
  (doc) => {
    const list = doc.getArray('list')
    list.insert(random(list.length + 1), [[values()], { value: values() }])
  },
  (doc) => {
    const list = doc.getArray('list')
    if (list.length) list.delete(random(list.length), 1)
  },
  (doc) => doc.getArray('list').push([new Y.Array(), new Y.Map([['k', 1]])]),
  (doc) => {
    const xml = doc.getXmlFragment('xml')
    const paragraph = new Y.XmlElement(pick(['paragraph', 'heading']))
    paragraph.setAttribute('level', '2')
    paragraph.insert(0, [new Y.XmlText(pick(TEXTS))])
    xml.insert(random(xml.length + 1), [paragraph])
  },
  (doc) => {
    const xml = doc.getXmlFragment('xml')
    if (xml.length) xml.get(random(xml.length)).get(0)?.insert(0, pick(TEXTS))
  },
  (doc) => {
    const xml = doc.getXmlFragment('xml')
    if (xml.length > 3) xml.delete(random(xml.length), 1)
  },
  (doc) => {
    const xml = doc.getXmlFragment('xml')
    const paragraph = xml.length ? xml.get(random(xml.length)) : null
    if (paragraph) pick([() => paragraph.setAttribute(pick(['level', 'align']), pick(TEXTS)), () => paragraph.removeAttribute('level')])()
  },
  (doc) => {
    const xml = doc.getXmlFragment('xml')
    const text = xml.length ? xml.get(random(xml.length)).get(0) : null
    if (text) text.format(...range(text), { strong: pick([{}, null]) })
  },
  (doc) => {
    const xml = doc.getXmlFragment('xml')
    const paragraph = xml.length ? xml.get(random(xml.length)) : null
    paragraph?.insert(random(paragraph.length) + 1, [new Y.XmlElement('image'), new Y.XmlText(pick(TEXTS))])
  },
  (doc) => {
    const card = doc.getMap('map').get('card')
    if (card) card.set(pick(['front', 'back']), pick([new Y.Text('new'), new Y.Map([['side', new Y.Map()]]), 'plain']))
  },
  (doc) => doc.getMap('map').get('card')?.delete(pick(['front', 'back'])),
  (doc) => {
    const back = doc.getMap('map').get('card')?.get('back')
    if (back instanceof Y.Map) (pick([back, back.get('side')]) ?? back).set(pick(['x', 'y']), values())
  }
]

const out = []
const history = (rounds) => {
  const authors = [0, 1, 2].map(() => {
    const doc = new Y.Doc({ gc: random(4) > 0 })
    doc.clientID = random(2 ** 32)
    const inbox = []
    const undo = new Y.UndoManager([doc.getText('text'), doc.getMap('map'), doc.getArray('list'), doc.getXmlFragment('xml')],
      { captureTimeout: pick([0, 500]) })
    return { doc, inbox, undo, holds: random(3) === 0 }
  })
  for (const author of authors) {
    author.doc.on('update', (update, origin) => {
      if (origin === 'remote') return
      out.push(update)
      for (const other of authors) if (other !== author) other.inbox.push(update)
    })
  }
  for (let round = 0; round < rounds; round++) {
    const author = pick(authors)
    const kind = random(10)
    if (kind === 0) author.undo.undo()
    else if (kind === 1) author.undo.redo()
    else if (kind === 2) author.doc.transact(() => { for (let i = 0; i < 3; i++) pick(steps)(author.doc) })
    else pick(steps)(author.doc)
    const reader = pick(authors)
    if (random(3) === 0) {
      while (reader.inbox.length) {
        // Out of order: Yjs holds the later ones back, and its states then contain Skips.
        const at = random(Math.min(reader.inbox.length, 3))
        const [update] = reader.inbox.splice(at, 1)
        if (!(reader.holds && random(20) === 0)) Y.applyUpdate(reader.doc, update, 'remote')
      }
    }
    if (round % 25 === 0) {
      out.push(Y.encodeStateAsUpdate(reader.doc))
      out.push(Y.encodeStateAsUpdate(reader.doc, Y.encodeStateVector(author.doc)))
    }
    if (round % 40 === 0 && out.length > 8) {
      out.push(Y.mergeUpdates(out.slice(-6).filter((_, i) => i !== 2)))
    }
  }
}
while (out.length < 6000) history(100)

const frames = out.map((update) => {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(update.length)
  return Buffer.concat([length, update])
})
writeFileSync(process.argv[2], gzipSync(Buffer.concat(frames), { level: 9 }))
console.log(`${out.length} updates`)
