/** True for what a node of a Cluster says of a key that it does not hold (any more): the cluster's client knows where to go. */
export function isRedirected(error: unknown): boolean {
  return error instanceof Error && /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /.test(error.message)
}
