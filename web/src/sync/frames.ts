/**
 * Frames of the subprotocol `studyhub.v1`: those of y-websocket (https://github.com/yjs/y-websocket) plus
 * type 100, a JSON object. One message per frame. Pure.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

const SYNC = 0
const PRESENCE = 1
const QUERY_PRESENCE = 3
const CONTROL = 100

const STEP1 = 0
const STEP2 = 1
const UPDATE = 2

/** A JSON message of the subprotocol; `type` tells which. */
export interface Control {
  type: string
  [field: string]: unknown
}

export type Frame =
  | { kind: 'step1'; vector: Uint8Array }
  | { kind: 'step2'; update: Uint8Array }
  | { kind: 'update'; update: Uint8Array }
  | { kind: 'presence'; payload: Uint8Array }
  | { kind: 'query-presence' }
  | { kind: 'control'; message: Control }
  | { kind: 'unknown' }

export type Bytes = Uint8Array<ArrayBuffer>

function sync(step: number, payload: Uint8Array): Bytes {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, SYNC)
    encoding.writeVarUint(encoder, step)
    encoding.writeVarUint8Array(encoder, payload)
  }) as Bytes
}

/** Sync step 1: "this is my state vector, send me the rest". */
export const encodeStep1 = (vector: Uint8Array): Bytes => sync(STEP1, vector)

/** Sync step 2: all that this replica has and the other side lacks. */
export const encodeStep2 = (update: Uint8Array): Bytes => sync(STEP2, update)

export const encodeUpdate = (update: Uint8Array): Bytes => sync(UPDATE, update)

/** An awareness payload as `encodeAwarenessUpdate` of y-protocols gives it. */
export function encodePresence(payload: Uint8Array): Bytes {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, PRESENCE)
    encoding.writeVarUint8Array(encoder, payload)
  }) as Bytes
}

export function encodeControl(message: Control): Bytes {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, CONTROL)
    encoding.writeVarString(encoder, JSON.stringify(message))
  }) as Bytes
}

/** Reads one frame. Throws on malformed bytes; a type from a newer server is `unknown`. */
export function decode(bytes: Uint8Array): Frame {
  const decoder = decoding.createDecoder(bytes)
  switch (decoding.readVarUint(decoder)) {
    case SYNC:
      return decodeSync(decoder)
    case PRESENCE:
      return { kind: 'presence', payload: decoding.readVarUint8Array(decoder) }
    case QUERY_PRESENCE:
      return { kind: 'query-presence' }
    case CONTROL:
      return { kind: 'control', message: decodeControl(decoding.readVarString(decoder)) }
    default:
      return { kind: 'unknown' }
  }
}

function decodeSync(decoder: decoding.Decoder): Frame {
  const step = decoding.readVarUint(decoder)
  const payload = decoding.readVarUint8Array(decoder)
  switch (step) {
    case STEP1:
      return { kind: 'step1', vector: payload }
    case STEP2:
      return { kind: 'step2', update: payload }
    case UPDATE:
      return { kind: 'update', update: payload }
    default:
      return { kind: 'unknown' }
  }
}

function decodeControl(text: string): Control {
  const message: unknown = JSON.parse(text)
  if (typeof message !== 'object' || message === null || !('type' in message)) {
    throw new Error('a control message without a type')
  }
  return message as Control
}
