import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import test from "ava";
import { apiRoutes, createApi } from "../../apps/api/api.ts";
import { takeUpgrades } from "../../apps/api/upgrade.ts";
import { startApi } from "../support/api.ts";

test("whoever asks for a WebSocket gets no more of a foreign app than by any other request", async (t) => {
  const api = await startApi();
  const server = createServer().listen(0, "127.0.0.1");
  server.on("upgrade", takeUpgrades(createApi(api.options).callback()));
  t.teardown(async () => {
    server.close();
    await api.stop();
  });
  await once(server, "listening");
  for (const app of ["shop", "other"]) await api.store.createApp(app, "ann");

  /** Asks as a WebSocket's client does. */
  async function ask(method: string, path: string, token: string) {
    const headers: Record<string, string> = {
      ...{ Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" },
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...(token && { Authorization: `Bearer ${token}` }),
    };
    const { port } = server.address() as AddressInfo;
    const at = { host: "127.0.0.1", port, path: `/api/v1${path}`, agent: false };
    const sent = request({ ...at, method, headers });
    sent.end();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    sent.once("upgrade", (answer: IncomingMessage, socket) => {
      socket.destroy();
      resolve(answer);
    });
    sent.once("response", resolve);
    sent.once("error", reject);
    const answer = await promise;
    return { status: answer.statusCode, body: answer.statusCode === 101 ? "" : await text(answer) };
  }

  const about = apiRoutes(api.options).filter((one) => one.subject !== "platform");
  t.true(about.length >= 20);
  for (const { method, path } of about) {
    const of = (app: string) =>
      path
        .replace(":app", app)
        .replace(":deploy", `${app}-1`)
        .replace(":run", "0123abcd")
        .replace(/:\w+/g, "1");
    const [foreign, missing] = [
      await ask(method.toUpperCase(), of("other"), api.tokens.deploy),
      await ask(method.toUpperCase(), of("nosuch"), api.tokens.deploy),
    ];
    t.is(foreign.status, 404, `${method} ${path}`);
    const told = ({ body }: typeof foreign, app: string) =>
      body.replaceAll(app, "APP").replace(/"instance":"[^"]*"/, "");
    t.is(told(foreign, "other"), told(missing, "nosuch"), path);
    t.is((await ask(method.toUpperCase(), of("other"), "")).status, 401, `${method} ${path}`);
  }
});
