// The examples of a page of the documentation, run as they stand.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from './server.js';

// A block of sh, and what it prints if a block of text or JSON follows.
function examplesOf(markdown) {
  const found = markdown.matchAll(/^```sh\n(.*?)^```\n(?:```(?:text|json)\n(.*?)^```\n)?/gms);
  return [...found].map(([, script, output]) => ({ script, output }));
}

// `getUrl` gives the address of a server that is as if on port 8000.
export function testExamples(page, atLeast, getUrl) {
  const examples = examplesOf(readFileSync(path.join(root, page), 'utf8'));
  describe(page, () => {
    assert.ok(examples.length >= atLeast);
    for (const { script, output } of examples) {
      test(script.split('\n')[0].slice(0, 100), async () => {
        const here = script
          .replaceAll('http://127.0.0.1:8000', getUrl())
          .replaceAll('curl -s', 'curl --fail-with-body -s');
        const { stdout } = await promisify(execFile)('bash', ['-e', '-o', 'pipefail', '-c', here], {
          cwd: root,
        });
        if (output === undefined) {
          assert.notEqual(stdout, '');
        } else {
          assert.equal(stdout.replaceAll('\r\n', '\n').trimEnd(), output.trimEnd());
        }
      });
    }
  });
}
