/** What the other pages show. A file of tests may take only so long, so the longer pages have files of their own. */
import { testPages } from '../support/document.ts';

testPages(['docs/cli.md', 'docs/from-celery.md', 'docs/projects.md', 'docs/testing.md']);
