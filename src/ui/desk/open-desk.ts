/** The desk of a page: looks at a store, and acts on it. One serves all pages of a process. */
import { type ReadSchedule, readSchedules } from '../../app/schedules/read-schedules.ts';
import type { Settings } from '../../app/settings/config.ts';
import type { Broker, LogPart } from '../../broker/broker.ts';
import { checkIdAt } from '../../broker/broker-address.ts';
import { refuse } from '../../job/errors.ts';
import type { Desk, SendingOf } from '../desk.ts';
import type {
  Act,
  Answer,
  FailureGroups,
  JobDetail,
  JobPage,
  JobQuery,
  ScheduleRow,
  StoreReport,
  Summary,
} from '../wire.ts';
import { actOn, refusal } from './acts/desk-acts.ts';
import { failedGroups } from './index/failed-groups.ts';
import { JobFeed } from './index/job-feed.ts';
import type { JobIndex } from './index/job-index.ts';
import { isFull, matchingIds, pageOf } from './index/pages-of-jobs.ts';
import { matcherOf } from './index/row-matcher.ts';
import { textAt } from './job/job-commands.ts';
import { detailOf } from './job/job-detail.ts';
import { Listeners } from './listeners.ts';
import { OpenedPlace } from './opened-place.ts';
import { Overview } from './overview/overview.ts';
import { scheduleRows } from './schedules/schedule-rows.ts';
import { storeReport } from './overview/store-report.ts';

export interface DeskOptions {
  /** Opens the place that keeps the jobs, and makes nothing that is not there. Called again after trouble. @throws where it cannot be opened */
  readonly open: () => Broker;
  readonly settings: Pick<Settings, 'schedules'>;
  /** Arguments, values, checkpoints and details of progress are left out. */
  readonly hidesArguments: boolean;
  /** Absent: nobody here knows a task. */
  readonly sendingOf?: SendingOf;
}

/** Nothing is looked at before somebody asks. */
export function openDesk(options: DeskOptions): Desk {
  return new StoreDesk(options);
}

/** A page waits so long for the index to begin with, ms, or until it is full, or the index has so many jobs; and longer while it has none at all. */
const FIRST_PAGE = { mostMs: 250, jobs: 500, emptyMs: 1_500 };

class StoreDesk implements Desk {
  readonly #options: DeskOptions;
  readonly #place: OpenedPlace;
  readonly #feed: JobFeed;
  readonly #overview: Overview;
  readonly #listeners: Listeners;
  #schedules: Promise<readonly ReadSchedule[]> | null = null;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#place = new OpenedPlace(options.open);
    this.#feed = new JobFeed(this.#place, () => this.#listeners.jobsChanged());
    this.#overview = new Overview(this.#place, this.#feed);
    this.#listeners = new Listeners(() => this.summary());
  }

  summary(): Promise<Summary> {
    return this.#overview.summary();
  }

  async jobs(query: JobQuery, before: string | null): Promise<JobPage> {
    const matcher = this.#matcher(query);
    const index = await this.#warmIndex((known) => known.size >= FIRST_PAGE.jobs || isFull(known, matcher));
    return this.#place.ask((broker) =>
      pageOf(broker, { index, matcher, before, hidesArguments: this.#options.hidesArguments }),
    );
  }

  async count(query: JobQuery): Promise<{ readonly count: number }> {
    const matcher = this.#matcher(query);
    const index = await this.#warmIndex();
    const ids = await this.#place.ask((broker) => matchingIds(broker, index, matcher, Number.POSITIVE_INFINITY));
    return { count: ids.length };
  }

  async job(id: string): Promise<JobDetail | null> {
    const { hidesArguments } = this.#options;
    const { index } = this.#feed;
    const facts = { index, hidesArguments, nowMs: Date.now() };
    return this.#place.ask(async (broker) => detailOf(broker, checkIdAt(broker, id), facts));
  }

  async log(id: string, position: number): Promise<LogPart> {
    return this.#place.ask(async (broker) => broker.log(checkIdAt(broker, id), position));
  }

  async failures(query: JobQuery): Promise<FailureGroups> {
    const { states: _, ...asked } = query;
    const { isMatch, text } = this.#matcher(asked);
    // Left out without a word, it would show failures of other jobs as if they had it.
    if (text !== null)
      refuse('`text`', 'the id of a job', text, ': failures are not looked for by their arguments; jobs are');
    return failedGroups(await this.#warmIndex(), isMatch);
  }

  async schedules(): Promise<readonly ScheduleRow[]> {
    const schedules = await this.#readSchedules();
    const index = await this.#warmIndex();
    const records = await this.#place.ask((broker) => broker.schedules.list());
    return scheduleRows(schedules, records, index, Date.now());
  }

  store(): Promise<StoreReport> {
    return this.#place.ask((broker) => storeReport(broker, this.#feed.index));
  }

  async act(act: Act): Promise<Answer> {
    try {
      const { hidesArguments, sendingOf = async () => null } = this.#options;
      const { index } = this.#feed;
      const schedules = (): Promise<readonly ReadSchedule[]> => this.#readSchedules();
      const parts = { index, schedules, sendingOf, hidesArguments, nowMs: Date.now() };
      return await this.#place.ask(async (broker) => {
        const answer = await actOn({ ...parts, broker }, act);
        return { ...answer, text: textAt(broker.place, answer.text) };
      });
    } catch (error) {
      return refusal(error);
    } finally {
      this.#overview.spoil();
      this.#listeners.jobsChanged();
    }
  }

  listen(hear: (what: 'summary' | 'jobs') => void): () => void {
    return this.#listeners.add(hear);
  }

  async close(): Promise<void> {
    this.#listeners.close();
    await this.#feed.close();
    await this.#place.close();
  }

  /** @param isEnough of an index that is not complete. @throws where the place is away */
  async #warmIndex(isEnough: (index: JobIndex) => boolean = () => false): Promise<JobIndex> {
    const { mostMs, emptyMs } = FIRST_PAGE;
    await this.#feed.warm(isEnough, mostMs);
    const index = await this.#feed.warm(({ size }) => size > 0, emptyMs);
    // Nothing is there yet, or nobody can look.
    if (index.size === 0) await this.#place.ask((broker) => broker.paused());
    return index;
  }

  #matcher(query: JobQuery): ReturnType<typeof matcherOf> {
    return matcherOf(query, Date.now(), this.#options.hidesArguments);
  }

  /** @throws UsageError (FSQ_CONFIG), each time anew: a page without schedules shows all else */
  #readSchedules(): Promise<readonly ReadSchedule[]> {
    this.#schedules ??= readSchedules(this.#options.settings.schedules, Date.now());
    return this.#schedules;
  }
}
