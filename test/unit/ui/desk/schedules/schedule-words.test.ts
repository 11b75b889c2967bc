import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scheduleWords } from '../../../../../src/ui/desk/schedules/schedule-words.ts';

describe('the words of a schedule', () => {
  for (const [ms, words] of [
    [1_000, 'every second'],
    [90_000, 'every 90 seconds'],
    [300_000, 'every 5 minutes'],
    [3_600_000, 'every hour'],
    [86_400_000, 'every day'],
    [172_800_000, 'every 2 days'],
    [1_500, 'every 1500 milliseconds'],
  ] as const)
    test(`that fires every ${ms} ms`, () => assert.equal(scheduleWords({ kind: 'every', ms }), words));

  for (const [cron, words] of [
    ['0 4 * * *', 'at 04:00 each day'],
    ['30 4 * * *', 'at 04:30 each day'],
    ['15 30 4 * * *', 'at 04:30:15 each day'],
    ['0 9,17 * * *', 'at 09:00 and 17:00 each day'],
    ['0,30 9 * * *', 'at 09:00 and 09:30 each day'],
    ['0 9 * * 1-5', 'at 09:00 on weekdays'],
    ['0 9 * * MON-FRI', 'at 09:00 on weekdays'],
    ['0 9 * * 6,0', 'at 09:00 on Saturdays and Sundays'],
    ['0 9 * * 1', 'at 09:00 on Mondays'],
    ['0 9 * * 7', 'at 09:00 on Sundays'],
    ['0 9 * * mon,wed', 'at 09:00 on Mondays and Wednesdays'],
    ['0 0 1 * *', 'at 00:00 on the 1st of each month'],
    ['0 0 2,3,11,22 * *', 'at 00:00 on the 2nd, 3rd, 11th and 22nd of each month'],
    ['0 0 L * *', 'at 00:00 on the last day of each month'],
    ['0 0 1 1 *', 'at 00:00 on the 1st of January'],
    ['0 12 * jun,JUL *', 'at 12:00 each day in June and July'],
    ['0 0 1 */3 *', 'cron 0 0 1 */3 *'],
    ['* * * * *', 'every minute'],
    ['* * * * * *', 'every second'],
    ['*/10 * * * * *', 'every 10 seconds'],
    ['*/5 * * * *', 'every 5 minutes'],
    ['0/15 * * * *', 'every 15 minutes'],
    ['*/5 9-17 * * 1-5', 'every 5 minutes from 09:00 to 17:59 on weekdays'],
    ['*/7 * * * *', 'cron */7 * * * *'],
    ['0 * * * *', 'every hour'],
    ['15 * * * *', 'every hour at :15'],
    ['0,30 * * * *', 'every hour at :00 and :30'],
    ['0 */2 * * *', 'every 2 hours'],
    ['30 */6 * * *', 'every 6 hours at :30'],
    ['0 */5 * * *', 'cron 0 */5 * * *'],
    ['* */2 * * *', 'cron * */2 * * *'],
    ['*/5 */2 * * *', 'cron */5 */2 * * *'],
    ['* * */3 * * *', 'cron * * */3 * * *'],
    ['*/5 */1 * * *', 'every 5 minutes'],
    ['0 9-17 * * *', 'each hour from 09:00 to 17:00'],
    ['0 9 13 * 5', 'cron 0 9 13 * 5'],
    ['@daily', 'at 00:00 each day'],
    ['@hourly', 'every hour'],
    ['@weekly', 'at 00:00 on Sundays'],
    ['0 4 ? * *', 'at 04:00 each day'],
    ['0 9 * * 5#2', 'cron 0 9 * * 5#2'],
    ['0 0 0 1 1 * 2030', 'cron 0 0 0 1 1 * 2030'],
    ['61 4 * * *', 'cron 61 4 * * *'],
  ] as const)
    test(`with the pattern ${cron}`, () => {
      assert.equal(scheduleWords({ kind: 'cron', cron, timeZone: 'Europe/Berlin' }), `${words}, Europe/Berlin`);
    });
});
