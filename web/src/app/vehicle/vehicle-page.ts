import { Clipboard } from '@angular/cdk/clipboard';
import { Location } from '@angular/common';
import { Component, computed, effect, inject, input, signal, untracked, viewChild } from '@angular/core';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatIcon } from '@angular/material/icon';
import { MatSnackBar } from '@angular/material/snack-bar';
import { Router, RouterLink } from '@angular/router';

import { Confirm } from '../ui/confirm';
import { Empty } from '../ui/empty';
import { Notice } from '../ui/notice';
import { ReachName, readReach } from '../ui/reach';
import { Skeleton } from '../ui/skeleton';
import { shortcutOf } from '../ui/shortcut';
import { UptimeCard } from '../ui/uptime/uptime-card';
import { VehicleForm } from '../ui/vehicle-form';
import { HeartbeatsTable } from './heartbeats-table';
import { PresenceCard } from './presence-card';
import { VehicleNow } from './vehicle-now';
import { VehicleStore } from './vehicle-store';

/** Everything about one vehicle, now and as far back as memory goes. */
@Component({
  selector: 'fb-vehicle-page',
  imports: [
    Empty,
    HeartbeatsTable,
    MatButton,
    MatIcon,
    MatIconButton,
    Notice,
    PresenceCard,
    RouterLink,
    Skeleton,
    UptimeCard,
    VehicleNow,
  ],
  providers: [VehicleStore],
  templateUrl: './vehicle-page.html',
  styles: `
    h1 {
      overflow-wrap: anywhere;
    }
    .past {
      display: grid;
      grid-template-columns: repeat(2, minmax(0, 1fr));
      gap: var(--fb-gap);
      align-items: start;
    }
    @media (width <= 1200px) {
      .past {
        grid-template-columns: minmax(0, 1fr);
      }
    }
    .whole {
      grid-column: 1 / -1;
    }
    .now {
      min-height: 108px;
    }
    .strip {
      min-height: 154px;
    }
  `,
  host: { '(document:keydown)': 'press($event)' },
})
export class VehiclePage {
  private readonly clipboard = inject(Clipboard);
  private readonly confirm = inject(Confirm);
  private readonly form = inject(VehicleForm);
  private readonly location = inject(Location);
  private readonly router = inject(Router);
  private readonly snackBar = inject(MatSnackBar);
  private readonly heartbeats = viewChild(HeartbeatsTable);
  // Asked when it opens: later navigations on this screen count on without leaving a place to go back to.
  private readonly cameFromAScreen = navigationOf(this.location) > 1;
  protected readonly store = inject(VehicleStore);

  readonly vin = input.required<string>();
  /** How far back one looks, from the address. */
  readonly span = input<string>();
  protected readonly reach = computed(() => readReach(this.span()));
  protected readonly of = computed(() => ({ vin: this.vin() }));
  /** Why an action of the person did not succeed. */
  protected readonly refused = signal<unknown>(undefined);

  constructor() {
    effect(() => {
      const vin = this.vin();
      untracked(() => {
        this.refused.set(undefined);
        void this.store.open(vin);
      });
    });
    // That the server cannot be reached is then said once, and no longer when it can.
    effect(() => this.store.problem() && this.refused.set(undefined));
  }

  protected press(event: KeyboardEvent): void {
    const act = {
      c: () => this.copy(),
      e: () => void this.edit(),
      h: () => this.heartbeats()?.refresh(),
      p: () => void this.togglePause(),
    }[shortcutOf(event)];
    if (!act || !this.store.vehicle()) return;
    event.preventDefault();
    act();
  }

  protected back(): void {
    if (this.cameFromAScreen) this.location.back();
    else void this.router.navigateByUrl('/');
  }

  protected look(span: ReachName): void {
    void this.router.navigate([], { queryParams: { span }, queryParamsHandling: 'merge', replaceUrl: true });
  }

  protected copy(): void {
    const done = this.clipboard.copy(this.vin());
    this.say(done ? $localize`The VIN is copied` : $localize`The browser does not allow copying`);
  }

  protected async togglePause(): Promise<void> {
    const vehicle = this.store.vehicle();
    if (!vehicle) return;
    await this.attempt(async () => {
      await this.store.pause(!vehicle.paused);
      this.say(vehicle.paused ? $localize`It is watched again` : $localize`It is paused: nobody watches it`);
    });
  }

  protected async edit(): Promise<void> {
    const vehicle = this.store.vehicle();
    if (vehicle && (await this.form.edit(vehicle))) await this.store.open(vehicle.vin);
  }

  protected async add(): Promise<void> {
    if (await this.form.create({ vin: this.vin() })) await this.store.open(this.vin());
  }

  protected async remove(): Promise<void> {
    const vin = this.vin();
    const yes = await this.confirm.ask({
      title: $localize`Remove ${vin}:vin:?`,
      text: $localize`It leaves the registry, with its registration number, tags and policy. Its heartbeats are refused from then on. The log keeps its past under a number, which is not given to another vehicle.`,
      act: $localize`Remove`,
    });
    if (!yes) return;
    await this.attempt(async () => {
      await this.store.remove();
      this.say($localize`${vin}:vin: is removed`);
      this.back();
    });
  }

  private async attempt(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.refused.set(undefined);
    } catch (error) {
      this.refused.set(error);
    }
  }

  private say(text: string): void {
    this.snackBar.open(text, undefined, { duration: 4000 });
  }
}

// Which navigation since the page was loaded led to the present place.
function navigationOf(location: Location): number {
  return ((location.getState() ?? {}) as { navigationId?: number }).navigationId ?? 1;
}
