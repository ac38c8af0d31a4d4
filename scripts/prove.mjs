// `npm run prove [-- --small | <mutant>]`: see docs/proof.md.
import { runCompiled } from './compiled.mjs'

await runCompiled('proof', 'checker/main')
