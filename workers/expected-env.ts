import { randomBytes } from "node:crypto";
import { TealError } from "../apps/errors.ts";
import type { AppJson } from "./app-json.ts";
import type { DeployContext } from "./context.ts";

/**
 * A release's config with what its app.json expects beyond it: given and generated values. They
 * are in this release, so that the next one has them too. @throws config-missing
 */
export function withExpectedEnv(
  { deploy, effects, say }: DeployContext,
  config: Record<string, string>,
  env: AppJson["env"],
): Record<string, string> {
  const absent = Object.entries(env).filter(([name]) => !Object.hasOwn(config, name));
  const added = new Map<string, string>();
  for (const [name, { value, generate }] of absent) {
    const given = value ?? (generate ? randomBytes(32).toString("hex") : undefined);
    if (given !== undefined) added.set(name, effects.seal(deploy.app, name, given));
  }
  const missing = absent.filter(([name, { required }]) => required && !added.has(name));
  if (missing.length > 0) {
    const names = missing.map(([name, { description }]) =>
      description ? `${name} (${description.slice(0, 100)})` : name,
    );
    throw new TealError("config-missing", { name: deploy.app, missing: names.join(", ") });
  }
  if (added.size > 0) say("info", `Config that app.json gives: ${[...added.keys()].join(", ")}`);
  return { ...config, ...Object.fromEntries(added) };
}
