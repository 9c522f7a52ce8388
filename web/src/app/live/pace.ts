/**
 * Does something again and again, but never more often than once in a while, and never twice at once: however much
 * happens, the server is asked at a calm pace.
 */
export class Pace {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private began = -Infinity;
  private running = false;
  private again = false;
  private stopped = false;

  /** @param every milliseconds between the beginnings of two rounds */
  constructor(
    private readonly round: () => Promise<void>,
    private readonly every: number,
  ) {}

  /** Asks for a round at the pace. */
  soon(): void {
    if (this.stopped) return;
    if (this.running) this.again = true;
    else
      this.timer ??= setTimeout(
        () => void this.run(),
        Math.max(0, this.began + this.every - performance.now()),
      );
  }

  /** Asks for a round at once, even beside one that is going on and is of no use any more. */
  now(): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.run()); // once, however many ask for it now
  }

  /** Ends it. A round that is going on is not waited for. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.began = performance.now();
    this.running = true;
    this.again = false;
    const began = this.began;
    await this.round();
    if (began !== this.began) return; // another one was asked for at once
    this.running = false;
    if (this.again) this.soon();
  }
}
