// The judge and the check, on cases whose answer AWS's documentation gives.
//
//   node selftest.mjs FOLDER     (FOLDER is what tests/node-env tests/authorization prints)

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = process.argv[2];
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const ACCOUNT = "111122223333";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/r`;
const MACHINE = `arn:aws:states:eu-west-1:${ACCOUNT}:stateMachine:m`;
const ENDPOINT = `arn:aws:ec2:eu-west-1:${ACCOUNT}:vpc-endpoint/vpce-1`;
const QUEUE = `arn:aws:sqs:eu-west-1:${ACCOUNT}:q`;
const TOPIC = `arn:aws:sns:eu-west-1:${ACCOUNT}:t`;
const KEY = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/k`;
const FUNCTION = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:f`;
const RULE = `arn:aws:events:eu-west-1:${ACCOUNT}:rule/r`;
const API = `arn:aws:execute-api:eu-west-1:${ACCOUNT}:a1`;
const OURS = { "aws:ResourceTag/x:managed-by": "us", "aws:ResourceTag/x:origin": "made" };

const document = (...Statement) => ({ Version: "2012-10-17", Statement: Statement.map((one) => ({ Effect: "Allow", ...one })) });
const ofRole = (...statements) => ({ identity: { r: [{ name: "p", document: document(...statements) }] } });

function run(program, lines) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [here(program), folder], { input: lines.map((line) => `${JSON.stringify(line)}\n`).join(""), encoding: "utf8" });
  assert.equal(stderr, "");
  return { stdout, status };
}

function judged(policies, ...requests) {
  const whole = requests.map((request, id) => ({ id, principal: ROLE, role: "r", resourceAccount: ACCOUNT, context: {}, ...request }));
  const [first, ...answers] = run("judge.mjs", [policies, ...whole]).stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(first, { errors: [] });
  assert.deepEqual(answers.map(({ id }) => id), whole.map(({ id }) => id));
  return answers;
}

const allowed = ({ allowed, why }) => assert.ok(allowed, why);
const denied = ({ allowed, why, errors }, text) => {
  assert.ok(!allowed);
  assert.deepEqual(errors, []);
  assert.match(why, text);
};
const refused = ({ allowed, errors }, text) => {
  assert.ok(!allowed);
  assert.match(errors.join("; "), text);
};
const service = (principal, rest) => ({ principal, role: null, ...rest });

test("an execution is started by the ARN of the machine, whatever alias is called", () => {
  const start = { action: "states:StartExecution", context: { "states:StateMachineQualifier": ["live"] } };
  const [onAlias, forAlias] = judged(ofRole({ Action: "states:StartExecution", Resource: `${MACHINE}:live` }), { ...start, resource: MACHINE }, { ...start, resource: `${MACHINE}:live` });
  denied(onAlias, /named, but not on .*:m by/);
  refused(forAlias, /authorized by the ARN of the machine/);

  const live = { Action: "states:StartExecution", Resource: MACHINE, Condition: { "ForAnyValue:StringEquals": { "states:StateMachineQualifier": "live" } } };
  const [byLive, byOther, bare] = judged(ofRole(live), { ...start, resource: MACHINE }, { ...start, resource: MACHINE, context: { "states:StateMachineQualifier": ["next"] } }, { ...start, resource: MACHINE, context: {} });
  allowed(byLive);
  assert.deepEqual(byLive.by, [{ kind: "identity", of: "r", policy: "p", statement: 0 }]);
  denied(byOther, /wants live, but it is next/);
  denied(bare, /is not in the request/);
});

test("tags of a request are judged by those that it carries", () => {
  const statement = {
    Action: "ec2:CreateTags", Resource: `arn:aws:ec2:*:${ACCOUNT}:vpc-endpoint/*`,
    Condition: { StringEquals: { "aws:RequestTag/x:managed-by": "us" }, "ForAllValues:StringLike": { "aws:TagKeys": ["x:*", "Name"] } },
  };
  const tag = (tags, keys = Object.keys(tags)) => ({
    action: "ec2:CreateTags", resource: ENDPOINT,
    context: { ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])), "aws:TagKeys": keys, "ec2:CreateAction": "CreateVpcEndpoint" },
  });
  const [all, claim, foreign, disagreeing] = judged(ofRole(statement), tag({ "x:managed-by": "us", Name: "n" }), tag({ "x:cluster:1": "1" }), tag({ "x:managed-by": "us", other: "o" }), tag({ "x:managed-by": "us" }, []));
  allowed(all);
  denied(claim, /StringEquals aws:RequestTag\/x:managed-by wants us, but it is not in the request/);
  denied(foreign, /ForAllValues:StringLike aws:TagKeys wants x:\* or Name.*not matched: other/);
  refused(disagreeing, /aws:TagKeys lacks x:managed-by/);
});

test("what was not made here is not deleted", () => {
  const statement = { Action: "ec2:DeleteVpcEndpoints", Resource: `arn:aws:ec2:*:${ACCOUNT}:vpc-endpoint/*`, Condition: { StringEquals: OURS } };
  const remove = { action: "ec2:DeleteVpcEndpoints", resource: ENDPOINT };
  const [made, adopted, foreign] = judged(ofRole(statement), { ...remove, context: OURS }, { ...remove, context: { ...OURS, "aws:ResourceTag/x:origin": "adopted" } }, remove);
  allowed(made);
  denied(adopted, /x:origin wants made, but it is adopted/);
  denied(foreign, /x:managed-by wants us, but it is not in the request, and .*x:origin/);
});

test("a set operator holds for no values, and Null is what asks for some", () => {
  const remove = { action: "ec2:DeleteTags", resource: ENDPOINT };
  const statement = (condition) => ofRole({ Action: "ec2:DeleteTags", Resource: "arn:aws:ec2:*:*:vpc-endpoint/*", Condition: { "ForAllValues:StringLike": { "aws:TagKeys": "x:*" }, ...condition } });
  allowed(judged(statement({}), remove)[0]);
  const [none, some] = judged(statement({ Null: { "aws:TagKeys": "false" } }), remove, { ...remove, context: { "aws:TagKeys": ["x:a"] } });
  denied(none, /Null aws:TagKeys wants false/);
  allowed(some);
});

test("a service is let in by the policy of the resource and its conditions", () => {
  const publish = service("events.amazonaws.com", { action: "sns:Publish", resource: TOPIC, resourcePolicy: "topic" });
  const send = service("events.amazonaws.com", { action: "sqs:SendMessage", resource: QUEUE, resourcePolicy: "queue" });
  const bySource = (Action, Resource) => document(
    { Principal: { Service: "events.amazonaws.com" }, Action, Resource, Condition: { ArnEquals: { "aws:SourceArn": RULE } } },
    { Effect: "Deny", Principal: "*", Action, Resource, Condition: { Bool: { "aws:SecureTransport": "false" } } },
  );
  const policies = { resource: { topic: bySource("sns:Publish", TOPIC), queue: bySource("sqs:SendMessage", QUEUE) } };
  for (const ask of [publish, send]) {
    const [right, wrong, silent, stranger, plain, unguarded] = judged(policies,
      { ...ask, context: { "aws:SourceArn": RULE } }, { ...ask, context: { "aws:SourceArn": `${RULE}2` } }, ask,
      { ...ask, principal: "cloudwatch.amazonaws.com", context: { "aws:SourceArn": RULE } },
      { ...ask, context: { "aws:SourceArn": RULE, "aws:SecureTransport": "false" } }, { ...ask, resourcePolicy: "another" });
    allowed(right);
    assert.deepEqual(right.by, [{ kind: "resource", of: ask.resourcePolicy, policy: null, statement: 0 }]);
    denied(wrong, /ArnEquals aws:SourceArn wants .*rule\/r, but it is .*rule\/r2/);
    denied(silent, /is not in the request/);
    denied(stranger, /not on .* by cloudwatch/);
    denied(plain, /statement 1 denies it/);
    refused(unguarded, /no resource policy of another/);
  }
  refused(judged({ ...policies, ...ofRole({ Action: "sqs:SendMessage", Resource: QUEUE }) }, { action: "sqs:SendMessage", resource: QUEUE, context: { "aws:SourceArn": RULE } })[0], /only if a service calls by itself/);
});

test("a key needs its own policy, and may ask by what way it is used", () => {
  const decrypt = { action: "kms:Decrypt", resource: KEY };
  const via = { "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com" };
  const encryption = "kms:EncryptionContext:aws:sns:topicArn";
  const key = document(
    { Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "kms:*", Resource: "*" },
    { Principal: { Service: "events.amazonaws.com" }, Action: ["kms:Decrypt", "kms:GenerateDataKey*"], Resource: "*", Condition: { StringEquals: { [encryption]: TOPIC } } },
  );
  const policies = { ...ofRole({ Action: "kms:Decrypt", Resource: KEY, Condition: { StringEquals: via } }), resource: { key, closed: document({ Principal: { AWS: `${ROLE}2` }, Action: "kms:*", Resource: "*" }) } };
  const events = service("events.amazonaws.com", { action: "kms:GenerateDataKey", resource: KEY, resourcePolicy: "key" });
  const [open, direct, closed, without, forTopic, forOther] = judged(policies,
    { ...decrypt, resourcePolicy: "key", context: via }, { ...decrypt, resourcePolicy: "key" }, { ...decrypt, resourcePolicy: "closed", context: via }, { ...decrypt, context: via },
    { ...events, context: { [encryption]: TOPIC } }, { ...events, context: { [encryption]: `${TOPIC}2` } });
  allowed(open);
  denied(direct, /kms:ViaService wants/);
  denied(closed, /resource of closed/);
  refused(without, /needs the policy of the key/);
  allowed(forTopic);
  denied(forOther, /topicArn wants .*:t, but it is .*:t2/);
});

test("a role is assumed if its trust policy says so, and another role also if its own does", () => {
  const scheduler = service("scheduler.amazonaws.com", { action: "sts:AssumeRole", resource: ROLE });
  const far = "arn:aws:iam::444455556666:role/far";
  const assume = { action: "sts:AssumeRole", resource: far, resourceAccount: "444455556666" };
  const trust = {
    [ROLE]: document({ Principal: { Service: "scheduler.amazonaws.com" }, Action: "sts:AssumeRole", Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } } }),
    [far]: document({ Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "sts:AssumeRole", Condition: { StringEquals: { "sts:ExternalId": "secret" }, ArnLike: { "aws:PrincipalArn": `arn:aws:iam::${ACCOUNT}:role/r*` } } }),
  };
  const [ours, deputy, silent, known, stranger] = judged({ trust, ...ofRole({ Action: "sts:AssumeRole", Resource: "arn:aws:iam::*:role/far" }) },
    { ...scheduler, context: { "aws:SourceAccount": ACCOUNT } }, { ...scheduler, context: { "aws:SourceAccount": "444455556666" } }, scheduler,
    { ...assume, context: { "sts:ExternalId": "secret" } }, assume);
  allowed(ours);
  denied(deputy, /aws:SourceAccount wants 111122223333, but it is 444455556666/);
  denied(silent, /is not in the request/);
  allowed(known);
  assert.deepEqual(known.by.map(({ kind }) => kind), ["identity", "trust"]);
  denied(stranger, /sts:ExternalId wants secret/);
  const [unpermitted, unknown] = judged({ trust, ...ofRole({ Action: "sts:AssumeRole", Resource: "arn:aws:iam::*:role/near" }) }, { ...assume, context: { "sts:ExternalId": "secret" } }, { ...assume, resource: `${far}2` });
  denied(unpermitted, /identity of r: sts:AssumeRole is named, but not on/);
  refused(unknown, /no trust policy/);
});

test("what AWS adds to a request by itself is there", () => {
  const added = {
    Bool: { "aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "false" },
    StringEquals: { "aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT }, ArnEquals: { "aws:PrincipalArn": ROLE },
  };
  allowed(judged(ofRole({ Action: "sqs:SendMessage", Resource: QUEUE, Condition: added }), { action: "sqs:SendMessage", resource: QUEUE })[0]);
  const byName = document({ Principal: "*", Action: "sqs:SendMessage", Resource: QUEUE, Condition: { Bool: { "aws:PrincipalIsAWSService": "true" }, StringEquals: { "aws:PrincipalServiceName": "events.amazonaws.com" } } });
  allowed(judged({ resource: { queue: byName } }, service("events.amazonaws.com", { action: "sqs:SendMessage", resource: QUEUE, resourcePolicy: "queue" }))[0]);
});

test("a boundary has to allow as well", () => {
  const statement = { Action: "sqs:SendMessage", Resource: QUEUE };
  const bounded = (document) => ({ ...ofRole(statement), boundaries: { r: [{ name: "b", document }] } });
  const ask = { action: "sqs:SendMessage", resource: QUEUE };
  allowed(judged(bounded(document({ Action: "sqs:*", Resource: "*" })), ask)[0]);
  denied(judged(bounded(document({ Action: "sns:*", Resource: "*" })), ask)[0], /boundaries of r: no statement names sqs:SendMessage/);
});

test("an API is open to a role that may invoke it or that its policy lets in", () => {
  const invoke = { action: "execute-api:Invoke", resource: `${API}/v1/GET/connections` };
  const inside = { Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/v1/*", Condition: { StringEquals: { "aws:SourceVpce": ["vpce-1"] } } };
  const [permitted, elsewhere] = judged(ofRole({ Action: "execute-api:Invoke", Resource: `${API}/v1/*` }), invoke, { ...invoke, resource: `${API}/v2/GET/connections` });
  allowed(permitted);
  denied(elsewhere, /not on/);
  const anonymous = { ...invoke, principal: "anonymous", role: null, resourcePolicy: "api" };
  const [letIn, outside, nobody, otherStage] = judged({ ...ofRole({ Action: "sqs:SendMessage", Resource: QUEUE }), resource: { api: document(inside) } },
    { ...invoke, resourcePolicy: "api", context: { "aws:SourceVpce": "vpce-1" } }, { ...anonymous, context: { "aws:SourceVpce": "vpce-2" } }, { ...anonymous, context: { "aws:SourceVpce": "vpce-1" } },
    { ...anonymous, resource: `${API}/v2/GET/connections`, context: { "aws:SourceVpce": "vpce-1" } });
  allowed(letIn);
  denied(outside, /wants vpce-1, but it is vpce-2/);
  allowed(nobody);
  denied(otherStage, /not on/);
});

test("each resource of a new endpoint is an authorization of its own", () => {
  const part = (kind, id, context = {}) => ({ action: "ec2:CreateVpcEndpoint", resource: `arn:aws:ec2:eu-west-1:${ACCOUNT}:${kind}/${id}`, context });
  const statement = { Action: "ec2:CreateVpcEndpoint", Resource: "arn:aws:ec2:*:*:vpc-endpoint/*", Condition: { StringLike: { "ec2:VpceServiceName": "com.amazonaws.vpce.*.vpce-svc-*" } } };
  const [endpoint, other, vpc, tagged, subnet] = judged(ofRole(statement, { Action: "ec2:CreateVpcEndpoint", Resource: "arn:aws:ec2:*:*:subnet/*" }),
    part("vpc-endpoint", "new", { "ec2:VpceServiceName": "com.amazonaws.vpce.eu-west-1.vpce-svc-1" }), part("vpc-endpoint", "new", { "ec2:VpceServiceName": "com.amazonaws.eu-west-1.s3" }),
    part("vpc", "vpc-1"), part("vpc-endpoint", "new", OURS), part("subnet", "subnet-1"));
  allowed(endpoint);
  denied(other, /VpceServiceName wants/);
  denied(vpc, /not on .*vpc\/vpc-1/);
  refused(tagged, /have no key aws:ResourceTag\/x:managed-by/);
  allowed(subnet);
});

test("a function is invoked by its version or alias", () => {
  const policies = ofRole({ Action: "lambda:InvokeFunction", Resource: `${FUNCTION}:*` });
  const [version, bare] = judged(policies, { action: "lambda:InvokeFunction", resource: `${FUNCTION}:3` }, { action: "lambda:InvokeFunction", resource: FUNCTION });
  allowed(version);
  denied(bare, /not on/);
});

test("only a literal * covers what is asked without a resource", () => {
  const ask = { action: "route53:AssociateVPCWithHostedZone", resource: "*" };
  allowed(judged(ofRole({ Action: ask.action, Resource: "*" }), ask)[0]);
  denied(judged(ofRole({ Action: ask.action, Resource: "arn:aws:route53:::hostedzone/Z1" }), ask)[0], /not on \*/);
});

