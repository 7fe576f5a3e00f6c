import { createHash } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelRegistry, ModelStage, ModelVersion, NewModelVersion } from '@esteira/core'
import { z } from 'zod'
import { checkAlias, checkArchiving, checkModelName, checkTags } from '../limits.js'
import { hasMlmodel } from '../mlmodel.js'
import { modelFolderMissing, modelMissing, versionMissing } from '../model-missing.js'
import { errorCodeOf } from './answer.js'
import {
  nothing,
  registeredModelAnswer,
  type registeredModelSchema,
  registeredModelsAnswer,
  toModelVersion,
  type VersionAnswer,
  versionAnswer,
  versionsAnswer,
} from './answers.js'
import { toKeyValues } from './batches.js'
import { quote } from './filter.js'
import { REQUEST_TAG } from './request-tag.js'
import { downloadFolder } from './server-artifacts.js'
import { requireReadyModel } from './server-logged-models.js'
import type { Call, Transport } from './transport.js'

const MODELS = '/api/2.0/mlflow/registered-models'
const VERSIONS = '/api/2.0/mlflow/model-versions'

/** Registered models on an MLflow server. */
export class ServerRegistry implements ModelRegistry {
  readonly #transport: Transport
  readonly #newId: () => string

  constructor(transport: Transport, newId: () => string) {
    this.#transport = transport
    this.#newId = newId
  }

