import { EsteiraError, runStep, type StepProcess } from '@esteira/core'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { addMaintenanceCommands } from './maintenance-commands.js'
import { printDocument, printFailureDocument } from './terminal/json-document.js'

type Act = (step: StepProcess) => Promise<void>

/**
 * The `esteira` command. Each sub-command loads its own code, so that `--help` is quick. With `--json`, standard output holds
 * exactly one JSON document, also when the command fails.
 *
 * @example
 * await main(['run', 'training', '--project', 'projects/churn'])
 */
export async function main(args: readonly string[]): Promise<void> {
  let chosen: { readonly name: string; readonly act: Act } | undefined
  const program = buildProgram((name, act) => {
    chosen = { name, act }
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (error) {
    // --help and --version end here too, with 0.
    if (error instanceof CommanderError && error.exitCode === 0) return
    chosen = { name: 'esteira', act: () => Promise.reject(misused(error)) }
  }
  const { name, act } = chosen ?? { name: 'esteira', act: async () => program.outputHelp() }
  const isJson = args.includes('--json')
  await runStep(
    name,
    async (step) => {
      try {
        await act(step)
      } catch (error) {
        if (isJson) printFailureDocument(error)
        throw error
      }
    },
    { log: 'text' },
  )
}

function misused(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error
  const isHelp = error.code === 'commander.help' || error.code === 'commander.helpDisplayed'
  const text = isHelp ? 'a command is missing' : error.message.replace(/^error: /, '')
  const [message = text, suggestion] = text.split(/\n(?=\(Did you mean)/)
  return new EsteiraError('ESTEIRA_USAGE', message, {
    hint: [suggestion?.replace(/^\((.*)\)$/, '$1'), 'See --help.'].filter((line) => line !== undefined).join(' '),
    cause: error,
  })
}

function noProject(command: string): EsteiraError {
  return new EsteiraError('ESTEIRA_USAGE', `${command}: no project was named`, {
    hint: `Give --project DIR or set ESTEIRA_PROJECT, for example: --project projects/churn`,
  })
}

function wholeNumber(text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(number)) throw new InvalidArgumentError('Expected a whole number.')
  return number
}

type Choose = (name: string, act: Act) => void

function buildProgram(choose: Choose): Command {
  const program = new Command('esteira')
    .description(
      'Batch machine learning after the FTI pattern: features, training and inference on a laptop and on AWS',
    )
    .version('0.1.0')
    // Else this --version would also be taken from `features show VIEW --version 1`.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    // Told in the same way as every other failure: see `misused`.
    .configureOutput({ writeErr: () => {} })
    .hook('preAction', (_, command) => {
      // Not a mandatory option of commander's: that would hide which flag was misspelt.
      const takesProject = command.options.some(({ long }) => long === '--project')
      if (takesProject && command.opts()['project'] === undefined) throw noProject(command.name())
    })
  const json = () => new Option('--json', 'print exactly one JSON document on standard output').default(false)
  const project = () => new Option('--project <dir>', 'folder of the project').env('ESTEIRA_PROJECT')

  program
    .command('demo')
    .description('both workflows of projects/churn on generated data, on this machine')
    .addOption(json())
    .action((options) =>
      choose('demo', async (step) => (await import('./commands/demo.js')).demoCommand({ ...options, ...step })),
    )

  program
    .command('run')
    .description('the state machine of a workflow on this machine, steps as child processes')
    .argument('<workflow>', 'a workflow of batch.pipelines in config.yaml, e.g. training')
    .addOption(project())
    .option('--run-date <date>', 'YYYY-MM-DD or a UTC timestamp; default today')
    .option('--run-id <id>', 'default <project>-<workflow>-<run date>; the same id again repeats only what changed')
    .option('--source <file>', "raw file in place of the project's own")
    .option('--only <step>', 'this step alone')
    .option('--from <step>', 'this step and those after it')
    .addOption(json())
    .action((workflow: string, options) =>
      choose('run', async (step) => {
        const { runCommand, throwIfFailed, totalDuration } = await import('./commands/run.js')
        const { print } = await import('./terminal/style.js')
        const report = await runCommand({ ...options, ...step, workflow })
        if (options.json) printDocument(report)
        else if (report.status === 'succeeded')
          print(`\nDone in ${totalDuration(report)}. Running it again changes nothing.`)
        throwIfFailed(report)
      }),
    )

  program
    .command('train')
    .description('trains from the feature store, or from any ready table with --features-path')
    .addOption(project())
    .option('--features-path <file>', 'Parquet or CSV in place of the feature store')
    .option('--target <column>', "column to predict; default the project's label")
    .option('--positive <value>', 'value of the target that counts as 1; default 1, true, yes')
    .option('--model-type <type>', 'xgboost, random_forest, neural_network, logistic_regression, ml_random_forest')
    .option('--config <file>', 'YAML or JSON with these settings; flags win')
    .option('--hyperparams <json>', `e.g. '{"n_estimators": 200}'`)
    .option('--experiment-name <name>', 'MLflow experiment; default the project')
    .option('--register', 'register the model as a new version')
    .option('--run-date <date>', 'labels are mature up to this date; default today')
    .addOption(json())
    .action((options) =>
      choose('train', async (step) => (await import('./commands/train.js')).trainCommand({ ...options, ...step })),
    )

  program
    .command('sql')
    .description("one SELECT in Athena's dialect over the lakehouse")
    .argument('<select>')
    .option('--explain', 'say on standard error which files were read and which were passed by', false)
    .addOption(json())
    .action((sql: string, options) =>
      choose('sql', async (step) => (await import('./commands/sql.js')).sqlCommand({ ...options, ...step, sql })),
    )

  const tables = program.command('tables').description('the tables of the lakehouse')
  tables
    .command('list')
    .description('every table with its rows, files and size')
    .addOption(json())
    .action((options) => choose('tables list', async () => (await import('./commands/tables.js')).listTables(options)))
  tables
    .command('show')
    .description('columns, partitions, properties and size of a table')
    .argument('<table>', 'e.g. feature_store.customer_features')
    .addOption(json())
    .action((name: string, options) =>
      choose('tables show', async () => (await import('./commands/tables.js')).showTable({ name, ...options })),
    )
  tables
    .command('snapshots')
    .description('what each commit of a table added and removed')
    .argument('<table>', 'e.g. feature_store.customer_features')
    .addOption(json())
    .action((name: string, options) =>
      choose('tables snapshots', async () =>
        (await import('./commands/tables.js')).listSnapshots({ name, ...options }),
      ),
    )
  tables
    .command('register')
    .description('makes a table that others wrote known by a name; it is only read, unless it is adopted')
    .argument('<table>', 'its name here, e.g. lake.orders')
    .argument('<place>', 'its metadata file, or the folder of the table')
    .option('--adopt', 'take the table over: it may be written', false)
    .addOption(json())
    .action((name: string, place: string, options) =>
      choose('tables register', async () =>
        (await import('./commands/tables-register.js')).registerTable({ name, place, ...options }),
      ),
    )

  const features = program.command('features').description('the views of the feature store and their versions')
  features
    .command('list')
    .addOption(json())
    .action((options) =>
      choose('features list', async () => (await import('./commands/features.js')).listFeatures(options)),
    )
  features
    .command('show')
    .description('the definition of a view')
    .argument('<view>', 'e.g. customer_features')
    .option('--version <n>', 'default the newest', wholeNumber)
    .addOption(json())
    .action((view: string, options) =>
      choose('features show', async () => (await import('./commands/features.js')).showFeatures({ view, ...options })),
    )
  features
    .command('diff')
    .description('which features two versions of a view do not share, and how')
    .argument('<view>')
    .option('--from <n>', 'default the version before', wholeNumber)
    .option('--to <n>', 'default the newest', wholeNumber)
    .option('--against <dir>', 'compare with what the project in this folder says now')
    .addOption(json())
    .action((view: string, { against, ...options }) =>
      choose('features diff', async () =>
        (await import('./commands/features.js')).diffFeatures({
          view,
          ...options,
          ...(against !== undefined && { project: against }),
        }),
      ),
    )
  features
    .command('backfill')
    .description('publishes the features of past dates; stopped, it goes on where it ended')
    .addOption(project())
    .requiredOption('--from <date>', 'first day, YYYY-MM-DD')
    .requiredOption('--to <date>', 'last day, YYYY-MM-DD')
    .option('--every <step>', 'day, week or month (first days of months)', 'month')
    .option('--chunk <n>', 'dates computed in one pass', wholeNumber, 12)
    .option('--replace', 'compute dates anew that are published already')
    .addOption(json())
    .action((options) =>
      choose('features backfill', async (step) =>
        (await import('./commands/features-backfill.js')).backfillCommand({ ...options, ...step }),
      ),
    )
  addMaintenanceCommands(tables, { choose, json })

  const models = program.command('models').description('the model registry')
  models
    .command('list')
    .description('registered models and their versions, with stages and aliases')
    .addOption(json())
    .action((options) => choose('models list', async () => (await import('./commands/models.js')).listModels(options)))
  models
    .command('history')
    .description('versions of a model and what was promoted when')
    .argument('<model>', 'e.g. churn')
    .addOption(json())
    .action((name: string, options) =>
      choose('models history', async () => (await import('./commands/models.js')).modelHistory({ name, ...options })),
    )
  models
    .command('promote')
    .description('makes a version the live one')
    .argument('<model>', 'e.g. churn')
    .argument('<version>', 'its number')
    .addOption(json())
    .action((name: string, version: string, options) =>
      choose('models promote', async () =>
        (await import('./commands/models.js')).promoteModel({ name, version, ...options }),
      ),
    )
  models
    .command('rollback')
    .description('makes the version that was live before the live one again')
    .argument('<model>', 'e.g. churn')
    .addOption(json())
    .action((name: string, options) =>
      choose('models rollback', async () => (await import('./commands/models.js')).rollbackModel({ name, ...options })),
    )

  program
    .command('generate')
    .description('sample data of a project that declares a generator')
    .addOption(project())
    .requiredOption('--rows <n>', 'rows to make', wholeNumber)
    .requiredOption('--out <dir>', 'folder for the file')
    .option('--seed <n>', 'same seed, same bytes', wholeNumber)
    .option('--until <date>', 'the data end before this day; default today')
    .action((options) =>
      choose('generate', async (step) => {
        const { print } = await import('./terminal/style.js')
        print(await (await import('./commands/generate.js')).generateCommand({ ...options, ...step }))
      }),
    )

  program
    .command('synth')
    .description('the state machine of each workflow as Amazon States Language')
    .addOption(project())
    .requiredOption('--out <dir>')
    .action((options) =>
      choose('synth', async () => {
        const { print } = await import('./terminal/style.js')
        for (const file of await (await import('./commands/synth.js')).synthCommand(options)) print(file)
      }),
    )

  program
    .command('init')
    .description('a new project folder that runs at once')
    .argument('<name>')
    .action((name: string) =>
      choose('init', async (step) => {
        const { print } = await import('./terminal/style.js')
        const folder = await (await import('./commands/init.js')).initCommand({ name, ...step })
        print(`${folder} is ready, with sample data. Try it:`)
        print(`  npx esteira run training --project ${folder}`)
        print(`  npx esteira run inference --project ${folder}`)
        print('Then put your own data and columns into project.ts.')
      }),
    )

  program
    .command('doctor')
    .description('what this machine lacks, with the command that mends it')
    .addOption(json())
    .action((options) =>
      choose('doctor', async () => {
        const ok = await (await import('./commands/doctor.js')).doctorCommand(options)
        if (!ok) {
          throw new EsteiraError('ESTEIRA_USAGE', 'something is missing, see above')
        }
      }),
    )
  return program
}
