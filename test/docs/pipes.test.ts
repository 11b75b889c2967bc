/** What the page about pipes shows, in a file of its own: it starts many commands. */
import { testPages } from '../support/document.ts';

testPages(['docs/pipes.md']);
