/** What a pattern means where clocks are changed: the contract of schedules, as a table. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { cronTimes } from '../../../../src/app/schedules/cron.ts';

interface Case {
  readonly what: string;
  readonly cron: string;
  readonly zone: string;
  /** UTC, without the Z; the instants after `from`, as many as are listed. */
  readonly from: string;
  readonly fires: string;
}

/** Berlin: +1, and +2 from 29 March 01:00Z to 25 October 01:00Z. New York: −5, −4 from 8 March 07:00Z to 1 November 06:00Z. */
const CASES: readonly Case[] = [
  {
    what: 'a daily time inside the hour that spring leaves out: the first instant after it',
    cron: '30 2 * * *',
    zone: 'Europe/Berlin',
    from: '2026-03-28T00:00',
    fires: '2026-03-28T01:30 2026-03-29T01:00 2026-03-30T00:30',
  },
  {
    what: 'the same at the first moment of that hour',
    cron: '0 2 * * *',
    zone: 'Europe/Berlin',
    from: '2026-03-28T02:00',
    fires: '2026-03-29T01:00 2026-03-30T00:00',
  },
  {
    what: 'the same once a week, on that day',
    cron: '30 2 * * 0',
    zone: 'Europe/Berlin',
    from: '2026-03-27T00:00',
    fires: '2026-03-29T01:00 2026-04-05T00:30',
  },
  {
    what: 'the same in America',
    cron: '30 2 * * *',
    zone: 'America/New_York',
    from: '2026-03-07T12:00',
    fires: '2026-03-08T07:00 2026-03-09T06:30',
  },
  {
    what: 'the same with half an hour off',
    cron: '30 2 * * *',
    zone: 'America/St_Johns',
    from: '2026-03-07T12:00',
    fires: '2026-03-08T05:30 2026-03-09T05:00',
  },
  {
    what: 'the same at midnight, where the clock goes on at midnight',
    cron: '0 0 * * *',
    zone: 'America/Havana',
    from: '2026-03-07T12:00',
    fires: '2026-03-08T05:00 2026-03-09T04:00',
  },
  {
    what: 'two times inside it: once, at the first instant after it',
    cron: '0,30 2 * * *',
    zone: 'Europe/Berlin',
    from: '2026-03-28T12:00',
    fires: '2026-03-29T01:00 2026-03-30T00:00 2026-03-30T00:30',
  },
  {
    what: 'a time inside it and the first one after it: once',
    cron: '0 2,3 * * *',
    zone: 'Europe/Berlin',
    from: '2026-03-28T12:00',
    fires: '2026-03-29T01:00 2026-03-30T00:00 2026-03-30T01:00',
  },
  {
    what: 'a daily time inside the hour that autumn has twice: the first of the two',
    cron: '30 2 * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-24T01:00',
    fires: '2026-10-25T00:30 2026-10-26T01:30',
  },
  {
    what: 'the same, asked for between the two',
    cron: '30 2 * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-25T00:45',
    fires: '2026-10-26T01:30',
  },
  {
    what: 'the same in America',
    cron: '30 1 * * *',
    zone: 'America/New_York',
    from: '2026-10-31T12:00',
    fires: '2026-11-01T05:30 2026-11-02T06:30',
  },
  {
    what: 'the same with half an hour off',
    cron: '30 1 * * *',
    zone: 'America/St_Johns',
    from: '2026-10-31T12:00',
    fires: '2026-11-01T04:00 2026-11-02T05:00',
  },
  {
    what: 'the same at midnight, where that comes twice',
    cron: '0 0 * * *',
    zone: 'America/Havana',
    from: '2026-10-31T12:00',
    fires: '2026-11-01T04:00 2026-11-02T05:00',
  },
  {
    what: 'two times inside it: each once, the first time',
    cron: '0,30 2 * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-24T12:00',
    fires: '2026-10-25T00:00 2026-10-25T00:30 2026-10-26T01:00',
  },
  {
    what: 'a range of hours: each once',
    cron: '0 1-3 * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-24T12:00',
    fires: '2026-10-24T23:00 2026-10-25T00:00 2026-10-25T02:00 2026-10-26T00:00',
  },
  {
    what: 'the same with seconds',
    cron: '0,30 0 2 * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-24T12:00',
    fires: '2026-10-25T00:00:00 2026-10-25T00:00:30 2026-10-26T01:00:00',
  },
  {
    what: 'every half hour: at every half hour that really passes, in spring',
    cron: '*/30 * * * *',
    zone: 'Europe/Berlin',
    from: '2026-03-29T00:10',
    fires: '2026-03-29T00:30 2026-03-29T01:00 2026-03-29T01:30 2026-03-29T02:00',
  },
  {
    what: 'and in autumn',
    cron: '*/30 * * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-24T23:50',
    fires: '2026-10-25T00:00 2026-10-25T00:30 2026-10-25T01:00 2026-10-25T01:30 2026-10-25T02:00',
  },
  {
    what: 'and in America',
    cron: '*/20 * * * *',
    zone: 'America/New_York',
    from: '2026-11-01T05:30',
    fires: '2026-11-01T05:40 2026-11-01T06:00 2026-11-01T06:20 2026-11-01T06:40 2026-11-01T07:00',
  },
  {
    what: 'each hour: at every hour that really passes',
    cron: '0 * * * *',
    zone: 'Europe/Berlin',
    from: '2026-10-24T23:50',
    fires: '2026-10-25T00:00 2026-10-25T01:00 2026-10-25T02:00',
  },
  {
    what: 'Lord Howe loses half an hour: a time inside it',
    cron: '15 2 * * *',
    zone: 'Australia/Lord_Howe',
    from: '2026-10-02T00:00',
    fires: '2026-10-02T15:45 2026-10-03T15:30 2026-10-04T15:15',
  },
  {
    what: 'Lord Howe has half an hour twice: a time inside it',
    cron: '45 1 * * *',
    zone: 'Australia/Lord_Howe',
    from: '2026-04-03T12:00',
    fires: '2026-04-03T14:45 2026-04-04T14:45 2026-04-05T15:15',
  },
  {
    what: 'and each quarter of an hour there, when it is lost',
    cron: '*/15 * * * *',
    zone: 'Australia/Lord_Howe',
    from: '2026-10-03T15:10',
    fires: '2026-10-03T15:15 2026-10-03T15:30 2026-10-03T15:45',
  },
  {
    what: 'and when it comes twice',
    cron: '*/15 * * * *',
    zone: 'Australia/Lord_Howe',
    from: '2026-04-04T14:20',
    fires: '2026-04-04T14:30 2026-04-04T14:45 2026-04-04T15:00 2026-04-04T15:15 2026-04-04T15:30',
  },
  {
    what: 'a zone that changes nothing',
    cron: '0 3 * * *',
    zone: 'Asia/Tokyo',
    from: '2026-03-07T12:00',
    fires: '2026-03-07T18:00 2026-03-08T18:00',
  },
  {
    what: 'no zone',
    cron: '0 0 29 2 *',
    zone: 'UTC',
    from: '2026-03-07T12:00',
    fires: '2028-02-29T00:00 2032-02-29T00:00',
  },
  {
    what: 'a nickname',
    cron: '@daily',
    zone: 'America/New_York',
    from: '2026-03-07T12:00',
    fires: '2026-03-08T05:00 2026-03-09T04:00',
  },
];

