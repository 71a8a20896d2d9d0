import type { Tree } from "./tree.ts";

interface Found {
  web: string | null;
  /** A step of the build that the framework needs. */
  build: string | null;
  warning: string | null;
}

const NOTHING: Found = { web: null, build: null, warning: null };
const APP_FILES = ["app.py", "main.py", "wsgi.py", "asgi.py", "server.py", "application.py"];
const FOLDERS = ["", "app/", "src/", "api/"];

/** How a Python app is started, by its framework and its files. `packages` are those that it installs. */
export async function pythonWeb(tree: Tree, packages: string[]): Promise<Found> {
  return (
    (await django(tree, packages)) ??
    (await flask(tree, packages)) ??
    (await fastapi(tree, packages)) ??
    (await plain(tree))
  );
}

async function django(tree: Tree, packages: string[]): Promise<Found | null> {
  const manage = await tree.read("manage.py");
  const settings = /DJANGO_SETTINGS_MODULE["'],\s*["']([\w.]+)["']/.exec(manage ?? "")?.[1];
  if (settings === undefined) return null;
  const text = await settingsText(tree, settings);
  const build = /^[ \t]*STATIC_ROOT[ \t]*=/m.test(text)
    ? "python manage.py collectstatic --noinput"
    : null;
  const folder = settings.split(".")[0] ?? "";
  if (packages.includes("gunicorn"))
    return { web: `gunicorn ${folder}.wsgi --bind 0.0.0.0:$PORT`, build, warning: null };
  if (packages.includes("daphne"))
    return { web: `daphne -b 0.0.0.0 -p $PORT ${folder}.asgi:application`, build, warning: null };
  if (packages.includes("uvicorn"))
    return {
      web: `uvicorn ${folder}.asgi:application --host 0.0.0.0 --port $PORT`,
      build,
      warning: null,
    };
  return {
    web: "python manage.py runserver --noreload 0.0.0.0:$PORT",
    build,
    warning: development("Django"),
  };
}

async function settingsText(tree: Tree, module: string): Promise<string> {
  const path = module.replaceAll(".", "/");
  const base = path.split("/").slice(0, -1).join("/");
  const texts = await Promise.all(
    [`${path}.py`, `${path}/__init__.py`, `${base}/base.py`].map((file) => tree.read(file)),
  );
  return texts.join("\n");
}

async function flask(tree: Tree, packages: string[]): Promise<Found | null> {
  if (!packages.includes("flask")) return null;
  const found =
    (await findObject(tree, /^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:flask\.)?Flask\(/m)) ??
    (await findObject(tree, /^def (create_app)\(/m));
  if (found === null) return null;
  const target =
    found.name === "create_app"
      ? `'${found.module}:create_app()'`
      : `${found.module}:${found.name}`;
  if (packages.includes("gunicorn"))
    return { ...NOTHING, web: `gunicorn ${target} --bind 0.0.0.0:$PORT` };
  if (packages.includes("waitress"))
    return {
      ...NOTHING,
      web: `waitress-serve --listen=0.0.0.0:$PORT ${found.name === "create_app" ? `--call ${found.module}:create_app` : target}`,
    };
  const web = `flask --app ${target} run --host 0.0.0.0 --port $PORT`;
  return { ...NOTHING, web, warning: development("Flask") };
}

async function fastapi(tree: Tree, packages: string[]): Promise<Found | null> {
  const framework = ["fastapi", "starlette", "litestar"].find((name) => packages.includes(name));
  if (framework === undefined) return null;
  const found = await findObject(
    tree,
    /^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:FastAPI|Starlette|Litestar)\(/m,
  );
  if (found === null) return null;
  if (packages.includes("gunicorn") && packages.includes("uvicorn"))
    return {
      ...NOTHING,
      web: `gunicorn ${found.module}:${found.name} -k uvicorn.workers.UvicornWorker --bind 0.0.0.0:$PORT`,
    };
  if (packages.includes("hypercorn") && !packages.includes("uvicorn"))
    return { ...NOTHING, web: `hypercorn ${found.module}:${found.name} --bind 0.0.0.0:$PORT` };
  // FastAPI's usual extra brings it along.
  return {
    ...NOTHING,
    web: `uvicorn ${found.module}:${found.name} --host 0.0.0.0 --port $PORT`,
  };
}

async function plain(tree: Tree): Promise<Found> {
  const names = await tree.names();
  const file = ["main.py", "app.py", "server.py"].find((name) => names.includes(name));
  return file ? { ...NOTHING, web: `python ${file}` } : NOTHING;
}

/** The module and the name of what `pattern`'s first group assigns. */
async function findObject(
  tree: Tree,
  pattern: RegExp,
): Promise<{ module: string; name: string } | null> {
  for (const folder of FOLDERS) {
    const names = await tree.list(folder === "" ? "." : folder);
    for (const file of [...APP_FILES, "__init__.py"].filter((one) => names.includes(one))) {
      const name = pattern.exec((await tree.read(`${folder}${file}`)) ?? "")?.[1];
      const parts = `${folder}${file}`.replace(/(\/?__init__)?\.py$/, "");
      if (name && parts !== "") return { module: parts.replaceAll("/", "."), name };
    }
  }
  return null;
}

function development(framework: string): string {
  return `${framework}'s own server is meant for development: add gunicorn to the app's packages.`;
}
