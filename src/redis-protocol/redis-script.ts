import { createHash } from 'node:crypto'

/** A Lua script and the digest by which a server that has seen it knows it. */
export interface RedisScript {
  readonly name: string
  readonly lua: string
  readonly sha: string
}

export function defineScript(name: string, lua: string): RedisScript {
  return Object.freeze({ name, lua, sha: createHash('sha1').update(lua).digest('hex') })
}
