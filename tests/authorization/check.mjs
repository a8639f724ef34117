// Checks policies by themselves, against what AWS publishes about actions.
//
//   node check.mjs FOLDER < POLICIES     (the first line of judge.mjs, see there)
//
// Prints {"findings": [texts], "couldBeScoped": [texts]} and ends with 1 if there are findings:
// an action that does not exist, a resource that is none of what an action acts on, a
// condition key that requests for an action on that resource do not have, a set operator
// where a key has one value or none where it has several. A key that no request has makes
// an allowing statement useless and a set operator always true.
// `couldBeScoped` are allowing statements of roles with `*` for an action that acts on a resource.

import { readFileSync } from "node:fs";
import { judgeOf } from "./evaluation.mjs";
import { packagesOf, reference, typesOf, writtenOut } from "./reference.mjs";

const require = packagesOf(process.argv[2]);
const known = reference(require);
const policies = JSON.parse(readFileSync(0, "utf8"));
const findings = [...judgeOf(require, known, policies).errors];
const couldBeScoped = [];

const list = (value) => (value === undefined ? [] : [value].flat());

for (const [kind, ofKind] of Object.entries(policies)) {
  for (const [of, documents] of Object.entries(ofKind)) {
    for (const { name, document } of Array.isArray(documents) ? documents : [{ document: documents }]) {
      for (const [at, statement] of writtenOut(document).Statement.entries()) {
        await look(kind, statement, `${kind} of ${of}, ${name ? `policy ${name}, ` : ""}statement ${at}`);
      }
    }
  }
}

console.log(JSON.stringify({ findings, couldBeScoped }, null, 2));
if (findings.length) process.exitCode = 1;

async function look(kind, statement, where) {
  const patterns = list(statement.Action);
  if (patterns.length === 0) findings.push(`${where}: NotAction cannot be checked`);
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    if (/^null$/i.test(operator)) continue;
    for (const key of Object.keys(keys)) {
      const several = await known.isMultivalued(key);
      if (several !== /^For(All|Any)Values?:/i.test(operator)) findings.push(`${where}: ${key} has ${several ? "several values, which needs ForAllValues or ForAnyValue" : "one value, which needs no set operator"}`);
    }
  }
  if (statement.NotResource !== undefined) findings.push(`${where}: NotResource cannot be checked`);
  for (const pattern of patterns) {
    const actions = await known.actionsLike(pattern);
    if (actions.length === 0) findings.push(`${where}: there is no action ${pattern}`);
    const all = await Promise.all(actions.map(known.action));
    // Of a pattern it is enough that one of its actions fits.
    const said = (problems) => (problems.length === all.length ? findings.push(...new Set(problems)) : 0);
    for (const resource of kind === "trust" ? ["*"] : list(statement.Resource)) {
      const fitting = all.filter((action) => resource === "*" || typesOf(action, resource).length);
      said(all.filter((action) => !fitting.includes(action)).map((action) => `${where}: ${resource} is none of what ${pattern} acts on: ${action.types.map(({ name }) => name).join(", ") || "it takes * alone"}`));
      if (kind === "identity" && statement.Effect === "Allow" && resource === "*" && all.some((action) => action.types.length))
        couldBeScoped.push(`${where}: ${pattern} on * could name ${[...new Set(all.flatMap((action) => action.types.map(({ name }) => name)))].join(", ")}`);
      for (const key of Object.values(statement.Condition ?? {}).flatMap(Object.keys)) {
        said(all.filter((action) => !known.hasKey(action, typesOf(action, resource), key)).map(() => `${where}: requests for ${pattern} on ${resource} have no key ${key}`));
      }
    }
  }
}
