/** Policies that have a label of their own, in one cache. */
export const MAX_POLICY_LABELS = 200

/** Names of policies as labels. A program that makes policies without end does not make series without end. */
export class PolicyLabels {
  readonly #known = new Set<string>()

  of(policy: string): string {
    if (this.#known.has(policy)) return policy
    if (this.#known.size >= MAX_POLICY_LABELS) return 'other'
    this.#known.add(policy)
    return policy
  }
}
