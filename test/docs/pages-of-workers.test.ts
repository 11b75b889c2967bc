/** What the pages show that are about workers and where they run. */
import { testPages } from '../support/document.ts';

testPages(['docs/queues.md', 'docs/schedules.md', 'docs/deploying.md', 'docs/ci.md']);
