import test from "ava";
import { createServer } from "node:http";
import { HEAD, listen, rawClient, startRouter } from "../support/router-rig.ts";

for (const method of ["DELETE", "OPTIONS", "GET", "POST"]) {
  test(`A chunked ${method} is one request for the app, whatever its body looks like`, async (t) => {
    const rig = await startRouter(t);
    const seen: string[] = [];
    const app = createServer((req, res) => {
      let body = "";
      req.on("data", (chunk) => (body += chunk));
      req.on("end", () => {
        seen.push(`${req.method} ${req.url} ${body}`);
        res.end("done");
      });
    });
    rig.route([await listen(app)]);
    t.teardown(() => app.close());
    const smuggled = "GET /admin HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    const body = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
    const client = await rawClient(
      t,
      rig.port,
      `${method} /x HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n${body}`,
    );
    await client.until(/done/);
    client.write(`GET /last HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
    await client.end();
    t.deepEqual(seen, [`${method} /x ${smuggled}`, "GET /last "]);
  });
}
