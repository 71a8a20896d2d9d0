/** A server.js for `hello-plain` that listens only after three seconds: time to do something meanwhile. */
export const SLOW_SERVER = `
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
const version = readFileSync(new URL("version.txt", import.meta.url), "utf8").trim();
const server = createServer((request, response) => response.end(version));
setTimeout(() => server.listen(Number(process.env.PORT)), 3000);
process.on("SIGTERM", () => process.exit(0));
`;
