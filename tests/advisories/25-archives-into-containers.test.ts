import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";

const root = join(import.meta.dirname, "..", "..");
/** All that the platform asks of a container that exists. */
const ASKED = [
  "attach",
  "exec",
  "export",
  "inspect",
  "kill",
  "logs",
  "remove",
  "resize",
  "restart",
  "start",
  "stats",
  "stop",
  "update",
  "wait",
];

test("nothing is copied into a container that exists: the engine is never asked for that", (t) => {
  const files = globSync("workers/**/*.ts", { cwd: root });
  t.true(files.length > 60);
  const asked = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8");
    t.notRegex(text, /putArchive|\/archive\b|\bdocker cp\b/, file);
    // Whoever talks to the engine past the client names its paths.
    t.notRegex(text, /containers\/[^"'`]*\/(archive|copy)/, file);
    for (const [, method] of text.matchAll(/(?:getContainer\([^()]*\)|\bcontainer)\s*\.(\w+)\(/g))
      asked.add(method!);
  }
  t.true(asked.size >= 6);
  for (const method of asked) t.true(ASKED.includes(method), method);
});
