import { describe, expect, it } from 'vitest'
import type { StoredReading } from '../../../apps/cold-chain/src/domain/store-readings.ts'
import { ReadingStream } from '../../../apps/cold-chain/src/realtime/reading-stream.ts'

const takenAt = new Date('2026-03-01T12:00:00Z')

function reading(organisationId: string, unitId: number, celsius: number): StoredReading {
  return { organisationId, unitId, siteId: 1, deviceId: unitId, celsius, takenAt }
}

function open(heard: readonly string[]) {
  const sent: [string, number[]][] = []
  const stream = new ReadingStream({
    isHeard: (organisationId) => heard.includes(organisationId),
    emit: (organisationId, readings) => sent.push([organisationId, readings.map(({ celsius }) => celsius)]),
  })
  return { stream, sent }
}

describe('the stream of readings', () => {
  it('sends the latest reading of each unit once a second, each organisation when its own second is over', () => {
    const { stream, sent } = open(['org-1', 'org-2'])
    stream.add([reading('org-1', 1, 4), reading('org-1', 2, 5)], 0)
    stream.add([reading('org-2', 3, 6)], 400)
    stream.add([reading('org-1', 1, 7)], 900)
    stream.flush(999)
    expect(sent).toEqual([])
    stream.flush(1_000)
    expect(sent).toEqual([['org-1', [7, 5]]])
    stream.flush(1_400)
    expect(sent.slice(1)).toEqual([['org-2', [6]]])
    stream.add([reading('org-1', 1, 8)], 1_500)
    stream.flush(2_400)
    expect(sent).toHaveLength(2)
    stream.flush(2_500)
    expect(sent.slice(2)).toEqual([['org-1', [8]]])
  })

  it('gathers nothing for an organisation that nobody listens to', () => {
    const { stream, sent } = open([])
    stream.add([reading('org-1', 1, 4)], 0)
    stream.flush(5_000)
    expect(sent).toEqual([])
  })
})
