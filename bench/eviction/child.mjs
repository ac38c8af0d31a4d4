// One measurement in a process of its own: `node child.mjs <question> <spec as JSON>`. The last line is the result.
import { questions } from './questions.mjs'

const [, , name, spec] = process.argv
console.log(JSON.stringify(await questions.find((question) => question.name === name).measure(JSON.parse(spec))))
process.exit(0)
