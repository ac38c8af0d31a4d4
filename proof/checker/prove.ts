import { explore, type Verdict } from './explore.js'
import { KEY_MUTANTS, type KeyMutant, keyModel } from './key-protocol.js'
import { FULL_KEY_SCOPES, SMALL_KEY_SCOPES } from './key-scopes.js'
import { TAG_MUTANTS, type TagMutant, tagModel } from './tag-protocol.js'
import { FULL_TAG_SCOPES, SMALL_TAG_SCOPES } from './tag-scopes.js'

/** One exploration: a protocol, or one without a rule, in a scope. */
export interface Check {
  readonly scope: string
  readonly run: () => Verdict
}

export interface MutantCheck {
  readonly name: string
  /** What the protocol does without its rule. */
  readonly without: string
  /** The scopes to look for a counterexample in, one after the other. */
  readonly checks: readonly Check[]
}

/** Without this rule the protocol is slower, not wrong: the fence alone keeps it safe. */
export const EFFICIENCY_ONLY: ReadonlySet<string> = new Set<KeyMutant>(['release-blind'])

export function safetyChecks(size: 'small' | 'full'): Check[] {
  const [keys, tags] = size === 'small' ? [SMALL_KEY_SCOPES, SMALL_TAG_SCOPES] : [FULL_KEY_SCOPES, FULL_TAG_SCOPES]
  return [
    ...keys.map((scope) => ({ scope: `key, ${scope.name}`, run: () => explore(keyModel(scope)) })),
    ...tags.map((scope) => ({ scope: `tag, ${scope.name}`, run: () => explore(tagModel(scope)) })),
  ]
}

/** Each mutant in the small scopes: whoever breaks a rule is found there. */
export function mutantChecks(): MutantCheck[] {
  const key = Object.entries(KEY_MUTANTS).map(([name, without]) => ({
    name,
    without,
    checks: SMALL_KEY_SCOPES.map((scope) => ({
      scope: scope.name,
      run: () => explore(keyModel(scope, name as KeyMutant)),
    })),
  }))
  const tag = Object.entries(TAG_MUTANTS).map(([name, without]) => ({
    name,
    without,
    checks: SMALL_TAG_SCOPES.map((scope) => ({
      scope: scope.name,
      run: () => explore(tagModel(scope, name as TagMutant)),
    })),
  }))
  return [...key, ...tag]
}

/** The first scope in which something goes wrong; undefined if nothing does. */
export function counterexample({
  checks,
}: MutantCheck): { readonly scope: string; readonly fault: string; readonly trace: readonly string[] } | undefined {
  for (const { scope, run } of checks) {
    const verdict = run()
    if (verdict.verdict === 'violated') return { scope, fault: verdict.fault, trace: verdict.trace }
  }
  return undefined
}
