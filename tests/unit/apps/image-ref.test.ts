import test from "ava";
import { parseImageRef } from "../../../apps/image-ref.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

for (const [text, registry, repository, asked] of [
  ["nginx", "docker.io", "library/nginx", "nginx:latest"],
  ["ann/shop:1.2", "docker.io", "ann/shop", "ann/shop:1.2"],
  ["docker.io/ann/shop", "docker.io", "ann/shop", "docker.io/ann/shop:latest"],
  ["ghcr.io/ann/shop:1", "ghcr.io", "ann/shop", "ghcr.io/ann/shop:1"],
  ["localhost/shop:1", "localhost", "shop", "localhost/shop:1"],
  ["127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000", "a/b/c", "127.0.0.1:5000/a/b/c:x"],
  ["r.example.com:443/shop", "r.example.com:443", "shop", "r.example.com:443/shop:latest"],
  [`ghcr.io/ann/shop@${DIGEST}`, "ghcr.io", "ann/shop", `ghcr.io/ann/shop@${DIGEST}`],
  [`ann/shop:1@${DIGEST}`, "docker.io", "ann/shop", `ann/shop:1@${DIGEST}`],
  [DIGEST, "", "", DIGEST],
] as const) {
  test(`an image's name: ${text}`, (t) => {
    t.like(parseImageRef(text), { registry, repository, text: asked });
  });
}

for (const text of [
  "",
  "-x",
  "--privileged",
  "Shop",
  "a b",
  "shop;touch canary",
  "http://ghcr.io/shop",
  "ghcr.io/../shop",
  "ghcr.io//shop",
  "shop:",
  "shop@sha256:12",
  "user@ghcr.io/shop",
  "$(id)",
  "shop\n",
  "ghcr.io:99999999/x",
  "a/".repeat(400) + "b",
]) {
  test(`no image's name: ${JSON.stringify(text).slice(0, 60)}`, (t) => {
    t.throws(() => parseImageRef(text), { code: "bad-image" });
  });
}

test("a text that was made to be slow is refused at once", (t) => {
  const began = performance.now();
  const text = `${"@".repeat(300_000)}\n${":".repeat(300_000)}/`;
  t.throws(() => parseImageRef(text), { code: "bad-image" });
  t.true(performance.now() - began < 1000);
});
