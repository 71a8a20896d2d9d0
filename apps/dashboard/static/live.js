// Pages are whole without this script; it keeps them current.

/** Follows the stream of changes: fetches the page again when its state is another than the shown one. */
function keepCurrent() {
  const path = document.querySelector("main").dataset.live;
  if (!path) return;
  let latest = document.querySelector("main").dataset.state;
  const events = new EventSource(path);
  events.addEventListener("state", ({ data }) => {
    latest = JSON.parse(data);
    void refresh(latest);
  });
  // Refreshing waits while somebody is about to confirm something: what they read stays as it is.
  document.addEventListener("toggle", () => void refresh(latest), true);
}

async function refresh(latest) {
  const main = document.querySelector("main");
  if (latest === main.dataset.state || main.querySelector("details[open]")) return;
  const response = await fetch(location.href);
  if (response.redirected || !response.ok) {
    location.reload();
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const show = () => main.replaceWith(document.adoptNode(page.querySelector("main")));
  if (document.startViewTransition) document.startViewTransition(show);
  else show();
}

/** Follows a running deploy's log, from the last line shown, until the deploy ends. */
function followLog() {
  const log = document.querySelector("ol.log");
  if (!log) return;
  log.scrollTop = log.scrollHeight;
  if (!log.dataset.log) return;
  const after = log.dataset.after ? `?after=${encodeURIComponent(log.dataset.after)}` : "";
  const events = new EventSource(log.dataset.log + after);
  events.addEventListener("line", ({ data }) => {
    const { kind, text } = JSON.parse(data);
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const line = document.createElement("li");
    line.className = kind;
    // oxlint-disable-next-line no-control-regex -- terminal colours are what is removed
    line.textContent = text.replaceAll(/\u001b\[[\d;]*[A-Za-z]/g, "");
    log.append(line);
    if (atEnd) log.scrollTop = log.scrollHeight;
  });
  events.addEventListener("end", () => {
    events.close();
    location.reload();
  });
}

function tellTimes() {
  for (const time of document.querySelectorAll("time")) {
    const minutes = Math.floor((Date.now() - Date.parse(time.dateTime)) / 60_000);
    if (minutes < 1) time.textContent = "just now";
    else if (minutes < 60) time.textContent = `${minutes} min ago`;
    else if (minutes < 2880) time.textContent = `${Math.floor(minutes / 60)} h ago`;
    else time.textContent = `${Math.floor(minutes / 1440)} d ago`;
  }
}

keepCurrent();
followLog();
setInterval(tellTimes, 20_000);
