import { describe, expect, it } from 'vitest'
import { Flight, Flights } from '../../../src/core/flights.js'

describe('a flight', () => {
  it('tells who asks after its end what it came to', async () => {
    const flight = new Flight<number>('k', 0, 0)
    flight.succeed(1)
    expect(await flight.answer).toBe(1)
    const failed = new Flight<number>('k', 0, 0)
    failed.fail(new Error('lost'))
    await expect(failed.answer).rejects.toThrow('lost')
  })

  it('answers who waits early, and whoever joins then with what it brings', async () => {
    const flight = new Flight<number>('k', 0, 0)
    const before = flight.join()
    flight.succeedEarly(1, 10)
    expect(flight.waiters).toBe(0)
    const after = flight.join()
    // Who was answered early has nothing to leave.
    expect(flight.leave(before)).toBe(false)
    expect(flight.leave(after)).toBe(true)
    flight.succeed(2)
    expect([await before, await after]).toEqual([1, 2])
  })
})

describe('the table of flights', () => {
  it('keeps those of one key in order, whichever ends first', () => {
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]
    for (const order of orders) {
      const flights = new Flights<number>()
      const all = order.map(() => new Flight<number>('k', 0, 0))
      for (const flight of all) flights.register(flight)
      const left = new Set(all)
      for (const place of order) {
        flights.settle(all[place]!)
        left.delete(all[place]!)
        expect([...flights.of('k')]).toEqual([...left].reverse())
      }
      expect(flights.size).toBe(0)
    }
  })

  it('loses nobody when it begins anew', () => {
    const flights = new Flights<number>()
    const long = [new Flight<number>('long', 0, 0), new Flight<number>('long', 0, 0)]
    for (const flight of long) flights.register(flight)
    for (let index = 0; index < 5_000; index++) {
      const flight = new Flight<number>(index, 0, 0)
      flights.register(flight)
      flights.settle(flight)
      expect(flights.joinable('long')).toBe(long[1])
    }
    expect(flights.size).toBe(1)
    expect([...flights.of('long')]).toEqual([long[1], long[0]])
    for (const flight of long) flights.settle(flight)
    expect(flights.size).toBe(0)
  })
})
