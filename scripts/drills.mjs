// `npm run drills [-- redis-down …]`: see docs/playbooks/README.md.
import { runCompiled } from './compiled.mjs'

await runCompiled('drills', 'main')
