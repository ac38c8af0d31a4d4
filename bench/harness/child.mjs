// One measurement in a process of its own: `node child.mjs <scenario> <spec as JSON>`. The last line is the result.
import { scenarios } from './scenarios.mjs'

const [, , name, spec] = process.argv
const scenario = (await scenarios()).get(name)
const figures = await scenario.measure(JSON.parse(spec))
console.log(JSON.stringify(figures))
// Some rivals keep timers that nobody can stop.
process.exit(0)
