import type { Plugin } from 'esbuild'

/** The module that stands for `esteira` in a bundle. Its name is part of the list of files a bundle was made of. */
export const FRONT = 'esteira:front'

/**
 * Resolves `import … from 'esteira'` in a project: the project runs with this very library, wherever its folder lies, and each
 * name comes from the package that has it. The front of everything would load all pipelines into every step; a project
 * mostly needs the words of `core` and zod.
 *
 * @param library Address of the front of everything.
 */
export function projectImports(library: string): Plugin {
  return {
    name: 'esteira',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^esteira$/ }, () => ({ path: 'front', namespace: 'esteira' }))
      onLoad({ filter: /.*/, namespace: 'esteira' }, async () => ({ contents: await frontOf(library) }))
      // Our packages do nothing when they are imported: one of which no name is used need not be loaded.
      onResolve({ filter: /.*/, namespace: 'esteira' }, ({ path }) => ({ path, external: true, sideEffects: false }))
    },
  }
}

/** A name that two packages have means the same in both; a test holds the front to that. */
async function frontOf(library: string): Promise<string> {
  const core = import.meta.resolve('@esteira/core')
  const [front, words] = await Promise.all([namesOf(library), namesOf(core)])
  const known = new Set(words)
  return [
    reexport(['z'], import.meta.resolve('zod')),
    reexport(
      front.filter((name) => known.has(name)),
      core,
    ),
    reexport(
      front.filter((name) => !known.has(name) && name !== 'z'),
      library,
    ),
  ].join('\n')
}

async function namesOf(address: string): Promise<readonly string[]> {
  return Object.keys(await import(address))
}

function reexport(names: readonly string[], from: string): string {
  return `export { ${names.join(', ')} } from ${JSON.stringify(from)}`
}
