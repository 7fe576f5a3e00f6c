import { EsteiraError } from '@esteira/core'

/** Address of an object inside libxgboost, or of memory it owns. */
export type Pointer = bigint
type Out<T> = [T]
type OutPointer = Out<Pointer | null>

/** The functions of XGBoost's C API that we call; each returns 0, or fails with `XGBGetLastError`. */
export interface XgboostFunctions {
  XGDMatrixCreateFromDense(data: string, config: string, out: OutPointer): number
  XGDMatrixSetInfoFromInterface(matrix: Pointer, field: string, data: string): number
  XGDMatrixSetStrFeatureInfo(matrix: Pointer, field: string, values: readonly string[], size: number): number
  XGDMatrixFree(matrix: Pointer): number
  XGBoosterCreate(matrices: readonly Pointer[], count: number, out: OutPointer): number
  XGBoosterFree(booster: Pointer): number
  XGBoosterSetParam(booster: Pointer, name: string, value: string): number
  XGBoosterUpdateOneIter(booster: Pointer, iteration: number, matrix: Pointer): number
  XGBoosterEvalOneIter(
    booster: Pointer,
    iteration: number,
    matrices: readonly Pointer[],
    names: readonly string[],
    count: number,
    out: Out<string | null>,
  ): number
  XGBoosterSlice(booster: Pointer, begin: number, end: number, step: number, out: OutPointer): number
  XGBoosterBoostedRounds(booster: Pointer, out: Out<number>): number
  XGBoosterGetNumFeature(booster: Pointer, out: Out<number>): number
  XGBoosterPredictFromDense(
    booster: Pointer,
    data: string,
    config: string,
    meta: null,
    shape: OutPointer,
    dimensions: Out<number>,
    result: OutPointer,
  ): number
  XGBoosterSetStrFeatureInfo(booster: Pointer, field: string, values: readonly string[], size: number): number
  XGBoosterFeatureScore(
    booster: Pointer,
    config: string,
    count: Out<number>,
    names: OutPointer,
    dimensions: Out<number>,
    shape: OutPointer,
    scores: OutPointer,
  ): number
  XGBoosterSaveModel(booster: Pointer, file: string): number
  XGBoosterLoadModel(booster: Pointer, file: string): number
}

/** libxgboost, loaded. */
export interface XgboostLibrary {
  readonly file: string
  /** `major.minor.patch` */
  readonly version: string
  /** Calls a function and turns a failure into an error with XGBoost's own words. */
  call<K extends keyof XgboostFunctions>(name: K, ...args: Parameters<XgboostFunctions[K]>): void
  /** Address of the first number; valid while the caller holds the array. */
  addressOf(values: Float32Array | Float64Array): Pointer
  /** A copy of `length` floats at an address. */
  floatsAt(address: Pointer, length: number): Float32Array
  /** A copy of `length` texts at an address of `char *`s. */
  textsAt(address: Pointer, length: number): readonly string[]
}

const SIGNATURES: Readonly<Record<keyof XgboostFunctions, string>> = {
  XGDMatrixCreateFromDense: '(str data, str config, _Out_ void **out)',
  XGDMatrixSetInfoFromInterface: '(void *matrix, str field, str data)',
  XGDMatrixSetStrFeatureInfo: '(void *matrix, str field, str *values, uint64_t size)',
  XGDMatrixFree: '(void *matrix)',
  XGBoosterCreate: '(void **matrices, uint64_t count, _Out_ void **out)',
  XGBoosterFree: '(void *booster)',
  XGBoosterSetParam: '(void *booster, str name, str value)',
  XGBoosterUpdateOneIter: '(void *booster, int iteration, void *matrix)',
  XGBoosterEvalOneIter: '(void *booster, int iteration, void **matrices, str *names, uint64_t count, _Out_ str *out)',
  XGBoosterSlice: '(void *booster, int begin, int end, int step, _Out_ void **out)',
  XGBoosterBoostedRounds: '(void *booster, _Out_ int *out)',
  XGBoosterGetNumFeature: '(void *booster, _Out_ uint64_t *out)',
  XGBoosterPredictFromDense:
    '(void *booster, str data, str config, void *meta, _Out_ void **shape, _Out_ uint64_t *dimensions, _Out_ void **result)',
  XGBoosterSetStrFeatureInfo: '(void *booster, str field, str *values, uint64_t size)',
  XGBoosterFeatureScore:
    '(void *booster, str config, _Out_ uint64_t *count, _Out_ void **names, _Out_ uint64_t *dimensions, _Out_ void **shape, _Out_ void **scores)',
  XGBoosterSaveModel: '(void *booster, str file)',
  XGBoosterLoadModel: '(void *booster, str file)',
}

