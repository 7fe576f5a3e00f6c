export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** One state, in the words of the Amazon States Language. */
export type AslState = JsonObject & { readonly Type: string }

/** States by name; each leads to another by name. */
export type AslStates = Readonly<Record<string, AslState>>

/** A state machine in the Amazon States Language (JSONPath), plain JSON: what Step Functions takes as its definition. */
export interface AslDocument {
  readonly Comment?: string
  readonly StartAt: string
  readonly TimeoutSeconds?: number
  readonly States: AslStates
}
