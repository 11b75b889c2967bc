/** What becomes of a job that was claimed and must not start now, because of a limit. */
import type { Claim } from '../broker/worker-side.ts';
import { afterwards, type Soon } from '../broker/soon.ts';
import { revoked } from '../job/lifecycle.ts';
import type { Admission } from './admission.ts';
import type { Taken } from './claim.ts';
import type { SpoolContext } from './context.ts';
import { jobFileName } from './layout.ts';
import { isMarked } from './markers.ts';
import { renameOver } from './way.ts';

/** It goes back where it was. One that is revoked ends: whoever revoked it may have seen it here, and was told that it will. */
export function putBack(context: SpoolContext, admission: Admission, taken: Taken, claim: Claim): Soon<null> {
  if (isMarked(context, taken.name.id)) return afterwards(claim.settle(revoked(claim, false), null), () => null);
  // Before it is there for others to hear of: the same event tells us as well.
  admission.refused(jobFileName(taken.before));
  renameOver(context, `${taken.directory}/${taken.fileName}`, `${context.layout.pending}/${jobFileName(taken.before)}`);
  return null;
}
