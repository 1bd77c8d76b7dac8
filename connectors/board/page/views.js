// What a port looks like, as values of dom.js. Pure: the same port, time and language give the same page.
import { h } from "./dom.js";

const STALE_S = 30; // an asset that usually speaks every second
const FRESH_S = 5;
const SYMBOLS = { working: "▶", idle: "❚❚", standby: "◐", on: "●", off: "○", fault: "✕", unknown: "?" };
const IN_OUT = { in: "✓", out: "✕", unknown: "?" };
const RANKS = ["critical", "error", "major", "minor", "warning", "info"];
const MOST_TRUCKS = 8;

export const short = (asset, site) => asset.slice(site.length + 1).replace(/_UE$/, "");

export function head(port, t, clock, link, languages, choose) {
  const sites = port?.sites ?? [];
  const cranes = sites.flatMap((s) => s.cranes);
  const devices = sites.flatMap((s) => s.devices);
  const known = devices.filter((d) => d.state !== "unknown");
  const gates = sites.flatMap((s) => s.gates);
  const alarms = sites.reduce((sum, s) => sum + s.alarms_total, 0);
  const rates = cranes.filter((c) => c.type !== "RTG" && c.box_per_h !== null && c.status !== "unknown");
  const whole = completeness(sites);
  const broken = cranes.filter((c) => c.status === "fault").length;
  const tile = (key, value, unit, state) =>
    h("div", { class: `figure ${state ?? ""}` }, h("dt", {}, t.say(key)), h("dd", {}, value, unit && h("small", {}, unit)));
  return [
    h("div", { class: "brand" }, h("h1", {}, t.say("title")), h("p", { class: "clock" }, clock)),
    h("dl", { class: "figures" },
      tile("cranesWorking", String(cranes.filter((c) => c.status === "working").length), `/${cranes.length}`, broken ? "bad" : ""),
      tile("boxesPerHour", rates.length ? t.number(rates.reduce((sum, c) => sum + c.box_per_h, 0)) : "–"),
      tile("trucksWaiting", t.number(gates.reduce((sum, g) => sum + g.waiting, 0))),
      tile("devicesIn", String(known.filter((d) => d.state === "in").length), `/${devices.length}`),
      tile("alarms", t.number(alarms), null, alarms ? "warn" : ""),
      tile("completeness", whole === null ? t.say("unknown") : `${t.number(Math.floor(whole * 1000) / 10, 1)} %`, null, whole === null ? "dim" : ""),
      tile("records", port?.pipeline.records_per_s == null ? "–" : t.number(port.pipeline.records_per_s)),
    ),
    h("div", { class: "tools" },
      h("p", { class: `link ${link.state}`, id: "link" }, h("span", { class: "lamp", "aria-hidden": "true" }), link.text),
      h("div", { class: "languages", role: "group", "aria-label": t.say("language") },
        languages.map(([code, name]) =>
          h("button", { type: "button", lang: code, "aria-pressed": String(code === t.language), onclick: () => choose(code) }, name)))),
  ];
}

function completeness(sites) {
  const known = sites.map((s) => s.completeness).filter((c) => c.expected);
  const expected = known.reduce((sum, c) => sum + c.expected, 0);
  return expected ? Math.min(1, known.reduce((sum, c) => sum + c.received, 0) / expected) : null;
}

export function sites(port, t, chosen) {
  const some = chosen ? port.sites.filter((s) => s.site === chosen) : port.sites;
  const compact = !chosen && port.sites.length > 4;
  return [
    h("h2", { class: "unseen" }, t.say("sites")),
    chosen && h("a", { class: "back", href: "#" }, `← ${t.say("back")}`),
    h("div", { class: `grid ${compact ? "compact" : ""} ${chosen ? "one" : ""}` }, some.map((s) => site(s, t, compact))),
  ];
}

function site(s, t, compact) {
  const age = t.age(s.heard_at);
  const stale = age === null || age > STALE_S;
  const weight = s.cranes.length > 6 ? "wide" : "";
  return h("article", { key: s.site, class: `site ${weight} ${stale ? "stale" : ""}`, "aria-labelledby": `name-${s.site}` },
    h("header", {},
      h("h3", { id: `name-${s.site}`, title: s.site }, h("a", { href: `#${s.site}`, "aria-label": t.say("open", { name: s.name }) }, s.name)),
      h("p", { class: "age" }, age !== null && age <= FRESH_S ? [h("span", { class: "lamp", "aria-hidden": "true" }), h("span", { class: "unseen" }, t.say("live"))]
        : age === null ? t.say(compact ? "unknown" : "never") : compact ? t.span(age) : t.say("old", { age: t.span(age) }))),
    compact ? summary(s, t) : [
      s.cranes.some(isQuay) && water(s, t),
      cranes(s, t, "quay", s.cranes.filter(isQuay)),
      cranes(s, t, "yard", s.cranes.filter((c) => !isQuay(c))),
      s.devices.length > 0 && devices(s, t),
      s.gates.length > 0 && gates(s, t),
    ]);
}

