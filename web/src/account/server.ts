/** The session of this browser, and calls of the API in its name. Every function rejects with an ApiError. */
import { ApiError, call, send } from '../material/api'
import { storage } from '../material/memory'
import { Session, type Tokens } from './session'

const API = '/api/v1'
const SIGNED_OUT = 'signed_out'

/** The server's answer to a sign-in. */
export interface SignedIn {
  user: string
  name: string
  access: string
  refresh: string
  /** How long the access token is good. */
  seconds: number
}

export const session = new Session({
  storage: {
    getItem: (key) => storage().getItem(key),
    setItem: (key, value) => storage().setItem(key, value),
    removeItem: (key) => storage().removeItem(key),
  },
  alone: (action) => navigator.locks.request('studyhub:session', action) as ReturnType<typeof action>,
  renew: async (refresh) => {
    try {
      return tokens(await call<SignedIn>('POST', `${API}/sessions/refresh`, { refresh }))
    } catch (error) {
      if ((error as ApiError).status === 401) return null
      throw error
    }
  },
  now: Date.now,
})

/** As `call`, in the name of who is signed in. */
export const mine = <Answer>(method: string, path: string, body?: object): Promise<Answer> =>
  signedIn((token) => call<Answer>(method, API + path, body, token))

/** A file, in the name of who is signed in. */
export const file = (path: string): Promise<Blob> =>
  signedIn(async (token) => (await send('GET', API + path, undefined, token)).blob())

async function signedIn<Answer>(request: (token: string) => Promise<Answer>): Promise<Answer> {
  const token = await session.access()
  if (token === null) throw new ApiError(401, 'You are not signed in any more.', SIGNED_OUT)
  try {
    return await request(token)
  } catch (error) {
    if ((error as ApiError).label === SIGNED_OUT) session.end()
    throw error
  }
}

/** Keeps what a sign-in gave. */
export async function begin(answer: Promise<SignedIn>): Promise<void> {
  session.keep(tokens(await answer))
}

function tokens({ user, name, access, refresh, seconds }: SignedIn): Tokens {
  return { user: { id: user, name }, access, refresh, expires: Date.now() + seconds * 1000 }
}
