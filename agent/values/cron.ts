/** One field of a cron expression: its name in words, what it may hold, and names that stand for numbers. */
interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Field[] = [
  { name: 'second', min: 0, max: 59, names: [] },
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 7, names: DAYS },
];
/** Longest day number of each month, leap years counted. */
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Why a text is not a cron expression: five fields (minute to day of week) or six (second first), each a list of `*`, `a`, `a-b` with
 * or without `/step`; null if it is one. Pure. A subset of what the scheduler reads, so that what passes here always runs.
 */
export function whyNoCron(text: string): string | null {
  const parts = text.trim().split(/\s+/);
  if (text.trim() === '' || (parts.length !== 5 && parts.length !== 6)) {
    const found = text.trim() === '' ? 'none' : String(parts.length);
    return `expected five fields (minute, hour, day of month, month, day of week), found ${found}`;
  }
  const fields = FIELDS.slice(FIELDS.length - parts.length);
  for (const [index, field] of fields.entries()) {
    const why = whyNoField(parts[index] ?? '', field);
    if (why !== null) return why;
  }
  const [days = '*', months = '*'] = parts.slice(-3);
  return whyNever(days, months);
}

function whyNoField(text: string, field: Field): string | null {
  const { name, min, max } = field;
  for (const item of text.split(',')) {
    const match = /^(\*|\w+(?:-\w+)?)(?:\/(\d{1,3}))?$/.exec(item);
    const [range = '', step] = match?.slice(1) ?? [];
    const ends = range === '*' ? [min, max] : range.split('-').map((end) => numberOf(end, field));
    const [from = null, to = from] = ends;
    if (match === null || from === null || to === null)
      return `${name}: expected ${min} to ${max} or *, found '${item}'`;
    if (from < min || to > max || from > max) return `${name}: expected ${min} to ${max}, found '${item}'`;
    if (from > to) return `${name}: '${item}' goes backwards`;
    if (step !== undefined && (Number(step) < 1 || Number(step) > max)) {
      return `${name}: expected a step of 1 to ${max}, found '${item}'`;
    }
    if (step !== undefined && range !== '*' && !range.includes('-')) {
      return `${name}: a step needs * or a range before it, found '${item}'`;
    }
  }
  return null;
}

function numberOf(text: string, { names, min }: Field): number | null {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + min;
  return /^\d{1,2}$/.test(text) ? Number(text) : null;
}

/** A day that none of the months has: a schedule that never comes round. */
function whyNever(days: string, months: string): string | null {
  const [day, month] = [days, months].map((text) => text.split(',').map((item) => item.split('/')[0] ?? ''));
  const field = FIELDS[4];
  if (field === undefined || day === undefined || month === undefined) return null;
  const first = Math.min(...day.map((range) => (range === '*' ? 1 : Number(range.split('-')[0]))));
  const longest = Math.max(...month.map((range) => longestMonth(range, field)));
  return first > longest ? `day of month: '${days}' never comes in month '${months}'` : null;
}

function longestMonth(range: string, field: Field): number {
  const [from = 1, to = from] = range === '*' ? [1, 12] : range.split('-').map((end) => numberOf(end, field) ?? 1);
  return Math.max(...MONTH_DAYS.slice(from - 1, to));
}

/** When a five-field expression matches, asked with local times: milliseconds as if the local clock were UTC. */
export interface CronTimes {
  /** True on days the expression names. As every crontab has it: with both day fields narrowed, either will do. */
  day(localMs: number): boolean;
  /** True at minutes of a day the expression names. */
  minute(localMs: number): boolean;
  /** True where the hour field is open (`*`): what it names has no hour of its own. */
  readonly everyHour: boolean;
}

/** Reads an expression of five fields that {@link whyNoCron} has passed. Pure. */
export function cronTimes(text: string): CronTimes {
  const parts = text.trim().split(/\s+/);
  const [minutes, hours, days, months, weekdays] = FIELDS.slice(1).map((field, index) =>
    numbersOf(parts[index] ?? '*', field),
  );
  const isOpen = (index: number) => parts[index]?.startsWith('*') === true;
  return {
    day(localMs) {
      const date = new Date(localMs);
      if (months?.has(date.getUTCMonth() + 1) !== true) return false;
      const byDay = days?.has(date.getUTCDate()) === true;
      const weekday = date.getUTCDay();
      const byWeekday = weekdays?.has(weekday) === true || (weekday === 0 && weekdays?.has(7) === true);
      return isOpen(2) || isOpen(4) ? byDay && byWeekday : byDay || byWeekday;
    },
    minute(localMs) {
      const date = new Date(localMs);
      return hours?.has(date.getUTCHours()) === true && minutes?.has(date.getUTCMinutes()) === true;
    },
    everyHour: isOpen(1),
  };
}

function numbersOf(text: string, field: Field): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const item of text.split(',')) {
    const [range = '*', step = '1'] = item.split('/');
    const [from = field.min, to = from] =
      range === '*' ? [field.min, field.max] : range.split('-').map((end) => numberOf(end, field) ?? field.min);
    for (let number = from; number <= to; number += Number(step)) numbers.add(number);
  }
  return numbers;
}