const isQuay = (crane) => crane.type !== "RTG" && crane.type !== "RMG" && crane.type !== "ASC";

// A tile among many: a square for each crane, or for each device where there is none, and six figures.
function summary(s, t) {
  const quay = s.cranes.filter((c) => isQuay(c) && c.box_per_h !== null && c.status !== "unknown");
  const inside = s.devices.filter((d) => d.state === "in").length;
  const out = s.devices.some((d) => d.state === "out");
  const whole = completeness([s]);
  const figure = (value, key, state) => h("div", { class: state ?? "" }, h("dt", {}, t.say(key)), h("dd", {}, value));
  return [
    h("ul", { class: `dots ${s.cranes.length ? "" : "small"}` }, s.cranes.length ? s.cranes.map((c) => dot(c, s, c.status, SYMBOLS[c.status], statusWord(c, t)))
      : s.devices.map((d) => dot(d, s, d.state, IN_OUT[d.state], t.say(d.state === "unknown" ? "notKnown" : d.state)))),
    h("dl", { class: "six" },
      figure(s.cranes.length ? `${s.cranes.filter((c) => c.status === "working").length}/${s.cranes.length}` : "–", "atWork",
        s.cranes.some((c) => c.status === "fault") ? "bad" : ""),
      figure(quay.length ? t.number(quay.reduce((sum, c) => sum + c.box_per_h, 0)) : "–", "perHour"),
      figure(t.number(s.gates.reduce((sum, g) => sum + g.waiting, 0)), "queueing"),
      figure(`${inside}/${s.devices.length}`, "inSla", out ? "bad" : ""),
      figure(t.number(s.alarms_total), "raised", s.alarms_total ? "warn" : ""),
      figure(whole === null ? "–" : `${t.number(Math.floor(whole * 100))}%`, "whole")),
  ];
}

function dot(asset, s, state, symbol, word) {
  return h("li", { key: asset.asset, class: state, title: asset.name }, h("span", { "aria-hidden": "true" }, symbol),
    h("span", { class: "unseen" }, `${short(asset.asset, s.site)} ${word}`));
}

function water(s, t) {
  return h("div", { class: "water" },
    s.calls.length === 0 ? h("p", { class: "none" }, t.say("noShip")) :
      s.calls.map((c) => h("div", { key: c.call_id, class: `ship ${c.is_working ? "working" : ""}` },
        h("svg", { "aria-hidden": "true" }, h("use", { href: "#ship" })),
        h("p", {}, h("b", {}, c.berth ?? c.call_id), h("span", {}, t.say(c.is_working ? "shipWorking" : "shipWaiting"), " · ", t.since(c.berthed_at))))));
}

function cranes(s, t, where, some) {
  return some.length > 0 && h("section", { class: where, "aria-label": t.say(where) },
    h("h4", {}, t.say(where), h("small", {}, t.say("perHour"))),
    h("ul", { class: "cranes" }, some.map((c) => crane(c, s, t))));
}

function statusWord(c, t) {
  return t.say(c.status === "unknown" ? "silent" : c.status);
}

function crane(c, s, t) {
  const age = t.age(c.heard_at);
  const quiet = c.status === "unknown" || (age !== null && age > STALE_S && c.status !== "off");
  return h("li", { key: c.asset, class: `crane ${c.status} ${quiet ? "stale" : ""}`, "data-asset": c.asset },
    h("h5", { title: c.name }, short(c.asset, s.site)),
    h("svg", { class: "picture", "aria-hidden": "true" }, h("use", { href: isQuay(c) ? "#sts" : "#rtg" })),
    h("p", { class: "rate" }, c.box_per_h === null || c.status === "unknown" ? "–" : t.number(c.box_per_h), h("small", { class: "unseen" }, t.say("perHour"))),
    h("p", { class: "status" }, h("span", { "aria-hidden": "true" }, SYMBOLS[c.status]), " ", statusWord(c, t)),
    h("p", { class: "more" }, craneMore(c, t, age, quiet)));
}

function craneMore(c, t, age, quiet) {
  if (quiet) return age === null ? t.say("never") : t.say("old", { age: t.span(age) });
  if (c.fault) return `${c.fault.code} · ${t.since(c.fault.since)}`;
  return c.status_since === null ? "" : t.since(c.status_since);
}

function devices(s, t) {
  return h("section", { class: `devices ${s.cranes.length ? "" : "large"}`, "aria-label": t.say("devices") },
    h("h4", {}, t.say("devices"), h("small", {}, `${t.say("strip")} · RTT`)),
    h("ul", {}, s.devices.map((d) => device(d, s, t))));
}

