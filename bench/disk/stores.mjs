// Stores of bytes on disk behind one shape: set, get, setMany, getMany, deleteMany, close.
import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  openSync,
  read,
  readFileSync,
  write,
  writeFileSync,
} from 'node:fs'
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'

const each = (keys, work) => Promise.all(keys.map(work))

/** One by one, for those that have no batches of their own. */
const oneByOne = ({ set, get, remove, ...rest }) => ({
  set,
  get,
  setMany: (entries) => each(entries, ([key, value]) => set(key, value)),
  getMany: (keys) => each(keys, get),
  deleteMany: (keys) => each(keys, remove),
  ...rest,
})

/** The floor: one file, one pwrite or pread each, no checksum, no deletion; its places are kept at closing. */
const raw = (syncs) => async (directory) => {
  const path = join(directory, 'raw')
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT)
  const places = new Map(existsSync(`${path}.json`) ? JSON.parse(readFileSync(`${path}.json`, 'utf8')) : [])
  let end = 0
  for (const { at, length } of places.values()) end = Math.max(end, at + length)
  const call = (operation, ...rest) =>
    new Promise((resolve, reject) => {
      operation(fd, ...rest, (error) => (error ? reject(error) : resolve()))
    })
  return oneByOne({
    set: async (key, value) => {
      const at = end
      places.set(key, { at, length: value.length })
      end += value.length
      await call(write, value, 0, value.length, at)
      if (syncs) await call(fdatasync)
    },
    get: async (key) => {
      const place = places.get(key)
      if (place === undefined) return undefined
      const bytes = Buffer.allocUnsafe(place.length)
      await call(read, bytes, 0, bytes.length, place.at)
      return bytes
    },
    remove: async (key) => places.delete(key),
    close: async () => {
      closeSync(fd)
      writeFileSync(`${path}.json`, JSON.stringify([...places]))
    },
  })
}

/** A file an entry: temporary name, then rename. */
const files = (syncs) => async (directory) => {
  const path = (key) => join(directory, String(key.length % 7), encodeURIComponent(key))
  for (let n = 0; n < 7; n++) await mkdir(join(directory, String(n)), { recursive: true })
  let lastId = 0
  return oneByOne({
    set: async (key, value) => {
      // Two stores of one key may be under way.
      const temporary = `${path(key)}.${lastId++}.tmp`
      const file = await open(temporary, 'w')
      await file.writeFile(value)
      if (syncs) await file.datasync()
      await file.close()
      await rename(temporary, path(key))
    },
    get: (key) => readFile(path(key)).catch(() => undefined),
    remove: (key) => unlink(path(key)),
    close: async () => {},
  })
}

const freshtier = (options) => async (directory) => {
  const { openDiskStore } = await import('freshtier/disk')
  const store = await openDiskStore({ directory, maxBytes: '4gb', maxEntries: 2_000_000, ...options })
  return {
    set: (key, value) => store.set({ key, value }),
    get: async (key) => (await store.get(key))?.value,
    setMany: (entries) => store.setMany(entries.map(([key, value]) => ({ key, value }))),
    getMany: async (keys) => (await store.getMany(keys)).map(({ value }) => value),
    deleteMany: (keys) => store.delete(keys),
    stats: () => store.stats(),
    close: () => store.close(),
  }
}

async function bentocache(directory) {
  const { FileDriver } = await import('bentocache/drivers/file')
  const driver = new FileDriver({ directory, pruneInterval: false })
  // It keeps text.
  return oneByOne({
    set: (key, value) => driver.set(key, value.toString('latin1')),
    get: async (key) => {
      const found = await driver.get(key)
      return found === undefined ? undefined : Buffer.from(found, 'latin1')
    },
    remove: (key) => driver.delete(key),
    close: () => driver.disconnect(),
  })
}

async function cacache(directory) {
  const { default: store } = await import('cacache')
  return oneByOne({
    set: (key, value) => store.put(directory, key, value, { memoize: false }),
    get: async (key) => {
      try {
        return (await store.get(directory, key, { memoize: false })).data
      } catch (error) {
        if (error.code !== 'ENOENT') throw error
      }
    },
    remove: (key) => store.rm.entry(directory, key),
    close: async () => {},
  })
}

async function lmdb(directory) {
  const { open } = await import('lmdb')
  const store = open({ path: join(directory, 'lmdb'), encoding: 'binary', compression: false })
  return {
    set: (key, value) => store.put(key, value),
    get: async (key) => store.getBinary(key),
    setMany: (entries) => store.transaction(() => entries.forEach(([key, value]) => void store.put(key, value))),
    getMany: (keys) => Promise.all(keys.map((key) => store.getBinary(key))),
    deleteMany: (keys) => store.transaction(() => keys.forEach((key) => void store.remove(key))),
    close: () => store.close(),
  }
}

/** Not among the packages of the benches, because it needs a compiler: `npm install --no-save better-sqlite3`. */
async function sqlite(directory) {
  const { default: Database } = await import('better-sqlite3')
  const database = new Database(join(directory, 'sqlite.db'))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.exec('CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID')
  const put = database.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?)')
  const find = database.prepare('SELECT value FROM entries WHERE key = ?').pluck()
  const drop = database.prepare('DELETE FROM entries WHERE key = ?')
  const inOne = (work) => async (items) => database.transaction(() => items.map(work))()
  return {
    set: async (key, value) => put.run(key, value),
    get: async (key) => find.get(key),
    setMany: inOne(([key, value]) => put.run(key, value)),
    getMany: inOne((key) => find.get(key)),
    deleteMany: inOne((key) => drop.run(key)),
    close: async () => database.close(),
  }
}

const STORES = {
  'raw pread/pwrite': raw(false),
  'raw fsync': raw(true),
  'file + rename': files(false),
  'file + rename fsync': files(true),
  freshtier: freshtier({}),
  'freshtier fsync': freshtier({ durability: 'fsync' }),
  "freshtier 'files'": freshtier({ layout: 'files' }),
  'freshtier gzip 1': freshtier({ compression: { codec: 'gzip', level: 1 } }),
  'freshtier gzip 9': freshtier({ compression: { codec: 'gzip', level: 9 } }),
  'better-sqlite3': sqlite,
  lmdb,
  bentocache,
  cacache,
}

export const openStore = (name, directory) => STORES[name](directory)

/** Those that are installed; a bench says which one is not. */
export const rivals = () =>
  ['file + rename', 'better-sqlite3', 'lmdb', 'bentocache', 'cacache'].filter(
    (name) => name !== 'better-sqlite3' || canResolve(name),
  )

export function canResolve(name) {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}
