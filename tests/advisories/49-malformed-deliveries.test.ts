import { connect } from "node:net";
import test from "ava";
import fc from "fast-check";
import { PROVIDERS } from "../../apps/senders.ts";
import { startApi, type TestApi } from "../support/api.ts";
import { sendRaw } from "../support/api-client.ts";
import { addHook, deliver, pushPayload, type Hook } from "../support/webhook.ts";

let api: TestApi;
const hooks: Hook[] = [];
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
  for (const provider of PROVIDERS)
    hooks.push(
      await addHook(api, "shop", {
        provider,
        ...(/registry|dockerhub/.test(provider) && { image: "ghcr.io/ann/shop" }),
      }),
    );
});
test.after.always(() => api.stop());

const EVENTS = ["push", "workflow_run", "check_suite", "release", "repo:push", "repo:refs_changed"];
const SAMPLES: object[] = [
  pushPayload("a".repeat(40)),
  { action: "completed", workflow_run: { head_sha: "a".repeat(40), conclusion: "success" } },
  { object_kind: "push", ref: "refs/heads/main", after: "a".repeat(40), project: {}, commits: [] },
  { object_kind: "pipeline", object_attributes: { status: "success", sha: "x" } },
  { push: { changes: [{ new: { type: "branch", name: "main", target: { hash: "x" } } }] } },
  { action: "published", release: { tag_name: "v1" } },
  { commit: "a".repeat(40), ref: "main" },
];

/** One of the samples with some value replaced by anything. */
const mutated = fc.tuple(fc.constantFrom(...SAMPLES), fc.nat(30), fc.jsonValue()).map((given) => {
  const [sample, at, value] = given;
  let left = at;
  return JSON.stringify(sample, (_key, inner: unknown) => (left-- === 0 ? value : inner)) ?? "";
});
const BODY = fc.oneof(mutated, mutated, fc.json(), fc.string({ unit: "binary", maxLength: 100 }));

test("no payload, well signed and however malformed, is answered with a fault of the platform", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...hooks),
      fc.constantFrom(...EVENTS),
      BODY,
      async (hook, event, body) => {
        const { status, json } = await deliver(api, hook, body, { event });
        if (![200, 202, 400].includes(status))
          throw new Error(`${status}: ${JSON.stringify(json)}`);
      },
    ),
    { numRuns: 400 },
  );
  t.deepEqual(
    api.logged.filter((line) => line.startsWith('["error"')),
    [],
  );
});

test("a payload nested a hundred thousand deep, or full of what objects have by birth, harms nothing", async (t) => {
  const [github] = hooks as [Hook];
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  t.is((await deliver(api, github, deep)).status, 200);
  const born = '{"__proto__":{"after":"x"},"constructor":{"prototype":{}},"ref":{"toString":1}}';
  t.is((await deliver(api, github, born)).status, 200);
});

test("a gigabyte is refused with 413 before it is read", async (t) => {
  const [github] = hooks as [Hook];
  const head = `POST ${github.path} HTTP/1.1\r\nHost: x\r\n`;
  const said = await sendRaw(api.port, `${head}Content-Length: 1073741824\r\n\r\nabc`, true);
  t.regex(said, /^HTTP\/1\.1 413 /);
  t.regex(said, /at most 1048576 bytes/);
  // Without a length, what is too much is noticed on the way.
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  const answer = await flood(`${head}Transfer-Encoding: chunked\r\n\r\n`, chunk, 40);
  t.regex(answer, /^HTTP\/1\.1 413 /);
});

function flood(head: string, chunk: string, count: number): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(api.port, "127.0.0.1", () => {
      socket.write(head);
      for (let i = 0; i < count; i++) socket.write(chunk);
    });
    socket.on("data", (data) => {
      said += data.toString();
      if (said.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(said));
  });
}
