import { describe, it } from 'vitest'
import { DRILLS } from '../../../drills/drills.ts'
import { Drill } from '../../../drills/kit/drill.ts'
import { ROOT } from '../../package/repository.ts'

describe('S3-8: each playbook, followed on a real stack', () => {
  it.each(Object.entries(DRILLS))('%s ends green', async (name, play) => {
    const lines: string[] = []
    try {
      await new Drill(name, { root: ROOT, say: (line) => void lines.push(line) }).play(play)
    } catch (error) {
      throw new Error(`${lines.join('\n')}\n${error instanceof Error ? error.message : error}`, { cause: error })
    }
  })
})
