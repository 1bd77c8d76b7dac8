// Everything the page says, in both languages. A test holds that neither has a word the other lacks.
export const WORDS = {
  en: {
    title: "Port operations",
    skip: "Skip to the sites",
    language: "Language",
    sites: "Sites",
    back: "All sites",
    open: "Open {name}",
    live: "Live",
    connecting: "Connecting…",
    lost: "Connection lost. What you see is {age} old.",
    away: "The database does not answer. What you see is {age} old.",
    nothing: "Nothing could be read yet.",
    old: "{age} ago",
    never: "nothing heard for a day",
    cranesWorking: "Cranes working",
    boxesPerHour: "Boxes/h, port",
    trucksWaiting: "Trucks waiting",
    devicesIn: "5G within SLA",
    alarms: "Alarms",
    completeness: "Completeness",
    records: "Records/s",
    unknown: "unknown",
    quay: "Quay",
    yard: "Yard",
    gates: "Gates",
    devices: "5G devices",
    noShip: "No ship alongside",
    shipWorking: "working cargo",
    shipWaiting: "alongside",
    perHour: "boxes/h",
    atWork: "working",
    queueing: "waiting",
    inSla: "in SLA",
    raised: "alarms",
    whole: "whole",
    working: "Working",
    idle: "Idle",
    standby: "Standby",
    on: "On",
    off: "Off",
    fault: "Fault",
    silent: "No signal",
    waiting: "waiting",
    longest: "longest {age}",
    touch: "touches/visit",
    manual: "by hand/visit",
    visits: "visits/h",
    turn: "turn time",
    in: "within SLA",
    out: "out of SLA",
    notKnown: "unknown",
    strip: "the last 30 minutes",
    stripSaid: "{good} minutes within, {bad} out, {unknown} unknown",
    noAlarms: "No active alarms",
    more: "and {count} more",
    legend: "Legend",
    critical: "Critical",
    error: "Error",
    major: "Major",
    minor: "Minor",
    warning: "Warning",
    info: "Info",
    since: "for {age}",
    heartbeat_loss: "No heartbeat",
    s: "{n} s",
    min: "{n} min",
    hour: "{n} h",
    day: "{n} d",
  },
  vi: {
    title: "Điều hành cảng",
    skip: "Đến danh sách khu vực",
    language: "Ngôn ngữ",
    sites: "Các khu vực",
    back: "Tất cả khu vực",
    open: "Mở {name}",
    live: "Trực tiếp",
    connecting: "Đang kết nối…",
    lost: "Mất kết nối. Dữ liệu đang hiển thị đã cũ {age}.",
    away: "Cơ sở dữ liệu không phản hồi. Dữ liệu đang hiển thị đã cũ {age}.",
    nothing: "Chưa đọc được dữ liệu nào.",
    old: "{age} trước",
    never: "không có tín hiệu cả ngày qua",
    cranesWorking: "Cẩu đang làm",
    boxesPerHour: "Cont/giờ toàn cảng",
    trucksWaiting: "Xe đang chờ",
    devicesIn: "5G đạt SLA",
    alarms: "Cảnh báo",
    completeness: "Độ đầy đủ",
    records: "Bản ghi/giây",
    unknown: "chưa rõ",
    quay: "Cầu bến",
    yard: "Bãi container",
    gates: "Cổng",
    devices: "Thiết bị 5G",
    noShip: "Không có tàu cập bến",
    shipWorking: "đang làm hàng",
    shipWaiting: "đang cập bến",
    perHour: "cont/giờ",
    atWork: "đang làm",
    queueing: "xe chờ",
    inSla: "đạt SLA",
    raised: "cảnh báo",
    whole: "đầy đủ",
    working: "Đang làm",
    idle: "Chờ việc",
    standby: "Sẵn sàng",
    on: "Đã bật",
    off: "Đã tắt",
    fault: "Sự cố",
    silent: "Mất tín hiệu",
    waiting: "xe chờ",
    longest: "lâu nhất {age}",
    touch: "điểm chạm/lượt",
    manual: "thủ công/lượt",
    visits: "lượt/giờ",
    turn: "vòng xe",
    in: "đạt SLA",
    out: "không đạt SLA",
    notKnown: "chưa rõ",
    strip: "30 phút vừa qua",
    stripSaid: "{good} phút đạt, {bad} phút không đạt, {unknown} phút chưa rõ",
    noAlarms: "Không có cảnh báo",
    more: "và {count} cảnh báo khác",
    legend: "Chú giải",
    critical: "Khẩn cấp",
    error: "Lỗi",
    major: "Nghiêm trọng",
    minor: "Nhẹ",
    warning: "Chú ý",
    info: "Thông tin",
    since: "đã {age}",
    heartbeat_loss: "Mất nhịp tín hiệu",
    s: "{n} giây",
    min: "{n} phút",
    hour: "{n} giờ",
    day: "{n} ngày",
  },
};

const KEY = "quaystream-language";

export function firstLanguage() {
  const asked = new URLSearchParams(location.search).get("lang") ?? remembered() ?? navigator.language.slice(0, 2);
  return asked in WORDS ? asked : "en";
}

export function remember(language) {
  try { localStorage.setItem(KEY, language); } catch { /* a kiosk may forbid it: the choice lasts until the page ends */ }
}

function remembered() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}

// A speaker of one language: texts, numbers and ages. `now` is the database's time as far as we can tell, in ms.
export function speaker(language, now) {
  const words = WORDS[language];
  const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const number = (value, digits = 0) =>
    value === null ? "–" : value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const span = (seconds) => {
    const s = Math.max(0, seconds);
    if (s < 90) return say("s", { n: number(Math.round(s)) });
    if (s < 90 * 60) return say("min", { n: number(Math.round(s / 60)) });
    if (s < 36 * 3600) return say("hour", { n: number(Math.round(s / 3600)) });
    return say("day", { n: number(Math.round(s / 86400)) });
  };
  const age = (time) => (time === null ? null : (now - Date.parse(time)) / 1000);
  return { language, say, number, span, age, since: (time) => span(age(time)), has: (key) => key in words };
}