  async ensureModel(name: string, description?: string): Promise<void> {
    checkModelName('registered', name)
    if ((await this.#findModel(name)) !== undefined) return
    const json = { name, ...(description === undefined ? {} : { description }) }
    try {
      await this.#transport.call(nothing, { method: 'POST', path: `${MODELS}/create`, json })
    } catch (error) {
      // Another client was faster, or the answer to an earlier try got lost.
      if (errorCodeOf(error) !== 'RESOURCE_ALREADY_EXISTS') throw error
    }
  }

  async createVersion(version: NewModelVersion): Promise<ModelVersion> {
    const { name, modelId, runId, description, tags = {} } = version
    checkTags(tags)
    if ((await this.#findModel(name)) === undefined) throw modelMissing(name)
    const artifactUri = await requireReadyModel(this.#transport, modelId)
    const mark = this.#newId()
    const json = {
      name,
      source: version.source === artifactUri ? `models:/${modelId}` : version.source,
      run_id: runId,
      model_id: modelId,
      ...(description === undefined ? {} : { description }),
      tags: toKeyValues({ ...tags, [REQUEST_TAG]: mark }),
    }
    const made = await this.#transport.create(versionAnswer, post(`${VERSIONS}/create`, json), async () => {
      const found = (await this.#searchVersions(name)).find((candidate) =>
        candidate.tags.some(({ key, value }) => key === REQUEST_TAG && value === mark),
      )
      return found === undefined ? undefined : { model_version: found }
    })
    return toModelVersion(made.model_version)
  }

  async getVersion(name: string, version: number): Promise<ModelVersion | undefined> {
    const query = { name, version: String(version) }
    const found = await this.#transport.find(versionAnswer, { method: 'GET', path: `${VERSIONS}/get`, query })
    return found === undefined ? undefined : toModelVersion(found.model_version)
  }

  async versions(name: string): Promise<readonly ModelVersion[]> {
    const model = await this.#findModel(name)
    if (model === undefined) return []
    const found = await this.#searchVersions(name)
    return found
      .map((answer) => {
        const aliases = model.aliases.filter(({ version }) => version === answer.version).map(({ alias }) => alias)
        return toModelVersion({ ...answer, aliases })
      })
      .sort((a, b) => a.version - b.version)
  }

  async versionByAlias(name: string, alias: string): Promise<ModelVersion | undefined> {
    // The server answers an unknown alias with the error of any bad parameter, so the model's list is read instead.
    const found = (await this.#findModel(name))?.aliases.find((candidate) => candidate.alias === alias)
    return found === undefined ? undefined : this.getVersion(name, found.version)
  }

  async modelNames(): Promise<readonly string[]> {
    const names: string[] = []
    let pageToken: string | undefined
    do {
      const query = { max_results: '1000', ...(pageToken === undefined ? {} : { page_token: pageToken }) }
      const call = { method: 'GET', path: `${MODELS}/search`, query } as const
      const page = await this.#transport.call(registeredModelsAnswer, call)
      names.push(...page.registered_models.filter((model) => !isPrompt(model)).map(({ name }) => name))
      pageToken = page.next_page_token
    } while (pageToken !== undefined && pageToken !== '')
    return names.sort()
  }

  async setAlias(name: string, alias: string, version: number): Promise<void> {
    checkAlias(alias)
    await this.#change(name, version, post(`${MODELS}/alias`, { name, alias, version: String(version) }))
  }

  async deleteAlias(name: string, alias: string): Promise<void> {
    await this.#transport.find(nothing, { method: 'DELETE', path: `${MODELS}/alias`, json: { name, alias } })
  }

  async setStage(
    name: string,
    version: number,
    stage: ModelStage,
    options: { readonly archiveExisting?: boolean } = {},
  ): Promise<void> {
    const archive = checkArchiving(stage, options.archiveExisting)
    const json = { name, version: String(version), stage, archive_existing_versions: archive }
    await this.#change(name, version, post(`${VERSIONS}/transition-stage`, json))
  }

  async setVersionTags(name: string, version: number, tags: Readonly<Record<string, string>>): Promise<void> {
    checkTags(tags)
    for (const tag of toKeyValues(tags)) {
      await this.#change(name, version, post(`${VERSIONS}/set-tag`, { name, version: String(version), ...tag }))
    }
  }

  /** Downloads the version once; a folder that is there is complete, because it gets its name last. */
  async modelFolder(version: ModelVersion, cacheFolder: string): Promise<string> {
    const query = { name: version.name, version: String(version.version) }
    const call = { method: 'GET', path: `${VERSIONS}/get-download-uri`, query } as const
    const found = await this.#transport.find(z.object({ artifact_uri: z.string() }), call)
    if (found === undefined) throw versionMissing(version.name, version.version)
    const folder = join(cacheFolder, cacheName(this.#transport.uri, version, found.artifact_uri))
    if (await hasMlmodel(folder)) return folder
    const partial = `${folder}.${this.#newId()}.partial`
    await mkdir(partial, { recursive: true })
    try {
      await downloadFolder(this.#transport, found.artifact_uri, partial)
      if (!(await hasMlmodel(partial))) throw modelFolderMissing(version, found.artifact_uri)
      await rename(partial, folder) // commit point
    } catch (error) {
      await rm(partial, { recursive: true, force: true })
      // Another process may have brought the same folder meanwhile.
      if (!(await hasMlmodel(folder))) throw error
    }
    return folder
  }

  async #findModel(name: string): Promise<z.infer<typeof registeredModelSchema> | undefined> {
    const call = { method: 'GET', path: `${MODELS}/get`, query: { name } } as const
    return (await this.#transport.find(registeredModelAnswer, call))?.registered_model
  }

  async #searchVersions(name: string): Promise<VersionAnswer[]> {
    const found: VersionAnswer[] = []
    let pageToken: string | undefined
    do {
      const query = {
        filter: `name = ${quote(name)}`,
        max_results: '10000',
        ...(pageToken === undefined ? {} : { page_token: pageToken }),
      }
      const page = await this.#transport.call(versionsAnswer, { method: 'GET', path: `${VERSIONS}/search`, query })
      found.push(...page.model_versions)
      pageToken = page.next_page_token
    } while (pageToken !== undefined && pageToken !== '')
    return found
  }

  async #change(name: string, version: number, call: Call): Promise<void> {
    if ((await this.#transport.find(z.object({}), call)) === undefined) throw versionMissing(name, version)
  }
}

function post(path: string, json: unknown): Call {
  return { method: 'POST', path, json }
}

/** MLflow keeps prompts among the registered models. */
function isPrompt(model: z.infer<typeof registeredModelSchema>): boolean {
  return model.tags.some(({ key, value }) => key === 'mlflow.prompt.is_prompt' && value.toLowerCase() === 'true')
}

/** One folder per version of one server: a server made anew counts its versions from 1 again. */
function cacheName(server: string, version: ModelVersion, artifactUri: string): string {
  const identity = JSON.stringify([server, version.name, version.version, artifactUri, version.createdAt.getTime()])
  return `${version.name}-${version.version}-${createHash('sha256').update(identity).digest('hex').slice(0, 12)}`
}
