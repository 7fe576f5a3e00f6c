import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

type Core = typeof import('@tensorflow/tfjs-core')
type Layers = typeof import('@tensorflow/tfjs-layers')

/** TensorFlow.js with a backend that is ready. */
export interface Tensorflow {
  readonly core: Core
  readonly layers: Layers
  readonly backend: string
}

let opened: Promise<Tensorflow> | undefined

/**
 * TensorFlow.js on the fastest backend there is: the native one when the user installed `@tensorflow/tfjs-node`,
 * otherwise WebAssembly, and plain JavaScript where that cannot start. Loaded once.
 */
export function openTensorflow(): Promise<Tensorflow> {
  opened ??= open()
  return opened
}

async function open(): Promise<Tensorflow> {
  const [core, layers] = await Promise.all([import('@tensorflow/tfjs-core'), import('@tensorflow/tfjs-layers')])
  for (const start of [startNative, startWebAssembly]) {
    const backend = await start(core)
    if (backend !== undefined) return { core, layers, backend }
  }
  await import('@tensorflow/tfjs-backend-cpu')
  await core.setBackend('cpu')
  return { core, layers, backend: 'cpu' }
}

/** The optional package is no dependency of ours: its installation downloads a binary. */
async function startNative(core: Core): Promise<string | undefined> {
  const name: string = '@tensorflow/tfjs-node'
  try {
    await import(name)
    return (await core.setBackend('tensorflow')) ? 'tensorflow' : undefined
  } catch {
    return undefined
  }
}

async function startWebAssembly(core: Core): Promise<string | undefined> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')
  setWasmPaths(join(dirname(main), '/'))
  return (await core.setBackend('wasm')) ? 'wasm' : undefined
}
