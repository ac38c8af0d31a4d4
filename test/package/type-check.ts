import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './repository.ts'

/** How a strict user of today compiles, declarations of packages included. */
const STRICT: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: false,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: ['node'],
  typeRoots: [join(ROOT, 'node_modules/@types')],
}

/** What the compiler finds wrong in these files, as `file:line message`. */
export function typeErrors(files: readonly string[], options: ts.CompilerOptions = {}): string[] {
  const program = ts.createProgram(files, { ...STRICT, ...options })
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')
    if (!diagnostic.file) return text
    const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start ?? 0)
    return `${diagnostic.file.fileName}:${line + 1} ${text}`
  })
}
