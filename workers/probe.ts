import { request } from "node:http";

export interface Answer {
  status: number;
  location?: string;
  /** Its first `bodyChars` characters, 300 unless said. */
  body: string;
}

const BODY_CHARS = 300;

/** One GET from outside the container. @throws Error of the connection, or "no answer within N ms" */
export function probe(
  target: { host: string; port: number },
  options: {
    path?: string;
    hostHeader: string;
    timeoutMs: number;
    bodyChars?: number;
    headers?: Record<string, string>;
  },
): Promise<Answer> {
  const { path = "/", hostHeader, timeoutMs, bodyChars = BODY_CHARS } = options;
  const headers = { host: hostHeader, "user-agent": "teal-check", ...lowerCase(options.headers) };
  return new Promise((resolve, reject) => {
    const req = request({ ...target, path, agent: false, headers }, (res) => {
      let body = "";
      const done = () => {
        clearTimeout(timer);
        const location = res.headers.location;
        resolve({ status: res.statusCode ?? 0, ...(location ? { location } : {}), body });
        req.destroy();
      };
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => {
        body = (body + chunk).slice(0, bodyChars);
        if (body.length >= bodyChars) done();
      });
      res.on("end", done);
      res.on("error", done);
    });
    const timer = setTimeout(
      () => req.destroy(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    req.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    req.end();
  });
}

/** So that what is told takes the place of what is given by default, whatever its case. */
function lowerCase(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, it]) => [name.toLowerCase(), it]));
}
