/** What the page does in the browser: asks for what is new every 5 s, loads differences when they are opened, draws the pictures. */
export const SCRIPT = `
'use strict';
(() => {
  const main = document.querySelector('main');
  const loaded = new Map();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const kinds = { connected: 'ok', stopped: 'line' };
  const offline = ['connecting', 'host-not-found', 'unreachable', 'silent', 'nobody-listens', 'closed'];
  for (const word of offline) kinds[word] = 'warn';

  const open = (canvas, height) => {
    const width = canvas.parentElement.clientWidth - 2 * parseFloat(getComputedStyle(canvas.parentElement).paddingLeft);
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = height + 'px';
    const pen = canvas.getContext('2d');
    pen.scale(ratio, ratio);
    pen.font = '12px system-ui, sans-serif';
    return { pen, width, height };
  };

  const drawLink = (canvas, { from, to, spans, trips }) => {
    const { pen, width, height } = open(canvas, 104);
    const x = (ms) => ((ms - from) / (to - from)) * width;
    pen.fillStyle = colour('line');
    pen.fillRect(0, 0, width, 26);
    for (const [start, end, state] of spans) {
      pen.fillStyle = colour(kinds[state] || 'bad');
      pen.fillRect(x(start), 0, Math.max(1, x(end) - x(start)), 26);
    }
    pen.fillStyle = colour('soft');
    const step = 6 * 3600000;
    for (let at = Math.ceil(from / step) * step; at < to; at += step) {
      pen.fillRect(Math.round(x(at)), 26, 1, 5);
      const label = new Date(at).toISOString().slice(11, 16);
      const wide = pen.measureText(label).width;
      pen.fillText(label, Math.min(Math.max(x(at) - wide / 2, 0), width - wide), 43);
    }
    const base = height - 6;
    const most = Math.max(10, ...trips.map(([, ms]) => ms));
    if (trips.length < 2) {
      pen.fillText(trips.length === 1 ? 'round trip ' + Math.round(trips[0][1]) + ' ms' : 'no round trip seen yet', 0, base - 12);
      return;
    }
    const first = trips[0][0];
    const last = trips[trips.length - 1][0];
    pen.strokeStyle = colour('accent');
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (const [at, ms] of trips) pen.lineTo(90 + ((at - first) / (last - first)) * (width - 92), base - (ms / most) * 34);
    pen.stroke();
    pen.fillText('round trip', 0, base - 20);
    pen.fillText(Math.round(trips[trips.length - 1][1]) + ' ms (top ' + Math.round(most) + ')', 0, base - 4);
  };

  const drawTrack = (canvas, { lines, error, corrections }) => {
    const bars = corrections.length > 0 ? 64 : 0;
    const { pen, width, height: whole } = open(canvas, Math.max(220, Math.min(360, window.innerWidth * 0.6)) + bars);
    const height = whole - bars;
    const points = lines.flat();
    const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
    const [lon0, lat0] = [middle(points.map((p) => p[0])), middle(points.map((p) => p[1]))];
    const metres = lines.map((line) => line.map(([lon, lat]) => [(lon - lon0) * 111320 * Math.cos((lat0 * Math.PI) / 180), (lat - lat0) * 110574]));
    const reach = Math.max(error * 4, 5, ...metres.flat().map(([e]) => (Math.abs(e) * 2 * height) / width), ...metres.flat().map(([, n]) => Math.abs(n) * 2));
    const scale = (height - 44) / reach;
    const at = ([e, n]) => [width / 2 + e * scale, (height - 18) / 2 - n * scale];
    const stroke = () => {
      for (const line of metres) {
        pen.beginPath();
        for (const point of line) pen.lineTo(...at(point));
        pen.stroke();
      }
    };
    pen.lineJoin = pen.lineCap = 'round';
    pen.strokeStyle = colour('accent');
    pen.globalAlpha = 0.22;
    pen.lineWidth = Math.max(2 * error * scale, 5);
    stroke();
    pen.globalAlpha = 1;
    pen.lineWidth = 1.5;
    stroke();
    const dot = (point, fill) => {
      pen.fillStyle = fill;
      pen.beginPath();
      pen.arc(...at(point), 5, 0, 7);
      pen.fill();
    };
    dot(metres[0][0], colour('soft'));
    dot(metres[metres.length - 1][metres[metres.length - 1].length - 1], colour('ok'));
    const round = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].filter((m) => m * scale < width / 3).pop() || 1;
    pen.fillStyle = colour('soft');
    pen.fillRect(0, height - 6, round * scale, 2);
    pen.fillText(round < 1000 ? round + ' m' : round / 1000 + ' km', 0, height - 12);
    const north = 'north up';
    pen.fillText(north, width - pen.measureText(north).width, height - 6);
    if (bars === 0) return;
    const top = Math.max(...corrections.map(([, m]) => m), 0.1);
    const each = Math.min(40, (width - 90) / corrections.length);
    pen.fillText('corrections', 0, whole - 22);
    pen.fillText('top ' + Math.round(top * 10) / 10 + ' m', 0, whole - 6);
    pen.fillStyle = colour('accent');
    corrections.forEach(([, m], index) => {
      const high = Math.max(1, (m / top) * (bars - 22));
      pen.fillRect(90 + index * each, whole - 4 - high, Math.max(1, each - 2), high);
    });
  };

  const draw = () => {
    for (const canvas of main.querySelectorAll('canvas')) {
      const data = JSON.parse(canvas.dataset.picture);
      if (canvas.dataset.kind === 'link') drawLink(canvas, data);
      else drawTrack(canvas, data);
    }
  };
  const load = async (details) => {
    const place = details.querySelector('.diff');
    if (!loaded.has(details.id)) {
      const answer = await fetch(details.dataset.href, { cache: 'no-store' });
      if (!answer.ok) return;
      loaded.set(details.id, await answer.text());
    }
    place.innerHTML = loaded.get(details.id);
  };
  const bottom = () => {
    const log = main.querySelector('.log');
    if (log) log.scrollTop = log.scrollHeight;
  };
  const refresh = async () => {
    try {
      const answer = await fetch('part', { cache: 'no-store' });
      if (!answer.ok) throw new Error(answer.statusText);
      const text = await answer.text();
      const was = [...main.querySelectorAll('details[open]')].map(({ id }) => id);
      const log = main.querySelector('.log');
      const held = log && log.scrollTop + log.clientHeight < log.scrollHeight - 4 ? log.scrollTop : null;
      main.innerHTML = text;
      for (const id of was) {
        const details = document.getElementById(id);
        if (details) details.open = true;
      }
      draw();
      if (held === null) bottom();
      else main.querySelector('.log').scrollTop = held;
      document.body.classList.remove('stale');
    } catch {
      document.body.classList.add('stale');
    }
  };
  main.addEventListener('toggle', ({ target }) => { if (target.open && target.dataset.href) load(target); }, true);
  window.addEventListener('resize', draw);
  draw();
  bottom();
  setInterval(() => { if (!document.hidden) refresh(); }, 5000);
})();
`;