function device(d, s, t) {
  const age = t.age(d.heard_at);
  const quiet = age === null || age > STALE_S;
  const minutes = (letter) => d.strip.split(letter).length - 1;
  const said = t.say("stripSaid", { good: minutes("i"), bad: minutes("o"), unknown: minutes("u") });
  return h("li", { key: d.asset, class: `device ${d.state} ${quiet ? "stale" : ""}`, "data-asset": d.asset },
    h("span", { class: "mark", "aria-hidden": "true" }, IN_OUT[d.state]),
    h("span", { class: "unseen" }, t.say(d.state === "unknown" ? "notKnown" : d.state)),
    h("b", { title: d.name }, short(d.asset, s.site)),
    h("svg", { class: "strip", viewBox: "0 0 120 12", preserveAspectRatio: "none", role: "img", "aria-label": said },
      ["u", "i", "o"].map((letter) => h("path", { class: letter, d: bars(d.strip, letter) }))),
    quiet ? h("span", { class: "value" }, age === null ? t.say("unknown") : t.say("old", { age: t.span(age) })) :
      h("span", { class: "value" }, d.rtt_ms_max === null ? "–" : `${t.number(d.rtt_ms_max)} ms`));
}

// Minutes out stand tall, minutes within lie low, unknown ones are a line: told apart without colour.
function bars(strip, letter) {
  const [y, height] = { o: [0, 12], i: [6, 6], u: [11, 1] }[letter];
  return [...strip].map((each, n) => (each === letter ? `M${n * 4} ${y}h3v${height}h-3z` : "")).join("");
}

function gates(s, t) {
  return h("section", { class: "gates", "aria-label": t.say("gates") },
    h("h4", {}, t.say("gates")),
    h("ul", {}, s.gates.map((g) => gate(g, s, t))));
}

function gate(g, s, t) {
  const trucks = Math.min(g.waiting, MOST_TRUCKS);
  const fact = (value, key) => h("p", {}, h("b", {}, value), " ", t.say(key));
  return h("li", { key: g.asset, class: "gate", "data-asset": g.asset },
    h("div", { class: "queue" },
      h("h5", { title: g.name }, short(g.asset, s.site)),
      h("p", { class: "rate" }, t.number(g.waiting), h("small", {}, t.say("waiting"))),
      h("p", { class: "trucks", "aria-hidden": "true" },
        Array.from({ length: trucks }, () => h("svg", {}, h("use", { href: "#truck" }))),
        g.waiting > MOST_TRUCKS && `+${g.waiting - MOST_TRUCKS}`),
      g.longest_wait_s !== null && h("p", { class: "longest" }, t.say("longest", { age: t.span(g.longest_wait_s) }))),
    h("div", { class: "facts" },
      fact(t.number(g.visits), "visits"),
      fact(t.number(g.touch_points, 1), "touch"),
      fact(t.number(g.manual_touch_points, 1), "manual"),
      fact(g.turn_time_s === null ? "–" : t.span(g.turn_time_s), "turn")));
}

// As it was sent, with places to break; the words of ours alone are translated.
function what(alarm, t) {
  if (t.has(alarm.what)) return t.say(alarm.what);
  return (alarm.detail ?? alarm.what).replaceAll("_", " ").replace(/\.(?=\w)/g, ".\u200b");
}

export function side(port, t, chosen, most) {
  const some = port.sites.filter((s) => !chosen || s.site === chosen);
  const all = some.flatMap((s) => s.alarms.map((a) => ({ ...a, place: s })));
  all.sort((a, b) => RANKS.indexOf(a.severity) - RANKS.indexOf(b.severity) || Date.parse(b.since) - Date.parse(a.since));
  const total = some.reduce((sum, s) => sum + s.alarms_total, 0);
  const shown = all.slice(0, most);
  return [
    h("section", { class: "alarms", "aria-labelledby": "alarms-title" },
      h("h2", { id: "alarms-title" }, t.say("alarms"), " ", h("b", {}, t.number(total))),
      total === 0 ? h("p", { class: "none" }, t.say("noAlarms")) :
        h("ul", {}, shown.map((a) => h("li", { key: `${a.asset} ${a.what} ${a.since}`, class: a.severity },
          h("p", { class: "severity" }, t.say(a.severity), h("span", {}, t.since(a.since))),
          h("p", { class: "what" }, h("b", {}, short(a.asset, a.place.site)), " ", what(a, t)),
          !chosen && h("p", { class: "place" }, a.place.name)))),
      total > shown.length && h("p", { class: "rest" }, t.say("more", { count: t.number(total - shown.length) }))),
    h("section", { class: "legend", "aria-labelledby": "legend-title" },
      h("h2", { id: "legend-title" }, t.say("legend")),
      h("ul", {}, Object.keys(SYMBOLS).map((status) =>
        h("li", { class: status }, h("span", { "aria-hidden": "true" }, SYMBOLS[status]), " ", t.say(status === "unknown" ? "silent" : status))),
        [["in", "i"], ["out", "o"], ["notKnown", "u"]].map(([key, letter]) =>
          h("li", { class: "minute" }, h("svg", { viewBox: "0 0 20 12", "aria-hidden": "true", class: "strip" }, h("path", { class: letter, d: bars(letter.repeat(5), letter) })), " ", t.say(key))))),
  ];
}
