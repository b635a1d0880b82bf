/** What a browser calls itself, in words. Pure. */

// The first that fits counts: many names of browsers also hold those of others.
const BROWSERS: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, 'Edge'],
  [/OPR\/|Opera/, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrom(e|ium)\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
]
const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/CrOS/, 'ChromeOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
]

/** For example `Firefox on Windows`; what is none of the known is shown as it is. */
export function browser(agent: string): string {
  const name = first(BROWSERS, agent)
  const system = first(SYSTEMS, agent)
  if (!name) return agent.slice(0, 60) || 'A browser'
  return system ? `${name} on ${system}` : name
}

function first(patterns: [RegExp, string][], text: string): string | undefined {
  return patterns.find(([pattern]) => pattern.test(text))?.[1]
}
