/** Times in the words of the reader's language. */

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const minute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** `, until <day>`; '' for what does not end. `time` is Unix time in milliseconds, as everywhere here. */
export const until = (time: number | null): string => (time === null ? '' : `, until ${day.format(time)}`)

export const at = (time: number): string => minute.format(time)
