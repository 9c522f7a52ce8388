const sizes: Record<string, number> = { h: 3600, m: 60, s: 1 };

/** Reads a length of time such as `90`, `90s`, `1m30s` or `2h`, in seconds; NaN when it is none. */
export function readAfter(text: string): number {
  const compact = text.replace(/\s+/g, '').toLowerCase();
  if (/^\d+(\.\d+)?$/.test(compact)) return Number(compact);
  const parts = /^(\d+(?:\.\d+)?h)?(\d+(?:\.\d+)?m)?(\d+(?:\.\d+)?s)?$/
    .exec(compact)
    ?.slice(1)
    .filter(Boolean);
  if (!parts?.length) return NaN;
  return parts.reduce((sum, part) => sum + Number(part.slice(0, -1)) * (sizes[part.slice(-1)] ?? NaN), 0);
}

/** Writes seconds as `readAfter` reads them, such as `1m30s`. */
export function writeAfter(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = Math.round((seconds % 60) * 1000) / 1000;
  const text = (hours ? `${hours}h` : '') + (minutes ? `${minutes}m` : '') + (rest ? `${rest}s` : '');
  return text || '0s';
}
