/** What a command's exit code says, so that cron and CI can tell. From sysexits.h, timeout(1) and the shells' 128 + signal. */
export const EXIT = {
  good: 0,
  /** A job failed. */
  jobFailed: 1,
  /** A wrong command, option or argument. */
  usage: 2,
  /** No such job or task. */
  unknown: 3,
  /** The job was revoked or expired. */
  notRun: 4,
  /** The spool cannot be used. */
  spoolUnusable: 75,
  /** A setting is wrong, or no task can be loaded. */
  configuration: 78,
  /** Waiting took longer than `--timeout`. */
  timedOut: 124,
} as const;
