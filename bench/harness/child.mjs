// One measurement in a process of its own: `node child.mjs <scenario> <spec as JSON>`. The last line is the result.
// Only the scenario's own file is loaded: what the others import changes what V8 makes of this one.
const [, , name, spec] = process.argv
const { scenario } = await import(`../scenarios/${name}.mjs`)
const figures = await scenario.measure(JSON.parse(spec))
console.log(JSON.stringify(figures))
// Some rivals keep timers that nobody can stop.
process.exit(0)
