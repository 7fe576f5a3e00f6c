import type { ObjectStore } from '@esteira/core'
import { z } from 'zod'
import { placeholder } from '../document/prepare-states.js'
import type { TaskHandler } from '../execute/execution.js'
import { StatesError } from '../execute/states-error.js'

const getObjectParameters = z.object({ Bucket: z.string(), Key: z.string() })

/** `aws-sdk:s3:getObject` from the object store of this machine: the part of `ESTEIRA_HOME` below `objects/`. */
export function objectOnThisMachine(objects: Pick<ObjectStore, 'get'>): TaskHandler {
  return async ({ parameters }) => {
    const { Key: key } = getObjectParameters.parse(parameters)
    const home = `${placeholder('HomePrefix')}objects/`
    const body = key.startsWith(home) ? await objects.get(key.slice(home.length)) : undefined
    if (body === undefined) {
      throw new StatesError('S3.NoSuchKeyException', `The specified key does not exist: ${key.slice(home.length)}`)
    }
    return { Body: new TextDecoder().decode(body), ContentLength: body.byteLength }
  }
}
