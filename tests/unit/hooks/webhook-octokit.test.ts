import { createRequire } from "node:module";
import test from "ava";
import { readEvent } from "../../../hooks/webhook-events.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { addHook, deliver } from "../../support/webhook.ts";

interface Definition {
  name: string;
  examples: Record<string, any>[];
}
const require = createRequire(import.meta.url);
const DEFINITIONS = require("@octokit/webhooks-examples/api.github.com/index.json") as Definition[];

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

/** What GitHub's documentation says of an example: does it say that a commit may be deployed? */
function isGo(name: string, payload: Record<string, any>): boolean {
  const own = payload["repository"]?.full_name;
  if (name === "push") return !payload["deleted"];
  if (name === "release") {
    const { action, release } = payload;
    return action === "published" && !release.prerelease && !release.draft;
  }
  const run = payload[name];
  if (name === "check_suite")
    return payload["action"] === "completed" && run.conclusion === "success";
  if (name !== "workflow_run" || payload["action"] !== "completed") return false;
  return run.conclusion === "success" && run.head_repository.full_name === own;
}

test("of all of GitHub's example payloads, the right ones are about a commit to deploy", (t) => {
  let go = 0;
  for (const { name, examples } of DEFINITIONS) {
    for (const payload of examples) {
      const found = readEvent("github", { "x-github-event": name }, payload, {
        branch: "main",
        image: null,
      });
      const wanted = isGo(name, payload);
      t.is("reason" in found, !wanted, `${name} ${payload["action"] ?? payload["ref"] ?? ""}`);
      if (wanted) go++;
      if (!("reason" in found)) {
        t.regex(found.commit ?? found.ref, /^[0-9a-f]{40}$|^refs\/tags\/0\.0\.1$/);
        t.is(found.repo?.name, payload["repository"].full_name);
      }
    }
  }
  t.true(DEFINITIONS.length >= 58 && go >= 8, `${DEFINITIONS.length} events, ${go} to deploy`);
});

test("every example, signed and delivered, is answered 202 with a deploy or 200 with a reason", async (t) => {
  await api.store.createApp("shop", "ann");
  const hook = await addHook(api, "shop", { provider: "github", branch: "master" });
  const deployed = new Set<string>();
  for (const { name, examples } of DEFINITIONS) {
    for (const payload of examples) {
      const { status, json } = await deliver(api, hook, payload, { event: name });
      if (status === 202) {
        t.true(isGo(name, payload), name);
        deployed.add(name);
      } else {
        t.is(status, 200, `${name}: ${JSON.stringify(json)}`);
        t.regex(json.reason, /\w{3}/, name);
      }
    }
  }
  t.deepEqual([...deployed].toSorted(), ["push", "release", "workflow_run"]);
});
