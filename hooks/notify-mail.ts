import { hostname } from "node:os";
import { once } from "node:events";
import { isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Outward } from "../apps/outward.ts";

/** An e-mail, and the server that takes it. */
export interface Mail {
  /** `smtps://HOST` (TLS from the start) or `smtp://HOST` (STARTTLS), with `?from=…&to=…`. */
  server: string;
  /** `USER:PASSWORD`; empty: none. */
  login: string;
  id: string;
  subject: string;
  text: string;
}

/** A server's answer that is not the one that was hoped for. 4xx: perhaps later; 5xx: never. */
export interface MailAnswer {
  status: number;
  text: string;
}

const MAX_ANSWER = 64 * 1024;

/**
 * Hands a mail to its server (RFC 5321) and gives the last answer; 250 when it was taken. Neither
 * login nor mail goes over a connection without TLS, unless `plain` allows it.
 * @throws private-address, Error
 */
export async function sendMail(
  outward: Outward,
  mail: Mail,
  { ms, plain }: { ms: number; plain: boolean },
): Promise<MailAnswer> {
  const url = new URL(mail.server);
  const secure = url.protocol === "smtps:";
  const signal = AbortSignal.timeout(ms);
  const raw = await outward.connect(url.hostname, Number(url.port) || (secure ? 465 : 587));
  raw.on("error", () => {});
  signal.addEventListener("abort", () => raw.destroy(), { once: true });
  try {
    let talk = talkOver(secure ? await encrypt(raw, url.hostname, signal) : raw);
    await talk.expect(220);
    let offers = await talk.say(`EHLO ${nameOf(hostname())}`, 250);
    if (!secure && /^250[ -]STARTTLS/im.test(offers)) {
      await talk.say("STARTTLS", 220);
      talk = talkOver(await encrypt(raw, url.hostname, signal));
      offers = await talk.say(`EHLO ${nameOf(hostname())}`, 250);
    } else if (!secure && !plain) throw new Error("the mail server offers no TLS");
    return await hand(talk, url.searchParams, mail);
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    throw signal.aborted ? new Error(`no answer within ${ms / 1000} s`, { cause: error }) : error;
  } finally {
    raw.destroy();
  }
}

async function hand(talk: Talk, to: URLSearchParams, mail: Mail): Promise<MailAnswer> {
  if (mail.login) {
    const [user, password] = splitLogin(mail.login);
    const plain = Buffer.from(`\0${user}\0${password}`).toString("base64");
    await talk.say(`AUTH PLAIN ${plain}`, 235);
  }
  await talk.say(`MAIL FROM:<${to.get("from")}>`, 250);
  for (const address of to.getAll("to")) await talk.say(`RCPT TO:<${address}>`, 250);
  await talk.say("DATA", 354);
  const taken = await talk.say(textOf(mail, to), 250);
  return { status: 250, text: taken };
}

/** The whole message, ended by a point. In base64 no line can be that point. */
function textOf(mail: Mail, to: URLSearchParams): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const body = base64(mail.text).replaceAll(/.{76}/g, "$&\r\n");
  return [
    `From: <${to.get("from")}>`,
    `To: ${to
      .getAll("to")
      .map((address) => `<${address}>`)
      .join(", ")}`,
    `Subject: =?UTF-8?B?${base64(mail.subject.slice(0, 40))}?=`,
    `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${mail.id}@teal>`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=UTF-8",
    "Content-Transfer-Encoding: base64",
    "",
    body,
    ".",
  ].join("\r\n");
}

type Talk = ReturnType<typeof talkOver>;

/** Lines and their answers. What came before TLS is not read as if it had come after. */
function talkOver(socket: Socket) {
  const chunks = socket.iterator({ destroyOnReturn: false });
  let pending = "";

  async function answer(): Promise<string> {
    for (;;) {
      const [whole] = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n/.exec(pending) ?? [];
      if (whole) {
        pending = pending.slice(whole.length);
        return whole;
      }
      const { value, done } = await chunks.next();
      if (done || pending.length > MAX_ANSWER) throw new Error("the mail server broke off");
      pending += String(value);
    }
  }

  async function expect(status: number): Promise<string> {
    const text = await answer();
    const came = Number(text.split("\n").at(-2)?.slice(0, 3));
    if (came === status) return text;
    throw new Refused({ status: came, text: text.trim().slice(0, 200) });
  }

  return {
    expect,
    say(line: string, status: number): Promise<string> {
      socket.write(`${line}\r\n`);
      return expect(status);
    },
  };
}

class Refused extends Error {
  readonly answer: MailAnswer;
  constructor(answer: MailAnswer) {
    super(answer.text);
    this.answer = answer;
  }
}

async function encrypt(socket: Socket, host: string, signal: AbortSignal): Promise<Socket> {
  const secured = connectTls({ socket, host, ...(isIP(host) ? {} : { servername: host }) });
  await once(secured, "secureConnect", { signal });
  secured.on("error", () => {});
  return secured;
}

function splitLogin(login: string): [user: string, password: string] {
  const at = login.indexOf(":");
  return at < 0 ? [login, ""] : [login.slice(0, at), login.slice(at + 1)];
}

function nameOf(host: string): string {
  return /^[a-z0-9][a-z0-9.-]*$/i.test(host) ? host : "teal.invalid";
}
