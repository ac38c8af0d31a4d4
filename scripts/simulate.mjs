// `npm run simulate [-- --seeds 100000 | --seed 7]`: see docs/proof.md.
import { runCompiled } from './compiled.mjs'

await runCompiled('proof', 'simulation/main')
