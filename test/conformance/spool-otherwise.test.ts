/** The spool where it cannot work as it likes to: each file is fsynced by itself. */
import { nodeFiles } from '../../src/spool/disk/files.ts';
import { ofNoBoot } from '../support/boots.ts';
import { testSpool } from './spools.ts';

testSpool('with fsync of each file, where the file system cannot be synced', {
  files: { ...nodeFiles, syncFileSystem: async () => false },
});
testSpool('with fsync, where there is no journal', { files: ofNoBoot(nodeFiles) });
