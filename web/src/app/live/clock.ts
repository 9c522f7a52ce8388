import { DestroyRef, Injectable, inject, signal } from '@angular/core';

/**
 * The server's time, as well as this page knows it. Ages are told by it, because a browser's clock may be minutes off.
 * It ticks once a second, so that what it is shown in ages without a question to the server.
 */
@Injectable({ providedIn: 'root' })
export class Clock {
  private ahead = 0; // of Date.now(), in milliseconds
  private heard = false;
  private readonly ticked = signal(Date.now());

  /** Milliseconds since 1970, changing once a second. */
  readonly now = this.ticked.asReadonly();

  constructor() {
    const timer = setInterval(() => this.ticked.set(this.precise()), 1000);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
  }

  /** Milliseconds since 1970 at this very moment. */
  precise(): number {
    return Date.now() + this.ahead;
  }

  /**
   * Takes in a time that the server says is now. It reaches us late, never early, so the latest one is the best; a large
   * step back means that one of the two clocks was set.
   */
  hear(server: number): void {
    const ahead = server - Date.now();
    if (this.heard && ahead < this.ahead && ahead > this.ahead - 5000) return;
    this.heard = true;
    this.ahead = ahead;
    if (Math.abs(this.precise() - this.ticked()) > 2000) this.ticked.set(this.precise());
  }
}
