// Whether policies allow a request, and why not.
//
// @cloud-copilot/iam-simulate is AGPL-3.0. It is only ever run in this process of the
// tests and never linked with or shipped in anything of this project.
//
// Its public runSimulation drops context keys whose variable follows a colon
// (kms:EncryptionContext:…), takes the first of several values, and lets a request for
// `*` be allowed by a statement for one ARN. So its core is called (the version is
// pinned), after reference.mjs has looked at the request.

import { OF_SERVICES_ONLY, typesOf, writtenOut } from "./reference.mjs";

const CORE = "./node_modules/@cloud-copilot/iam-simulate/dist/cjs";
const isService = (principal) => /^[\w.-]+\.amazonaws\.com$/.test(principal);

/** A judge over the policies of one first line. `errors` says what is wrong with them. */
export function judgeOf(require, reference, policies) {
  const { loadPolicy, validateIdentityPolicy, validateResourcePolicy, validateTrustPolicy } = require("@cloud-copilot/iam-policy");
  const { authorize } = require(`${CORE}/core_engine/CoreSimulatorEngine.js`);
  const { AwsRequestImpl } = require(`${CORE}/request/request.js`);
  const { RequestContextImpl } = require(`${CORE}/requestContext.js`);
  const { DiscoveryContextKeyConstraints } = require(`${CORE}/context_keys/discoveryContextKeyConstraints.js`);
  const errors = [];

  const load = (kind, of, name, document, validate) => {
    for (const { message, path } of validate(document)) errors.push(`${kind} ${of}${name ? `, ${name}` : ""}: ${message} (at ${path})`);
    return loadPolicy(document, { name });
  };
  const lists = (kind) =>
    new Map(Object.entries(policies[kind] ?? {}).map(([of, list]) => [of, list.map(({ name, document }) => load(kind, of, name, document, validateIdentityPolicy))]));
  const singles = (kind, validate) =>
    new Map(Object.entries(policies[kind] ?? {}).map(([of, document]) => [of, load(kind, of, undefined, writtenOut(document), validate)]));
  const identity = lists("identity");
  const boundaries = lists("boundaries");
  const resource = singles("resource", validateResourcePolicy);
  const trust = singles("trust", validateTrustPolicy);

  const judge = async (request) => {
    const details = await reference.action(request.action);
    const wrong = [];
    const types = details ? typesOf(details, request.resource) : [];
    if (!details) wrong.push(`there is no action ${request.action}`);
    else wrong.push(...resourceErrors(details, types, request), ...(await contextErrors(reference, details, types, request)));

    const resourceKind = /^sts:assumerole$/i.test(request.action) ? "trust" : "resource";
    const resourceName = resourceKind === "trust" ? request.resource : request.resourcePolicy;
    let guard = resourceName ? (resourceKind === "trust" ? trust : resource).get(resourceName) : undefined;
    if (guard && /^execute-api:/i.test(request.action)) guard = loadPolicy(writtenOut(policies.resource[resourceName], request.resource.split("/")[0]), {});
    if (resourceName && !guard) wrong.push(`there is no ${resourceKind} policy of ${resourceName}`);
    // Neither is reached by a policy of the caller alone, even in the same account.
    if (/^kms:/i.test(request.action) && !resourceName) wrong.push(`${request.action} needs the policy of the key as resourcePolicy`);
    if (request.role && !identity.has(request.role)) wrong.push(`there are no identity policies of ${request.role}`);
    if (request.role && isService(request.principal)) wrong.push(`${request.principal} has no identity policies of its own`);
    if (!/^\d{12}$/.test(request.resourceAccount ?? "")) wrong.push("resourceAccount is not the id of an account");
    if (wrong.length) return { allowed: false, by: [], why: wrong.join("; "), errors: wrong };

    const context = await contextOf(reference, request);
    const analysis = authorize({
      request: new AwsRequestImpl(
        request.principal === "anonymous" ? { type: "Anonymous" } : request.principal,
        { resource: request.resource, accountId: request.resourceAccount },
        request.action,
        new RequestContextImpl(context),
        // With this only a literal `*` covers a request that names no resource.
        request.resource === "*",
      ),
      identityPolicies: (request.role && identity.get(request.role)) || [],
      permissionBoundaries: request.role ? boundaries.get(request.role) : undefined,
      resourcePolicy: guard,
      serviceControlPolicies: [],
      resourceControlPolicies: [{ orgIdentifier: "default", policies: [loadPolicy(ALLOW_ALL, { name: "RCPFullAWSAccess" })] }],
      // A value such as ${aws:PrincipalOrgID} is asked for, although only discovering has constraints.
      simulationParameters: { simulationMode: "Strict", discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) },
      serviceSettings: {},
    });
    const allowed = analysis.result === "Allowed";
    const kinds = [
      { kind: "identity", of: request.role, result: analysis.identityAnalysis, asked: Boolean(request.role) },
      { kind: "boundaries", of: request.role, result: analysis.permissionBoundaryAnalysis, asked: Boolean(analysis.permissionBoundaryAnalysis) },
      { kind: resourceKind, of: resourceName, result: analysis.resourceAnalysis, asked: Boolean(guard) },
    ].filter((one) => one.asked);
    return {
      allowed,
      by: allowed ? kinds.flatMap(({ kind, of, result }) => result.allowStatements.map((statement) => idOf(kind, of, statement))) : [],
      why: allowed ? "" : reasons(kinds, context, request),
      errors: [],
    };
  };

  return { judge, errors };
}

