/**
 * ioredis 6 has a class that extends `String`, and that leaves `String.prototype` in V8's dictionary mode: every string
 * method of the whole process takes several times as long from then on. A store to an object that inherits from it ends
 * that (node-redis, which has such a class too, does the same for itself). Nothing else of strings changes.
 */
export function keepStringMethodsFast(): void {
  const heir = Object.create(String.prototype) as { isStored: boolean }
  heir.isStored = true
}
