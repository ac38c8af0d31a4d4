import { bytes } from './bytes.mjs'
import { get } from './get.mjs'
import { replay } from './replay.mjs'
import { stalls } from './stalls.mjs'

export const questions = [get, replay, bytes, stalls]
