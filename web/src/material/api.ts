/** The server's HTTP interface. Every function rejects with an ApiError. */
import { encodeId } from './address'

/** An answer that is not a success. `status` 0: nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
    /** What went wrong, for programs. */
    readonly label = '',
  ) {
    super(detail)
  }
}

export interface Links {
  /** Absent for those who may only read. */
  edit?: string
  view: string
}

export interface Admission {
  token: string
  /** Signed guest identity, to be sent again next time. */
  guest: string
  role: string
  user: { id: string; name: string }
  /** Whether sockets are opened with tickets, for which the token is exchanged. */
  tickets: boolean
}

/** Creates an empty study guide. */
export function createGuide(title: string): Promise<{ id: string; links: Required<Links> }> {
  return request('/api/v1/materials', { kind: 'guide', title })
}

/** Exchanges a link's capability for a token of this guest. */
export function requestToken(body: { id: string; k?: string; guest?: string; name?: string }): Promise<Admission> {
  return request('/api/v1/token', body)
}

/** Exchanges a token for a ticket that opens one socket of a material, within a minute. */
export async function fetchSocketTicket(material: string, token: string): Promise<string> {
  return (await request<{ ticket: string }>('/api/v1/socket-tickets', { material }, token)).ticket
}

export function fetchLinks(id: string, token: string): Promise<Links> {
  return request(`/api/v1/materials/${encodeId(id)}/links`, undefined, token)
}

/** Why nobody may write into a material; '' where they may. */
export async function fetchFrozen(id: string, token: string): Promise<string> {
  return (await request<{ frozen: string }>(`/api/v1/materials/${encodeId(id)}`, undefined, token)).frozen
}

const request = <Answer>(path: string, body?: object, token?: string): Promise<Answer> =>
  call<Answer>(body ? 'POST' : 'GET', path, body, token)

/** One request. The answer is undefined where the server gives none (204). */
export async function call<Answer>(method: string, path: string, body?: object, token?: string | null): Promise<Answer> {
  const response = await send(method, path, body, token)
  return (response.status === 204 ? undefined : await response.json()) as Answer
}

/** One request; its answer is a success. */
export async function send(method: string, path: string, body?: object, token?: string | null): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body) headers['content-type'] = 'application/json'
  if (token) headers['authorization'] = `Bearer ${token}`
  const init: RequestInit = body ? { method, body: JSON.stringify(body) } : { method }
  const response = await fetch(path, { ...init, headers }).catch(() => null)
  if (!response) throw new ApiError(0, 'The server cannot be reached.')
  if (!response.ok) throw await problem(response)
  return response
}

/** A problem+json answer (RFC 9457): the sentence for people, and the fragment of its type. */
async function problem(response: Response): Promise<ApiError> {
  const { detail, title, type } = (await response.json().catch(() => ({}))) as Record<string, string | undefined>
  const sentence = detail ?? title ?? `The server answered ${response.status}.`
  return new ApiError(response.status, sentence, type?.split('#')[1])
}
