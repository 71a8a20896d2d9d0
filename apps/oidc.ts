import { readFile, stat } from "node:fs/promises";
import * as openid from "openid-client";
import type { Settings } from "./config.ts";
import { isTealError, TealError } from "./errors.ts";
import type { Log } from "./log.ts";
import { createOidcFetch } from "./oidc-fetch.ts";

/** What ties an answer of the provider to the browser that asked. */
export interface SignInTry {
  state: string;
  nonce: string;
  verifier: string;
}

/** Whom the provider says that somebody is. */
export interface Vouched {
  issuer: string;
  subject: string;
  email?: string;
  emailVerified: boolean;
}

export interface Oidc {
  /** The provider's host, as people know it. */
  name: string;
  issuer: string;
  /** Where to send a browser, and what to remember of it. @throws sign-in-unavailable */
  begin(): Promise<{ url: string; tried: SignInTry }>;
  /**
   * @param answer the address that the provider sent the browser back to
   * @throws sign-in-refused, sign-in-unproven, sign-in-unavailable
   */
  finish(answer: URL, tried: SignInTry): Promise<Vouched>;
}

interface Options {
  settings: Pick<Settings, "oidc" | "allowPrivate" | "caFile"> & {
    paths: Pick<Settings["paths"], "oidcSecret">;
  };
  /** Where the provider sends browsers back to. */
  redirectUri: string;
  log: Pick<Log, "warn">;
}

/** What the provider says of itself is asked for again after this. */
const FRESH_MS = 10 * 60_000;
const CLOCK_SKEW_S = 30;

/**
 * Sign-in at an OpenID provider: authorization code, PKCE, state and nonce; the ID token's signature
 * is checked although it comes by TLS. Null where none is set.
 */
export function createOidc({ settings, redirectUri, log }: Options): Oidc | null {
  if (!settings.oidc) return null;
  const { issuer, clientId } = settings.oidc;
  const { allowPrivate, caFile, paths } = settings;
  const customFetch = createOidcFetch({ issuer, allowPrivate, caFile });
  let known: { config: Promise<openid.Configuration>; at: number } | null = null;

  function configuration(): Promise<openid.Configuration> {
    if (known && known.at > Date.now() - FRESH_MS) return known.config;
    const asked = { config: discover(), at: Date.now() };
    known = asked;
    asked.config.catch(() => {
      if (known === asked) known = null;
    });
    return asked.config;
  }

  async function discover(): Promise<openid.Configuration> {
    const secret = await readSecret(paths.oidcSecret);
    const clockTolerance = { [openid.clockTolerance]: CLOCK_SKEW_S };
    return openid.discovery(
      new URL(issuer),
      clientId,
      { ...clockTolerance, ...(secret !== null && { client_secret: secret }) },
      secret === null ? openid.None() : undefined,
      {
        [openid.customFetch]: customFetch,
        execute: [
          openid.enableNonRepudiationChecks,
          // That it is http, the settings allow or do not.
          ...(allowPrivate ? [openid.allowInsecureRequests] : []),
        ],
      },
    );
  }

  async function reached<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const told = errorOf(error, issuer);
      log.warn({ issuer, error: described(error) }, "a sign-in at the provider failed");
      throw told;
    }
  }

  return {
    name: new URL(issuer).host,
    issuer,
    begin: () =>
      reached(async () => {
        const config = await configuration();
        const tried = {
          state: openid.randomState(),
          nonce: openid.randomNonce(),
          verifier: openid.randomPKCECodeVerifier(),
        };
        const url = openid.buildAuthorizationUrl(config, {
          redirect_uri: redirectUri,
          scope: "openid email",
          state: tried.state,
          nonce: tried.nonce,
          code_challenge: await openid.calculatePKCECodeChallenge(tried.verifier),
          code_challenge_method: "S256",
        });
        return { url: url.href, tried };
      }),
    finish: (answer, { state, nonce, verifier }) =>
      reached(async () => {
        const config = await configuration();
        const tokens = await openid.authorizationCodeGrant(config, answer, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (!claims) throw new TealError("sign-in-unproven", { detail: "no ID token came" });
        const { email, email_verified } =
          claims["email"] === undefined && config.serverMetadata().userinfo_endpoint
            ? await openid.fetchUserInfo(config, tokens.access_token, claims.sub)
            : claims;
        return {
          issuer: config.serverMetadata().issuer,
          subject: claims.sub,
          emailVerified: email_verified === true,
          ...(typeof email === "string" && { email }),
        };
      }),
  };
}

/** @throws sign-in-unavailable when others may read it */
async function readSecret(file: string): Promise<string | null> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (!found) return null;
  if ((found.mode & 0o077) !== 0)
    throw new Error(`${file} must be readable by its owner alone (chmod 600)`);
  return (await readFile(file, "utf8")).trim();
}

/** Errors of the library, told apart by whose fault they are. */
function errorOf(error: unknown, issuer: string): TealError {
  if (isTealError(error)) return error;
  if (error instanceof openid.AuthorizationResponseError)
    return refused(error.error, error.error_description, error);
  if (error instanceof openid.ResponseBodyError && error.error === "invalid_grant")
    return refused(error.error, error.error_description, error);
  const detail = clean(rootOf(error).message);
  if (isUnproven(error)) return new TealError("sign-in-unproven", { detail }, { cause: error });
  return new TealError("sign-in-unavailable", { issuer, detail }, { cause: error });
}

function refused(code: string, description: string | undefined, cause: Error): TealError {
  const detail = clean(description ? `${code}, ${description}` : code);
  return new TealError("sign-in-refused", { detail }, { cause });
}

/** What came was understood, and is not what an honest provider answers this browser. */
function isUnproven(error: unknown): boolean {
  return (
    error instanceof openid.ClientError &&
    /^OAUTH_(INVALID_RESPONSE|JWT_\w+|JSON_ATTRIBUTE_COMPARISON_FAILED|KEY_SELECTION_FAILED|UNSUPPORTED_OPERATION)$/.test(
      error.code ?? "",
    )
  );
}

function rootOf(error: unknown): Error {
  let last = error instanceof Error ? error : new Error(String(error));
  while (last.cause instanceof Error) last = last.cause;
  return last;
}

/** For the log: never a token or a code, which the library's `cause` may hold. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const root = rootOf(error);
  return clean(root === error ? error.message : `${error.message}: ${root.message}`);
}

/** On one line, without its full stop. */
function clean(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Z}]+/gu, " ")
    .replace(/\.$/, "")
    .slice(0, 300);
}
