/**
 * Every error that a person can meet, on one page: a code, an HTTP status, an exit code,
 * one sentence saying what was expected and what came, one saying what to do.
 */
interface Entry {
  status: number;
  /** 1 failed, 2 wrong usage, 3 not allowed, 4 not found, 5 conflict. */
  exit: 1 | 2 | 3 | 4 | 5;
  says: string;
  todo: string;
}

export const ERRORS = {
  "bad-app-name": {
    status: 400,
    exit: 2,
    says: "An app's name is a lower-case letter and up to 30 letters, digits or dashes, and does not begin with idle--; {name} is not.",
    todo: "Choose a name such as 'shop' or 'shop-2'.",
  },
  "bad-request": {
    status: 400,
    exit: 2,
    says: "The request was not understood: {detail}.",
    todo: "Compare it with the API's description at /api/v1/openapi.json.",
  },
  "not-json": {
    status: 415,
    exit: 2,
    says: "A body of type application/json was expected, and {type} came.",
    todo: "Send JSON with the header 'Content-Type: application/json'.",
  },
  "not-signed-in": {
    status: 401,
    exit: 3,
    says: "A valid token was expected, and none came.",
    todo: "Use the admin token (TEAL_HOME/admin-token) or ask an admin for one.",
  },
  "not-allowed": {
    status: 403,
    exit: 3,
    says: "{who} may not {action}.",
    todo: "Ask an admin of this platform.",
  },
  "app-not-found": {
    status: 404,
    exit: 4,
    says: "There is no app named {name}.",
    todo: "'teal apps:list' shows the apps; a push by an admin creates one.",
  },
  "release-not-found": {
    status: 404,
    exit: 4,
    says: "App {name} has no release {release}.",
    todo: "'teal releases -a {name}' shows what there is.",
  },
  "deploy-not-found": {
    status: 404,
    exit: 4,
    says: "There is no deploy {id}.",
    todo: "'teal deploys -a APP' shows the newest ones.",
  },
  "guard-moot": {
    status: 409,
    exit: 5,
    says: "What deploy {id} made live is live no more, so the guard has nothing to swap back.",
    todo: "Nothing; 'teal guard' shows what is watched now.",
  },
  "guard-waits": {
    status: 409,
    exit: 5,
    says: "Deploy {id} is newer and on its way, so the guard does not swap back now.",
    todo: "Nothing; it looks again when that deploy has ended.",
  },
  "promote-waits": {
    status: 409,
    exit: 5,
    says: "Deploy {id} is newer and on its way, so what is held is not promoted by itself now.",
    todo: "Nothing; it is looked at again when that deploy has ended.",
  },
  "nothing-to-roll-back": {
    status: 409,
    exit: 5,
    says: "App {name} has no earlier good release to go back to.",
    todo: "Push a version that works; 'teal releases -a {name}' shows what there is.",
  },
  "contents-too-large": {
    status: 422,
    exit: 1,
    says: "The image of release {release} of {name} says more than {mib} MiB of what is in it.",
    todo: "Look at it with a scanner of images, such as syft, on the platform's machine.",
  },
  "image-gone": {
    status: 409,
    exit: 5,
    says: "The image of release {release} of {name} is no longer on this machine.",
    todo: "Push its commit again.",
  },
  "app-exists": {
    status: 409,
    exit: 5,
    says: "There is already an app named {name}.",
    todo: "Choose another name, or push to the one that exists.",
  },
  "app-destroyed": {
    status: 409,
    exit: 5,
    says: "App {name} is being destroyed.",
    todo: "Wait until it is gone, then create it anew.",
  },
  "confirm-mismatch": {
    status: 400,
    exit: 2,
    says: "Destroying {name} needs the app's name once more, and {confirm} came.",
    todo: "Use --confirm {name}.",
  },
  "deploy-finished": {
    status: 409,
    exit: 5,
    says: "Deploy {id} has already ended ({state}).",
    todo: "To undo it, use 'teal rollback'.",
  },
  "nothing-under-way": {
    status: 409,
    exit: 5,
    says: "App {name} has no deploy that is queued or runs.",
    todo: "'teal deploys -a {name}' shows how the newest ones ended.",
  },
  "store-unavailable": {
    status: 503,
    exit: 1,
    says: "The platform's store (Redis) does not answer, so nothing can be changed now; apps go on serving.",
    todo: "Try again in a moment; 'teal status' shows what runs.",
  },
  fenced: {
    status: 409,
    exit: 5,
    says: "Another executor has taken over app {name}; this one (token {token}) stops.",
    todo: "Nothing: the deploy goes on elsewhere.",
  },
  "worker-leaves": {
    status: 503,
    exit: 1,
    says: "The worker that ran deploy {id} was told to stop.",
    todo: "Nothing: the deploy goes on with the next worker.",
  },
  "route-conflict": {
    status: 409,
    exit: 5,
    says: "The route of {name} was expected at version {expected}, and is at {actual}.",
    todo: "Nothing: the deploy looks again.",
  },
  "hold-expired": {
    status: 409,
    exit: 5,
    says: "The hold of swap {swap} of {name} ended before the swap was committed.",
    todo: "Nothing: the swap is prepared again.",
  },
  "instance-retired": {
    status: 409,
    exit: 5,
    says: "Instance {instance} is {state} and cannot be made live.",
    todo: "Nothing: a new instance is started from the kept image.",
  },
  "instance-live": {
    status: 409,
    exit: 5,
    says: "Instance {instance} is in the live route of {name} and cannot be retired.",
    todo: "Swap first.",
  },
  "host-taken": {
    status: 409,
    exit: 5,
    says: "The host {host} belongs to app {owner}, so {name} cannot have it.",
    todo: "Remove it from {owner} first, or choose another host.",
  },
  "no-free-slot": {
    status: 409,
    exit: 5,
    says: "App {name} has {slots} instances on record, and its network has room for no more.",
    todo: "Scale it down, or wait until the retired instances have stopped.",
  },
  "deploy-cancelled": {
    status: 409,
    exit: 5,
    says: "Deploy {id} was cancelled{why}.",
    todo: "Push again to deploy.",
  },
  "too-many-attempts": {
    status: 500,
    exit: 1,
    says: "Deploy {id} was taken up {attempts} times and never finished; the platform gave it up.",
    todo: "Look at its log with 'teal logs --deploy {id}', then push again.",
  },
  "build-failed": {
    status: 422,
    exit: 1,
    says: "The build failed: {detail}.",
    todo: "The lines above are the build's own; fix and push again.",
  },
  "bad-image": {
    status: 400,
    exit: 2,
    says: "An image's name such as ghcr.io/ann/shop:1.2 was expected, and {came} came.",
    todo: "Give a name with a tag or a digest, or an image's id.",
  },
  "image-failed": {
    status: 422,
    exit: 1,
    says: "{image} could not be taken: {detail}.",
    todo: "Compare the name; 'teal registry:login' is for private registries. Nothing was swapped.",
  },
  "registry-refused": {
    status: 422,
    exit: 1,
    says: "The registry {host} was not logged in to: {detail}.",
    todo: "'teal registry' shows the logins; 'teal registry:login' sets another one, with --realm where tokens are made elsewhere.",
  },
  "registry-not-found": {
    status: 404,
    exit: 4,
    says: "Nobody has logged in to the registry {host}.",
    todo: "'teal registry' shows the logins.",
  },
  "bad-archive": {
    status: 400,
    exit: 2,
    says: "A tar archive of an app's source (plain or gzip) was expected: {detail}.",
    todo: "Make it with 'tar czf app.tar.gz -C FOLDER .', or let 'teal deploy FOLDER' do so.",
  },
  "ref-not-found": {
    status: 404,
    exit: 4,
    says: "The repository of {name} has no branch, tag or commit {ref}.",
    todo: "Push it first: 'git push deploy {ref}'.",
  },
  "release-command-failed": {
    status: 422,
    exit: 1,
    says: "The {command} command ended with status {code}.",
    todo: "Its output is above; nothing was swapped.",
  },
  "release-command-late": {
    status: 422,
    exit: 1,
    says: "The {command} command did not end within {seconds} s.",
    todo: "Its output is above; nothing was swapped. 'teal limits:set release.time=SECONDS' gives it longer.",
  },
  "no-shell": {
    status: 422,
    exit: 1,
    says: "{what} is a line for a shell, and the image has none (/bin/sh).",
    todo: 'Leave it to the CMD of the image in its exec form (CMD ["/server"]), or take an image with a shell.',
  },
  "check-failed": {
    status: 422,
    exit: 1,
    says: "{instance} did not become healthy within {seconds} s: {detail}.",
    todo: "What the app wrote last, if anything, is above; the live colour was not touched.",
  },
  "nothing-live": {
    status: 409,
    exit: 5,
    says: "App {name} has nothing live to {action}.",
    todo: "Push a first version: 'git push deploy main'.",
  },
  "nothing-held": {
    status: 409,
    exit: 5,
    says: "App {name} holds no new version to promote or abort.",
    todo: "'teal hold:on -a {name}' makes the next push wait; 'teal apps:info -a {name}' shows what there is.",
  },
  "bad-config": {
    status: 400,
    exit: 2,
    says: "{detail}.",
    todo: "{todo}.",
  },
  "bad-ignore-file": {
    status: 422,
    exit: 1,
    says: "The .dockerignore or .slugignore file was not understood: {detail}.",
    todo: "Correct that line; a backslash before a character has it meant as it stands.",
  },
  "bad-app-json": {
    status: 422,
    exit: 1,
    says: "app.json was not understood: {detail}.",
    todo: "Fix it and push again; nothing was swapped.",
  },
  "config-not-found": {
    status: 404,
    exit: 4,
    says: "{app} has no config named {name}.",
    todo: "'teal config -a {app}' shows the names.",
  },
  "config-missing": {
    status: 422,
    exit: 1,
    says: "app.json requires config that {name} does not have: {missing}.",
    todo: "Use 'teal config:set -a {name} NAME=VALUE', then push again; nothing was swapped.",
  },
  "bad-formation": {
    status: 400,
    exit: 2,
    says: "{detail}.",
    todo: "Use numbers such as 'web=2 worker=1'; 'teal ps -a {name}' shows what runs.",
  },
  "bad-build-option": {
    status: 400,
    exit: 2,
    says: "{detail}.",
    todo: "Use, for example, 'teal build:set {example}'; 'teal build -a APP' shows what is set.",
  },
  "bad-host": {
    status: 400,
    exit: 2,
    says: "A domain such as shop.example.com was expected, and {host} came{detail}.",
    todo: "Give the bare name, without scheme, port or path.",
  },
  "nothing-idle": {
    status: 404,
    exit: 4,
    says: "Something beside the live colour of {name} was expected, and nothing runs there.",
    todo: "Push with 'git push -o hold deploy main' to have a new version wait there.",
  },
  "bad-routing": {
    status: 400,
    exit: 2,
    says: "Something to tell the router was expected, and {detail}.",
    todo: "'teal help routing:set' names what there is, with an example.",
  },
  "page-too-large": {
    status: 413,
    exit: 2,
    says: "A page of at most {limit} bytes was expected for {page}, and {bytes} came.",
    todo: "Pages travel with every route: link to pictures and styles instead of inlining them.",
  },
  "domain-not-found": {
    status: 404,
    exit: 4,
    says: "App {name} has no domain {host}.",
    todo: "'teal domains -a {name}' shows its domains.",
  },
  "bad-certificate": {
    status: 400,
    exit: 2,
    says: "{detail}.",
    todo: "{todo}.",
  },
  "no-acme": {
    status: 409,
    exit: 5,
    says: "This platform orders no certificates.",
    todo: "Have an admin start it with TEAL_ACME=on, or bring one with 'teal certs:add CERT KEY'.",
  },
  "certificate-not-found": {
    status: 404,
    exit: 4,
    says: "App {name} has no certificate {id}.",
    todo: "'teal certs -a {name}' shows its certificates.",
  },
  "too-many-certificates": {
    status: 409,
    exit: 5,
    says: "App {name} has {limit} certificates, and no app has more.",
    todo: "Remove one with 'teal certs:remove'; one certificate may cover many domains.",
  },
  "secret-unreadable": {
    status: 500,
    exit: 1,
    says: "The value of {name} of app {app} cannot be read with this platform's key.",
    todo: "Put the key that it was set with back at TEAL_HOME/secret-key, or set the value again.",
  },
  "no-engine": {
    status: 503,
    exit: 1,
    says: "The Docker engine does not answer: {detail}.",
    todo: "'teal doctor' says what is wrong; apps that run go on running.",
  },
  "not-found": {
    status: 404,
    exit: 4,
    says: "There is nothing at {path}.",
    todo: "Look at what there is in the API's description at /api/v1/openapi.json.",
  },
  "method-not-allowed": {
    status: 405,
    exit: 2,
    says: "{path} understands {allowed}, and {method} came.",
    todo: "Compare it with the API's description at /api/v1/openapi.json.",
  },
  "too-large": {
    status: 413,
    exit: 2,
    says: "A request of at most {limit} bytes was expected, and a larger one came.",
    todo: "Send less; code comes by 'git push'.",
  },
  "foreign-origin": {
    status: 403,
    exit: 3,
    says: "A change was expected from this platform's own pages, and it came from {origin}.",
    todo: "Open the dashboard under the address that the platform printed, and try there.",
  },
  "key-not-found": {
    status: 404,
    exit: 4,
    says: "There is no SSH key with the fingerprint {fingerprint}.",
    todo: "'teal keys' shows the keys.",
  },
  "delivery-gone": {
    status: 404,
    exit: 4,
    says: "What came with delivery {id} of {app} is not kept (any more).",
    todo: "Send it again from where it came; 'teal hooks:deliveries -a {app}' shows the newest.",
  },
  "bad-signature": {
    status: 401,
    exit: 3,
    says: "A delivery signed with the secret of one of the app's webhook senders was expected, and this one is not.",
    todo: "Compare the secret and the address with 'teal hooks'; 'teal hooks:add' makes a new sender.",
  },
  "stale-delivery": {
    status: 401,
    exit: 3,
    says: "A delivery signed within {minutes} minutes of now was expected, and this one says {at}.",
    todo: "Send it anew, signed anew; if it was new, set the sender's clock.",
  },
  "sender-not-found": {
    status: 404,
    exit: 4,
    says: "App {app} has no webhook sender {id}.",
    todo: "'teal hooks -a {app}' shows them.",
  },
  "too-many-senders": {
    status: 409,
    exit: 5,
    says: "App {app} has {limit} webhook senders, and no app has more.",
    todo: "Remove one with 'teal hooks:remove'.",
  },
  "notifier-not-found": {
    status: 404,
    exit: 4,
    says: "App {app} has no notifier {id}.",
    todo: "'teal notifications -a {app}' shows them.",
  },
  "too-many-notifiers": {
    status: 409,
    exit: 5,
    says: "App {app} has {limit} notifiers, and no app has more.",
    todo: "Remove one with 'teal notifications:remove'.",
  },
  "fetch-failed": {
    status: 422,
    exit: 1,
    says: "{what} could not be fetched from {url}: {detail}.",
    todo: "Look at the sender's address and key with 'teal hooks'; then let it deliver again.",
  },
  "private-address": {
    status: 403,
    exit: 3,
    says: "{host} is at {address}, and only addresses of the public internet are connected to.",
    todo: "On a network that you trust, set TEAL_ALLOW_PRIVATE_FETCH=1 and restart the platform.",
  },
  "token-not-found": {
    status: 404,
    exit: 4,
    says: "There is no token {id}.",
    todo: "'teal tokens' shows the tokens.",
  },
  "context-not-found": {
    status: 404,
    exit: 4,
    says: "There is no context {name} here.",
    todo: "'teal contexts' shows where you are signed in; 'teal login URL' signs in.",
  },
  "user-not-found": {
    status: 404,
    exit: 4,
    says: "There is no user {name} there.",
    todo: "'teal users' shows the users, 'teal access -a APP' those of an app.",
  },
  "user-exists": {
    status: 409,
    exit: 5,
    says: "There is already a user {name}.",
    todo: "Choose another name; 'teal users:invite {name}' lets that one in anew.",
  },
  "bad-user-name": {
    status: 400,
    exit: 2,
    says: "A user's name is up to 39 lower-case letters, digits, dots, dashes and _, and not 'admin'; {name} is not.",
    todo: "Choose a name such as 'ann' or 'ann.lee'.",
  },
  "invitation-spent": {
    status: 410,
    exit: 3,
    says: "An invitation that is still good was expected, and this one is spent, has run out, or never was one.",
    todo: "Ask an admin for a new one: 'teal users:invite NAME'.",
  },
  "not-a-user": {
    status: 409,
    exit: 5,
    says: "A user's own token was expected, and this one is {what}.",
    todo: "Sign in as yourself with 'teal login', or let an admin do it.",
  },
  "key-reused": {
    status: 422,
    exit: 2,
    says: "The Idempotency-Key {key} was used for another request within a day.",
    todo: "Use a new key for each thing to be done, and the same only to send the same request again.",
  },
  "key-in-use": {
    status: 409,
    exit: 5,
    says: "A request with the Idempotency-Key {key} is under way, or broke off and may have been done.",
    todo: "Look at 'teal deploys -a APP'; send it again in a moment, or with a new key.",
  },
  "too-many-requests": {
    status: 429,
    exit: 1,
    says: "At most {limit} requests a minute were expected, and more came.",
    todo: "Wait {seconds} s; follow streams ('follow=1') in place of asking again and again.",
  },
  "too-many-tries": {
    status: 429,
    exit: 3,
    says: "Too many wrong tokens came from there; none is looked at for {seconds} s.",
    todo: "Wait so long, then try again with the right one.",
  },
  "sign-in-stale": {
    status: 400,
    exit: 3,
    says: "That sign-in was begun in another browser, more than ten minutes ago, or has been used.",
    todo: "Begin again at the sign-in page.",
  },
  "sign-in-refused": {
    status: 403,
    exit: 3,
    says: "The sign-in provider said no: {detail}.",
    todo: "Begin again at the sign-in page, or ask who runs the provider.",
  },
  "sign-in-unproven": {
    status: 403,
    exit: 3,
    says: "What the sign-in provider gave did not hold up, so nobody is signed in: {detail}.",
    todo: "Begin again; if it happens again, an admin has to look at the provider's settings.",
  },
  "sign-in-unknown": {
    status: 403,
    exit: 3,
    says: "The sign-in provider knows you as {who}, which opens nothing here: {detail}.",
    todo: "Ask an admin of this platform; 'teal users:set NAME --email ADDRESS' says who you are.",
  },
  "sign-in-unavailable": {
    status: 502,
    exit: 1,
    says: "The sign-in provider at {issuer} cannot be used now: {detail}.",
    todo: "Try again in a minute, or sign in with a token; an admin finds more in the platform's log.",
  },
  "identity-taken": {
    status: 409,
    exit: 5,
    says: "{name} signs in as that one at the provider already.",
    todo: "Take it from {name} first: 'teal users:set {name} --subject none'.",
  },
  "wrong-usage": {
    status: 400,
    exit: 2,
    says: "{detail}.",
    todo: "{todo}",
  },
  unreachable: {
    status: 503,
    exit: 1,
    says: "No platform answers at {url}: {detail}.",
    todo: "'teal status' says what runs, 'teal up' starts it; TEAL_URL names another platform.",
  },
  "shallow-push": {
    status: 422,
    exit: 1,
    says: "The whole history of {branch} was expected, and this push comes from a shallow clone; nothing was deployed.",
    todo: "Run 'git fetch --unshallow' (in CI: fetch depth 0), then push again.",
  },
  "empty-push": {
    status: 422,
    exit: 1,
    says: "A commit with files was expected, and {commit} has none; nothing was deployed.",
    todo: "Use 'git add' and 'git commit', then push again.",
  },
  "commit-missing": {
    status: 422,
    exit: 1,
    says: "A complete commit was expected for {branch}, and {commit} is not one.",
    todo: "Look at your repository with 'git fsck', then push a branch.",
  },
  "bad-ref": {
    status: 400,
    exit: 2,
    says: "A branch or tag whose parts begin with a letter, digit or _ and go on with those or . + # @ = - was expected, and {ref} came.",
    todo: "Push it under another name: 'git push deploy HEAD:NAME'.",
  },
  "deploy-branch-kept": {
    status: 409,
    exit: 5,
    says: "{branch} is the branch that is deployed and cannot be deleted.",
    todo: "'teal apps:destroy' removes the whole app.",
  },
  "one-deploy-branch": {
    status: 400,
    exit: 2,
    says: "One deploy branch per push was expected, and {count} came.",
    todo: "Push either main or master.",
  },
  "too-many-refs": {
    status: 400,
    exit: 2,
    says: "At most {limit} branches and tags per push were expected, and {count} came.",
    todo: "Push the branch to deploy alone: 'git push deploy main'.",
  },
  "too-many-pushes": {
    status: 503,
    exit: 1,
    says: "{limit} pushes are under way, and no more are taken at a time.",
    todo: "Try again when one of them has ended.",
  },
  "disk-full": {
    status: 507,
    exit: 1,
    says: "A push needs {needed} MiB of free disk on the platform, and {free} MiB are free.",
    todo: "Ask an admin to make room ('teal gc --dry-run' says what may go); apps that run go on running.",
  },
  "memory-low": {
    status: 503,
    exit: 1,
    says: "A build needs {needed} MiB of free memory on the platform, and {free} MiB are free.",
    todo: "Try again when less runs, or ask an admin; apps that run go on running.",
  },
  irreversible: {
    status: 409,
    exit: 5,
    says: "Release {mark} of {name} is marked as irreversible, and this would bring back the older code of {release}.",
    todo: "If older code can work with the data as it is now, say '--force'.",
  },
  "bad-storage": {
    status: 400,
    exit: 2,
    says: "Storage was not understood: {detail}.",
    todo: "Say it as 'data:/data' (a volume) or '/srv/pictures:/pictures' (a path of this machine).",
  },
  "handover-gap": {
    status: 400,
    exit: 2,
    says: "{type} of {name} cannot be handed over, for it does not run on.",
    todo: "Name a process type that does: web, or a worker.",
  },
  "overlap-unsaid": {
    status: 400,
    exit: 2,
    says: "While a deploy checks and swaps, the old and the new version of {name} both use {mount}, and nobody has said that they may.",
    todo: "If the app stands that, say '--overlap yes'. If it must not be, say '--overlap no': its old instances stop before new ones start, and its requests wait for these.",
  },
  "hold-exclusive": {
    status: 409,
    exit: 5,
    says: "{name} hands web over exclusively, so that no new version can wait beside the live one.",
    todo: "Push without hold ('teal hold:off'), or let web overlap ('teal ps:handover web=overlap', '--overlap yes' for its storage).",
  },
  "storage-not-allowed": {
    status: 403,
    exit: 3,
    says: "{path} lies in none of the folders that apps may be given ({roots}), or is not there.",
    todo: "Name a folder in TEAL_STORAGE_ROOTS and run 'teal up', or use a volume: 'data:/data'.",
  },
  "storage-not-found": {
    status: 404,
    exit: 4,
    says: "App {name} mounts no {source}.",
    todo: "'teal storage -a {name}' shows what it mounts.",
  },
  "no-worker": {
    status: 503,
    exit: 1,
    says: "No worker of the platform answers on this machine.",
    todo: "'teal status' shows what runs; try again in a moment.",
  },
  "too-many-runs": {
    status: 409,
    exit: 5,
    says: "{limit} one-off commands run already, of {name} or in all, and no more may.",
    todo: "Wait until one of them has ended; 'teal logs --source teal -a {name}' shows them.",
  },
  "run-not-found": {
    status: 404,
    exit: 4,
    says: "There is no one-off command of that name that waits for somebody.",
    todo: "Ask for it anew: it waits for 15 s.",
  },
  "run-broke-off": {
    status: 502,
    exit: 1,
    says: "The command was cut off: {detail}.",
    todo: "Its container is removed; 'teal status' shows what runs.",
  },
  "instance-not-found": {
    status: 404,
    exit: 4,
    says: "App {name} has no live instance {instance}.",
    todo: "'teal ps -a {name}' shows its instances.",
  },
  "upgrade-expected": {
    status: 426,
    exit: 2,
    says: "A WebSocket was expected at {path}, and a plain request came.",
    todo: "Use 'teal run', or a WebSocket client.",
  },
  internal: {
    status: 500,
    exit: 1,
    says: "The platform itself failed: {detail}.",
    todo: "'teal logs --platform' has more; please report it.",
  },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof ERRORS;

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function fill(template: string, params: Record<string, unknown>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, key: string) => show(params[key] ?? `{${key}}`));
}

/** An error of the table. `message` is its two sentences, filled in. */
export class TealError extends Error {
  readonly code: ErrorCode;
  readonly params: Record<string, unknown>;
  readonly says: string;
  readonly todo: string;

  constructor(code: ErrorCode, params: Record<string, unknown> = {}, options?: ErrorOptions) {
    const says = fill(ERRORS[code].says, params);
    const todo = fill(ERRORS[code].todo, params);
    super(`${says} ${todo}`, options);
    this.name = "TealError";
    this.code = code;
    this.params = params;
    this.says = says;
    this.todo = todo;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get exit(): number {
    return ERRORS[this.code].exit;
  }
}

/** True for an error of the table with one of the codes (any code when none is given). */
export function isTealError(error: unknown, ...codes: ErrorCode[]): error is TealError {
  return error instanceof TealError && (codes.length === 0 || codes.includes(error.code));
}