describe('a pattern means', () => {
  for (const { what, cron, zone, from, fires } of CASES) {
    test(`${cron} in ${zone}: ${what}`, () => {
      const wanted = fires.split(' ').map((text) => Date.parse(`${text}Z`));
      const times = cronTimes(cron, zone);

      const found: (number | null)[] = [];
      for (let at = times.next(Date.parse(`${from}Z`)); found.length < wanted.length; at = times.next(at ?? 0))
        found.push(at);

      assert.deepEqual(found.map(text), wanted.map(text));
    });
  }
});

test('the next instant is the same from wherever one asks', () => {
  const patterns = ['30 2 * * *', '0,30 2 * * *', '*/7 * * * *', '0 1-3 * * *', '15,45 1,2 * * *', '*/10 2 * * *'];
  const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/St_Johns', 'UTC'];
  const spans = [
    ['2026-03-05', '2026-04-07'],
    ['2026-10-01', '2026-11-04'],
  ].map((span) => span.map((day) => Date.parse(`${day}T00:00Z`)));

  for (const zone of zones)
    for (const pattern of patterns)
      for (const [from = 0, to = 0] of spans) {
        const times = cronTimes(pattern, zone);
        const all: number[] = [];
        for (let at = times.next(from); at !== null && at < to; at = times.next(at)) all.push(at);
        for (let at = from; at < to - 2 * 86_400_000; at += 677 * 60_000 + 13_001) {
          const next = times.next(at);
          assert.equal(text(next), text(all.find((one) => one > at) ?? null), `${pattern} ${zone} from ${text(at)}`);
          if (at % 5 === 0) assert.equal(text(cronTimes(pattern, zone).next(at)), text(next));
        }
      }
});

test('what never fires has no next instant', () => {
  assert.equal(cronTimes('0 0 30 2 *', 'UTC').next(0), null);
  assert.equal(cronTimes('0 0 3 * * * 2020', 'UTC').next(Date.parse('2026-01-01')), null);
});

for (const bad of [
  '',
  '* * *',
  '60 * * * *',
  '0 25 * * *',
  '5-3 * * * *',
  '2026-01-01T00:00:00',
  '@reboot',
  'H * * * *',
  '* * * * * * * *',
])
  test(`${JSON.stringify(bad)} is no pattern`, () => {
    assert.throws(() => cronTimes(bad, 'UTC'));
  });

function text(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
