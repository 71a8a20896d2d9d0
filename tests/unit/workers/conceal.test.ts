import test from "ava";
import { createConcealer } from "../../../workers/conceal.ts";

function knowing(...values: string[]) {
  const concealer = createConcealer();
  concealer.learn("shop", values);
  return (text: string) => concealer.conceal("shop", text);
}

test("a value is masked wherever it stands, and only for its own app", (t) => {
  const concealer = createConcealer();
  concealer.learn("shop", ["s3cr3t"]);
  t.is(concealer.conceal("shop", "a s3cr3t, s3cr3ts"), "a ********, ********s");
  t.is(concealer.conceal("blog", "a s3cr3t"), "a s3cr3t");
});

test("each line of a value of several lines is masked", (t) => {
  const conceal = knowing("-----BEGIN KEY-----\r\n  abcdef\nx\n");
  t.is(conceal("read abcdef of -----BEGIN KEY-----"), "read ******** of ********");
  t.is(conceal("x marks it"), "x marks it", "what is so short is no secret");
});

test("a value that is part of another leaves nothing of the longer one", (t) => {
  t.is(knowing("pass", "passphrase")("my passphrase"), "my ********");
});

test("colours within a value do not save it", (t) => {
  t.is(knowing("s3cr3t")("\u001b[1ma s3\u001b[31mcr3t\u001b[0m"), "a ********");
  t.is(knowing("s3cr3t")("\u001b[1ma s3cr3t\u001b[0m"), "\u001b[1ma ********\u001b[0m");
});

test("a value with characters that mean something to patterns is taken as it is", (t) => {
  t.is(knowing("a.*$&b")("say a.*$&b"), "say ********");
  t.is(knowing("a.*$&b")("say axxb"), "say axxb");
});
