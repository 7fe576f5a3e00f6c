import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { esteira } from '../services/esteira-command.js'
import { type MlflowServer, startMlflowServer } from '../services/mlflow-server.js'
import { runPython } from '../services/python.js'

const RUN_DATE = '2026-01-01'

describe('both workflows on a real MLflow server', () => {
  let server: MlflowServer
  let folder = ''
  let environment: Record<string, string> = {}

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'esteira-server-'))
    server = await startMlflowServer()
    environment = { ESTEIRA_HOME: join(folder, 'home'), MLFLOW_TRACKING_URI: server.uri }
    await esteira(
      ['generate', '--project', 'projects/churn', '--rows', '20000', '--out', folder, '--until', RUN_DATE],
      { env: environment },
    )
  })
  afterAll(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  function run(workflow: string) {
    const source = join(folder, 'bookings.csv')
    const args = ['run', workflow, '--project', 'projects/churn', '--source', source, '--run-date', RUN_DATE, '--json']
    return esteira(args, { env: environment })
  }

  it('trains, registers, promotes and scores there', async () => {
    const training = JSON.parse((await run('training')).stdout)
    expect(training).toMatchObject({ status: 'succeeded', outputs: { model: { name: 'churn', version: 1 } } })
    const inference = JSON.parse((await run('inference')).stdout)
    expect(inference).toMatchObject({ status: 'succeeded' })
    expect(inference.outputs.tables).toContain('predictions.churn')
  })

  it('shows the run and the version to Python, and the model loads from there', async () => {
    const script = [
      'import json, sys, mlflow',
      'mlflow.set_tracking_uri(sys.argv[1])',
      'client = mlflow.MlflowClient()',
      'version = client.get_model_version_by_alias("churn", "production")',
      'run = client.get_run(version.run_id)',
      'model = mlflow.pyfunc.load_model("models:/churn@production")',
      'print(json.dumps({"stage": version.current_stage, "status": run.info.status, "type": run.data.tags["model_type"],',
      '  "accuracy": run.data.metrics["accuracy"], "inputs": model.metadata.signature.inputs.input_names()}))',
    ]
    const found = JSON.parse(await runPython(script.join('\n'), [server.uri]))
    expect(found).toMatchObject({ stage: 'Production', status: 'FINISHED', type: 'xgboost' })
    expect(found.accuracy).toBeGreaterThan(0.7)
    expect(found.inputs).toContain('days_since_last_transaction')
  })

  it('leaves no run and no version behind when it runs again', async () => {
    await run('training')
    const script = [
      'import json, sys, mlflow',
      'mlflow.set_tracking_uri(sys.argv[1])',
      'client = mlflow.MlflowClient()',
      'experiment = client.get_experiment_by_name("churn")',
      'print(json.dumps([len(client.search_runs([experiment.experiment_id])), len(client.search_model_versions("name = \'churn\'"))]))',
    ]
    expect(JSON.parse(await runPython(script.join('\n'), [server.uri]))).toEqual([1, 1])
  })
})
