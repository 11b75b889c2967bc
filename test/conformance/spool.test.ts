/** The spool with its journal, and without fsync. */
import { testSpool } from './spools.ts';

testSpool('with fsync', {});
testSpool('without fsync', { fsync: false });
