import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ledger } from '../src/sync/ledger'

test('nothing is saved before the server covers the step 2', () => {
  const ledger = new Ledger()
  ledger.connected()
  expect(ledger.settled).toBe(false)
  ledger.sentStep2()
  expect(ledger.settled).toBe(false)
  ledger.saved(1)
  expect(ledger.settled).toBe(true)
})

test('edits that only the local copy has wait for the step 2 that carries them', () => {
  const ledger = new Ledger(3)
  ledger.connected()
  ledger.sentStep2()
  expect(ledger.waiting).toBe(3)
  ledger.saved(1)
  expect(ledger.waiting).toBe(0)
  expect(ledger.settled).toBe(true)
})

test('an acknowledgement of an earlier message leaves later edits waiting', () => {
  const ledger = new Ledger()
  ledger.connected()
  ledger.sentStep2()
  ledger.edited()
  ledger.sentUpdate()
  ledger.edited()
  ledger.saved(1)
  expect([ledger.waiting, ledger.settled]).toEqual([2, false])
  ledger.saved(2)
  expect([ledger.waiting, ledger.settled]).toEqual([1, false])
  ledger.sentUpdate()
  ledger.saved(3)
  expect([ledger.waiting, ledger.settled]).toEqual([0, true])
})

test('a lost connection puts unacknowledged edits back in the queue', () => {
  const ledger = new Ledger()
  ledger.connected()
  ledger.sentStep2()
  ledger.edited()
  ledger.sentUpdate()
  ledger.connected()
  expect([ledger.waiting, ledger.settled]).toEqual([1, false])
  ledger.sentStep2()
  ledger.saved(1)
  expect([ledger.waiting, ledger.settled]).toEqual([0, true])
})

test('an acknowledgement beyond what was sent changes nothing more', () => {
  const ledger = new Ledger()
  ledger.connected()
  ledger.saved(9)
  ledger.sentStep2()
  expect(ledger.settled).toBe(false)
})

type Step = 'edit' | 'send' | 'save' | 'reconnect'

test('settled is told exactly when a model server holds every edit', () => {
  const steps = fc.array(fc.constantFrom<Step>('edit', 'edit', 'send', 'send', 'save', 'save', 'reconnect'))
  fc.assert(
    fc.property(fc.nat(4), steps, (inherited, story) => {
      const ledger = new Ledger(inherited)
      let made = inherited
      let durable = 0
      let sent: number[] = [] // after each message of this connection: edits that the server then has
      let acknowledged = 0
      const connect = (): void => {
        ledger.connected()
        ledger.sentStep2()
        sent = [made]
        acknowledged = 0
      }
      connect()
      for (const step of story) {
        if (step === 'edit') {
          made += 1
          ledger.edited()
        } else if (step === 'send') {
          sent.push(made)
          ledger.sentUpdate()
        } else if (step === 'save' && acknowledged < sent.length) {
          durable = Math.max(durable, sent[acknowledged] ?? 0)
          acknowledged += 1
          ledger.saved(acknowledged)
        } else if (step === 'reconnect') connect()
        expect(ledger.waiting).toBe(made - durable)
        expect(ledger.settled).toBe(durable === made && acknowledged === sent.length)
      }
    }),
  )
})
