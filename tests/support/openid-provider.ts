import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { errors, Provider } from "oidc-provider";

/** Somebody who has an account at the provider. */
export interface Account {
  subject: string;
  email?: string;
  verified?: boolean;
}

export const CLIENT = { id: "teal", secret: "the-clients-own-secret-of-32-bytes" };

/** A real OpenID provider on the loopback at which whoever `next` says is signed in at once. */
export async function startOpenIdProvider(host = "127.0.0.1") {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}`;
  const accounts = new Map<string, Account>();
  let next: Account | "denies" = "denies";
  let provider: Provider | undefined;

  /** Once it is known where the dashboard is. */
  function open(redirectUri: string): void {
    provider = new Provider(issuer, {
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          redirect_uris: [redirectUri],
        },
      ],
      pkce: { required: () => true },
      claims: { openid: ["sub"], email: ["email", "email_verified"] },
      features: { devInteractions: { enabled: false } },
      cookies: { keys: ["a key of the test"] },
      ttl: { AuthorizationCode: 60, Grant: 60, Interaction: 60, Session: 60, IdToken: 60 },
      interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
      findAccount: (_ctx, subject) => ({
        accountId: subject,
        claims: () => {
          const { email, verified = true } = accounts.get(subject) ?? {};
          return { sub: subject, ...(email !== undefined && { email, email_verified: verified }) };
        },
      }),
      async loadExistingGrant(ctx) {
        const { client, session } = ctx.oidc;
        const grant = new ctx.oidc.provider.Grant({
          clientId: client?.clientId ?? "",
          accountId: session?.accountId ?? "",
        });
        grant.addOIDCScope("openid email");
        await grant.save();
        return grant;
      },
    });
    const callback = provider.callback();
    const itself = provider;
    server.on("request", (req, res) => {
      if (!req.url?.startsWith("/interaction/")) {
        void callback(req, res);
        return;
      }
      const result =
        next === "denies"
          ? { error: new errors.AccessDenied("not today").error, error_description: "not today" }
          : { login: { accountId: next.subject, remember: false } };
      void itself.interactionFinished(req, res, result);
    });
  }

  return {
    issuer,
    open,
    /** Who is at the browser from now on. */
    be(account: Account | "denies"): void {
      next = account;
      if (account !== "denies") accounts.set(account.subject, account);
    },
    async stop(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
