import type { HeaderRule } from "./headers.ts";

export interface Site {
  /** Absolute folder in the image. */
  root: string;
  /** Paths without a file get index.html with status 200. */
  spa: boolean;
  /** Folders without an index.html are listed. */
  listing: boolean;
  headers: HeaderRule[];
}

/** Files of the platform's, which are no part of a site. */
const PRIVATE = ["Procfile", "Staticfile", "_headers", "app.json"];

/** nginx does not read its environment: the port is put in when it starts. */
export const PORT_MARK = "@PORT@";

/** The configuration of an nginx that serves a folder as an ordinary user. */
export function nginxConfig(site: Site): string {
  const headers = headerLines(site.headers);
  const missing = site.spa ? "/index.html" : "=404";
  return `worker_processes 2;
daemon off;
pid /tmp/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  types { application/javascript mjs; application/manifest+json webmanifest; }
  default_type application/octet-stream;
  charset utf-8;
  charset_types text/css text/plain text/xml application/javascript application/json image/svg+xml;
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 75s;
  gzip on;
  gzip_vary on;
  gzip_min_length 1024;
  gzip_types text/css text/plain application/javascript application/json application/manifest+json image/svg+xml application/xml;
  client_body_temp_path /tmp/nginx-body;
  proxy_temp_path /tmp/nginx-proxy;
  fastcgi_temp_path /tmp/nginx-fastcgi;
  uwsgi_temp_path /tmp/nginx-uwsgi;
  scgi_temp_path /tmp/nginx-scgi;
${headers.maps.join("")}  server {
    listen ${PORT_MARK};
    root ${site.root};
    index index.html index.htm;
    absolute_redirect off;
    autoindex ${site.listing ? "on" : "off"};
    error_page 404 /404.html;
${headers.adds.join("")}    location ~ /\\.(?!well-known/) { return 404; }
    location ~ ^/(?:${PRIVATE.map((name) => name.replace(".", "\\.")).join("|")})$ { return 404; }
    location / { try_files $uri $uri/ $uri.html ${missing}; }
  }
}
`;
}

/** One variable for each header's name; the first path that fits gives its value, and an empty one adds nothing. */
function headerLines(rules: HeaderRule[]): { maps: string[]; adds: string[] } {
  const names = [...new Set(rules.map(({ name }) => name.toLowerCase()))];
  const maps = names.map((name, index) => {
    const lines = rules
      .filter((rule) => rule.name.toLowerCase() === name)
      .toSorted((a, b) => b.path.length - a.path.length)
      .map(({ path, value }) => `    "~^${pattern(path)}$" "${value}";\n`);
    return `  map $uri $header_${index} {\n    default "";\n${lines.join("")}  }\n`;
  });
  const adds = names.map((name, index) => {
    const written = rules.find((rule) => rule.name.toLowerCase() === name)?.name ?? name;
    return `    add_header ${written} $header_${index} always;\n`;
  });
  return { maps, adds };
}

function pattern(path: string): string {
  return path
    .split("*")
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
}
