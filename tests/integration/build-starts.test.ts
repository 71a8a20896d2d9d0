import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test from "ava";
import { shellArguments } from "../../buildpacks/command.ts";
import { detect } from "../../buildpacks/detect.ts";
import type { Built } from "../../workers/ports.ts";
import { firstAnswer, startBuilder } from "../support/builder.ts";

const builder = await startBuilder();
test.after.always(() => builder.close());

/**
 * Start commands of frameworks whose packages come from an index of Python's: the commands that are
 * found are run with the frameworks as Debian packages them.
 */
const PACKAGES = [
  ...["gunicorn", "uvicorn", "python3-hypercorn", "daphne", "python3-waitress"],
  ...["python3-flask", "python3-django", "python3-fastapi"],
];

const FLASK = `from flask import Flask
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "flask")
`;
const FACTORY = `from flask import Flask
def create_app():
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "factory")
    return app
`;
const FASTAPI = `from fastapi import FastAPI
api = FastAPI()
@api.get("/")
async def home():
    return "fastapi"
`;
const ASGI = `import os
from django.core.asgi import get_asgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_asgi_application()
`;
const URLS = `from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("django"))]
`;

const MANAGE = `import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
`;
const SETTINGS = `SECRET_KEY = "for tests alone"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
`;
const WSGI = ASGI.replaceAll("asgi", "wsgi");
const DJANGO = {
  "manage.py": MANAGE,
  "shop/__init__.py": "",
  "shop/settings.py": SETTINGS,
  "shop/urls.py": URLS,
  "shop/asgi.py": ASGI,
  "shop/wsgi.py": WSGI,
};

const APPS: [
  requirements: string[],
  files: Record<string, string>,
  command: RegExp,
  body: string,
][] = [
  [["flask", "gunicorn"], { "app.py": FLASK }, /^gunicorn app:app /, "flask"],
  [["flask", "gunicorn"], { "wsgi.py": FACTORY }, /^gunicorn 'wsgi:create_app\(\)' /, "factory"],
  [["flask", "waitress"], { "app.py": FLASK }, /^waitress-serve .*app:app$/, "flask"],
  [["flask", "waitress"], { "wsgi.py": FACTORY }, /^waitress-serve .*--call /, "factory"],
  [["flask"], { "app.py": FLASK }, /^flask --app app:app run /, "flask"],
  [["flask"], { "wsgi.py": FACTORY }, /^flask --app 'wsgi:create_app\(\)' run /, "factory"],
  [["fastapi", "uvicorn"], { "app/main.py": FASTAPI }, /^uvicorn app\.main:api /, "fastapi"],
  [["fastapi", "uvicorn", "gunicorn"], { "main.py": FASTAPI }, /^gunicorn main:api -k /, "fastapi"],
  [["fastapi", "hypercorn"], { "main.py": FASTAPI }, /^hypercorn main:api /, "fastapi"],
  [["django", "gunicorn"], DJANGO, /^gunicorn shop\.wsgi /, "django"],
  [["django", "daphne"], DJANGO, /^daphne .*shop\.asgi:application$/, "django"],
  [["django", "uvicorn"], DJANGO, /^uvicorn shop\.asgi:application /, "django"],
  [["django"], DJANGO, /^python manage\.py runserver /, "django"],
];

const commands: string[] = [];
let built: Built;

/** One image with all apps, each in a folder by its number; `commands` are those that were found. */
test.before(async (t) => {
  t.timeout(300_000);
  const dir = await builder.copyOf("hello-dockerfile");
  for (const [number, [requirements, files]] of APPS.entries()) {
    const folder = join(dir, "apps", String(number));
    const lines = requirements.map((one) => `${one}==1\n`).join("");
    for (const [path, text] of Object.entries({ ...files, "requirements.txt": lines })) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    commands.push((await detect(folder)).processes["web"] ?? "");
  }
  const python = { name: "python", range: "*", from: "test" } as const;
  const base = await builder.bases.ensureBase(python, () => {}, new AbortController().signal);
  const install = `apt-get update && apt-get install -y --no-install-recommends ${PACKAGES.join(" ")}`;
  const steps = [
    `RUN ${install}`,
    ...["COPY apps /app/", "USER app", "WORKDIR /app", 'ENTRYPOINT ["tini", "--"]'],
  ];
  await writeFile(join(dir, "Dockerfile"), `FROM ${base.image}\n${steps.join("\n")}\n`);
  built = await builder.build(dir);
});

for (const [number, [requirements, files, command, body]] of APPS.entries()) {
  const file = Object.keys(files).at(-1);
  test(`${requirements.join(", ")} with ${file}: the command that was found serves`, async (t) => {
    t.timeout(120_000);
    const web = commands[number] ?? "";
    t.regex(web, command);
    const { url, container } = await builder.run(
      built,
      shellArguments(`cd ${number} && ${shellArguments(web).at(-1)}`),
    );
    const answer = await firstAnswer(url);
    t.is(answer.status, 200);
    t.true((await answer.text()).includes(body));
    await container.stop({ t: 20 });
    t.not((await container.inspect()).State.ExitCode, 137, "SIGTERM ends it");
  });
}
