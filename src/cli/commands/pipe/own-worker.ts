/** A worker in this process, for a command that brings its own: it runs the jobs of one queue until the command is done. */
import { checkImports } from '../../../app/project/load-module.ts';
import { currentFolder } from '../../../app/project/project.ts';
import type { Settings } from '../../../app/settings/config.ts';
import { FsqError } from '../../../job/errors.ts';
import { didYouMean } from '../../../job/text.ts';
import type { ShutdownSignal } from '../../../worker/crew.ts';
import { createLogger } from '../../../worker/log.ts';
import { Outlet } from '../../../worker/outlet.ts';
import { Relay } from '../../../worker/relay.ts';
import { Supervisor } from '../../../worker/supervisor.ts';
import { TaskModules } from '../../../worker/task-modules.ts';
import { findModules } from '../../setting-options.ts';

export interface OwnWorkerPlan {
  readonly settings: Settings;
  readonly concurrency: number;
  readonly queue: string;
}

export class OwnWorker {
  readonly #supervisor: Supervisor;
  readonly #end: ReturnType<Supervisor['run']>;
  #hearTasks: (names: readonly string[]) => void = () => undefined;
  readonly #tasks = new Promise<readonly string[]>((resolve) => (this.#hearTasks = resolve));

  /** Starts it. @throws UsageError (FSQ_NO_TASKS) where there is no task module */
  constructor({ settings, concurrency, queue }: OwnWorkerPlan) {
    checkImports(settings.imports, currentFolder());
    const stderr = new Outlet(process.stderr, () => undefined);
    const level = settings.logLevel === 'error' || settings.logLevel === 'silent' ? settings.logLevel : 'warn';
    this.#supervisor = new Supervisor({
      settings,
      modules: new TaskModules({ files: findModules(settings).files, imports: settings.imports, find: null }),
      concurrency,
      queues: [queue],
      order: { kind: 'age' },
      isBurst: false,
      log: createLogger(level, 'text', (lines) => stderr.write(lines)),
      // Stdout is for the values. What jobs print is kept with them.
      relay: new Relay({ stdout: nowhere(), stderr: nowhere() }, settings.jobLogBytes > 0),
      logFormat: 'text',
      onStarted: (tasks) => this.#hearTasks(tasks.map(({ name }) => name)),
    });
    this.#end = this.#supervisor.run();
  }

  /** Resolves when it works, and knows `task`. @throws FsqError when it does not, or cannot work */
  async knows(task: string): Promise<void> {
    const known = await Promise.race([this.#tasks, this.ended()]);
    if (known.includes(task)) return;
    const hint = didYouMean(task, known, known.length === 0 ? '' : `; they have ${known.slice(0, 10).join(', ')}`);
    throw new FsqError('FSQ_UNKNOWN_TASK', `No task module here has a task ${task}${hint}`);
  }

  /** Resolves never with a value, only by an error: when it has ended by itself. @throws FsqError */
  async ended(): Promise<never> {
    const { problem } = await this.#end;
    throw new FsqError(
      problem?.code === 'FSQ_CONFIG' || problem?.code === 'FSQ_BROKER' ? problem.code : 'FSQ_SPOOL',
      problem?.message ?? 'The worker has ended before the jobs',
    );
  }

  get isStopping(): boolean {
    return this.#supervisor.isStopping;
  }

  onSignal(signal: ShutdownSignal, why?: string): void {
    this.#supervisor.onSignal(signal, why);
  }

  /** Resolves when it has ended: at once where it has nothing at hand. */
  async finish(): Promise<void> {
    this.#supervisor.finish('all lines are done');
    await this.#end;
  }
}

/** Takes what nobody is to see. */
export function nowhere(): Outlet {
  const { Writable } = process.getBuiltinModule('node:stream');
  return new Outlet(new Writable({ write: (_chunk, _encoding, done) => done() }), () => undefined);
}
