/** The browser's own copy of a material, in IndexedDB. */
import { fromBase64, toBase64 } from 'lib0/buffer'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import * as memory from './memory'

const PATIENCE = 2_000 // milliseconds; a blocked or broken IndexedDB may never answer
const IN_DOUBT = 2_000 // milliseconds for which a write may not have reached the disk
const TAIL_LIMIT = 1 << 20 // bytes

export interface LocalCopy {
  /** Empties the copy, also under other tabs that have it open. */
  clear(): Promise<void>
  /** Writes nothing any more. */
  stop(): void
}

/** Loads the copy into `doc` and keeps it in step from then on; null where the browser has no storage, or others use it. */
export async function openCopy(id: string, doc: Y.Doc): Promise<LocalCopy | null> {
  if (memory.isSharedComputer()) return null // the next person at it must not find it
  if (!(await isStorageUsable())) return null
  const persistence = new IndexeddbPersistence(`studyhub:${id}`, doc)
  const late = new Promise<null>((resolve) => setTimeout(resolve, PATIENCE, null))
  const loaded = await Promise.race([persistence.whenSynced, late])
  if (!loaded) return null
  const dropTail = keepTail(id, doc)
  return {
    clear: () => {
      dropTail()
      return clear(loaded.db)
    },
    stop: () => {
      dropTail()
      doc.off('update', loaded._storeUpdate)
    },
  }
}

/**
 * IndexedDB writes that are under way when a page goes are lost, so the edits of the last moments are also
 * put into localStorage, which is synchronous. Applying one of them twice does no harm. Returns how to stop.
 */
function keepTail(id: string, doc: Y.Doc): () => void {
  let tail: { update: Uint8Array; at: number }[] = []
  const recent = (): typeof tail => tail.filter(({ at }) => Date.now() - at < IN_DOUBT)
  doc.on('update', (update: Uint8Array) => (tail = [...recent(), { update, at: Date.now() }]))
  const save = (): void => {
    const updates = recent().map(({ update }) => update)
    if (updates.length === 0) return
    const merged = Y.mergeUpdates(updates)
    if (merged.length < TAIL_LIMIT) memory.rememberTail(id, toBase64(merged))
  }
  addEventListener('pagehide', save)
  const kept = memory.takeTail(id)
  if (kept) Y.applyUpdate(doc, fromBase64(kept), 'tail')
  return () => removeEventListener('pagehide', save)
}

function clear(database: IDBDatabase | null): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!database) return resolve()
    const transaction = database.transaction('updates', 'readwrite')
    transaction.objectStore('updates').clear()
    transaction.oncomplete = () => resolve()
    transaction.onerror = () => reject(transaction.error ?? new Error('the local copy cannot be cleared'))
  })
}

/** y-indexeddb leaves a rejected promise behind when the browser refuses storage, so it is asked first. */
function isStorageUsable(): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open('studyhub:probe')
      request.onerror = () => resolve(false)
      request.onsuccess = () => {
        request.result.close()
        resolve(true)
      }
    } catch {
      resolve(false)
    }
  })
}
