import { createServer } from "node:http";
import test from "ava";
import { createFront } from "../../../apps/front.ts";
import { listen } from "../../support/router-rig.ts";

test("who comes first is asked first, then the API by its path, then the dashboard", async (t) => {
  const logged: unknown[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (what: unknown) => logged.push(what) };
  const saying =
    (says: string) =>
    async (_req: unknown, res: { end(text: string): void }): Promise<void> =>
      res.end(says);
  const front = createFront({
    first: [
      async (req, res) => {
        if (req.url === "/late") res.write("begun");
        if (req.url === "/broken" || req.url === "/late") throw new Error("a secret of the code");
        return false;
      },
      async (req, res) => {
        if (req.url === "/git") res.end("git");
        return req.url === "/git";
      },
    ],
    ...{ api: saying("api"), dashboard: saying("dashboard"), log },
  });
  const server = createServer(front);
  const url = `http://127.0.0.1:${await listen(server)}`;
  t.teardown(() => server.close());
  const ask = async (path: string) => (await fetch(url + path)).text();
  t.is(await ask("/git"), "git");
  t.is(await ask("/api/v1/apps"), "api");
  t.is(await ask("/apis"), "dashboard");

  const broken = await fetch(`${url}/broken`);
  t.is(broken.status, 500);
  const says = await broken.text();
  t.regex(says, /in the platform's log/);
  t.notRegex(says, /secret/);
  t.is(logged.length, 1);
  await t.throwsAsync(ask("/late"), undefined, "cut off, since it had begun");
  t.is(await ask("/git"), "git", "the process lives");
});
