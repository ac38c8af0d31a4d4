// The loops that are timed. One for each way of asking, so that each is compiled for one kind of call alone; the sum
// keeps the compiler from leaving a read out, and finds a cache that answers nothing.
import { keyOf, TRACE_LENGTH } from './workload.mjs'

const MASK = TRACE_LENGTH - 1

export const loops = {
  'getOrFill reused': ({ getOrFill }, { trace, keys }) =>
    checked(async (start, count) => {
      let sum = 0
      for (let at = start; at < start + count; at++) sum += (await getOrFill(keys[trace[at & MASK]])).count
      return sum
    }),
  'getOrFill joined': ({ getOrFill }, { trace, joined }) =>
    checked(async (start, count) => {
      let sum = 0
      for (let at = start; at < start + count; at++) sum += (await getOrFill(joined[trace[at & MASK]])).count
      return sum
    }),
  'getOrFill built': ({ getOrFill }, { trace }) =>
    checked(async (start, count) => {
      let sum = 0
      for (let at = start; at < start + count; at++) sum += (await getOrFill(keyOf(trace[at & MASK]))).count
      return sum
    }),
  'peek reused': ({ peek }, { trace, keys }) =>
    checked((start, count) => {
      let sum = 0
      for (let at = start; at < start + count; at++) sum += peek(keys[trace[at & MASK]]).count
      return sum
    }),
  'peek joined': ({ peek }, { trace, joined }) =>
    checked((start, count) => {
      let sum = 0
      for (let at = start; at < start + count; at++) sum += peek(joined[trace[at & MASK]]).count
      return sum
    }),
  'peek built': ({ peek }, { trace }) =>
    checked((start, count) => {
      let sum = 0
      for (let at = start; at < start + count; at++) sum += peek(keyOf(trace[at & MASK])).count
      return sum
    }),
}

function checked(loop) {
  return async (start, count) => {
    const sum = await loop(start, count)
    if (sum !== count) throw new Error(`read ${count} values, but they add up to ${sum}`)
  }
}
