/** Keeps the screen from going dark as long as the page is in sight, where the browser can. It returns what ends that. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | undefined;
  let ended = false;
  const take = async () => {
    if (document.visibilityState !== 'visible') return;
    try {
      const taken = await navigator.wakeLock?.request('screen');
      if (ended) await taken?.release();
      else lock = taken;
    } catch {
      // Refused, as on a battery that is low: the screen's own settings hold.
    }
  };
  const again = () => void take(); // the browser lets go of it whenever the page is out of sight
  document.addEventListener('visibilitychange', again);
  void take();
  return () => {
    ended = true;
    document.removeEventListener('visibilitychange', again);
    void lock?.release();
  };
}
