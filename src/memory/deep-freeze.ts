const MUTATORS = new Map<object, readonly string[]>([
  [Map.prototype, ['set', 'delete', 'clear']],
  [Set.prototype, ['add', 'delete', 'clear']],
  [Date.prototype, Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'))],
])

/**
 * Freezes a value and everything in it, in place. `Map`, `Set` and `Date` keep their state in slots that
 * `Object.freeze` does not reach, so their mutators are shadowed by ones that throw. Bytes (typed arrays, buffers)
 * can't be frozen and stay as they are.
 */
export function deepFreeze(value: unknown): void {
  const waiting: unknown[] = [value]
  const seen = new Set<object>()
  while (waiting.length > 0) {
    const part = waiting.pop()
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part) || seen.has(part)) continue
    seen.add(part)
    if (part instanceof Map) waiting.push(...part.keys(), ...part.values())
    else if (part instanceof Set) waiting.push(...part)
    for (const name of Reflect.ownKeys(part)) waiting.push(Object.getOwnPropertyDescriptor(part, name)?.value)
    if (!Object.isFrozen(part)) freeze(part)
  }
}

function freeze(part: object): void {
  for (const [prototype, names] of MUTATORS) {
    if (!Object.prototype.isPrototypeOf.call(prototype, part) || !Object.isExtensible(part)) continue
    for (const name of names) Object.defineProperty(part, name, { value: refuse })
  }
  Object.freeze(part)
}

function refuse(): never {
  throw new TypeError("This value is held by a cache with values: 'frozen'; copy it before changing it.")
}
