import { expect, test } from 'vitest'
import { Changes } from '../src/account/changes.svelte'

test('after a change the list is read again, and then it is said', async () => {
  const events: string[] = []
  const changes = new Changes(async () => void events.push(`read, said "${changes.said}"`))
  expect(await changes.run(async () => void events.push('changed'), 'Done')).toBe(true)
  expect(events).toEqual(['changed', 'read, said ""'])
  expect([changes.said, changes.problem, changes.isLoaded]).toEqual(['Done', '', true])
})

test('a failed change is told, and nothing is said to be done', async () => {
  const changes = new Changes(async () => undefined)
  await changes.run(async () => undefined, 'Done')
  expect(await changes.run(() => Promise.reject(new Error('no')), 'Done')).toBe(false)
  expect([changes.said, changes.problem]).toEqual(['', 'no'])
})

test('a form hears of the failure itself', async () => {
  const changes = new Changes(async () => undefined)
  await expect(changes.make(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(changes.problem).toBe('')
})
