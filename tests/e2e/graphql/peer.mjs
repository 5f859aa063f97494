// Talks to graphql_peer, and finds the npm packages: node SCRIPT PEER_PROGRAM PACKAGES_FOLDER.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import path from 'node:path';

const [program, packages] = process.argv.slice(2);
export const load = createRequire(path.join(path.resolve(packages), 'package.json'));

export class Peer {
  constructor() {
    this.child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.waiting = [];
    createInterface({ input: this.child.stdout }).on('line', (line) =>
      this.waiting.shift().resolve(JSON.parse(line)),
    );
    this.child.on('exit', (code) => {
      for (const { reject } of this.waiting) reject(new Error(`graphql_peer ended with ${code}`));
    });
  }

  ask(question) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.stdin.write(JSON.stringify(question) + '\n');
    });
  }

  close() {
    this.child.stdin.end();
  }
}

// Counts what is compared; finish() prints the differences and sets the exit status.
export class Report {
  constructor() {
    this.counts = {};
    this.differences = [];
  }

  check(topic, same, describe) {
    this.counts[topic] = (this.counts[topic] ?? 0) + 1;
    if (!same) this.differences.push(`${topic}: ${describe()}`);
  }

  finish(expected) {
    for (const difference of this.differences.slice(0, 20)) console.log(difference + '\n');
    console.log(JSON.stringify(this.counts), `${this.differences.length} differences`);
    for (const [topic, count] of Object.entries(expected)) {
      if ((this.counts[topic] ?? 0) < count) {
        console.log(`${topic}: fewer than ${count} comparisons`);
        process.exitCode = 1;
      }
    }
    if (this.differences.length > 0) process.exitCode = 1;
  }
}
