/** Sizes of a cache that are tried: percent of a trace's unique keys, or of their bytes. */
export const SHARES = [0.1, 1, 5, 10, 20]

/** The same names in reports and pictures: the figure of a share is called by its number. */
export const SHARE_FIGURES = SHARES.map((share) => ({ name: `${share}`, title: `${share} %`, digits: 1 }))

export const roomFor = (share, whole) => Math.max(1, Math.round((whole * share) / 100))