test("a key with several values is asked with a set operator", () => {
  const bus = `arn:aws:events:eu-west-1:${ACCOUNT}:event-bus/default`;
  const put = { action: "events:PutEvents", resource: bus, context: { "events:source": ["us"] } };
  const from = (operator) => ofRole({ Action: put.action, Resource: bus, Condition: { [operator]: { "events:source": "us" } } });
  allowed(judged(from("ForAllValues:StringEquals"), put)[0]);
  const [several] = judged(from("ForAllValues:StringEquals"), { ...put, context: { "events:source": ["us", "them"] } });
  denied(several, /not matched: them/);
  denied(judged(from("StringEquals"), put)[0], /has several values, which needs ForAllValues or ForAnyValue/);
});

test("a request that AWS cannot get is refused", () => {
  const everything = ofRole({ Action: "*", Resource: "*" });
  for (const [request, text] of [
    [{ action: "ec2:DescribeVpc", resource: "*" }, /no action/],
    [{ action: "ec2:DescribeVpcs", resource: `arn:aws:ec2:eu-west-1:${ACCOUNT}:vpc/vpc-1` }, /cannot name a resource/],
    [{ action: "ec2:DescribeVpcAttribute", resource: "*" }, /acts on a vpc/],
    [{ action: "ec2:DescribeVpcAttribute", resource: ENDPOINT }, /none of what .* acts on: vpc$/],
    [{ action: "ec2:DescribeVpcAttribute", resource: `arn:aws:ec2:eu-west-1:${ACCOUNT}:vpc/*` }, /is a pattern/],
    [{ action: "ec2:DescribeVpcs", resource: "*", context: { "aws:TagKeys": ["a"] } }, /have no key aws:TagKeys/],
    [{ action: "sqs:SendMessage", resource: QUEUE, context: { "events:source": "a" } }, /have no key events:source/],
    [{ action: "kms:Decrypt", resource: KEY, context: { "kms:ViaService": ["a", "b"] } }, /has one value/],
    [{ action: "sqs:SendMessage", resource: QUEUE, role: "s" }, /no identity policies of s/],
    [{ action: "sqs:SendMessage", resource: QUEUE, resourceAccount: undefined }, /not the id of an account/],
  ]) refused(judged(everything, request)[0], text);
});

