/**
 * Ways to break fsq, each with the test that must notice: `find`, which stands once in `file`, becomes `replace`.
 *
 * @type {readonly { name: string, file: string, find: string, replace: string, test: string, pattern?: string }[]}
 */
export const MUTANTS = [
  {
    name: 'no fsync of the job file',
    file: 'src/spool/enqueue.ts',
    find: '    if (context.fsync) await syncAll(files, open);\n',
    replace: '',
    test: 'test/unit/spool/durability.test.ts',
  },
  {
    name: 'no fsync of the directory',
    file: 'src/spool/enqueue.ts',
    find: '    if (context.fsync) await syncDirectories(context, ...new Set(drafts.map(({ directory }) => directory)));\n',
    replace: '',
    test: 'test/unit/spool/durability.test.ts',
  },
  {
    name: 'no fsync of the outcome',
    file: 'src/spool/held.ts',
    find: '    if (held.sizeBytes > held.baseBytes + bytes.length) files.truncate(fd, held.baseBytes + bytes.length);\n    if (context.fsync) await files.sync(fd);\n',
    replace:
      '    if (held.sizeBytes > held.baseBytes + bytes.length) files.truncate(fd, held.baseBytes + bytes.length);\n',
    test: 'test/unit/spool/durability.test.ts',
  },
  {
    name: 'published before the outcome is written',
    file: 'src/spool/held.ts',
    find: '    await write(context, held, tail, onEvent);\n  } catch (error) {',
    replace:
      '    void Promise.resolve().then(() => write(context, held, tail, onEvent)).catch(() => undefined);\n  } catch (error) {',
    test: 'test/conformance/spool.test.ts',
  },
  {
    name: 'a torn tail is not cut',
    file: 'src/job/document.ts',
    find: '  if (line > 0 && hasMark) return [line];\n',
    replace: '  if (line > 0 && hasMark) return [];\n',
    test: 'test/unit/job/document.test.ts',
  },
  {
    name: 'an older tail is not cut first',
    file: 'src/spool/held.ts',
    find: 'if (held.sizeBytes > held.baseBytes + BARE_END.length) {',
    replace: 'if (held.sizeBytes < 0) {',
    test: 'test/unit/spool/faults.test.ts',
  },
  {
    name: 'a complete outcome is run again',
    file: 'src/spool/recover.ts',
    find: '  if (hasOutcomeOf(record, name.attempt)) return publishAsItStands(context, held, onEvent);\n',
    replace: '',
    test: 'test/unit/spool/recover.test.ts',
  },
  {
    name: 'no fence',
    file: 'src/spool/recover.ts',
    find: '  const fenced = `${layout.running}/${heldName(owner, recoverer.owner)}`;\n',
    replace: '  const fenced = `${layout.running}/${directory}`;\n',
    test: 'test/unit/spool/recover.test.ts',
  },
  {
    name: 'an error of the fence is taken for success',
    file: 'src/spool/held.ts',
    find: "  return hasCode(error, 'ENOENT') ? new FencedError(held.owner) : error;\n",
    replace: "  return hasCode(error, 'ENOENT') ? undefined : error;\n",
    test: 'test/conformance/spool.test.ts',
  },
  {
    name: 'liveness by kill(pid, 0)',
    file: 'src/spool/owner.ts',
    find: '  const verdict = await probe(context, owner);\n',
    replace:
      "  const verdict: Verdict = (() => {\n    try {\n      process.kill(Number(owner.split('-')[0]), 0);\n      return { verdict: 'alive' };\n    } catch {\n      return { verdict: 'dead' };\n    }\n  })();\n",
    test: 'test/unit/spool/liveness.test.ts',
  },
  {
    name: 'what is not known counts as dead',
    file: 'src/spool/proof.ts',
    find: "  return { verdict: 'unknown', reason: error instanceof Error ? error.message : String(error) };\n",
    replace: "  return { verdict: 'dead' };\n",
    test: 'test/unit/spool/liveness.test.ts',
  },
  {
    name: 'a full accept queue counts as dead',
    file: 'src/spool/proof.ts',
    find: "  if (hasCode(error, 'EAGAIN')) return { verdict: 'alive' };\n",
    replace: "  if (hasCode(error, 'EAGAIN')) return { verdict: 'dead' };\n",
    test: 'test/unit/spool/liveness.test.ts',
  },
  {
    name: 'a finish gives up on a full disk',
    file: 'src/spool/patience.ts',
    find: '      if (!isPassing(error) || giveUp?.aborted === true) throw error;\n',
    replace: '      throw error;\n',
    test: 'test/unit/spool/held.test.ts',
  },
  {
    name: 'a failed write is repeated on the same file',
    file: 'src/spool/held.ts',
    find: 'const act = isFirstTry ? writeInPlace : writeCopy;',
    replace: 'const act = isFirstTry || bytes.length >= 0 ? writeInPlace : writeCopy;',
    test: 'test/unit/spool/held.test.ts',
  },
  {
    name: 'crashes are not counted',
    file: 'src/job/lifecycle.ts',
    find: '  const crashes = standing.crashes + 1;\n',
    replace: '  const crashes = standing.crashes;\n',
    test: 'test/unit/job/lifecycle.test.ts',
  },
  {
    name: 'a lost event is lost for good',
    file: 'src/spool/feed.ts',
    find: '    this.#poll = new Poll(() => this.#try(() => this.#check()), false);\n',
    replace: '    this.#poll = new Poll(() => undefined, false);\n',
    test: 'test/unit/spool/feed.test.ts',
  },
  {
    name: 'a link is followed',
    file: 'src/spool/files.ts',
    find: 'accessFlags(access) | O_NOFOLLOW | O_NONBLOCK',
    replace: 'accessFlags(access) | O_NONBLOCK',
    test: 'test/unit/spool/corrupt.test.ts',
  },
  {
    name: 'an outcome is waited for without looking first',
    file: 'src/spool/outcomes.ts',
    find: '    const found = readOutcome(this.#context, id);\n',
    replace: '    const found = null as ReturnType<typeof readOutcome>;\n',
    test: 'test/unit/spool/outcomes.test.ts',
  },
];
