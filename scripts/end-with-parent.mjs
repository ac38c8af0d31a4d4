/**
 * Ends this process, as by SIGTERM, when npm is gone. npm starts scripts through a shell and sends its signals to that
 * shell, which dies of them without passing them on: `kill` of `npm start` would leave the server running.
 */
export function endWithParent() {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 250)
  watch.unref()
}
