/** What the trial of rename, fsync, watch and clock tells. Pure. */
import type { Finding } from './finding.ts';
import type { Probes } from './probes.ts';

/** Results expire by the file system's clock; file systems round to 2 s at most. */
const SKEW_MS = 2_000;
/** A producer waits for two fsyncs per job, ms. */
const SLOW_FSYNC_MS = 100;

export function probeFindings(path: string, probes: Probes): readonly Finding[] {
  const finding = (severity: Finding['severity'], code: string, message: string, advice: string): Finding => ({
    code,
    severity,
    message,
    location: path,
    advice,
    canRepair: false,
  });
  if (probes.write !== null)
    return [finding('error', 'not-writable', probes.write, 'No job can be sent or run until that is mended.')];
  return [renameFinding, fsyncFinding, watchFinding, clockFinding].flatMap((look) => look(probes, finding) ?? []);
}

type Look = (
  probes: Probes,
  finding: (severity: Finding['severity'], code: string, message: string, advice: string) => Finding,
) => Finding | null;

const renameFinding: Look = ({ renameFile, renameDirectory }, finding) => {
  const reason = renameFile ?? renameDirectory;
  if (reason === null) return null;
  return finding(
    'error',
    'no-rename',
    `A ${renameFile === null ? 'directory' : 'file'} cannot be renamed from tmp/ to logs/: ${reason}.`,
    'Every step of a job is a rename: choose a directory that is one plain file system, not the lower layer of an overlay.',
  );
};

const fsyncFinding: Look = ({ fsync, fsyncMs }, finding) => {
  if (fsync !== null) {
    const advice = 'No job is accepted without it: look at the disk and at the log of the kernel.';
    return finding('error', 'no-fsync', `fsync fails: ${fsync}.`, advice);
  }
  if (fsyncMs === null || fsyncMs <= SLOW_FSYNC_MS) return null;
  return finding(
    'info',
    'slow-fsync',
    `One fsync took ${Math.round(fsyncMs)} ms; sending a job takes two.`,
    'Send many jobs at a time (delayMany): they share it. FSQ_FSYNC=0 gives up surviving a power cut.',
  );
};

const watchFinding: Look = ({ watch }, finding) => {
  if (watch === null) return null;
  return finding(
    'warning',
    'no-watch',
    `Changes of a directory are not heard of: ${watch}.`,
    'fsq looks by itself up to once a second, so jobs start later. Raise fs.inotify.max_user_instances if that is why.',
  );
};

const clockFinding: Look = ({ clockSkewMs }, finding) => {
  if (clockSkewMs === null || Math.abs(clockSkewMs) <= SKEW_MS) return null;
  const where = clockSkewMs > 0 ? 'ahead of' : 'behind';
  return finding(
    'warning',
    'clock-skew',
    `The clock of the file system is ${Math.abs(clockSkewMs)} ms ${where} that of this process.`,
    'Results expire by it: set the clocks right (NTP).',
  );
};
