/** One clear line for a port that can't be had; nothing for any other error. `command` is how the program was started. */
export function explainListenError(
  error: NodeJS.ErrnoException,
  { host, port, command }: { host: string; port: number; command: string },
): string | undefined {
  if (error.code === 'EADDRINUSE')
    return `Port ${port} on ${host} is taken. Stop what runs there, or choose another: PORT=${port + 1} ${command}`
  if (error.code === 'EACCES' && error.syscall === 'listen')
    return `This user may not open port ${port}. Choose one above 1023: PORT=3000 ${command}`
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return `This machine has no address ${host}. Set HOST to one it has, such as 127.0.0.1.`
  return undefined
}
