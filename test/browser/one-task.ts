/** A project with one task, for tests of what happens around the page: jobs of it wait, since no worker runs. */
import type { Page } from 'playwright-core';
import { until } from '../support/conditions.ts';
import { fsq, type Project } from '../support/project.ts';
import { textOf } from './chromium.ts';

export const PROJECT = { 'tasks.js': `import { task } from 'fsq'; export const add = task('add', (a, b) => a + b);` };

export const send = (project: Project): Promise<unknown> => fsq(project, ['call', 'add', '1', '2']);
export const says = (page: Page, text: string): Promise<unknown> =>
  until(async () => (await textOf(page)).includes(text), `the page says "${text}"`);
export const pending = (page: Page, many: number): Promise<unknown> =>
  page.locator(`.counts a[title="${many} pending"]`).waitFor();
