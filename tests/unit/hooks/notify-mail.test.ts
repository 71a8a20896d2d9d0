import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import test from "ava";
import { createOutward } from "../../../apps/outward.ts";
import { sendMail } from "../../../hooks/notify-mail.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";
import { runCommand } from "../../support/push-world.ts";
import { startSmtp } from "../../support/smtp.ts";

const dir = mkdtempSync(join(tmpdir(), "teal-mail-"));
const outward = createOutward({ allowPrivate: true });
let tls: { key: string; cert: string };
let api: TestApi;
test.before(async () => {
  api = await startApi();
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "crt"];
  await runCommand("openssl", ["req", ...made, ...subject], { cwd: dir });
  const read = (name: string) => readFileSync(join(dir, name), "utf8");
  tls = { key: read("key"), cert: read("crt") };
  setDefaultCACertificates([...getCACertificates(), tls.cert]);
});
test.after.always(async () => {
  rmSync(dir, { recursive: true, force: true });
  await api?.stop();
});

const mailTo = (port: number, more = "") => ({
  server: `smtp://localhost:${port}/?from=teal@example.com&to=ann@example.com${more}`,
  login: "bot:pa:ss",
  id: "msg-1",
  subject: "shop is live ✓\r\nBcc: eve@example.com",
  text: `${"Größe ".repeat(40)}\r\n.\r\nEnd`,
});

test("a mail goes over STARTTLS, with login, to each receiver, and its text arrives whole", async (t) => {
  const smtp = await startSmtp({ tls });
  const mail = mailTo(smtp.port, "&to=bob@example.com");
  const answer = await sendMail(outward, mail, { ms: 5000, plain: false });
  t.is(answer.status, 250, answer.text);
  const [first, second, ...rest] = smtp.said;
  t.regex(first ?? "", /^EHLO .*[^)]$/);
  t.is(second, "STARTTLS");
  t.true(
    rest.every((line) => line.endsWith("(TLS)")),
    "nothing after it is in clear",
  );
  const login = Buffer.from("\0bot\0pa:ss").toString("base64");
  t.true(rest.includes(`AUTH PLAIN ${login} (TLS)`));
  t.is(rest.filter((line) => line.startsWith("RCPT")).length, 2);
  const [head = "", body = ""] = (smtp.mails[0] ?? "").split("\n\n");
  t.is(Buffer.from(body, "base64").toString(), mail.text);
  t.notRegex(head, /^Bcc/m, "a subject is no place for headers");
  t.true(body.split("\n").every((line) => line.length <= 76));
  smtp.stop();
});

test("without TLS neither login nor mail is sent, unless that is allowed", async (t) => {
  const smtp = await startSmtp();
  const refused = await t.throwsAsync(
    sendMail(outward, mailTo(smtp.port), { ms: 5000, plain: false }),
  );
  t.regex(refused.message, /offers no TLS/);
  t.false(smtp.said.some((line) => line.startsWith("AUTH")));
  t.is((await sendMail(outward, mailTo(smtp.port), { ms: 5000, plain: true })).status, 250);
  smtp.stop();
});

test("what the server says of a receiver is given on: later, or never", async (t) => {
  const smtp = await startSmtp({ answers: ["450-busy\r\n450 try later", "550 nobody here"] });
  const send = () => sendMail(outward, mailTo(smtp.port), { ms: 5000, plain: true });
  t.like(await send(), { status: 450 });
  t.like(await send(), { status: 550, text: "550 nobody here" });
  t.is((await send()).status, 250);
  smtp.stop();
});

test("a mail server on a private network is not connected to", async (t) => {
  const smtp = await startSmtp();
  const strict = createOutward({ allowPrivate: false });
  const error = await t.throwsAsync(
    sendMail(strict, mailTo(smtp.port), { ms: 5000, plain: false }),
  );
  t.regex(error.message, /only addresses of the public internet/);
  t.deepEqual(smtp.said, []);
  smtp.stop();
});

test("an address that could be more than an address is refused", async (t) => {
  await api.store.createApp("shop", "ann");
  const add = async (url: string) =>
    (await call(api, "POST", "/apps/shop/notifications", { body: { kind: "email", url } })).status;
  t.is(await add("smtps://mail.example.com?from=a@example.com&to=b@example.com"), 201);
  for (const url of [
    "smtps://mail.example.com?from=a@example.com",
    "smtps://mail.example.com?from=a@example.com&to=b%0d%0aDATA@example.com",
    "smtps://mail.example.com?from=a@example.com&to=%3Cb@example.com%3E",
    "smtps://user:pass@mail.example.com?from=a@example.com&to=b@example.com",
    "https://mail.example.com?from=a@example.com&to=b@example.com",
  ]) {
    t.is(await add(url), 400, url);
  }
});

test("a mail server that takes its time is waited for, and one that takes too long is given up", async (t) => {
  const smtp = await startSmtp({ answerMs: 150 });
  const began = performance.now();
  const slow = await sendMail(outward, mailTo(smtp.port), { ms: 10_000, plain: true });
  t.is(slow.status, 250, slow.text);
  t.true(performance.now() - began > 700, "each of its answers was late");
  t.is(smtp.mails.length, 1);
  const error = await t.throwsAsync(sendMail(outward, mailTo(smtp.port), { ms: 400, plain: true }));
  t.is(error.message, "no answer within 0.4 s");
  t.is(smtp.mails.length, 1, "and it has no second mail");
  smtp.stop();
  const silent = await startSmtp({ answerMs: 3_600_000 });
  await t.throwsAsync(sendMail(outward, mailTo(silent.port), { ms: 300, plain: true }), {
    message: "no answer within 0.3 s",
  });
  silent.stop();
});
