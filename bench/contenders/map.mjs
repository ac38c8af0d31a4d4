/** The floor of floors: no bound, no ttl, no fill. */
export const map = {
  name: 'Map',
  open: () => {
    const held = new Map()
    return {
      seed: (key, value) => held.set(key, value),
      getOrFill: (key) => held.get(key),
      peek: (key) => held.get(key),
    }
  },
}

/** What people write by hand: look, load, store. */
export const byHand = {
  name: 'Map by hand',
  open: ({ fill }) => {
    const held = new Map()
    return {
      getOrFill: async (key) => {
        if (held.has(key)) return held.get(key)
        const value = await fill(key)
        held.set(key, value)
        return value
      },
    }
  },
}
