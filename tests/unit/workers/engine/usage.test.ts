import { createServer } from "node:http";
import test from "ava";
import Docker from "dockerode";
import { createEngineLook } from "../../../../workers/engine/look.ts";
import { createUsage } from "../../../../workers/engine/usage.ts";
import { listen } from "../../../support/router-rig.ts";

test("of a container that is just ending the engine says nothing, and that is no fault", async (t) => {
  const about = {
    ...{ Image: "sha256:1", RestartCount: 0, HostConfig: {}, Config: { Env: [] }, Mounts: [] },
    State: { Running: true, ExitCode: 0, OOMKilled: false, StartedAt: "2026-01-01T00:00:00Z" },
    NetworkSettings: { Networks: {} },
  };
  // As the engine answers then; a real one does so for a moment that nobody can wait for.
  const server = createServer((req, res) => {
    const path = req.url ?? "";
    res.statusCode = path.includes("/gone/") ? 404 : 200;
    res.setHeader("content-type", "application/json");
    res.end(JSON.stringify(path.includes("/stats") ? { id: "1" } : about));
  });
  const port = await listen(server);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const docker = new Docker({ protocol: "http", host: "127.0.0.1", port });
  t.is(await createUsage(docker)("ending"), null);
  t.is(await createUsage(docker)("gone"), null);
  t.is((await createEngineLook(docker, "t").container("ending", "shop"))?.usage, null);
});
