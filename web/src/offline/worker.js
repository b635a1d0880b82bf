// The service worker: makes a reload work without a network. The build fills in the two values below.
const VERSION = '__VERSION__'
const FILES = ['__FILES__']
const CACHE = `studyhub-${VERSION}`
const NAVIGATION_PATIENCE = 3000 // milliseconds until the stored page stands in for a slow network

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: 'reload' }))))
      .then(() => self.skipWaiting()),
  )
})

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  )
})

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (event.request.method !== 'GET' || url.origin !== location.origin) return
  if (event.request.mode === 'navigate') {
    if (url.pathname === '/' || url.pathname.startsWith('/m/')) event.respondWith(page(event.request))
  } else if (FILES.includes(url.pathname)) {
    event.respondWith(stored(event.request))
  }
})

// The newest page when the server answers in time, so that a new version is seen at the first visit.
async function page(request) {
  const shell = await caches.match('/')
  if (!shell) return fetch(request)
  const late = new Promise((resolve) => setTimeout(resolve, NAVIGATION_PATIENCE, shell))
  const fresh = fetch(request).then((response) => (response.status < 500 ? response : shell))
  return Promise.race([fresh.catch(() => shell), late])
}

async function stored(request) {
  return (await caches.match(request)) ?? fetch(request)
}
