/**
 * What a change is called in the audit log: the word of the command line. A route that has none here
 * is named by its path, so that a new one is in the log too.
 */
const ACTIONS: Record<string, string> = {
  "post /apps": "apps:create",
  "delete /apps/:app": "apps:destroy",
  "post /apps/:app/archives": "archive",
  "post /apps/:app/build": "build:set",
  "post /apps/:app/config": "config:set",
  "post /apps/:app/deploys": "deploy",
  "post /apps/:app/domains": "domains:add",
  "post /apps/:app/formation": "ps:scale",
  "post /apps/:app/hooks": "hooks:add",
  "post /apps/:app/notifications": "notifications:add",
  "post /apps/:app/restart": "ps:restart",
  "post /apps/:app/stop": "ps:stop",
  "post /apps/:app/start": "ps:start",
  "post /apps/:app/retention": "retention:set",
  "post /apps/:app/runs": "run",
  "post /apps/:app/scale": "ps:scale",
  "post /apps/:app/webhooks/add": "hooks:add",
  "post /apps/:app/webhooks/remove": "hooks:remove",
  "post /apps/:app/deploys/:deploy/cancel": "deploys:cancel",
  "post /gc": "gc",
  "post /registries": "registry:login",
  "delete /registries/:host": "registry:logout",
  "post /apps/:app/access": "access:add",
  "delete /apps/:app/access/:user": "access:remove",
  "post /invitations": "invitations:accept",
  "post /keys": "keys:add",
  "post /user/keys": "keys:add",
  "delete /user/keys/:fingerprint": "keys:remove",
  "post /user/tokens": "tokens:create",
  "delete /user/tokens/:token": "tokens:revoke",
  "post /users": "users:add",
  "post /users/:user": "users:set",
  "post /users/:user/invitation": "users:invite",
  "post /tokens": "tokens:create",
  "post /access/keys": "keys:add",
  "post /access/keys/remove": "keys:remove",
  "post /access/tokens": "tokens:create",
  "post /access/tokens/revoke": "tokens:revoke",
  "delete /tokens/:token": "tokens:revoke",
};

/** @param path a route's, with `:params`, without /api/v1 */
export function actionOf(method: string, path: string): string {
  const verb = method.toLowerCase();
  const known = ACTIONS[`${verb} ${path}`];
  if (known) return known;
  const words = path.split("/").filter((word) => word !== "" && !word.startsWith(":"));
  const about = words[0] === "apps" && words.length > 1 ? words.slice(1) : words;
  return [...about, ...(verb === "delete" ? ["remove"] : [])].join(":");
}

/** Fields of requests that are shown in the log; whatever may be secret is none of them. */
const SHOWN: readonly string[] = [
  ...["name", "role", "apps", "user", "host", "hold", "to", "part", "provider", "branch", "kind"],
  ...["formation", "events", "paths", "process", "ttlDays", "image", "ref", "commit"],
];

/** What a change was about: the fields that may be shown, of config the names alone. */
export function detailOf(params: Record<string, string>, body: unknown): Record<string, string> {
  const detail: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) {
    if (name !== "app" && name !== "deploy") detail[name] = decoded(value);
  }
  const given = body !== null && typeof body === "object" ? (body as Record<string, unknown>) : {};
  for (const [name, value] of Object.entries(given)) {
    if (SHOWN.includes(name)) detail[name] = typeof value === "string" ? value : inWords(value);
  }
  const { set, unset } = given;
  if (set !== null && typeof set === "object" && Object.keys(set).length > 0)
    detail["set"] = Object.keys(set).join(" ");
  if (Array.isArray(unset) && unset.length > 0) detail["unset"] = unset.join(" ");
  return detail;
}

function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.join(" ");
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "";
  return Object.entries(value)
    .map(([name, one]) => `${name}=${JSON.stringify(one)}`)
    .join(" ");
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
