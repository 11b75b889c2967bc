/** A worker with children, as `fsq worker` has them: its supervisor lives in the process of the test, and the children end with that. */
import { fileURLToPath } from 'node:url';
import { currentFolder, findTaskModules, namedTaskModules } from '../app/project/project.ts';
import { BY_AGE } from '../broker/worker-side.ts';
import { FsqError } from '../job/errors.ts';
import { Relay } from '../worker/relay.ts';
import { Supervisor } from '../worker/supervisor.ts';
import { TaskModules } from '../worker/task-modules.ts';
import type { TestWorker, WorkPlan } from './test-worker.ts';

/** A path, relative to the current folder, or a file: URL. */
export type TaskModule = string | { readonly href: string };

export class ForkedWorker implements TestWorker {
  readonly steps = null;
  readonly #plan: WorkPlan;
  readonly #modules: TaskModules;
  #supervisor: Supervisor | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  #failure: TestWorker['failure'] = null;

  /** @param tasks null: those that the settings name, or that lie where a worker finds them. @throws UsageError when one is not there */
  constructor(plan: WorkPlan, tasks: readonly TaskModule[] | null) {
    const { tasks: named, tasksBase, projectRoot, imports } = plan.settings;
    const own = tasks?.map((one) =>
      typeof one === 'string' && !one.startsWith('file:') ? one : fileURLToPath(text(one)),
    );
    const found =
      own !== undefined
        ? namedTaskModules(own, currentFolder())
        : named === null
          ? findTaskModules(projectRoot)
          : namedTaskModules(named, tasksBase);
    this.#plan = plan;
    this.#modules = new TaskModules({ files: found.files, imports, find: null });
  }

  get failure(): TestWorker['failure'] {
    return this.#failure;
  }

  async start(): Promise<void> {
    const { concurrency, log } = this.#plan;
    // As many jobs at one time as the test says.
    const settings = { ...this.#plan.settings, slots: 1 };
    await new Promise<void>((resolve, reject) => {
      this.#supervisor = new Supervisor({
        settings,
        modules: this.#modules,
        concurrency,
        queues: null,
        order: BY_AGE,
        isBurst: false,
        log,
        relay: new Relay({ stdout: null, stderr: null }),
        logFormat: 'text',
        onStarted: () => resolve(),
      });
      this.#ended = this.#supervisor.run().then(({ problem }) => {
        const why = problem === null ? 'it was told to' : `${problem.message} (${problem.code})`;
        const error = new FsqError('FSQ_TESTING', `The worker of the temporary spool has ended: ${why}`);
        this.#failure = { error };
        reject(error);
      }, reject);
    });
  }

  clockMoved(): void {
    throw new FsqError('FSQ_TESTING', 'The clock of another process cannot be moved');
  }

  async stop(): Promise<null> {
    this.#supervisor?.onSignal('SIGQUIT');
    await this.#ended;
    return null;
  }
}

function text(module: TaskModule): string {
  return typeof module === 'string' ? module : module.href;
}
