import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';

import { Vehicle } from '../api/shapes';
import { Ago, Moment } from '../ui/moment';
import { PresenceMark } from '../ui/presence-mark';
import { Format } from '../words/format';
import { PolicyOwner } from './vehicle-store';

const agrees = 2_000; // milliseconds that a heartbeat may well be under way
const wrong = 5 * 60_000; // milliseconds off after which the server flags a vehicle's clock

/** What a vehicle is now, and what the registry holds of it. */
@Component({
  selector: 'fb-vehicle-now',
  imports: [Ago, Moment, PresenceMark, RouterLink],
  templateUrl: './vehicle-now.html',
  styleUrl: './vehicle-now.scss',
})
export class VehicleNow {
  private readonly format = inject(Format);
  readonly vehicle = input.required<Vehicle>();
  readonly policyOwner = input.required<PolicyOwner | undefined>();

  /** When the vehicle says that it sent its last heartbeat. */
  protected readonly sentAt = computed(() => this.vehicle().last_sent_at);
  protected readonly clock = computed(() => {
    const received = this.vehicle().last_heartbeat_at;
    const sent = this.sentAt();
    if (!received || !sent) return '';
    return clockStory(Date.parse(sent) - Date.parse(received), this.format);
  });
  protected readonly policy = computed(() => {
    const { late_after, offline_after } = this.vehicle().policy;
    const late = this.format.duration(late_after * 1000);
    const offline = this.format.duration(offline_after * 1000);
    return $localize`late after ${late}:late:, offline after ${offline}:offline:`;
  });
  protected readonly whose = computed(() => {
    switch (this.policyOwner()) {
      case 'own':
        return $localize`its own`;
      case 'customer':
        return $localize`its customer's`;
      case 'default':
        return $localize`the default`;
      case undefined:
        return '';
    }
  });
  protected readonly count = computed(() => this.format.count(this.vehicle().heartbeats));
  protected readonly sequence = computed(() => this.vehicle().last_sequence?.toString() ?? '–');
}

/** How a vehicle's clock stands to ours; `ahead` in milliseconds. */
export function clockStory(ahead: number, format: Format): string {
  const off = format.duration(Math.abs(ahead));
  if (Math.abs(ahead) < agrees) return $localize`agrees with ours`;
  if (ahead >= wrong) return $localize`wrong: ${off}:off: ahead of ours`;
  if (ahead > 0) return $localize`${off}:off: ahead of ours`;
  if (ahead > -wrong) return $localize`${off}:off: behind ours, or as long under way`;
  return $localize`wrong: ${off}:off: behind ours, or as long under way`;
}
