import type { Settings } from "../../config.ts";
import { localHost } from "./ports.ts";

/** Where what `teal up` started is reached, and how an app is pushed to it: lines for people. */
export function addressLines(settings: Settings): string[] {
  const url = settings.publicUrl ?? localUrl(settings);
  const plain = at("http", settings.routerPort, 80);
  const tls = at("https", settings.routerTlsPort, 443);
  const which = settings.acme ? "" : "   # with a certificate: teal certs:add, or TEAL_ACME=on";
  return [
    `  dashboard    ${url}/`,
    `  admin token  ${settings.paths.adminToken}`,
    `  apps         ${plain}`,
    `               ${tls}${which}`,
    "",
    "Push an app, from its git repository:",
    `  git remote add deploy ${url}/git/shop.git`,
    `  git config credential.${url}.username teal   # git asks for the password: the admin token`,
    "  git push deploy main",
  ];

  function at(scheme: string, port: number, usual: number): string {
    return `${scheme}://APP.${settings.domain}${port === usual ? "" : `:${port}`}/`;
  }
}

/** The API as it is reached from this machine. */
function localUrl(settings: Settings): string {
  const host = localHost(settings) === "127.0.0.1" ? "localhost" : settings.bind;
  return `http://${host}:${settings.apiPort}`;
}
