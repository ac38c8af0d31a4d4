import { InvalidOptionError } from './errors.js'

export const MAX_TAG_LENGTH = 128
export const MAX_TAGS_PER_ENTRY = 64

const NONE: readonly string[] = Object.freeze([])

/** Tags without repetition, checked. */
export function checkTags(value: unknown, field: string): readonly string[] {
  if (value === undefined) return NONE
  if (!Array.isArray(value) || value.length > MAX_TAGS_PER_ENTRY) {
    throw new InvalidOptionError({
      field,
      value,
      rule: `must be an array of at most ${MAX_TAGS_PER_ENTRY} tags`,
      code: 'INVALID_TAG',
    })
  }
  if (value.length === 0) return NONE
  for (const [index, tag] of value.entries()) checkTag(tag, `${field}[${index}]`)
  // A copy: the caller may change the array later.
  return value.length === 1 ? [value[0]] : [...new Set<string>(value)]
}

function checkTag(tag: unknown, field: string): void {
  const rule = `must be text of 1 to ${MAX_TAG_LENGTH} characters without control characters`
  if (typeof tag !== 'string' || tag.length === 0 || tag.length > MAX_TAG_LENGTH || !isClean(tag)) {
    throw new InvalidOptionError({ field, value: tag, rule, code: 'INVALID_TAG' })
  }
}

/** No control characters, no lone surrogates: what a tenant's id and a tag must be. */
export function isClean(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text)
}