const loaded = new Map<string, Promise<XgboostLibrary>>()

/**
 * Loads libxgboost; the same file is loaded once.
 *
 * @throws EsteiraError `ESTEIRA_NATIVE_LIBRARY` when the file is not a libxgboost of this platform.
 */
export function loadXgboost(file: string): Promise<XgboostLibrary> {
  const known = loaded.get(file)
  if (known !== undefined) return known
  const library = bind(file)
  loaded.set(file, library)
  return library
}

async function bind(file: string): Promise<XgboostLibrary> {
  const { default: koffi } = await import('koffi')
  letThreadsSleep(koffi)
  try {
    const library = koffi.load(file)
    const lastError = library.func('str XGBGetLastError()')
    const functions = Object.fromEntries(
      Object.entries(SIGNATURES).map(([name, parameters]) => [name, library.func(`int ${name}${parameters}`)]),
    )
    const version: [[number], [number], [number]] = [[0], [0], [0]]
    library.func('void XGBoostVersion(_Out_ int *major, _Out_ int *minor, _Out_ int *patch)')(...version)
    return {
      file,
      version: version.flat().join('.'),
      call(name, ...args) {
        if (functions[name]?.(...args) === 0) return
        throw new EsteiraError('ESTEIRA_INTERNAL', `XGBoost refused ${name}: ${firstLine(String(lastError()))}`)
      },
      addressOf: (values) => koffi.address(values),
      floatsAt: (address, length) => new Float32Array(koffi.view(address, length * 4)).slice(),
      textsAt: (address, length) => koffi.decode(address, 'str', length),
    }
  } catch (cause) {
    throw new EsteiraError('ESTEIRA_NATIVE_LIBRARY', `${file} cannot be loaded as libxgboost: ${reasonOf(cause)}`, {
      hint: 'Run npm run setup, or set ESTEIRA_XGBOOST_LIB to the libxgboost of an installed xgboost wheel.',
      details: { file },
      cause,
    })
  }
}

/** Turns that a waiting thread spins before it sleeps: enough for the gaps inside one tree, far from the 300,000 of libgomp. */
const SPIN_COUNT = '5000'

/**
 * Lets OpenMP's threads sleep between pieces of work after a short spin, unless `OMP_WAIT_POLICY` says otherwise. By default
 * they spin long, and on a machine that is busy with anything else training then takes ten times as long. OpenMP reads the
 * variables once, when libxgboost is loaded, from the C environment.
 */
function letThreadsSleep(koffi: typeof import('koffi')['default']): void {
  if (process.platform === 'win32') return
  const c = koffi.load(null)
  if (c.func('str getenv(str name)')('OMP_WAIT_POLICY') !== null) return
  const setenv = c.func('int setenv(str name, str value, int overwrite)')
  setenv('OMP_WAIT_POLICY', 'passive', 0)
  setenv('GOMP_SPINCOUNT', SPIN_COUNT, 0)
}

/** XGBoost's messages carry a time and a stack of C++ frames; the first line says what was wrong. */
function firstLine(message: string): string {
  const line = message.split('\n')[0] ?? message
  return line.replace(/^\[\d\d:\d\d:\d\d\]\s*/, '').replace(/^\S+\.(cc|h):\d+:\s*/, '')
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
