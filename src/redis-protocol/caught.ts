/** A promise whose rejection is for whoever asks for it: nobody may, where another part of the question failed first. */
export function caught<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
