// Judges requests to AWS by the policies that hold for them, as AWS would.
//
//   node judge.mjs FOLDER     (FOLDER is what tests/node-env tests/authorization prints)
//
// One JSON document a line comes in, one goes out for each, in order.
//
// First line, all policies:
//   {"identity":   {ROLE: [{"name": …, "document": {…}}, …]},   policies of a role, under any name
//    "boundaries": {ROLE: [{"name": …, "document": {…}}, …]},   optional, of the same names
//    "resource":   {NAME: {…}},                                 policy of a queue, topic, key, API, function
//    "trust":      {ROLE_ARN: {…}}}                             who may assume a role
// Its answer: {"errors": [texts]}. With errors nothing is judged, and the process ends with 1.
//
// Then requests:
//   {"id": …, "principal": ARN of a role, such as events.amazonaws.com, or "anonymous",
//    "role": ROLE or null, "action": "ec2:CreateTags", "resource": ARN or "*",
//    "resourceAccount": "111122223333", "context": {KEY: text or [texts]}, "resourcePolicy": NAME or null}
// sts:AssumeRole takes the trust policy of its resource; kms:… cannot do without resourcePolicy.
// aws:SecureTransport, aws:ResourceAccount, aws:PrincipalArn, aws:PrincipalAccount,
// aws:PrincipalIsAWSService and aws:PrincipalServiceName are added if the request does not say them.
// Answers:
//   {"id": …, "allowed": bool, "by": [{"kind", "of", "policy", "statement" (from 0), "sid"?}],
//    "why": a sentence for a denial, "errors": [what no request to AWS can be like]}
// A request with errors is never allowed.
//
// Limits:
// - One authorization is judged. What one call needs in all (each resource of CreateVpcEndpoint,
//   CreateTags at creation, route53:AssociateVPCWithHostedZone) the caller has to ask for.
// - Keys of a request that AWS would fill and the caller leaves out count as missing.
// - `*` as resource is judged for actions that can be asked without one; only a literal `*` of a statement covers it.
// - No service control policies or policies of VPC endpoints. A session policy bounds as a boundary does.
// - In a resource pattern what stands before the first / or : of the last part of the ARN is taken literally
//   (`…:*/v1/*` matches nothing): IAM advises against a wildcard there.
// - An API Gateway with a Cognito authorizer asks IAM nothing but its resource policy: ask as "anonymous".

import { createInterface } from "node:readline";
import { judgeOf } from "./evaluation.mjs";
import { packagesOf, reference } from "./reference.mjs";

const require = packagesOf(process.argv[2]);
const known = reference(require);
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

let judge;
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (judge) {
    say({ id: asked.id, ...(await judge(asked)) });
    continue;
  }
  const made = judgeOf(require, known, asked);
  say({ errors: made.errors });
  if (made.errors.length) {
    process.exitCode = 1;
    break;
  }
  judge = made.judge;
}