const ALLOW_ALL = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }] };

function resourceErrors(details, types, { action, resource }) {
  // "To authorize a version or an alias to invoke an API action, Step Functions uses the state
  // machine's ARN" (Step Functions developer guide, "Authorization for versions and aliases").
  if (/^states:/i.test(action) && /:stateMachine:[^:]+:/.test(resource))
    return [`${action} on an alias or a version is authorized by the ARN of the machine, with states:StateMachineQualifier; not by ${resource}`];
  if (resource === "*")
    return details.types.some((type) => type.required) ? [`${action} acts on a ${names(details.types)}; ask with its ARN`] : [];
  if (/[*?]/.test(resource)) return [`${resource} is a pattern; a request names one resource`];
  if (details.types.length === 0) return [`${action} cannot name a resource; ask with *`];
  return types.length ? [] : [`${resource} is none of what ${action} acts on: ${names(details.types)}`];
}

const names = (types) => types.map((type) => type.name).join(", ");

async function contextErrors(reference, details, types, { action, principal, resource, context = {} }) {
  const errors = [];
  const held = resource === "*" ? [] : types;
  for (const [key, value] of Object.entries(context)) {
    if (!reference.hasKey(details, held, key)) errors.push(`requests for ${action} on ${resource} have no key ${key}`);
    if (OF_SERVICES_ONLY.has(key.toLowerCase()) && !isService(principal)) errors.push(`${key} is there only if a service calls by itself`);
    const isText = (one) => typeof one === "string";
    if (!isText(value) && !(Array.isArray(value) && value.every(isText))) errors.push(`${key} is neither a text nor a list of texts`);
    else if (Array.isArray(value) && !(await reference.isMultivalued(key))) errors.push(`${key} has one value, not a list`);
  }
  // AWS fills both from the same tags.
  const tagKeys = [valueOf(context, "aws:TagKeys") ?? []].flat();
  for (const key of Object.keys(context)) {
    const tag = key.match(/^aws:requesttag\/(.+)$/i)?.[1];
    if (tag && !tagKeys.includes(tag)) errors.push(`aws:TagKeys lacks ${tag}, which is in aws:RequestTag`);
  }
  return errors;
}

// What AWS adds to every request by itself.
async function contextOf(reference, { principal, resourceAccount, context = {} }) {
  const added = { "aws:SecureTransport": "true", "aws:ResourceAccount": resourceAccount };
  if (isService(principal)) Object.assign(added, { "aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": principal });
  else if (principal !== "anonymous")
    Object.assign(added, { "aws:PrincipalIsAWSService": "false", "aws:PrincipalArn": principal, "aws:PrincipalAccount": principal.split(":")[4] });
  const all = {};
  for (const [key, value] of Object.entries({ ...added, ...context })) all[key] = (await reference.isMultivalued(key)) ? [value].flat() : value;
  return all;
}

function valueOf(context, key) {
  const found = Object.keys(context).find((one) => one.toLowerCase() === key.toLowerCase());
  return found === undefined ? undefined : context[found];
}

const idOf = (kind, of, { policyId, statement }) => ({
  kind, of, policy: policyId ?? null, statement: statement.index() - 1, ...(statement.sid() ? { sid: statement.sid() } : {}),
});

function reasons(kinds, context, { action, resource, principal }) {
  const sentences = kinds.flatMap(({ kind, of, result }) => {
    const called = (one) => `${kind} of ${of}, ${one.policyId ? `policy ${one.policyId}, ` : ""}statement ${one.statement.index() - 1}`;
    if (result.denyStatements.length) return result.denyStatements.map((one) => `${called(one)} denies it`);
    if (result.allowStatements.length) return [];
    const close = result.unmatchedStatements.filter((one) => one.statement.isAllow() && one.actionMatch && one.resourceMatch && one.principalMatch !== "NoMatch");
    if (close.length)
      return close.map((one) => `${called(one)}: ${one.explain.conditions.filter((condition) => !condition.matches).map((condition) => notHeld(condition, context)).join(", and ")}`);
    const named = result.unmatchedStatements.some((one) => one.statement.isAllow() && one.actionMatch);
    return [`${kind} of ${of}: ${named ? `${action} is named, but not on ${resource} by ${principal}` : `no statement names ${action}`}`];
  });
  if (kinds.length === 0) sentences.push(`no policy was given that could allow ${principal} to ${action}`);
  return sentences.join("; ") || `one policy allows ${action} on ${resource}, another that has to allow it as well does not apply`;
}

function notHeld({ operator, conditionKeyValue: key, values, unmatchedValues }, context) {
  const wanted = [values].flat().map(({ value }) => value).join(" or ");
  const value = valueOf(context, key);
  if (Array.isArray(value) && !/^For(All|Any)Values?:/i.test(operator) && !/^null$/i.test(operator))
    return `${operator} ${key}: the key has several values, which needs ForAllValues or ForAnyValue`;
  const actual = value === undefined ? "is not in the request" : `is ${[value].flat().join(" and ") || "empty"}`;
  return `${operator} ${key} wants ${wanted}, but it ${actual}${unmatchedValues?.length ? ` (not matched: ${unmatchedValues.join(", ")})` : ""}`;
}
