/** The one value that a key may have at a version: some small, some with a file of their own. */
export function valueFor(key, version) {
  const length = [20, 300, 3_000, 20_000][(version * 7919) % 16 < 12 ? (version * 31) % 3 : 3]
  return `${key}@${version}:`.padEnd(length, `${version}-`)
}
