/**
 * Node strips types from TypeScript everywhere but under node_modules, and there this package is
 * when npm has installed it. Loaded before the command line, then.
 */
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";

registerHooks({
  load(url, context, next) {
    if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
    const source = stripTypeScriptTypes(readFileSync(new URL(url), "utf8"));
    return { format: "module", shortCircuit: true, source };
  },
});
