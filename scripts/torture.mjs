// `npm run torture [-- --seconds 60] [--seed 1]`: see docs/proof.md.
import { runCompiled } from './compiled.mjs'

await runCompiled('proof', 'torture/main')
