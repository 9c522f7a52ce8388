import { Component, effect, inject, signal, untracked } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButton } from '@angular/material/button';
import { MatSnackBar } from '@angular/material/snack-bar';

import { Api } from '../api/api';
import { Problem } from '../api/problem';
import { Policy } from '../api/shapes';
import { Feed } from '../live/feed';
import { Notice } from '../ui/notice';
import { PolicyFields, policyGroup, policyOf, refusePolicy, setPolicy } from '../ui/policy-fields';
import { Skeleton } from '../ui/skeleton';
import { Format } from '../words/format';

/** Shows and sets the policy of all vehicles that have none of their own or of their customer's. */
@Component({
  selector: 'fb-policy-panel',
  imports: [MatButton, Notice, PolicyFields, Skeleton],
  template: `
    <p class="fb-soft" i18n>
      The default policy holds for every vehicle that has no policy of its own and whose customer has none
      either. Times are lengths of silence while Fleetbeat was listening: what it could not hear is never held
      against a vehicle.
    </p>
    @if (problem()) {
      <fb-notice [problem]="problem()" [again]="!policy()" (retry)="fetch()" />
    }
    @if (policy()) {
      <form (submit)="$event.preventDefault(); save()">
        <fb-policy-fields [group]="group" />
        <p class="effect" aria-live="polite">{{ effect() }}</p>
        <div class="fb-row">
          <button matButton="filled" type="submit" [disabled]="busy()" i18n>Set the default policy</button>
          <button matButton type="button" [disabled]="!changed()" (click)="reset()" i18n>Undo</button>
        </div>
      </form>
    } @else if (!problem()) {
      <fb-skeleton class="blank" [lines]="4" />
    }
  `,
  styles: `
    :host {
      display: block;
      max-width: 48em;
    }
    p {
      margin: 0 0 8px;
    }
    .effect {
      min-height: 3em;
    }
    .blank {
      min-height: 200px;
    }
  `,
})
export class PolicyPanel {
  private readonly api = inject(Api);
  private readonly feed = inject(Feed);
  private readonly format = inject(Format);
  private readonly snackBar = inject(MatSnackBar);
  private readonly found = signal<Policy | undefined>(undefined);

  protected readonly policy = this.found.asReadonly();
  protected readonly group = policyGroup();
  protected readonly problem = signal<unknown>(undefined);
  protected readonly busy = signal(false);
  private readonly typed = toSignal(this.group.valueChanges);

  constructor() {
    effect(() => {
      this.feed.resyncs(); // the server is back
      const problem = untracked(this.problem);
      if (problem instanceof Problem && problem.status === 0) this.problem.set(undefined);
    });
    void this.fetch();
  }

  /** What the fields would do, in words; empty while they say nothing. */
  protected effect(): string {
    this.typed();
    if (this.group.invalid) return '';
    const { late_after, offline_after } = policyOf(this.group);
    const late = this.format.duration(late_after * 1000);
    const offline = this.format.duration(offline_after * 1000);
    return $localize`A vehicle that was online is called late after ${late}:late: without a heartbeat, and offline after ${offline}:offline:. Its next heartbeat makes it online again at once. Vehicles should report about twice in the time until they are late.`;
  }

  /** Whether the fields say something else than what holds. */
  protected changed(): boolean {
    this.typed();
    const [policy, typed] = [this.found(), policyOf(this.group)];
    return policy?.late_after !== typed.late_after || policy?.offline_after !== typed.offline_after;
  }

  protected async fetch(): Promise<void> {
    try {
      const policy = await this.api.get('/v1/policy');
      this.found.set(policy);
      setPolicy(this.group, policy);
      this.problem.set(undefined);
    } catch (error) {
      this.problem.set(error);
    }
  }

  protected reset(): void {
    const policy = this.found();
    if (policy) setPolicy(this.group, policy);
  }

  protected async save(): Promise<void> {
    for (const field of Object.values(this.group.controls)) field.updateValueAndValidity();
    this.group.markAllAsTouched();
    if (this.group.invalid || this.busy()) return;
    this.busy.set(true);
    try {
      this.found.set(await this.api.put('/v1/policy', { body: policyOf(this.group) }));
      this.problem.set(undefined);
      this.snackBar.open($localize`The default policy is set`, undefined, { duration: 4000 });
    } catch (error) {
      const places = error instanceof Problem ? error.places : [];
      const placed = places.filter((place) => refusePolicy(this.group, place.location, place.message));
      this.problem.set(places.length > 0 && placed.length === places.length ? undefined : error);
    } finally {
      this.busy.set(false);
    }
  }
}