test("policies that AWS would refuse stop the judge", () => {
  const { stdout, status } = run("judge.mjs", [{ identity: { r: [{ name: "p", document: document({ Action: "sqs:SendMessage" }) }] } }, { id: 1 }]);
  assert.equal(status, 1);
  assert.match(stdout, /^\{"errors":\["identity r, p: .*Resource/);
  assert.equal(stdout.trim().split("\n").length, 1);
});

test("statements are checked by themselves", () => {
  const checked = (policies) => {
    const { stdout, status } = run("check.mjs", [policies]);
    const { findings, couldBeScoped } = JSON.parse(stdout);
    assert.equal(status, findings.length ? 1 : 0);
    return { findings, couldBeScoped };
  };
  const vpc = `arn:aws:ec2:*:${ACCOUNT}:vpc/*`;
  for (const [statement, text] of [
    [{ Action: "states:StartExecution", Resource: `${MACHINE}:live` }, /:m:live is none of what states:StartExecution acts on: statemachine/],
    [{ Action: "ec2:DescribeVpc", Resource: "*" }, /no action ec2:DescribeVpc$/],
    [{ Action: "ec2:DescribeVpcs", Resource: vpc }, /it takes \* alone/],
    [{ Action: ["ec2:CreateVpcEndpoint", "ec2:DescribeVpcs"], Resource: "arn:aws:ec2:*:*:internet-gateway/*" }, /internet-gateway\/\* is none of what ec2:CreateVpcEndpoint acts on/],
    [{ Action: "ec2:CreateVpcEndpoint", Resource: vpc, Condition: { StringEquals: { "aws:RequestTag/a": "b" } } }, /vpc\/\* have no key aws:RequestTag\/a/],
    [{ Action: "ec2:DescribeVpcs", Resource: "*", Condition: { StringEquals: { "aws:ResourceTag/a": "b" } } }, /no key aws:ResourceTag\/a/],
    [{ Action: "ec2:CreateTags", Resource: vpc, Condition: { StringLike: { "aws:TagKeys": "a" } } }, /aws:TagKeys has several values/],
    [{ Action: "ec2:CreateTags", Resource: vpc, Condition: { "ForAllValues:StringLike": { "aws:RequestTag/a": "a" } } }, /aws:RequestTag\/a has one value/],
  ]) assert.match(checked(ofRole(statement)).findings.join("\n"), text);

  assert.deepEqual(checked({
    ...ofRole(
      { Action: ["ec2:CreateTags", "ec2:DeleteTags"], Resource: vpc, Condition: { Null: { "aws:TagKeys": "false" } } },
      { Action: "lambda:InvokeFunction", Resource: `${FUNCTION}:*` },
      { Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:g:*` },
      { Action: "states:StartExecution", Resource: MACHINE, Condition: { "ForAnyValue:StringEquals": { "states:StateMachineQualifier": "live" } } },
      { Action: "route53:AssociateVPCWithHostedZone", Resource: "*" },
    ),
    resource: { queue: document({ Effect: "Deny", Principal: "*", Action: "sqs:*", Resource: QUEUE, Condition: { Bool: { "aws:SecureTransport": "false" } } }), api: document({ Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/*" }) },
    trust: { [ROLE]: document({ Principal: { Service: "states.amazonaws.com" }, Action: "sts:AssumeRole", Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } } }) },
  }), { findings: [], couldBeScoped: ["identity of r, policy p, statement 4: route53:AssociateVPCWithHostedZone on * could name hostedzone"] });
});
