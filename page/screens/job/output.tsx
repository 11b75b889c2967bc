/** What a job has printed, in all its attempts: read when it is asked for, and followed while the job runs. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../../parts/copy.tsx';
import { Panel } from '../../parts/panel.tsx';
import { marked } from '../../parts/text.tsx';
import { count, instant } from '../../plain/format.ts';
import { cutText, withoutColours } from '../../plain/marks.ts';
import { get } from '../../server/api.ts';
import { now } from '../../server/clock.ts';

export interface OutputLine {
  readonly stream: string;
  readonly atMs: number;
  readonly text: string;
}

interface LogPart {
  readonly lines: readonly OutputLine[];
  readonly position: number;
}

const FOLLOW_MS = 2_000;
/** Of a long log, the latest lines. */
const MOST_LINES = 5_000;
const LONGEST_LINE = 4_000;

export function Output({ id, isRunning }: { readonly id: string; readonly isRunning: boolean }): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const { lines, all, isRead } = useLog(id, isOpen, isRunning);
  const toggle = (
    <button type="button" class="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
      {isOpen ? 'Hide' : isRunning ? 'Follow' : 'Show'}
    </button>
  );
  return (
    <Panel title="Output" aside={toggle}>
      {isOpen && lines.length === 0 && <p class="empty dim">{isRead ? 'It has printed nothing.' : 'Reading…'}</p>}
      {isOpen && lines.length > 0 && (
        <>
          {all > lines.length && (
            <p class="dim">
              The latest {count(lines.length)} of {count(all)} lines; <code>fsq logs</code> prints all.
            </p>
          )}
          <OutputLines lines={lines} label="What the job printed" isFollowed={isRunning} />
        </>
      )}
    </Panel>
  );
}

function useLog(
  id: string,
  isOpen: boolean,
  isRunning: boolean,
): { lines: readonly OutputLine[]; all: number; isRead: boolean } {
  const [log, setLog] = useState<{ lines: readonly OutputLine[]; all: number; isRead: boolean }>({
    lines: [],
    all: 0,
    isRead: false,
  });
  const position = useRef(0);
  useEffect(() => {
    if (!isOpen) return undefined;
    const stop = new AbortController();
    let timer: number | undefined;
    const readRest = async (): Promise<boolean> => {
      for (;;) {
        const path = `api/jobs/${encodeURIComponent(id)}/log?position=${position.current}`;
        const came = await get<LogPart>(path, stop.signal);
        if (came.kind !== 'got' || stop.signal.aborted) return false;
        const { lines } = came.data;
        position.current = came.data.position;
        setLog((before) => ({
          lines: lines.length > 0 ? [...before.lines, ...lines].slice(-MOST_LINES) : before.lines,
          all: before.all + lines.length,
          isRead: true,
        }));
        if (lines.length === 0) return true;
      }
    };
    const read = async (): Promise<void> => {
      const isDone = !document.hidden && (await readRest()) && !isRunning;
      if (!isDone && !stop.signal.aborted) timer = setTimeout(() => void read(), FOLLOW_MS);
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id, isOpen, isRunning]);
  return log;
}

interface LinesProps {
  readonly lines: readonly OutputLine[];
  readonly label: string;
  readonly isFollowed?: boolean;
}

export function OutputLines({ lines, label, isFollowed = false }: LinesProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const wasAtEnd = useRef(true);
  useEffect(() => {
    const { current } = box;
    if (isFollowed && wasAtEnd.current && current !== null) current.scrollTop = current.scrollHeight;
  }, [lines, isFollowed]);
  return (
    <div class="long">
      <div
        class="output"
        ref={box}
        tabIndex={0}
        role="group"
        aria-label={label}
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          wasAtEnd.current = scrollTop + clientHeight >= scrollHeight - 8;
        }}
      >
        {lines.map((line, i) => (
          <Line key={i} line={line} />
        ))}
      </div>
      <CopyButton text={lines.map((line) => line.text).join('\n')} what="the output" isSmall />
    </div>
  );
}

function Line({ line }: { readonly line: OutputLine }): JSX.Element {
  const { text, leftOut } = cutText(withoutColours(line.text), LONGEST_LINE);
  return (
    <div class={line.stream}>
      <time class="dim number">{instant(line.atMs, now())}</time>
      {line.stream !== 'stdout' && <span class="stream">{line.stream}</span>}
      <bdi>{marked(text, false)}</bdi>
      {leftOut > 0 && <span class="dim"> … {count(leftOut)} more characters</span>}
    </div>
  );
}
