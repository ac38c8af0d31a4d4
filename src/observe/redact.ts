export { errorText } from '../core/error-text.js'
export { redact } from '../core/redact.js'
