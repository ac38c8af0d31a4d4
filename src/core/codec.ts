/** Plain JSON, as any program reads it. */
export const PLAIN = 'j'
/** JSON in which what JSON lacks is written as `{"$": "<type>", "v": …}`. */
export const TAGGED = 't'

const MAX_DEPTH = 500

/** Where a value is not plain data: `path` as the user would write it, `found` what stands there. */
export class NotPlainData {
  readonly path: string
  readonly found: string

  constructor(path: string, found: string) {
    this.path = path
    this.found = found
  }
}

const TYPED_ARRAYS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const

type TypedArrayName = keyof typeof TYPED_ARRAYS

/**
 * The text of a value and how to read it, or where it cannot be told to another process without changing. Readable in
 * `redis-cli`: only Date, Map, Set, BigInt, typed arrays, `undefined`, NaN, infinities and -0 need type tags.
 */
export function encodeValue(value: unknown): { codec: string; text: string } | NotPlainData {
  const look: Look = { isPlain: true, problem: undefined, open: new Set() }
  inspect(value, '', 0, look)
  if (look.problem) return look.problem
  return look.isPlain
    ? { codec: PLAIN, text: JSON.stringify(value) }
    : { codec: TAGGED, text: JSON.stringify(tag(value)) }
}

/** The value of a text. Throws on text that no `encodeValue` wrote. */
export function decodeValue(codec: string, text: string): unknown {
  if (codec === PLAIN) return JSON.parse(text)
  if (codec === TAGGED) return untag(JSON.parse(text))
  throw new TypeError(`unknown codec '${codec}'`)
}

interface Look {
  isPlain: boolean
  problem: NotPlainData | undefined
  readonly open: Set<object>
}

function inspect(value: unknown, path: string, depth: number, look: Look): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return
    case 'number':
      if (!Number.isFinite(value) || Object.is(value, -0)) look.isPlain = false
      return
    case 'undefined':
    case 'bigint':
      look.isPlain = false
      return
    case 'object':
      if (value !== null) inspectObject(value, path, depth, look)
      return
    default:
      look.problem ??= new NotPlainData(path || 'the value', `a ${typeof value}`)
  }
}

function inspectObject(value: object, path: string, depth: number, look: Look): void {
  if (look.problem) return
  if (look.open.has(value)) {
    look.problem = new NotPlainData(path || 'the value', 'a reference to one of its own ancestors')
    return
  }
  if (depth > MAX_DEPTH) {
    look.problem = new NotPlainData(`${path.slice(0, 60)}…`, `nested deeper than ${MAX_DEPTH} levels`)
    return
  }
  look.open.add(value)
  if (Array.isArray(value)) {
    // By index, so that holes are met too.
    for (let index = 0; index < value.length; index++) inspect(value[index], `${path}[${index}]`, depth + 1, look)
  } else if (isPlainObject(value)) {
    for (const name of Object.keys(value)) {
      // An object that could be taken for a tag is written as one.
      if (name === '$') look.isPlain = false
      inspect((value as Record<string, unknown>)[name], path ? `${path}.${name}` : name, depth + 1, look)
    }
  } else if (value instanceof Map) {
    look.isPlain = false
    for (const [key, item] of value) {
      inspect(key, `${path}<key>`, depth + 1, look)
      inspect(item, `${path}<value>`, depth + 1, look)
    }
  } else if (value instanceof Set) {
    look.isPlain = false
    for (const item of value) inspect(item, `${path}<item>`, depth + 1, look)
  } else if (value instanceof Date || typedArrayName(value) !== undefined) {
    look.isPlain = false
  } else {
    look.problem = new NotPlainData(
      path || 'the value',
      `an instance of ${value.constructor?.name ?? 'an unknown class'}`,
    )
  }
  look.open.delete(value)
}

function tag(value: unknown): unknown {
  if (typeof value === 'bigint') return { $: 'bigint', v: value.toString() }
  if (value === undefined) return { $: 'undefined' }
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { $: 'number', v: Object.is(value, -0) ? '-0' : String(value) }
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Array.from(value, tag)
  if (value instanceof Date) return { $: 'Date', v: Number.isNaN(value.getTime()) ? null : value.toISOString() }
  if (value instanceof Map) return { $: 'Map', v: Array.from(value, ([key, item]) => [tag(key), tag(item)]) }
  if (value instanceof Set) return { $: 'Set', v: Array.from(value, tag) }
  const typed = typedArrayName(value)
  if (typed) {
    const type = Buffer.isBuffer(value) ? 'Buffer' : typed
    const { buffer, byteOffset, byteLength } = value as Uint8Array
    return { $: type, v: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }
  }
  const members = Object.entries(value).map(([name, item]) => [name, tag(item)] as const)
  return Object.hasOwn(value, '$') ? { $: 'object', v: members } : fromMembers(members)
}

function untag(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(untag)
  const { $: type, v } = value as { $?: unknown; v?: never }
  if (type === undefined) return fromMembers(Object.entries(value).map(([name, item]) => [name, untag(item)] as const))
  switch (type) {
    case 'bigint':
      return BigInt(v as unknown as string)
    case 'undefined':
      return undefined
    case 'number':
      return Number(v)
    case 'Date':
      return new Date(v ?? Number.NaN)
    case 'Map':
      return new Map((v as unknown as [unknown, unknown][]).map(([key, item]) => [untag(key), untag(item)]))
    case 'Set':
      return new Set((v as unknown as unknown[]).map(untag))
    case 'object':
      return fromMembers((v as unknown as [string, unknown][]).map(([name, item]) => [name, untag(item)] as const))
    case 'Buffer':
      return Buffer.from(v as unknown as string, 'base64')
    default: {
      if (!Object.hasOwn(TYPED_ARRAYS, type as string)) throw new TypeError('unknown type tag')
      const bytes = Buffer.from(v as unknown as string, 'base64')
      const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
      return new TYPED_ARRAYS[type as TypedArrayName](own)
    }
  }
}

/** As `Object.fromEntries`: a member called `__proto__` becomes a member, not the prototype. */
function fromMembers(members: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(members)
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype === null || prototype === Object.prototype) return true
  // Object.prototype of another realm (vm, worker) counts; a class that extends null does not.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

function typedArrayName(value: object): TypedArrayName | undefined {
  if (!ArrayBuffer.isView(value)) return undefined
  const name = Object.prototype.toString.call(value).slice(8, -1)
  return Object.hasOwn(TYPED_ARRAYS, name) ? (name as TypedArrayName) : undefined
}
