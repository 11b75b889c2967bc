/** What the pages show that are about tasks and what is made of them. */
import { testPages } from '../support/document.ts';

testPages(['docs/tasks.md', 'docs/composition.md', 'docs/observing.md']);
