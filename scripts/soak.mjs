// `npm run soak -- --minutes 4 [--seed 1]`: see docs/proof.md.
import { runCompiled } from './compiled.mjs'

await runCompiled('proof', 'soak/main', ['.', 'apps/cold-chain'])
