/** What a device says when it is at fault, not what was asked of it. */
const DEVICE_ERRORS = new Set([
  'EIO',
  'EROFS',
  'EACCES',
  'EPERM',
  'EMFILE',
  'ENFILE',
  'ENOSPC',
  'EDQUOT',
  'ENODEV',
  'ENXIO',
  'ESTALE',
  'ENOTDIR',
])

export function isDeviceError(error: unknown): boolean {
  return DEVICE_ERRORS.has((error as NodeJS.ErrnoException | undefined)?.code ?? '')
}
