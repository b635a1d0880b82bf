/** What to do when a connection ends. Pure. */

/** Why this page stops trying: the server's answer will stay the same. */
export type Ending = 'refused' | 'forbidden' | 'signed-out' | 'malformed' | 'missing' | 'outdated'

/** `refresh`: connect again with a new token. */
export type Verdict = 'retry' | 'refresh' | Ending

const BASE = 500 // milliseconds
const CAP = 15_000
const DRAIN_SPREAD = 2_000

export const DRAIN = 1012
const TOO_BIG = 1009 // a frame that the socket itself refused; sent again, it would be refused again
const UNAVAILABLE = 4503
const TOO_MANY = 4529

/** @param freshToken whether the token behind this connection was fetched anew because an earlier one was refused */
export function verdict(code: number, freshToken: boolean): Verdict {
  if (code === 4401) return freshToken ? 'signed-out' : 'refresh'
  if (code === 4403) return 'forbidden'
  if (code === TOO_BIG || code === 4413 || code === 4422) return 'refused'
  if (code === 4501) return 'refresh'
  return code >= 4400 && code < 4500 ? 'malformed' : 'retry'
}

/** The verdict on an HTTP status of the token request; 0 stands for "no answer". */
export function tokenVerdict(status: number): Verdict {
  if (status === 401) return 'signed-out'
  if (status === 403) return 'forbidden'
  if (status === 404 || status === 410) return 'missing'
  return status === 400 || status === 422 ? 'malformed' : 'retry'
}

/**
 * Milliseconds to wait before the attempt after `failures` failed ones in a row: doubling, with jitter, so
 * that a class does not come back in one instant. `random` is in [0, 1).
 */
export function backoff(failures: number, code: number, random: number): number {
  if (code === DRAIN && failures <= 1) return random * DRAIN_SPREAD
  const patient = code === UNAVAILABLE || code === TOO_MANY ? 2 : 0
  const ceiling = Math.min(CAP, BASE * 2 ** Math.min(failures - 1 + patient, 10))
  return ceiling * (0.5 + random / 2)
}
