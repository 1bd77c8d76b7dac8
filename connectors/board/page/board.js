// Listens to the stream, keeps the port, and shows it once a second: ages grow also when nothing comes.
import { show } from "./dom.js";
import { head, side, sites } from "./views.js";
import { firstLanguage, remember, speaker } from "./words.js";

const LATE_S = 5;
const LANGUAGES = [["vi", "Tiếng Việt"], ["en", "English"]];
const at = (id) => document.getElementById(id);

const narrow = matchMedia("(max-width: 900px)");
const state = { port: null, language: firstLanguage(), trouble: false, readAt: null, told: null };

function listen() {
  const stream = new EventSource("api/v1/stream");
  stream.addEventListener("change", (event) => {
    const change = JSON.parse(event.data);
    state.port = change.whole || !state.port ? change : merged(state.port, change);
    // Ages are told by this machine's uptime, not by its clock: that of a wall screen may be wrong.
    if (state.told !== change.at) [state.told, state.readAt] = [change.at, performance.now()];
    state.trouble = false;
    draw();
  });
  stream.addEventListener("trouble", () => {
    state.trouble = true;
    draw();
  });
}

function merged(before, change) {
  const newer = new Map(change.sites.map((site) => [site.site, site]));
  return { ...change, sites: before.sites.map((site) => newer.get(site.site) ?? site) };
}

function draw() {
  const silence = state.readAt === null ? Infinity : (performance.now() - state.readAt) / 1000;
  const now = state.port ? Date.parse(state.port.at) + silence * 1000 : Date.now();
  const t = speaker(state.language, now);
  const isLate = silence > LATE_S;
  const chosen = state.port?.sites.find((site) => site.site === decodeURIComponent(location.hash.slice(1)))?.site;
  document.documentElement.lang = state.language;
  document.body.classList.toggle("late", isLate || state.trouble);
  document.title = `${t.say("title")} · quaystream`;
  at("skip").textContent = t.say("skip");
  tell(t, silence, isLate);
  show(at("head"), head(state.port, t, clock(t, now), link(t, silence, isLate), LANGUAGES, choose));
  if (state.port) {
    show(at("sites"), sites(state.port, t, chosen));
    show(at("side"), side(state.port, t, chosen, narrow.matches ? 3 : room()));
  }
}

// As many alarms as stand above the legend.
function room() {
  return Math.max(3, Math.floor((innerHeight - 400) / 98));
}

// Not every second: a screen reader says it when it begins and when its words change.
function tell(t, silence, isLate) {
  const box = at("trouble");
  const text = state.trouble || isLate ? (state.port ? t.say(state.trouble ? "away" : "lost", { age: t.span(silence) }) : t.say("nothing")) : "";
  box.hidden = !text || (!state.port && !state.trouble && silence === Infinity && performance.now() < LATE_S * 1000);
  if (box.textContent !== text) box.textContent = text;
}

function link(t, silence, isLate) {
  if (!state.port) return { state: "wait", text: t.say(state.trouble ? "nothing" : "connecting") };
  if (isLate || state.trouble) return { state: "lost", text: t.say("old", { age: t.span(silence) }) };
  return { state: "live", text: t.say("live") };
}

function clock(t, now) {
  const offset = state.port?.sites[0]?.utc_offset_s ?? 0;
  const local = new Date(now + offset * 1000);
  const sign = offset < 0 ? "−" : "+";
  return `${local.toLocaleTimeString(t.language === "vi" ? "vi" : "en-GB", { timeZone: "UTC" })} UTC${sign}${Math.abs(offset / 3600)}`;
}

function choose(language) {
  state.language = language;
  remember(language);
  draw();
}

addEventListener("hashchange", () => {
  draw();
  const link = document.querySelector("#sites a");
  if (link) link.focus({ preventScroll: false });
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && location.hash) location.hash = "";
});
setInterval(draw, 1000);
draw();
listen();
