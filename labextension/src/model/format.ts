import { english, type ITranslate } from '../translation';

/** A number with the separators of the reader's language, such as 8,192. */
export function formatCount(value: number): string {
  return value.toLocaleString();
}

/** A size as disks and downloads are named, in powers of 1000: 815 MB, 4.7 GB. */
export function formatBytes(
  bytes: number,
  trans: ITranslate = english
): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = Math.max(0, bytes);
  let unit = 0;
  // What would round to 1000 is one of the next unit.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return trans.__('%1 %2', short(value, unit === 0 ? 0 : 1), units[unit] ?? '');
}

/** A time span as it is said: 12 ms, 0.4 s, 8 s, 2 min 5 s, 1 h 3 min. */
export function formatSeconds(
  seconds: number,
  trans: ITranslate = english
): string {
  const value = Math.max(0, seconds);
  if (value < 0.0995) {
    return trans.__('%1 ms', Math.round(value * 1000));
  }
  if (value < 59.5) {
    return trans.__('%1 s', short(value, 1));
  }
  const minutes = Math.floor(Math.round(value) / 60);
  if (minutes < 60) {
    return trans.__('%1 min %2 s', minutes, Math.round(value) % 60);
  }
  return trans.__('%1 h %2 min', Math.floor(minutes / 60), minutes % 60);
}

/** One decimal below ten, none above: no reader needs more. */
function short(value: number, decimals: number): string {
  const digits = value < 9.95 ? decimals : 0;
  return value.toLocaleString(undefined, { maximumFractionDigits: digits });
}

/** What a chat is called on the screen. */
export function formatTitle(title: string, trans: ITranslate): string {
  return title || trans.__('Untitled chat');
}
