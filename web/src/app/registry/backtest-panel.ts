import { Component, DestroyRef, inject, signal } from '@angular/core';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatButtonToggle, MatButtonToggleGroup } from '@angular/material/button-toggle';
import { MatIcon } from '@angular/material/icon';
import { MatProgressBar } from '@angular/material/progress-bar';

import { Api } from '../api/api';
import { Problem } from '../api/problem';
import { Backtest } from '../api/shapes';
import { Clock } from '../live/clock';
import { CustomerPicker, PickedCustomer } from '../ui/customer-picker';
import { Notice } from '../ui/notice';
import { PolicyFields, policyGroup, policyOf, refusePolicy, setPolicy } from '../ui/policy-fields';
import { BacktestResult } from './backtest-result';

const day = 86_400_000; // milliseconds
const examples = 5; // outages of each kind that are named

/** Asks what another policy would have meant for the past. */
@Component({
  selector: 'fb-backtest-panel',
  imports: [
    BacktestResult,
    CustomerPicker,
    MatButton,
    MatButtonToggle,
    MatButtonToggleGroup,
    MatIcon,
    MatIconButton,
    MatProgressBar,
    Notice,
    PolicyFields,
  ],
  templateUrl: './backtest-panel.html',
  styles: `
    .intro,
    form {
      max-width: 48em;
    }
    .intro {
      margin: 0 0 8px;
    }
    .chosen {
      display: inline-flex;
      align-items: center;
      padding-inline-start: 12px;
      border: 1px solid var(--mat-sys-outline);
      border-radius: 8px;
    }
    .act {
      min-height: 48px;
      margin-block: 8px;
    }
  `,
})
export class BacktestPanel {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);

  protected readonly group = policyGroup();
  protected readonly days = signal(7); // back from now; 0 for all
  protected readonly customer = signal<PickedCustomer | undefined>(undefined);
  protected readonly running = signal<AbortController | undefined>(undefined);
  protected readonly problem = signal<unknown>(undefined);
  protected readonly result = signal<Backtest | undefined>(undefined);

  constructor() {
    inject(DestroyRef).onDestroy(() => this.cancel());
    void this.begin();
  }

  protected cancel(): void {
    this.running()?.abort();
  }

  protected async run(): Promise<void> {
    for (const field of Object.values(this.group.controls)) field.updateValueAndValidity();
    this.group.markAllAsTouched();
    if (this.group.invalid || this.running()) return;
    const running = new AbortController();
    this.running.set(running);
    this.problem.set(undefined);
    try {
      this.result.set(await this.api.post('/v1/backtest', { body: this.question(), signal: running.signal }));
    } catch (error) {
      if (!running.signal.aborted) this.refuse(error);
    } finally {
      this.running.set(undefined);
    }
  }

  // Most people want to know what happens when they change what holds.
  private async begin(): Promise<void> {
    try {
      const policy = await this.api.get('/v1/policy');
      if (this.group.pristine) setPolicy(this.group, policy);
    } catch {
      // The fields stay empty: what is wrong is said when the question is asked.
    }
  }

  private question() {
    const [customer, days] = [this.customer(), this.days()];
    return {
      ...policyOf(this.group),
      examples,
      ...(customer && { customer_id: customer.id }),
      ...(days > 0 && { from: new Date(this.clock.precise() - days * day).toISOString() }),
    };
  }

  private refuse(error: unknown): void {
    const places = error instanceof Problem ? error.places : [];
    const placed = places.filter((place) => refusePolicy(this.group, place.location, place.message));
    if (places.length === 0 || placed.length < places.length) this.problem.set(error);
  }
}
