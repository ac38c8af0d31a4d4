// `npm run simulate [-- --seeds 100000 | --seed 7]`: see docs/proof.md.
import { runProof } from './proof.mjs'

await runProof('simulation/main')
