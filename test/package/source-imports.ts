import { posix } from 'node:path'
import ts from 'typescript'

export interface SourceImport {
  readonly specifier: string
  /** Gone after compilation, so it cannot close a ring or load a package. */
  readonly isTypeOnly: boolean
  readonly line: number
}

/** Everything that a file imports or exports from elsewhere, `import()` and `require()` included. */
export function importsOf(path: string, text: string): SourceImport[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found: SourceImport[] = []
  const add = (node: ts.Node | undefined, isTypeOnly: boolean): void => {
    if (!node || !ts.isStringLiteralLike(node)) return
    found.push({ specifier: node.text, isTypeOnly, line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1 })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node))
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeExport(node))
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    if (ts.isCallExpression(node) && isLoad(node.expression)) add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** The file that a relative specifier of a source file means, relative to the root; undefined for packages. */
export function targetOf(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const { namedBindings } = importClause
  if (importClause.name || !namedBindings || !ts.isNamedImports(namedBindings)) return false
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly)
}

function isTypeExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  if (isTypeOnly || !exportClause || !ts.isNamedExports(exportClause)) return isTypeOnly
  return exportClause.elements.length > 0 && exportClause.elements.every((element) => element.isTypeOnly)
}

function isLoad(expression: ts.Expression): boolean {
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && expression.text === 'require')
  )
}
