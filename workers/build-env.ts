/** How builds and children reach the outside: the platform's own proxies, in both spellings. */
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];
const AUTHORITIES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"];
/** Where packages come from, where a machine has its own mirror. */
const NPM = ["npm_config_registry", "npm_config_cafile", "npm_config_userconfig"];

/** Build arguments that the builder passes to every RUN without keeping them in the image. */
export function proxyArguments(env: NodeJS.ProcessEnv): Record<string, string> {
  return pick(env, PROXIES);
}

/** Environment of children that fetch: nothing of the platform's own settings. */
export function fetchEnvironment(
  env: NodeJS.ProcessEnv,
  caFile: string | null,
): Record<string, string> {
  const authority: Record<string, string> =
    caFile === null
      ? {}
      : { NODE_EXTRA_CA_CERTS: caFile, SSL_CERT_FILE: caFile, npm_config_cafile: caFile };
  return {
    PATH: env["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: env["HOME"] ?? "/root",
    LANG: "C.UTF-8",
    npm_config_update_notifier: "false",
    ...pick(env, [...PROXIES, ...AUTHORITIES, ...NPM]),
    ...authority,
  };
}

function pick(env: NodeJS.ProcessEnv, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}
