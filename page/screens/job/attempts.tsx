/** Attempts, the latest first: how each ended, the error with its causes, which process ran it, and what it printed. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { JobAttempt, JobDetail, JobError } from '../../../src/ui/wire.ts';
import { Icon } from '../../parts/icon.tsx';
import { Panel } from '../../parts/panel.tsx';
import { LongText, Name } from '../../parts/text.tsx';
import { Instant, Since, Span } from '../../parts/time.tsx';
import { count, plural } from '../../plain/format.ts';
import { OutputLines } from './output.tsx';
import { ENDS } from './timeline.tsx';

export function Attempts({ job }: { readonly job: JobDetail }): JSX.Element {
  const attempts = job.attempts.toReversed();
  return (
    <Panel title={attempts.length === 0 ? 'Attempts' : plural(attempts.length + job.leftOut.attempts, 'attempt')}>
      {attempts.length === 0 ? (
        <p class="empty dim">No worker has started it yet.</p>
      ) : (
        <ol class="attempts" reversed>
          {attempts.map((attempt, i) => (
            <li key={`${attempt.attempt} ${attempt.startedAtMs}`}>
              <Attempt attempt={attempt} isLatest={i === 0} />
            </li>
          ))}
        </ol>
      )}
      {job.leftOut.attempts > 0 && (
        <p class="dim">
          {count(job.leftOut.attempts)} earlier ones are not shown here; <code>fsq show --full</code> prints all.
        </p>
      )}
    </Panel>
  );
}

interface AttemptProps {
  readonly attempt: JobAttempt;
  readonly isLatest: boolean;
}

function Attempt({ attempt, isLatest }: AttemptProps): JSX.Element {
  const { startedAtMs, endedAtMs, error, end, how, output, outputLeftOut } = attempt;
  // One that is read stays open when the next begins.
  const [isOpen] = useState(isLatest);
  return (
    <details open={isOpen}>
      <summary>
        <span class={`state ${end === 'lost' ? 'failed' : ENDS[end]}`}>
          <Icon name={ENDS[end]} />
          <strong>Attempt {attempt.attempt}</strong> {how}
        </span>
        <span class="dim number">
          {endedAtMs === null && startedAtMs !== null && (
            <>
              for <Since atMs={startedAtMs} />
            </>
          )}
          {endedAtMs !== null && startedAtMs !== null && (
            <>
              after <Span ms={endedAtMs - startedAtMs} />
            </>
          )}
        </span>
        <span class="dim grow number">
          <Instant atMs={startedAtMs} />
        </span>
      </summary>
      <p class="dim owner">
        by <Name text={attempt.owner} />
      </p>
      {error !== null && <ErrorChain error={error} />}
      {outputLeftOut === null && (
        <p class="dim">
          {output.length > 0 ? 'What it printed before these lines' : 'What it printed'} is under “Output”: only the end
          of a long log is read here.
        </p>
      )}
      {outputLeftOut !== null && outputLeftOut > 0 && (
        <p class="dim">{count(outputLeftOut)} lines before these are under “Output”.</p>
      )}
      {output.length > 0 && (
        <OutputLines lines={output} label={`What attempt ${attempt.attempt} printed`} isFollowed={isLatest} />
      )}
    </details>
  );
}

/** A chain of causes may be a circle only by somebody's hand; the server makes it a line. */
function ErrorChain({ error }: { readonly error: JobError }): JSX.Element {
  const title = `${error.name}: ${error.message}`;
  return (
    <div class="error-chain">
      <p class="failed">
        <strong>
          <Name text={error.name} />
        </strong>
        {error.code !== null && (
          <code class="tag">
            <Name text={error.code} />
          </code>
        )}
      </p>
      <LongText text={error.message} title="the message" />
      {error.stack !== null && (
        <details>
          <summary>Stack</summary>
          <LongText text={error.stack} title={`the stack of ${title.slice(0, 60)}`} />
        </details>
      )}
      {error.cause !== null && (
        <div class="cause">
          <p class="dim">caused by</p>
          <ErrorChain error={error.cause} />
        </div>
      )}
      {error.errors.map((one, i) => (
        <div class="cause" key={i}>
          <p class="dim">
            error {i + 1} of the {count(error.errors.length + error.leftOut)} in it
          </p>
          <ErrorChain error={one} />
        </div>
      ))}
      {error.leftOut > 0 && (
        <p class="dim">
          {plural(error.leftOut, 'more error')} below it; <code>fsq show --full</code> prints all.
        </p>
      )}
    </div>
  );
}
