/**
 * Hits of the offline optimum: who is needed again last leaves, and that may be the one just asked for (Belady's MIN
 * with bypass). No eviction can do better.
 */
export function optimumHits(keys, capacity) {
  const nextUse = nextUses(keys)
  const heldUntil = new Float64Array(highest(keys) + 1).fill(-1)
  const heap = new FarthestFirst()
  let held = 0
  let hits = 0
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]
    const again = nextUse[at]
    if (heldUntil[key] >= 0) {
      hits++
      held--
    }
    heldUntil[key] = -1
    if (again === Infinity) continue
    heldUntil[key] = again
    heap.push(again, key)
    held++
    while (held > capacity) {
      // What was used since is still in the heap, but below all others: its next use is over.
      heldUntil[heap.pop().key] = -1
      held--
    }
  }
  return hits
}

function nextUses(keys) {
  const next = new Float64Array(keys.length)
  const last = new Float64Array(highest(keys) + 1).fill(Infinity)
  for (let at = keys.length - 1; at >= 0; at--) {
    next[at] = last[keys[at]]
    last[keys[at]] = at
  }
  return next
}

function highest(keys) {
  let top = 0
  for (const key of keys) if (key > top) top = key
  return top
}

class FarthestFirst {
  #heap = []

  push(again, key) {
    const heap = this.#heap
    let at = heap.length
    heap.push({ again, key })
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (heap[parent].again >= again) break
      heap[at] = heap[parent]
      at = parent
    }
    heap[at] = { again, key }
  }

  pop() {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1].again > heap[child].again) child++
      if (heap[child].again <= last.again) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = last
    return top
  }
}
