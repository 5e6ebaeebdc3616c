// Read-only list of the newest campaigns with live progress. Everything shown is set as text, never as markup.
const list = document.getElementById("campaigns");
const live = document.getElementById("live");
const problem = document.getElementById("problem");
const legend = document.getElementById("legend");
const number = new Intl.NumberFormat();
const shown = new Map(); // campaign id → its card
const finals = new Map(); // campaign id → progress that will not change much any more, and when it was read

const element = (tag, className, text) => {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
};

async function ask(path) {
  const answer = await fetch(path);
  if (answer.status === 401) {
    localStorage.removeItem("signed-in");
    location.replace("/");
    throw new Error("signed out");
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(told.detail || told.title || `The server answered ${answer.status}.`), { status: answer.status });
  }
  return answer.json();
}

function card(id) {
  const root = element("li", "campaign");
  const head = element("header");
  const parts = { root, name: element("h2"), state: element("span"), time: element("time"), bar: element("div", "bar"), figures: element("dl", "figures"), words: element("p", "words"), segments: {}, numbers: {} };
  head.append(parts.name, parts.state, parts.time);
  parts.bar.setAttribute("role", "img");
  for (const kind of ["delivered", "accepted", "failed", "held", "stopped"]) parts.bar.append((parts.segments[kind] = element("span", kind)));
  for (const name of ["Recipients", "Accepted", "Delivered", "Failed", "Waiting", "Held", "Replied", "Opted out"]) {
    const box = element("div");
    box.append(element("dt", "", name), (parts.numbers[name] = element("dd", "", "–")));
    parts.figures.append(box);
  }
  root.append(head, parts.bar, parts.figures, parts.words);
  shown.set(id, parts);
  return parts;
}

const when = (iso) => (iso ? new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "");

function draw(campaign, p) {
  const c = shown.get(campaign.id) ?? card(campaign.id);
  c.name.textContent = campaign.name || "(no name)";
  const state = p?.state ?? campaign.state;
  c.state.textContent = state;
  c.state.className = `state ${state}`;
  const at = campaign.launched_at || campaign.launch_at || campaign.created_at;
  c.time.dateTime = at ?? "";
  c.time.textContent = `${(campaign.channel || "").toUpperCase()} · ${campaign.launched_at ? "launched" : campaign.launch_at ? "launches" : "created"} ${when(at)}`;
  c.numbers.Recipients.textContent = number.format(p?.recipients ?? campaign.recipients ?? 0);
  c.bar.hidden = !p;
  if (!p) {
    c.words.textContent = state === "draft" ? "Not launched yet." : "";
    return c.root;
  }
  const n = p.counts ?? {};
  const total = Math.max(1, p.recipients);
  const pieces = {
    delivered: p.delivered,
    accepted: Math.max(0, p.accepted - p.delivered - (n.undelivered ?? 0)),
    failed: (n.failed ?? 0) + (n.undelivered ?? 0),
    held: p.held,
    stopped: p.suppressed + (n.canceled ?? 0) + (n.expired ?? 0),
  };
  for (const [kind, count] of Object.entries(pieces)) c.segments[kind].style.width = `${(100 * count) / total}%`;
  const figures = { Accepted: p.accepted, Delivered: p.delivered, Failed: p.failed, Waiting: p.waiting, Held: p.held, Replied: p.replied, "Opted out": p.opted_out };
  for (const [name, count] of Object.entries(figures)) c.numbers[name].textContent = number.format(count ?? 0);
  c.bar.setAttribute("aria-label", `${figures.Accepted} of ${p.recipients} accepted, ${p.delivered} delivered, ${p.failed} failed, ${p.waiting} waiting, ${p.held} held`);
  const words = [];
  if (p.reason) words.push(p.reason);
  if (p.stalled_reason) words.push(p.stalled_reason);
  else if (p.waiting_for_window) words.push(`${number.format(p.waiting_for_window)} wait for their time${p.next_due_at ? `, next ${when(p.next_due_at)}` : ""}`);
  if (state === "running" && p.actual_rate) words.push(`${p.actual_rate.toFixed(1)} per second`);
  if (state === "running" && p.finish_at) words.push(`done about ${when(p.finish_at)}`);
  c.words.textContent = words.join(" · ");
  c.words.hidden = words.length === 0;
  return c.root;
}

// A finished campaign still gets late receipts: it is read anew now and then, not every time.
async function progressOf(campaign) {
  if (campaign.state === "draft") return null;
  const known = finals.get(campaign.id);
  if (known && Date.now() - known.at < 15000) return known.progress;
  const p = await ask(`/v1/campaigns/${encodeURIComponent(campaign.id)}/progress`);
  if (p.state === "completed" || p.state === "canceled") finals.set(campaign.id, { progress: p, at: Date.now() });
  else finals.delete(campaign.id);
  return p;
}

async function refresh() {
  const { items } = await ask("/v1/campaigns?limit=20");
  const cards = await Promise.all(items.map(async (campaign) => draw(campaign, await progressOf(campaign))));
  if (cards.length === 0) list.replaceChildren(element("li", "empty", "No campaigns yet. Launch one with: overture campaign launch spring.yaml --recipients people.csv --watch"));
  else if (cards.length !== list.children.length || cards.some((c, i) => list.children[i] !== c)) list.replaceChildren(...cards);
  legend.hidden = cards.length === 0;
  problem.textContent = "";
  live.textContent = "Live";
}

async function loop() {
  try {
    if (!document.hidden) await refresh();
  } catch (error) {
    live.textContent = "Not live";
    problem.textContent = error.status ? error.message : "The server does not answer. Trying again …";
  }
  setTimeout(loop, 2000);
}

document.getElementById("signout").addEventListener("click", async () => {
  await fetch("/v1/session", { method: "DELETE" }).catch(() => {});
  localStorage.removeItem("signed-in");
  location.replace("/");
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && live.textContent === "Live") refresh().catch(() => {});
});

async function begin() {
  try {
    const me = await ask("/v1/session");
    document.getElementById("who").textContent = [me.user?.name || me.user?.email, me.account?.name, (me.role || "").replace("_", " ")].filter(Boolean).join(" · ");
    problem.textContent = "";
    if (me.permissions.includes("campaigns:read")) loop();
    else problem.textContent = "Campaigns are for administrators and campaign managers. Your role works with conversations; ask an administrator if you need this page.";
  } catch {
    problem.textContent = "The server does not answer. Trying again …";
    setTimeout(begin, 2000);
  }
}
begin();
