/** Server-Sent Events: each page has one stream, by which it hears of a new summary, and that jobs have changed. */
import type { ServerResponse } from 'node:http';
import { jsonText } from '../../job/text.ts';
import { peek } from '../../job/values/realm.ts';
import { CLOSED_TEXT, type Desk } from '../desk.ts';
import type { Refusal } from './guard.ts';
import { begin } from './respond.ts';
import type { Summary } from '../wire.ts';

/** So many pages hear at once; the others ask from time to time. `fsq ui` has some more connections, and so an answer for them. */
const MOST = 200;
const FULL: Refusal = {
  status: 503,
  text: `${MOST} pages listen already. This one asks from time to time instead.`,
  headers: { 'retry-after': '30' },
};

const CLOSED: Refusal = { status: 503, text: CLOSED_TEXT };

/** So often something is sent, or else what is between the two might take the stream for dead, ms. */
const BEAT_MS = 15_000;
/** A stream ends after so many beats, a quarter of an hour: its page opens another one, for which the login is asked again. */
const MOST_BEATS = 60;
/** The page asks again after this time when its stream has ended, ms. */
const RETRY_MS = 2_000;
/** A page that does not read has so much waiting for it at most, bytes: then it gets no more until it has read. */
const MOST_WAITING = 256 * 1_024;

export class Streams {
  readonly #desk: Desk;
  /** Each with how many beats it has heard. */
  readonly #open = new Map<ServerResponse, number>();
  #isClosed = false;
  #stopListening: (() => void) | null = null;
  #beat: NodeJS.Timeout | undefined;
  /** The last summary as it was sent: made a text once for all. */
  #last: { readonly of: Summary; readonly text: string } | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** @returns why not; null: it listens, or is gone: whoever asked may have left while a login was asked about it */
  add(response: ServerResponse): Refusal | null {
    if (this.#isClosed) return CLOSED;
    if (isGone(response)) return null;
    if (this.#open.size >= MOST) return FULL;
    begin(response, 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#open.set(response, 0);
    response.on('close', () => this.#drop(response));
    response.on('error', () => this.#drop(response));
    if (this.#stopListening === null) this.#begin();
    void this.#send('summary', [response]);
    return null;
  }

  /** For good: pages ask for new streams soon. */
  close(): void {
    this.#isClosed = true;
    for (const response of this.#open.keys()) response.end();
    this.#open.clear();
    this.#end();
  }

  #begin(): void {
    this.#stopListening = this.#desk.listen((what) => void this.#send(what, [...this.#open.keys()]));
    this.#beat = setInterval(() => this.#beatAll(), BEAT_MS).unref();
  }

  /** Whoever may see the page no more hears no more either, though nobody asks while a stream goes on. */
  #beatAll(): void {
    for (const [response, beats] of this.#open) {
      this.#open.set(response, beats + 1);
      if (beats + 1 >= MOST_BEATS) response.end();
      else write([response], ':\n\n');
    }
  }

  #end(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    this.#last = null;
    clearInterval(this.#beat);
  }

  #drop(response: ServerResponse): void {
    if (this.#open.delete(response) && this.#open.size === 0) this.#end();
  }

  async #send(what: 'summary' | 'jobs', responses: readonly ServerResponse[]): Promise<void> {
    write(responses, what === 'jobs' ? 'event: jobs\ndata: {}\n\n' : await this.#summaryText());
  }

  async #summaryText(): Promise<string> {
    const summary = await this.#desk.summary();
    if (this.#last?.of !== summary)
      this.#last = { of: summary, text: `event: summary\ndata: ${jsonText(summary)}\n\n` };
    return this.#last.text;
  }
}

/** Its 'close' has been told then, and is not told again. HTTP/2 has it at the stream below. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed || peek(peek(response, 'stream'), 'destroyed') === true;
}

function write(responses: readonly ServerResponse[], text: string): void {
  for (const response of responses)
    if (!response.writableEnded && response.writableLength < MOST_WAITING) response.write(text);
}
