export { type MlflowFileOptions, openMlflowFile } from './file/open-mlflow-file.js'
export type { MlflowStore } from './mlflow-store.js'
export {
  hasMlmodel,
  type InputExample,
  type Mlmodel,
  type MlmodelSpec,
  type ModelSignature,
  readMlmodel,
  type SignatureColumn,
  writeMlmodel,
} from './mlmodel.js'
export type { ModelEnvironment } from './mlmodel-environment.js'
export { type ModelReference, parseModelReference, resolveModel } from './model-reference.js'
export type { MlflowAuth } from './server/address.js'
export { type MlflowServerOptions, openMlflowServer } from './server/open-mlflow-server.js'
