import test from "ava";
import { imagesOf } from "../../../buildpacks/dockerfile-images.ts";

test("images are those of FROM, COPY --from and mounts that are no stage, each once", (t) => {
  const text = `# FROM commented/out
FROM --platform=linux/amd64 node:24 AS Build
RUN --mount=type=cache,target=/x --mount=type=bind,from=ghcr.io/ann/tools:1,target=/t echo --from=no
FROM build AS second
FROM scratch
COPY --chown=1:1 --from=build /a /a
COPY --from=0 /a /a
COPY --link \\
  --from=reg.example:5000/x@sha256:${"a".repeat(64)} /b /b
from node:24
`;
  t.deepEqual(imagesOf(text), [
    "node:24",
    "ghcr.io/ann/tools:1",
    `reg.example:5000/x@sha256:${"a".repeat(64)}`,
  ]);
});

test("arguments before the first FROM are filled in, those that are given first", (t) => {
  const text = `ARG TAG=1 HOST="ghcr.io"
ARG BASE=\${HOST}/ann/base:$TAG
FROM \${BASE}
ARG TAG=9
FROM \${NONE:-debian}:\${TAG}
`;
  t.deepEqual(imagesOf(text), ["ghcr.io/ann/base:1", "debian:1"]);
  t.deepEqual(imagesOf(text, { TAG: "2" }), ["ghcr.io/ann/base:2", "debian:2"]);
  t.deepEqual(imagesOf(text, { BASE: "other" }), ["other", "debian:1"]);
  t.deepEqual(imagesOf("ARG BASE\nFROM $BASE\n"), [], "which the builder complains of");
});
