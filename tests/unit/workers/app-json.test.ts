import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { isTealError } from "../../../apps/errors.ts";
import { readAppJson } from "../../../workers/app-json.ts";

async function read(text: string | null) {
  const dir = mkdtempSync(join(tmpdir(), "teal-app-json-"));
  if (text !== null) writeFileSync(join(dir, "app.json"), text);
  const warnings: string[] = [];
  try {
    return { ...(await readAppJson(dir, (line) => warnings.push(line))), warnings };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("an app without app.json, or with an empty one, says nothing", async (t) => {
  const nothing = { formation: {}, env: {}, warnings: [] };
  t.deepEqual(await read(null), nothing);
  t.deepEqual(await read("{}"), nothing);
});

test("check, formation and env are read", async (t) => {
  const told = {
    name: "shop",
    healthchecks: {
      web: [{ type: "startup", path: "/up", content: "ok", attempts: 4, wait: 1, timeout: 2 }],
    },
    formation: { web: { quantity: 2 }, worker: {} },
    env: {
      GREETING: "hello",
      DATABASE_URL: { description: "where the data is" },
      SESSION_KEY: { generator: "secret" },
      OPTIONAL: { required: false },
    },
  };
  t.deepEqual(await read(JSON.stringify(told)), {
    checks: {
      web: [
        {
          ...{ type: "startup", path: "/up", content: "ok" },
          ...{ attempts: 4, timeoutMs: 2000, waitMs: 1000, initialDelayMs: 0 },
        },
      ],
    },
    formation: { web: 2, worker: 1 },
    env: {
      GREETING: { required: false, generate: false, value: "hello" },
      DATABASE_URL: { required: true, generate: false, description: "where the data is" },
      SESSION_KEY: { required: true, generate: true },
      OPTIONAL: { required: false, generate: false },
    },
    warnings: [],
  });
});

test("formation says what instances may take up, and how they pass over", async (t) => {
  const web = { memory: 512, cpus: 0.5, pids: 100, "read-only": true };
  const worker = { quantity: 2, memory: "2G", grace: 60, handover: "exclusive" };
  const { formation, runtime, warnings } = await read(
    JSON.stringify({ formation: { web, worker, clock: { quantity: 0 } } }),
  );
  t.deepEqual(formation, { web: 1, worker: 2, clock: 0 });
  t.deepEqual(runtime, {
    web: { memory: 512, cpus: 0.5, pids: 100, readOnly: true },
    worker: { memory: 2048, grace: 60, handover: "exclusive" },
  });
  t.deepEqual(warnings, []);
});

test("what is not known is named, and changes nothing", async (t) => {
  const told = {
    scripts: { postdeploy: "x", test: "y", dokku: { predeploy: "z", other: 1 } },
    healthchecks: { web: [{ type: "liveness" }, { colour: 1 }], worker: [] },
    formation: { web: { quantity: 1, size: "big" } },
    env: { PORT: "1", A: { required: false, secret: true } },
  };
  const { warnings, env, scripts, checks } = await read(JSON.stringify(told));
  t.is(checks?.["web"]?.[0]?.type, "liveness");
  t.deepEqual(Object.keys(env), ["A"]);
  t.deepEqual(scripts, { predeploy: "z", first: "x" });
  t.deepEqual(
    warnings.map((line) => line.replace(/^app\.json: /, "")),
    [
      "scripts.test is not known here and changes nothing",
      "scripts.dokku.other is not known here and changes nothing",
      "healthchecks.web.colour is not known here and changes nothing",
      "formation.web.size is not known here and changes nothing",
      "env.A.secret is not known here and changes nothing",
      "env.PORT is given by the platform and changes nothing",
    ],
  );
});

test("what is wrong is said with its place", async (t) => {
  const bad: [string, RegExp][] = [
    ["{", /line 1/],
    ["[]", /an object was expected/],
    ['{"formation": {"web": {"quantity": -1}}}', /formation\.web\.quantity/],
    ['{"formation": {"worker": {"memory": "8M"}}}', /formation\.worker\.memory/],
    ['{"formation": {"worker": {"memory": "lots"}}}', /memory such as 512M or 2G/],
    ['{"formation": {"worker": {"grace": 86401}}}', /formation\.worker\.grace/],
    ['{"formation": {"worker": {"handover": "never"}}}', /formation\.worker\.handover/],
    ['{"healthchecks": {"web": [{"path": "up"}]}}', /healthchecks\.web\.0\.path: a path such as/],
    ['{"healthchecks": {"worker": [{}]}}', /worker\.0: a process type other than web needs/],
    ['{"healthchecks": {"web": [{"path": "/", "uptime": 3}]}}', /one of path, command, listening/],
    ['{"healthchecks": {"web": [{"uptime": 3, "content": "x"}]}}', /go with a path/],
    ['{"healthchecks": {"web": [{"httpHeaders": [{"name": "a b", "value": ""}]}]}}', /a header/],
    ['{"healthchecks": {"web": [{"port": 0}]}}', /port/],
    ['{"healthchecks": {"web": [{"attempts": 1e9}]}}', /attempts/],
    ['{"scripts": {"dokku": {"predeploy": ["x"]}}}', /scripts\.dokku\.predeploy/],
    ['{"env": {"A B": "x"}}', /env\.A B/],
    ['{"env": {"A": {"generator": "uuid"}}}', /env\.A/],
  ];
  for (const [text, says] of bad) {
    const error = await t.throwsAsync(read(text), undefined, text);
    t.true(isTealError(error, "bad-app-json"), `${text}: ${error.message}`);
    t.regex(error.message, says, text);
  }
});

test("cron: a command, a schedule of five fields or a name, and what may overlap", async (t) => {
  const job = { command: "true", schedule: "@daily", concurrency_policy: "forbid", more: 1 };
  const { cron, warnings } = await read(JSON.stringify({ cron: [job] }));
  t.like(cron?.[0], { command: "true", schedule: "@daily", concurrency: "forbid" });
  t.regex(String(warnings), /cron\.+more is not known here/);
  for (const schedule of ["* * * * * *", "61 * * * *", "soon"]) {
    const wrong = JSON.stringify({ cron: [{ command: "true", schedule }] });
    await t.throwsAsync(read(wrong), { message: /five fields such as/ }, schedule);
  }
});

test("healthchecks: what each field becomes", async (t) => {
  const times = { attempts: 3, timeoutMs: 5000, waitMs: 5000, initialDelayMs: 0 };
  const web = [
    { httpHeaders: [{ name: "X-A", value: "b" }], port: 9000 },
    { command: "node up.js", warn: true, initialDelay: 2 },
    { command: ["./up", "now"], type: "readiness", timeout: 0 },
    { listening: true },
    { uptime: 3, warn: false, listening: false },
  ];
  const { checks } = await read(JSON.stringify({ healthchecks: { web } }));
  t.deepEqual(checks?.["web"], [
    { type: "startup", path: "/", headers: { "X-A": "b" }, port: 9000, ...times },
    {
      ...{ type: "startup", command: ["/bin/sh", "-c", "exec node up.js"], warn: true },
      ...{ ...times, initialDelayMs: 2000 },
    },
    { type: "readiness", command: ["./up", "now"], ...times, timeoutMs: 100 },
    { type: "startup", listening: true, ...times },
    { type: "startup", uptimeMs: 3000, ...times },
  ]);
});

test("what no neighbour knows stands under teal", async (t) => {
  const said = await read('{"teal":{"irreversible":true,"other":1}}');
  t.is(said.irreversible, true);
  t.deepEqual(said.warnings, ["app.json: teal.other is not known here and changes nothing"]);
  t.false("irreversible" in (await read('{"teal":{}}')));
  await t.throwsAsync(read('{"teal":{"irreversible":"yes"}}'), { message: /teal\.irreversible/ });
});
