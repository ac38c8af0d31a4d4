import ts from 'typescript'

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate']
const CALLS = [
  'Date.now',
  'performance.now',
  'process.hrtime',
  'Math.random',
  'crypto.randomUUID',
  'crypto.randomBytes',
]

/** Where a file reads time or chance by itself instead of asking the ports. */
export function timeAndChanceOf(path: string, text: string): string[] {
  if (/clock|random/.test(path.slice(path.lastIndexOf('/') + 1))) return []
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const name = nameOf(node)
    if (name) found.push(`${path}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1} uses ${name}`)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function nameOf(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node) && TIMERS.includes(node.text) && !isMember(node)) return node.text
  if (ts.isPropertyAccessExpression(node)) {
    const name = node.getText().replace(/^globalThis\./, '')
    if (CALLS.includes(name) || TIMERS.some((timer) => node.getText() === `globalThis.${timer}`)) return name
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) return 'new Date()'
  return undefined
}

/** `clock.setTimeout` is somebody's method, `{ setTimeout: … }` somebody's field. */
function isMember(node: ts.Identifier): boolean {
  const { parent } = node
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node)
  )
}
