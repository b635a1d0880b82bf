/** The browser's own copy of a material, in IndexedDB. */
import { IndexeddbPersistence } from 'y-indexeddb'
import type * as Y from 'yjs'

const PATIENCE = 2_000 // milliseconds; a blocked or broken IndexedDB may never answer

export interface LocalCopy {
  /** Empties the copy, also under other tabs that have it open. */
  clear(): Promise<void>
}

/** Loads the copy into `doc` and keeps it in step from then on; null where the browser has no storage. */
export async function openCopy(id: string, doc: Y.Doc): Promise<LocalCopy | null> {
  if (!(await isStorageUsable())) return null
  const persistence = new IndexeddbPersistence(`studyhub:${id}`, doc)
  const late = new Promise<null>((resolve) => setTimeout(resolve, PATIENCE, null))
  const loaded = await Promise.race([persistence.whenSynced, late])
  return loaded && { clear: () => clear(loaded.db) }
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
