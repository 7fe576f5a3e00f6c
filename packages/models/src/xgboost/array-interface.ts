import type { Pointer } from './library.js'

/**
 * How XGBoost is told of numbers in memory (NumPy's array interface, version 3); nothing is copied.
 * https://numpy.org/doc/stable/reference/arrays.interface.html
 */
export function arrayInterface(address: Pointer, shape: readonly number[], type: '<f4' | '<f8'): string {
  return `{"data":[${address},true],"shape":${JSON.stringify(shape)},"typestr":"${type}","version":3}`
}
