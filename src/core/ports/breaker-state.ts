/** `open`: calls are refused at once; `half-open`: one at a time is let through to find out. */
export type BreakerState = 'closed' | 'open' | 'half-open'
