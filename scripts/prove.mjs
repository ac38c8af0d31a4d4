// `npm run prove [-- --small | <mutant>]`: see docs/proof.md.
import { runProof } from './proof.mjs'

await runProof('checker/main')
