const { charCodeAt: method } = String.prototype

/**
 * As `text.charCodeAt(at)`, for the loops over keys and headers that every hit goes through.
 *
 * Once a class of the process extends `String`, as one of ioredis 6 does, V8 no longer inlines methods that it finds
 * through a text: the loop takes four times as long. A method that is called by itself stays inlined.
 */
export function charCodeAt(text: string, at: number): number {
  return method.call(text, at)
}
