// `npm run torture [-- --seconds 60] [--seed 1]`: see docs/proof.md.
import { runProof } from './proof.mjs'

await runProof('torture/main')
